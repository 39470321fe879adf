import type { AggregateBucket, AggregateQuery, HeatMapQuery, Measures } from '@spoor/storage'
import type { FastifyRequest } from 'fastify'
import { type Query, RequestError } from '../api/params.ts'
import type { StoreQueries } from '../api/store-queries.ts'
import { callOf, type QueryCall } from '../http/query-call.ts'
import type { KeyValueJson } from './any-value.ts'
import { comparison } from './comparison.ts'
import { MAX_EXEMPLARS, namesTraces, withExemplars } from './exemplars.ts'
import { type Effort, type Plan, planOf } from './metric-plan.ts'
import { NOTHING, type Point, seriesOf } from './metric-series.ts'
import { ofTraces } from './metrics-of-traces.ts'
import { bad, timesRange, wholeParam } from './params.ts'
import { reckoned } from './reckon.ts'
import type { Series } from './second-stage.ts'
import { MAX_BUCKETS, pointMs, rangeOf, type Steps, stepsOf, type TimeRange } from './steps.ts'

/** Groups times points of an answer. */
const MAX_CELLS = 100_000
const MAX_GROUPS = 10_000
/** Bins of a histogram's durations. */
const DURATION_BINS = 32
/** Of one point, while the answer is made. */
const SAMPLE_BYTES = 150

const PARTIAL =
  'the numbers are too small: the store was stopped by time or memory, or there are more groups than it tells of; ask for a shorter time or fewer groups'

interface SeriesRow {
  readonly labels: readonly KeyValueJson[]
}

/** `QueryRangeResponse` of Tempo, in JSON. */
export interface RangeAnswer extends Ending {
  readonly series: readonly (SeriesRow & {
    readonly samples: readonly { readonly timestampMs: string; readonly value: number }[]
    readonly exemplars?: readonly ExemplarRow[]
  })[]
}

interface ExemplarRow {
  readonly labels: readonly KeyValueJson[]
  readonly value: number
  readonly timestampMs: string
}

/** `QueryInstantResponse` of Tempo, in JSON. */
export interface InstantAnswer extends Ending {
  readonly series: readonly (SeriesRow & { readonly value: number })[]
}

interface Ending {
  readonly metrics: { readonly inspectedBytes: string; readonly inspectedSpans: string }
  readonly status?: 'PARTIAL'
  readonly message?: string
}

/** `GET /api/metrics/query_range`. */
export function rangeRoute(store: StoreQueries) {
  return async (request: FastifyRequest): Promise<RangeAnswer> => {
    const query = request.query as Query
    const plan = planOf(query)
    const steps = stepsOf(query)
    const effort: Effort = { bytes: 0, spans: 0, complete: true }
    const call = callOf(request)
    const leftOf = sharedTime(call)
    const exemplars = wholeParam(query, 'exemplars', 0, [0, MAX_EXEMPLARS])
    const series = await reckoned(plan, steps.points, async (one) => {
      const counted = await seriesOverTime(store, one, steps, leftOf(), effort)
      if (exemplars === 0 || !namesTraces(one, steps)) return counted
      return withExemplars(store, one, steps, counted, exemplars, leftOf(), effort)
    })
    if (!call.room.grow(SAMPLE_BYTES * series.length * steps.points))
      throw new RequestError(
        503,
        'busy',
        'too many bytes of answers are on their way; try again, or ask for a longer step or fewer groups',
      )
    return {
      series: series.flatMap((one) => {
        const samples = [...one.values].flatMap((value, point) =>
          Number.isNaN(value) ? [] : [{ timestampMs: pointMs(steps, point), value }],
        )
        const exemplars = one.exemplars?.map(({ traceId, value, point }) => ({
          labels: [{ key: 'trace:id', value: { stringValue: traceId } }],
          value,
          timestampMs: pointMs(steps, point),
        }))
        return samples.length === 0 ? [] : [{ labels: one.labels, samples, ...(exemplars && { exemplars }) }]
      }),
      ...endingOf(effort),
    }
  }
}

/** `GET /api/metrics/query`. */
export function instantRoute(store: StoreQueries) {
  return async (request: FastifyRequest): Promise<InstantAnswer> => {
    const query = request.query as Query
    const plan = planOf(query)
    const { start, end } = timesRange(query)
    const range = { from: start + 1n, to: end }
    const effort: Effort = { bytes: 0, spans: 0, complete: true }
    const call = callOf(request)
    const leftOf = sharedTime(call)
    const series = await reckoned(plan, 1, (one) => seriesAtOnce(store, one, range, leftOf(), effort))
    return {
      series: series.flatMap((one) => {
        const value = one.values[0]!
        return Number.isNaN(value) ? [] : [{ labels: one.labels, value }]
      }),
      ...endingOf(effort),
    }
  }
}

/** Several questions for one answer have its time together. */
function sharedTime(call: QueryCall): () => QueryCall {
  const endMs = performance.now() + call.timeoutMs
  return () => ({ ...call, timeoutMs: Math.max(1, endMs - performance.now()) })
}

async function seriesOverTime(
  store: StoreQueries,
  plan: Plan,
  steps: Steps,
  call: QueryCall,
  effort: Effort,
): Promise<Series[]> {
  const { points } = steps
  const range = rangeOf(steps, 0, points)
  if (plan.again) return ofTraces(store, plan, { ...range, points, stepNs: steps.stepNs }, call, effort)
  if (plan.metric.name === 'histogram_over_time')
    return histogram(store, plan, { ...range, timeBins: points }, call, effort)
  if (plan.metric.comparison) return comparison(store, plan, range, points, call, effort)
  return overTime(store, plan, steps, call, effort)
}

