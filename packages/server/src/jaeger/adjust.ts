import { createHash } from 'node:crypto'
import { bytesToHex, type KeyValue, type Span, type SpanColumns } from '@spoor/otlp'

const SERVER = 2
const CLIENT = 3
/** Attributes that hold an IPv4 address as a number. */
const IP_KEYS = new Set(['ip', 'peer.ipv4'])

export interface Adjuster {
  /**
   * The span as Jaeger shows it, with warnings about it; undefined for an exact duplicate of an earlier one. `bytes` are the span's
   * own, `process` is the number of its process among the trace's.
   */
  adjust(
    span: Span,
    bytes: Uint8Array,
    process: number,
  ): { readonly span: Span; readonly warnings: readonly string[] } | undefined
}

/** Leaves spans as they came: Jaeger's `raw=true`. */
export const rawAdjuster: Adjuster = { adjust: (span) => ({ span, warnings: [] }) }

/** What is done to each span by itself, without knowing the others of its trace. */
export const spanAdjuster: Adjuster = { adjust: (span) => adjustSpan(span, span.spanId, span.parentSpanId) }

/** What the adjuster has to know of all spans of a trace before it can adjust the first: their ids and kinds. */
export interface SpanIndex {
  /** Adds the rows of a piece of the trace. */
  add(columns: SpanColumns, rows: readonly number[]): void
  adjuster(): Adjuster
}

const SERVER_BIT = 1
const CLIENT_BIT = 2
/** Added to an id's entry for each span that has it; the bits below are the kinds. */
const ONE_SPAN = 4

/**
 * What Jaeger's query service does to a trace before it shows it, span by span. Not done: clock skew (off by default in
 * Jaeger too), moving `telemetry.sdk.*` from spans to the resource (SDKs put them there), and sorting events by name
 * (they stay in the order in which they came).
 *
 * Source: jaeger v2.20, `jaegerquery/internal/adjuster/standard.go`.
 */
export function createSpanIndex(): SpanIndex {
  const ids = new Map<string, number>()
  const shared = new Set<string>()
  return {
    add(columns, rows) {
      for (const row of rows) {
        const id = bytesToHex(columns.spanId, row * 8, row * 8 + 8)
        const before = ids.get(id) ?? 0
        const kind = columns.kind[row]
        ids.set(id, (before + ONE_SPAN) | (kind === SERVER ? SERVER_BIT : kind === CLIENT ? CLIENT_BIT : 0))
        if (before > 0) shared.add(id)
      }
    },
    adjuster() {
      const serverIds = sharedServerIds(ids, shared)
      const seen = new Set<string>()
      return {
        adjust(span, bytes, process) {
          if (shared.has(span.spanId)) {
            const key = `${process} ${Buffer.from(bytes).toString('latin1')}`
            if (seen.has(key)) return undefined
            seen.add(key)
          }
          const newId = span.kind === SERVER ? serverIds.get(span.spanId) : undefined
          if (newId !== undefined) return adjustSpan(span, newId, span.spanId)
          return adjustSpan(span, span.spanId, serverIds.get(span.parentSpanId) ?? span.parentSpanId)
        },
      }
    },
  }
}

function adjustSpan(span: Span, spanId: string, parentSpanId: string) {
  const links = span.links.filter((link) => hasId(link.traceId) && hasId(link.spanId))
  const warnings = span.links.slice(links.length).map(() => 'Invalid span link removed')
  const attributes = sorted(span.attributes).map(dottedIp)
  const events = span.events.map((event) => ({ ...event, attributes: sorted(event.attributes) }))
  return { span: { ...span, spanId, parentSpanId, attributes, events, links }, warnings }
}

const hasId = (hex: string) => /[1-9a-f]/.test(hex)

/**
 * New ids for server spans that share theirs with a client span, as Zipkin has it: by it the server span becomes the
 * client span's child, and takes the children with it.
 */
function sharedServerIds(ids: ReadonlyMap<string, number>, shared: ReadonlySet<string>): Map<string, string> {
  const newIds = new Map<string, string>()
  const both = SERVER_BIT | CLIENT_BIT
  for (const id of shared) if ((ids.get(id)! & both) === both) newIds.set(id, freeId(id, ids))
  return newIds
}

/** An id that nobody has, always the same for the same trace, so that links to it stay good. */
function freeId(id: string, taken: ReadonlyMap<string, number>): string {
  let free = id
  do free = createHash('sha256').update(free).digest('hex').slice(0, 16)
  while (taken.has(free))
  return free
}

function sorted(attributes: readonly KeyValue[]): KeyValue[] {
  return [...attributes].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

function dottedIp(attribute: KeyValue): KeyValue {
  const { key, value } = attribute
  if (!IP_KEYS.has(key) || (value.type !== 'int' && value.type !== 'double')) return attribute
  const number = Number(value.value)
  const parts = [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff)
  return { key, value: { type: 'string', value: parts.join('.') } }
}
