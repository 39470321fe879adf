import { messageType, type MessageType } from '../schema.ts'
import { Attributes } from './attributes.ts'
import { MessageView, REMOVED } from './message-view.ts'

/** The kinds of data that a metric may have, with the number of their field. */
const DATA = {
  gauge: 5,
  sum: 7,
  histogram: 9,
  exponentialHistogram: 10,
  summary: 11,
} as const

export type MetricType = keyof typeof DATA

/** By the number of their field. @internal */
export const METRIC_TYPES = new Map<number, MetricType>(
  Object.entries(DATA).map(([type, number]) => [number, type as MetricType]),
)
const DATA_POINTS = 1

/** What the fields of a data point are numbered, which is another number in each kind. */
const POINT_FIELDS: Readonly<Record<MetricType, { readonly attributes: number; readonly flags: number }>> = {
  gauge: { attributes: 7, flags: 8 },
  sum: { attributes: 7, flags: 8 },
  histogram: { attributes: 9, flags: 10 },
  exponentialHistogram: { attributes: 1, flags: 10 },
  summary: { attributes: 7, flags: 8 },
}

/** A data point of any kind of metric. What a kind does not have is undefined, and setting it throws `TypeError`. */
export class DataPointView extends MessageView {
  readonly type: MetricType
  readonly attributes: Attributes

  constructor(type: MetricType) {
    super(dataMessage(type).byNumber[DATA_POINTS]!.message!)
    this.type = type
    this.attributes = new Attributes(this, POINT_FIELDS[type].attributes)
  }

  /** Nanoseconds since 1970. */
  get startTimeUnixNano(): bigint {
    return this.value(2) as bigint
  }
  set startTimeUnixNano(time: bigint) {
    this.put(2, time)
  }

  /** Nanoseconds since 1970. */
  get timeUnixNano(): bigint {
    return this.value(3) as bigint
  }
  set timeUnixNano(time: bigint) {
    this.put(3, time)
  }

  get flags(): number {
    return this.value(POINT_FIELDS[this.type].flags) as number
  }
  set flags(flags: number) {
    this.put(POINT_FIELDS[this.type].flags, flags)
  }

  /** Of a gauge or sum: a number where it is a double, a bigint where it is an integer; undefined where it has none. */
  get number(): number | bigint | undefined {
    if (this.type !== 'gauge' && this.type !== 'sum') return undefined
    const double = this.find(4)
    const integer = this.find(6)
    if (double < 0 && integer < 0) return undefined
    return (double > integer ? this.value(4) : this.value(6)) as number | bigint
  }
  set number(value: number | bigint) {
    if (this.type !== 'gauge' && this.type !== 'sum') throw new TypeError(`a point of a ${this.type} has no number`)
    this.put(typeof value === 'bigint' ? 6 : 4, value)
  }

