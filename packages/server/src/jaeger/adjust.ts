import { createHash } from 'node:crypto'
import type { KeyValue, Scope, Span } from '@spoor/otlp'

const SERVER = 2
const CLIENT = 3
/** Attributes that hold an IPv4 address as a number. */
const IP_KEYS = new Set(['ip', 'peer.ipv4'])

/** A span on its way to Jaeger's JSON, with what was found while it was adjusted. */
export interface Adjusted {
  readonly span: Span
  readonly scope: Scope
  /** The index of its process among the trace's. */
  readonly process: number
  readonly warnings: readonly string[]
}

/**
 * What Jaeger's query service does to a trace before it shows it, in its order; `raw=true` leaves it out. Not done:
 * clock skew (off by default in Jaeger too), moving `telemetry.sdk.*` from spans to the resource (SDKs put them there),
 * and sorting events by name (they stay in the order in which they came).
 *
 * Source: jaeger v2.20, `jaegerquery/internal/adjuster/standard.go`.
 */
export function adjust(spans: readonly Adjusted[]): Adjusted[] {
  return removeEmptyLinks(normalizeIps(deduplicate(sortAttributes(separateSharedIds(spans)))))
}

/**
 * Zipkin's client and server spans share an id: the server span gets one of its own, becomes the child of the client
 * span, and takes the children with it.
 */
function separateSharedIds(spans: readonly Adjusted[]): Adjusted[] {
  const clients = new Set(spans.filter(({ span }) => span.kind === CLIENT).map(({ span }) => span.spanId))
  const taken = new Set(spans.map(({ span }) => span.spanId))
  const newIds = new Map<string, string>()
  for (const { span } of spans) {
    if (span.kind !== SERVER || !clients.has(span.spanId) || newIds.has(span.spanId)) continue
    const id = freeId(span.spanId, taken)
    taken.add(id)
    newIds.set(span.spanId, id)
  }
  if (newIds.size === 0) return [...spans]
  return spans.map((adjusted) => {
    const { span } = adjusted
    const own = span.kind === SERVER ? newIds.get(span.spanId) : undefined
    if (own !== undefined) return { ...adjusted, span: { ...span, spanId: own, parentSpanId: span.spanId } }
    const parent = newIds.get(span.parentSpanId)
    return parent === undefined ? adjusted : { ...adjusted, span: { ...span, parentSpanId: parent } }
  })
}

/** An id that nobody has, always the same for the same trace, so that links to it stay good. */
function freeId(id: string, taken: ReadonlySet<string>): string {
  let free = id
  do free = createHash('sha256').update(free).digest('hex').slice(0, 16)
  while (taken.has(free))
  return free
}

const byKey = (a: KeyValue, b: KeyValue) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

function sortAttributes(spans: readonly Adjusted[]): Adjusted[] {
  return spans.map((adjusted) => {
    const { span } = adjusted
    const events = span.events.map((event) => ({ ...event, attributes: [...event.attributes].sort(byKey) }))
    return { ...adjusted, span: { ...span, attributes: [...span.attributes].sort(byKey), events } }
  })
}

/** Drops spans that equal an earlier one of the same process in everything: a request that was sent twice. */
function deduplicate(spans: readonly Adjusted[]): Adjusted[] {
  const counts = new Map<string, number>()
  for (const { span } of spans) counts.set(span.spanId, (counts.get(span.spanId) ?? 0) + 1)
  const seen = new Set<string>()
  return spans.filter(({ span, process }) => {
    if (counts.get(span.spanId) === 1) return true
    const text = JSON.stringify([process, span], (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    )
    if (seen.has(text)) return false
    seen.add(text)
    return true
  })
}

function normalizeIps(spans: readonly Adjusted[]): Adjusted[] {
  return spans.map((adjusted) => {
    const { span } = adjusted
    if (!span.attributes.some((attribute) => IP_KEYS.has(attribute.key))) return adjusted
    return { ...adjusted, span: { ...span, attributes: span.attributes.map(dottedIp) } }
  })
}

function dottedIp(attribute: KeyValue): KeyValue {
  const { key, value } = attribute
  if (!IP_KEYS.has(key) || (value.type !== 'int' && value.type !== 'double')) return attribute
  const number = Number(value.value)
  const parts = [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff)
  return { key, value: { type: 'string', value: parts.join('.') } }
}

function removeEmptyLinks(spans: readonly Adjusted[]): Adjusted[] {
  return spans.map((adjusted) => {
    const { span, warnings } = adjusted
    const links = span.links.filter((link) => /[1-9a-f]/.test(link.traceId) && /[1-9a-f]/.test(link.spanId))
    if (links.length === span.links.length) return adjusted
    const removed = span.links.slice(links.length).map(() => 'Invalid span link removed')
    return { ...adjusted, span: { ...span, links }, warnings: [...warnings, ...removed] }
  })
}
