/** Syntax to closures: what can be decided before there is an item, is. */
import { didYouMean } from '../component/index.ts'
import { arithmetic, negate } from './arithmetic.ts'
import { compare, isEqual } from './compare.ts'
import { enumValue, ownerOf, type ContextName } from './contexts.ts'
import { EvaluationError, StatementError } from './error.ts'
import type { FunctionDefinition } from './function.ts'
import { FUNCTIONS, UNSUPPORTED } from './functions/index.ts'
import { indexed, type Keys } from './indexing.ts'
import { folded, literal, NO_ITEM, type Item, type Node, type PathNode } from './node.ts'
import { CACHE, MISSING, PATHS, type Path } from './paths/index.ts'
import type {
  ArgumentSyntax,
  CallSyntax,
  ConditionSyntax,
  FieldSyntax,
  KeySyntax,
  LambdaSyntax,
  PathSyntax,
  StatementSyntax,
  ValueSyntax,
} from './syntax.ts'
import { list, map, typeName, type Value, storable } from './value.ts'

export type Condition = (item: Item) => boolean

/** What a lambda expression gives for an item and its arguments, which are as many as it has parameters. */
export type Lambda = (item: Item, ...values: readonly Value[]) => Value

/** Where a parameter's value is while the lambda expression runs: nothing runs within itself. */
interface Local {
  value: Value
}

const ALWAYS: Condition = () => true
const NEVER: Condition = () => false

/** Compiles for one context. Throws {@link StatementError}. */
export class Compiler {
  readonly context: ContextName
  /** Whether the context was not written: then each path says whose it is. */
  readonly isInferred: boolean
  /** The parameters of the lambda expressions around what is compiled, the outermost first. */
  readonly #locals: ReadonlyMap<string, Local>[] = []

  constructor(context: ContextName, isInferred: boolean) {
    this.context = context
    this.isInferred = isInferred
  }

  /** Does what the statement says to an item, where its condition is true. */
  statement({ editor, where }: StatementSyntax): (item: Item) => void {
    const edit = this.#call(editor)
    if (!where) return edit
    const condition = this.condition(where)
    return (item) => {
      if (condition(item)) edit(item)
    }
  }

  condition(syntax: ConditionSyntax): Condition {
    switch (syntax.kind) {
      case 'constant':
        return constant(syntax.value)
      case 'not': {
        const condition = this.condition(syntax.condition)
        if (condition === ALWAYS || condition === NEVER) return constant(condition === NEVER)
        return (item) => !condition(item)
      }
      case 'and': {
        // What is known before there is an item decides, so that the other parts cannot fail.
        const parts = syntax.parts.map((part) => this.condition(part)).filter((part) => part !== ALWAYS)
        if (parts.length < 2 || parts.includes(NEVER)) return parts.includes(NEVER) ? NEVER : (parts[0] ?? ALWAYS)
        return (item) => {
          for (const part of parts) if (!part(item)) return false
          return true
        }
      }
      case 'or': {
        const parts = syntax.parts.map((part) => this.condition(part)).filter((part) => part !== NEVER)
        if (parts.length < 2 || parts.includes(ALWAYS)) return parts.includes(ALWAYS) ? ALWAYS : (parts[0] ?? NEVER)
        return (item) => {
          for (const part of parts) if (part(item)) return true
          return false
        }
      }
      case 'test': {
        const { get } = this.value(syntax.call)
        const { name } = syntax.call
        return (item) => {
          const value = get(item)
          if (typeof value !== 'boolean')
            throw new EvaluationError(`${name} must give a bool to be a condition, got ${typeName(value)}`)
          return value
        }
      }
      default: {
        const { operator } = syntax
        const left = this.value(syntax.left)
        const right = this.value(syntax.right)
        if (left.isLiteral && right.isLiteral) return constant(compare(left.get(NO_ITEM), operator, right.get(NO_ITEM)))
        if (right.isLiteral && operator === '==') {
          const value = right.get(NO_ITEM)
          const { isText } = left
          if (isText && typeof value === 'string') return (item) => isText(item, value)
          return (item) => isEqual(left.get(item), value)
        }
        return (item) => compare(left.get(item), operator, right.get(item))
      }
    }
  }

