/** Conditions and statements by which something is chosen: `span.kind == SPAN_KIND_SERVER`, or `route() where span.kind == SPAN_KIND_SERVER`. */
import { Compiler, type Condition } from './compiler.ts'
import { inferContext, isOfRequest, type ContextName } from './contexts.ts'
import { StatementError } from './error.ts'
import type { Item } from './node.ts'
import { parseCondition, parseStatement } from './parser.ts'
import { attempt, bearWitness, hasFunction, report, type FailureListener, type Outcome } from './statements.ts'
import type { CallSyntax, ConditionSyntax } from './syntax.ts'
import { usedBy } from './used.ts'

/** The editor that changes nothing. */
const ROUTE = 'route'
const EDITORS: readonly string[] = ['delete_key', 'delete_matching_keys']

interface ChooserSyntax {
  /** Undefined where nothing is changed. */
  readonly editor: CallSyntax | undefined
  /** Undefined: always. */
  readonly where: ConditionSyntax | undefined
}

export class Chooser {
  /** Undefined: it looks at the request that a batch came with, and at nothing in the batch. */
  readonly context: ContextName | undefined
  readonly #text: string
  readonly #run: Condition

  constructor(context: ContextName | undefined, text: string, run: Condition) {
    this.context = context
    this.#text = text
    this.#run = run
  }

  /** Whether the item is chosen, which its statement may change then. One that fails chooses nothing. */
  chooses(item: Item, failed: FailureListener): boolean {
    try {
      const isChosen = this.#run(item)
      if (isChosen) bearWitness(this.#text)
      return isChosen
    } catch (error) {
      report(error, this.#text, failed)
      return false
    }
  }
}

export interface ChooserSource {
  /** One of the two. */
  readonly statement?: string | undefined
  readonly condition?: string | undefined
  /** Undefined: as the paths say, which are the resource's where they do not say whose they are. `otelcol`: by the request. */
  readonly context?: ContextName | 'otelcol' | undefined
}

/** `contexts`: those of the signal. */
export function compileChooser(source: ChooserSource, contexts: readonly ContextName[]): Outcome<Chooser> {
  const part = source.statement === undefined ? 'conditions' : 'statements'
  const text = source.statement ?? source.condition ?? ''
  return attempt(({ parse, each }) => {
    const parsed = parse(part, [text], part === 'conditions' ? conditionSyntax : statementSyntax)
    const { editor, where } = parsed[0]!.syntax
    const used = usedBy([...(editor ? [{ editor, where: undefined }] : []), ...(where ? [where] : [])])
    const isAllOfRequest = used.paths.length > 0 && used.paths.every(isOfRequest)
    if (source.context === 'otelcol' || (source.context === undefined && isAllOfRequest)) {
      const [compiled] = each(part, parsed, (syntax) => {
        const other = used.paths.find((path) => !isOfRequest(path))
        if (other) throw new StatementError(other.at, 'the context otelcol sees paths of otelcol alone')
        return compile(new Compiler('resource', true), syntax)
      })
      return new Chooser(undefined, text, compiled?.run ?? (() => false))
    }
    const context = source.context ?? inferContext(used, contexts, hasFunction) ?? 'resource'
    const compiler = new Compiler(context, source.context === undefined && context !== 'resource')
    const [compiled] = each(part, parsed, (syntax) => compile(compiler, syntax))
    return new Chooser(context, text, compiled?.run ?? (() => false))
  })
}

function conditionSyntax(text: string): ChooserSyntax {
  return { editor: undefined, where: parseCondition(text) }
}

function statementSyntax(text: string): ChooserSyntax {
  const { editor, where } = parseStatement(text)
  const { name, at, arguments: given } = editor
  if (name !== ROUTE) {
    if (EDITORS.includes(name)) return { editor, where }
    throw new StatementError(at, `"${name}" is no function of a route; known: ${[ROUTE, ...EDITORS].join(', ')}`)
  }
  if (given.length > 0) throw new StatementError(given[0]!.at, 'route() takes no arguments')
  return { editor: undefined, where }
}

function compile(compiler: Compiler, { editor, where }: ChooserSyntax): Condition {
  const condition = where ? compiler.condition(where) : () => true
  if (!editor) return condition
  const edit = compiler.statement({ editor, where: undefined })
  return (item) => {
    if (!condition(item)) return false
    edit(item)
    return true
  }
}
