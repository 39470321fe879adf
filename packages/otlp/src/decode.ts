/**
 * Protobuf bytes to the plain objects of the model, for the spans that somebody wants to read one by one.
 *
 * As protobuf says: fields may come in any order, of a scalar field that comes twice the last counts, a message that
 * comes twice is merged, and unknown fields are ignored. Every function throws {@link OtlpError}, and only for bytes
 * that `countSpans` refuses too.
 */
import { MAX_DEPTH, OtlpError } from './error.ts'
import { idToHex } from './ids.ts'
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
import { messageType } from './schema.ts'
import { utf8 } from './text.ts'
import {
  checkId,
  lengthEnd,
  next,
  readFixed32,
  readFixed64,
  readFloat64,
  readTag,
  readUint32,
  readUint64,
  skipField,
} from './wire.ts'

/** A message while it is filled; arrays too. */
type Draft<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] }

const KNOWN = {
  request: messageType('TracesData').known,
  resourceSpans: messageType('ResourceSpans').known,
  resource: messageType('Resource').known,
  scopeSpans: messageType('ScopeSpans').known,
  scope: messageType('InstrumentationScope').known,
  span: messageType('Span').known,
  event: messageType('Event').known,
  link: messageType('Link').known,
  status: messageType('Status').known,
  keyValue: messageType('KeyValue').known,
  anyValue: messageType('AnyValue').known,
  list: messageType('ArrayValue').known,
}

/** All of an `ExportTraceServiceRequest` (or `TracesData`). */
export function decodeTraces(bytes: Uint8Array): TracesData {
  const resourceSpans: ResourceSpans[] = []
  const end = bytes.length
  let p = 0
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, end)
      resourceSpans.push(decodeResourceSpans(bytes, next, stop))
      p = stop
    } else p = skipField(bytes, p, end, tag, KNOWN.request)
  }
  return { resourceSpans }
}

function decodeResourceSpans(bytes: Uint8Array, start: number, end: number): ResourceSpans {
  const scopeSpans: ScopeSpans[] = []
  const { resource, schemaUrl } = readResourceSpans(bytes, start, end, scopeSpans)
  return { resource, scopeSpans, schemaUrl }
}

/**
 * The resource of a `ResourceSpans` message, given the message's range as {@link SpanColumns} has it; its spans are
 * stepped over.
 */
export function decodeResourceHeader(
  bytes: Uint8Array,
  resourceStart: number,
  resourceEnd: number,
): { resource: Resource; schemaUrl: string } {
  return readResourceSpans(bytes, resourceStart, resourceEnd, undefined)
}

function readResourceSpans(
  bytes: Uint8Array,
  p: number,
  end: number,
  scopeSpans: ScopeSpans[] | undefined,
): { resource: Resource; schemaUrl: string } {
  const resource: Draft<Resource> = { attributes: [], droppedAttributesCount: 0 }
  let schemaUrl = ''
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x0a: {
        const stop = lengthEnd(bytes, p, end)
        mergeResource(bytes, next, stop, resource)
        p = stop
        break
      }
      case 0x12: {
        const stop = lengthEnd(bytes, p, end)
        scopeSpans?.push(decodeScopeSpans(bytes, next, stop))
        p = stop
        break
      }
      case 0x1a:
        p = lengthEnd(bytes, p, end)
        schemaUrl = utf8(bytes, next, p)
        break
      default:
        p = skipField(bytes, p, end, tag, KNOWN.resourceSpans)
    }
  }
  return { resource, schemaUrl }
}

function mergeResource(bytes: Uint8Array, p: number, end: number, resource: Draft<Resource>): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x0a: {
        const stop = lengthEnd(bytes, p, end)
        resource.attributes.push(decodeKeyValue(bytes, next, stop))
        p = stop
        break
      }
      case 0x10:
        resource.droppedAttributesCount = readUint32(bytes, p, end)
        p = next
        break
      default:
        p = skipField(bytes, p, end, tag, KNOWN.resource)
    }
  }
}

function decodeScopeSpans(bytes: Uint8Array, start: number, end: number): ScopeSpans {
  const spans: Span[] = []
  const { scope, schemaUrl } = readScopeSpans(bytes, start, end, spans)
  return { scope, spans, schemaUrl }
}

/**
 * The scope of a `ScopeSpans` message, given the message's range as {@link SpanColumns} has it; its spans are stepped
 * over.
 */
export function decodeScopeHeader(
  bytes: Uint8Array,
  scopeStart: number,
  scopeEnd: number,
): { scope: Scope; schemaUrl: string } {
  return readScopeSpans(bytes, scopeStart, scopeEnd, undefined)
}

function readScopeSpans(
  bytes: Uint8Array,
  p: number,
  end: number,
  spans: Span[] | undefined,
): { scope: Scope; schemaUrl: string } {
  const scope: Draft<Scope> = { name: '', version: '', attributes: [], droppedAttributesCount: 0 }
  let schemaUrl = ''
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x0a: {
        const stop = lengthEnd(bytes, p, end)
        mergeScope(bytes, next, stop, scope)
        p = stop
        break
      }
      case 0x12: {
        const stop = lengthEnd(bytes, p, end)
        spans?.push(decodeSpan(bytes, next, stop))
        p = stop
        break
      }
      case 0x1a:
        p = lengthEnd(bytes, p, end)
        schemaUrl = utf8(bytes, next, p)
        break
      default:
        p = skipField(bytes, p, end, tag, KNOWN.scopeSpans)
    }
  }
  return { scope, schemaUrl }
}

