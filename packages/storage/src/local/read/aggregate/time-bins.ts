const WORD = 2 ** 32

/** Cuts a range of starts into parts of equal length. What is outside counts to the first or the last. */
export class TimeBins {
  readonly count: number
  /** Nanoseconds of a part; 0 where there are none. */
  readonly widthNs: bigint
  /** The start of each. */
  readonly #hi: Float64Array
  readonly #lo: Float64Array
  readonly #width: number

  /** `from` and `to`: both inclusive. */
  constructor(from: bigint, to: bigint, count: number) {
    this.count = count
    this.widthNs = count === 0 ? 0n : (to - from) / BigInt(count) + 1n
    this.#width = Number(this.widthNs)
    const starts = Array.from({ length: count }, (_, i) => from + BigInt(i) * this.widthNs)
    this.#hi = Float64Array.from(starts, (start) => Number(start >> 32n))
    this.#lo = Float64Array.from(starts, (start) => Number(start & 0xffff_ffffn))
  }

  /** The part of a start in two halves. */
  of(hi: number, lo: number): number {
    const offset = (hi - this.#hi[0]!) * WORD + (lo - this.#lo[0]!)
    let bin = Math.max(0, Math.min(this.count - 1, Math.floor(offset / this.#width)))
    // An offset of more than 2^53 is not exact.
    while (bin > 0 && this.#isBefore(hi, lo, bin)) bin--
    while (bin < this.count - 1 && !this.#isBefore(hi, lo, bin + 1)) bin++
    return bin
  }

  #isBefore(hi: number, lo: number, bin: number): boolean {
    return hi < this.#hi[bin]! || (hi === this.#hi[bin] && lo < this.#lo[bin]!)
  }
}
