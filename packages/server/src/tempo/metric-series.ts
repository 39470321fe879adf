import { textJson } from './any-value.ts'
import { labelOf, type Plan } from './metric-plan.ts'
import type { Series } from './second-stage.ts'
import type { Metric } from './traceql/index.ts'

/** What there is of a group at a point. Durations are seconds. */
export interface Point {
  readonly count: number
  readonly sum: number
  readonly least: number
  readonly most: number
  /** For each of the metric's quantiles. */
  readonly quantiles: readonly number[]
}

export const NOTHING: Point = { count: 0, sum: 0, least: 0, most: 0, quantiles: [] }

/** Of a group: one, or of quantiles one for each. `seconds`: of a point. */
export function seriesOf(
  { metric }: Plan,
  key: readonly (string | undefined)[],
  points: number,
  at: (point: number) => Point,
  seconds: number,
): Series[] {
  const by = metric.by.map((target, i) => ({ key: labelOf(target), value: textJson(key[i]) }))
  const values = (of: (point: Point) => number): Float64Array =>
    Float64Array.from({ length: points }, (_, point) => of(at(point)))
  if (metric.name === 'quantile_over_time')
    return metric.quantiles.map((share, i) => ({
      labels: [...by, { key: 'p', value: { doubleValue: share } }],
      values: values(({ count, quantiles, least }) => (count === 0 ? Number.NaN : share === 0 ? least : quantiles[i]!)),
    }))
  const labels = by.length > 0 ? by : [{ key: '__name__', value: { stringValue: metric.name } }]
  return [{ labels, values: values((point) => valueOf(metric, point, seconds)) }]
}

/** NaN: there is none. */
function valueOf({ name }: Metric, { count, sum, least, most }: Point, seconds: number): number {
  if (name === 'rate') return count / seconds
  if (name === 'count_over_time') return count
  if (count === 0) return Number.NaN
  const numbers = { min_over_time: least, max_over_time: most, sum_over_time: sum, avg_over_time: sum / count }
  return numbers[name as keyof typeof numbers]
}
