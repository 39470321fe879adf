import { createSpanColumns, scanSpans, type SpanColumns } from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import { MAX_DURATION_NS } from '../../local/block/rows.ts'
import { RowWriter } from '../row-binary.ts'
import { AttributeWriter } from './attributes.ts'
import { KIND_NAMES, STATUS_NAMES } from './columns.ts'
import { Fields } from './fields.ts'

/** Tags of opentelemetry-proto. ResourceSpans: resource, scope_spans; ScopeSpans: scope, spans. */
const FIRST = 0x0a
const SECOND = 0x12
const RESOURCE_ATTRIBUTES = 0x0a
const SCOPE_NAME = 0x0a
const SCOPE_VERSION = 0x12
const SCOPE_ATTRIBUTES = 0x1a
const SPAN_ATTRIBUTES = 0x4a
const EVENTS = 0x5a
const LINKS = 0x6a
const STATUS = 0x7a
const STATUS_MESSAGE = 0x12
const EVENT_TIME = 0x09
const EVENT_NAME = 0x12
const EVENT_ATTRIBUTES = 0x1a
const LINK_TRACE = 0x0a
const LINK_SPAN = 0x12
const LINK_STATE = 0x1a
const LINK_ATTRIBUTES = 0x22

/** The upper half of the last time that all of ClickHouse's types for times have, in 2106; later ones are kept in `SpoorStart`. */
const LAST_HI = Math.floor((4_294_967_290 * 1e9) / 2 ** 32)
const KINDS: readonly string[] = KIND_NAMES
const STATUSES: readonly string[] = STATUS_NAMES
const GROUP_BYTES = 1 << 12

/**
 * Makes rows of {@link WRITTEN_COLUMNS} from serialized requests, by their bytes: no object is made for a span.
 */
export class SpanRows {
  readonly row: RowWriter
  /** Rows of the batch that is being written, and its number. */
  count = 0
  batch = 0
  readonly #columns: SpanColumns = createSpanColumns(512)
  readonly #attributes = new AttributeWriter()
  readonly #fields = new Fields()
  /** The same for what is in a field of these. */
  readonly #inner = new Fields()
  /** Of the group of spans that is being written, one resource and scope: its columns, made once. */
  readonly #resource = new RowWriter(GROUP_BYTES)
  readonly #scope = new RowWriter(GROUP_BYTES)
  readonly #scopeAttributes = new RowWriter(GROUP_BYTES)
  readonly #envelope = new RowWriter(GROUP_BYTES)
  /** Of a span: where its events, its links and the message of its status are. */
  #events: number[] = []
  #links: number[] = []
  #messageStart = 0
  #messageEnd = 0

  constructor(row: RowWriter) {
    this.row = row
  }

  /** Adds a row for each span, and tells how many. Throws OtlpError for malformed bytes; then nothing was added. */
  add(bytes: Uint8Array): number {
    const columns = this.#columns
    columns.count = 0
    scanSpans(bytes, columns)
    let scope = -1
    for (let i = 0; i < columns.count; i++) {
      if (columns.scopeStart[i] !== scope) {
        scope = columns.scopeStart[i]!
        this.#openGroup(bytes, i)
      }
      this.#span(bytes, i)
    }
    return columns.count
  }

  #openGroup(bytes: Uint8Array, i: number): void {
    const { resourceStart, resourceEnd, scopeStart, scopeEnd } = this.#columns
    const [resource, scope, attributes, envelope] = [this.#resource, this.#scope, this.#scopeAttributes, this.#envelope]
    for (const each of [resource, scope, attributes, envelope]) each.clear(GROUP_BYTES)
    const own = lastMessage(this.#fields, bytes, resourceStart[i]!, resourceEnd[i]!)
    this.#attributes.map(resource, bytes, ...own, RESOURCE_ATTRIBUTES)
    const [start, end] = lastMessage(this.#fields, bytes, scopeStart[i]!, scopeEnd[i]!)
    this.#text(scope, bytes, start, end, SCOPE_NAME)
    this.#text(scope, bytes, start, end, SCOPE_VERSION)
    this.#attributes.map(attributes, bytes, start, end, SCOPE_ATTRIBUTES)
    this.#others(envelope, bytes, resourceStart[i]!, resourceEnd[i]!)
    this.#others(envelope, bytes, scopeStart[i]!, scopeEnd[i]!)
  }

  /** All fields of a `ResourceSpans` or a `ScopeSpans` but those that lead to spans, as one text. */
  #others(to: RowWriter, bytes: Uint8Array, start: number, end: number): void {
    const fields = this.#fields
    let length = 0
    fields.open(bytes, start, end)
    while (fields.next()) if (fields.tag !== SECOND) length += fields.end - fields.fieldStart
    to.varint(length)
    fields.open(bytes, start, end)
    while (fields.next()) if (fields.tag !== SECOND) to.raw(bytes, fields.fieldStart, fields.end)
  }

  /** The text in a field; of several the last counts, as in protobuf. */
  #text(to: RowWriter, bytes: Uint8Array, start: number, end: number, tag: number): void {
    const fields = this.#fields
    let [from, stop] = [0, 0]
    fields.open(bytes, start, end)
    while (fields.next()) if (fields.tag === tag) [from, stop] = [fields.start, fields.end]
    to.range(bytes, from, stop)
  }

