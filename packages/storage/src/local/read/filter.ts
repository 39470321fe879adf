import { StorageError, type Field, type Filter, type Target } from '../../contract.ts'
import { hashText, numberOf, pairHashes, type Value } from '../block/attribute.ts'
import type { Block } from './block.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import { compilePattern, isTooMuch, PatternError, type Pattern } from '../../pattern.ts'
import { attributeTarget, type SpanView } from './span-view.ts'
import type { Turn } from './turn.ts'

/*
 * A filter is compiled once and then asked three times, each time of less: may this block hold a match (its services and
 * filters), does this row match (its columns), does this span match (its bytes).
 *
 * A target may have several values: an attribute that is on the span, on two events and on the resource. A comparison holds when
 * one of them makes it true; `ne` when there is a value and none is equal.
 */

/** What the columns say of a row: NO, YES, or that the span has to be read. */
export type Verdict = 0 | 1 | 2
export const NO = 0
export const YES = 1
export const UNKNOWN = 2

export interface CompiledFilter {
  mayMatch(block: Block): boolean
  /** The columns' answer for the rows of one block. */
  judge(rows: BlockRows): (row: number) => Verdict
  /** The whole answer. The columns of `rows` are the view's. */
  test(view: SpanView, rows: BlockRows): boolean
}

export const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
export const STATUSES = ['unset', 'ok', 'error']

const MAX_NODES = 1000
const MAX_DEPTH = 64
/** Values of one `in`. */
const MAX_VALUES = 10_000

/** Throws StorageError `bad_query`, naming the place, for what is not a filter. What asking it costs is counted on `turn`. */
export function compileFilter(filter: Filter, turn: Turn): CompiledFilter & { readonly conditions: number } {
  let nodes = 0
  const compile = (node: Filter, path: string, depth: number): CompiledFilter => {
    if (++nodes > MAX_NODES || depth > MAX_DEPTH)
      throw bad(path, `more than ${MAX_NODES} conditions or ${MAX_DEPTH} levels; ask for less at once`)
    switch (node.op) {
      case 'and':
      case 'or':
        if (!Array.isArray(node.args)) throw bad(path, 'needs args, a list of filters')
        return combine(
          node.op,
          node.args.map((arg: Filter, i) => compile(arg, `${path}.args[${i}]`, depth + 1)),
        )
      case 'not':
        if (!node.arg) throw bad(path, 'needs arg, a filter')
        return negate(compile(node.arg, `${path}.arg`, depth + 1))
      case 'word':
        throw bad(path, 'words are not looked for yet')
      default:
        return leaf(node, path, turn)
    }
  }
  return { ...compile(filter, 'filter', 0), conditions: nodes }
}

function bad(path: string, reason: string): StorageError {
  return new StorageError('bad_query', `${path}: ${reason}`)
}

function combine(op: 'and' | 'or', args: readonly CompiledFilter[]): CompiledFilter {
  const [decisive, neutral]: [Verdict, Verdict] = op === 'and' ? [NO, YES] : [YES, NO]
  return {
    mayMatch: (block) =>
      op === 'and' ? args.every((arg) => arg.mayMatch(block)) : args.some((arg) => arg.mayMatch(block)),
    judge: (rows) => {
      const judges = args.map((arg) => arg.judge(rows))
      return (row) => {
        let verdict: Verdict = neutral
        for (const judge of judges) {
          const one = judge(row)
          if (one === decisive) return decisive
          if (one === UNKNOWN) verdict = UNKNOWN
        }
        return verdict
      }
    },
    test: (view, rows) =>
      op === 'and' ? args.every((arg) => arg.test(view, rows)) : args.some((arg) => arg.test(view, rows)),
  }
}

function negate(arg: CompiledFilter): CompiledFilter {
  return {
    mayMatch: () => true,
    judge: (rows) => {
      const judge = arg.judge(rows)
      return (row) => {
        const verdict = judge(row)
        return verdict === UNKNOWN ? UNKNOWN : verdict === YES ? NO : YES
      }
    },
    test: (view, rows) => !arg.test(view, rows),
  }
}

