/**
 * One pass over an `ExportTraceServiceRequest` that fills {@link SpanColumns} and makes no object for a span.
 *
 * Validated is what is read: the framing of every message down to the span's own fields and its status, the service
 * name, and the ids' lengths. Attributes, events and links are stepped over by their length; `countSpans` validates
 * those too.
 */
import type { Chunk } from './batch.ts'
import { createSpanColumns, growColumns, type SpanColumns } from './columns.ts'
import { OtlpError } from './error.ts'
import { messageType } from './schema.ts'
import {
  checkId,
  lengthEnd,
  LENGTH,
  next,
  readTag,
  readUint32,
  skipField,
  skipFixed,
  skipVarint,
  uint32At,
} from './wire.ts'

/**
 * Sees attributes while their spans are scanned. `start` and `end` are the bytes of one serialized `KeyValue`; `level`
 * is 0 for a span, 1 resource, 2 scope, 3 event, 4 link. A resource's and a scope's attributes come once, with row -1: the
 * resource's before those of its spans, the scope's where they are in the bytes. The bytes of a
 * `KeyValue` are not validated; nor is a link: those of a malformed one come as far as it can be read.
 */
export interface AttributeVisitor {
  attribute(bytes: Uint8Array, start: number, end: number, row: number, level: number): void
}

const REQUEST = messageType('TracesData').known
const RESOURCE_SPANS = messageType('ResourceSpans').known
const RESOURCE = messageType('Resource').known
const SCOPE_SPANS = messageType('ScopeSpans').known
const SCOPE = messageType('InstrumentationScope').known
const SPAN = messageType('Span').known
const EVENT = messageType('Event').known
const STATUS = messageType('Status').known
const KEY_VALUE = messageType('KeyValue').known
const ANY_VALUE = messageType('AnyValue').known

/** What {@link findService} found last. */
let serviceStart = 0
let serviceEnd = 0
let serviceFound = false

/**
 * Appends a row for every span, in the order of the bytes, after the `columns.count` rows that are there; arrays that
 * are too small are replaced by larger ones. When it throws {@link OtlpError}, `columns` has the rows that it had
 * before.
 */
export function scanSpans(bytes: Uint8Array, columns: SpanColumns, visitor?: AttributeVisitor): void {
  const before = columns.count
  try {
    const end = bytes.length
    let p = 0
    while (p < end) {
      const tag = readTag(bytes, p, end)
      p = next
      if (tag === 0x0a) {
        const stop = lengthEnd(bytes, p, end)
        scanResourceSpans(bytes, next, stop, columns, visitor)
        p = stop
      } else p = skipField(bytes, p, end, tag, REQUEST)
    }
  } catch (error) {
    columns.count = before
    throw error
  }
}

/** Two rounds, as the resource may come after the spans: the first steps over the spans, the second scans them. */
function scanResourceSpans(
  bytes: Uint8Array,
  start: number,
  end: number,
  columns: SpanColumns,
  visitor: AttributeVisitor | undefined,
): void {
  serviceStart = 0
  serviceEnd = 0
  serviceFound = false
  let p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, end)
      scanResource(bytes, next, stop, visitor)
      p = stop
    } else if (tag === 0x12 || tag === 0x1a) p = lengthEnd(bytes, p, end)
    else p = skipField(bytes, p, end, tag, RESOURCE_SPANS)
  }
  p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x12) {
      const stop = lengthEnd(bytes, p, end)
      scanScopeSpans(bytes, next, stop, start, end, columns, visitor)
      p = stop
    } else p = skipField(bytes, p, end, tag, 0)
  }
}

function scanResource(bytes: Uint8Array, p: number, end: number, visitor: AttributeVisitor | undefined): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, end)
      p = next
      if (visitor) visitor.attribute(bytes, p, stop, -1, 1)
      if (!serviceFound) findService(bytes, p, stop)
      p = stop
    } else if (tag === 0x10) {
      readUint32(bytes, p, end)
      p = next
    } else p = skipField(bytes, p, end, tag, RESOURCE)
  }
}

const SERVICE_NAME = new TextEncoder().encode('service.name')

/** Sets the service's range if the `KeyValue` is `service.name`. The first one of a resource counts. */
function findService(bytes: Uint8Array, start: number, end: number): void {
  let isService = false
  let p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, end)
      isService = equals(bytes, next, stop, SERVICE_NAME)
      p = stop
    } else if (tag === 0x12) p = lengthEnd(bytes, p, end)
    else p = skipField(bytes, p, end, tag, KEY_VALUE)
  }
  if (!isService) return
  serviceFound = true
  p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x12) {
      const stop = lengthEnd(bytes, p, end)
      findStringValue(bytes, next, stop)
      p = stop
    } else p = skipField(bytes, p, end, tag, 0)
  }
}

