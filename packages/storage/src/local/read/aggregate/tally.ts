import type { AggregateBucket, Measures } from '../../../contract.ts'
import { binOf } from '../../../duration-bins.ts'
import type { Memory } from '../turn.ts'
import type { Counted } from './counted.ts'
import { EXEMPLAR_BYTES, Exemplars, type Kept } from './exemplars.ts'
import { Histogram } from './histogram.ts'
import type { PartReader, PartWriter } from './part-form.ts'

/** What is counted of each group. */
export interface TallyPlan {
  readonly percentiles: readonly number[]
  /** How many parts the time has; 0: it is not cut. */
  readonly buckets: number
  readonly exemplars: number
  /** Seconds of the range. */
  readonly seconds: number
}

/** Some that were counted elsewhere: durations of one bin, and of one part of the time. */
export interface CountedPart {
  readonly bin: number
  readonly bucket: number
  readonly count: number
  readonly errors: number
  readonly sumNs: number
  readonly minNs: number
  readonly maxNs: number
}

/** Of some that were written. */
type Sums = Omit<CountedPart, 'bin' | 'bucket'>

function readSums(input: PartReader): Sums {
  const [count, errors, sumNs] = [input.number(), input.number(), input.number()]
  // Of one alone all else is known.
  const [minNs, maxNs] = count > 1 ? [input.number(), input.number()] : [sumNs, sumNs]
  return { count, errors, sumNs, minNs, maxNs }
}

function addBins(input: PartReader, { count, sumNs }: Sums, to: readonly (Histogram | undefined)[]): void {
  if (count > 1) input.bins(...to)
  else for (const each of to) each?.add(binOf(sumNs))
}

/** Of a tally and its group, in memory, beside its histograms and buckets. */
const TALLY_BYTES = 600
const BUCKET_BYTES = 80

/** Memory that a tally needs to begin with. */
export function tallyBytes({ buckets, exemplars }: TallyPlan): number {
  return TALLY_BYTES + 40 * buckets + EXEMPLAR_BYTES * exemplars
}

/** The measures of one group while it is being counted. */
export class Tally {
  count = 0
  errors = 0
  sumNs = 0
  maxNs = 0
  readonly #plan: TallyPlan
  readonly #memory: Memory
  #minNs = Infinity
  readonly #durations: Histogram
  readonly #exemplars: Exemplars
  readonly #counts: Uint32Array
  readonly #errors: Uint32Array
  readonly #sums: Float64Array
  readonly #least: Float64Array
  readonly #most: Float64Array
  /** By bucket. */
  readonly #histograms: (Histogram | undefined)[] = []

  constructor(plan: TallyPlan, memory: Memory) {
    this.#plan = plan
    this.#memory = memory
    this.#durations = new Histogram(memory)
    this.#exemplars = new Exemplars(plan.exemplars)
    this.#counts = new Uint32Array(plan.buckets)
    this.#errors = new Uint32Array(plan.buckets)
    this.#sums = new Float64Array(plan.buckets)
    this.#least = new Float64Array(plan.buckets).fill(Infinity)
    this.#most = new Float64Array(plan.buckets)
  }

