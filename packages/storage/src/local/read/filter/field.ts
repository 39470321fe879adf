import type { Field } from '../../../contract.ts'
import type { Value } from '../../block/attribute.ts'
import { startOf, type BlockRows, type OperationKey } from '../../block/rows.ts'
import { OTHER_KIND, OTHER_STATUS } from '../../block/zones.ts'
import { traceHash } from '../block.ts'
import type { SpanView } from '../span-view.ts'
import { traceWords } from '../trace-parts.ts'
import type { Turn } from '../turn.ts'
import { CHUNK, type Condition } from './condition.ts'
import { badQuery, compare, type Leaf, type Matcher } from './matcher.ts'
import { columnVerdicts } from './values.ts'
import { NO, UNKNOWN, YES, type Verdict, type Verdicts } from './verdict.ts'

export const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
export const STATUSES = ['unset', 'ok', 'error']
/** Units of {@link Condition.units}. */
const COLUMN_UNITS = 4
const BYTES_UNITS = 400
/** Texts whose verdict is remembered. */
const MAX_KNOWN = 10_000

/** A condition on a field of the span itself. Throws StorageError `bad_query` for one that there is not. */
export function fieldCondition(node: Leaf, field: Field, matcher: Matcher, path: string): Condition {
  switch (field) {
    case 'service':
      return ofService(node, matcher)
    case 'name':
      return ofOperation(matcher, ({ name }) => name)
    case 'kind':
      return ofKind(matcher)
    case 'status':
      return ofStatus(matcher)
    case 'duration':
      return ofDuration(node, matcher)
    case 'start':
      return ofRow((rows, row) => holdsOf(matcher, startOf(rows, row)))
    case 'statusMessage':
      return ofBytes(node, matcher, (view) => view.statusMessage())
    case 'traceState':
      return ofBytes(node, matcher, (view) => view.traceState())
    case 'scopeName':
      return ofBytes(node, matcher, (view) => view.scopeName())
    case 'scopeVersion':
      return ofBytes(node, matcher, (view) => view.scopeVersion())
    case 'traceId':
      return ofTraceId(node, matcher)
    case 'spanId':
      return ofRow(({ spanId }, row) => holdsOf(matcher, hexOf(spanId, 2 * row, 2)))
    case 'parentId':
      return ofParentId(node, matcher)
    case 'eventName':
      return ofMany(node, matcher, (view) => view.eventNames())
    case 'linkTraceId':
      return ofMany(node, matcher, (view) => view.linkIds('trace'))
    case 'linkSpanId':
      return ofMany(node, matcher, (view) => view.linkIds('span'))
    default:
      throw badQuery(path, `unknown field ${String(field)}`)
  }
}

/** A field has one value. */
function holdsOf({ over, holds }: Matcher, value: Value): boolean {
  return holds(value) === (over === 'some')
}

function verdictOf(matcher: Matcher, value: Value): Verdict {
  return holdsOf(matcher, value) ? YES : NO
}

function ofService(node: Leaf, matcher: Matcher): Condition {
  const condition = ofOperation(matcher, ({ service }) => service)
  const services = node.op === 'eq' ? [String(node.value)] : node.op === 'in' ? node.values.map(String) : undefined
  if (!services) return condition
  return {
    ...condition,
    ofOperations: false,
    ofBlock: (block, operation) =>
      operation || services.some((service) => block.mayHaveService(service)) ? condition.ofBlock(block, operation) : NO,
  }
}

function ofOperation(matcher: Matcher, textOf: (operation: OperationKey) => string): Condition {
  const known = new Map<string, Verdict>()
  const ask = (operation: OperationKey): Verdict => {
    const text = textOf(operation)
    let verdict = known.get(text)
    if (verdict === undefined) {
      verdict = verdictOf(matcher, text)
      if (known.size < MAX_KNOWN) known.set(text, verdict)
    }
    return verdict
  }
  return {
    units: COLUMN_UNITS,
    ofOperations: true,
    ofBlock: (_block, operation) => (operation ? ask(operation) : UNKNOWN),
    judge: (_block, rows, turn, share) => judgeOperations(rows, ask, turn, share),
    test: (view, rows) => ask(rows.operations[rows.operation[view.row]!]!) === YES,
  }
}

/** Each operation is asked when the first row comes to it: all names of a block at once may be much. */
async function judgeOperations(
  { count, operation, operations }: BlockRows,
  ask: (operation: OperationKey) => Verdict,
  turn: Turn,
  share: number,
): Promise<Verdicts> {
  const answers = new Uint8Array(operations.length)
  const verdicts = new Uint8Array(count)
  for (let row = 0; row < count; row++) {
    if (row % CHUNK === 0 && turn.work(COLUMN_UNITS * CHUNK) && (await turn.breathe(share))) return NO
    const number = operation[row]!
    if (answers[number] === 0) {
      answers[number] = 1 + ask(operations[number]!)
      if (turn.work(50) && (await turn.breathe(share))) return NO
    }
    verdicts[row] = answers[number]! - 1
  }
  return verdicts
}

