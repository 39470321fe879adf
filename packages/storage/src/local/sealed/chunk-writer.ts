import { crc32 } from 'node:zlib'
import { PADDING, widthOf } from './bits.ts'
import { LEVEL, LEVELS, SHAPES, SPAN_ID, TRACE_ID, type ColumnName } from './column.ts'
import type { EncodedColumn } from './encoded-column.ts'
import type { EncodedTable } from './encoded-table.ts'
import type { WrittenChunk } from './head.ts'
import type { Source } from './source.ts'
import type { Piece } from './text-pages.ts'

/** Spans whose columns lie together, at least; those of a trace do unless it has more. */
const CHUNK_SPANS = 2048
const CHUNK_TRACES = 1024

/**
 * Writes the columns in chunks, so that what is read of a trace lies together and a column can be read without the others: first a chunk of
 * all resources and scopes, then some of traces, then those of spans with their events and links.
 */
export class ChunkWriter {
  readonly #source: Source
  readonly #tables: readonly EncodedTable[]
  readonly #encoded: readonly EncodedColumn[]
  readonly #column: (name: ColumnName) => EncodedColumn
  readonly #eventsOf: { readonly [LEVEL.event]: Uint32Array; readonly [LEVEL.link]: Uint32Array }
  readonly #add: (bytes: Uint8Array) => number
  readonly #chunks: WrittenChunk[] = []
  readonly #next: number[] = Array.from({ length: LEVELS }, () => 0)

  constructor(
    source: Source,
    tables: readonly EncodedTable[],
    encoded: readonly EncodedColumn[],
    column: (name: ColumnName) => EncodedColumn,
    eventsOf: { readonly [LEVEL.event]: Uint32Array; readonly [LEVEL.link]: Uint32Array },
    add: (bytes: Uint8Array) => number,
  ) {
    this.#source = source
    this.#tables = tables
    this.#encoded = encoded
    this.#column = column
    this.#eventsOf = eventsOf
    this.#add = add
  }

  write(): { chunks: WrittenChunk[]; lastIds: Uint32Array[] } {
    const { first, order } = this.#source
    const counts = this.#tables.map(({ count }) => count)
    const none = Array.from({ length: LEVELS }, () => 0)
    this.#writeChunk(none.map((_, level) => (level === LEVEL.resource || level === LEVEL.scope ? counts[level]! : 0)))
    const lastIds: Uint32Array[] = []
    const traces = counts[LEVEL.trace]!
    for (let from = 0; from < traces; from += CHUNK_TRACES) {
      const to = Math.min(from + CHUNK_TRACES, traces)
      this.#writeChunk(none.map((_, level) => (level === LEVEL.trace ? to - from : 0)))
      lastIds.push(this.#traceIds(to - 1, to))
    }
    for (let trace = 0, from = 0; from < order.length;) {
      while (trace < traces && first[trace + 1]! - from < CHUNK_SPANS) trace++
      const to = Math.min(first[Math.min(trace + 1, traces)]!, from + 2 * CHUNK_SPANS)
      const events = this.#eventsOf[LEVEL.event][to - 1]! - this.#next[LEVEL.event]!
      const links = this.#eventsOf[LEVEL.link][to - 1]! - this.#next[LEVEL.link]!
      this.#writeChunk([to - from, events, links, 0, 0, 0])
      from = to
    }
    return { chunks: this.#chunks, lastIds }
  }

  #writeChunk(rows: readonly number[]): void {
    const [spans, traces] = [this.#next[LEVEL.span]!, this.#next[LEVEL.trace]!]
    const starts = [...this.#next]
    for (const [level, count] of rows.entries()) {
      const table = this.#tables[level]!
      const from = starts[level]!
      const shapes = level < LEVEL.trace ? this.#column(SHAPES[level]!) : undefined
      const width = widthOf(Math.max(0, table.shapes - 1))
      if (shapes) for (let row = from; row < from + count; row++) shapes.writer.write(table.shape[row]!, width)
      table.write(from, from + count)
      this.#next[level] = from + count
    }
    const ids = new Map<EncodedColumn, Uint8Array>()
    if (rows[LEVEL.span]! > 0) ids.set(this.#column(SPAN_ID), this.#spanIds(spans, this.#next[LEVEL.span]!))
    if (rows[LEVEL.trace]! > 0) {
      const words = this.#traceIds(traces, this.#next[LEVEL.trace]!)
      ids.set(this.#column(TRACE_ID), new Uint8Array(words.buffer, 0, words.byteLength))
    }
    const pieces = new Map<number, Pick<Piece, 'length' | 'crc'>>()
    const bytes: Uint8Array[] = []
    let length = 0
    for (const [i, column] of this.#encoded.entries()) {
      const piece = ids.get(column) ?? column.writer.take()
      if (piece.length === 0) continue
      pieces.set(i, { length: piece.length, crc: crc32(piece) })
      bytes.push(piece)
      length += piece.length
    }
    const whole = new Uint8Array(length + PADDING)
    let at = 0
    for (const piece of bytes) {
      whole.set(piece, at)
      at += piece.length
    }
    const offset = this.#add(whole)
    this.#chunks.push({ offset, length: whole.length, crc: crc32(whole), rows, pieces })
  }

  #spanIds(from: number, to: number): Uint8Array {
    const { columns, order } = this.#source
    const words = new Uint32Array(columns.spanId.buffer, columns.spanId.byteOffset, 2 * columns.count)
    const ids = new Uint32Array(2 * (to - from))
    for (let place = from; place < to; place++) {
      ids[2 * (place - from)] = words[2 * order[place]!]!
      ids[2 * (place - from) + 1] = words[2 * order[place]! + 1]!
    }
    return new Uint8Array(ids.buffer)
  }

  #traceIds(from: number, to: number): Uint32Array {
    const { columns, order, first } = this.#source
    const words = new Uint32Array(columns.traceId.buffer, columns.traceId.byteOffset, 4 * columns.count)
    const ids = new Uint32Array(4 * (to - from))
    for (let trace = from; trace < to; trace++) {
      const at = 4 * order[first[trace]!]!
      ids.set(words.subarray(at, at + 4), 4 * (trace - from))
    }
    return ids
  }
}