/** The service is the `AnyValue`'s string; a later field of another type takes its place, as it does in a oneof. */
function findStringValue(bytes: Uint8Array, p: number, end: number): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    const field = tag >>> 3
    if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, end)
      serviceStart = next
      serviceEnd = stop
      p = stop
    } else {
      if (field >= 2 && field <= 7) serviceStart = serviceEnd = 0
      p = skipField(bytes, p, end, tag, ANY_VALUE & ~OTHER_VALUES[tag & 7]!)
    }
  }
}

/** Fields of `AnyValue` that are not a string, as a bit set, by their wire type. */
const OTHER_VALUES = [(1 << 2) | (1 << 3), 1 << 4, (1 << 5) | (1 << 6) | (1 << 7), 0, 0, 0, 0, 0]

function equals(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}

function scanScopeSpans(
  bytes: Uint8Array,
  start: number,
  end: number,
  resourceStart: number,
  resourceEnd: number,
  columns: SpanColumns,
  visitor: AttributeVisitor | undefined,
): void {
  let p = start
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x12) {
      const stop = lengthEnd(bytes, p, end)
      p = next
      const row = columns.count
      if (row === columns.kind.length) growColumns(columns, row < 256 ? 512 : row * 2)
      columns.scopeStart[row] = start
      columns.scopeEnd[row] = end
      columns.resourceStart[row] = resourceStart
      columns.resourceEnd[row] = resourceEnd
      columns.serviceStart[row] = serviceStart
      columns.serviceEnd[row] = serviceEnd
      scanSpan(bytes, p, stop, columns, row, visitor)
      columns.count = row + 1
      p = stop
    } else if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, end)
      scanScope(bytes, next, stop, visitor)
      p = stop
    } else if (tag === 0x1a) p = lengthEnd(bytes, p, end)
    else p = skipField(bytes, p, end, tag, SCOPE_SPANS)
  }
}

function scanScope(bytes: Uint8Array, p: number, end: number, visitor: AttributeVisitor | undefined): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x0a || tag === 0x12 || tag === 0x1a) {
      const stop = lengthEnd(bytes, p, end)
      if (visitor && tag === 0x1a) visitor.attribute(bytes, next, stop, -1, 2)
      p = stop
    } else if (tag === 0x20) {
      readUint32(bytes, p, end)
      p = next
    } else p = skipField(bytes, p, end, tag, SCOPE)
  }
}

/*
 * field            tag         field                     tag
 * trace_id         0x0a        attributes                0x4a
 * span_id          0x12        dropped_attributes_count  0x50
 * trace_state      0x1a        events                    0x5a
 * parent_span_id   0x22        dropped_events_count      0x60
 * name             0x2a        links                     0x6a
 * kind             0x30        dropped_links_count       0x70
 * start, end       0x39, 0x41  status                    0x7a
 * flags            0x85 0x01 (133)
 */
