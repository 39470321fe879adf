import type { Comparison, Order, Relation, SearchQuery, SpanSet, Target, TraceField } from '../contract.ts'
import { matches, numberOf, valuesOf } from './model.ts'
import type { SentSpan } from './spans.ts'

/**
 * A search by the letter of the contract, on decoded spans: what an engine's answer is held against. Slow, plain, and sharing no code with any
 * engine. Of traces in which ids are of one span each, no two spans start at once, and nobody is his own ancestor.
 */
export function expectedTraces(
  sent: readonly SentSpan[],
  query: Pick<SearchQuery, 'spans' | 'filter' | 'from' | 'to' | 'order'>,
): ExpectedTrace[] {
  const ids = [...new Set(sent.map(({ span }) => span.traceId))]
  const found: ExpectedTrace[] = []
  for (const traceId of ids) {
    const spans = distinct(sent.filter(({ span }) => span.traceId === traceId))
    const set: SpanSet = query.spans ?? { op: 'spans', ...(query.filter && { filter: query.filter }) }
    const members = membersOf(set, spans, query)
    if (members.length > 0) found.push({ traceId, members, root: rootOf(spans), keys: keysOf(spans, members) })
  }
  const key = ({ keys }: ExpectedTrace): bigint => keys[query.order ?? 'newest']
  return found.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.traceId < b.traceId ? -1 : 1))
}

export interface ExpectedTrace {
  readonly traceId: string
  /** By their start. */
  readonly members: readonly SentSpan[]
  readonly root: SentSpan
  /** The smallest comes first. */
  readonly keys: Readonly<Record<Order, bigint>>
}

/** Without those that were sent twice, by their start. */
function distinct(sent: readonly SentSpan[]): SentSpan[] {
  const known = new Map<string, SentSpan>()
  for (const each of sent) if (!known.has(each.span.spanId)) known.set(each.span.spanId, each)
  return [...known.values()].sort((a, b) => Number(a.span.startTimeUnixNano - b.span.startTimeUnixNano))
}

function membersOf(
  set: SpanSet,
  all: readonly SentSpan[],
  query: Pick<SearchQuery, 'from' | 'to'>,
): readonly SentSpan[] {
  const inRange = all.filter(({ span }) => {
    const start = span.startTimeUnixNano
    return start >= (query.from ?? 0n) && start <= (query.to ?? 2n ** 64n)
  })
  const of = (arg: SpanSet): readonly SentSpan[] => membersOf(arg, all, query)
  switch (set.op) {
    case 'spans':
      return inRange.filter((span) => !set.filter || matches(set.filter, span))
    case 'and':
    case 'or': {
      const args = set.args.map(of)
      if (set.op === 'and' && args.some((members) => members.length === 0)) return []
      return all.filter((span) => args.some((members) => members.includes(span)))
    }
    case 'without':
      return of(set.arg).length > 0 ? [] : set.among ? of(set.among) : inRange
    case 'related': {
      const left = of(set.left)
      return of(set.right).filter(
        (span) => left.some((other) => isRelated(set.relation, span, other, all)) !== (set.not === true),
      )
    }
    case 'having': {
      const members = of(set.arg)
      const value = aggregate(set.aggregate, set.of ?? { field: 'duration' }, members)
      return value !== undefined && members.length > 0 && compares(value, set.compare, set.value) ? members : []
    }
    default:
      if (!compares(fieldsOf(all)[set.field], set.compare, set.value)) return []
      return set.among ? of(set.among) : inRange
  }
}

function parentOf({ span }: SentSpan, all: readonly SentSpan[]): SentSpan | undefined {
  return all.find((other) => other.span.spanId === span.parentSpanId)
}

/** Whether a span is the relation of another. */
function isRelated(relation: Relation, span: SentSpan, other: SentSpan, all: readonly SentSpan[]): boolean {
  const [parent, parentOfOther] = [parentOf(span, all), parentOf(other, all)]
  switch (relation) {
    case 'child':
      return parent === other
    case 'parent':
      return parentOfOther === span
    case 'sibling':
      return span !== other && parent !== undefined && parent === parentOfOther
    case 'descendant':
      return parent !== undefined && (parent === other || isRelated('descendant', parent, other, all))
    default:
      return isRelated('descendant', other, span, all)
  }
}

function aggregate(
  kind: 'count' | 'min' | 'max' | 'sum' | 'avg',
  of: Target,
  members: readonly SentSpan[],
): number | undefined {
  if (kind === 'count') return members.length
  const numbers = members
    .flatMap((span) => valuesOf(of, span))
    .map((value) => (typeof value === 'string' ? numberOf(value) : value))
    .filter((value) => value !== undefined && !Number.isNaN(value))
    .map(Number)
  if (numbers.length === 0) return undefined
  const sum = numbers.reduce((total, each) => total + each, 0)
  return { min: Math.min(...numbers), max: Math.max(...numbers), sum, avg: sum / numbers.length }[kind]
}

function compares(actual: string | number, compare: Comparison, wanted: string | number): boolean {
  const order = actual < wanted ? -1 : actual > wanted ? 1 : 0
  const accepted = { eq: [0], ne: [-1, 1], lt: [-1], lte: [-1, 0], gt: [1], gte: [0, 1] }[compare]
  return accepted.includes(order)
}

function endOf({ span }: SentSpan): number {
  return Number(span.endTimeUnixNano - span.startTimeUnixNano) + Number(span.startTimeUnixNano - FIRST)
}

/** Times count from here, as numbers. */
const FIRST = 1_735_689_600_000_000_000n

function fieldsOf(spans: readonly SentSpan[]): Record<TraceField, string | number> {
  const root = rootOf(spans)
  const last = Math.max(...spans.map(endOf))
  return {
    requestDuration: durationOf(root),
    duration: last - startOf(spans[0]!),
    tail: Math.max(0, last - endOf(root)),
    spans: spans.length,
    errors: spans.filter(({ span }) => span.status.code === 2).length,
    rootService: String(valuesOf({ field: 'service' }, root)[0]),
    rootName: root.span.name,
  }
}

function rootOf(spans: readonly SentSpan[]): SentSpan {
  return (
    spans.find(({ span }) => span.parentSpanId === '') ??
    spans.find((span) => parentOf(span, spans) === undefined) ??
    spans[0]!
  )
}

function startOf({ span }: SentSpan): number {
  return Number(span.startTimeUnixNano - FIRST)
}

function durationOf({ span }: SentSpan): number {
  return Number(span.endTimeUnixNano - span.startTimeUnixNano)
}

function keysOf(spans: readonly SentSpan[], members: readonly SentSpan[]): Record<Order, bigint> {
  const fields = fieldsOf(spans)
  const start = spans[0]!.span.startTimeUnixNano
  return {
    newest: -start,
    oldest: start,
    longest: -BigInt(fields.requestDuration),
    shortest: BigInt(fields.requestDuration),
    longest_tail: -BigInt(fields.tail),
    longest_match: -BigInt(Math.max(...members.map(durationOf))),
    most_spans: -BigInt(fields.spans),
    most_errors: -BigInt(fields.errors),
  }
}
