import type { StoreQueries } from '../api/store-queries.ts'
import type { QueryCall } from '../http/query-call.ts'
import type { Effort, Plan } from './metric-plan.ts'
import type { Series } from './second-stage.ts'
import { MAX_BUCKETS, rangeOf, type Steps } from './steps.ts'

export const MAX_EXEMPLARS = 100

/** Whether traces can be named for these numbers, beside those of a histogram: where the store counts them, ungrouped. */
export function namesTraces({ metric, again }: Plan, { points }: Steps): boolean {
  const { name, by } = metric
  return !again && by.length === 0 && name !== 'histogram_over_time' && name !== 'compare' && points <= MAX_BUCKETS
}

/**
 * Names the longest spans of each point, which is one more question to the store. With a number of spans they lie on it; with durations where their own is: of several series (of quantiles) with that which is
 * nearest.
 */
export async function withExemplars(
  store: StoreQueries,
  { scope, metric }: Plan,
  steps: Steps,
  series: readonly Series[],
  most: number,
  call: QueryCall,
  effort: Effort,
): Promise<readonly Series[]> {
  const { points } = steps
  const asked = { ...scope, ...rangeOf(steps, 0, points), timeBins: points, durationBins: 1 }
  const { exemplars, edgesNs, bytesRead, spansScanned, complete } = await store.heatMap(asked, call)
  effort.bytes += bytesRead
  effort.spans += spansScanned
  if (!complete) effort.complete = false
  const named = series.map((): NonNullable<Series['exemplars']>[number][] => [])
  const bins = edgesNs.length - 1
  const every = Math.max(1, Math.ceil(exemplars.length / most))
  for (let i = 0; i < exemplars.length; i += every) {
    const { bin, traceId, durationNs } = exemplars[i]!
    const point = Math.floor(bin / bins)
    const seconds = durationNs / 1e9
    const apart = series.map(({ values }) => Math.abs(values[point]! - seconds))
    const nearest = apart.indexOf(Math.min(...apart))
    const isOfCounts = metric.of === undefined
    if (nearest >= 0)
      named[nearest]!.push({ traceId, value: isOfCounts ? series[nearest]!.values[point]! : seconds, point })
  }
  return series.map((one, i) => ({ ...one, exemplars: named[i]! }))
}
