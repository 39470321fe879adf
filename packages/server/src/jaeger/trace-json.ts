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
import { createAdjuster, rawAdjuster } from './adjust.ts'
import type { JaegerProcess, JaegerReference, JaegerSpan, JaegerTag, JaegerTrace } from './model.ts'
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

/** A trace in Jaeger's model, a span at a time: a large one is never in memory as objects. */
export interface JaegerTraceReader {
  readonly traceID: string
  spans(): Generator<JaegerSpan>
  /** The processes of the spans read so far. */
  readonly processes: Readonly<Record<string, JaegerProcess>>
}

/**
 * Serialized OTLP of one trace in Jaeger's JSON model. Times are cut to microseconds; scope attributes, dropped counts,
 * flags, schema URLs, and attributes and trace state of links have no place in that model.
 *
 * @param traceId 32 hex digits; spans of other traces are left out
 * @param raw true leaves out Jaeger's adjusters, so that the spans are as they came
 *
 * Source: opentelemetry-collector-contrib `pkg/translator/jaeger/traces_to_jaegerproto.go`; jaeger v2.20
 * `uimodel/converter/v1/json`.
 */
export function readJaegerTrace(bytes: Uint8Array, traceId: string, raw: boolean): JaegerTraceReader {
  const columns = createSpanColumns()
  scanSpans(bytes, columns)
  const rows = rowsOfTrace(columns, traceId)
  const processes: Record<string, JaegerProcess> = {}
  const numbers = new Map<string, number>()
  const { resourceStart, resourceEnd, scopeStart, scopeEnd, spanStart, spanEnd } = columns

  const processAt = memoize((start: number, end: number): number => {
    const process = processOf(decodeResourceHeader(bytes, start, end).resource, raw)
    const key = JSON.stringify(process)
    const number = numbers.get(key) ?? numbers.size + 1
    numbers.set(key, number)
    processes[`p${number}`] = process
    return number
  })
  const scopeAt = memoize((start: number, end: number): Scope => decodeScopeHeader(bytes, start, end).scope)

  return {
    traceID: shortTraceId(traceId),
    processes,
    *spans() {
      const adjuster = raw ? rawAdjuster : createAdjuster(bytes, columns, rows)
      for (const row of rows) {
        const process = processAt(resourceStart[row]!, resourceEnd[row]!)
        const scope = scopeAt(scopeStart[row]!, scopeEnd[row]!)
        const adjusted = adjuster.adjust(decodeSpan(bytes, spanStart[row], spanEnd[row]), row, process)
        if (adjusted) yield spanJson(adjusted.span, scope, process, adjusted.warnings)
      }
    },
  }
}

/** All of a trace at once. */
export function wholeTrace(reader: JaegerTraceReader): JaegerTrace {
  return { traceID: reader.traceID, spans: [...reader.spans()], processes: reader.processes, warnings: null }
}

/** The same as JSON text, a span at a time. */
export function* traceText(reader: JaegerTraceReader): Generator<string> {
  yield `{"traceID":${JSON.stringify(reader.traceID)},"spans":[`
  let separator = ''
  for (const span of reader.spans()) {
    yield separator + JSON.stringify(span)
    separator = ','
  }
  yield `],"processes":${JSON.stringify(reader.processes)},"warnings":null}`
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
