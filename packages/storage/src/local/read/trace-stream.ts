import { createSpanColumns, extractSpans, type SpanColumns } from '@spoor/otlp'
import { traceIndex, type BlockRows, type Frame } from '../block/rows.ts'
import { traceHash, type Block } from './block.ts'
import { frameAt } from './span-view.ts'
import type { Turn } from './turn.ts'

/** Bytes that one answer holds, about. */
const ANSWER_BYTES = 1 << 20
/** Spans that are cut out of a frame at a time. */
const MAX_PIECE = 1 << 13

/**
 * A trace's spans on their way out, frame by frame, in the order in which they came. Between two answers it holds nothing but its place.
 * Damage is stepped over: all that can be read is given, and then the last answer throws what was damaged first.
 */
export class TraceStream {
  readonly #blocks: readonly Block[]
  readonly #id: Uint32Array
  readonly #hash: number
  #block = 0
  #row = 0
  #usedMs = 0
  #damage: Error | undefined
  #columns = createSpanColumns(64)
  #rows: WeakRef<BlockRows> | undefined
  #rowsBlock = -1

  /** `damage`: what was met before, so that blocks are missing in which the trace may be. */
  constructor(blocks: readonly Block[], id: Uint32Array, damage?: Error) {
    this.#blocks = blocks
    this.#damage = damage
    this.#id = id
    this.#hash = traceHash(id)
  }

  /** Milliseconds that all answers together have taken. */
  get usedMs(): number {
    return this.#usedMs
  }

  /** The next answer. Throws StorageError `corrupt` or `io` at the end when something could not be read, `timeout` or `cancelled`. */
  async next(turn: Turn): Promise<{ chunks: Uint8Array[]; done: boolean }> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    while (this.#block < this.#blocks.length && bytes < ANSWER_BYTES) {
      const piece = await this.#piece(turn)
      turn.throwIfStopped()
      if (piece) {
        chunks.push(piece)
        bytes += piece.length
      }
    }
    this.#usedMs += turn.elapsedMs
    this.#damage ??= turn.damage
    const done = this.#block >= this.#blocks.length
    if (done && chunks.length === 0 && this.#damage) throw this.#damage
    return { chunks, done: done && !this.#damage }
  }

  /** The trace's next spans of one frame; undefined when there are none at this place, or they cannot be read. */
  async #piece(turn: Turn): Promise<Uint8Array | undefined> {
    const block = this.#blocks[this.#block]!
    if (turn.work(100) && (await turn.breathe())) return undefined
    const rows = turn.attempt(() => (block.mayHaveTrace(this.#hash) ? this.#rowsOf(block) : undefined))
    const index = rows ? traceIndex(rows, this.#id) : -1
    const first = rows && index >= 0 ? rows.trace.indexOf(index, this.#row) : -1
    if (!rows || first < 0 || first >= rows.count) {
      this.#block++
      this.#row = 0
      return undefined
    }
    if (turn.work(rows.count) && (await turn.breathe())) return undefined
    const frame = frameAt(rows, rows.spanStart[first]!)
    const members = this.#gather(rows, index, first, frame)
    if (turn.work(100 * members.length + frame.rawLength) && (await turn.breathe())) return undefined
    return turn.attempt(() => extractSpans(block.frame(frame), members, this.#columns))
  }

  /** A block too large for the cache is not to be read again for each of its frames. */
  #rowsOf(block: Block): BlockRows {
    if (this.#rowsBlock === this.#block) {
      const known = this.#rows?.deref()
      if (known) return known
    }
    const rows = block.rows()
    this.#rowsBlock = this.#block
    this.#rows = new WeakRef(rows)
    return rows
  }

  /** What {@link extractSpans} needs of the trace's rows in a frame, from the block's columns: the frame is not scanned again. */
  #gather(rows: BlockRows, index: number, first: number, frame: Frame): Uint32Array {
    const end = frame.rawStart + frame.rawLength
    const found: number[] = []
    let row = first
    while (row >= 0 && row < rows.count && rows.spanStart[row]! < end && found.length < MAX_PIECE) {
      found.push(row)
      row = rows.trace.indexOf(index, row + 1)
    }
    this.#row = row < 0 ? rows.count : row
    if (found.length > this.#columns.spanStart.length) this.#columns = createSpanColumns(2 * found.length)
    this.#columns.count = 0
    for (const each of found) addRow(this.#columns, rows, each, frame.rawStart)
    return Uint32Array.from(found, (_, i) => i)
  }
}

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
