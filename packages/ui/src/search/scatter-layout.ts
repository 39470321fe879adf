import type { TraceRow } from 'spoor/api'
import { traceSlots } from './trace-slots.ts'

/** Inner area of the plot in pixels. */
export interface Area {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * Traces on a plane: start on x (linear), duration on y (logarithmic, longest on top).
 *
 *     10 s ┤        ·
 *      1 s ┤   · ··   ··
 *   100 ms ┤ ···········
 *          └────────────── start
 */
export interface ScatterScale {
  /** Milliseconds since 1970. */
  readonly fromMs: number
  readonly toMs: number
  /** Nanoseconds; both at least 1. */
  readonly minNs: number
  readonly maxNs: number
  readonly area: Area
}

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

/** Milliseconds since 1970 of a trace's start, with its fraction. */
export function startMs(row: TraceRow): number {
  return Number(BigInt(row.start) / 1000n) / 1000
}

/** A scale on which all the rows have room; undefined without rows. A lone moment gets a second around it. */
export function scatterScale(rows: readonly TraceRow[], area: Area): ScatterScale | undefined {
  if (rows.length === 0) return undefined
  let from = Infinity
  let to = -Infinity
  let min = Infinity
  let max = 1
  for (const row of rows) {
    const at = startMs(row)
    if (at < from) from = at
    if (at > to) to = at
    if (row.durationNs < min) min = row.durationNs
    if (row.durationNs > max) max = row.durationNs
  }
  const pad = Math.max((to - from) * 0.02, 1)
  const wide = to - from < 2 ? 500 : pad
  // At least a decade, so that traces of one length do not look as if they differed.
  const low = Math.max(1, min)
  const middle = Math.sqrt(low * max)
  const minNs = Math.max(1, Math.min(low / 1.4, middle / 3.2))
  return { fromMs: from - wide, toMs: to + wide, minNs, maxNs: Math.max(max * 1.4, middle * 3.2, minNs * 10), area }
}

export function xOf(scale: ScatterScale, ms: number): number {
  return scale.area.left + ((ms - scale.fromMs) / (scale.toMs - scale.fromMs)) * scale.area.width
}

export function yOf(scale: ScatterScale, ns: number): number {
  const share = Math.log(Math.max(ns, 1) / scale.minNs) / Math.log(scale.maxNs / scale.minNs)
  return scale.area.top + (1 - share) * scale.area.height
}

/** The inverse of {@link xOf}, milliseconds since 1970. */
export function msAt(scale: ScatterScale, x: number): number {
  return scale.fromMs + ((x - scale.area.left) / scale.area.width) * (scale.toMs - scale.fromMs)
}

/** The inverse of {@link yOf}, nanoseconds. */
export function nsAt(scale: ScatterScale, y: number): number {
  const share = 1 - (y - scale.area.top) / scale.area.height
  return scale.minNs * (scale.maxNs / scale.minNs) ** share
}

export function placePoints(rows: readonly TraceRow[], scale: ScatterScale): ScatterPoints {
  const x = new Float32Array(rows.length)
  const y = new Float32Array(rows.length)
  const radius = new Float32Array(rows.length)
  const failed = new Uint8Array(rows.length)
  const slot = new Uint8Array(rows.length)
  rows.forEach((row, index) => {
    x[index] = xOf(scale, startMs(row))
    y[index] = yOf(scale, row.durationNs)
    radius[index] = Math.min(7, 2.5 + Math.log10(Math.max(1, row.spans)) * 1.1)
    failed[index] = row.errors > 0 ? 1 : 0
    slot[index] = traceSlots(row).get(row.rootService) ?? 0
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

/** Counts points in square cells of `cell` pixels: key `column + row * columns`. */
export function heatCells(
  points: ScatterPoints,
  area: Area,
  cell: number,
): { counts: Map<number, number>; columns: number; most: number } {
  const columns = Math.ceil(area.width / cell)
  const counts = new Map<number, number>()
  let most = 0
  for (let index = 0; index < points.x.length; index++) {
    const column = Math.floor((points.x[index]! - area.left) / cell)
    const row = Math.floor((points.y[index]! - area.top) / cell)
    const count = (counts.get(column + row * columns) ?? 0) + 1
    counts.set(column + row * columns, count)
    if (count > most) most = count
  }
  return { counts, columns, most }
}
