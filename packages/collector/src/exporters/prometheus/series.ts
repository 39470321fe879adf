/** The last value of each series that came, for so long as it is not too old. */
import type {
  Exemplar,
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  KeyValue,
  Metric,
  MetricsData,
  NumberDataPoint,
  Resource,
  ScopeMetrics,
  SummaryDataPoint,
} from '@spoor/otlp'
import { valueText } from '../../processor-helper/index.ts'

/** A point whose numbers were made of several, where they came as differences. */
export type Point =
  | { readonly type: 'number'; readonly isCounter: boolean; readonly isGauge: boolean; readonly point: NumberDataPoint }
  | { readonly type: 'histogram'; readonly point: HistogramDataPoint }
  | { readonly type: 'exponential'; readonly point: ExponentialHistogramDataPoint }
  | { readonly type: 'summary'; readonly point: SummaryDataPoint }

export interface Stored {
  readonly metric: { readonly name: string; readonly description: string; readonly unit: string }
  readonly attributes: readonly KeyValue[]
  readonly scope: ScopeMetrics['scope']
  readonly schemaUrl: string
  readonly resource: readonly KeyValue[]
  readonly value: Point
  /** Milliseconds since 1970. */
  readonly updated: number
}

export interface StoreOptions {
  /** Milliseconds. */
  readonly expirationMs: number
  readonly maxSeries: number
  /** Attributes of a resource that its series have, too. */
  readonly shared: (resource: readonly KeyValue[]) => readonly KeyValue[]
  /** Points that are not shown, and why. */
  readonly dropped: (points: number, reason: string, error: string) => void
}

const DELTA = 1
/** The flag of a point without a value. */
const NO_VALUE = 1

export class SeriesStore {
  readonly #options: StoreOptions
  readonly #series = new Map<string, Stored>()

  constructor(options: StoreOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#series.size
  }

  /** `now`: milliseconds since 1970. */
  add({ resourceMetrics }: MetricsData, now: number): void {
    for (const { resource, scopeMetrics } of resourceMetrics)
      for (const scope of scopeMetrics)
        for (const metric of scope.metrics) this.#addMetric(metric, scope, resource, now)
  }

  /** Those that are not too old. */
  all(now: number): Stored[] {
    this.expire(now)
    return [...this.#series.values()]
  }

  expire(now: number): void {
    for (const [key, { updated }] of this.#series)
      if (now - this.#options.expirationMs > updated) this.#series.delete(key)
  }

  #addMetric(metric: Metric, scope: ScopeMetrics, { attributes: resource }: Resource, now: number): void {
    const points = pointsOf(metric)
    if (points.length === 0) return
    const temporality = metric.sum?.aggregationTemporality
    if (temporality === 0)
      return this.#drop(points.length, 'temporality', `${metric.name} does not say what it is since`)
    if (temporality === DELTA && metric.sum?.isMonotonic === false)
      return this.#drop(points.length, 'delta', `${metric.name} is told in differences that are up and down`)
    const shared = this.#options.shared(resource)
    for (const value of points) {
      const attributes = joined(value.point.attributes, shared)
      const key = keyOf(metric, value, attributes, scope, resource)
      if (value.point.flags & NO_VALUE) {
        this.#series.delete(key)
        continue
      }
      const before = this.#series.get(key)
      if (!before && this.#series.size >= this.#options.maxSeries) {
        this.#drop(1, 'series_limit', `there are ${this.#options.maxSeries} series already`)
        continue
      }
      const next = before ? this.#next(metric, before.value, value) : value
      if (!next) continue
      const { name, description, unit } = metric
      const { scope: about, schemaUrl } = scope
      const kept = { metric: { name, description, unit }, attributes, scope: about, schemaUrl, resource }
      this.#series.set(key, { ...kept, value: next, updated: now })
    }
  }

  /** What is shown after the next point; undefined where the one before stays. */
  #next(metric: Metric, before: Point, value: Point): Point | undefined {
    const start = value.point.startTimeUnixNano
    const last = before.point.timeUnixNano
    const temporality = temporalityOf(metric)
    if (value.type === 'histogram' || value.type === 'exponential') {
      if (temporality === 0) {
        this.#drop(1, 'temporality', `${metric.name} does not say what it is since`)
        return undefined
      }
      if (temporality === DELTA) {
        if (start === last) return sumOf(before, value)
        if (start > last) return value
        this.#drop(1, 'misaligned', `a point of ${metric.name} begins before the last one ended`)
        return undefined
      }
    }
    if (value.point.timeUnixNano < last) {
      this.#drop(1, 'old', `a point of ${metric.name} is older than the last one`)
      return undefined
    }
    return temporality === DELTA && start === last ? sumOf(before, value) : value
  }

  #drop(points: number, reason: string, error: string): void {
    this.#options.dropped(points, reason, error)
  }
}

