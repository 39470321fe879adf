import type {
  AggregateBucket,
  AggregateGroup,
  AggregateQuery,
  Aggregates,
  AggregateScope,
  Exemplar,
  GroupKey,
  Measures,
} from '../contract.ts'
import { valuesOf } from './model.ts'
import { expectedTraces } from './set-model.ts'
import type { SentSpan } from './spans.ts'

/**
 * Aggregates by the letter of the contract, on decoded spans: what an engine's answer is held against. Slow, plain, and sharing no code with any engine.
 */
export type ExpectedAggregates = Pick<
  Aggregates,
  'total' | 'groups' | 'rest' | 'from' | 'to' | 'bucketsFrom' | 'bucketNs'
>

export function expectedAggregates(sent: readonly SentSpan[], query: AggregateQuery): ExpectedAggregates {
  const { groupBy = [], order = 'count', limit = 20 } = query
  const { from, to } = boundsOf(sent, query)
  const bins = binsOf(from, to, query.buckets ?? 0, query.aligned)
  const counted = countedOf(sent, query)
  const measure = (spans: readonly SentSpan[]): Measures => measuresOf(spans, query, Number(to - from + 1n) / 1e9, bins)
  const byKey = Map.groupBy(counted, (span) => JSON.stringify(groupBy.map((key) => groupValue(key, span) ?? null)))
  const groups: AggregateGroup[] = [...byKey.values()].map((spans) => ({
    key: groupBy.map((key) => groupValue(key, spans[0]!)),
    ...measure(spans),
  }))
  const place = (group: Measures): number =>
    ({ count: group.count, errors: group.errors, sum: group.sumNs, max: group.maxNs, percentile: 0 })[order]
  groups.sort((a, b) => place(b) - place(a) || compareKeys(a.key, b.key))
  const first = groupBy.length === 0 ? [] : groups.slice(0, limit)
  const left = groups.slice(limit).map(({ key }) => JSON.stringify(key.map((value) => value ?? null)))
  const ofRest = left.flatMap((key) => byKey.get(key)!)
  const rest = groupBy.length > 0 && left.length > 0 ? { groups: left.length, ...measure(ofRest) } : undefined
  const { first: bucketsFrom, widthNs: bucketNs } = bins
  return { from, to, bucketsFrom, bucketNs, total: measure(counted), groups: first, rest }
}

/** What counts, each once. */
export function countedOf(sent: readonly SentSpan[], scope: AggregateScope): SentSpan[] {
  const traces = expectedTraces(sent, scope)
  return scope.of === 'requests' ? traces.map(({ root }) => root) : traces.flatMap(({ members }) => [...members])
}

export function boundsOf(
  sent: readonly SentSpan[],
  scope: AggregateScope,
): { readonly from: bigint; readonly to: bigint } {
  const starts = sent.map(({ span }) => span.startTimeUnixNano).sort((a, b) => (a < b ? -1 : 1))
  return { from: scope.from ?? starts[0]!, to: scope.to ?? starts.at(-1)! }
}

export function exactDuration({ span }: SentSpan): number {
  return Math.max(0, Number(span.endTimeUnixNano - span.startTimeUnixNano))
}

export function exemplarsOf(spans: readonly SentSpan[], count: number): Exemplar[] {
  const exemplars = spans.map((each) => ({
    traceId: each.span.traceId,
    spanId: each.span.spanId,
    durationNs: exactDuration(each),
    error: each.span.status.code === 2,
  }))
  const id = ({ traceId, spanId }: Exemplar): string => traceId + spanId
  return exemplars.sort((a, b) => b.durationNs - a.durationNs || (id(a) < id(b) ? -1 : 1)).slice(0, count)
}

export interface Bins {
  readonly first: bigint
  readonly widthNs: bigint
  readonly count: number
}

