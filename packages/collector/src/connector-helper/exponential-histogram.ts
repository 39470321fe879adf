/**
 * A histogram whose buckets grow exponentially, with as fine a scale as fits into a number of buckets: bucket `i` has the values in
 * `(base^i, base^(i+1)]`, where `base = 2^(2^-scale)`. A value that is too far from the others makes the scale coarser.
 * Source: OpenTelemetry metrics data model, "ExponentialHistogram"; the scale begins at 20, as in the Collector.
 */
const MAX_SCALE = 20
const MIN_BUCKETS = 2
const MAX_BUCKETS = 16_384
const DEFAULT_BUCKETS = 160

const double = new DataView(new ArrayBuffer(8))

export class ExponentialHistogram {
  count = 0
  sum = 0
  zeroCount = 0
  min: number | undefined
  max: number | undefined
  /** The index of the first bucket. */
  offset = 0
  bucketCounts: number[] = []
  readonly #maxBuckets: number
  #scale = MAX_SCALE

  /** `maxBuckets`: 2 to 16384, what is beyond is the nearest of them; 0 or less is 160. */
  constructor(maxBuckets: number) {
    this.#maxBuckets =
      maxBuckets <= 0 ? DEFAULT_BUCKETS : Math.min(MAX_BUCKETS, Math.max(MIN_BUCKETS, Math.trunc(maxBuckets)))
  }

  /** 0 where there are no values but zeros. */
  get scale(): number {
    return this.count === this.zeroCount ? 0 : this.#scale
  }

  /** Adds a value that is not negative, `times` times. */
  record(value: number, times: number): void {
    if (this.min === undefined || value < this.min) this.min = value
    if (this.max === undefined || value > this.max) this.max = value
    this.count += times
    if (value === 0) {
      this.zeroCount += times
      return
    }
    this.sum += value * times
    let index = this.#indexOf(value)
    const { bucketCounts: counts } = this
    if (counts.length === 0) this.offset = index
    else {
      const low = Math.min(index, this.offset)
      const high = Math.max(index, this.offset + counts.length - 1)
      const change = this.#change(low, high)
      if (change > 0) {
        this.#downscale(change)
        index = this.#indexOf(value)
      }
    }
    this.#add(index, times)
  }

  #add(index: number, times: number): void {
    if (index < this.offset) {
      const more = this.offset - index
      this.bucketCounts = [...Array.from({ length: more }, () => 0), ...this.bucketCounts]
      this.offset = index
    }
    const at = index - this.offset
    while (this.bucketCounts.length <= at) this.bucketCounts.push(0)
    this.bucketCounts[at]! += times
  }

  /** By how much the scale has to go down so that both are within the buckets. */
  #change(low: number, high: number): number {
    let change = 0
    while (high - low >= this.#maxBuckets) {
      low >>= 1
      high >>= 1
      change++
    }
    return change
  }

  #downscale(by: number): void {
    const old = this.bucketCounts
    const { offset } = this
    this.#scale -= by
    this.offset = offset >> by
    this.bucketCounts = []
    for (const [i, count] of old.entries()) {
      const at = ((offset + i) >> by) - this.offset
      while (this.bucketCounts.length <= at) this.bucketCounts.push(0)
      this.bucketCounts[at]! += count
    }
  }

  #indexOf(value: number): number {
    double.setFloat64(0, value)
    const high = double.getUint32(0)
    const isPower = (high & 0xfffff) === 0 && double.getUint32(4) === 0
    const exponent = ((high >>> 20) & 0x7ff) - 1023
    const scale = this.#scale
    if (scale <= 0) return (isPower ? exponent - 1 : exponent) >> -scale
    if (isPower) return exponent * 2 ** scale - 1
    return Math.floor(Math.log(value) * (Math.LOG2E * 2 ** scale))
  }
}
