import {
  createSpanColumns,
  decodeResourceHeader,
  decodeScopeHeader,
  decodeSpan,
  hexToBytes,
  type KeyValue,
  type Resource,
  scanSpans,
  type Scope,
  type Span,
  type SpanColumns,
  type SpanEvent,
} from '@spoor/otlp'
import { type Adjuster, createSpanIndex, rawAdjuster, spanAdjuster, type SpanIndex } from './adjust.ts'
import type { JaegerProcess, JaegerReference, JaegerSpan, JaegerTag } from './model.ts'
import { stringAttribute, tagOf } from './tags.ts'

const KIND_NAMES: Readonly<Record<number, string>> = {
  1: 'internal',
  2: 'server',
  3: 'client',
  4: 'producer',
  5: 'consumer',
}
const STATUS_NAMES: Readonly<Record<number, string>> = { 1: 'OK', 2: 'ERROR' }
/** A span attribute by which Jaeger hands warnings through OTLP: an array of strings. */
const WARNINGS = '@jaeger@warnings'

/** How large a trace may be that is adjusted as a whole: it is held in memory for it. */
export interface WholeLimits {
  readonly maxBytes: number
  readonly maxSpans: number
}

const WHOLE: WholeLimits = { maxBytes: 32 * 1024 * 1024, maxSpans: 100_000 }

export interface ReadOptions {
  /** Leaves out Jaeger's adjusters, so that the spans are as they came. */
  readonly raw: boolean
  /** Asked before so many more bytes are held; false: there is no room for them. */
  readonly grow?: (bytes: number) => boolean
  readonly limits?: WholeLimits
}

/** A trace in Jaeger's model, a span at a time: a large one is never in memory as objects. */
export interface JaegerTraceReader {
  readonly traceID: string
  spans(): AsyncGenerator<JaegerSpan>
  /** The processes of the spans read so far. */
  readonly processes: Readonly<Record<string, JaegerProcess>>
  /** What there is to say of the trace as a whole, once all spans are read. */
  readonly warnings: string[]
}

/**
 * Serialized OTLP of one trace in Jaeger's JSON model. Times are cut to microseconds; scope attributes, dropped counts,
 * flags, schema URLs, and attributes and trace state of links have no place in that model.
 *
 * Jaeger's adjusters have to know all spans before they can show the first. A trace that is too large to be held for that, or that there is
 * no room for, is given whole all the same, as it comes from the store: without leaving out duplicates and without new ids
 * for server spans that share theirs, and a warning of the trace says so.
 *
 * @param chunks serialized `TracesData` that together are one message; spans of other traces are left out
 * @param traceId 32 hex digits
 *
 * Source: opentelemetry-collector-contrib `pkg/translator/jaeger/traces_to_jaegerproto.go`; jaeger v2.20
 * `uimodel/converter/v1/json`.
 */
export function readJaegerTrace(
  chunks: AsyncIterable<Uint8Array>,
  traceId: string,
  { raw, grow = () => true, limits = WHOLE }: ReadOptions,
): JaegerTraceReader {
  const processes = createProcesses(raw)
  const warnings: string[] = []

  async function* spans(): AsyncGenerator<JaegerSpan> {
    if (raw) {
      for await (const chunk of chunks) yield* spansOf(pieceOf(chunk, traceId), rawAdjuster, processes)
      return
    }
    const rest = chunks[Symbol.asyncIterator]()
    try {
      const index = createSpanIndex()
      const { pieces, whole, failure } = await hold(rest, traceId, index, limits, grow)
      const adjuster = whole ? index.adjuster() : spanAdjuster
      for (let piece = pieces.shift(); piece; piece = pieces.shift()) yield* spansOf(piece, adjuster, processes)
      if (failure) throw failure.error
      if (whole) return
      const megabytes = Math.round(limits.maxBytes / 1e6)
      warnings.push(
        `trace has more than ${limits.maxSpans} spans or ${megabytes} MB, or the server is short of memory: duplicates are shown, and span ids that client and server share are left as they are`,
      )
      for (let next = await rest.next(); !next.done; next = await rest.next()) {
        yield* spansOf(pieceOf(next.value, traceId), adjuster, processes)
      }
    } finally {
      await rest.return?.(undefined)
    }
  }
  return { traceID: shortTraceId(traceId), processes: processes.byName, warnings, spans }
}