/** Nanoseconds. */
const STEPS: readonly bigint[] = [
  ...[1, 1e3, 1e6].flatMap((unit) => [1, 2, 5, 10, 20, 50, 100, 200, 500].map((n) => BigInt(n * unit))),
  ...[1e9, 60e9].flatMap((unit) => [1, 2, 5, 10, 15, 30].map((n) => BigInt(n * unit))),
  ...[1, 2, 3, 6, 12].map((hours) => BigInt(hours * 3_600e9)),
  ...Array.from({ length: 8 }, (_, power) => [1, 2, 5].map((n) => BigInt(n * 86_400e9) * 10n ** BigInt(power))).flat(),
]

/** The parts of a range's time. */
export function binsOf(from: bigint, to: bigint, count: number, aligned = false): Bins {
  if (count === 0) return { first: from, widthNs: 0n, count: 0 }
  if (!aligned) return { first: from, widthNs: (to - from) / BigInt(count) + 1n, count }
  for (const widthNs of STEPS) {
    const first = from - (from % widthNs)
    const bins = Number((to - first) / widthNs) + 1
    if (bins <= count) return { first, widthNs, count: bins }
  }
  throw new RangeError('no step is as long as that')
}

/** The part of a start, 0 to `count - 1`. */
export function timeBin({ span }: SentSpan, { first, widthNs, count }: Bins): number {
  const bin = (span.startTimeUnixNano - first) / widthNs
  return span.startTimeUnixNano < first ? 0 : Math.min(count - 1, Number(bin))
}

function measuresOf(
  spans: readonly SentSpan[],
  { percentiles = [0.5, 0.95, 0.99], exemplars = 1 }: AggregateQuery,
  seconds: number,
  bins: Bins,
): Measures {
  const bucketOf = (bucket: number): AggregateBucket => {
    const own = spans.filter((span) => timeBin(span, bins) === bucket)
    const { minNs, maxNs, sumNs } = durationsOf(own)
    return {
      count: own.length,
      errors: errorsOf(own),
      sumNs,
      minNs,
      maxNs,
      percentilesNs: percentilesOf(own, percentiles),
    }
  }
  return {
    count: spans.length,
    errors: errorsOf(spans),
    perSecond: spans.length / seconds,
    ...durationsOf(spans),
    percentilesNs: percentilesOf(spans, percentiles),
    exemplars: exemplarsOf(spans, exemplars),
    ...(bins.count > 0 && { buckets: Array.from({ length: bins.count }, (_, bucket) => bucketOf(bucket)) }),
  }
}

function durationsOf(spans: readonly SentSpan[]): Pick<Measures, 'sumNs' | 'minNs' | 'maxNs'> {
  const durations = spans.map(exactDuration)
  return {
    sumNs: durations.reduce((sum, each) => sum + each, 0),
    minNs: spans.length === 0 ? 0 : Math.min(...durations),
    maxNs: Math.max(0, ...durations),
  }
}

function errorsOf(spans: readonly SentSpan[]): number {
  return spans.filter(({ span }) => span.status.code === 2).length
}

/** Exactly, by the nearest rank. */
function percentilesOf(spans: readonly SentSpan[], shares: readonly number[]): number[] {
  const sorted = spans.map(exactDuration).sort((a, b) => a - b)
  return shares.map((share) => sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0)
}

export function groupValue(key: GroupKey, span: SentSpan): string | undefined {
  if ('field' in key) return String(valuesOf(key, span)[0])
  const { attribute, level = 'any' } = key
  const levels = level === 'any' ? (['span', 'resource', 'scope', 'event', 'link'] as const) : [level]
  for (const each of levels) {
    const texts = valuesOf({ attribute, level: each }, span).map(String)
    if (texts.length > 0) return texts.reduce((least, text) => (text < least ? text : least))
  }
  return undefined
}

function compareKeys(a: readonly (string | undefined)[], b: readonly (string | undefined)[]): number {
  const i = a.findIndex((value, at) => value !== b[at])
  if (i < 0) return 0
  if (a[i] === undefined || b[i] === undefined) return a[i] === undefined ? -1 : 1
  return a[i] < b[i] ? -1 : 1
}
