/**
 * The bytes of one body or message while they arrive, in pieces that are allocated as they fill up: a length that is only
 * announced costs nothing, and nothing is copied for another buffer to grow. Buffers that are done with are detached, so
 * that their memory is free at once and not when V8 gets to it.
 */
import type { Budget, Lease } from '../component/index.ts'
import { freeBytes, gather } from './gather.ts'

/** The budget, and somebody's share of it. */
export interface Holding {
  readonly budget: Budget
  readonly lease: Lease
}

/** How much larger than what has arrived the pieces may be together, where the announced length allows it. */
const GROWTH = 4
/** The same where no length was announced, and the smallest piece then. Bytes. */
const BLIND_GROWTH = 2
const BLIND_LEAST_BYTES = 1024
/** The largest piece, unless more than that arrives at once. A body of no more is put together at once. Bytes. */
const PIECE_BYTES = 1024 * 1024

export class BodyBuffer {
  readonly #announced: number | undefined
  readonly #holding: Holding | undefined
  #pieces: Buffer[] = []
  /** Bytes that are free in the last piece. */
  #room = 0
  #length = 0

  /**
   * @param announced how many bytes will come, at most; undefined where nobody says
   * @param holding what the bytes are leased from; undefined where they are not accounted for
   */
  constructor(announced: number | undefined, holding: Holding | undefined) {
    this.#announced = announced
    this.#holding = holding
  }

  /** Bytes that have arrived. */
  get length(): number {
    return this.#length
  }

  /** Copies `data` to the end. Throws `overloaded` when the budget has no room for it. */
  add(data: Uint8Array): void {
    const fits = Math.min(data.length, this.#room)
    if (fits > 0) this.#copy(fits === data.length ? data : data.subarray(0, fits))
    if (fits === data.length) return
    this.#open(data.length - fits)
    this.#copy(fits === 0 ? data : data.subarray(fits))
  }

  #copy(data: Uint8Array): void {
    const piece = this.#pieces.at(-1)!
    piece.set(data, piece.length - this.#room)
    this.#room -= data.length
    this.#length += data.length
  }

  /** A piece with room for so many bytes, and for some of those that will come. */
  #open(bytes: number): void {
    const arrived = this.#length + bytes
    const wanted =
      this.#announced === undefined
        ? Math.max(arrived * BLIND_GROWTH, BLIND_LEAST_BYTES)
        : Math.min(arrived * GROWTH, this.#announced)
    const size = Math.max(bytes, Math.min(wanted - this.#length, PIECE_BYTES))
    if (this.#holding && !this.#holding.lease.grow(size)) {
      throw this.#holding.budget.refusal(this.#announced ?? arrived)
    }
    // Not from Node's shared pool: the bytes stay for as long as the batch lives and may be handed to a worker.
    this.#pieces.push(Buffer.allocUnsafeSlow(size))
    this.#room = size
  }

  /**
   * All bytes, which the lease is for from now on; a promise of them where there are many. They cannot be reclaimed any
   * more, and the buffer is empty.
   */
  end(): Uint8Array | Promise<Uint8Array> {
    const pieces = this.#pieces
    const room = this.#room
    const length = this.#length
    this.#pieces = []
    this.#room = this.#length = 0
    if (pieces.length === 0) return Buffer.alloc(0)
    const { lease } = this.#holding ?? {}
    lease?.move('body')
    if (pieces.length === 1 && room === 0) return pieces[0]!
    lease?.shrink(room)
    return gather(pieces, length)
  }

  /** Frees what has arrived. The lease stays as it is. */
  free(): void {
    for (const piece of this.#pieces) freeBytes(piece)
    this.#pieces = []
    this.#room = this.#length = 0
  }
}
