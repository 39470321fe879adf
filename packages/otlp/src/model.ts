/**
 * OTLP traces as plain objects: what a decoded request looks like to the code that wants to read or build single spans.
 * Hot paths never make these; they work on {@link SpanColumns} and byte ranges.
 *
 * Ids are lower-case hex (trace 32 digits, span 16; `''` when absent or all zero), times are nanoseconds since 1970 as
 * bigint, 64-bit integers are bigint.
 * Source: opentelemetry-proto `trace/v1/trace.proto`, `common/v1/common.proto`, `resource/v1/resource.proto`.
 */
export type AnyValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'array'; readonly value: readonly AnyValue[] }
  | { readonly type: 'map'; readonly value: readonly KeyValue[] }
  /** An `AnyValue` message with no field set: the attribute is there, its value is null. */
  | { readonly type: 'empty' }

export interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

export interface Resource {
  readonly attributes: readonly KeyValue[]
  readonly droppedAttributesCount: number
}

export interface Scope {
  readonly name: string
  readonly version: string
  readonly attributes: readonly KeyValue[]
  readonly droppedAttributesCount: number
}

export interface SpanEvent {
  readonly timeUnixNano: bigint
  readonly name: string
  readonly attributes: readonly KeyValue[]
  readonly droppedAttributesCount: number
}

export interface SpanLink {
  readonly traceId: string
  readonly spanId: string
  readonly traceState: string
  readonly attributes: readonly KeyValue[]
  readonly droppedAttributesCount: number
  readonly flags: number
}

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly traceState: string
  readonly parentSpanId: string
  readonly flags: number
  readonly name: string
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer; other numbers are kept as they came. */
  readonly kind: number
  readonly startTimeUnixNano: bigint
  readonly endTimeUnixNano: bigint
  readonly attributes: readonly KeyValue[]
  readonly droppedAttributesCount: number
  readonly events: readonly SpanEvent[]
  readonly droppedEventsCount: number
  readonly links: readonly SpanLink[]
  readonly droppedLinksCount: number
  readonly status: SpanStatus
}

/** code: 0 unset, 1 ok, 2 error. */
export interface SpanStatus {
  readonly code: number
  readonly message: string
}

export interface ScopeSpans {
  readonly scope: Scope
  readonly spans: readonly Span[]
  readonly schemaUrl: string
}

export interface ResourceSpans {
  readonly resource: Resource
  readonly scopeSpans: readonly ScopeSpans[]
  readonly schemaUrl: string
}

/** `ExportTraceServiceRequest`, which has the same wire form as `TracesData`. */
export interface TracesData {
  readonly resourceSpans: readonly ResourceSpans[]
}
