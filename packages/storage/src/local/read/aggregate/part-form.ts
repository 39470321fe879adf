import { ByteReader, ByteWriter } from '../../sealed/bytes.ts'
import { ID_BYTES, type Exemplars, type Kept } from './exemplars.ts'
import type { Histogram } from './histogram.ts'

/** What was counted, in as few bytes as can be: it is kept for many blocks. */
export type WrittenPart = Uint8Array

/** Of one in memory, beside its bytes. */
const PART_BYTES = 200

/** Bytes in memory, about. */
export function bytesOfPart({ length }: WrittenPart): number {
  return length + PART_BYTES
}

/** Writes numbers, bins and exemplars one after the other; {@link PartReader} reads them in the same order. Numbers are whole, and not negative. */
export class PartWriter {
  readonly #out = new ByteWriter(256)

  numbers(...numbers: readonly number[]): void {
    for (const number of numbers) this.#out.number(number)
  }

  bins(histogram: Histogram | undefined): void {
    let count = 0
    histogram?.each(() => count++)
    this.#out.number(count)
    let last = 0
    histogram?.each((bin, durations) => {
      this.#out.number(bin - last)
      this.#out.number(durations)
      last = bin
    })
  }

  exemplars(all: readonly Kept[]): void {
    this.#out.number(all.length)
    for (const exemplar of all) this.exemplar(exemplar)
  }

  exemplar({ ids, durationNs, error }: Kept): void {
    this.numbers(durationNs, error ? 1 : 0)
    this.#out.raw(ids)
  }

  take(): WrittenPart {
    return this.#out.take()
  }
}

export class PartReader {
  readonly #part: WrittenPart
  readonly #input: ByteReader

  constructor(part: WrittenPart) {
    this.#part = part
    this.#input = new ByteReader(part)
  }

  get isDone(): boolean {
    return this.#input.done
  }

  number(): number {
    return this.#input.number()
  }

  /** Adds them to each; undefined: there is no memory for it. */
  bins(...to: readonly (Histogram | undefined)[]): void {
    let bin = 0
    for (let left = this.number(); left > 0; left--) {
      bin += this.number()
      const durations = this.number()
      for (const each of to) each?.add(bin, durations)
    }
  }

  exemplars(to: Exemplars): void {
    for (let left = this.number(); left > 0; left--)
      this.exemplar(
        (durationNs) => to.mayKeep(durationNs),
        (kept) => to.keep(kept),
      )
  }

  /** Tells of it where it is wanted. */
  exemplar(isWanted: (durationNs: number) => boolean, tell: (kept: Kept) => void): void {
    const [durationNs, error] = [this.number(), this.number() === 1]
    const at = this.#input.at
    if (at + ID_BYTES > this.#part.length) throw new RangeError('the bytes end within an id')
    this.#input.at += ID_BYTES
    // A copy of the ids: what is answered must not hold the part.
    if (isWanted(durationNs)) tell({ ids: Buffer.from(this.#part.subarray(at, at + ID_BYTES)), durationNs, error })
  }
}
