/**
 * The plain objects of the model to protobuf bytes. Fields with their zero value are left out, as proto3 does. Ids
 * must be hex of their full length or `''`; anything else throws `RangeError`.
 */
import { hexToBytes } from './ids.ts'
import type {
  AnyValue,
  KeyValue,
  Resource,
  ResourceSpans,
  Scope,
  ScopeSpans,
  Span,
  SpanEvent,
  SpanLink,
  SpanStatus,
  TracesData,
} from './model.ts'
import {
  closeMessage,
  createWriter,
  finish,
  mark,
  writeBytes,
  writeDouble,
  writeFixed32,
  writeFixed64,
  writeString,
  writeVarint,
  writeVarint64,
  type Writer,
} from './writer.ts'

/** An `ExportTraceServiceRequest`. */
export function encodeTraces(data: TracesData): Uint8Array {
  const writer = createWriter()
  writeAll(writer, 0x0a, data.resourceSpans, writeResourceSpans)
  return finish(writer)
}

/** A `Span` message, without tag and length. */
export function encodeSpan(span: Span): Uint8Array {
  const writer = createWriter(1024)
  writeSpan(writer, span)
  return finish(writer)
}

/** A `KeyValue` message, without tag and length. */
export function encodeKeyValue(attribute: KeyValue): Uint8Array {
  const writer = createWriter(256)
  writeKeyValue(writer, attribute)
  return finish(writer)
}

function writeResourceSpans(writer: Writer, resourceSpans: ResourceSpans): void {
  writeText(writer, 0x1a, resourceSpans.schemaUrl)
  writeAll(writer, 0x12, resourceSpans.scopeSpans, writeScopeSpans)
  writeMessage(writer, 0x0a, resourceSpans.resource, writeResource)
}

function writeResource(writer: Writer, resource: Resource): void {
  writeUint32(writer, 0x10, resource.droppedAttributesCount)
  writeAll(writer, 0x0a, resource.attributes, writeKeyValue)
}

function writeScopeSpans(writer: Writer, scopeSpans: ScopeSpans): void {
  writeText(writer, 0x1a, scopeSpans.schemaUrl)
  writeAll(writer, 0x12, scopeSpans.spans, writeSpan)
  writeMessage(writer, 0x0a, scopeSpans.scope, writeScope)
}

function writeScope(writer: Writer, scope: Scope): void {
  writeUint32(writer, 0x20, scope.droppedAttributesCount)
  writeAll(writer, 0x1a, scope.attributes, writeKeyValue)
  writeText(writer, 0x12, scope.version)
  writeText(writer, 0x0a, scope.name)
}

function writeSpan(writer: Writer, span: Span): void {
  writeFlags(writer, 0x85, span.flags)
  if (span.status.code !== 0 || span.status.message !== '') writeMessage(writer, 0x7a, span.status, writeStatus)
  writeUint32(writer, 0x70, span.droppedLinksCount)
  writeAll(writer, 0x6a, span.links, writeLink)
  writeUint32(writer, 0x60, span.droppedEventsCount)
  writeAll(writer, 0x5a, span.events, writeEvent)
  writeUint32(writer, 0x50, span.droppedAttributesCount)
  writeAll(writer, 0x4a, span.attributes, writeKeyValue)
  writeTime(writer, 0x41, span.endTimeUnixNano)
  writeTime(writer, 0x39, span.startTimeUnixNano)
  writeInt32(writer, 0x30, span.kind)
  writeText(writer, 0x2a, span.name)
  writeId(writer, 0x22, span.parentSpanId, 8)
  writeText(writer, 0x1a, span.traceState)
  writeId(writer, 0x12, span.spanId, 8)
  writeId(writer, 0x0a, span.traceId, 16)
}

function writeEvent(writer: Writer, event: SpanEvent): void {
  writeUint32(writer, 0x20, event.droppedAttributesCount)
  writeAll(writer, 0x1a, event.attributes, writeKeyValue)
  writeText(writer, 0x12, event.name)
  writeTime(writer, 0x09, event.timeUnixNano)
}

function writeLink(writer: Writer, link: SpanLink): void {
  writeFlags(writer, 0x35, link.flags)
  writeUint32(writer, 0x28, link.droppedAttributesCount)
  writeAll(writer, 0x22, link.attributes, writeKeyValue)
  writeText(writer, 0x1a, link.traceState)
  writeId(writer, 0x12, link.spanId, 8)
  writeId(writer, 0x0a, link.traceId, 16)
}

function writeStatus(writer: Writer, status: SpanStatus): void {
  writeInt32(writer, 0x18, status.code)
  writeText(writer, 0x12, status.message)
}

/** A `KeyValue` message, without tag and length. */
export function writeKeyValue(writer: Writer, attribute: KeyValue): void {
  writeMessage(writer, 0x12, attribute.value, writeAnyValue)
  writeText(writer, 0x0a, attribute.key)
}

/** An `AnyValue` message, without tag and length. A oneof: its field is written even when it is zero, else the type would be lost. */
export function writeAnyValue(writer: Writer, value: AnyValue): void {
  switch (value.type) {
    case 'string':
      writeString(writer, 0x0a, value.value)
      break
    case 'bool':
      writeVarint(writer, value.value ? 1 : 0)
      writeVarint(writer, 0x10)
      break
    case 'int':
      writeVarint64(writer, value.value)
      writeVarint(writer, 0x18)
      break
    case 'double':
      writeDouble(writer, value.value)
      writeVarint(writer, 0x21)
      break
    case 'array':
      writeMessage(writer, 0x2a, value.value, (writer, values) => writeAll(writer, 0x0a, values, writeAnyValue))
      break
    case 'map':
      writeMessage(writer, 0x32, value.value, (writer, values) => writeAll(writer, 0x0a, values, writeKeyValue))
      break
    case 'bytes':
      writeBytes(writer, 0x3a, value.value)
      break
    case 'empty':
      break
  }
}

function writeMessage<T>(writer: Writer, tag: number, value: T, write: (writer: Writer, value: T) => void): void {
  const from = mark(writer)
  write(writer, value)
  closeMessage(writer, tag, from)
}

function writeAll<T>(
  writer: Writer,
  tag: number,
  values: readonly T[],
  write: (writer: Writer, value: T) => void,
): void {
  for (let i = values.length - 1; i >= 0; i--) writeMessage(writer, tag, values[i]!, write)
}

function writeText(writer: Writer, tag: number, text: string): void {
  if (text !== '') writeString(writer, tag, text)
}

function writeId(writer: Writer, tag: number, hex: string, width: number): void {
  if (hex === '') return
  const bytes = hexToBytes(hex)
  if (bytes.length !== width) throw new RangeError(`id "${hex}" has ${hex.length} hex digits, must have ${2 * width}`)
  writeBytes(writer, tag, bytes)
}

function writeUint32(writer: Writer, tag: number, value: number): void {
  if (value === 0) return
  writeVarint(writer, value >>> 0)
  writeVarint(writer, tag)
}

function writeInt32(writer: Writer, tag: number, value: number): void {
  if (value === 0) return
  writeVarint64(writer, BigInt(value))
  writeVarint(writer, tag)
}

function writeFlags(writer: Writer, tag: number, value: number): void {
  if (value === 0) return
  writeFixed32(writer, value)
  writeVarint(writer, tag)
}

function writeTime(writer: Writer, tag: number, value: bigint): void {
  if (value === 0n) return
  writeFixed64(writer, value)
  writeVarint(writer, tag)
}
