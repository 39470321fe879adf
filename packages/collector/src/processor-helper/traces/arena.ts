/**
 * Bytes of many fragments in memory, copied one behind the other into slabs, so that none holds the request that it came with. A slab is
 * used again once nothing in it is needed.
 */
import type { Fragment, SpanStore } from './fragments.ts'

const SLAB_BYTES = 256 * 1024
/** Slabs that are kept for later. */
const MAX_SPARE = 64

interface Slab {
  readonly bytes: Uint8Array
  used: number
  /** Fragments in it that are needed. */
  live: number
}

/** A reference is the number of a slab, times {@link SCALE}, plus the offset in it. */
const SCALE = 2 ** 24

export class Arena implements SpanStore {
  readonly isPersistent = false
  readonly #slabs: (Slab | undefined)[] = []
  readonly #numbers: number[] = []
  readonly #spare: Uint8Array[] = []
  readonly #allocated: (bytes: number) => void
  /** The slab that is filled. */
  #current = -1

  /** `allocated` hears of the memory that it takes, and gives back: less than 0 then. */
  constructor(allocated: (bytes: number) => void) {
    this.#allocated = allocated
  }

  put(fragments: readonly Fragment[]): readonly number[] {
    return fragments.map(({ bytes }) => {
      const number = this.#slabFor(bytes.length)
      const slab = this.#slabs[number]!
      const at = slab.used
      slab.bytes.set(bytes, at)
      slab.used += bytes.length
      slab.live++
      return number * SCALE + at
    })
  }

  read(ref: number, length: number): Uint8Array {
    const at = ref % SCALE
    return this.#slabs[Math.floor(ref / SCALE)]!.bytes.subarray(at, at + length)
  }

  remove(refs: readonly number[]): void {
    for (const ref of refs) {
      const number = Math.floor(ref / SCALE)
      const slab = this.#slabs[number]
      // It is closed, and all of it is gone.
      if (!slab) return
      if (--slab.live === 0) this.#close(number, slab)
    }
  }

  close(): void {
    for (const slab of this.#slabs) if (slab) this.#allocated(-slab.bytes.length)
    this.#allocated(-this.#spare.length * SLAB_BYTES)
    this.#slabs.length = this.#numbers.length = this.#spare.length = 0
    this.#current = -1
  }

  /** The number of a slab with so much room. */
  #slabFor(length: number): number {
    if (length > SLAB_BYTES / 4) return this.#open(this.#allocate(length))
    const current = this.#slabs[this.#current]
    if (current && current.used + length <= SLAB_BYTES) return this.#current
    this.#current = this.#open(this.#spare.pop() ?? this.#allocate(SLAB_BYTES))
    return this.#current
  }

  #allocate(length: number): Uint8Array {
    this.#allocated(length)
    return new Uint8Array(length)
  }

  #open(bytes: Uint8Array): number {
    const number = this.#numbers.pop() ?? this.#slabs.length
    this.#slabs[number] = { bytes, used: 0, live: 0 }
    return number
  }

  #close(number: number, { bytes }: Slab): void {
    this.#slabs[number] = undefined
    this.#numbers.push(number)
    if (bytes.length === SLAB_BYTES && this.#spare.length < MAX_SPARE) this.#spare.push(bytes)
    else this.#allocated(-bytes.length)
  }
}