function pointsOf(metric: Metric): Point[] {
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric
  const numbers = (points: readonly NumberDataPoint[], isCounter: boolean, isGauge: boolean): Point[] =>
    points.map((point) => ({ type: 'number', isCounter, isGauge, point }))
  if (gauge) return numbers(gauge.dataPoints, false, true)
  if (sum) return numbers(sum.dataPoints, sum.isMonotonic, false)
  if (histogram) return histogram.dataPoints.map((point) => ({ type: 'histogram', point }))
  if (exponentialHistogram) return exponentialHistogram.dataPoints.map((point) => ({ type: 'exponential', point }))
  return (summary?.dataPoints ?? []).map((point) => ({ type: 'summary', point }))
}

function temporalityOf({ sum, histogram, exponentialHistogram }: Metric): number | undefined {
  return (sum ?? histogram ?? exponentialHistogram)?.aggregationTemporality
}

/** Both, the first of them since its start. */
function sumOf(before: Point, next: Point): Point {
  const { startTimeUnixNano } = before.point
  if (before.type === 'number' && next.type === 'number') {
    const [a, b] = [before.point, next.point]
    const value =
      b.asInt === undefined ? { asDouble: (b.asDouble ?? 0) + (a.asDouble ?? 0) } : { asInt: b.asInt + (a.asInt ?? 0n) }
    return { ...next, point: { ...b, ...value, startTimeUnixNano } }
  }
  if (before.type === 'histogram' && next.type === 'histogram') {
    const [a, b] = [before.point, next.point]
    const isAligned = String(a.explicitBounds) === String(b.explicitBounds)
    const own = { ...b, startTimeUnixNano, exemplars: [] }
    if (!isAligned) return { ...next, point: { ...own, sum: b.sum ?? 0 } }
    const bucketCounts = b.bucketCounts.map((count, i) => count + (a.bucketCounts[i] ?? 0n))
    const whole = { count: a.count + b.count, sum: (a.sum ?? 0) + (b.sum ?? 0), bucketCounts }
    return { ...next, point: { ...own, ...whole } }
  }
  if (before.type === 'exponential' && next.type === 'exponential') {
    const [a, b] = [before.point, next.point]
    const whole = { count: a.count + b.count, sum: (a.sum ?? 0) + (b.sum ?? 0), scale: Math.min(a.scale, b.scale) }
    return { ...next, point: { ...b, ...whole, startTimeUnixNano, exemplars: [] as Exemplar[] } }
  }
  return next
}

/** The text by which series are told apart. */
function keyOf(
  { name }: Metric,
  value: Point,
  attributes: readonly KeyValue[],
  { scope, schemaUrl }: ScopeMetrics,
  resource: readonly KeyValue[],
): string {
  const type = value.type === 'number' && value.isGauge ? 'gauge' : value.type
  const texts = (of: readonly KeyValue[]): string[] => of.map(({ key, value }) => `${key}*${valueText(value)}`).sort()
  return JSON.stringify([
    name,
    type,
    scope.name,
    scope.version,
    schemaUrl,
    texts(scope.attributes),
    texts(attributes),
    jobOf(resource),
    instanceOf(resource),
  ])
}

/** The first, and in place of those of the same key the second. */
function joined(attributes: readonly KeyValue[], others: readonly KeyValue[]): readonly KeyValue[] {
  if (others.length === 0) return attributes
  const all = new Map([...attributes, ...others].map(({ key, value }) => [key, value]))
  return [...all].map(([key, value]) => ({ key, value }))
}

export function jobOf(resource: readonly KeyValue[]): string | undefined {
  const service = textOf(resource, 'service.name')
  const namespace = textOf(resource, 'service.namespace')
  return service === undefined || namespace === undefined ? service : `${namespace}/${service}`
}

export function instanceOf(resource: readonly KeyValue[]): string | undefined {
  return textOf(resource, 'service.instance.id')
}

function textOf(attributes: readonly KeyValue[], wanted: string): string | undefined {
  const found = attributes.find(({ key }) => key === wanted)
  return found && valueText(found.value)
}