  /** `bin`: of its duration; `bucket`: of its start, where time is cut. */
  add(counted: Counted, bin: number, bucket: number): void {
    const { durationNs, error } = counted
    this.count++
    if (error) this.errors++
    this.sumNs += durationNs
    if (durationNs > this.maxNs) this.maxNs = durationNs
    if (durationNs < this.#minNs) this.#minNs = durationNs
    this.#durations.add(bin)
    this.#exemplars.add(counted)
    if (this.#plan.buckets === 0) return
    this.#counts[bucket]!++
    if (error) this.#errors[bucket]!++
    this.#sums[bucket]! += durationNs
    if (durationNs < this.#least[bucket]!) this.#least[bucket] = durationNs
    if (durationNs > this.#most[bucket]!) this.#most[bucket] = durationNs
    this.#histogram(bucket)?.add(bin)
  }

  addPart({ bin, bucket, count, errors, sumNs, minNs, maxNs }: CountedPart): void {
    this.count += count
    this.errors += errors
    this.sumNs += sumNs
    this.maxNs = Math.max(this.maxNs, maxNs)
    this.#minNs = Math.min(this.#minNs, minNs)
    this.#durations.add(bin, count)
    if (this.#plan.buckets === 0) return
    this.#counts[bucket]! += count
    this.#errors[bucket]! += errors
    this.#sums[bucket]! += sumNs
    this.#least[bucket] = Math.min(this.#least[bucket]!, minNs)
    this.#most[bucket] = Math.max(this.#most[bucket]!, maxNs)
    this.#histogram(bucket)?.add(bin, count)
  }

  keep(exemplar: Kept): void {
    this.#exemplars.keep(exemplar)
  }

  /** None of the exemplars is shorter, by what was counted. Nanoseconds. */
  get leastExemplarNs(): number {
    return this.#durations.leastOfLongest(this.#plan.exemplars)
  }

  /** Writes all that there is to be added elsewhere, by {@link addWritten}. */
  write(out: PartWriter): void {
    out.numbers(this.count, this.errors, this.sumNs)
    if (this.count > 1) out.numbers(this.#minNs, this.maxNs)
    // Where time is cut, those of the buckets are all that there are.
    if (this.#plan.buckets === 0 && this.count > 1) out.bins(this.#durations)
    out.exemplars(this.#exemplars.all)
    const used = Array.from(this.#counts.keys()).filter((bucket) => this.#counts[bucket]! > 0)
    out.numbers(used.length)
    let last = 0
    for (const bucket of used) {
      const count = this.#counts[bucket]!
      out.numbers(bucket - last, count, this.#errors[bucket]!, this.#sums[bucket]!)
      last = bucket
      if (count === 1) continue
      out.numbers(this.#least[bucket]!, this.#most[bucket]!)
      out.bins(this.#histograms[bucket])
    }
  }

  /** Adds what was written of another one. `isCut`: it has buckets; `bucketOf`: which of these each of them is in. */
  addWritten(input: PartReader, isCut: boolean, bucketOf: (bucket: number) => number): void {
    const sums = this.#addSums(input)
    if (!isCut) addBins(input, sums, [this.#durations])
    input.exemplars(this.#exemplars)
    let at = 0
    for (let left = input.number(); left > 0; left--) {
      at += input.number()
      const own = readSums(input)
      const histogram = this.#plan.buckets > 0 ? this.#addToBucket(own, bucketOf(at)) : undefined
      addBins(input, own, [this.#durations, histogram])
    }
  }

  #addSums(input: PartReader): Sums {
    const sums = readSums(input)
    this.count += sums.count
    this.errors += sums.errors
    this.sumNs += sums.sumNs
    this.#minNs = Math.min(this.#minNs, sums.minNs)
    this.maxNs = Math.max(this.maxNs, sums.maxNs)
    return sums
  }

  #addToBucket({ count, errors, sumNs, minNs, maxNs }: Sums, bucket: number): Histogram | undefined {
    this.#counts[bucket]! += count
    this.#errors[bucket]! += errors
    this.#sums[bucket]! += sumNs
    this.#least[bucket] = Math.min(this.#least[bucket]!, minNs)
    this.#most[bucket] = Math.max(this.#most[bucket]!, maxNs)
    return this.#histogram(bucket)
  }

  addAll(other: Tally): void {
    this.count += other.count
    this.errors += other.errors
    this.sumNs += other.sumNs
    this.maxNs = Math.max(this.maxNs, other.maxNs)
    this.#minNs = Math.min(this.#minNs, other.#minNs)
    this.#durations.addAll(other.#durations)
    this.#exemplars.addAll(other.#exemplars)
    for (let bucket = 0; bucket < this.#plan.buckets; bucket++) {
      this.#counts[bucket]! += other.#counts[bucket]!
      this.#errors[bucket]! += other.#errors[bucket]!
      this.#sums[bucket]! += other.#sums[bucket]!
      this.#least[bucket] = Math.min(this.#least[bucket]!, other.#least[bucket]!)
      this.#most[bucket] = Math.max(this.#most[bucket]!, other.#most[bucket]!)
      const added = other.#histograms[bucket]
      if (added) this.#histogram(bucket)?.addAll(added)
    }
  }

  /** The last of the percentiles. */
  get lastPercentile(): number {
    return this.#durations.percentiles(this.#plan.percentiles.slice(-1), this.count)[0] ?? 0
  }

  measures(): Measures {
    const { percentiles, buckets, seconds } = this.#plan
    return {
      count: this.count,
      errors: this.errors,
      perSecond: this.count / seconds,
      sumNs: this.sumNs,
      minNs: this.count === 0 ? 0 : this.#minNs,
      maxNs: this.maxNs,
      percentilesNs: this.#durations.percentiles(percentiles, this.count),
      exemplars: this.#exemplars.list(),
      ...(buckets > 0 && { buckets: Array.from({ length: buckets }, (_, bucket) => this.#bucket(bucket)) }),
    }
  }

  #bucket(bucket: number): AggregateBucket {
    const { percentiles } = this.#plan
    const count = this.#counts[bucket]!
    return {
      count,
      errors: this.#errors[bucket]!,
      sumNs: this.#sums[bucket]!,
      minNs: count === 0 ? 0 : this.#least[bucket]!,
      maxNs: this.#most[bucket]!,
      percentilesNs: this.#histograms[bucket]?.percentiles(percentiles, count) ?? percentiles.map(() => 0),
    }
  }

  /** Undefined when there is no memory for it. */
  #histogram(bucket: number): Histogram | undefined {
    const known = this.#histograms[bucket]
    if (known || !this.#memory.reserve(BUCKET_BYTES)) return known
    return (this.#histograms[bucket] = new Histogram(this.#memory))
  }
}
