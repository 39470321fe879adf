/**
 * The header fields of many spans as a struct of arrays: what the scanner fills and what every hot path reads. A row is a span,
 * in the order of the bytes. `count` rows are valid; the arrays may be longer.
 *
 * Byte ranges (`*Start`, `*End`, in bytes, end exclusive) point into the one `Uint8Array` that was scanned. 64-bit values that JavaScript
 * has no cheap number for are split into lo/hi `Uint32` halves so that no bigint is made a span.
 */
export interface SpanColumns {
  count: number
  /** 16 bytes a row, as on the wire. All zero when the span had none. */
  traceId: Uint8Array
  /** 8 bytes a row. All zero when the span had none. */
  spanId: Uint8Array
  /** 8 bytes a row. All zero for a root. */
  parentSpanId: Uint8Array
  /** Nanoseconds since 1970: `startHi * 2^32 + startLo`. */
  startLo: Uint32Array
  startHi: Uint32Array
  /** Nanoseconds, end - start; negative when a clock went back. Exact up to 2^53. */
  durationNs: Float64Array
  /** Span kind 0-5; a larger number on the wire is stored as 255. */
  kind: Uint8Array
  /** Status code 0 unset, 1 ok, 2 error; a larger number is stored as 255. */
  status: Uint8Array
  /** Number of links and events (65535 at most; more is stored as 65535). */
  linkCount: Uint16Array
  eventCount: Uint16Array
  /** The span's name. */
  nameStart: Uint32Array
  nameEnd: Uint32Array
  /** The value of the resource's `service.name` when it is a string; an empty range when there is none. */
  serviceStart: Uint32Array
  serviceEnd: Uint32Array
  /** The whole `Span` message, without its tag and length. */
  spanStart: Uint32Array
  spanEnd: Uint32Array
  /** The `ScopeSpans` message that holds the span, without tag and length. Same for all spans of one scope. */
  scopeStart: Uint32Array
  scopeEnd: Uint32Array
  /** The `ResourceSpans` message that holds the span, without tag and length. Same for all spans of one resource. */
  resourceStart: Uint32Array
  resourceEnd: Uint32Array
}
