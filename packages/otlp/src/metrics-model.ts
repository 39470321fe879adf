/**
 * OTLP metrics as plain objects, with the conventions of `model.ts`: ids are hex, 64-bit integers bigint, what is absent has its zero value.
 * Fields that may be absent where that is not the same as zero are optional.
 * Source: opentelemetry-proto `metrics/v1/metrics.proto`.
 */
import type { KeyValue, Resource, Scope } from './model.ts'

export interface Exemplar {
  readonly filteredAttributes: readonly KeyValue[]
  /** Nanoseconds since 1970. */
  readonly timeUnixNano: bigint
  /** At most one of the two. */
  readonly asDouble?: number
  readonly asInt?: bigint
  readonly spanId: string
  readonly traceId: string
}

interface DataPoint {
  readonly attributes: readonly KeyValue[]
  /** Nanoseconds since 1970. */
  readonly startTimeUnixNano: bigint
  /** Nanoseconds since 1970. */
  readonly timeUnixNano: bigint
  /** Bit 0: no value was recorded. */
  readonly flags: number
}

export interface NumberDataPoint extends DataPoint {
  /** At most one of the two. */
  readonly asDouble?: number
  readonly asInt?: bigint
  readonly exemplars: readonly Exemplar[]
}

export interface HistogramDataPoint extends DataPoint {
  readonly count: bigint
  readonly sum?: number
  /** One more than there are bounds, or none. */
  readonly bucketCounts: readonly bigint[]
  readonly explicitBounds: readonly number[]
  readonly exemplars: readonly Exemplar[]
  readonly min?: number
  readonly max?: number
}

/** Counts of buckets with the indexes `offset`, `offset + 1`, … */
export interface Buckets {
  readonly offset: number
  readonly bucketCounts: readonly bigint[]
}

export interface ExponentialHistogramDataPoint extends DataPoint {
  readonly count: bigint
  readonly sum?: number
  /** The base of the buckets is 2^(2^-scale). */
  readonly scale: number
  readonly zeroCount: bigint
  readonly positive?: Buckets
  readonly negative?: Buckets
  readonly exemplars: readonly Exemplar[]
  readonly min?: number
  readonly max?: number
  readonly zeroThreshold: number
}

/** `quantile`: 0 to 1. */
export interface ValueAtQuantile {
  readonly quantile: number
  readonly value: number
}

export interface SummaryDataPoint extends DataPoint {
  readonly count: bigint
  readonly sum: number
  readonly quantileValues: readonly ValueAtQuantile[]
}

export interface Gauge {
  readonly dataPoints: readonly NumberDataPoint[]
}

/** aggregationTemporality: 0 unspecified, 1 delta, 2 cumulative. */
export interface Sum {
  readonly dataPoints: readonly NumberDataPoint[]
  readonly aggregationTemporality: number
  readonly isMonotonic: boolean
}

/** aggregationTemporality: 0 unspecified, 1 delta, 2 cumulative. */
export interface Histogram {
  readonly dataPoints: readonly HistogramDataPoint[]
  readonly aggregationTemporality: number
}

/** aggregationTemporality: 0 unspecified, 1 delta, 2 cumulative. */
export interface ExponentialHistogram {
  readonly dataPoints: readonly ExponentialHistogramDataPoint[]
  readonly aggregationTemporality: number
}

export interface Summary {
  readonly dataPoints: readonly SummaryDataPoint[]
}

/** At most one of the five kinds of data is there. */
export interface Metric {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly gauge?: Gauge
  readonly sum?: Sum
  readonly histogram?: Histogram
  readonly exponentialHistogram?: ExponentialHistogram
  readonly summary?: Summary
  readonly metadata: readonly KeyValue[]
}

export interface ScopeMetrics {
  readonly scope: Scope
  readonly metrics: readonly Metric[]
  readonly schemaUrl: string
}

export interface ResourceMetrics {
  readonly resource: Resource
  readonly scopeMetrics: readonly ScopeMetrics[]
  readonly schemaUrl: string
}

/** `ExportMetricsServiceRequest`, which has the same wire form as `MetricsData`. */
export interface MetricsData {
  readonly resourceMetrics: readonly ResourceMetrics[]
}
