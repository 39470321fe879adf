import type { ResourceSpans, ScopeSpans, Span } from '@spoor/otlp'
import { attributesText } from './json-text.ts'

/** What is in a column: text, a whole number of 64 bits, a point in time in nanoseconds, or yes and no. */
export type ColumnType = 'text' | 'integer' | 'double' | 'time' | 'boolean'

/** A span with what it is in. */
export interface PlacedSpan {
  readonly resourceSpans: ResourceSpans
  readonly service: string
  readonly scopeSpans: ScopeSpans
  readonly span: Span
}

export type Cell = string | bigint | number | boolean | null

/** A column that every file has. */
export interface SpanColumn {
  readonly name: string
  readonly type: ColumnType
  /** It may be null. */
  readonly nullable?: true
  readonly of: (placed: PlacedSpan) => Cell
}

/** A field of an event or link. */
export interface FieldOf<T> {
  readonly name: string
  readonly type: ColumnType
  readonly nullable?: true
  readonly of: (item: T) => Cell
}

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const STATUSES = ['unset', 'ok', 'error']
const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

/**
 * The columns of every Parquet file, in order; those of frequent attributes come after them. Times after the year 2262 do not fit into 64 bits, and
 * are cut to the last that does.
 */
export const SPAN_COLUMNS: readonly SpanColumn[] = [
  { name: 'trace_id', type: 'text', of: ({ span }) => span.traceId },
  { name: 'span_id', type: 'text', of: ({ span }) => span.spanId },
  { name: 'parent_span_id', type: 'text', nullable: true, of: ({ span }) => span.parentSpanId || null },
  { name: 'is_root', type: 'boolean', of: ({ span }) => span.parentSpanId === '' },
  { name: 'service', type: 'text', of: ({ service }) => service },
  { name: 'name', type: 'text', of: ({ span }) => span.name },
  { name: 'kind', type: 'text', of: ({ span }) => KINDS[span.kind] ?? String(span.kind) },
  { name: 'start', type: 'time', of: ({ span }) => int64(span.startTimeUnixNano) },
  { name: 'duration_ns', type: 'integer', of: ({ span }) => int64(span.endTimeUnixNano - span.startTimeUnixNano) },
  { name: 'status', type: 'text', of: ({ span }) => STATUSES[span.status.code] ?? String(span.status.code) },
  { name: 'status_message', type: 'text', nullable: true, of: ({ span }) => span.status.message || null },
  { name: 'trace_state', type: 'text', nullable: true, of: ({ span }) => span.traceState || null },
  { name: 'flags', type: 'integer', of: ({ span }) => BigInt(span.flags) },
  { name: 'scope_name', type: 'text', nullable: true, of: ({ scopeSpans }) => scopeSpans.scope.name || null },
  { name: 'scope_version', type: 'text', nullable: true, of: ({ scopeSpans }) => scopeSpans.scope.version || null },
  { name: 'scope_schema_url', type: 'text', nullable: true, of: ({ scopeSpans }) => scopeSpans.schemaUrl || null },
  {
    name: 'resource_schema_url',
    type: 'text',
    nullable: true,
    of: ({ resourceSpans }) => resourceSpans.schemaUrl || null,
  },
  { name: 'dropped_attributes', type: 'integer', of: ({ span }) => BigInt(span.droppedAttributesCount) },
  { name: 'dropped_events', type: 'integer', of: ({ span }) => BigInt(span.droppedEventsCount) },
  { name: 'dropped_links', type: 'integer', of: ({ span }) => BigInt(span.droppedLinksCount) },
]

export const EVENT_FIELDS: readonly FieldOf<Span['events'][number]>[] = [
  { name: 'time', type: 'time', of: ({ timeUnixNano }) => int64(timeUnixNano) },
  { name: 'name', type: 'text', of: ({ name }) => name },
  { name: 'attributes', type: 'text', nullable: true, of: ({ attributes }) => attributesText(attributes) },
  { name: 'dropped_attributes', type: 'integer', of: (event) => BigInt(event.droppedAttributesCount) },
]

export const LINK_FIELDS: readonly FieldOf<Span['links'][number]>[] = [
  { name: 'trace_id', type: 'text', of: ({ traceId }) => traceId },
  { name: 'span_id', type: 'text', of: ({ spanId }) => spanId },
  { name: 'trace_state', type: 'text', nullable: true, of: ({ traceState }) => traceState || null },
  { name: 'flags', type: 'integer', of: ({ flags }) => BigInt(flags) },
  { name: 'attributes', type: 'text', nullable: true, of: ({ attributes }) => attributesText(attributes) },
  { name: 'dropped_attributes', type: 'integer', of: (link) => BigInt(link.droppedAttributesCount) },
]

function int64(value: bigint): bigint {
  return value > MAX_INT64 ? MAX_INT64 : value < MIN_INT64 ? MIN_INT64 : value
}
