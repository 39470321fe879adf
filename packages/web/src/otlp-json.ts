import type { Attributes } from '@opentelemetry/api'
import type { WebSpan } from './span.ts'
import { toUnixNano } from './time.ts'

/** One span as OTLP/JSON: ids in hex, times in decimal text (opentelemetry-proto, "JSON Protobuf Encoding"). */
export function spanToJson(span: WebSpan): string {
  return JSON.stringify({
    traceId: span.context.traceId,
    spanId: span.context.spanId,
    ...(span.context.traceState ? { traceState: span.context.traceState.serialize() } : {}),
    ...(span.parentSpanId ? { parentSpanId: span.parentSpanId } : {}),
    flags: span.context.traceFlags,
    name: span.name,
    // The API counts kinds from 0, OTLP from 1.
    kind: span.kind + 1,
    startTimeUnixNano: toUnixNano(span.start),
    endTimeUnixNano: toUnixNano(span.end_ ?? span.start),
    attributes: toKeyValues(span.attributes),
    ...(span.droppedAttributes > 0 ? { droppedAttributesCount: span.droppedAttributes } : {}),
    events: span.events.map(({ name, at, attributes }) => ({
      timeUnixNano: toUnixNano(at),
      name,
      attributes: toKeyValues(attributes),
    })),
    ...(span.droppedEvents > 0 ? { droppedEventsCount: span.droppedEvents } : {}),
    links: span.links.map(({ context, attributes = {} }) => ({
      traceId: context.traceId,
      spanId: context.spanId,
      attributes: toKeyValues(attributes),
    })),
    status: {
      code: span.status.code,
      ...(span.status.message === undefined ? {} : { message: span.status.message }),
    },
  })
}

/** What is in front of the spans of one scope, and behind them: spans are serialized as they end, and a request is put together of them. */
export function requestOf(
  resource: Attributes,
  scopes: ReadonlyMap<string, readonly string[]>,
  version: string,
): string {
  const scopeSpans = [...scopes].map(
    ([name, spans]) =>
      `{"scope":${JSON.stringify({ name, ...(name === '@spoor/web' ? { version } : {}) })},"spans":[${spans.join(',')}]}`,
  )
  return `{"resourceSpans":[{"resource":${JSON.stringify({ attributes: toKeyValues(resource) })},"scopeSpans":[${scopeSpans.join(',')}]}]}`
}

function toKeyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined || value === null ? [] : [{ key, value: toAnyValue(value) }],
  )
}

/** The API takes any value; what OTLP has no form for is written as text. */
function toAnyValue(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return { intValue: String(value) }
    return { doubleValue: Number.isFinite(value) ? value : String(value) }
  }
  if (Array.isArray(value))
    return { arrayValue: { values: value.filter((one) => one !== null && one !== undefined).map(toAnyValue) } }
  if (typeof value === 'bigint') return { stringValue: String(value) }
  return { stringValue: textOf(value) }
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value
  } catch {
    return typeof value
  }
}
