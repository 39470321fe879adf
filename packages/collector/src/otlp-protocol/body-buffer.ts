/**
 * The bytes of one body or message while they arrive, in one buffer that grows with them: a length that is only
 * announced costs nothing. A large one is copied once, into memory that takes only what was written to it. Buffers that are
 * done with are detached, so that their memory is free at once and not when V8 gets to it.
 */
import { allocateMapped, freeBytes, type Budget, type Lease, type Usage } from '../component/index.ts'

/** The budget, and somebody's share of it. */
export interface Holding {
  readonly budget: Budget
  readonly lease: Lease
}

/** How much larger than what has arrived the buffer may be, where the announced length allows it. */
const GROWTH = 4
/** The same where no length was announced, and the smallest buffer then. Bytes. */
const BLIND_GROWTH = 2
const BLIND_LEAST_BYTES = 1024
/** From this size on a body is mapped, and leased in steps of this size. Bytes. */
const LARGE_BYTES = 1024 * 1024

export class BodyBuffer {
  readonly #announced: number | undefined
  readonly #holding: Holding | undefined
  #buffer: Buffer | undefined
  /** Of a large body. */
  #usage: Usage | undefined
  #length = 0
  /** How much of the buffer may be written to. */
  #room = 0

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
    const needed = this.#length + data.length
    if (needed > this.#room) this.#makeRoom(needed)
    this.#buffer?.set(data, this.#length)
    this.#length = needed
  }

  #makeRoom(needed: number): void {
    const room = this.#roomFor(needed)
    if (this.#holding && !this.#holding.lease.grow(room - this.#room)) {
      throw this.#holding.budget.refusal(this.#announced ?? room)
    }
    if (room > LARGE_BYTES) this.#mapped(room).bytes = room
    // Not from Node's shared pool: the bytes stay for as long as the batch lives and may be handed to another thread.
    else this.#move(Buffer.allocUnsafeSlow(room))
    this.#room = room
  }

  #roomFor(needed: number): number {
    const most = Math.max(needed, this.#announced ?? Infinity)
    if (needed > LARGE_BYTES) return Math.min(needed + LARGE_BYTES, most)
    const wanted = this.#announced === undefined ? Math.max(needed * BLIND_GROWTH, BLIND_LEAST_BYTES) : needed * GROWTH
    return Math.min(wanted, most, LARGE_BYTES)
  }

  /** The usage of a buffer that is mapped, and has so much room or more. */
  #mapped(room: number): Usage {
    if (this.#usage && this.#buffer!.length >= room) return this.#usage
    const { buffer, usage } = allocateMapped(this.#announced ?? BLIND_GROWTH * room)
    this.#move(buffer)
    return (this.#usage = usage)
  }

  #move(to: Buffer): void {
    const from = this.#buffer
    this.#buffer = to
    if (!from) return
    to.set(from.subarray(0, this.#length))
    freeBytes(from)
  }

  /** All bytes, which the lease is for from now on. The buffer is empty afterwards. */
  end(): Uint8Array {
    const buffer = this.#buffer ?? Buffer.alloc(0)
    const usage = this.#usage
    const length = this.#length
    this.#holding?.lease.shrink(this.#room - length)
    this.#forget()
    if (buffer.length === length) return buffer
    if (!usage) return Buffer.from((buffer.buffer as ArrayBuffer).transfer(length))
    usage.bytes = length
    return buffer.subarray(0, length)
  }

  /** Frees what has arrived. The lease stays as it is. */
  free(): void {
    if (this.#buffer) freeBytes(this.#buffer)
    this.#forget()
  }

  #forget(): void {
    this.#buffer = this.#usage = undefined
    this.#length = this.#room = 0
  }
}
