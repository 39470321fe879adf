/**
 * Metrics from series that somebody keeps counting: the same bytes that `encodeMetrics` makes of plain objects, without making any. Attributes are
 * encoded once, when a series begins.
 * Source: opentelemetry-proto `metrics/v1/metrics.proto`.
 */
import { writeKeyValue } from './encode.ts'
import type { KeyValue } from './model.ts'
import {
  closeMessage,
  createWriter,
  finish,
  mark,
  writeBytes,
  writeDouble,
  writeFixed32,
  writeFixed64,
  writeRange,
  writeString,
  writeVarint,
  type Writer,
} from './writer.ts'

export type PointKind = 'gauge' | 'sum' | 'histogram' | 'exponential'

/** One that has a trace id of 16 bytes and a span id of 8. Its time is that of the point. */
export interface ExemplarData {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly value: number
}

/** A point as it is now. What its kind has no field for is not read. */
export interface PointData {
  /** From {@link encodePointAttributes}, of the same kind. */
  readonly attributes: Uint8Array
  /** Nanoseconds since 1970; 0 for none. */
  readonly startTimeUnixNano: bigint
  /** Where it is not that of all. */
  readonly timeUnixNano?: bigint
  readonly exemplars?: readonly ExemplarData[]
  /** Of a sum or gauge; a whole number, of at most 2^53. */
  readonly value?: number
  /** Of histograms. Whole numbers of at most 2^53. */
  readonly count?: number
  readonly sum?: number
  /** One more than there are bounds. */
  readonly bucketCounts?: ArrayLike<number>
  readonly bounds?: readonly number[]
  /** Of an exponential histogram. */
  readonly scale?: number
  readonly zeroCount?: number
  readonly offset?: number
  /** Of both kinds of histogram; undefined for none. */
  readonly min?: number | undefined
  readonly max?: number | undefined
}

export interface MetricSeries {
  readonly name: string
  readonly description?: string
  readonly unit?: string
  readonly kind: PointKind
  /** 1 delta, 2 cumulative; a gauge has none. */
  readonly temporality?: number
  readonly isMonotonic?: boolean
  readonly points: readonly PointData[]
}

export interface ResourceSeries {
  readonly attributes: readonly KeyValue[]
  readonly schemaUrl?: string
  /** The name of the one scope. */
  readonly scope: string
  readonly scopeVersion?: string
  readonly metrics: readonly MetricSeries[]
}

interface Kind {
  /** The field of the metric. */
  readonly data: number
  readonly attributes: number
  readonly write: (writer: Writer, point: PointData, time: bigint) => void
}

const KINDS: Readonly<Record<PointKind, Kind>> = {
  gauge: { data: 0x2a, attributes: 0x3a, write: writeNumber },
  sum: { data: 0x3a, attributes: 0x3a, write: writeNumber },
  histogram: { data: 0x4a, attributes: 0x4a, write: writeHistogram },
  exponential: { data: 0x52, attributes: 0x0a, write: writeExponential },
}

/** The attributes of a point, as fields of it. */
export function encodePointAttributes(kind: PointKind, attributes: readonly KeyValue[]): Uint8Array {
  const writer = createWriter(256)
  writeAttributes(writer, KINDS[kind].attributes, attributes)
  return finish(writer)
}

/** An `ExportMetricsServiceRequest`. `time`: of all points without one of their own, nanoseconds since 1970. */
export function encodeSeries(resources: readonly ResourceSeries[], time: bigint): Uint8Array {
  const writer = createWriter(1 << 16)
  for (let i = resources.length - 1; i >= 0; i--) {
    const from = mark(writer)
    writeResource(writer, resources[i]!, time)
    closeMessage(writer, 0x0a, from)
  }
  return finish(writer)
}

function writeAttributes(writer: Writer, tag: number, attributes: readonly KeyValue[]): void {
  for (let i = attributes.length - 1; i >= 0; i--) {
    const from = mark(writer)
    writeKeyValue(writer, attributes[i]!)
    closeMessage(writer, tag, from)
  }
}

function writeResource(writer: Writer, resource: ResourceSeries, time: bigint): void {
  const { metrics, scope, scopeVersion = '', schemaUrl = '', attributes } = resource
  if (schemaUrl !== '') writeString(writer, 0x1a, schemaUrl)
  const scopeMetrics = mark(writer)
  for (let i = metrics.length - 1; i >= 0; i--) {
    const from = mark(writer)
    writeMetric(writer, metrics[i]!, time)
    closeMessage(writer, 0x12, from)
  }
  const inScope = mark(writer)
  if (scopeVersion !== '') writeString(writer, 0x12, scopeVersion)
  writeString(writer, 0x0a, scope)
  closeMessage(writer, 0x0a, inScope)
  closeMessage(writer, 0x12, scopeMetrics)
  const inResource = mark(writer)
  writeAttributes(writer, 0x0a, attributes)
  closeMessage(writer, 0x0a, inResource)
}

