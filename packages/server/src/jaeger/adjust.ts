import { createHash } from 'node:crypto'
import { bytesToHex, type KeyValue, type Span, type SpanColumns } from '@spoor/otlp'

const SERVER = 2
const CLIENT = 3
/** Attributes that hold an IPv4 address as a number. */
const IP_KEYS = new Set(['ip', 'peer.ipv4'])

export interface Adjuster {
  /**
   * The span as Jaeger shows it, with warnings about it; undefined for an exact duplicate of an earlier one. `process`
   * is the number of the span's process among the trace's.
   */
  adjust(
    span: Span,
    row: number,
    process: number,
  ): { readonly span: Span; readonly warnings: readonly string[] } | undefined
}

/** Leaves spans as they came: Jaeger's `raw=true`. */
export const rawAdjuster: Adjuster = { adjust: (span) => ({ span, warnings: [] }) }

/**
 * What Jaeger's query service does to a trace before it shows it, span by span. Not done: clock skew (off by default in
 * Jaeger too), moving `telemetry.sdk.*` from spans to the resource (SDKs put them there), and sorting events by name
 * (they stay in the order in which they came).
 *
 * Source: jaeger v2.20, `jaegerquery/internal/adjuster/standard.go`.
 */
export function createAdjuster(bytes: Uint8Array, columns: SpanColumns, rows: readonly number[]): Adjuster {
  const counts = new Map<string, number>()
  for (const row of rows) {
    const id = spanIdOf(columns, row)
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  const serverIds = sharedServerIds(columns, rows, counts)
  const seen = new Set<string>()

  function isDuplicate(row: number, process: number): boolean {
    if (counts.get(spanIdOf(columns, row)) === 1) return false
    const text = Buffer.from(bytes.subarray(columns.spanStart[row], columns.spanEnd[row])).toString('latin1')
    const key = `${process} ${text}`
    return seen.has(key) || !seen.add(key)
  }

  return {
    adjust(span, row, process) {
      if (isDuplicate(row, process)) return undefined
      const links = span.links.filter((link) => hasId(link.traceId) && hasId(link.spanId))
      const warnings = span.links.slice(links.length).map(() => 'Invalid span link removed')
      const attributes = sorted(span.attributes).map(dottedIp)
      const events = span.events.map((event) => ({ ...event, attributes: sorted(event.attributes) }))
      const ids = span.kind === SERVER ? serverIds.get(span.spanId) : undefined
      const spanId = ids ?? span.spanId
      const parentSpanId = ids === undefined ? (serverIds.get(span.parentSpanId) ?? span.parentSpanId) : span.spanId
      return { span: { ...span, spanId, parentSpanId, attributes, events, links }, warnings }
    },
  }
}

function spanIdOf(columns: SpanColumns, row: number): string {
  return bytesToHex(columns.spanId, row * 8, row * 8 + 8)
}

const hasId = (hex: string) => /[1-9a-f]/.test(hex)

/**
 * New ids for server spans that share theirs with a client span, as Zipkin has it: by it the server span becomes the
 * client span's child, and takes the children with it.
 */
function sharedServerIds(
  columns: SpanColumns,
  rows: readonly number[],
  taken: ReadonlyMap<string, number>,
): Map<string, string> {
  const kinds = new Map<string, Set<number>>()
  for (const row of rows) {
    const id = spanIdOf(columns, row)
    if (taken.get(id) === 1) continue
    const found = kinds.get(id) ?? new Set()
    kinds.set(id, found.add(columns.kind[row]!))
  }
  const newIds = new Map<string, string>()
  for (const [id, found] of kinds) if (found.has(SERVER) && found.has(CLIENT)) newIds.set(id, freeId(id, taken))
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