function ofKind(matcher: Matcher): Condition {
  const textOf = ({ kind }: { readonly kind: number }): string => KINDS[kind] ?? String(kind)
  const verdicts = KINDS.map((name) => verdictOf(matcher, name))
  return {
    ...ofOperation(matcher, textOf),
    ofBlock: ({ zones }, operation) =>
      operation ? verdictOf(matcher, textOf(operation)) : ofBits(zones.kinds, OTHER_KIND, verdicts),
  }
}

function ofStatus(matcher: Matcher): Condition {
  const verdicts = STATUSES.map((name) => verdictOf(matcher, name))
  return {
    ...ofRow(({ status }, row) => {
      const number = status[row]!
      return number < verdicts.length ? verdicts[number] === YES : holdsOf(matcher, String(number))
    }),
    ofBlock: ({ zones }) => ofBits(zones.statuses, OTHER_STATUS, verdicts),
  }
}

/** The verdict on all numbers whose bit is set, `other` standing for those that have no verdict. */
function ofBits(bits: number, other: number, verdicts: readonly Verdict[]): Verdict {
  if (bits & (1 << other)) return UNKNOWN
  let [no, yes] = [false, false]
  for (const [number, verdict] of verdicts.entries()) {
    if (!(bits & (1 << number))) continue
    if (verdict === YES) yes = true
    else no = true
  }
  return no && yes ? UNKNOWN : yes ? YES : NO
}

function ofDuration(node: Leaf, matcher: Matcher): Condition {
  const condition = ofRow(({ durationNs }, row) => holdsOf(matcher, durationNs[row]!))
  const bound = boundOf(node)
  if (!bound) return condition
  const { op, value } = bound
  return {
    ...condition,
    ofBlock({ zones: { minDurationNs, maxDurationNs } }) {
      const [least, most] = [compare(minDurationNs, op, value), compare(maxDurationNs, op, value)]
      return least && most ? YES : least || most ? UNKNOWN : NO
    },
  }
}

/** A comparison that holds from some duration on, or up to one. */
function boundOf(
  node: Leaf,
): { readonly op: 'lt' | 'lte' | 'gt' | 'gte'; readonly value: number | bigint } | undefined {
  if (node.op !== 'lt' && node.op !== 'lte' && node.op !== 'gt' && node.op !== 'gte') return undefined
  const { op, value } = node
  return typeof value === 'number' || typeof value === 'bigint' ? { op, value } : undefined
}

function ofRow(holds: (rows: BlockRows, row: number) => boolean): Condition {
  return {
    units: 4 * COLUMN_UNITS,
    ofOperations: false,
    ofBlock: () => UNKNOWN,
    async judge(_block, rows, turn, share) {
      const verdicts = new Uint8Array(rows.count)
      for (let row = 0; row < rows.count; row++) {
        if (row % CHUNK === 0 && turn.work(4 * COLUMN_UNITS * CHUNK) && (await turn.breathe(share))) return NO
        if (holds(rows, row)) verdicts[row] = YES
      }
      return verdicts
    },
    test: (view, rows) => holds(rows, view.row),
  }
}

function ofBytes(node: Leaf, matcher: Matcher, valueOf: (view: SpanView) => string): Condition {
  return {
    units: BYTES_UNITS,
    ofOperations: false,
    ofBytes: true,
    ofBlock: () => UNKNOWN,
    judge: (block, rows, turn, share) => columnVerdicts(block, node.target, matcher, rows, turn, share, ''),
    test: (view) => holdsOf(matcher, valueOf(view)),
  }
}

/** The hex digits of an id's words. */
function hexOf(words: Uint32Array, at: number, count: 2 | 4): string {
  return Buffer.from(words.buffer, words.byteOffset + 4 * at, 4 * count).toString('hex')
}

function ofTraceId(node: Leaf, matcher: Matcher): Condition {
  const condition = ofRow(({ trace, traceIds }, row) => holdsOf(matcher, hexOf(traceIds, 4 * trace[row]!, 4)))
  const id = node.op === 'eq' ? String(node.value) : ''
  if (!/^[0-9a-f]{32}$/.test(id)) return condition
  const hash = traceHash(traceWords(id))
  return { ...condition, ofBlock: (block) => (block.mayHaveTrace(hash) ? UNKNOWN : NO) }
}

/** Whether there is a parent is asked most, and needs no text. */
function ofParentId(node: Leaf, matcher: Matcher): Condition {
  const ofNone = holdsOf(matcher, '')
  const isNone = (node.op === 'eq' || node.op === 'ne') && node.value === ''
  return ofRow(({ parentId }, row) => {
    if ((parentId[2 * row]! | parentId[2 * row + 1]!) === 0) return ofNone
    return isNone || node.op === 'exists' ? !ofNone : holdsOf(matcher, hexOf(parentId, 2 * row, 2))
  })
}

/** Of what a span may have several. */
function ofMany(node: Leaf, matcher: Matcher, valuesOf: (view: SpanView) => readonly string[]): Condition {
  const { over, holds } = matcher
  return {
    units: BYTES_UNITS,
    ofOperations: false,
    ofBytes: true,
    ofBlock: () => UNKNOWN,
    judge: (block, rows, turn, share) => columnVerdicts(block, node.target, matcher, rows, turn, share),
    test(view) {
      const values = valuesOf(view)
      return over === 'some' ? values.some(holds) : values.length > 0 && !values.some(holds)
    },
  }
}
