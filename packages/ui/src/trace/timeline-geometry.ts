import { SpanFlag, type Trace } from '@spoor/trace'
import type { CriticalRows } from './loaded-trace.ts'
import type { TimeWindow } from './trace-view.ts'

/** A piece of a row as shares 0-1 of the width in view, cut at its ends. */
export interface Piece {
  readonly left: number
  readonly width: number
}

/**
 * How one row is drawn.
 *
 *     ▕██▓▓▓▓▓▓███████▨▨▨▨▨▨▏ 143 ms
 *        └critical┘   └tail: after the parent's end
 */
export interface Bar {
  /** Undefined when no part of the span is in view. */
  readonly whole: Piece | undefined
  readonly tail: Piece | undefined
  readonly critical: readonly Piece[]
}

/** A stretch of time as a piece of the window; undefined when it lies outside. A moment inside has width 0. */
export function pieceOf(window: TimeWindow, startNs: number, endNs: number): Piece | undefined {
  if (endNs < window.from || startNs > window.to) return undefined
  const length = window.to - window.from
  const left = Math.max(0, (startNs - window.from) / length)
  const right = Math.min(1, (endNs - window.from) / length)
  return { left, width: Math.max(0, right - left) }
}

/** Critical segments that lie closer than `least` (a share of the width, about a pixel) are drawn as one. */
export function barOf(trace: Trace, critical: CriticalRows, row: number, window: TimeWindow, least: number): Bar {
  const start = trace.startNs[row]!
  const end = start + trace.durationsNs[row]!
  return {
    whole: pieceOf(window, start, end),
    tail: tailOf(trace, row, window),
    critical: criticalOf(critical, row, window, least),
  }
}

/** The part of an asynchronous span after its parent's end. */
function tailOf(trace: Trace, row: number, window: TimeWindow): Piece | undefined {
  const parent = trace.parent[row]!
  if (!(trace.flags[row]! & SpanFlag.async) || parent < 0) return undefined
  const start = trace.startNs[row]!
  const parentEnd = trace.startNs[parent]! + trace.durationsNs[parent]!
  return pieceOf(window, Math.max(start, parentEnd), start + trace.durationsNs[row]!)
}

function criticalOf(critical: CriticalRows, row: number, window: TimeWindow, least: number): Piece[] {
  const pieces: { left: number; width: number }[] = []
  for (let index = critical.offsets[row]!; index < critical.offsets[row + 1]!; index++) {
    const piece = pieceOf(window, critical.startNs[index]!, critical.endNs[index]!)
    if (!piece) continue
    const last = pieces.at(-1)
    if (last && piece.left - (last.left + last.width) < least) last.width = piece.left + piece.width - last.left
    else pieces.push({ ...piece })
  }
  return pieces
}

/** Where the duration is written: right of the bar, left of it, or inside at its right end, whichever has room first. `room` is a share of the width. */
export function labelSide(piece: Piece, room: number): 'right' | 'left' | 'inside' {
  if (piece.left + piece.width + room <= 1) return 'right'
  return piece.left >= room ? 'left' : 'inside'
}