  /** Of a histogram or summary. */
  get count(): bigint | undefined {
    return this.#isDistribution() ? (this.value(4) as bigint) : undefined
  }
  set count(count: bigint) {
    if (!this.#isDistribution()) throw new TypeError(`a point of a ${this.type} has no count`)
    this.put(4, count)
  }

  /** Of a histogram or summary; undefined where it has none. */
  get sum(): number | undefined {
    if (!this.#isDistribution() || (this.type !== 'summary' && !this.has(5))) return undefined
    return this.value(5) as number
  }
  set sum(sum: number) {
    if (!this.#isDistribution()) throw new TypeError(`a point of a ${this.type} has no sum`)
    this.put(5, sum)
  }

  #isDistribution(): boolean {
    return this.type !== 'gauge' && this.type !== 'sum'
  }
}

class DataView extends MessageView {
  readonly #point: DataPointView

  constructor(type: MetricType) {
    super(dataMessage(type))
    this.#point = new DataPointView(type)
  }

  /** @internal */
  override release(): void {
    this.#point.release()
    super.release()
  }

  get pointCount(): number {
    return this.countOf(DATA_POINTS)
  }

  forEachPoint(visit: (point: DataPointView) => void): void {
    this.visitEach(DATA_POINTS, this.#point, visit)
  }

  get aggregationTemporality(): number {
    return this.value(2) as number
  }
  set aggregationTemporality(temporality: number) {
    this.put(2, temporality)
  }

  get isMonotonic(): boolean {
    return this.value(3) as boolean
  }
  set isMonotonic(isMonotonic: boolean) {
    this.put(3, isMonotonic)
  }
}

/** A metric. Data that comes twice, which no SDK writes, is visited all; its type is that of the last. */
export class MetricView extends MessageView {
  /** Its metadata, which says something of the metric itself, not of what it measures. */
  readonly metadata: Attributes
  readonly #data: Partial<Record<MetricType, DataView>> = {}

  constructor() {
    super(messageType('Metric'))
    this.metadata = new Attributes(this, 12)
  }

  get name(): string {
    return this.value(1) as string
  }
  set name(name: string) {
    this.put(1, name)
  }

  get description(): string {
    return this.value(2) as string
  }
  set description(description: string) {
    this.put(2, description)
  }

  get unit(): string {
    return this.value(3) as string
  }
  set unit(unit: string) {
    this.put(3, unit)
  }

  /** Undefined where it has no data, or none of a known kind. */
  get type(): MetricType | undefined {
    const index = this.#lastData()
    return index < 0 ? undefined : this.#typeAt(index)
  }

  /** 0 unspecified, 1 delta, 2 cumulative; undefined for a gauge and a summary, which have none. */
  get aggregationTemporality(): number | undefined {
    return hasTemporality(this.type) ? this.#openData(this.#lastData()).aggregationTemporality : undefined
  }
  /** Throws `TypeError` for a metric without. */
  set aggregationTemporality(temporality: number) {
    if (!hasTemporality(this.type)) throw new TypeError(`a ${this.type} has no aggregation temporality`)
    this.#changeData((data) => (data.aggregationTemporality = temporality))
  }

  /** Undefined for what is no sum. */
  get isMonotonic(): boolean | undefined {
    return this.type === 'sum' ? this.#openData(this.#lastData()).isMonotonic : undefined
  }
  /** Throws `TypeError` for what is no sum. */
  set isMonotonic(isMonotonic: boolean) {
    if (this.type !== 'sum') throw new TypeError(`a ${this.type} is not monotonic or not`)
    this.#changeData((data) => (data.isMonotonic = isMonotonic))
  }

  get pointCount(): number {
    this.readFields()
    let count = 0
    for (let i = 0; i < this.fields.count; i++) if (this.#typeAt(i)) count += this.#openData(i).pointCount
    return count
  }

  /**
   * Each data point in turn, to be read, changed or dropped; the view is the same for all of a kind. A metric whose last point
   * is dropped is dropped.
   */
  forEachPoint(visit: (point: DataPointView) => void): void {
    this.readFields()
    let dropped = false
    for (let i = 0; i < this.fields.count; i++) {
      if (!this.#typeAt(i)) continue
      const data = this.#openData(i)
      data.forEachPoint((point) => {
        visit(point)
        dropped ||= point.isDropped
      })
      this.takeOver(i, data)
    }
    if (dropped && this.pointCount === 0) this.drop()
  }

  /** @internal */
  override release(): void {
    for (const data of Object.values(this.#data)) data.release()
    super.release()
  }

  #typeAt(index: number): MetricType | undefined {
    return this.edits[index] === REMOVED ? undefined : METRIC_TYPES.get(this.fields.tag[index]! >>> 3)
  }

  #lastData(): number {
    this.readFields()
    let index = this.fields.count - 1
    while (index >= 0 && !this.#typeAt(index)) index--
    return index
  }

  #openData(index: number): DataView {
    const type = this.#typeAt(index)!
    const data = (this.#data[type] ??= new DataView(type))
    this.openAt(index, data)
    return data
  }

  #changeData(change: (data: DataView) => void): void {
    const index = this.#lastData()
    const data = this.#openData(index)
    change(data)
    this.takeOver(index, data)
  }
}

/** The message that a metric of this type has its data points in. */
function dataMessage(type: MetricType): MessageType {
  return messageType('Metric').byNumber[DATA[type]]!.message!
}

function hasTemporality(type: MetricType | undefined): boolean {
  return type === 'sum' || type === 'histogram' || type === 'exponentialHistogram'
}
