import { bloomAdd, bloomHas, foldBloom } from '../block/bloom.ts'

/** Lets one foreign trace in 300 through, which costs asking the segment's blocks one by one; when it is folded, one in 16. */
const BITS = 12
const PROBES = 6
/** Traces of a segment beyond which its blocks are asked, as they are for a segment that was there before this reader. */
const MAX_TRACES = 1 << 19

/**
 * Which traces a segment has in its log, where the writer has told of all its blocks since this reader listens: then these, of which a store may
 * have thousands that wait to be sealed, need not be asked one by one.
 */
export class SegmentTraces {
  /** Of the traces so far; one that is in several blocks comes several times. Undefined: closed, or too many. */
  #hashes: Uint32Array | undefined = new Uint32Array(256)
  #count = 0
  #told = 0
  #loaded = 0
  #bits: Uint32Array | undefined
  #isFolded = false

  get bytes(): number {
    return this.#bits?.byteLength ?? 0
  }

  /** The traces of one more block, by their hashes. */
  add(traces: Uint32Array): void {
    this.#told++
    const count = this.#count + traces.length
    if (!this.#hashes) return
    if (count > MAX_TRACES) {
      this.#hashes = undefined
      return
    }
    if (count > this.#hashes.length) {
      const larger = new Uint32Array(Math.max(2 * this.#hashes.length, count))
      larger.set(this.#hashes)
      this.#hashes = larger
    }
    this.#hashes.set(traces, this.#count)
    this.#count = count
  }

  /** There is one more block, or something else in which any trace may be, whether it was told of or not. */
  loaded(): void {
    this.#loaded++
  }

  /** What {@link close} would keep, in bytes, with room for it. */
  get bytesToClose(): number {
    if (!this.#hashes || this.#told === 0) return 0
    return 4 * wordsOf(this.#count)
  }

  /** No more blocks will come; of a segment of which none was told nothing is known. `maxBytes`: what may be kept. */
  close(maxBytes: number): void {
    const hashes = this.#hashes
    const bytes = this.bytesToClose
    this.#hashes = undefined
    if (!hashes || bytes === 0 || bytes / 2 > maxBytes) return
    const bits = new Uint32Array(bytes / 4)
    for (let i = 0; i < this.#count; i++) bloomAdd(bits, hashes[i]!, PROBES)
    this.#bits = bits
    if (bytes > maxBytes) this.fold()
  }

  /** Halves what is kept, once. What has become free, in bytes. */
  fold(): number {
    if (!this.#bits || this.#isFolded) return 0
    const before = this.bytes
    this.#isFolded = true
    this.#bits = foldBloom(this.#bits)
    return before - this.bytes
  }

  /** By the hash of its id; true as well where that is not known. */
  mayHave(hash: number): boolean {
    return !this.#bits || this.#told < this.#loaded || bloomHas(this.#bits, hash, PROBES)
  }
}

/** An even number. */
function wordsOf(traces: number): number {
  return 2 * Math.ceil((traces * BITS) / 64)
}
