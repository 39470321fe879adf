import type { HeatMapResponse } from 'spoor/api'
import type { Area, PlotScale } from './plot-scale.ts'

/** The scale of a heat map: its bins fill the plane. */
export function heatScale(map: HeatMapResponse, area: Area): PlotScale {
  const { edgesNs } = map
  const minNs = Math.max(1, edgesNs[0] ?? 1)
  const fromMs = Number(BigInt(map.bucketsFrom) / 1000n) / 1000
  const toMs = fromMs + (timeBinsOf(map) * map.bucketNs) / 1e6
  return { fromMs, toMs: Math.max(toMs, fromMs + 0.001), minNs, maxNs: Math.max(edgesNs.at(-1) ?? 1, minNs * 2), area }
}

const durationBinsOf = (map: HeatMapResponse) => map.edgesNs.length - 1

function timeBinsOf(map: HeatMapResponse): number {
  return durationBinsOf(map) > 0 ? map.counts.length / durationBinsOf(map) : 0
}

/** One bin: what it counts, and its bounds. */
export interface Bin {
  readonly index: number
  readonly count: number
  readonly errors: number
  /** Milliseconds since 1970. */
  readonly fromMs: number
  readonly toMs: number
  /** Nanoseconds; without the upper one. */
  readonly minNs: number
  readonly maxNs: number
}

export function binAt(map: HeatMapResponse, scale: PlotScale, index: number): Bin {
  const width = (scale.toMs - scale.fromMs) / timeBinsOf(map)
  const column = Math.floor(index / durationBinsOf(map))
  const row = index % durationBinsOf(map)
  return {
    index,
    count: map.counts[index] ?? 0,
    errors: map.errors[index] ?? 0,
    fromMs: scale.fromMs + column * width,
    toMs: scale.fromMs + (column + 1) * width,
    minNs: map.edgesNs[row] ?? 0,
    maxNs: map.edgesNs[row + 1] ?? 0,
  }
}

/** The bin that a moment and a duration are in; undefined outside of the map. */
export function binOf(map: HeatMapResponse, scale: PlotScale, ms: number, ns: number): Bin | undefined {
  const column = Math.floor(((ms - scale.fromMs) / (scale.toMs - scale.fromMs)) * timeBinsOf(map))
  const row = map.edgesNs.findLastIndex((edge) => edge <= ns)
  if (column < 0 || column >= timeBinsOf(map) || row < 0 || row >= durationBinsOf(map)) return undefined
  return binAt(map, scale, column * durationBinsOf(map) + row)
}