/** A chunk of a trace, scanned. */
interface Piece {
  readonly bytes: Uint8Array
  readonly columns: SpanColumns
  readonly rows: readonly number[]
}

function pieceOf(bytes: Uint8Array, traceId: string): Piece {
  const columns = createSpanColumns()
  scanSpans(bytes, columns)
  return { bytes, columns, rows: rowsOfTrace(columns, traceId) }
}

/** What was read of a trace before the first span is shown. `failure`: what ended the reading; what came before it is good. */
interface Held {
  readonly pieces: Piece[]
  readonly whole: boolean
  readonly failure?: { readonly error: unknown }
}

/** Reads and indexes all there is, or until it is too much. */
async function hold(
  chunks: AsyncIterator<Uint8Array>,
  traceId: string,
  index: SpanIndex,
  { maxBytes, maxSpans }: WholeLimits,
  grow: (bytes: number) => boolean,
): Promise<Held> {
  const pieces: Piece[] = []
  let bytes = 0
  let spans = 0
  try {
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      const piece = pieceOf(next.value, traceId)
      pieces.push(piece)
      bytes += piece.bytes.length
      spans += piece.rows.length
      if (bytes > maxBytes || spans > maxSpans || !grow(piece.bytes.length)) return { pieces, whole: false }
      index.add(piece.columns, piece.rows)
    }
  } catch (error) {
    return { pieces, whole: true, failure: { error } }
  }
  return { pieces, whole: true }
}

function* spansOf({ bytes, columns, rows }: Piece, adjuster: Adjuster, processes: Processes): Generator<JaegerSpan> {
  const { resourceStart, resourceEnd, scopeStart, scopeEnd, spanStart, spanEnd } = columns
  const processAt = memoize((start: number, end: number) =>
    processes.numberOf(decodeResourceHeader(bytes, start, end).resource),
  )
  const scopeAt = memoize((start: number, end: number): Scope => decodeScopeHeader(bytes, start, end).scope)
  for (const row of rows) {
    const process = processAt(resourceStart[row]!, resourceEnd[row]!)
    const scope = scopeAt(scopeStart[row]!, scopeEnd[row]!)
    const span = decodeSpan(bytes, spanStart[row], spanEnd[row])
    const adjusted = adjuster.adjust(span, bytes.subarray(spanStart[row], spanEnd[row]), process)
    if (adjusted) yield spanJson(adjusted.span, scope, process, adjusted.warnings)
  }
}

/** The processes of a trace: equal resources are one. */
interface Processes {
  numberOf(resource: Resource): number
  readonly byName: Readonly<Record<string, JaegerProcess>>
}

function createProcesses(raw: boolean): Processes {
  const byName: Record<string, JaegerProcess> = {}
  const numbers = new Map<string, number>()
  return {
    byName,
    numberOf(resource) {
      const process = processOf(resource, raw)
      const key = JSON.stringify(process)
      const number = numbers.get(key) ?? numbers.size + 1
      numbers.set(key, number)
      byName[`p${number}`] = process
      return number
    },
  }
}

/** Remembers what was made of a message by where it starts: thousands of spans share one resource and one scope. */
function memoize<T>(make: (start: number, end: number) => T): (start: number, end: number) => T {
  const made = new Map<number, T>()
  return (start, end) => {
    if (!made.has(start)) made.set(start, make(start, end))
    return made.get(start)!
  }
}

