import type { KeyValueJson } from './any-value.ts'
import { compares, type SecondStage } from './traceql/index.ts'

/** A number for each point; NaN: there is none. */
export interface Series {
  readonly labels: readonly KeyValueJson[]
  readonly values: Float64Array
  readonly exemplars?: readonly { readonly traceId: string; readonly value: number; readonly point: number }[]
}

/** What comes after numbers over time, in turn. Series keep their place; of a point that is left out the number is NaN. */
export function applySecond(series: readonly Series[], stages: readonly SecondStage[]): readonly Series[] {
  for (const stage of stages) {
    if (stage.op === 'compare') {
      for (const { values } of series)
        for (const [point, value] of values.entries())
          if (!compares(value, stage.compare, stage.value)) values[point] = Number.NaN
    } else keepMost(series, stage.count, stage.op === 'topk' ? -1 : 1)
  }
  return series
}

/** Of each point by itself, as in Tempo. `direction`: -1 for the largest. */
function keepMost(series: readonly Series[], count: number, direction: 1 | -1): void {
  const points = series[0]?.values.length ?? 0
  for (let point = 0; point < points; point++) {
    const there = series.filter(({ values }) => !Number.isNaN(values[point]!))
    there.sort((a, b) => direction * (a.values[point]! - b.values[point]!))
    for (const { values } of there.slice(count)) values[point] = Number.NaN
  }
}
