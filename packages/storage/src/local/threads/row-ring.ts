import {
  bytesOfRows,
  copyRows,
  difference,
  rowsIn,
  type BlockRows,
  type Frame,
  type Mark,
  type OperationKey,
} from '../block/rows.ts'

/** Bytes of rows that may wait for a reader; a power of two. */
const CAPACITY = 1 << 18
/** The largest piece that is put there. */
const MAX_PIECE = CAPACITY / 4
/** Words at the start: how many bytes were put in, and how many taken out, since it was made, modulo 2^32. */
const PUT = 0
const TAKEN = 1
const HEADER = 16
/** Words in front of each piece: its bytes with these, below 0 where it is only the rest up to the end; what went before it; the segment; counts; bytes of its text. */
const PIECE_HEADER = 40

/** Rows of an open block, as they are told to a reader. */
export interface ToldRows {
  readonly type: 'rows'
  readonly id: number
  readonly rows: BlockRows
}

/**
 * Rows on their way from the writer to one reader, in memory that both see. A message would wake the reader, for each small group; a ring wakes nobody: who is
 * asked something looks first. Each piece says how many messages were posted before it, so that both are heard in one order.
 */
export class RowRing {
  readonly memory: SharedArrayBuffer
  readonly #counters: Int32Array
  readonly #words: Int32Array
  readonly #bytes: Buffer

  /** `memory`: that of another end. */
  constructor(memory = new SharedArrayBuffer(HEADER + CAPACITY)) {
    this.memory = memory
    this.#counters = new Int32Array(memory, 0, HEADER / 4)
    this.#words = new Int32Array(memory, HEADER)
    this.#bytes = Buffer.from(memory, HEADER)
  }

  /** Bytes that nobody has taken yet. */
  get waiting(): number {
    return (Atomics.load(this.#counters, PUT) - Atomics.load(this.#counters, TAKEN)) >>> 0
  }

  /**
   * Puts in what was added to the segment's open block between two marks; `order`: the messages posted before. False where there is no room for it, and then
   * nothing was put in.
   */
  put(order: number, id: number, rows: BlockRows, from: Mark, to: Mark): boolean {
    const counts = difference(from, to)
    const columns = (bytesOfRows(counts) + 7) & ~7
    if (columns > MAX_PIECE) return false
    const operations = rows.operations.slice(from.operationCount, to.operationCount)
    const text = JSON.stringify([operations, rows.frames.slice(from.frameCount, to.frameCount)])
    const textBytes = Buffer.byteLength(text)
    const length = (PIECE_HEADER + columns + textBytes + 7) & ~7
    if (length > MAX_PIECE) return false
    const put = Atomics.load(this.#counters, PUT)
    let at = put & (CAPACITY - 1)
    const rest = at + length > CAPACITY ? CAPACITY - at : 0
    if (this.waiting + rest + length > CAPACITY) return false
    if (rest > 0) {
      this.#words[at / 4] = -rest
      at = 0
    }
    const { count, traceCount, groupCount, operationCount, frameCount } = counts
    this.#words.set([length, order, id, count, traceCount, groupCount, operationCount, frameCount, textBytes], at / 4)
    copyRows(rows, from, to, this.memory, HEADER + at + PIECE_HEADER)
    this.#bytes.write(text, at + PIECE_HEADER + columns)
    Atomics.store(this.#counters, PUT, (put + rest + length) | 0)
    return true
  }

  /** The next piece, unless a message was posted before it that is not among the first `order`. */
  take(order: number): ToldRows | undefined {
    const words = this.#words
    const put = Atomics.load(this.#counters, PUT)
    let taken = Atomics.load(this.#counters, TAKEN)
    if (put === taken) return undefined
    let at = taken & (CAPACITY - 1)
    if (words[at / 4]! < 0) {
      taken -= words[at / 4]!
      at = 0
    }
    const word = at / 4
    if (((words[word + 1]! - order) | 0) > 0) return undefined
    const counts: Mark = {
      count: words[word + 3]!,
      traceCount: words[word + 4]!,
      groupCount: words[word + 5]!,
      operationCount: words[word + 6]!,
      frameCount: words[word + 7]!,
    }
    const start = at + PIECE_HEADER
    const length = bytesOfRows(counts)
    const memory = new ArrayBuffer(length)
    new Uint8Array(memory).set(this.#bytes.subarray(start, start + length))
    const text = start + ((length + 7) & ~7)
    const [operations, frames] = JSON.parse(this.#bytes.toString('utf8', text, text + words[word + 8]!)) as [
      OperationKey[],
      Frame[],
    ]
    const id = words[word + 2]!
    Atomics.store(this.#counters, TAKEN, (taken + words[word]!) | 0)
    return { type: 'rows', id, rows: rowsIn(memory, counts, operations, frames) }
  }
}