function rowsOfTrace(columns: SpanColumns, traceId: string): number[] {
  const id = hexToBytes(traceId)
  const rows: number[] = []
  for (let row = 0; row < columns.count; row++) {
    if (id.every((byte, index) => columns.traceId[row * 16 + index] === byte)) rows.push(row)
  }
  return rows
}

/** 16 digits when the high half is zero, as Jaeger prints it, else all 32. */
function shortTraceId(traceId: string): string {
  return traceId.startsWith('0'.repeat(16)) ? traceId.slice(16) : traceId
}

function processOf({ attributes }: Resource, raw: boolean): JaegerProcess {
  if (attributes.length === 0) return { serviceName: 'OTLPResourceNoServiceName', tags: [] }
  const rest = attributes.filter(({ key }) => key !== 'service.name')
  if (!raw) rest.sort((a, b) => (a.key < b.key ? -1 : 1))
  return { serviceName: stringAttribute(attributes, 'service.name') ?? 'missing-service-name', tags: rest.map(tagOf) }
}

function spanJson(span: Span, scope: Scope, process: number, warnings: readonly string[]): JaegerSpan {
  const tags: JaegerTag[] = []
  const text = (key: string, value: string | undefined) => {
    if (value) tags.push({ key, type: 'string', value })
  }
  text('otel.scope.name', scope.name)
  text('otel.scope.version', scope.version)
  for (const attribute of span.attributes) if (attribute.key !== WARNINGS) tags.push(tagOf(attribute))
  text('span.kind', KIND_NAMES[span.kind])
  text('otel.status_code', STATUS_NAMES[span.status.code])
  if (span.status.code === 2) tags.push({ key: 'error', type: 'bool', value: true })
  text('otel.status_description', span.status.message)
  text('w3c.tracestate', span.traceState)
  const allWarnings = [...warnings, ...sentWarnings(span.attributes)]
  return {
    traceID: shortTraceId(span.traceId),
    spanID: span.spanId,
    operationName: span.name,
    references: references(span),
    startTime: microseconds(span.startTimeUnixNano),
    duration: Math.max(0, microseconds(span.endTimeUnixNano - span.startTimeUnixNano)),
    tags,
    logs: span.events.map(logOf),
    processID: `p${process}`,
    warnings: allWarnings.length > 0 ? allWarnings : null,
  }
}

/** Cut, not rounded, as Jaeger does. */
function microseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n)
}

/** The parent first, as CHILD_OF; a link that names the parent too stands in its place, with the link's type. */
function references(span: Span): JaegerReference[] {
  const links = span.links.map((link) => ({
    refType:
      stringAttribute(link.attributes, 'opentracing.ref_type') === 'child_of'
        ? ('CHILD_OF' as const)
        : ('FOLLOWS_FROM' as const),
    traceID: shortTraceId(link.traceId),
    spanID: link.spanId,
  }))
  if (!/[1-9a-f]/.test(span.parentSpanId)) return links
  const traceID = shortTraceId(span.traceId)
  const isParent = (reference: JaegerReference) =>
    reference.traceID === traceID && reference.spanID === span.parentSpanId
  const parent = links.find(isParent) ?? { refType: 'CHILD_OF', traceID, spanID: span.parentSpanId }
  return [parent, ...links.filter((reference) => !isParent(reference))]
}

function logOf(event: SpanEvent): JaegerSpan['logs'][number] {
  const fields = event.attributes.map(tagOf)
  const named = event.name === '' || event.attributes.some(({ key }) => key === 'event')
  if (!named) fields.unshift({ key: 'event', type: 'string', value: event.name })
  return { timestamp: microseconds(event.timeUnixNano), fields }
}

function sentWarnings(attributes: readonly KeyValue[]): string[] {
  const value = attributes.find(({ key }) => key === WARNINGS)?.value
  if (value?.type !== 'array') return []
  return value.value.flatMap((item) => (item.type === 'string' ? [item.value] : []))
}