  value(syntax: ValueSyntax): Node {
    switch (syntax.kind) {
      case 'literal':
      case 'number':
        return literal(syntax.value)
      case 'enum':
        return literal(enumValue(this.context, syntax.name, syntax.at))
      case 'function':
        throw new StatementError(
          syntax.at,
          `"${syntax.name}" is no value; a converter is called, like ${syntax.name}(…)`,
        )
      case 'list': {
        const values = syntax.values.map((value) => this.value(value))
        return folded(values, (item) => list(values.map((value) => value.get(item))))
      }
      case 'map': {
        const entries = new Map(syntax.entries.map(([key, value]) => [key, this.value(value)]))
        return folded([...entries.values()], (item) =>
          map(Array.from(entries, ([key, node]) => [key, storable(node.get(item))])),
        )
      }
      case 'arithmetic': {
        const left = this.value(syntax.left)
        const right = this.value(syntax.right)
        const { operator } = syntax
        return { get: (item) => arithmetic(left.get(item), operator, right.get(item)) }
      }
      case 'negation': {
        const { get } = this.value(syntax.value)
        return { get: (item) => negate(get(item)) }
      }
      case 'path':
        return this.#local(syntax) ?? this.path(syntax)
      case 'lambda':
        throw new StatementError(
          syntax.at,
          'a lambda expression is no value; functions take one that call it, like Filter(…)',
        )
      default: {
        const get = this.#call(syntax)
        const keys = this.#keys(syntax.keys)
        return { get: keys ? (item) => indexed(get(item), keys, item) : get }
      }
    }
  }

  lambda({ parameters, body }: LambdaSyntax): Lambda {
    const locals = parameters.map((): Local => ({ value: undefined }))
    this.#locals.push(new Map(parameters.map((name, index) => [name, locals[index]!])))
    let get: Node['get']
    try {
      get = body.kind === 'value' ? this.value(body.value).get : this.condition(body.condition)
    } finally {
      this.#locals.pop()
    }
    return (item, ...values) => {
      for (let index = 0; index < locals.length; index++) locals[index]!.value = values[index]
      return get(item)
    }
  }