type Leaf = Exclude<Filter, { readonly op: 'and' | 'or' | 'not' | 'word' }>

function leaf(node: Leaf, path: string, turn: Turn): CompiledFilter {
  const matches = matcher(node, path, turn)
  const { target } = node
  if (!target || typeof target !== 'object') throw bad(path, 'needs a target: { field } or { attribute, level? }')
  if ('field' in target) return fieldLeaf(node, target.field, matches, path, turn)
  if (typeof target.attribute !== 'string') throw bad(path, 'target.attribute is not a string')
  const level = target.level ?? 'any'
  if (!LEVELS.has(level)) throw bad(path, `target.level is ${level}; one of ${[...LEVELS].join(', ')}`)
  return attributeLeaf(node, target, matches, turn)
}

const LEVELS = new Set<string>(['any', 'span', 'resource', 'scope', 'event', 'link'])

function attributeLeaf(
  node: Leaf,
  target: Extract<Target, { attribute: string }>,
  matches: (values: readonly Value[]) => boolean,
  turn: Turn,
): CompiledFilter {
  const attribute = attributeTarget(target)
  const level = target.level ?? 'any'
  const keyHash = hashText(target.attribute)
  const wanted = node.op === 'eq' ? [node.value] : node.op === 'in' ? node.values : undefined
  const hashes: number[] = []
  let listed = wanted !== undefined
  for (const value of wanted ?? []) {
    const some = pairHashes(target.attribute, value)
    if (some) hashes.push(...some)
    else listed = false
  }
  return {
    mayMatch: (block) =>
      block.mayHaveAttribute(keyHash, level) && (!listed || hashes.some((hash) => block.mayHaveAttribute(hash, level))),
    judge: () => () => UNKNOWN,
    test: (view) => {
      turn.work(view.spanBytes)
      return matches(view.attributes(attribute))
    },
  }
}

function fieldLeaf(
  node: Leaf,
  field: Field,
  matches: (values: readonly Value[]) => boolean,
  path: string,
  turn: Turn,
): CompiledFilter {
  const always = (): boolean => true
  const byRow = (valueOf: (rows: BlockRows, row: number) => Value): CompiledFilter => ({
    mayMatch: always,
    judge: (rows) => (row) => (matches([valueOf(rows, row)]) ? YES : NO),
    test: (view, rows) => matches([valueOf(rows, view.row)]),
  })
  const byBytes = (valueOf: (view: SpanView) => string): CompiledFilter => ({
    mayMatch: always,
    judge: () => () => UNKNOWN,
    test: (view) => {
      turn.work(view.spanBytes)
      return matches(textField(node, valueOf(view)))
    },
  })
  const byOperation = (valueOf: (rows: BlockRows, operation: number) => string): CompiledFilter => ({
    mayMatch: always,
    judge: (rows) => {
      // Asked when the first row comes to it: all names of a block at once may be much.
      const verdicts = new Uint8Array(rows.operations.length).fill(UNKNOWN)
      return (row) => {
        const operation = rows.operation[row]!
        if (verdicts[operation] === UNKNOWN)
          verdicts[operation] = matches(textField(node, valueOf(rows, operation))) ? YES : NO
        return verdicts[operation] as Verdict
      }
    },
    test: (view, rows) => matches(textField(node, valueOf(rows, rows.operation[view.row]!))),
  })
  switch (field) {
    case 'service': {
      const compiled = byOperation((rows, i) => rows.operations[i]!.service)
      const services = node.op === 'eq' ? [String(node.value)] : node.op === 'in' ? node.values.map(String) : undefined
      return services
        ? { ...compiled, mayMatch: (block) => services.some((service) => block.mayHaveService(service)) }
        : compiled
    }
    case 'name':
      return byOperation((rows, i) => rows.operations[i]!.name)
    case 'kind':
      return byOperation((rows, i) => KINDS[rows.operations[i]!.kind] ?? String(rows.operations[i]!.kind))
    case 'status':
      return byRow((rows, row) => STATUSES[rows.status[row]!] ?? String(rows.status[row]))
    case 'duration':
      return byRow((rows, row) => rows.durationNs[row]!)
    case 'start':
      return byRow(startOf)
    case 'statusMessage':
      return byBytes((view) => view.statusMessage())
    case 'traceState':
      return byBytes((view) => view.traceState())
    case 'scopeName':
      return byBytes((view) => view.scopeName())
    case 'scopeVersion':
      return byBytes((view) => view.scopeVersion())
    default:
      throw bad(path, `unknown field ${String(field)}`)
  }
}

