/** Durations of any number of requests in a bounded amount of memory. */

/** Each bucket is so much wider than the one before: a percentile is at most half of that away. */
const GROWTH = 1.01

/** A histogram of milliseconds whose percentiles are within 0.5 %. */
export class Latencies {
  readonly #buckets = new Map<number, number>()
  #count = 0
  #min = Infinity
  #max = 0

  get count(): number {
    return this.#count
  }

  /** 0 where there is none. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min
  }

  get max(): number {
    return this.#max
  }

  add(ms: number): void {
    const bucket = Math.round(Math.log(Math.max(ms, 0.001)) / Math.log(GROWTH))
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1)
    this.#count++
    this.#min = Math.min(this.#min, ms)
    this.#max = Math.max(this.#max, ms)
  }

  /**
   * The least duration that a share of all does not exceed, by the nearest rank.
   *
   * @param share 0..1.
   * @returns 0 where there is none.
   */
  percentile(share: number): number {
    if (share >= 1) return this.#max
    let left = Math.max(1, Math.ceil(share * this.#count))
    for (const bucket of [...this.#buckets.keys()].sort((a, b) => a - b)) {
      left -= this.#buckets.get(bucket) ?? 0
      if (left <= 0) return Math.min(Math.max(GROWTH ** bucket, this.#min), this.#max)
    }
    return 0
  }
}
