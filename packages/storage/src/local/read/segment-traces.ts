import { bloomAdd, bloomHas, createBloom } from '../block/bloom.ts'

/** Lets one foreign trace in 300 through, which costs asking the segment's blocks one by one. */
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

  /** No more blocks will come; of a segment of which none was told nothing is known. `maxBytes`: what may be kept. */
  close(maxBytes: number): void {
    const hashes = this.#hashes
    this.#hashes = undefined
    if (!hashes || this.#told === 0 || (this.#count * BITS) / 8 > maxBytes) return
    const bits = createBloom(this.#count, BITS)
    for (let i = 0; i < this.#count; i++) bloomAdd(bits, hashes[i]!, PROBES)
    this.#bits = bits
  }

  /** By the hash of its id; true as well where that is not known. */
  mayHave(hash: number): boolean {
    return !this.#bits || this.#told < this.#loaded || bloomHas(this.#bits, hash, PROBES)
  }
}
