/** What is counted of the spans with one set of attributes: calls, events, durations. */
import type { ExemplarData, PointData, PointKind } from '@spoor/otlp'
import { explicitIndex, ExponentialHistogram } from '../../connector-helper/index.ts'

export const OVERFLOW = 'otel.metric.overflow'

/** What a series begins with. */
export interface Beginning {
  /** By which it is told from the others of its metric. */
  readonly key: string
  /** From `encodePointAttributes`. */
  readonly attributes: Uint8Array
  /** Nanoseconds since 1970. */
  readonly startTimeUnixNano: bigint
  /** Milliseconds since 1970. */
  readonly lastSeen: number
}

const NO_EXEMPLARS: readonly ExemplarData[] = []

export abstract class Series implements PointData {
  readonly key: string
  readonly attributes: Uint8Array
  startTimeUnixNano: bigint
  lastSeen: number
  /** Whether it counts what is beyond the limit. */
  readonly isOverflow: boolean
  exemplars: readonly ExemplarData[] = NO_EXEMPLARS

  constructor({ key, attributes, startTimeUnixNano, lastSeen }: Beginning) {
    this.key = key
    this.attributes = attributes
    this.startTimeUnixNano = startTimeUnixNano
    this.lastSeen = lastSeen
    this.isOverflow = key === OVERFLOW
  }

  clearExemplars(): void {
    this.exemplars = NO_EXEMPLARS
  }

  addExemplar(exemplar: ExemplarData): void {
    if (this.exemplars === NO_EXEMPLARS) this.exemplars = []
    ;(this.exemplars as ExemplarData[]).push(exemplar)
  }
}

export class Count extends Series {
  total = 0
  /** What is shown of it. */
  value = 0
  #isShown = false

  /** A cumulative count is shown as 0 at first, so that a rate has where to begin. */
  show(isDelta: boolean): void {
    this.value = isDelta || this.#isShown ? this.total : 0
    this.#isShown = true
  }
}

export abstract class Durations extends Series {
  abstract record(value: number, times: number): void
}

export class ExplicitDurations extends Durations {
  count = 0
  sum = 0
  readonly bounds: readonly number[]
  readonly bucketCounts: Float64Array

  constructor(beginning: Beginning, bounds: readonly number[]) {
    super(beginning)
    this.bounds = bounds
    this.bucketCounts = new Float64Array(bounds.length + 1)
  }

  record(value: number, times: number): void {
    this.count += times
    this.sum += value * times
    this.bucketCounts[explicitIndex(this.bounds, value)]! += times
  }
}

export class ExponentialDurations extends Durations {
  readonly #histogram: ExponentialHistogram

  constructor(beginning: Beginning, maxBuckets: number) {
    super(beginning)
    this.#histogram = new ExponentialHistogram(maxBuckets)
  }

  record(value: number, times: number): void {
    this.#histogram.record(value, times)
  }

  get count(): number {
    return this.#histogram.count
  }
  get sum(): number {
    return this.#histogram.sum
  }
  get scale(): number {
    return this.#histogram.scale
  }
  get zeroCount(): number {
    return this.#histogram.zeroCount
  }
  get offset(): number {
    return this.#histogram.offset
  }
  get bucketCounts(): readonly number[] {
    return this.#histogram.bucketCounts
  }
  get min(): number | undefined {
    return this.#histogram.min
  }
  get max(): number | undefined {
    return this.#histogram.max
  }
}

/** How many series there may be altogether. */
export class SeriesBudget {
  used = 0
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get isUsedUp(): boolean {
    return this.used >= this.#limit
  }
}

/** The series of one metric of one resource. */
export class SeriesSet<S extends Series> {
  readonly kind: PointKind
  readonly #series = new Map<string, S>()
  readonly #limit: number
  readonly #budget: SeriesBudget
  readonly #create: (beginning: Beginning) => S

  /** `limit`: how many there may be, 0 for as many as the budget has; one more is for what is beyond. */
  constructor(kind: PointKind, limit: number, budget: SeriesBudget, create: (beginning: Beginning) => S) {
    this.kind = kind
    this.#limit = limit
    this.#budget = budget
    this.#create = create
  }

  /** In the order in which they began. */
  get all(): readonly S[] {
    return [...this.#series.values()]
  }

  /** The series of that key; a new one has what `begin` gives for a key. Beyond the limit, the one for all that is beyond. */
  at(key: string, begin: (key: string) => Beginning): S {
    const known = this.#series.get(key)
    if (known) return known
    const isFull = this.#budget.isUsedUp || (this.#limit > 0 && this.#series.size >= this.#limit)
    if (isFull) key = OVERFLOW
    const overflow = isFull ? this.#series.get(key) : undefined
    if (overflow) return overflow
    const series = this.#create(begin(key))
    this.#series.set(key, series)
    this.#budget.used++
    return series
  }

  clearExemplars(): void {
    for (const series of this.#series.values()) series.clearExemplars()
  }

  /** Forgets those without a span since then; says whether there were any. */
  expire(before: number): boolean {
    const size = this.#series.size
    for (const [key, { lastSeen }] of this.#series) if (lastSeen <= before) this.#series.delete(key)
    this.#budget.used -= size - this.#series.size
    return this.#series.size < size
  }

  /** It is not used any more. */
  drop(): void {
    this.#budget.used -= this.#series.size
    this.#series.clear()
  }
}
