import type { KeyValue, Resource, Scope, Span, SpanEvent } from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '../build.ts'
import type { JaegerProcess, JaegerReference, JaegerSpan, JaegerTag } from './jaeger-model.ts'
import { stringAttribute, tagOf, WARNINGS } from './jaeger-tags.ts'

const KIND_NAMES: Readonly<Record<number, string>> = {
  1: 'internal',
  2: 'server',
  3: 'client',
  4: 'producer',
  5: 'consumer',
}
const STATUS_NAMES: Readonly<Record<number, string>> = { 1: 'OK', 2: 'ERROR' }

/** The processes of a trace: equal resources are one. */
export interface JaegerProcesses {
  numberOf(resource: Resource): number
  readonly byName: Readonly<Record<string, JaegerProcess>>
}

/** `adjust`: what becomes of the attributes of a resource beside its name. Default: nothing. */
export function createProcesses(
  adjust: (attributes: readonly KeyValue[]) => readonly KeyValue[] = (attributes) => attributes,
): JaegerProcesses {
  const byName: Record<string, JaegerProcess> = {}
  const numbers = new Map<string, number>()
  return {
    byName,
    numberOf(resource) {
      const process = processOf(resource, adjust)
      const key = JSON.stringify(process)
      const number = numbers.get(key) ?? numbers.size + 1
      numbers.set(key, number)
      byName[`p${number}`] = process
      return number
    },
  }
}

/** 16 digits when the high half is zero, as Jaeger prints it, else all 32. */
export function shortTraceId(traceId: string): string {
  return traceId.startsWith('0'.repeat(16)) ? traceId.slice(16) : traceId
}

function processOf(
  { attributes }: Resource,
  adjust: (attributes: readonly KeyValue[]) => readonly KeyValue[],
): JaegerProcess {
  const tags = adjust(attributes.filter(({ key }) => key !== 'service.name')).map(tagOf)
  // By the name that it has in the list of services; Jaeger has two others for it.
  return { serviceName: stringAttribute(attributes, 'service.name') || UNKNOWN_SERVICE, tags }
}

/**
 * A span in Jaeger's JSON model. Times are cut to microseconds; scope attributes, dropped counts, flags, schema URLs, and attributes and trace state of
 * links have no place in that model. `process`: its number.
 *
 * Source: opentelemetry-collector-contrib `pkg/translator/jaeger/traces_to_jaegerproto.go`; jaeger v2.20
 * `uimodel/converter/v1/json`.
 */
export function jaegerSpanOf(span: Span, scope: Scope, process: number, warnings: readonly string[]): JaegerSpan {
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