function mergeScope(bytes: Uint8Array, p: number, end: number, scope: Draft<Scope>): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x0a:
        p = lengthEnd(bytes, p, end)
        scope.name = utf8(bytes, next, p)
        break
      case 0x12:
        p = lengthEnd(bytes, p, end)
        scope.version = utf8(bytes, next, p)
        break
      case 0x1a: {
        const stop = lengthEnd(bytes, p, end)
        scope.attributes.push(decodeKeyValue(bytes, next, stop))
        p = stop
        break
      }
      case 0x20:
        scope.droppedAttributesCount = readUint32(bytes, p, end)
        p = next
        break
      default:
        p = skipField(bytes, p, end, tag, KNOWN.scope)
    }
  }
}

/** A span of which nothing is set: as the wire has it where a field is not there. */
export function emptySpan(): Draft<Span> {
  return {
    traceId: '',
    spanId: '',
    traceState: '',
    parentSpanId: '',
    flags: 0,
    name: '',
    kind: 0,
    startTimeUnixNano: 0n,
    endTimeUnixNano: 0n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
  }
}

/** One `Span` message, whose bytes (without tag and length) are `[start, end)`. */
export function decodeSpan(bytes: Uint8Array, start = 0, end = bytes.length): Span {
  const span: Draft<Span> = emptySpan()
  let p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x0a:
        p = lengthEnd(bytes, p, end)
        span.traceId = decodeId(bytes, next, p, 16)
        break
      case 0x12:
        p = lengthEnd(bytes, p, end)
        span.spanId = decodeId(bytes, next, p, 8)
        break
      case 0x1a:
        p = lengthEnd(bytes, p, end)
        span.traceState = utf8(bytes, next, p)
        break
      case 0x22:
        p = lengthEnd(bytes, p, end)
        span.parentSpanId = decodeId(bytes, next, p, 8)
        break
      case 0x2a:
        p = lengthEnd(bytes, p, end)
        span.name = utf8(bytes, next, p)
        break
      case 0x30:
        span.kind = readUint32(bytes, p, end) | 0
        p = next
        break
      case 0x39:
        span.startTimeUnixNano = readFixed64(bytes, p, end)
        p = next
        break
      case 0x41:
        span.endTimeUnixNano = readFixed64(bytes, p, end)
        p = next
        break
      case 0x4a: {
        const stop = lengthEnd(bytes, p, end)
        span.attributes.push(decodeKeyValue(bytes, next, stop))
        p = stop
        break
      }
      case 0x50:
        span.droppedAttributesCount = readUint32(bytes, p, end)
        p = next
        break
      case 0x5a: {
        const stop = lengthEnd(bytes, p, end)
        span.events.push(decodeEvent(bytes, next, stop))
        p = stop
        break
      }
      case 0x60:
        span.droppedEventsCount = readUint32(bytes, p, end)
        p = next
        break
      case 0x6a: {
        const stop = lengthEnd(bytes, p, end)
        span.links.push(decodeLink(bytes, next, stop))
        p = stop
        break
      }
      case 0x70:
        span.droppedLinksCount = readUint32(bytes, p, end)
        p = next
        break
      case 0x7a: {
        const stop = lengthEnd(bytes, p, end)
        mergeStatus(bytes, next, stop, span.status)
        p = stop
        break
      }
      case 0x85:
        span.flags = readFixed32(bytes, p, end)
        p = next
        break
      default:
        p = skipField(bytes, p, end, tag, KNOWN.span)
    }
  }
  return span
}

function decodeId(bytes: Uint8Array, p: number, end: number, width: number): string {
  checkId(p, end, width)
  return idToHex(bytes, p, end)
}

function decodeEvent(bytes: Uint8Array, p: number, end: number): SpanEvent {
  const event: Draft<SpanEvent> = { timeUnixNano: 0n, name: '', attributes: [], droppedAttributesCount: 0 }
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x09:
        event.timeUnixNano = readFixed64(bytes, p, end)
        p = next
        break
      case 0x12:
        p = lengthEnd(bytes, p, end)
        event.name = utf8(bytes, next, p)
        break
      case 0x1a: {
        const stop = lengthEnd(bytes, p, end)
        event.attributes.push(decodeKeyValue(bytes, next, stop))
        p = stop
        break
      }
      case 0x20:
        event.droppedAttributesCount = readUint32(bytes, p, end)
        p = next
        break
      default:
        p = skipField(bytes, p, end, tag, KNOWN.event)
    }
  }
  return event
}

