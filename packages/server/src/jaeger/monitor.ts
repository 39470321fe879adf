import type { AggregateBucket, AggregateQuery, Filter } from '@spoor/storage'
import { all, countParam, first, nowNs, type Query, RequestError } from '../api/params.ts'
import type { Limits, StoreQueries } from '../api/store-queries.ts'
import { booleanParam } from './go-params.ts'

/** What Jaeger UI's Monitor tab asks for, by the last part of its path. */
export const MONITOR_METRICS = ['latencies', 'calls', 'errors'] as const
export type MonitorMetric = (typeof MONITOR_METRICS)[number]

/** Points of a series, with those that the first one looks back on; what is asked for in smaller steps gets longer ones. */
const MAX_STEPS = 1_000
/** Series times steps that a store tells of. */
const MAX_CELLS = 100_000
const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']

/** Jaeger's `MetricFamily` in JSON. */
export interface MetricFamily {
  readonly name: string
  readonly type: 'GAUGE'
  readonly help: string
  readonly metrics: readonly {
    readonly labels: readonly { readonly name: string; readonly value: string }[]
    /** `NaN` where there was no call. */
    readonly metricPoints: readonly {
      readonly gaugeValue: { readonly doubleValue: number | 'NaN' }
      /** RFC 3339. */
      readonly timestamp: string
    }[]
  }[]
}

/** Each of these points tells of the spans that started in the `window` steps before it. Nanoseconds since 1970. */
interface Steps {
  readonly from: bigint
  readonly stepNs: bigint
  readonly points: number
  readonly window: number
}

/**
 * Rates, failures and latencies of services, or of their operations, over time, counted from the spans that are stored. A rate is of the `ratePer` before its
 * point, as in Jaeger; a latency (milliseconds) is of the spans of the step before it alone, which Jaeger smooths over `ratePer`, too.
 *
 * @throws RequestError for parameters that cannot be read
 * @returns whether the store could count them all, beside what it has
 *
 * Source: jaeger v2.20, `jaegerquery/internal/query_parser.go` (`parseMetricsQueryParams`), `metricstore/prometheus`.
 */
export async function monitorMetric(
  store: StoreQueries,
  metric: MonitorMetric,
  query: Query,
  limits: Limits,
): Promise<{ readonly family: MetricFamily; readonly complete: boolean }> {
  const services = all(query, 'service').filter((name) => name !== '')
  if (services.length === 0) throw unreadable('service', 'please provide at least one service name')
  const quantile = metric === 'latencies' ? quantileParam(query) : undefined
  const byOperation = booleanParam(query, 'groupByOperation')
  const steps = stepsOf(query, metric)
  const count = steps.points + steps.window - 1
  const asked: AggregateQuery = {
    filter: { op: 'and', args: [oneOf('service', services), oneOf('kind', kindsParam(query))] },
    from: steps.from,
    to: steps.from + BigInt(count) * steps.stepNs - 1n,
    groupBy: [{ field: 'service' }, ...(byOperation ? [{ field: 'name' } as const] : [])],
    percentiles: [quantile ?? 0.5],
    buckets: count,
    limit: Math.min(10_000, Math.floor(MAX_CELLS / count)),
    exemplars: 0,
  }
  const { groups, rest, complete } = await store.aggregate(asked, limits)
  const times = Array.from({ length: steps.points }, (_, point) => timeOf(steps, point))
  const metrics = groups.map(({ key, buckets = [] }) => ({
    labels: [
      { name: 'service_name', value: key[0] ?? '' },
      ...(byOperation ? [{ name: 'operation', value: key[1] ?? '' }] : []),
    ],
    metricPoints: valuesOf(metric, buckets, steps).map((value, point) => ({
      gaugeValue: { doubleValue: Number.isNaN(value) ? ('NaN' as const) : value },
      timestamp: times[point]!,
    })),
  }))
  const family = { ...wordsOf(metric, byOperation, quantile), type: 'GAUGE' as const, metrics }
  return { family, complete: complete && rest === undefined }
}

