/**
 * Counts spans. What a span adds to is found by the bytes that tell series apart, as they are in the message: only those that were not seen
 * before are read, and made the text by which a series is known.
 */
import {
  AttributeFinder,
  createSpanColumns,
  decodeScopeHeader,
  decodeSpan,
  encodePointAttributes,
  encodeSeries,
  scanSpans,
  type Chunk,
  type KeyValue,
  type MetricSeries,
  type SpanColumns,
} from '@spoor/otlp'
import { ByteTable, Dimensions, MAX_TABLE_BYTES, Origins, type EncodedMetrics } from '../../connector-helper/index.ts'
import { json } from '../../processor-helper/index.ts'
import { AdjustedCount } from './adjusted-count.ts'
import { isDelta, USUAL, USUAL_BUCKETS, type SpanMetricsConfig } from './config.ts'
import { dimensionsOf, Labels, type Labelled } from './labels.ts'
import { Resources, type ResourceMetrics } from './resources.ts'
import {
  Count,
  ExplicitDurations,
  ExponentialDurations,
  OVERFLOW,
  SeriesBudget,
  SeriesSet,
  type Beginning,
  type Durations,
  type Series,
} from './series.ts'

/** Series of one connector, of all metrics and resources. Each takes half a kilobyte, or more where it has many buckets or attributes. */
const MAX_SERIES = 200_000

const NS_PER_MS = 1_000_000n

/** A resource as spans came with it. */
interface Origin {
  readonly id: number
  /** Of its metrics. */
  readonly key: string
  readonly service: string
  readonly attributes: readonly KeyValue[]
}

/** What the spans with the same bytes add to. */
interface Place {
  readonly calls: Count
  /** Undefined where there is no such metric. */
  readonly durations: Durations | undefined
}

/** What is known of a span besides its row. */
interface Around {
  readonly origin: Origin
  readonly metrics: ResourceMetrics
  readonly now: number
  readonly times: number
  /** In the unit of the configuration. */
  readonly duration: number
}

export interface AggregatorListener {
  /** Spans that are counted nowhere, as there are as many series as there may be. */
  uncounted(spans: number): void
  /** Spans that are counted with all that is beyond the limit. */
  overflowed(spans: number): void
  /** Series whose last time was forgotten. */
  forgotten(key: string): void
}

export class Aggregator {
  /** Spans since the last flush. */
  pending = 0
  readonly #config: SpanMetricsConfig
  readonly #listener: AggregatorListener
  readonly #isDelta: boolean
  readonly #labels: Labels
  readonly #callDimensions: readonly Dimensions[]
  readonly #durationDimensions: readonly Dimensions[]
  readonly #eventDimensions: readonly Dimensions[]
  readonly #bounds: readonly number[]
  /** Nanoseconds of the unit. */
  readonly #unitNs: number
  readonly #budget: SeriesBudget
  readonly #resources: Resources
  readonly #adjusted = new AdjustedCount()
  /** Of the chunk that is read. */
  readonly #columns = createSpanColumns()
  /** Of the dimensions that have names. */
  readonly #finder: AttributeFinder
  readonly #origins = new Origins<Origin>(
    ({ id, service, attributes }) => ({
      id,
      key: keyOf(attributes, this.#config.resource_metrics_key_attributes),
      service: service.type === 'string' ? service.value : '',
      attributes,
    }),
    // Places are known by the numbers of origins.
    () => this.#forgetPlaces(),
  )
  readonly #places: Place[] = []
  readonly #placeTable = new ByteTable()
  readonly #isByPattern: boolean
  /** Until when each series was counted: nanoseconds since 1970, of those that were used last. */
  readonly #lastTimes = new Map<string, bigint>()

