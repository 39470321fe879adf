/**
 * The bytes of one body or message while they arrive, in one buffer that grows with them: a length that is only
 * announced costs nothing. Buffers that are done with are detached, so that their memory is free at once and not when
 * V8 gets to it.
 */
import type { Budget, Lease } from '../component/index.ts'

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

export class BodyBuffer {
  readonly #announced: number | undefined
  readonly #holding: Holding | undefined
  #buffer: Buffer | undefined
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
    const needed = this.#length + data.length
    if (needed > (this.#buffer?.length ?? 0)) this.#resize(needed)
    this.#buffer?.set(data, this.#length)
    this.#length = needed
  }

  #resize(needed: number): void {
    const size =
      this.#announced === undefined
        ? Math.max(needed * BLIND_GROWTH, BLIND_LEAST_BYTES)
        : Math.max(needed, Math.min(needed * GROWTH, this.#announced))
    const before = this.#buffer
    if (this.#holding && !this.#holding.lease.grow(size - (before?.length ?? 0))) {
      throw this.#holding.budget.refusal(this.#announced ?? size)
    }
    // Not from Node's shared pool: the bytes stay for as long as the batch lives and may be handed to a worker.
    this.#buffer = Buffer.allocUnsafeSlow(size)
    if (!before) return
    this.#buffer.set(before.subarray(0, this.#length))
    freeBytes(before)
  }

  /** All bytes, which the lease is for from now on. The buffer is empty afterwards. */
  end(): Uint8Array {
    const buffer = this.#buffer ?? Buffer.alloc(0)
    const length = this.#length
    this.#buffer = undefined
    this.#length = 0
    if (buffer.length === length) return buffer
    this.#holding?.lease.shrink(buffer.length - length)
    return Buffer.from((buffer.buffer as ArrayBuffer).transfer(length))
  }

  /** Frees what has arrived. The lease stays as it is. */
  free(): void {
    if (this.#buffer) freeBytes(this.#buffer)
    this.#buffer = undefined
    this.#length = 0
  }
}

/**
 * Frees the memory of bytes that nobody reads any more, at once; they have length 0 afterwards. Does nothing where they
 * are a part of a larger buffer, which others may read.
 */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (bytes.byteLength > 0 && buffer.byteLength === bytes.byteLength && buffer instanceof ArrayBuffer) {
    buffer.transfer(0)
  }
}
