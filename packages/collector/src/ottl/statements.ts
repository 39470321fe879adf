/** Statements and conditions of a configuration: which context they are for, what is wrong with them, and how they run. */
import { Compiler, type Condition } from './compiler.ts'
import { inferContext, type ContextName } from './contexts.ts'
import { EvaluationError, StatementError } from './error.ts'
import { FUNCTIONS } from './functions/index.ts'
import type { Item } from './node.ts'
import { parseCondition, parseStatement } from './parser.ts'
import type { ConditionSyntax, StatementSyntax } from './syntax.ts'
import { isAbove, usedBy } from './used.ts'

/**
 * What happens with a statement that fails for an item: `ignore` goes on with the next one and logs it, `silent` does not log it, `propagate` refuses the
 * batch.
 */
export type ErrorMode = 'ignore' | 'silent' | 'propagate'

/** Statement `index` cannot be used; the message says where in it. */
export interface Problem {
  readonly part: 'statements' | 'conditions'
  readonly index: number
  readonly message: string
}

/** Hears of each failure, and decides by its error mode: throws, or goes on. */
export type FailureListener = (text: string, error: EvaluationError) => void

/** Hears of each condition that was true, for whoever tries a configuration. */
let witness: ((text: string) => void) | undefined

/** `hear` gets the text of each condition that is true for an item, on this thread, from now on; gives what ends it. */
export function watchConditions(hear: (text: string) => void): () => void {
  witness = hear
  return () => (witness = undefined)
}

/** @internal */
export function bearWitness(text: string): void {
  witness?.(text)
}

interface Compiled<T> {
  readonly text: string
  readonly run: T
}

/** Any of them is true. */
export class Conditions {
  readonly context: ContextName
  readonly #all: readonly Compiled<Condition>[]

  constructor(context: ContextName, all: readonly Compiled<Condition>[]) {
    this.context = context
    this.#all = all
  }

  test(item: Item, failed: FailureListener): boolean {
    for (const { text, run } of this.#all) {
      try {
        if (!run(item)) continue
        bearWitness(text)
        return true
      } catch (error) {
        report(error, text, failed)
      }
    }
    return false
  }
}

/** One after the other, where there are no conditions or any of them is true. */
export class Statements {
  readonly context: ContextName
  /** Whether any changes what its items are in: then nothing of it may be seen by others before all items are through. */
  readonly changesAbove: boolean
  readonly #all: readonly Compiled<(item: Item) => void>[]
  readonly #conditions: Conditions | undefined

  constructor(
    context: ContextName,
    all: readonly Compiled<(item: Item) => void>[],
    conditions: Conditions | undefined,
    changesAbove: boolean,
  ) {
    this.context = context
    this.#all = all
    this.#conditions = conditions
    this.changesAbove = changesAbove
  }

