import { createHash } from 'node:crypto'
import { freeBytes } from '@spoor/collector'
import type { KeyValue, Span, SpanColumns } from '@spoor/otlp'

const SERVER = 2
const CLIENT = 3
/** Attributes that hold an IPv4 address as a number. */
const IP_KEYS = new Set(['ip', 'peer.ipv4'])

export interface Adjuster {
  /**
   * The span as Jaeger shows it, with warnings about it; undefined for an exact duplicate of an earlier one. `bytes` gives the span's
   * own, `process` is the number of its process among the trace's.
   */
  adjust(
    span: Span,
    bytes: () => Uint8Array,
    process: number,
  ): { readonly span: Span; readonly warnings: readonly string[] } | undefined
}

/** Leaves spans as they came: Jaeger's `raw=true`. */
export const rawAdjuster: Adjuster = { adjust: (span) => ({ span, warnings: [] }) }

/** What is done to each span by itself, without knowing the others of its trace. */
export const spanAdjuster: Adjuster = { adjust: (span) => adjustSpan(span, span.spanId, span.parentSpanId) }

/** What the adjuster has to know of all spans of a trace before it can adjust the first: their ids and kinds. */
export interface SpanIndex {
  /** Adds a piece of the trace; false when there is no room for it. */
  add(piece: { readonly columns: SpanColumns; readonly rows: readonly number[] }): boolean
  adjuster(): Adjuster
  /** Gives its memory back. The adjuster cannot be used any more. */
  free(): void
}

const SERVER_BIT = 1
const CLIENT_BIT = 2
/** More than one span has the id. */
const SHARED_BIT = 4
/** Some span has the id. */
const TAKEN_BIT = 8
/** What a client span and a server span with one id have together. */
const CLIENT_AND_SERVER = SERVER_BIT | CLIENT_BIT | SHARED_BIT
/** Of a span that is known again, in a set. */
const SEEN_BYTES = 64

/**
 * What Jaeger's query service does to a trace before it shows it, span by span. Not done: clock skew (off by default in
 * Jaeger too), and sorting events by name (they stay in the order in which they came). What it moves from spans to their resource is moved in
 * `otlp.ts`; in the legacy model, where SDKs that put it there are not heard of, it stays.
 *
 * @param grow asked before so many more bytes are held; false: there is no room for them
 * @param maxSpans how many spans it takes
 *
 * Source: jaeger v2.20, `jaegerquery/internal/adjuster/standard.go`.
 */
export function createSpanIndex(grow: (bytes: number) => boolean, maxSpans: number): SpanIndex {
  const ids = new SpanIds(grow)
  let spans = 0
  return {
    add({ columns, rows }) {
      spans += rows.length
      if (spans > maxSpans || !ids.reserve(rows.length)) return false
      for (const row of rows) {
        const kind = columns.kind[row]
        ids.add(columns.spanId, row * 8, kind === SERVER ? SERVER_BIT : kind === CLIENT ? CLIENT_BIT : 0)
      }
      return true
    },
    free: () => ids.free(),
    adjuster() {
      const seen = new Set<string>()
      /** Whether the span is a duplicate. Where there is no room to know it again, the next one is not. */
      const isSeen = (bytes: Uint8Array, process: number): boolean => {
        const key = createHash('sha256').update(`${process} `).update(bytes).digest('base64')
        if (seen.has(key)) return true
        if (grow(SEEN_BYTES)) seen.add(key)
        return false
      }
      return {
        adjust(span, bytes, process) {
          const bits = ids.bitsOf(span.spanId)
          if (bits & SHARED_BIT && isSeen(bytes(), process)) return undefined
          const isShared = span.kind === SERVER && bits === CLIENT_AND_SERVER
          if (isShared) return adjustSpan(span, freeId(span.spanId, ids), span.spanId)
          const parent = span.parentSpanId
          return adjustSpan(span, span.spanId, ids.bitsOf(parent) === CLIENT_AND_SERVER ? freeId(parent, ids) : parent)
        },
      }
    },
  }
}

/** Span ids with some bits for each, in 9 to 24 bytes an id. */
class SpanIds {
  readonly #grow: (bytes: number) => boolean
  #size = 0
  /** Two words a place. */
  #ids = new Uint32Array(2 * 1024)
  /** 0: the place is free. */
  #bits = new Uint8Array(1024)

