import {
  bytesToHex,
  decodeResourceHeader,
  decodeScopeHeader,
  decodeSpan,
  type Resource,
  type Scope,
  type Span,
} from '@spoor/otlp'
import { readU32BE } from './bytes.ts'
import type { Trace } from './model.ts'

/** A span with what it was sent under, decoded from the trace's bytes. */
export interface SpanDetail {
  readonly span: Span
  readonly resource: Resource
  readonly scope: Scope
}

/**
 * Decodes one row's span, resource and scope. Microseconds of work: call it for what a person looks at, not for every
 * row. Throws RangeError for a row that is not there.
 */
export function spanOf(trace: Trace, row: number): SpanDetail {
  if (!(row >= 0 && row < trace.size)) throw new RangeError(`row ${row} is not in the trace (0-${trace.size - 1})`)
  const { bytes, scopes } = trace
  const at = trace.scope[row]! * 4
  return {
    span: decodeSpan(bytes, trace.spanStart[row], trace.spanEnd[row]),
    resource: resourceOf(trace, row),
    scope: decodeScopeHeader(bytes, scopes[at]!, scopes[at + 1]!).scope,
  }
}

/** Decodes the resource that a row was sent under. */
export function resourceOf({ bytes, scope, scopes }: Trace, row: number): Resource {
  const at = scope[row]! * 4
  return decodeResourceHeader(bytes, scopes[at + 2]!, scopes[at + 3]!).resource
}

/** Where in the trace's bytes the resource is that a row was sent under: the same for all that were sent under the same message. */
export function resourceStartOf({ scope, scopes }: Trace, row: number): number {
  return scopes[scope[row]! * 4 + 2]!
}

/** The first row with that span id, 16 hex digits of any case; -1 when there is none. */
export function rowOfSpanId(trace: Trace, hex: string): number {
  if (!/^[0-9a-f]{16}$/i.test(hex)) return -1
  const hi = Number.parseInt(hex.slice(0, 8), 16)
  const lo = Number.parseInt(hex.slice(8), 16)
  for (let row = 0; row < trace.size; row++) {
    if (readU32BE(trace.spanId, row * 8) === hi && readU32BE(trace.spanId, row * 8 + 4) === lo) return row
  }
  return -1
}

/** A row's span id as 16 hex digits. */
export function spanIdOf(trace: Trace, row: number): string {
  return bytesToHex(trace.spanId, row * 8, row * 8 + 8)
}

/**
 * The buffers to hand to `postMessage` so that a trace moves to another thread without a copy. Afterwards this thread's
 * trace is empty. `bytes` is among them only when it has its buffer for itself; a view of a larger one is copied, so
 * that nobody else's data is taken away.
 */
export function transferables(trace: Trace): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const value of Object.values(trace)) {
    if (!ArrayBuffer.isView(value)) continue
    const { buffer, byteLength } = value
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength > 0) buffers.add(buffer)
  }
  return [...buffers]
}
