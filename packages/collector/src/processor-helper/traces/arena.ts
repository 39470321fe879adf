/**
 * Bytes of many fragments, copied one behind the other into slabs, so that none holds the request that it came with. A slab is used again once nothing in
 * it is needed. What is too much for memory is written to a file, a full slab at a time: the newest, which is needed last.
 */
import type { Fragment, SpanStore } from './fragments.ts'
import { SpillFile } from './spill-file.ts'

const SLAB_BYTES = 256 * 1024
/** Slabs that are kept for later. */
const MAX_SPARE = 64
/** How long a file that could not be written is left alone. Milliseconds. */
const RETRY_MS = 10_000

interface Slab {
  /** Undefined where it is in the file. */
  bytes: Uint8Array | undefined
  place: number
  readonly length: number
  used: number
  /** Fragments in it that are needed. */
  live: number
}

export interface ArenaOptions {
  /** Bytes of slabs in memory, beyond which they are written to the file; a slab more may be there. */
  readonly maxMemoryBytes: number
  /** Hears of the memory that it takes, and gives back: less than 0 then. */
  readonly allocated: (bytes: number) => void
  /** Hears that the file cannot be written, at most every ten seconds. */
  readonly failed: (error: Error) => void
}

/** A reference is the number of a slab, times this, plus the offset in it. */
const SCALE = 2 ** 26

export class Arena implements SpanStore {
  readonly isPersistent = false
  /** Bytes of slabs in memory. */
  memoryBytes = 0
  readonly #options: ArenaOptions
  readonly #slabs: (Slab | undefined)[] = []
  readonly #numbers: number[] = []
  readonly #spare: Uint8Array[] = []
  /** The slab that is filled. */
  #current = -1
  #file: SpillFile | undefined
  /** When the file may be tried again, on the clock of `performance.now()`. */
  #nextTry = 0

  constructor(options: ArenaOptions) {
    this.#options = options
  }

  put(fragments: readonly Fragment[]): readonly number[] {
    return fragments.map(({ bytes }) => {
      const number = this.#slabFor(bytes.length)
      const slab = this.#slabs[number]!
      const at = slab.used
      slab.bytes!.set(bytes, at)
      slab.used += bytes.length
      slab.live++
      if (number !== this.#current) this.#spill(slab)
      return number * SCALE + at
    })
  }

  /** Throws where it is in the file, and that cannot be read. */
  read(ref: number, length: number): Uint8Array {
    const at = ref % SCALE
    const { bytes, place } = this.#slabs[Math.floor(ref / SCALE)]!
    return bytes ? bytes.subarray(at, at + length) : this.#file!.read(place + at, length)
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

  /** Whether what is too much for memory could not be written elsewhere. */
  get isCramped(): boolean {
    return performance.now() < this.#nextTry
  }

  close(): void {
    this.#options.allocated(-this.memoryBytes - this.#spare.length * SLAB_BYTES)
    this.memoryBytes = this.#slabs.length = this.#numbers.length = this.#spare.length = 0
    this.#current = -1
    this.#file?.close()
    this.#file = undefined
  }

  /** The number of a slab with so much room. */
  #slabFor(length: number): number {
    if (length > SLAB_BYTES / 4) return this.#open(this.#allocate(length))
    const current = this.#slabs[this.#current]
    if (current && current.used + length <= SLAB_BYTES) return this.#current
    if (current) this.#spill(current)
    this.#current = this.#open(this.#spare.pop() ?? this.#allocate(SLAB_BYTES))
    return this.#current
  }

  #allocate(length: number): Uint8Array {
    this.#options.allocated(length)
    return new Uint8Array(length)
  }

  #open(bytes: Uint8Array): number {
    const number = this.#numbers.pop() ?? this.#slabs.length
    this.#slabs[number] = { bytes, place: 0, length: bytes.length, used: 0, live: 0 }
    this.memoryBytes += bytes.length
    return number
  }

  /** Writes it to the file where there is too much in memory; nothing more is put into it. */
  #spill(slab: Slab): void {
    if (this.memoryBytes <= this.#options.maxMemoryBytes || this.isCramped) return
    const bytes = slab.bytes!
    try {
      this.#file ??= new SpillFile()
      slab.place = this.#file.write(bytes)
    } catch (error) {
      this.#nextTry = performance.now() + RETRY_MS
      this.#options.failed(error as Error)
      return
    }
    slab.bytes = undefined
    this.#giveUp(bytes)
  }

  #close(number: number, { bytes, place, length }: Slab): void {
    this.#slabs[number] = undefined
    this.#numbers.push(number)
    if (number === this.#current) this.#current = -1
    if (bytes) this.#giveUp(bytes)
    else this.#file!.free(place, length)
  }

  #giveUp(bytes: Uint8Array): void {
    this.memoryBytes -= bytes.length
    if (bytes.length === SLAB_BYTES && this.#spare.length < MAX_SPARE) this.#spare.push(bytes)
    else this.#options.allocated(-bytes.length)
  }
}