  /** The parameter of a lambda expression that it names; undefined where it is a path. */
  #local({ fields: [first, second] }: PathSyntax): Node | undefined {
    const local = this.#locals.findLast((each) => each.has(first!.name))?.get(first!.name)
    if (!local) return undefined
    const { name } = first!
    if (second)
      throw new StatementError(second.at, `"${name}" is a parameter, not a path; write ${name}["${second.name}"]`)
    const keys = this.#keys(first!.keys)
    return { get: keys ? (item) => indexed(local.value, keys, item) : () => local.value }
  }

  path(syntax: PathSyntax): PathNode {
    const { owner, words } = ownerOf(syntax, this.context, this.isInferred)
    const [first, ...rest] = syntax.fields.slice(words) as [FieldSyntax, ...FieldSyntax[]]
    const paths = PATHS[owner]
    if (first.name === 'cache' && owner !== this.context)
      throw new StatementError(syntax.at, `each context has its own cache; write ${this.context}.cache`)
    let path = first.name === 'cache' ? CACHE : paths[first.name]
    if (!path) {
      if (MISSING[owner]?.includes(first.name))
        throw new StatementError(first.at, `the path "${first.name}" of ${owner} is not supported`)
      throw unknownPath(first, owner, [...Object.keys(paths), ...(owner === 'otelcol' ? [] : ['cache'])])
    }
    let field = first
    for (const next of rest) {
      if (field.keys.length > 0) break
      const inner: Path | undefined = path.fields?.[next.name]
      if (!inner) throw unknownPath(next, field.name, Object.keys(path.fields ?? {}))
      path = inner
      field = next
    }
    const last = syntax.fields.at(-1)!
    if (field !== last)
      throw new StatementError(last.at, `nothing of "${field.name}" is named behind its keys; write ["${last.name}"]`)
    const keys = this.#keys(field.keys)
    if (path.isGroup)
      throw new StatementError(
        last.at,
        `"${last.name}" is no value; name one of ${Object.keys(path.fields!).join(', ')}`,
      )
    if (!keys) return path
    if (!path.at) throw new StatementError(field.keys[0]!.at, `"${field.name}" cannot be indexed`)
    return here(field.keys[0]!.at, () => path.at!(keys))
  }

  /** Throws where there is none, or none in this context. */
  definition(name: string, at: number): FunctionDefinition {
    const definition = FUNCTIONS.get(name)
    if (!definition) {
      if (UNSUPPORTED.has(name)) throw new StatementError(at, `the function "${name}" is not supported`)
      throw new StatementError(at, `unknown function "${name}"${didYouMean(name, FUNCTIONS.keys())}`)
    }
    if (definition.contexts && !definition.contexts.includes(this.context)) {
      const contexts = definition.contexts.join(' and ')
      throw new StatementError(at, `"${name}" is for the context ${contexts}, not for ${this.context}`)
    }
    return definition
  }

  #call({ name, at, arguments: given }: CallSyntax): (item: Item) => Value {
    const definition = this.definition(name, at)
    const names = [...definition.parameters.keys()]
    const values: Record<string, unknown> = {}
    let isNamed = false
    given.forEach((argument, index) => {
      isNamed ||= argument.name !== undefined
      if (isNamed && argument.name === undefined)
        throw new StatementError(argument.at, 'an argument without a name stands behind one with a name')
      const key = argument.name === undefined ? names[index] : nameOf(argument.name)
      const parameter = key === undefined ? undefined : definition.parameters.get(key)
      if (key === undefined || !parameter) throw new StatementError(argument.at, noParameter(name, names, argument))
      if (key in values) throw new StatementError(argument.at, `"${argument.name}" is given twice`)
      values[key] = here(argument.value.at, () => parameter.build(argument, this))
    })
    for (const [key, { isOptional }] of definition.parameters) {
      if (isOptional || key in values) continue
      throw new StatementError(at, `${name} wants ${signature(names, definition)}; "${snake(key)}" is missing`)
    }
    return here(at, () => definition.create(values))
  }

  #keys(keys: readonly KeySyntax[]): Keys | undefined {
    if (keys.length === 0) return undefined
    return keys.map((key) => this.value(key.value)) as unknown as Keys
  }
}

function unknownPath({ at, name }: FieldSyntax, owner: string, known: readonly string[]): StatementError {
  const rest = known.length > 0 ? `; known: ${known.join(', ')}` : ''
  return new StatementError(at, `unknown path "${name}" of ${owner}${didYouMean(name, known)}${rest}`)
}

function noParameter(name: string, names: readonly string[], argument: ArgumentSyntax): string {
  const known = names.map(snake)
  return argument.name === undefined
    ? `${name} takes at most ${names.length} arguments: ${known.join(', ')}`
    : `${name} has no parameter "${argument.name}"${didYouMean(argument.name, known)}; known: ${known.join(', ')}`
}

function signature(names: readonly string[], { parameters }: FunctionDefinition): string {
  return names.map((name) => (parameters.get(name)!.isOptional ? `${snake(name)}?` : snake(name))).join(', ')
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function nameOf(written: string): string {
  return written.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function constant(value: boolean): Condition {
  return value ? ALWAYS : NEVER
}

/** Puts what goes wrong at the place in the statement. */
function here<T>(at: number, build: () => T): T {
  try {
    return build()
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    throw new StatementError(at, error.message)
  }
}