  #span(bytes: Uint8Array, i: number): void {
    const { row } = this
    const columns = this.#columns
    const [start, end] = [columns.spanStart[i]!, columns.spanEnd[i]!]
    const [lo, hi] = [columns.startLo[i]!, columns.startHi[i]!]
    const durationNs = Math.max(-MAX_DURATION_NS, Math.min(MAX_DURATION_NS, columns.durationNs[i]!))
    this.#look(bytes, start, end)
    this.#time(lo, hi)
    row.hex(columns.traceId, 16 * i, 16 * i + 16)
    row.hex(columns.spanId, 8 * i, 8 * i + 8)
    if (isZero(columns.parentSpanId, 8 * i, 8 * i + 8)) row.varint(0)
    else row.hex(columns.parentSpanId, 8 * i, 8 * i + 8)
    row.range(bytes, columns.traceStateStart[i]!, columns.traceStateEnd[i]!)
    row.range(bytes, columns.nameStart[i]!, columns.nameEnd[i]!)
    row.text(KINDS[columns.kind[i]!] ?? String(columns.kind[i]))
    if (columns.serviceStart[i] === columns.serviceEnd[i]) row.text(UNKNOWN_SERVICE)
    else row.range(bytes, columns.serviceStart[i]!, columns.serviceEnd[i]!)
    row.raw(this.#resource.bytes, 0, this.#resource.at)
    row.raw(this.#scope.bytes, 0, this.#scope.at)
    this.#attributes.map(row, bytes, start, end, SPAN_ATTRIBUTES)
    row.int64(Math.max(0, durationNs))
    row.text(STATUSES[columns.status[i]!] ?? String(columns.status[i]))
    row.range(bytes, this.#messageStart, this.#messageEnd)
    this.#eventColumns(bytes)
    this.#linkColumns(bytes)
    row.int64(this.batch)
    row.uint32(this.count++)
    row.words(lo, hi)
    row.int64(durationNs)
    row.raw(this.#scopeAttributes.bytes, 0, this.#scopeAttributes.at)
    row.raw(this.#envelope.bytes, 0, this.#envelope.at)
    row.range(bytes, start, end)
  }

  #time(lo: number, hi: number): void {
    if (hi >= LAST_HI) this.row.words(0, LAST_HI)
    else this.row.words(lo, hi)
  }

  /** Finds what is in no column. */
  #look(bytes: Uint8Array, start: number, end: number): void {
    const fields = this.#fields
    this.#events.length = this.#links.length = this.#messageStart = this.#messageEnd = 0
    fields.open(bytes, start, end)
    while (fields.next()) {
      if (fields.tag === EVENTS) this.#events.push(fields.start, fields.end)
      else if (fields.tag === LINKS) this.#links.push(fields.start, fields.end)
      else if (fields.tag === STATUS) {
        this.#inner.open(bytes, fields.start, fields.end)
        while (this.#inner.next()) {
          if (this.#inner.tag !== STATUS_MESSAGE) continue
          this.#messageStart = this.#inner.start
          this.#messageEnd = this.#inner.end
        }
      }
    }
  }

  #eventColumns(bytes: Uint8Array): void {
    const { row } = this
    const events = this.#events
    row.varint(events.length / 2)
    for (let k = 0; k < events.length; k += 2) this.#eventTime(bytes, events[k]!, events[k + 1]!)
    row.varint(events.length / 2)
    for (let k = 0; k < events.length; k += 2) this.#text(row, bytes, events[k]!, events[k + 1]!, EVENT_NAME)
    row.varint(events.length / 2)
    for (let k = 0; k < events.length; k += 2)
      this.#attributes.map(row, bytes, events[k]!, events[k + 1]!, EVENT_ATTRIBUTES)
  }

  #eventTime(bytes: Uint8Array, start: number, end: number): void {
    const fields = this.#fields
    let [lo, hi] = [0, 0]
    fields.open(bytes, start, end)
    while (fields.next()) {
      if (fields.tag === EVENT_TIME) [lo, hi] = [wordAt(bytes, fields.start), wordAt(bytes, fields.start + 4)]
    }
    this.#time(lo, hi)
  }

  #linkColumns(bytes: Uint8Array): void {
    const { row } = this
    const links = this.#links
    for (const tag of [LINK_TRACE, LINK_SPAN]) {
      row.varint(links.length / 2)
      for (let k = 0; k < links.length; k += 2) this.#id(bytes, links[k]!, links[k + 1]!, tag)
    }
    row.varint(links.length / 2)
    for (let k = 0; k < links.length; k += 2) this.#text(row, bytes, links[k]!, links[k + 1]!, LINK_STATE)
    row.varint(links.length / 2)
    for (let k = 0; k < links.length; k += 2)
      this.#attributes.map(row, bytes, links[k]!, links[k + 1]!, LINK_ATTRIBUTES)
  }

  #id(bytes: Uint8Array, start: number, end: number, tag: number): void {
    const fields = this.#fields
    let [from, stop] = [0, 0]
    fields.open(bytes, start, end)
    while (fields.next()) if (fields.tag === tag) [from, stop] = [fields.start, fields.end]
    this.row.hex(bytes, from, stop)
  }
}

/** Where the last message in the first field is; an empty range where there is none. */
function lastMessage(fields: Fields, bytes: Uint8Array, start: number, end: number): [start: number, end: number] {
  let found: [number, number] = [start, start]
  fields.open(bytes, start, end)
  while (fields.next()) if (fields.tag === FIRST) found = [fields.start, fields.end]
  return found
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false
  return true
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