  run(item: Item, failed: FailureListener): void {
    if (this.#conditions && !this.#conditions.test(item, failed)) return
    for (const { text, run } of this.#all) {
      try {
        run(item)
      } catch (error) {
        report(error, text, failed)
      }
    }
  }
}

/** @internal */
export function report(error: unknown, text: string, failed: FailureListener): void {
  if (!(error instanceof EvaluationError)) throw error
  failed(text, error)
}

export interface Source {
  readonly statements?: readonly string[]
  readonly conditions?: readonly string[]
  /** Undefined: as the paths say. */
  readonly context?: ContextName | undefined
}

export type Outcome<T> =
  | { readonly value: T; readonly problems?: undefined }
  | { readonly problems: readonly Problem[] }

/** `contexts`: those of the signal, of which one is inferred where the source names none. */
export function compileStatements(source: Source, contexts: readonly ContextName[]): Outcome<Statements> {
  return attempt(({ parse, each }) => {
    const statements = parse('statements', source.statements ?? [], parseStatement)
    const conditions = parse('conditions', source.conditions ?? [], parseCondition)
    const context = source.context ?? infer([...statements, ...conditions], contexts)
    const compiler = new Compiler(context, source.context === undefined)
    const all = each('statements', statements, (syntax) => compiler.statement(syntax))
    const tests = each('conditions', conditions, (syntax) => compiler.condition(syntax))
    const changesAbove = statements.some(({ syntax }) => isAbove(syntax.editor, context))
    return new Statements(context, all, tests.length === 0 ? undefined : new Conditions(context, tests), changesAbove)
  })
}

/** Of each context that there are conditions for, one; a condition of which nobody says what it is for is for what it has paths of. */
export function compileConditions(source: Source, contexts: readonly ContextName[]): Outcome<Conditions[]> {
  return attempt(({ parse, each }) => {
    const conditions = parse('conditions', source.conditions ?? [], parseCondition)
    const byContext = new Map<ContextName, Compiled<Condition>[]>()
    for (const condition of conditions) {
      const context = source.context ?? infer([condition], contexts)
      const compiler = new Compiler(context, source.context === undefined)
      const all = each('conditions', [condition], (syntax) => compiler.condition(syntax))
      byContext.set(context, [...(byContext.get(context) ?? []), ...all])
    }
    return Array.from(byContext, ([context, all]) => new Conditions(context, all))
  })
}

interface Parsed<S> {
  readonly text: string
  readonly index: number
  readonly syntax: S
}

interface Attempt {
  readonly parse: <S>(part: Problem['part'], texts: readonly string[], parse: (text: string) => S) => Parsed<S>[]
  readonly each: <S, T>(part: Problem['part'], all: readonly Parsed<S>[], compile: (syntax: S) => T) => Compiled<T>[]
}

/** What is wrong with several of them is told of all. @internal */
export function attempt<T>(compile: (attempt: Attempt) => T): Outcome<T> {
  const problems: Problem[] = []
  const guarded = <R>(part: Problem['part'], index: number, text: string, run: () => R): R[] => {
    try {
      return [run()]
    } catch (error) {
      if (!(error instanceof StatementError)) throw error
      problems.push({ part, index, message: placed(text, error) })
      return []
    }
  }
  let value: T
  try {
    value = compile({
      parse(part, texts, parse) {
        const all = texts.flatMap((text, index) =>
          guarded(part, index, text, () => ({ text, index, syntax: parse(text) })),
        )
        if (problems.length > 0) throw new Unusable()
        return all
      },
      each: (part, all, run) =>
        all.flatMap(({ text, index, syntax }) => guarded(part, index, text, () => ({ text, run: run(syntax) }))),
    })
  } catch (error) {
    if (error instanceof NoContext) problems.push({ part: error.part, index: error.index, message: error.message })
    else if (!(error instanceof Unusable)) throw error
    return { problems }
  }
  return problems.length > 0 ? { problems } : { value }
}

/** What follows makes no sense any more. */
class Unusable extends Error {}

class NoContext extends Error {
  readonly part: Problem['part']
  readonly index: number
  constructor(part: Problem['part'], index: number, message: string) {
    super(message)
    this.part = part
    this.index = index
  }
}

const LENGTH_SHOWN = 24

/** `1:13, at "atributes[…": unknown path…`: line and character of the statement, both from 1. */
function placed(text: string, { at, message }: StatementError): string {
  const before = text.slice(0, at).split('\n')
  const place = `${before.length}:${before.at(-1)!.length + 1}`
  const rest = text.slice(at).split('\n')[0]!.trimEnd()
  const shown = rest.length > LENGTH_SHOWN ? `${rest.slice(0, LENGTH_SHOWN)}…` : rest
  return shown === '' ? `${place}: ${message}` : `${place}, at ${shown}: ${message}`
}

/** @internal */
export function hasFunction(context: ContextName, name: string): boolean {
  const definition = FUNCTIONS.get(name)
  return definition !== undefined && (definition.contexts?.includes(context) ?? true)
}

function infer(
  all: readonly Parsed<StatementSyntax | ConditionSyntax>[],
  contexts: readonly ContextName[],
): ContextName {
  const used = usedBy(all.map(({ syntax }) => syntax))
  const context = inferContext(used, contexts, hasFunction)
  if (context) return context
  const first = all[0]
  const part = first && 'editor' in first.syntax ? 'statements' : 'conditions'
  const message = `what it is about cannot be told: begin a path with its context (${contexts.join(', ')}), as in ${contexts.at(2)}.attributes["name"]`
  throw new NoContext(part, first?.index ?? 0, message)
}
