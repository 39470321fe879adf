import { createSpanColumns, extractSpans, type SpanColumns } from '@spoor/otlp'
import type { Block } from './catalog.ts'
import type { BlockRows } from '../block/rows.ts'
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
  const all = Array.from({ length: Math.max(0, ...parts.map(({ members }) => members.length)) }, (_, row) => row)
  const columns = createSpanColumns(all.length)
  for (const { block, rows, members } of parts) {
    let i = 0
    while (i < members.length) {
      const frame = frameAt(rows, rows.spanStart[members[i]!]!)
      const end = frame.rawStart + frame.rawLength
      columns.count = 0
      while (i < members.length && rows.spanStart[members[i]!]! < end) {
        addRow(columns, rows, members[i++]!, frame.rawStart)
      }
      yield extractSpans(block.frame(frame), all.slice(0, columns.count), columns)
    }
  }
}

/** What {@link extractSpans} needs of a span, from the block's columns: the frame is not scanned again. */
function addRow(columns: SpanColumns, rows: BlockRows, row: number, rawStart: number): void {
  const at = columns.count++
  const group = 4 * rows.group[row]!
  columns.spanStart[at] = rows.spanStart[row]! - rawStart
  columns.spanEnd[at] = rows.spanEnd[row]! - rawStart
  columns.resourceStart[at] = rows.groups[group]! - rawStart
  columns.resourceEnd[at] = rows.groups[group + 1]! - rawStart
  columns.scopeStart[at] = rows.groups[group + 2]! - rawStart
  columns.scopeEnd[at] = rows.groups[group + 3]! - rawStart
}