function decodeLink(bytes: Uint8Array, p: number, end: number): SpanLink {
  const link: Draft<SpanLink> = {
    traceId: '',
    spanId: '',
    traceState: '',
    attributes: [],
    droppedAttributesCount: 0,
    flags: 0,
  }
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x0a:
        p = lengthEnd(bytes, p, end)
        link.traceId = decodeId(bytes, next, p, 16)
        break
      case 0x12:
        p = lengthEnd(bytes, p, end)
        link.spanId = decodeId(bytes, next, p, 8)
        break
      case 0x1a:
        p = lengthEnd(bytes, p, end)
        link.traceState = utf8(bytes, next, p)
        break
      case 0x22: {
        const stop = lengthEnd(bytes, p, end)
        link.attributes.push(decodeKeyValue(bytes, next, stop))
        p = stop
        break
      }
      case 0x28:
        link.droppedAttributesCount = readUint32(bytes, p, end)
        p = next
        break
      case 0x35:
        link.flags = readFixed32(bytes, p, end)
        p = next
        break
      default:
        p = skipField(bytes, p, end, tag, KNOWN.link)
    }
  }
  return link
}

function mergeStatus(bytes: Uint8Array, p: number, end: number, status: Draft<SpanStatus>): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x12:
        p = lengthEnd(bytes, p, end)
        status.message = utf8(bytes, next, p)
        break
      case 0x18:
        status.code = readUint32(bytes, p, end) | 0
        p = next
        break
      default:
        p = skipField(bytes, p, end, tag, KNOWN.status)
    }
  }
}

const EMPTY: AnyValue = { type: 'empty' }

/** One `KeyValue` message, whose bytes (without tag and length) are `[start, end)`. A missing value is `empty`. */
export function decodeKeyValue(bytes: Uint8Array, start = 0, end = bytes.length): KeyValue {
  return keyValueAt(bytes, start, end, 0)
}

/** One `AnyValue` message, whose bytes (without tag and length) are `[start, end)`. */
export function decodeAnyValue(bytes: Uint8Array, start = 0, end = bytes.length): AnyValue {
  return mergeAnyValue(bytes, start, end, EMPTY, 1)
}

function keyValueAt(bytes: Uint8Array, p: number, end: number, depth: number): KeyValue {
  let key = ''
  let value = EMPTY
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x0a:
        p = lengthEnd(bytes, p, end)
        key = utf8(bytes, next, p)
        break
      case 0x12: {
        const stop = lengthEnd(bytes, p, end)
        value = mergeAnyValue(bytes, next, stop, value, depth + 1)
        p = stop
        break
      }
      default:
        p = skipField(bytes, p, end, tag, KNOWN.keyValue)
    }
  }
  return { key, value }
}

/**
 * `value` as the fields of one more `AnyValue` message change it: lists of the same type are joined, all else is
 * replaced.
 */
function mergeAnyValue(bytes: Uint8Array, p: number, end: number, value: AnyValue, depth: number): AnyValue {
  if (depth > MAX_DEPTH) {
    throw new OtlpError('too_deep', `byte ${p}: AnyValue nested deeper than ${MAX_DEPTH}`, { offset: p })
  }
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    switch (tag) {
      case 0x0a:
        p = lengthEnd(bytes, p, end)
        value = { type: 'string', value: utf8(bytes, next, p) }
        break
      case 0x10:
        value = { type: 'bool', value: readUint64(bytes, p, end) !== 0n }
        p = next
        break
      case 0x18:
        value = { type: 'int', value: BigInt.asIntN(64, readUint64(bytes, p, end)) }
        p = next
        break
      case 0x21:
        value = { type: 'double', value: readFloat64(bytes, p, end) }
        p = next
        break
      case 0x2a: {
        const stop = lengthEnd(bytes, p, end)
        value = {
          type: 'array',
          value: decodeArray(bytes, next, stop, depth, value.type === 'array' ? value.value : []),
        }
        p = stop
        break
      }
      case 0x32: {
        const stop = lengthEnd(bytes, p, end)
        value = { type: 'map', value: decodeMap(bytes, next, stop, depth, value.type === 'map' ? value.value : []) }
        p = stop
        break
      }
      case 0x3a:
        p = lengthEnd(bytes, p, end)
        // A copy; slice() of Node's Buffer would be a view.
        value = { type: 'bytes', value: new Uint8Array(bytes.subarray(next, p)) }
        break
      default:
        p = skipField(bytes, p, end, tag, KNOWN.anyValue)
    }
  }
  return value
}

/** Adds to the list that an earlier piece has made: to copy it for each of many pieces would take the square of the time. */
function decodeArray(bytes: Uint8Array, p: number, end: number, depth: number, list: readonly AnyValue[]): AnyValue[] {
  const values = list as AnyValue[]
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, end)
      values.push(mergeAnyValue(bytes, next, stop, EMPTY, depth + 1))
      p = stop
    } else p = skipField(bytes, p, end, tag, KNOWN.list)
  }
  return values
}

function decodeMap(bytes: Uint8Array, p: number, end: number, depth: number, list: readonly KeyValue[]): KeyValue[] {
  const values = list as KeyValue[]
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, end)
      values.push(keyValueAt(bytes, next, stop, depth))
      p = stop
    } else p = skipField(bytes, p, end, tag, KNOWN.list)
  }
  return values
}
