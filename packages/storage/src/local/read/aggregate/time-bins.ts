const WORD = 2 ** 32
const SECOND = 1_000_000_000n
const MINUTE = 60n * SECOND
const HOUR = 60n * MINUTE
const DAY = 24n * HOUR

/** Steps between a second and a day, as a clock has them. */
const CLOCK_STEPS: readonly bigint[] = [
  ...[1n, 2n, 5n, 10n, 15n, 30n].map((seconds) => seconds * SECOND),
  ...[1n, 2n, 5n, 10n, 15n, 30n].map((minutes) => minutes * MINUTE),
  ...[1n, 2n, 3n, 6n, 12n].map((hours) => hours * HOUR),
]

/** Cuts starts into parts of equal length. What is outside counts to the first or the last. */
export class TimeBins {
  readonly count: number
  /** Where the first part begins. */
  readonly first: bigint
  /** Nanoseconds of a part; 0 where there are none. */
  readonly widthNs: bigint
  /** The start of each. */
  readonly #hi: Float64Array
  readonly #lo: Float64Array
  readonly #width: number

  constructor(first: bigint, widthNs: bigint, count: number) {
    this.count = count
    this.first = first
    this.widthNs = widthNs
    this.#width = Number(widthNs)
    const starts = Array.from({ length: count }, (_, i) => first + BigInt(i) * widthNs)
    this.#hi = Float64Array.from(starts, (start) => Number(start >> 32n))
    this.#lo = Float64Array.from(starts, (start) => Number(start & 0xffff_ffffn))
  }

  /**
   * Of a range, both ends inclusive: `count` parts from its begin on; or, `aligned`, at most so many, that begin at whole multiples, since 1970, of the shortest of
   * {@link steps} with which there are no more.
   */
  static over({ from, to }: { readonly from: bigint; readonly to: bigint }, count: number, aligned = false): TimeBins {
    if (count === 0) return new TimeBins(from, 0n, 0)
    if (!aligned) return new TimeBins(from, (to - from) / BigInt(count) + 1n, count)
    for (const step of steps()) {
      const bins = to / step - from / step + 1n
      if (bins <= BigInt(count)) return new TimeBins(from - (from % step), step, Number(bins))
    }
    throw new RangeError('a range that no step is as long as')
  }

  /** The same parts, of which some spans are in, so that their numbers are told from {@link first} on. */
  around(minStart: bigint, maxStart: bigint): TimeBins {
    if (this.count === 0) return this
    const [from, to] = [this.#ofStart(minStart), this.#ofStart(maxStart)]
    return new TimeBins(this.first + BigInt(from) * this.widthNs, this.widthNs, to - from + 1)
  }

  /** What the part that begins there is counted by here. */
  numberOf(first: bigint): number {
    return this.count === 0 ? 0 : Number((first - this.first) / this.widthNs)
  }

  /** Parts of the same length that begin as these do are told by the same. */
  get grid(): string {
    return this.count === 0 ? '' : `${this.widthNs} ${this.first % this.widthNs}`
  }

  #ofStart(start: bigint): number {
    return this.of(Number(start >> 32n), Number(start & 0xffff_ffffn))
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

/** 1, 2 and 5 times each power of ten nanoseconds below a second, {@link CLOCK_STEPS}, and 1, 2 and 5 times each power of ten days. */
export function* steps(): Generator<bigint> {
  for (let unit = 1n; unit < SECOND; unit *= 10n) yield* [unit, 2n * unit, 5n * unit]
  yield* CLOCK_STEPS
  for (let unit = DAY; unit < 2n ** 68n; unit *= 10n) yield* [unit, 2n * unit, 5n * unit]
}