function scanSpan(
  bytes: Uint8Array,
  p: number,
  end: number,
  columns: SpanColumns,
  row: number,
  visitor: AttributeVisitor | undefined,
): void {
  columns.spanStart[row] = p
  columns.spanEnd[row] = end
  let startLo = 0
  let startHi = 0
  let endLo = 0
  let endHi = 0
  let kind = 0
  let status = 0
  let links = 0
  let events = 0
  let traceId = 0
  let spanId = 0
  let parentId = 0
  let nameStart = 0
  let nameEnd = 0
  let stateStart = 0
  let stateEnd = 0
  while (p < end) {
    let tag = bytes[p]!
    if (tag < 128) p++
    else {
      tag = readTag(bytes, p, end) >>> 0
      p = next >>> 0
    }
    if ((tag & 7) !== LENGTH) {
      switch (tag) {
        case 0x30:
          kind = readUint32(bytes, p, end) >>> 0
          p = next >>> 0
          break
        case 0x39: {
          const stop = skipFixed(p, 8, end)
          startLo = uint32At(bytes, p)
          startHi = uint32At(bytes, p + 4)
          p = stop
          break
        }
        case 0x41: {
          const stop = skipFixed(p, 8, end)
          endLo = uint32At(bytes, p)
          endHi = uint32At(bytes, p + 4)
          p = stop
          break
        }
        case 0x50:
        case 0x60:
        case 0x70:
          p = skipVarint(bytes, p, end) >>> 0
          break
        case 0x85:
          p = skipFixed(p, 4, end)
          break
        default:
          p = skipField(bytes, p, end, tag, SPAN) >>> 0
      }
      continue
    }
    const length = p < end ? bytes[p]! : 128
    let from = p + 1
    let stop = from + length
    if (length > 127 || stop > end) {
      stop = lengthEnd(bytes, p, end) >>> 0
      from = next >>> 0
    }
    switch (tag) {
      case 0x0a:
        checkId(from, stop, 16)
        traceId = from === stop ? 0 : from
        break
      case 0x12:
        checkId(from, stop, 8)
        spanId = from === stop ? 0 : from
        break
      case 0x1a:
        stateStart = from
        stateEnd = stop
        break
      case 0x22:
        checkId(from, stop, 8)
        parentId = from === stop ? 0 : from
        break
      case 0x2a:
        nameStart = from
        nameEnd = stop
        break
      case 0x4a:
        if (visitor) visitor.attribute(bytes, from, stop, row, 0)
        // Attributes come one after the other.
        while (stop + 1 < end && bytes[stop] === 0x4a && bytes[stop + 1]! < 128) {
          from = stop + 2
          const after = from + bytes[stop + 1]!
          if (after > end) break
          stop = after
          if (visitor) visitor.attribute(bytes, from, stop, row, 0)
        }
        break
      case 0x5a:
        events++
        if (visitor) scanEvent(bytes, from, stop, row, visitor)
        break
      case 0x6a:
        links++
        if (visitor) scanLink(bytes, from, stop, row, visitor)
        break
      case 0x7a:
        status = scanStatus(bytes, from, stop, status) >>> 0
        break
      default:
        skipField(bytes, p, end, tag, SPAN)
    }
    p = stop
  }
  copyId(bytes, traceId, columns.traceId, row * 16, 16)
  copyId(bytes, spanId, columns.spanId, row * 8, 8)
  copyId(bytes, parentId, columns.parentSpanId, row * 8, 8)
  columns.startLo[row] = startLo
  columns.startHi[row] = startHi
  columns.durationNs[row] = (endHi - startHi) * 4294967296 + (endLo - startLo)
  columns.kind[row] = kind > 5 ? 255 : kind
  columns.status[row] = status > 2 ? 255 : status
  columns.linkCount[row] = links > 65535 ? 65535 : links
  columns.eventCount[row] = events > 65535 ? 65535 : events
  columns.nameStart[row] = nameStart
  columns.nameEnd[row] = nameEnd
  columns.traceStateStart[row] = stateStart
  columns.traceStateEnd[row] = stateEnd
}

/** Copies the id at `from`, or zeros when it is absent: no id is at byte 0, a tag comes before it. */
function copyId(bytes: Uint8Array, from: number, to: Uint8Array, at: number, width: number): void {
  if (from === 0) to.fill(0, at, at + width)
  else for (let i = 0; i < width; i++) to[at + i] = bytes[from + i]!
}

function scanEvent(bytes: Uint8Array, p: number, end: number, row: number, visitor: AttributeVisitor): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x1a) {
      const stop = lengthEnd(bytes, p, end)
      visitor.attribute(bytes, next, stop, row, 3)
      p = stop
    } else if (tag === 0x09) p = skipFixed(p, 8, end)
    else if (tag === 0x12) p = lengthEnd(bytes, p, end)
    else if (tag === 0x20) {
      readUint32(bytes, p, end)
      p = next
    } else p = skipField(bytes, p, end, tag, EVENT)
  }
}

/** Links were stored unread before anybody asked for their attributes: whatever is in one, it still has to be taken. */
function scanLink(bytes: Uint8Array, from: number, end: number, row: number, visitor: AttributeVisitor): void {
  try {
    for (let p = from; p < end;) {
      const tag = readTag(bytes, p, end)
      p = next
      if (tag === 0x22) {
        const stop = lengthEnd(bytes, p, end)
        visitor.attribute(bytes, next, stop, row, 4)
        p = stop
      } else p = skipField(bytes, p, end, tag, 0)
    }
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error
  }
}

function scanStatus(bytes: Uint8Array, p: number, end: number, status: number): number {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x18) {
      status = readUint32(bytes, p, end)
      p = next
    } else if (tag === 0x12) p = lengthEnd(bytes, p, end)
    else p = skipField(bytes, p, end, tag, STATUS)
  }
  return status
}

const scanned = new WeakMap<Chunk, SpanColumns>()

/** Header columns of a traces chunk, scanned at the first call and kept as long as the chunk lives. */
export function columnsOf(chunk: Chunk): SpanColumns {
  let columns = scanned.get(chunk)
  if (!columns) {
    columns = createSpanColumns(chunk.items)
    scanSpans(chunk.bytes, columns)
    scanned.set(chunk, columns)
  }
  return columns
}
