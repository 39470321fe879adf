import type { Exemplars, Kept } from './exemplars.ts'
import type { Histogram } from './histogram.ts'

/** What was counted, in flat arrays: it is kept for many blocks. */
export interface WrittenPart {
  readonly numbers: Float64Array
  /** A bin in the upper {@link BIN_BITS} bits, its count in the others. */
  readonly bins: Uint32Array
  /** Of exemplars: trace id and span id. */
  readonly ids: Buffer
}

/** All bins of durations have numbers below 2 to this power. */
const BIN_BITS = 12
const COUNT_BITS = 32 - BIN_BITS
const MAX_COUNT = 2 ** COUNT_BITS - 1
const ID_BYTES = 24

/** Bytes in memory, about. */
export function bytesOfPart({ numbers, bins, ids }: WrittenPart): number {
  return numbers.byteLength + bins.byteLength + ids.length + 600
}

/** Writes numbers, bins and exemplars one after the other; {@link PartReader} reads them in the same order. */
export class PartWriter {
  readonly #numbers: number[] = []
  readonly #bins: number[] = []
  readonly #ids: Buffer[] = []

  numbers(...numbers: readonly number[]): void {
    this.#numbers.push(...numbers)
  }

  bins(histogram: Histogram | undefined): void {
    const before = this.#bins.length
    histogram?.each((bin, count) => {
      let left = count
      for (; left > MAX_COUNT; left -= MAX_COUNT) this.#bins.push(bin * 2 ** COUNT_BITS + MAX_COUNT)
      this.#bins.push(bin * 2 ** COUNT_BITS + left)
    })
    this.#numbers.push(this.#bins.length - before)
  }

  exemplars(all: readonly Kept[]): void {
    this.#numbers.push(all.length)
    for (const { ids, durationNs, error } of all) {
      this.#numbers.push(durationNs, error ? 1 : 0)
      this.#ids.push(ids)
    }
  }

  take(): WrittenPart {
    return {
      numbers: Float64Array.from(this.#numbers),
      bins: Uint32Array.from(this.#bins),
      ids: Buffer.concat(this.#ids),
    }
  }
}

export class PartReader {
  readonly #part: WrittenPart
  #number = 0
  #bin = 0
  #id = 0

  constructor(part: WrittenPart) {
    this.#part = part
  }

  get isDone(): boolean {
    return this.#number === this.#part.numbers.length
  }

  number(): number {
    return this.#part.numbers[this.#number++]!
  }

  /** Adds them to each; undefined: there is no memory for it. */
  bins(...to: readonly (Histogram | undefined)[]): void {
    const { bins } = this.#part
    for (let left = this.number(); left > 0; left--) {
      const bin = bins[this.#bin++]!
      for (const each of to) each?.add(bin >>> COUNT_BITS, bin & MAX_COUNT)
    }
  }

  exemplars(to: Exemplars): void {
    for (let left = this.number(); left > 0; left--) {
      const [durationNs, error] = [this.number(), this.number() === 1]
      const at = ID_BYTES * this.#id++
      if (to.mayKeep(durationNs)) to.keep({ ids: this.#ids(at), durationNs, error })
    }
  }

  /** A copy: what is answered must not hold the part. */
  #ids(at: number): Buffer {
    return Buffer.from(this.#part.ids.subarray(at, at + ID_BYTES))
  }
}
