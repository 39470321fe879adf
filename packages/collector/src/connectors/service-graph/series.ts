/** What is counted of the requests from one service to another. */
import {
  encodePointAttributes,
  encodeSeries,
  type AnyValue,
  type KeyValue,
  type PointData,
  type PointKind,
} from '@spoor/otlp'
import { explicitIndex, ExponentialHistogram } from '../../connector-helper/index.ts'
import { text } from '../../processor-helper/index.ts'
import { USUAL_BUCKETS, type ServiceGraphConfig } from './config.ts'
import type { Edge } from './edges.ts'

/** Series of one connector. */
const MAX_SERIES = 20_000
const STALE_MS = 15 * 60_000
const CUMULATIVE = 2
const NS_PER_MS = 1_000_000n
const OVERFLOW = 'otel.metric.overflow'

/** Durations in seconds, in either kind of histogram. */
interface Durations {
  record(seconds: number): void
  readonly point: Omit<PointData, 'attributes' | 'startTimeUnixNano'>
}

interface Series {
  /** Of the kinds of its points: they have their attributes in different fields. */
  readonly sumAttributes: Uint8Array
  readonly histogramAttributes: Uint8Array
  readonly client: Durations
  readonly server: Durations
  total: number
  failed: number
  /** Milliseconds since 1970. */
  lastSeen: number
}

export type VirtualNode = '' | 'client' | 'server'

export class GraphSeries {
  readonly #config: ServiceGraphConfig
  /** Nanoseconds since 1970. */
  readonly #startTimeUnixNano: bigint
  readonly #bounds: readonly number[]
  readonly #maxSeries: number
  readonly #series = new Map<string, Series>()

  /** `now`: milliseconds since 1970. */
  constructor(config: ServiceGraphConfig, now: number, maxSeries = MAX_SERIES) {
    this.#config = config
    this.#startTimeUnixNano = BigInt(now) * NS_PER_MS
    this.#bounds = (config.latency_histogram_buckets ?? USUAL_BUCKETS).map((ms) => ms / 1000)
    this.#maxSeries = maxSeries
  }

  get size(): number {
    return this.#series.size
  }

  /** False where it is counted with all that is beyond the limit. `virtual`: which of its ends sends no spans. */
  add(edge: Edge, virtual: VirtualNode, now: number): boolean {
    const key = this.#keyOf(edge)
    let series = this.#series.get(key)
    const isBeyond = !series && this.#series.size >= this.#maxSeries
    if (isBeyond) series = this.#series.get(OVERFLOW)
    if (!series) {
      series = this.#begin(
        isBeyond ? [{ key: OVERFLOW, value: { type: 'bool', value: true } }] : this.#attributesOf(edge, virtual),
      )
      this.#series.set(isBeyond ? OVERFLOW : key, series)
    }
    series.total++
    if (edge.failed) series.failed++
    series.server.record(edge.serverDuration)
    series.client.record(edge.clientDuration)
    series.lastSeen = now
    return !isBeyond
  }

  /** Lets go of those that have not changed for a quarter of an hour. */
  forgetStale(now: number): void {
    for (const [key, { lastSeen }] of this.#series) if (lastSeen + STALE_MS < now) this.#series.delete(key)
  }

  /** All of them; `now`: milliseconds since 1970. */
  encode(now: number): { readonly bytes: Uint8Array; readonly points: number } {
    const all = [...this.#series.values()]
    const failed = all.filter((series) => series.failed > 0)
    const kind: PointKind = this.#config.exponential_histogram_max_size > 0 ? 'exponential' : 'histogram'
    const startTimeUnixNano = this.#startTimeUnixNano
    const counts = (end: string, of: readonly Series[], value: (series: Series) => number) => ({
      name: `traces_service_graph_request_${end}`,
      kind: 'sum' as const,
      temporality: CUMULATIVE,
      isMonotonic: true,
      points: of.map((series) => ({ attributes: series.sumAttributes, startTimeUnixNano, value: value(series) })),
    })
    const durations = (end: 'server' | 'client') => ({
      name: `traces_service_graph_request_${end}`,
      unit: 's',
      kind,
      temporality: CUMULATIVE,
      points: all.map((series) => ({
        ...series[end].point,
        attributes: series.histogramAttributes,
        startTimeUnixNano,
      })),
    })
    const metrics = [
      counts('total', all, ({ total }) => total),
      ...(failed.length > 0 ? [counts('failed_total', failed, (series) => series.failed)] : []),
      durations('server'),
      durations('client'),
    ]
    const time = BigInt(Math.round(now - this.#config.metrics_timestamp_offset)) * NS_PER_MS
    const bytes = encodeSeries([{ attributes: [], scope: 'traces_service_graph', metrics }], time)
    return { bytes, points: 3 * all.length + failed.length }
  }

  #keyOf({ client, server, connectionType, failed, dimensions }: Edge): string {
    let key = `${client}\0${server}\0${connectionType}\0${failed}`
    for (const name of this.#config.dimensions) {
      for (const end of ['client', 'server']) {
        const value = dimensions.get(`${end}_${name}`)
        if (value !== undefined) key += `\0${end}_${name}_${value}`
      }
    }
    return key
  }

  #attributesOf({ client, server, connectionType, failed, dimensions }: Edge, virtual: VirtualNode): KeyValue[] {
    const attributes = new Map<string, AnyValue>([
      ['client', text(client)],
      ['server', text(server)],
      ['connection_type', text(connectionType)],
      ['failed', { type: 'bool', value: failed }],
    ])
    for (const [name, value] of dimensions) attributes.set(name, text(value))
    if (this.#config.virtual_node_extra_label) attributes.set('virtual_node', text(virtual))
    return Array.from(attributes, ([key, value]) => ({ key, value }))
  }

  #begin(attributes: readonly KeyValue[]): Series {
    const size = this.#config.exponential_histogram_max_size
    const durations = (): Durations => (size > 0 ? new ExponentialDurations(size) : new ExplicitDurations(this.#bounds))
    return {
      sumAttributes: encodePointAttributes('sum', attributes),
      histogramAttributes: encodePointAttributes(size > 0 ? 'exponential' : 'histogram', attributes),
      client: durations(),
      server: durations(),
      total: 0,
      failed: 0,
      lastSeen: 0,
    }
  }
}

class ExplicitDurations implements Durations {
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #count = 0
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  record(seconds: number): void {
    this.#count++
    this.#sum += seconds
    this.#counts[explicitIndex(this.#bounds, seconds)]!++
  }

  get point(): Durations['point'] {
    return { count: this.#count, sum: this.#sum, bucketCounts: this.#counts, bounds: this.#bounds }
  }
}

class ExponentialDurations implements Durations {
  readonly #histogram: ExponentialHistogram

  constructor(maxBuckets: number) {
    this.#histogram = new ExponentialHistogram(maxBuckets)
  }

  record(seconds: number): void {
    this.#histogram.record(seconds, 1)
  }

  get point(): Durations['point'] {
    const { count, sum, scale, zeroCount, offset, bucketCounts, min, max } = this.#histogram
    return { count, sum, scale, zeroCount, offset, bucketCounts, min, max }
  }
}
