/**
 * Ended spans as OTLP/JSON: lowerCamelCase keys, ids in hex, 64-bit integers as text, bytes as base64.
 * Source: opentelemetry-proto `docs/specification.md`, "JSON Protobuf Encoding".
 */
import type { Attributes, HrTime } from '@opentelemetry/api'
import type { InstrumentationScope } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { spanFlags } from './protobuf.ts'

/** What stands in a `ResourceSpans` before its `scopeSpans`. */
export function resourceJson({ attributes, schemaUrl }: Resource): object {
  return { resource: { attributes: keyValues(attributes) }, ...(schemaUrl && { schemaUrl }) }
}

/** What stands in a `ScopeSpans` before its `spans`. */
export function scopeJson({ name, version, schemaUrl }: InstrumentationScope): object {
  return { scope: { name, ...(version && { version }) }, ...(schemaUrl && { schemaUrl }) }
}

export function spanJson(span: ReadableSpan): object {
  const context = span.spanContext()
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    traceState: context.traceState?.serialize(),
    parentSpanId: span.parentSpanContext?.spanId,
    flags: spanFlags(context.traceFlags, span.parentSpanContext?.isRemote),
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: timeText(span.startTime),
    endTimeUnixNano: timeText(span.endTime),
    attributes: keyValues(span.attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map((event) => ({
      timeUnixNano: timeText(event.time),
      name: event.name,
      attributes: keyValues(event.attributes ?? {}),
      droppedAttributesCount: event.droppedAttributesCount ?? 0,
    })),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      traceState: link.context.traceState?.serialize(),
      attributes: keyValues(link.attributes ?? {}),
      droppedAttributesCount: link.droppedAttributesCount ?? 0,
      flags: spanFlags(link.context.traceFlags, link.context.isRemote),
    })),
    droppedLinksCount: span.droppedLinksCount,
    status: span.status,
  }
}

function timeText([seconds, nanoseconds]: HrTime): string {
  if (!(seconds >= 0)) return '0'
  return String(BigInt(Math.trunc(seconds)) * 1_000_000_000n + BigInt(Math.trunc(nanoseconds)))
}

function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: unknown): object {
  switch (typeof value) {
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { boolValue: value }
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { intValue: String(value) }
      return { doubleValue: Number.isFinite(value) && value !== 0 ? value : doubleText(value) }
    default:
      if (value === null || typeof value !== 'object') return {}
      if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') }
      if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } }
      return { kvlistValue: { values: keyValues(value as Attributes) } }
  }
}

/** What JSON has no number for. */
function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}
