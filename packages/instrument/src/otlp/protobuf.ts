/**
 * Ended spans as `opentelemetry.proto.trace.v1`. Fields with their zero value are left out, as proto3 does.
 * Source: opentelemetry-proto, `trace.proto`, `common.proto`, `resource.proto`.
 */
import { type Attributes, type Link, type SpanStatus, SpanStatusCode } from '@opentelemetry/api'
import type { InstrumentationScope } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace'
import {
  begin,
  closeMessage,
  mark,
  writeBytes,
  writeDouble,
  writeFixed32,
  writeId,
  writeInteger,
  writeString,
  writeTime,
  writeVarint,
  written,
} from './writer.ts'

/** Tags: the field's number and its wire type. */
const RESOURCE_SPANS_RESOURCE = 0x0a
const SCOPE_SPANS_SCOPE = 0x0a
const SCOPE_SPANS_SPAN = 0x12
const SCHEMA_URL = 0x1a

/** `ResourceSpans.resource` with its tag, and the schema's URL after it. Valid until the next call of this module. */
export function encodeResource(resource: Resource): Uint8Array {
  begin()
  if (resource.schemaUrl) writeString(SCHEMA_URL, resource.schemaUrl)
  const from = mark()
  writeAttributes(0x0a, resource.attributes)
  closeMessage(RESOURCE_SPANS_RESOURCE, from)
  return written()
}

/** `ScopeSpans.scope` with its tag, and the schema's URL after it. Valid until the next call of this module. */
export function encodeScope({ name, version, schemaUrl }: InstrumentationScope): Uint8Array {
  begin()
  if (schemaUrl) writeString(SCHEMA_URL, schemaUrl)
  const from = mark()
  if (version) writeString(0x12, version)
  writeString(0x0a, name)
  closeMessage(SCOPE_SPANS_SCOPE, from)
  return written()
}

/** One of `ScopeSpans.spans`, with its tag. Valid until the next call of this module. */
export function encodeSpan(span: ReadableSpan): Uint8Array {
  begin()
  const context = span.spanContext()
  const parent = span.parentSpanContext
  const from = mark()

  writeFixed32(spanFlags(context.traceFlags, parent?.isRemote))
  writeVarint(0x85)
  writeStatus(span.status)
  writeCount(0x70, span.droppedLinksCount)
  for (let i = span.links.length - 1; i >= 0; i--) writeLink(span.links[i]!)
  writeCount(0x60, span.droppedEventsCount)
  for (let i = span.events.length - 1; i >= 0; i--) writeEvent(span.events[i]!)
  writeCount(0x50, span.droppedAttributesCount)
  writeAttributes(0x4a, span.attributes)
  writeTime(span.endTime[0], span.endTime[1])
  writeVarint(0x41)
  writeTime(span.startTime[0], span.startTime[1])
  writeVarint(0x39)
  writeVarint(span.kind + 1)
  writeVarint(0x30)
  writeString(0x2a, span.name)
  if (parent?.spanId) writeId(0x22, parent.spanId)
  const traceState = context.traceState?.serialize()
  if (traceState) writeString(0x1a, traceState)
  writeId(0x12, context.spanId)
  writeId(0x0a, context.traceId)
  closeMessage(SCOPE_SPANS_SPAN, from)
  return written()
}

/** The W3C flags in the low byte; bit 8: it is known whether the parent is remote; bit 9: it is. */
export function spanFlags(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | 0x100 | (isRemote ? 0x200 : 0)
}

function writeStatus({ code, message }: SpanStatus): void {
  if (code === SpanStatusCode.UNSET && !message) return
  const from = mark()
  writeCount(0x18, code)
  if (message) writeString(0x12, message)
  closeMessage(0x7a, from)
}

function writeEvent(event: TimedEvent): void {
  const from = mark()
  writeCount(0x20, event.droppedAttributesCount ?? 0)
  if (event.attributes) writeAttributes(0x1a, event.attributes)
  writeString(0x12, event.name)
  writeTime(event.time[0], event.time[1])
  writeVarint(0x09)
  closeMessage(0x5a, from)
}

function writeLink({ context, attributes, droppedAttributesCount }: Link): void {
  const from = mark()
  writeFixed32(spanFlags(context.traceFlags, context.isRemote))
  writeVarint(0x35)
  writeCount(0x28, droppedAttributesCount ?? 0)
  if (attributes) writeAttributes(0x22, attributes)
  const traceState = context.traceState?.serialize()
  if (traceState) writeString(0x1a, traceState)
  writeId(0x12, context.spanId)
  writeId(0x0a, context.traceId)
  closeMessage(0x6a, from)
}

function writeCount(tag: number, count: number): void {
  if (count === 0) return
  writeVarint(count)
  writeVarint(tag)
}

function writeAttributes(tag: number, attributes: Attributes): void {
  const keys = Object.keys(attributes)
  for (let i = keys.length - 1; i >= 0; i--) writeKeyValue(tag, keys[i]!, attributes[keys[i]!])
}

function writeKeyValue(tag: number, key: string, value: unknown): void {
  const from = mark()
  writeAnyValue(0x12, value)
  writeString(0x0a, key)
  closeMessage(tag, from)
}

function writeAnyValue(tag: number, value: unknown): void {
  const from = mark()
  if (typeof value === 'string') writeString(0x0a, value)
  else if (typeof value === 'number') writeNumber(value)
  else if (typeof value === 'boolean') {
    writeVarint(value ? 1 : 0)
    writeVarint(0x10)
  } else if (value instanceof Uint8Array) writeBytes(0x3a, value)
  else if (Array.isArray(value)) {
    const inner = mark()
    for (let i = value.length - 1; i >= 0; i--) writeAnyValue(0x0a, value[i])
    closeMessage(0x2a, inner)
  } else if (typeof value === 'object' && value !== null) {
    const inner = mark()
    writeAttributes(0x0a, value as Attributes)
    closeMessage(0x32, inner)
  }
  // Null, or a hole in an array: a value that is empty.
  closeMessage(tag, from)
}

/** An int64 where it is one, as `JSON.parse` and a loop's counter make no difference between 1 and 1.0. */
function writeNumber(value: number): void {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    writeInteger(value)
    writeVarint(0x18)
  } else {
    writeDouble(value)
    writeVarint(0x21)
  }
}
