/**
 * The header fields of many spans as a struct of arrays: what the scanner fills and what every hot path reads. A row
 * is a span, in the order of the bytes. `count` rows are valid; the arrays may be longer.
 *
 * Byte ranges (`*Start`, `*End`, in bytes, end exclusive) point into the one `Uint8Array` that was scanned. 64-bit
 * values that JavaScript has no cheap number for are split into lo/hi `Uint32` halves so that no bigint is made a
 * span.
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
  /** The span's trace state; an empty range when there is none. */
  traceStateStart: Uint32Array
  traceStateEnd: Uint32Array
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

type ColumnName = Exclude<keyof SpanColumns, 'count'>

/** Elements a row of every column; columns that are not named here have one. */
const WIDTHS: Partial<Record<ColumnName, number>> = { traceId: 16, spanId: 8, parentSpanId: 8 }

/** Columns with no rows and room for `capacity` of them; {@link growColumns} makes more. */
export function createSpanColumns(capacity = 512): SpanColumns {
  return {
    count: 0,
    traceId: new Uint8Array(capacity * 16),
    spanId: new Uint8Array(capacity * 8),
    parentSpanId: new Uint8Array(capacity * 8),
    startLo: new Uint32Array(capacity),
    startHi: new Uint32Array(capacity),
    durationNs: new Float64Array(capacity),
    kind: new Uint8Array(capacity),
    status: new Uint8Array(capacity),
    linkCount: new Uint16Array(capacity),
    eventCount: new Uint16Array(capacity),
    nameStart: new Uint32Array(capacity),
    nameEnd: new Uint32Array(capacity),
    traceStateStart: new Uint32Array(capacity),
    traceStateEnd: new Uint32Array(capacity),
    serviceStart: new Uint32Array(capacity),
    serviceEnd: new Uint32Array(capacity),
    spanStart: new Uint32Array(capacity),
    spanEnd: new Uint32Array(capacity),
    scopeStart: new Uint32Array(capacity),
    scopeEnd: new Uint32Array(capacity),
    resourceStart: new Uint32Array(capacity),
    resourceEnd: new Uint32Array(capacity),
  }
}

/** Replaces every array by one with room for `capacity` rows, keeping the rows that are there. */
export function growColumns(columns: SpanColumns, capacity: number): void {
  const grown = createSpanColumns(capacity)
  for (const name of Object.keys(columns) as (keyof SpanColumns)[]) {
    if (name === 'count') continue
    grown[name].set(columns[name].subarray(0, columns.count * (WIDTHS[name] ?? 1)))
    ;(columns as Record<ColumnName, unknown>)[name] = grown[name]
  }
}
