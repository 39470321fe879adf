import { freeBytes } from '@spoor/collector'
import {
  decodeResourceHeader,
  decodeScopeHeader,
  decodeSpan,
  type KeyValue,
  type Resource,
  type Scope,
  type Span,
  type SpanEvent,
} from '@spoor/otlp'
import { adjustAttributes, type Adjuster, rawAdjuster, WARNINGS } from './adjust.ts'
import { type AheadOptions, createScanner, type Piece, readAhead } from './read-ahead.ts'
import { UNKNOWN_SERVICE } from '@spoor/trace'
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

export interface ReadOptions extends AheadOptions {
  /** Leaves out Jaeger's adjusters, so that the spans are as they came. */
  readonly raw: boolean
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
 * Jaeger's adjusters have to know the ids of all spans before they can show the first. A large trace is therefore read twice, first for
 * the ids alone. One that has too many, or that there is no room for, is given whole all the same: without leaving out
 * duplicates and without new ids for server spans that share theirs, and a warning of the trace says so.
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
  { raw, ...options }: ReadOptions,
): JaegerTraceReader {
  const processes = createProcesses(raw)
  const warnings: string[] = []
  const piecesOf = createScanner(traceId)

  async function* spansIn(chunks: AsyncIterable<Uint8Array>, adjuster: Adjuster): AsyncGenerator<JaegerSpan> {
    for await (const bytes of chunks) {
      yield* spansOf(piecesOf(bytes), adjuster, processes)
      freeBytes(bytes)
    }
  }

  async function* spans(): AsyncGenerator<JaegerSpan> {
    if (raw) {
      yield* spansIn(chunks, rawAdjuster)
      return
    }
    const { adjuster, warning, again, free } = await readAhead(chunks, traceId, options)
    try {
      if (warning !== undefined) warnings.push(warning)
      yield* spansIn(again, adjuster)
    } finally {
      free()
    }
  }
  return { traceID: shortTraceId(traceId), processes: processes.byName, warnings, spans }
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
    const adjusted = adjuster.adjust(span, () => bytes.subarray(spanStart[row], spanEnd[row]), process)
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

/** 16 digits when the high half is zero, as Jaeger prints it, else all 32. */
export function shortTraceId(traceId: string): string {
  return traceId.startsWith('0'.repeat(16)) ? traceId.slice(16) : traceId
}

function processOf({ attributes }: Resource, raw: boolean): JaegerProcess {
  const rest = attributes.filter(({ key }) => key !== 'service.name')
  const tags = (raw ? rest : adjustAttributes(rest)).map(tagOf)
  // By the name that it has in the list of services; Jaeger has two others for it.
  return { serviceName: stringAttribute(attributes, 'service.name') || UNKNOWN_SERVICE, tags }
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

const NO_SPAN = '0'.repeat(16)

/** The parent first, as CHILD_OF; a link that names the parent too stands in its place, with the link's type. */
function references(span: Span): JaegerReference[] {
  const links = span.links.map((link) => ({
    refType:
      stringAttribute(link.attributes, 'opentracing.ref_type') === 'child_of'
        ? ('CHILD_OF' as const)
        : ('FOLLOWS_FROM' as const),
    traceID: shortTraceId(link.traceId),
    spanID: link.spanId || NO_SPAN,
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
