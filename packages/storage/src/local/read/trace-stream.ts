import { StorageError } from '../../contract.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import { traceHash, type Block } from './block.ts'
import { LostBlock } from './lost-block.ts'
import { frameAt } from './trace-rows.ts'
import type { Turn } from './turn.ts'

/** Bytes that one answer holds, about. */
const ANSWER_BYTES = 1 << 20
/** Spans that are read at a time. */
const MAX_PIECE = 1 << 13

/**
 * A trace's spans on their way out, piece by piece, in the order in which they came. Between two answers it holds nothing but its place.
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
  #rows: WeakRef<BlockRows> | undefined
  #rowsBlock = -1
  /** What the file system does not give out now. */
  readonly #refused: readonly LostBlock[]
  /** When the spans that were found began, and the last of them ended; seen to while something is refused. */
  #from: bigint | undefined
  #to = 0n

  /** `damage`: what was met before, so that blocks are missing in which the trace may be. */
  constructor(blocks: readonly Block[], id: Uint32Array, damage?: Error) {
    this.#blocks = blocks
    this.#damage = damage
    this.#id = id
    this.#hash = traceHash(id)
    this.#refused = blocks.filter((block) => block instanceof LostBlock).filter(({ refusal }) => refusal !== undefined)
  }

  /** Milliseconds that all answers together have taken. */
  get usedMs(): number {
    return this.#usedMs
  }

  /** The next answer. Throws StorageError `corrupt` or `io` at the end when something could not be read, `timeout` or `cancelled`. */
  async next(turn: Turn): Promise<{ chunks: Uint8Array[]; done: boolean }> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    const mayHaveTrace = () => this.#blocks[this.#block]!.mayHaveTrace(this.#hash)
    while (this.#block < this.#blocks.length && bytes < ANSWER_BYTES) {
      if (turn.work(100)) await turn.breathe()
      turn.throwIfStopped()
      // Nearly all are stepped over here: a promise for each would cost more than looking does.
      if (!turn.attempt(mayHaveTrace)) {
        this.#block++
        this.#row = 0
        continue
      }
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
    if (done) this.#damage ??= this.#mayLack()
    if (done && chunks.length === 0 && this.#damage) throw this.#damage
    return { chunks, done: done && !this.#damage }
  }

  /** The trace's next spans; undefined when there are none at this place, or they cannot be read. */
  async #piece(turn: Turn): Promise<Uint8Array | undefined> {
    const block = this.#blocks[this.#block]!
    const rows = turn.attempt(() => this.#rowsOf(block))
    if (!rows || this.#row >= rows.count) {
      this.#block++
      this.#row = 0
      return undefined
    }
    if (turn.work(rows.count) && (await turn.breathe())) return undefined
    const first = this.#row
    this.#row = endOfPiece(rows, first)
    const members = Uint32Array.from({ length: this.#row - first }, (_, i) => first + i)
    if (this.#refused.length > 0) this.#note(rows, first, this.#row)
    const piece = turn.attempt(() => block.spanBytes(rows, members))
    turn.work(100 * members.length + (piece?.length ?? 0))
    return piece
  }

  #note(rows: BlockRows, first: number, end: number): void {
    for (let row = first; row < end; row++) {
      const start = startOf(rows, row)
      const spanEnd = start + BigInt(Math.max(0, rows.durationNs[row]!))
      if (this.#from === undefined || start < this.#from) this.#from = start
      if (spanEnd > this.#to) this.#to = spanEnd
    }
  }

  /** Spans of the trace's time, or the whole trace, may be in what is refused. */
  #mayLack(): StorageError | undefined {
    const from = this.#from
    const found = this.#refused.find(
      (block) => from === undefined || (block.maxStart >= from && block.minStart <= this.#to),
    )
    if (!found) return undefined
    return new StorageError('io', `spans of the trace may be in what cannot be read now: ${found.refusal}`)
  }

  /** A block is not to be read again for each of its pieces. */
  #rowsOf(block: Block): BlockRows | undefined {
    const known = this.#rowsBlock === this.#block ? this.#rows?.deref() : undefined
    if (known) return known
    const rows = block.traceRows(this.#id)
    this.#rowsBlock = this.#block
    this.#rows = rows && new WeakRef(rows)
    return rows
  }
}

/** The row after those that are read together: of one frame, so that its damage takes no others, and no more than an answer holds. */
function endOfPiece(rows: BlockRows, first: number): number {
  const frame = rows.frames.length > 0 ? frameAt(rows, rows.spanStart[first]!) : undefined
  const frameEnd = frame ? frame.rawStart + frame.rawLength : Infinity
  let row = first
  let bytes = 0
  do {
    bytes += rows.spanEnd[row]! - rows.spanStart[row]!
    row++
  } while (row < rows.count && row - first < MAX_PIECE && bytes < ANSWER_BYTES && rows.spanStart[row]! < frameEnd)
  return row
}
