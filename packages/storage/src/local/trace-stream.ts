import { createSpanColumns, extractSpans, scanSpans } from '@spoor/otlp'
import type { Block } from './catalog.ts'
import type { Frame } from './rows.ts'
import { frameAt } from './span-view.ts'
import { findTrace, type TracePart } from './summary.ts'

/** Bytes that one answer holds, about. */
const ANSWER_BYTES = 1 << 20

/** A trace's spans on their way out, frame by frame, in the order in which they came. */
export class TraceStream {
  readonly #pieces: Iterator<Uint8Array>

  constructor(blocks: readonly Block[], id: Uint32Array) {
    this.#pieces = pieces(findTrace(blocks, id))
  }

  next(): { chunks: Uint8Array[]; done: boolean } {
    const chunks: Uint8Array[] = []
    let bytes = 0
    while (bytes < ANSWER_BYTES) {
      const piece = this.#pieces.next()
      if (piece.done) return { chunks, done: true }
      chunks.push(piece.value)
      bytes += piece.value.length
    }
    return { chunks, done: false }
  }
}

function* pieces(parts: readonly TracePart[]): Generator<Uint8Array> {
  const columns = createSpanColumns(1024)
  for (const { block, rows, members } of parts) {
    let i = 0
    while (i < members.length) {
      const frame = frameAt(rows, rows.spanStart[members[i]!]!)
      const first = firstRow(rows.spanStart, rows.count, frame)
      const inFrame: number[] = []
      const end = frame.rawStart + frame.rawLength
      while (i < members.length && rows.spanStart[members[i]!]! < end) inFrame.push(members[i++]! - first)
      const bytes = block.frame(frame)
      columns.count = 0
      scanSpans(bytes, columns)
      yield extractSpans(bytes, inFrame, columns)
    }
  }
}

/** The first row whose span lies in the frame; rows are in the order of the bytes. */
function firstRow(spanStart: Uint32Array, count: number, frame: Frame): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (spanStart[middle]! < frame.rawStart) low = middle + 1
    else high = middle
  }
  return low
}