  constructor(grow: (bytes: number) => boolean) {
    this.#grow = grow
  }

  /** Makes room for so many more ids; false when there is none. */
  reserve(count: number): boolean {
    let places = this.#bits.length
    while (3 * places < 4 * (this.#size + count)) places *= 2
    if (places === this.#bits.length) return true
    if (!this.#grow(9 * places)) return false
    const [ids, bits] = [this.#ids, this.#bits]
    this.#ids = new Uint32Array(2 * places)
    this.#bits = new Uint8Array(places)
    for (let place = 0; place < bits.length; place++) {
      if (bits[place] === 0) continue
      const to = this.#placeOf(ids[2 * place]!, ids[2 * place + 1]!)
      this.#ids.set(ids.subarray(2 * place, 2 * place + 2), 2 * to)
      this.#bits[to] = bits[place]!
    }
    free(ids, bits)
    return true
  }

  /** Gives the memory back at once. */
  free(): void {
    free(this.#ids, this.#bits)
  }

  /** Adds the id at `offset`; there is room for it. */
  add(bytes: Uint8Array, offset: number, bits: number): void {
    const high = wordAt(bytes, offset)
    const low = wordAt(bytes, offset + 4)
    const place = this.#placeOf(high, low)
    const before = this.#bits[place]!
    this.#ids[2 * place] = high
    this.#ids[2 * place + 1] = low
    this.#bits[place] = before | bits | TAKEN_BIT | (before > 0 ? SHARED_BIT : 0)
    if (before === 0) this.#size++
  }

  /** The bits of all spans that have the id; 0 when none has it. */
  bitsOf(id: string): number {
    return this.#at(id) & ~TAKEN_BIT
  }

  has(id: string): boolean {
    return this.#at(id) > 0
  }

  #at(id: string): number {
    if (id.length !== 16) return 0
    return this.#bits[this.#placeOf(Number.parseInt(id.slice(0, 8), 16), Number.parseInt(id.slice(8), 16))]!
  }

  /** Where the id is, or where it belongs. */
  #placeOf(high: number, low: number): number {
    const mask = this.#bits.length - 1
    let place = (Math.imul(high ^ Math.imul(low, 0x85ebca6b), 0x9e3779b1) >>> 7) & mask
    while (this.#bits[place] !== 0 && (this.#ids[2 * place] !== high || this.#ids[2 * place + 1] !== low)) {
      place = (place + 1) & mask
    }
    return place
  }
}

function free(...arrays: readonly (Uint8Array | Uint32Array)[]): void {
  for (const { buffer } of arrays) freeBytes(new Uint8Array(buffer))
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0
}

function adjustSpan(span: Span, spanId: string, parentSpanId: string) {
  const links = span.links.filter((link) => hasId(link.traceId))
  const warnings = span.links.slice(links.length).map(() => 'Invalid span link removed')
  const attributes = adjustAttributes(span.attributes)
  const events = span.events.map((event) => ({ ...event, attributes: sorted(event.attributes) }))
  return { span: { ...span, spanId, parentSpanId, attributes, events, links }, warnings }
}

const hasId = (hex: string) => /[1-9a-f]/.test(hex)

/**
 * A new id for a server span that shares its own with a client span, as Zipkin has it: by it the server span becomes the client span's
 * child, and takes the children with it. One that nobody has, and always the same for the same trace, so that links to it stay good.
 */
function freeId(id: string, taken: SpanIds): string {
  let free = id
  do free = createHash('sha256').update(free).digest('hex').slice(0, 16)
  while (taken.has(free))
  return free
}

/** Attributes of a span or a resource: by key, and addresses with dots. */
export function adjustAttributes(attributes: readonly KeyValue[]): KeyValue[] {
  return sorted(attributes).map(dottedIp)
}

/** By key, by code units. */
export function sorted(attributes: readonly KeyValue[]): KeyValue[] {
  return [...attributes].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function dottedIp(attribute: KeyValue): KeyValue {
  const { key, value } = attribute
  if (!IP_KEYS.has(key) || (value.type !== 'int' && value.type !== 'double')) return attribute
  const number = Number(value.value)
  const parts = [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff)
  return { key, value: { type: 'string', value: parts.join('.') } }
}