function valuesOf(metric: MonitorMetric, buckets: readonly AggregateBucket[], steps: Steps): number[] {
  const { points, window, stepNs } = steps
  if (metric === 'latencies')
    return Array.from({ length: points }, (_, point) => {
      const { count, percentilesNs } = buckets[point]!
      return count === 0 ? NaN : percentilesNs[0]! / 1e6
    })
  const seconds = (window * Number(stepNs)) / 1e9
  let calls = 0
  let errors = 0
  const values: number[] = []
  for (const [i, bucket] of buckets.entries()) {
    const gone = buckets[i - window]
    calls += bucket.count - (gone?.count ?? 0)
    errors += bucket.errors - (gone?.errors ?? 0)
    if (i >= window - 1) values.push(metric === 'calls' ? calls / seconds : errors / calls)
  }
  return values
}

function stepsOf(query: Query, metric: MonitorMetric): Steps {
  const endMs = milliseconds(query, 'endTs', Number(nowNs() / 1_000_000n), 0)
  const lookbackMs = milliseconds(query, 'lookback', 3_600_000, 1)
  const askedMs = milliseconds(query, 'step', 5_000, 1)
  const ratePerMs = milliseconds(query, 'ratePer', 600_000, 1)
  const seenMs = metric === 'latencies' ? lookbackMs : lookbackMs + ratePerMs
  const stepMs = Math.max(1, Math.ceil(seenMs / askedMs / (MAX_STEPS - 2))) * askedMs
  const points = Math.floor(lookbackMs / stepMs) + 1
  const window = metric === 'latencies' ? 1 : Math.max(1, Math.ceil(ratePerMs / stepMs))
  const fromMs = endMs - (points + window - 1) * stepMs
  if (fromMs < 0) throw unreadable('lookback', 'it begins before 1970')
  return { from: BigInt(fromMs) * 1_000_000n, stepNs: BigInt(stepMs) * 1_000_000n, points, window }
}

/** The end of what a point tells of. */
function timeOf({ from, stepNs, window }: Steps, point: number): string {
  return new Date(Number((from + BigInt(point + window) * stepNs) / 1_000_000n)).toISOString()
}

function wordsOf(metric: MonitorMetric, byOperation: boolean, quantile: number | undefined) {
  const [name, what] = {
    latencies: ['latencies', `${quantile}th quantile latency`],
    calls: ['call_rate', 'calls/sec'],
    errors: ['error_rate', 'error rate, computed as a fraction of errors/sec over calls/sec'],
  }[metric] as [string, string]
  return byOperation
    ? { name: `service_operation_${name}`, help: `${what}, grouped by service & operation` }
    : { name: `service_${name}`, help: `${what}, grouped by service` }
}

function oneOf(field: 'service' | 'kind', values: readonly string[]): Filter {
  return { op: 'in', target: { field }, values }
}

function kindsParam(query: Query): readonly string[] {
  const kinds = all(query, 'spanKind').filter((kind) => kind !== '')
  for (const kind of kinds) if (!KINDS.includes(kind)) throw unreadable('spanKind', `unsupported span kind: '${kind}'`)
  return kinds.length > 0 ? kinds : ['server']
}

function quantileParam(query: Query): number {
  const text = first(query, 'quantile')
  const quantile = Number(text)
  if (text === undefined || !(quantile > 0 && quantile <= 1))
    throw unreadable('quantile', `"${text ?? ''}" is not a number above 0 and up to 1`)
  return quantile
}

function milliseconds(query: Query, name: string, fallback: number, least: number): number {
  if (first(query, name) === undefined) return fallback
  try {
    return countParam(query, name, fallback, least, 1e14)
  } catch {
    throw unreadable(name, `"${first(query, name)}" is not a number of milliseconds`)
  }
}

function unreadable(name: string, why: string): RequestError {
  return new RequestError(400, 'bad_parameter', `unable to parse param '${name}': ${why}`)
}
