import type { CompareQuery, GroupKey, SpanSet } from '../../contract.ts'
import { isFilterOfHeaders } from '../../header-filter.ts'
import { RowWriter, type RowReader } from '../row-binary.ts'
import { KIND_NAMES, STATUS_NAMES } from '../write/columns.ts'
import type { SpanOfTrace } from './spans.ts'

/*
 * Most of what is counted asks a span's header and nothing else. Then only that is read: a span that has no more than its header, a fifth of the bytes.
 */

/** Whether a set can be told of headers. */
export function isOfHeaders(set: SpanSet | undefined): boolean {
  if (!set) return true
  switch (set.op) {
    case 'spans':
      return !set.filter || isFilterOfHeaders(set.filter)
    case 'and':
    case 'or':
      return set.args.every(isOfHeaders)
    case 'related':
      return isOfHeaders(set.left) && isOfHeaders(set.right)
    case 'having':
      return (!set.of || 'field' in set.of) && isOfHeaders(set.arg)
    case 'without':
      return isOfHeaders(set.arg) && isOfHeaders(set.among)
    default:
      return isOfHeaders(set.among)
  }
}

/** Whether keys that are grouped by, or compared, are fields. */
export function areFields(keys: readonly GroupKey[] | CompareQuery['keys'] = []): boolean {
  return keys.every((key) => 'field' in key)
}

function numberOf(column: string, names: readonly string[]): string {
  const list = `[${names.map((name) => `'${name}'`).join(', ')}]`
  return `toUInt8(if(indexOf(${list}, ${column}) = 0, 255, indexOf(${list}, ${column}) - 1))`
}

/** In the order of {@link decodeHeader}. */
export const HEADER_COLUMNS = [
  'unhex(TraceId)',
  'unhex(SpanId)',
  'unhex(ParentSpanId)',
  'SpanName',
  numberOf('toString(SpanKind)', KIND_NAMES),
  'ServiceName',
  'SpoorStart',
  'toUInt64(SpoorStart + SpoorDuration)',
  numberOf('toString(StatusCode)', STATUS_NAMES),
].join(', ')

const SERVICE_NAME = new TextEncoder().encode('service.name')
/** Services whose resource is kept ready. */
const MAX_SERVICES = 1_000

/** Makes serialized spans of headers. */
export function headerDecoder(): (row: RowReader) => SpanOfTrace {
  const resources = new Map<string, Uint8Array>()
  const scope = new Uint8Array()
  const resourceOf = (service: string): Uint8Array => {
    let resource = resources.get(service)
    if (!resource) {
      resource = serviceResource(service)
      if (resources.size < MAX_SERVICES) resources.set(service, resource)
    }
    return resource
  }
  const out = new RowWriter(1 << 10)
  const field = (tag: number, bytes: Uint8Array): void => {
    if (bytes.length === 0) return
    out.uint8(tag)
    out.range(bytes, 0, bytes.length)
  }
  const time = (tag: number, bytes: Uint8Array): void => {
    out.uint8(tag)
    out.raw(bytes, 0, bytes.length)
  }
  return (row) => {
    out.clear(1 << 16)
    const trace = row.bytes()
    field(0x0a, trace)
    field(0x12, row.bytes())
    field(0x22, row.bytes())
    field(0x2a, row.bytes())
    out.uint8(0x30)
    out.varint(row.uint8())
    const resource = resourceOf(row.text())
    time(0x39, row.raw(8))
    time(0x41, row.raw(8))
    const status = row.uint8()
    out.uint8(0x7a)
    out.uint8(status > 127 ? 3 : 2)
    out.uint8(0x18)
    out.varint(status)
    // Many are read before the first is looked at.
    return { trace, resource, scope, span: out.written.slice() }
  }
}

/** `ResourceSpans` of a resource that has its service's name. */
function serviceResource(service: string): Uint8Array {
  const value = new RowWriter(64)
  value.uint8(0x0a)
  value.text(service)
  const pair = new RowWriter(64)
  pair.uint8(0x0a)
  pair.range(SERVICE_NAME, 0, SERVICE_NAME.length)
  pair.uint8(0x12)
  pair.range(value.bytes, 0, value.at)
  const attribute = new RowWriter(64)
  attribute.uint8(0x0a)
  attribute.range(pair.bytes, 0, pair.at)
  const resource = new RowWriter(64)
  resource.uint8(0x0a)
  resource.range(attribute.bytes, 0, attribute.at)
  return resource.written
}
