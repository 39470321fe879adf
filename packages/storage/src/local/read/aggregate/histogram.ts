import { binEdge, binValue, BINS_PER_OCTAVE } from '../../../duration-bins.ts'
import type { Memory } from '../turn.ts'

/** How many durations are in each bin, over those bins that are in use. */
export class Histogram {
  readonly #memory: Memory
  /** The bin of the first count. */
  #first = 0
  #counts = new Uint32Array(0)

  constructor(memory: Memory) {
    this.#memory = memory
  }

  add(bin: number, count = 1): void {
    let at = bin - this.#first
    if (at < 0 || at >= this.#counts.length) {
      if (!this.#widen(bin)) return
      at = bin - this.#first
    }
    this.#counts[at]! += count
  }

  /** Tells of each bin that is in use, ascending. */
  each(tell: (bin: number, count: number) => void): void {
    for (let at = 0; at < this.#counts.length; at++)
      if (this.#counts[at]! > 0) tell(this.#first + at, this.#counts[at]!)
  }

  addAll(other: Histogram): void {
    for (let at = 0; at < other.#counts.length; at++)
      if (other.#counts[at]! > 0) this.add(other.#first + at, other.#counts[at])
  }

  /** The beginning of the bin that the last of so many of the longest is in; 0 where there are fewer. */
  leastOfLongest(count: number): number {
    let left = count
    for (let at = this.#counts.length - 1; at >= 0; at--) {
      left -= this.#counts[at]!
      if (left <= 0) return binEdge(this.#first + at)
    }
    return 0
  }

  /** The durations at these shares, ascending, of `total` in all. */
  percentiles(shares: readonly number[], total: number): number[] {
    return shares.map((share) => {
      let left = Math.max(1, Math.ceil(share * total))
      for (let at = 0; at < this.#counts.length; at++) {
        left -= this.#counts[at]!
        if (left <= 0) return binValue(this.#first + at)
      }
      return 0
    })
  }

  /** By whole octaves. False when there is no memory for it. */
  #widen(bin: number): boolean {
    const octave = bin - (bin % BINS_PER_OCTAVE)
    const before = this.#counts
    const first = before.length === 0 ? octave : Math.min(octave, this.#first)
    const end = Math.max(octave + BINS_PER_OCTAVE, this.#first + before.length)
    if (!this.#memory.reserve(4 * (end - first - before.length))) return false
    this.#counts = new Uint32Array(end - first)
    if (before.length > 0) this.#counts.set(before, this.#first - first)
    this.#first = first
    return true
  }
}