function writeMetric(writer: Writer, metric: MetricSeries, time: bigint): void {
  const { name, description = '', unit = '', temporality = 0, isMonotonic = false, points } = metric
  const { data, write } = KINDS[metric.kind]
  const from = mark(writer)
  if (isMonotonic) writeUint(writer, 0x18, 1)
  if (temporality > 0) writeUint(writer, 0x10, temporality)
  for (let i = points.length - 1; i >= 0; i--) {
    const inPoint = mark(writer)
    write(writer, points[i]!, points[i]!.timeUnixNano ?? time)
    closeMessage(writer, 0x0a, inPoint)
  }
  closeMessage(writer, data, from)
  if (unit !== '') writeString(writer, 0x1a, unit)
  if (description !== '') writeString(writer, 0x12, description)
  if (name !== '') writeString(writer, 0x0a, name)
}

function writeNumber(writer: Writer, point: PointData, time: bigint): void {
  const { attributes, value = 0 } = point
  writeRange(writer, attributes, 0, attributes.length)
  writeCount(writer, value)
  writeVarint(writer, 0x31)
  writeExemplars(writer, 0x2a, point, time)
  writeTimes(writer, point, time)
}

function writeHistogram(writer: Writer, point: PointData, time: bigint): void {
  const { attributes, bucketCounts = [], bounds = [], count = 0, sum, min, max } = point
  writeOptional(writer, 0x61, max)
  writeOptional(writer, 0x59, min)
  writeRange(writer, attributes, 0, attributes.length)
  writeExemplars(writer, 0x42, point, time)
  if (bounds.length > 0) {
    const from = mark(writer)
    for (let i = bounds.length - 1; i >= 0; i--) writeDouble(writer, bounds[i]!)
    closeMessage(writer, 0x3a, from)
  }
  if (bucketCounts.length > 0) {
    const from = mark(writer)
    for (let i = bucketCounts.length - 1; i >= 0; i--) writeCount(writer, bucketCounts[i]!)
    closeMessage(writer, 0x32, from)
  }
  writeOptional(writer, 0x29, sum)
  writeFixedCount(writer, 0x21, count)
  writeTimes(writer, point, time)
}

function writeExponential(writer: Writer, point: PointData, time: bigint): void {
  const { attributes, bucketCounts = [], offset = 0, count = 0, zeroCount = 0, scale = 0, sum, min, max } = point
  writeOptional(writer, 0x69, max)
  writeOptional(writer, 0x61, min)
  writeExemplars(writer, 0x5a, point, time)
  if (bucketCounts.length > 0) {
    const from = mark(writer)
    const packed = mark(writer)
    for (let i = bucketCounts.length - 1; i >= 0; i--) writeVarint(writer, bucketCounts[i]!)
    closeMessage(writer, 0x12, packed)
    if (offset !== 0) writeUint(writer, 0x08, zigzag(offset))
    closeMessage(writer, 0x42, from)
  }
  writeFixedCount(writer, 0x39, zeroCount)
  if (scale !== 0) writeUint(writer, 0x30, zigzag(scale))
  writeOptional(writer, 0x29, sum)
  writeFixedCount(writer, 0x21, count)
  writeTimes(writer, point, time)
  writeRange(writer, attributes, 0, attributes.length)
}

function writeTimes(writer: Writer, { startTimeUnixNano: start }: PointData, time: bigint): void {
  if (time !== 0n) writeTime(writer, 0x19, time)
  if (start !== 0n) writeTime(writer, 0x11, start)
}

function writeTime(writer: Writer, tag: number, time: bigint): void {
  writeFixed64(writer, time)
  writeVarint(writer, tag)
}

function writeExemplars(writer: Writer, tag: number, { exemplars = [] }: PointData, time: bigint): void {
  for (let i = exemplars.length - 1; i >= 0; i--) {
    const { traceId, spanId, value } = exemplars[i]!
    const from = mark(writer)
    writeBytes(writer, 0x2a, traceId)
    writeBytes(writer, 0x22, spanId)
    writeOptional(writer, 0x19, value)
    writeTime(writer, 0x11, time)
    closeMessage(writer, tag, from)
  }
}

function writeOptional(writer: Writer, tag: number, value: number | undefined): void {
  if (value === undefined) return
  writeDouble(writer, value)
  writeVarint(writer, tag)
}

function writeFixedCount(writer: Writer, tag: number, value: number): void {
  if (value === 0) return
  writeCount(writer, value)
  writeVarint(writer, tag)
}

/** A whole number in 8 bytes. */
function writeCount(writer: Writer, value: number): void {
  writeFixed32(writer, Math.floor(value / 2 ** 32))
  writeFixed32(writer, value >>> 0)
}

function writeUint(writer: Writer, tag: number, value: number): void {
  writeVarint(writer, value)
  writeVarint(writer, tag)
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}
