/**
 * What a statement is made of, as the parser gives it. `at` is the character of the text at which a part begins, from 0.
 *
 *     editor(argument, name=argument) where condition
 */
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='
export type Arithmetic = '+' | '-' | '*' | '/'

export interface StatementSyntax {
  readonly editor: CallSyntax
  readonly where: ConditionSyntax | undefined
}

/** A call of an editor or of a converter; only the latter can be indexed. */
export interface CallSyntax {
  readonly kind: 'call'
  readonly at: number
  readonly name: string
  readonly arguments: readonly ArgumentSyntax[]
  readonly keys: readonly KeySyntax[]
}

export interface ArgumentSyntax {
  readonly at: number
  /** As `depth` in `flatten(body, depth=2)`. */
  readonly name: string | undefined
  readonly value: ValueSyntax
}

export type ConditionSyntax =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly ConditionSyntax[] }
  | { readonly kind: 'not'; readonly condition: ConditionSyntax }
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'test'; readonly call: CallSyntax }
  | {
      readonly kind: 'comparison'
      readonly left: ValueSyntax
      readonly operator: Comparison
      readonly right: ValueSyntax
    }

export type ValueSyntax =
  | { readonly kind: 'literal'; readonly at: number; readonly value: undefined | string | boolean | Uint8Array }
  | { readonly kind: 'number'; readonly at: number; readonly value: bigint | number }
  | { readonly kind: 'enum'; readonly at: number; readonly name: string }
  /** The name of a converter without a call, as an argument that takes a function. */
  | { readonly kind: 'function'; readonly at: number; readonly name: string }
  | { readonly kind: 'list'; readonly at: number; readonly values: readonly ValueSyntax[] }
  | { readonly kind: 'map'; readonly at: number; readonly entries: readonly (readonly [string, ValueSyntax])[] }
  | {
      readonly kind: 'arithmetic'
      readonly at: number
      readonly operator: Arithmetic
      readonly left: ValueSyntax
      readonly right: ValueSyntax
    }
  | { readonly kind: 'negation'; readonly at: number; readonly value: ValueSyntax }
  | CallSyntax
  | PathSyntax
  | LambdaSyntax

/** `(key, _) => HasPrefix(key, "http.")`: an argument that a function calls. */
export interface LambdaSyntax {
  readonly kind: 'lambda'
  readonly at: number
  /** Their names, `_` of one that is not looked at. */
  readonly parameters: readonly string[]
  readonly body:
    | { readonly kind: 'value'; readonly value: ValueSyntax }
    | { readonly kind: 'condition'; readonly condition: ConditionSyntax }
}

/** `span.attributes["a"][0]`. */
export interface PathSyntax {
  readonly kind: 'path'
  readonly at: number
  readonly fields: readonly FieldSyntax[]
}

export interface FieldSyntax {
  readonly at: number
  readonly name: string
  readonly keys: readonly KeySyntax[]
}

export interface KeySyntax {
  readonly at: number
  readonly value: ValueSyntax
}
