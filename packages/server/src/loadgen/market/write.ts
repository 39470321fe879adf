import { MARK, Message } from '../message.ts'
import type { Attributes, Scope, SpanDraft, Value } from './draft.ts'
import type { Instance } from './instance.ts'

const SCHEMA = 'https://opentelemetry.io/schemas/1.37.0'

/** `ResourceSpans` of one instance, spans under their scopes. Field numbers: opentelemetry-proto trace/v1/trace.proto. */
export function writeResourceSpans(instance: Instance, spans: readonly SpanDraft[]): Message {
  const message = new Message(spans.length * 1_000).message(1, writeAttributes(new Message(), 1, instance.resource))
  const byScope = Map.groupBy(spans, ({ scope }) => `${scope.name} ${scope.version}`)
  for (const group of byScope.values()) {
    const scope = group[0]?.scope
    if (scope) message.message(2, writeScopeSpans(scope, group))
  }
  return hasSchema(instance) ? message.string(3, SCHEMA) : message
}

const hasSchema = ({ service }: Instance): boolean => service.language === 'java' || service.language === 'go'

function writeScopeSpans(scope: Scope, spans: readonly SpanDraft[]): Message {
  const header = new Message(64).string(1, scope.name)
  if (scope.version !== '') header.string(2, scope.version)
  const message = new Message(spans.length * 900).message(1, header)
  for (const span of spans) message.message(2, writeSpan(span))
  return message
}

function writeSpan(span: SpanDraft): Message {
  const { instance, links, events } = span
  const time = (at: number) => at + instance.skew
  const message = new Message(1_024).raw(1, span.traceId, MARK.traceId).raw(2, span.spanId, MARK.spanId)
  // One trace of eight says how it was sampled.
  if ((span.traceId[15] ?? 0) % 8 === 0) message.string(3, 'ot=th:c')
  if (span.parentSpanId) message.raw(4, span.parentSpanId, MARK.spanId)
  message.marked(5, span.name).uint(6, span.kind).time(7, time(span.start)).time(8, time(span.end))
  writeAttributes(message, 9, span.attributes)
  for (const { at, name, attributes } of events) {
    message.message(11, writeAttributes(new Message(64).time(1, time(at)).string(2, name), 3, attributes))
  }
  for (const { traceId, spanId } of links) {
    const link = new Message(64).raw(1, traceId, MARK.traceId).raw(2, spanId, MARK.spanId)
    message.message(13, writeAttributes(link, 4, { 'messaging.link.reason': 'received' }))
  }
  if (span.error !== undefined) message.message(15, writeStatus(span.error))
  else if (instance.service.language === 'dotnet') message.message(15, new Message(2).uint(3, 1))
  return message.fixed32(16, span.parentSpanId ? 0x101 : 0x001)
}

function writeStatus(error: string): Message {
  const status = new Message(64)
  if (error !== '') status.marked(2, error)
  return status.uint(3, 2)
}

function writeAttributes(message: Message, field: number, attributes: Attributes): Message {
  for (const [key, value] of Object.entries(attributes)) {
    message.message(field, new Message(64).string(1, key).message(2, writeValue(value)))
  }
  return message
}

function writeValue(value: Value): Message {
  const message = new Message(64)
  if (typeof value === 'string') return message.marked(1, value)
  if (typeof value === 'boolean') return message.bool(2, value)
  if (typeof value === 'number') return Number.isInteger(value) ? message.uint(3, value) : message.double(4, value)
  const array = new Message(128)
  for (const each of value) array.message(1, writeValue(each))
  return message.message(5, array)
}
