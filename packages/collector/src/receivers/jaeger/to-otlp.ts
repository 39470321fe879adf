/** Jaeger's spans as OTLP, as the OpenTelemetry Collector makes them: what Jaeger has in tags with a meaning of their own goes where OTLP has a place for it. */
import type {
  AnyValue,
  KeyValue,
  ResourceSpans,
  Scope,
  Span,
  SpanEvent,
  SpanLink,
  SpanStatus,
  TracesData,
} from '@spoor/otlp'
import { takeText, textOf, type JaegerLog, type JaegerProcess, type JaegerSpan, type Tags } from './model.ts'

const SERVER = 2
const KINDS: ReadonlyMap<string, number> = new Map([
  ['internal', 1],
  ['server', SERVER],
  ['client', 3],
  ['producer', 4],
  ['consumer', 5],
])
const UNSET = 0
const ERROR = 2
const CODES: ReadonlyMap<string, number> = new Map([
  ['OK', 1],
  ['ERROR', ERROR],
])

interface ScopeGroup {
  readonly scope: Scope
  readonly spans: Span[]
}

/** By process, and within it by scope; each in the order of its first span. */
export function toOtlp(spans: readonly JaegerSpan[]): TracesData {
  const processes = new Map<JaegerProcess, Map<string, ScopeGroup>>()
  for (const span of spans) {
    let scopes = processes.get(span.process)
    if (!scopes) processes.set(span.process, (scopes = new Map()))
    const { scopeName: name, scopeVersion: version } = span
    const key = JSON.stringify([name, version])
    let group = scopes.get(key)
    if (!group) {
      group = { scope: { name, version, attributes: [], droppedAttributesCount: 0 }, spans: [] }
      scopes.set(key, group)
    }
    group.spans.push(spanOf(span))
  }
  return {
    resourceSpans: Array.from(processes, ([process, scopes]): ResourceSpans => ({
      resource: { attributes: resourceAttributes(process), droppedAttributesCount: 0 },
      scopeSpans: Array.from(scopes.values(), (group) => ({ ...group, schemaUrl: '' })),
      schemaUrl: '',
    })),
  }
}

function resourceAttributes({ serviceName, tags }: JaegerProcess): KeyValue[] {
  const attributes: Tags = new Map()
  if (serviceName !== '') attributes.set('service.name', { type: 'string', value: serviceName })
  for (const [key, value] of tags) attributes.set(key, value)
  const host = attributes.get('hostname')
  if (host && !attributes.has('host.name')) {
    attributes.delete('hostname')
    attributes.set('host.name', host)
  }
  const version = attributes.get('jaeger.version')
  if (version && !attributes.has('opencensus.exporterversion')) {
    attributes.delete('jaeger.version')
    attributes.set('opencensus.exporterversion', { type: 'string', value: `Jaeger-${textOf(version)}` })
  }
  return listOf(attributes)
}

function spanOf(span: JaegerSpan): Span {
  const { traceId, spanId, name, flags, startNs, endNs, tags, logs, traceState } = span
  const parentSpanId = parentOf(span)
  const kind = KINDS.get(takeText(tags, 'span.kind') ?? '') ?? 0
  const status = takeStatus(tags, kind)
  return {
    traceId,
    spanId,
    traceState,
    parentSpanId,
    flags,
    name,
    kind,
    startTimeUnixNano: startNs,
    endTimeUnixNano: endNs,
    attributes: listOf(tags),
    droppedAttributesCount: 0,
    events: logs.map(eventOf),
    droppedEventsCount: 0,
    links: linksOf(span, parentSpanId),
    droppedLinksCount: 0,
    status,
  }
}

/** What the span says itself, else the first reference within its trace: to be a child of a span comes before to follow from one. */
function parentOf({ parentSpanId, references, traceId }: JaegerSpan): string {
  if (parentSpanId !== '') return parentSpanId
  const own = references.filter((reference) => reference.traceId === traceId)
  return (own.find(({ isChildOf }) => isChildOf) ?? own[0])?.spanId ?? ''
}

/** Those to others than the parent. */
function linksOf({ references }: JaegerSpan, parentSpanId: string): SpanLink[] {
  return references
    .filter(({ spanId, isChildOf }) => !(isChildOf && spanId === parentSpanId))
    .map(({ traceId, spanId, isChildOf }) => ({
      traceId,
      spanId,
      traceState: '',
      attributes: [
        {
          key: 'opentracing.ref_type',
          value: { type: 'string', value: isChildOf ? 'child_of' : 'follows_from' },
        },
      ],
      droppedAttributesCount: 0,
      flags: 0,
    }))
}

function eventOf({ timeNs, fields }: JaegerLog): SpanEvent {
  const name = takeText(fields, 'event') ?? ''
  return { timeUnixNano: timeNs, name, attributes: listOf(fields), droppedAttributesCount: 0 }
}

/** `error: true` comes before `otel.status_code`, and that before the status of HTTP. */
function takeStatus(tags: Tags, kind: number): SpanStatus {
  const error = tags.get('error')
  const hasFailed = error?.type === 'bool' && error.value
  const said = takeText(tags, 'otel.status_code')
  if (hasFailed) {
    tags.delete('error')
    const message = takeText(tags, 'otel.status_description') ?? textOf(tags.get('http.status_message'))
    return { code: ERROR, message }
  }
  if (said !== undefined) {
    const code = CODES.get(said.toUpperCase()) ?? UNSET
    return { code, message: takeText(tags, 'otel.status_description') ?? '' }
  }
  const code = codeOfHttp(tags.get('http.status_code'), kind)
  return code === UNSET ? { code, message: '' } : { code, message: textOf(tags.get('http.status_message')) }
}

/** Whether a status of HTTP says that the span has failed: the client's faults are no failure of a server. */
function codeOfHttp(value: AnyValue | undefined, kind: number): number {
  const status = wholeNumber(value)
  if (status === undefined) return UNSET
  if (kind === SERVER && status >= 400n && status < 500n) return UNSET
  return status >= 100n && status < 399n ? UNSET : ERROR
}

/** Of 64 bits, also one that is written as a text. */
function wholeNumber(value: AnyValue | undefined): bigint | undefined {
  if (value?.type === 'int') return value.value
  if (value?.type !== 'string' || !/^[+-]?\d+$/.test(value.value)) return undefined
  const number = BigInt(value.value.replace('+', ''))
  return BigInt.asIntN(64, number) === number ? number : undefined
}

function listOf(tags: Tags): KeyValue[] {
  return Array.from(tags, ([key, value]) => ({ key, value }))
}