  /** `maxSeries`: of all metrics and resources. */
  constructor(config: SpanMetricsConfig, instance: string, listener: AggregatorListener, maxSeries = MAX_SERIES) {
    this.#config = config
    this.#budget = new SeriesBudget(maxSeries)
    this.#listener = listener
    this.#isDelta = isDelta(config)
    this.#labels = new Labels(config, instance, USUAL)
    const usual = new Dimensions(config.dimensions)
    this.#callDimensions = [usual, new Dimensions(config.calls_dimensions)]
    this.#durationDimensions = [usual, new Dimensions(config.histogram.dimensions)]
    this.#eventDimensions = [usual, new Dimensions(config.events.dimensions)]
    const isSeconds = config.histogram.unit === 's'
    this.#unitNs = isSeconds ? 1e9 : 1e6
    this.#bounds = (config.histogram.explicit?.buckets ?? USUAL_BUCKETS).map((ms) => (isSeconds ? ms / 1000 : ms))
    this.#resources = new Resources(config.resource_metrics_cache_size)
    const used = [...this.#callDimensions, ...this.#durationDimensions]
    this.#finder = new AttributeFinder([...new Set(used.flatMap(({ names }) => names))])
    this.#isByPattern = used.some(({ hasGlobs }) => hasGlobs)
  }

  get series(): number {
    return this.#budget.used
  }

  /** `now`: milliseconds since 1970. */
  add(chunks: readonly Chunk[], now: number): void {
    this.#adjusted.clear()
    for (const chunk of chunks) this.#addChunk(chunk, now)
  }

  #addChunk(chunk: Chunk, now: number): void {
    const { bytes } = chunk
    const columns = this.#columns
    columns.count = 0
    const isFinding = this.#finder.size > 0
    if (isFinding) this.#finder.begin(chunk.items)
    scanSpans(bytes, columns, isFinding ? this.#finder : undefined)
    const { exemplars, events } = this.#config
    let resourceStart = -1
    let origin: Origin | undefined
    let metrics: ResourceMetrics | undefined
    let uncounted = 0
    let overflowed = 0
    for (let row = 0; row < columns.count; row++) {
      if (columns.resourceStart[row] !== resourceStart) {
        resourceStart = columns.resourceStart[row]!
        origin = this.#origins.of(bytes, resourceStart, columns.resourceEnd[row]!)
        metrics = origin && this.#metricsOf(origin, now)
      }
      if (!origin) continue
      if (!metrics) {
        uncounted++
        continue
      }
      this.pending++
      const times = this.#timesOf(bytes, columns, row)
      const duration = Math.max(0, columns.durationNs[row]!) / this.#unitNs
      const { calls, durations } = this.#placeOf(bytes, columns, row, origin, metrics, now)
      calls.total += times
      if (calls.isOverflow) overflowed++
      else calls.lastSeen = now
      if (durations) {
        durations.record(duration, times)
        if (!durations.isOverflow) durations.lastSeen = now
      }
      if (exemplars.enabled) {
        this.#addExemplar(calls, columns, row, duration)
        if (durations) this.#addExemplar(durations, columns, row, duration)
      }
      if (events.enabled && columns.eventCount[row]! > 0)
        this.#addEvents(bytes, columns, row, { origin, metrics, now, times, duration })
    }
    if (uncounted > 0) this.#listener.uncounted(uncounted)
    if (overflowed > 0) this.#listener.overflowed(overflowed)
  }

  /** Undefined where there is no room for those of another resource. */
  #metricsOf({ key, attributes }: Origin, now: number): ResourceMetrics | undefined {
    const known = this.#resources.get(key)
    if (known) {
      known.lastSeen = now
      return known
    }
    if (this.#budget.isUsedUp) return undefined
    const limit = this.#config.aggregation_cardinality_limit
    const { exponential } = this.#config.histogram
    const counts = (): SeriesSet<Count> => new SeriesSet('sum', limit, this.#budget, (from) => new Count(from))
    const metrics: ResourceMetrics = {
      attributes,
      calls: counts(),
      durations: exponential
        ? new SeriesSet<Durations>(
            'exponential',
            limit,
            this.#budget,
            (from) => new ExponentialDurations(from, exponential.max_size),
          )
        : new SeriesSet<Durations>(
            'histogram',
            limit,
            this.#budget,
            (from) => new ExplicitDurations(from, this.#bounds),
          ),
      events: counts(),
      lastSeen: now,
    }
    this.#resources.add(key, metrics)
    return metrics
  }

  #timesOf(bytes: Uint8Array, { traceStateStart, traceStateEnd }: SpanColumns, row: number): number {
    const start = traceStateStart[row]!
    const end = traceStateEnd[row]!
    if (start === end) return 1
    this.#adjusted.read(bytes, start, end)
    return this.#adjusted.count
  }

  #isAdjusted({ traceStateStart, traceStateEnd }: SpanColumns, row: number): boolean {
    return traceStateStart[row] !== traceStateEnd[row] && this.#adjusted.isAdjusted
  }

  #placeOf(
    bytes: Uint8Array,
    columns: SpanColumns,
    row: number,
    origin: Origin,
    metrics: ResourceMetrics,
    now: number,
  ): Place {
    if (this.#isByPattern) return this.#findPlace(bytes, columns, row, origin, metrics, now)
    const table = this.#placeTable
    table.begin()
    table.number(origin.id)
    table.number(columns.kind[row]! | (columns.status[row]! << 8) | (this.#isAdjusted(columns, row) ? 1 << 16 : 0))
    if (this.#labels.hasName) table.range(bytes, columns.nameStart[row]!, columns.nameEnd[row]!)
    const { start, end, size } = this.#finder
    for (let at = row * size; at < (row + 1) * size; at++) {
      if (start[at]! < 0) table.number(-1)
      else table.range(bytes, start[at]!, end[at]!)
    }
    const known = table.find()
    if (known >= 0) return this.#places[known]!
    if (table.byteLength > MAX_TABLE_BYTES) this.#forgetPlaces()
    const place = this.#findPlace(bytes, columns, row, origin, metrics, now)
    this.#places[table.add()] = place
    return place
  }

  #findPlace(
    bytes: Uint8Array,
    columns: SpanColumns,
    row: number,
    origin: Origin,
    metrics: ResourceMetrics,
    now: number,
  ): Place {
    const span = this.#labelled(bytes, columns, row, origin)
    return {
      calls: this.#seriesOf(metrics.calls, span, this.#callDimensions, origin.attributes, now),
      durations: this.#config.histogram.disable
        ? undefined
        : this.#seriesOf(metrics.durations, span, this.#durationDimensions, origin.attributes, now),
    }
  }

  #labelled(bytes: Uint8Array, columns: SpanColumns, row: number, { service }: Origin): Labelled {
    const { name, attributes } = decodeSpan(bytes, columns.spanStart[row], columns.spanEnd[row])
    const { scope } = decodeScopeHeader(bytes, columns.scopeStart[row]!, columns.scopeEnd[row]!)
    const [kind, status] = [columns.kind[row]!, columns.status[row]!]
    return { service, name, kind, status, attributes, scope, isAdjusted: this.#isAdjusted(columns, row) }
  }

  #seriesOf<S extends Series>(
    set: SeriesSet<S>,
    span: Labelled,
    lists: readonly Dimensions[],
    beside: readonly KeyValue[],
    now: number,
  ): S {
    const dimensions = dimensionsOf(lists, span.attributes, beside)
    return set.at(this.#labels.keyOf(span, dimensions), (key): Beginning => {
      const attributes: readonly KeyValue[] =
        key === OVERFLOW
          ? [{ key: OVERFLOW, value: { type: 'bool', value: true } }]
          : this.#labels.attributesOf(span, dimensions)
      return {
        key,
        attributes: encodePointAttributes(set.kind, attributes),
        startTimeUnixNano: BigInt(now) * NS_PER_MS,
        lastSeen: now,
      }
    })
  }

  #addEvents(
    bytes: Uint8Array,
    columns: SpanColumns,
    row: number,
    { origin, metrics, now, times, duration }: Around,
  ): void {
    const { events } = decodeSpan(bytes, columns.spanStart[row], columns.spanEnd[row])
    const span = this.#labelled(bytes, columns, row, origin)
    for (const event of events) {
      const beside = new Map([...origin.attributes, ...event.attributes].map(({ key, value }) => [key, value]))
      const attributes = [...beside].map(([key, value]) => ({ key, value }))
      const series = this.#seriesOf(metrics.events, span, this.#eventDimensions, attributes, now)
      series.total += times
      if (!series.isOverflow) series.lastSeen = now
      if (this.#config.exemplars.enabled) this.#addExemplar(series, columns, row, duration)
    }
  }

  #addExemplar(series: Series, { traceId, spanId }: SpanColumns, row: number, value: number): void {
    if (series.isOverflow || series.exemplars.length >= this.#config.exemplars.max_per_data_point) return
    const id = traceId.slice(row * 16, row * 16 + 16)
    if (id.every((byte) => byte === 0)) return
    series.addExemplar({ traceId: id, spanId: spanId.slice(row * 8, row * 8 + 8), value })
  }

  /** What there is to be handed on; `now`: milliseconds since 1970. */
  flush(now: number): EncodedMetrics {
    const time = BigInt(now) * NS_PER_MS
    const { namespace, histogram, events } = this.#config
    const prefix = namespace === '' ? '' : `${namespace}.`
    const temporality = this.#isDelta ? 1 : 2
    let points = 0
    const resources = this.#resources.all.map((resource) => {
      const counts = (name: string, set: SeriesSet<Count>): MetricSeries => {
        for (const series of set.all) series.show(this.#isDelta)
        return metric(name, set)
      }
      const metric = (name: string, set: SeriesSet<Series>, unit = ''): MetricSeries => {
        points += set.all.length
        const isMonotonic = set.kind === 'sum'
        return { name: prefix + name, unit, kind: set.kind, temporality, isMonotonic, points: set.all }
      }
      const metrics = [
        counts('calls', resource.calls),
        ...(histogram.disable ? [] : [metric('duration', resource.durations, histogram.unit)]),
        ...(events.enabled ? [counts('events', resource.events)] : []),
      ]
      if (this.#isDelta) this.#continue(resource, time)
      return { attributes: resource.attributes, scope: 'spanmetricsconnector', metrics }
    })
    const bytes = encodeSeries(resources, time)
    this.pending = 0
    this.#forget(now)
    return { bytes, points }
  }

  /** The points of a series begin where its last one ended. */
  #continue({ calls, durations, events }: ResourceMetrics, time: bigint): void {
    const all = [...calls.all, ...durations.all, ...events.all]
    for (const series of all) series.startTimeUnixNano = this.#lastTimes.get(series.key) ?? series.startTimeUnixNano
    for (const { key } of all) {
      this.#lastTimes.delete(key)
      this.#lastTimes.set(key, time)
      if (this.#lastTimes.size <= this.#config.metric_timestamp_cache_size) continue
      const [oldest] = this.#lastTimes.keys()
      this.#lastTimes.delete(oldest!)
      this.#listener.forgotten(oldest!)
    }
  }

  #forget(now: number): void {
    const { exemplars, metrics_expiration: afterMs, series_expiration: seriesAfterMs } = this.#config
    if (this.#isDelta) {
      this.#resources.clear()
      this.#forgetPlaces()
      return
    }
    let isGone = this.#resources.forget()
    for (const [key, { calls, durations, events, lastSeen }] of this.#resources.kept) {
      for (const set of [calls, durations, events]) {
        if (exemplars.enabled) set.clearExemplars()
        if (seriesAfterMs > 0 && set.expire(now - seriesAfterMs)) isGone = true
      }
      if (afterMs > 0 && now - lastSeen >= afterMs) this.#resources.remove(key)
    }
    if (isGone) this.#forgetPlaces()
  }

  #forgetPlaces(): void {
    this.#placeTable.clear()
    this.#places.length = 0
  }
}

/** The text by which the metrics of resources are told apart: their attributes in any order, or those that are named. */
function keyOf(attributes: readonly KeyValue[], names: readonly string[]): string {
  const used = names.length === 0 ? attributes : attributes.filter(({ key }) => names.includes(key))
  const sorted = used.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return sorted.map(({ key, value }) => JSON.stringify([key, value.type, json(value)])).join()
}