async function seriesAtOnce(
  store: StoreQueries,
  plan: Plan,
  range: TimeRange,
  call: QueryCall,
  effort: Effort,
): Promise<Series[]> {
  if (plan.again)
    return ofTraces(store, plan, { ...range, points: 1, stepNs: range.to - range.from + 1n }, call, effort)
  if (plan.metric.name === 'histogram_over_time') return histogram(store, plan, { ...range, timeBins: 1 }, call, effort)
  if (plan.metric.comparison) return comparison(store, plan, range, 1, call, effort)
  return atOnce(store, plan, range, call, effort)
}

/** A store tells of so many parts of the time at once; longer times are asked for in turn. */
async function overTime(
  store: StoreQueries,
  plan: Plan,
  steps: Steps,
  call: QueryCall,
  effort: Effort,
): Promise<Series[]> {
  const groups = new Map<
    string,
    { readonly key: readonly (string | undefined)[]; readonly buckets: AggregateBucket[] }
  >()
  const leftOf = sharedTime(call)
  const limit = Math.min(MAX_GROUPS, Math.floor(MAX_CELLS / steps.points))
  for (let point = 0; point < steps.points; point += MAX_BUCKETS) {
    const count = Math.min(MAX_BUCKETS, steps.points - point)
    const asked = { ...askedOf(plan), ...rangeOf(steps, point, count), buckets: count, limit }
    const rows = await counted(store, plan, asked, leftOf(), effort)
    for (const { key, buckets = [] } of rows) {
      const name = JSON.stringify(key.map((value) => value ?? null))
      let group = groups.get(name)
      if (!group) groups.set(name, (group = { key, buckets: [] }))
      for (const [i, bucket] of buckets.entries()) group.buckets[point + i] = bucket
    }
  }
  const seconds = Number(steps.stepNs) / 1e9
  return [...groups.values()].flatMap(({ key, buckets }) =>
    seriesOf(plan, key, steps.points, (point) => pointOf(buckets[point]), seconds),
  )
}

/** Durations are seconds. */
function pointOf(bucket: AggregateBucket | undefined): Point {
  if (!bucket) return NOTHING
  const { count, sumNs, minNs, maxNs, percentilesNs } = bucket
  const quantiles = percentilesNs.map((ns) => ns / 1e9)
  return { count, sum: sumNs / 1e9, least: minNs / 1e9, most: maxNs / 1e9, quantiles }
}

async function atOnce(
  store: StoreQueries,
  plan: Plan,
  range: TimeRange,
  call: QueryCall,
  effort: Effort,
): Promise<Series[]> {
  const rows = await counted(store, plan, { ...askedOf(plan), ...range, limit: MAX_GROUPS }, call, effort)
  const seconds = Number(range.to - range.from + 1n) / 1e9
  return rows.flatMap((row) => seriesOf(plan, row.key, 1, () => pointOf(row), seconds))
}

function askedOf({ scope, groupBy, metric }: Plan): AggregateQuery {
  return {
    ...scope,
    groupBy,
    percentiles: metric.quantiles.map((share) => Math.max(share, Number.MIN_VALUE)),
    exemplars: 0,
  }
}

/** The groups; where there is nothing to group by, everything as one. None without spans. */
async function counted(
  store: StoreQueries,
  { groupBy }: Plan,
  asked: AggregateQuery,
  call: QueryCall,
  effort: Effort,
): Promise<readonly (Measures & { readonly key: readonly (string | undefined)[] })[]> {
  const { total, groups, rest, ...end } = await store.aggregate(asked, call)
  effort.bytes += end.bytesRead
  effort.spans += end.spansScanned
  if (!end.complete || rest) effort.complete = false
  if (groupBy.length > 0) return groups
  return total.count > 0 ? [{ key: [], ...total }] : []
}

/** Counts by time and duration, a series for each bin of durations, which is named by its end in seconds. */
async function histogram(
  store: StoreQueries,
  { scope }: Plan,
  asked: Pick<HeatMapQuery, 'from' | 'to'> & { readonly timeBins: number },
  call: QueryCall,
  effort: Effort,
): Promise<Series[]> {
  const { timeBins } = asked
  if (timeBins > MAX_BUCKETS)
    throw bad(
      `invalid step: a histogram has at most ${MAX_BUCKETS} points, and ${timeBins} are asked for; take a longer step`,
    )
  const { edgesNs, counts, exemplars, ...end } = await store.heatMap(
    { ...scope, ...asked, durationBins: DURATION_BINS },
    call,
  )
  effort.bytes += end.bytesRead
  effort.spans += end.spansScanned
  if (!end.complete) effort.complete = false
  const bins = edgesNs.length - 1
  const series = Array.from(
    { length: bins },
    (_, bin): Series & { exemplars: NonNullable<Series['exemplars']>[number][] } => ({
      labels: [{ key: '__bucket', value: { doubleValue: edgesNs[bin + 1]! / 1e9 } }],
      values: Float64Array.from({ length: timeBins }, (__, point) => counts[point * bins + bin]!),
      exemplars: [],
    }),
  )
  // Spread over all that there are.
  const every = Math.max(1, Math.ceil(exemplars.length / MAX_EXEMPLARS))
  for (let i = 0; i < exemplars.length; i += every) {
    const { bin, traceId, durationNs } = exemplars[i]!
    series[bin % bins]!.exemplars.push({ traceId, value: durationNs / 1e9, point: Math.floor(bin / bins) })
  }
  return series.filter(({ values }) => values.some((count) => count > 0))
}

function endingOf({ bytes, spans, complete }: Effort): Ending {
  const metrics = { inspectedBytes: String(bytes), inspectedSpans: String(spans) }
  return complete ? { metrics } : { metrics, status: 'PARTIAL', message: PARTIAL }
}