/** A text field that is not set is empty; it does not exist. */
function textField(node: Leaf, text: string): Value[] {
  return node.op === 'exists' && text === '' ? [] : [text]
}

function matcher(node: Leaf, path: string, turn: Turn): (values: readonly Value[]) => boolean {
  switch (node.op) {
    case 'eq':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte': {
      const { op } = node
      const value = operand(node.value, path)
      return (values) => values.some((actual) => compare(actual, op, value))
    }
    case 'ne': {
      const value = operand(node.value, path)
      return (values) => values.length > 0 && !values.some((actual) => compare(actual, 'eq', value))
    }
    case 'in': {
      if (!Array.isArray(node.values)) throw bad(path, 'needs values, a list')
      if (node.values.length > MAX_VALUES)
        throw bad(path, `has ${node.values.length} values; at most ${MAX_VALUES} are taken`)
      return anyOf(node.values.map((value: unknown) => operand(value, path)))
    }
    case 'regex': {
      const pattern = expression(node.value, path)
      return (values) => values.some((actual) => testText(pattern, String(actual), turn))
    }
    case 'exists':
      return (values) => values.length > 0
    default:
      throw bad(path, `unknown op ${String((node as { op: unknown }).op)}`)
  }
}

function operand(value: unknown, path: string): Value {
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value
  throw bad(
    path,
    `the value to compare with is ${value === null ? 'null' : typeof value}; a string, number or boolean is needed`,
  )
}

function expression(source: unknown, path: string): Pattern {
  if (typeof source !== 'string') throw bad(path, 'the regular expression is not a string')
  try {
    return compilePattern(source)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw bad(path, `not a regular expression: ${error.message} (at character ${error.index})`)
  }
}

/** A text that would take too long is left out, and the answer is not complete. */
function testText(pattern: Pattern, text: string, turn: Turn): boolean {
  const steps = pattern.steps(text)
  turn.work(steps)
  if (!isTooMuch(steps)) return pattern.test(text)
  turn.incomplete = true
  return false
}

/** Whether one of the values equals one of those that are wanted, see {@link compare}, in one look-up each. */
function anyOf(wanted: readonly Value[]): (values: readonly Value[]) => boolean {
  const texts = new Set(wanted.filter((value) => typeof value === 'string'))
  const numbers = new Set(wanted.filter((value) => typeof value !== 'string').map(exactText))
  return (values) =>
    values.some((actual) => {
      if (texts.size > 0 && texts.has(String(actual))) return true
      if (numbers.size === 0) return false
      const number = typeof actual === 'string' ? numberOf(actual) : actual
      return number !== undefined && !Number.isNaN(number) && numbers.has(exactText(number))
    })
}

/** The same for a number and a bigint of the same value, and for 0 and -0. */
function exactText(number: number | bigint): string {
  return typeof number === 'number' && Number.isInteger(number) ? BigInt(number).toString() : String(number)
}

/** Text with text by code units; a number with numbers, and with text that is one. */
export function compare(actual: Value, op: 'eq' | 'lt' | 'lte' | 'gt' | 'gte', wanted: Value): boolean {
  const left = typeof wanted === 'string' ? String(actual) : typeof actual === 'string' ? numberOf(actual) : actual
  if (left === undefined) return false
  switch (op) {
    case 'eq':
      // oxlint-disable-next-line eqeqeq -- a bigint and a number are compared by value
      return left == wanted
    case 'lt':
      return left < wanted
    case 'lte':
      return left <= wanted
    case 'gt':
      return left > wanted
    default:
      return left >= wanted
  }
}
