import type { TraceRow } from 'spoor/api'
import { slotOf } from '../../service-color/kept-colors.ts'
import { type Area, type PlotScale, xOf, yOf } from './plot-scale.ts'

export interface ScatterPoints {
  readonly x: Float32Array
  readonly y: Float32Array
  /** Radius in pixels, by the number of spans. */
  readonly radius: Float32Array
  /** 1 when a span of the trace failed. */
  readonly failed: Uint8Array
  /** Colour slot of the root's service. */
  readonly slot: Uint8Array
}

/** Milliseconds since 1970 of a request's start, with its fraction. */
export function startMs(row: TraceRow): number {
  return Number(BigInt(row.requestStart) / 1000n) / 1000
}

/** A scale on which all the rows have room; undefined without rows. A lone moment gets a second around it. */
export function scatterScale(rows: readonly TraceRow[], area: Area): PlotScale | undefined {
  if (rows.length === 0) return undefined
  let from = Infinity
  let to = -Infinity
  let min = Infinity
  let max = 1
  for (const row of rows) {
    const at = startMs(row)
    if (at < from) from = at
    if (at > to) to = at
    if (row.requestDurationNs < min) min = row.requestDurationNs
    if (row.requestDurationNs > max) max = row.requestDurationNs
  }
  const pad = Math.max((to - from) * 0.02, 1)
  const wide = to - from < 2 ? 500 : pad
  // At least a decade, so that traces of one length do not look as if they differed.
  const low = Math.max(1, min)
  const middle = Math.sqrt(low * max)
  const minNs = Math.max(1, Math.min(low / 1.4, middle / 3.2))
  return { fromMs: from - wide, toMs: to + wide, minNs, maxNs: Math.max(max * 1.4, middle * 3.2, minNs * 10), area }
}

export function placePoints(rows: readonly TraceRow[], scale: PlotScale): ScatterPoints {
  const x = new Float32Array(rows.length)
  const y = new Float32Array(rows.length)
  const radius = new Float32Array(rows.length)
  const failed = new Uint8Array(rows.length)
  const slot = new Uint8Array(rows.length)
  rows.forEach((row, index) => {
    x[index] = xOf(scale, startMs(row))
    y[index] = yOf(scale, row.requestDurationNs)
    radius[index] = Math.min(7, 2.5 + Math.log10(Math.max(1, row.spans)) * 1.1)
    failed[index] = row.errors > 0 ? 1 : 0
    slot[index] = slotOf(row.rootService)
  })
  return { x, y, radius, failed, slot }
}

/** Index of the point nearest to a place, within `reach` pixels; -1 when there is none. */
export function nearestPoint(points: ScatterPoints, x: number, y: number, reach: number): number {
  let best = -1
  let least = reach * reach
  for (let index = 0; index < points.x.length; index++) {
    const dx = points.x[index]! - x
    const dy = points.y[index]! - y
    const square = dx * dx + dy * dy
    if (square <= least) {
      least = square
      best = index
    }
  }
  return best
}
