/** What a function is, and how its parameters take what a statement gives them. */
import type { Compiler } from './compiler.ts'
import type { ContextName } from './contexts.ts'
import type { Item, Node } from './node.ts'
import type { ArgumentSyntax } from './syntax.ts'
import type { Value } from './value.ts'

/** One parameter: makes of an argument what the function gets. */
export interface Parameter<T = unknown> {
  readonly isOptional?: boolean
  /** Throws `StatementError` at the argument, or `EvaluationError`, which the compiler puts there. */
  build(argument: ArgumentSyntax, compiler: Compiler): T
  /** Of a value that is no argument: for a function that is handed to another. */
  ofNode?(node: Node): T
}

type Arguments<P> = { readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never }

/** An editor or a converter: the first letter of its name, as in the language, says which. */
export interface FunctionDefinition {
  readonly name: string
  /** In the order in which arguments without a name are taken; those that may be absent are the last. */
  readonly parameters: ReadonlyMap<string, Parameter>
  /** Where it is; undefined: everywhere. */
  readonly contexts: readonly ContextName[] | undefined
  /** Throws `EvaluationError` for arguments that it cannot use. */
  create(values: Readonly<Record<string, unknown>>): (item: Item) => Value
}

/** `parameters`: in order; names in lowerCamelCase, which statements write with underscores. */
export function defineFunction<P extends Readonly<Record<string, Parameter>>>(
  name: string,
  parameters: P,
  create: (values: Arguments<P>) => (item: Item) => Value,
  contexts?: readonly ContextName[],
): FunctionDefinition {
  return {
    name,
    parameters: new Map(Object.entries(parameters)),
    contexts,
    create,
  }
}

/** A converter of one value. `parameter`: the only one, by its name. */
export function defineConverter<T>(
  name: string,
  parameter: Readonly<Record<string, Parameter<Node<T>>>>,
  convert: (value: T) => Value,
): FunctionDefinition {
  return defineFunction(name, parameter, (values) => {
    const [node] = Object.values(values) as [Node<T>]
    return (item) => convert(node.get(item))
  })
}
