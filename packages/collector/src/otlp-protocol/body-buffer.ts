/**
 * The bytes of one body or message while they arrive. They lie in small pieces at first, as a length that is only announced must
 * cost nothing; when a good part of it is there, in one buffer for all of it. Buffers that are done with are given back or
 * detached, so that their memory is free at once and not when V8 gets to it.
 */
import { allocateMapped, freeBytes, type Budget, type Lease, type Usage } from '../component/index.ts'
import { givePiece, PIECE_BYTES, takePiece } from './piece-pool.ts'

/** The budget, and somebody's share of it. */
export interface Holding {
  readonly budget: Budget
  readonly lease: Lease
}

/** The part of the announced length that must be there before there is a buffer for all of it: a fourth. */
const GROWTH = 4
/** A body of more is mapped as soon as so much of it is there. Bytes. */
const LARGE_BYTES = 1024 * 1024
/** What is leased ahead of the bytes that come: as many as there are, and these. Bytes. */
const LEAST_AHEAD_BYTES = 1024
const MOST_AHEAD_BYTES = 1024 * 1024

export class BodyBuffer {
  readonly #announced: number | undefined
  readonly #holding: Holding | undefined
  #length = 0
  #leased = 0
  #pieces: Buffer[] = []
  /** All that has arrived, in place of the pieces. */
  #whole: Buffer | undefined
  /** Where that is mapped. */
  #usage: Usage | undefined

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
    const arrived = this.#length + data.length
    if (arrived > this.#leased) this.#lease(arrived)
    if (arrived > (this.#whole?.length ?? this.#mostInPieces)) this.#makeWhole(arrived)
    if (this.#whole) this.#whole.set(data, this.#length)
    else this.#addToPieces(data)
    this.#length = arrived
  }

  #lease(arrived: number): void {
    const ahead = Math.min(Math.max(arrived, LEAST_AHEAD_BYTES), MOST_AHEAD_BYTES)
    const bytes = Math.max(arrived, Math.min(arrived + ahead, this.#announced ?? Infinity))
    const { budget, lease } = this.#holding ?? {}
    if (lease && !lease.grow(bytes - this.#leased)) {
      throw budget!.refusal(lease.bytes - this.#leased + (this.#announced ?? bytes))
    }
    this.#leased = bytes
    if (this.#usage) this.#usage.bytes = bytes
  }

  get #mostInPieces(): number {
    return this.#announced === undefined ? LARGE_BYTES : Math.min(this.#announced / GROWTH, LARGE_BYTES)
  }

  #makeWhole(arrived: number): void {
    const room = Math.max(this.#announced ?? 0, arrived)
    if (room <= LARGE_BYTES) {
      // Not from Node's shared pool: the bytes stay for as long as the batch lives and may be handed to another thread.
      this.#moveTo(Buffer.allocUnsafeSlow(room))
      return
    }
    const { buffer, usage } = allocateMapped(this.#announced === undefined ? 2 * room : room)
    this.#moveTo(buffer)
    this.#usage = usage
    usage.bytes = this.#leased
  }

  /** Copies what has arrived, and frees where it was. */
  #moveTo(whole: Buffer): void {
    const from = this.#whole ? [this.#whole] : this.#pieces
    let at = 0
    for (const part of from) {
      const end = Math.min(at + part.length, this.#length)
      whole.set(part.subarray(0, end - at), at)
      at = end
    }
    this.#giveBack()
    this.#whole = whole
  }

  #addToPieces(data: Uint8Array): void {
    for (let at = 0, end = this.#length; at < data.length;) {
      const used = end % PIECE_BYTES
      if (used === 0) this.#pieces.push(takePiece())
      const part = data.subarray(at, at + PIECE_BYTES - used)
      this.#pieces.at(-1)!.set(part, used)
      at += part.length
      end += part.length
    }
  }

  /** All bytes, which the lease is for from now on. The buffer is empty afterwards. */
  end(): Uint8Array {
    const length = this.#length
    if (!this.#whole) this.#moveTo(Buffer.allocUnsafeSlow(length))
    const whole = this.#whole!
    if (this.#usage) this.#usage.bytes = length
    this.#holding?.lease.shrink(this.#leased - length)
    this.#forget()
    return whole.length === length ? whole : whole.subarray(0, length)
  }

  /** Frees what has arrived. The lease stays as it is. */
  free(): void {
    this.#giveBack()
    this.#forget()
  }

  #giveBack(): void {
    if (this.#whole) freeBytes(this.#whole)
    for (const piece of this.#pieces) givePiece(piece)
    this.#pieces = []
  }

  #forget(): void {
    this.#pieces = []
    this.#whole = this.#usage = undefined
    this.#length = this.#leased = 0
  }
}
