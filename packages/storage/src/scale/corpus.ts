import { createBatch, encodeTraces, type ResourceSpans, type Span } from '@spoor/otlp'
import type { TraceStore } from '../contract.ts'
import { attributes, hexId, MS, T0, traceId } from '../conformance/spans.ts'

/** Spans of each trace, and milliseconds from one trace's start to the next one's. */
export const SPANS_PER_TRACE = 8
const STEP_MS = 5
/** One trace in so many has a span of this name, and one that is this long, and longer by a millisecond from one such trace to the next. */
export const RARE = 9_973
export const RARE_NAME = 'rebuild index'
export const RARE_MS = 60_000
const SERVICES = 20
const TRACES_PER_REQUEST = 64

/** What a store holds that is made to be searched: traces one after the other, each of a gateway and seven calls from it. */
export async function fill(store: TraceStore, spans: number): Promise<void> {
  const traces = Math.ceil(spans / SPANS_PER_TRACE)
  const pending: Promise<void>[] = []
  for (let first = 0; first < traces; first += TRACES_PER_REQUEST) {
    const count = Math.min(TRACES_PER_REQUEST, traces - first)
    const bytes = encodeTraces({ resourceSpans: requestOf(first, count) })
    pending.push(store.append(createBatch('traces', [{ bytes, items: count * SPANS_PER_TRACE }])))
    if (pending.length > 8) await pending.shift()
  }
  await Promise.all(pending)
}

/** An order's number is in one trace, and in every trace there is one. */
export function orderOf(trace: number): string {
  return `order-${trace}`
}

/** Distinct values of `http.response.body.size` and `app.product.id`, one trace after the other. */
const MIXED = 10_000

function mixed(trace: number): number {
  return (trace * 7919) % MIXED
}

/** Nanoseconds since 1970. */
export function startOf(trace: number): bigint {
  return T0 + BigInt(trace * STEP_MS) * MS
}

function requestOf(first: number, count: number): ResourceSpans[] {
  const services = new Map<string, Span[]>()
  for (let trace = first; trace < first + count; trace++) {
    for (let k = 0; k < SPANS_PER_TRACE; k++) {
      const service = k === 0 ? 'gateway' : `service-${(trace + k) % SERVICES}`
      const list = services.get(service)
      if (list) list.push(spanOf(trace, k))
      else services.set(service, [spanOf(trace, k)])
    }
  }
  return [...services].map(([name, spans]) => ({
    resource: { attributes: attributes({ 'service.name': name }), droppedAttributesCount: 0 },
    schemaUrl: '',
    scopeSpans: [
      {
        scope: { name: 'scale', version: '', attributes: [], droppedAttributesCount: 0 },
        schemaUrl: '',
        spans,
      },
    ],
  }))
}

function spanOf(trace: number, k: number): Span {
  const isRare = trace % RARE === RARE - 1
  const start = startOf(trace) + BigInt(k) * MS
  const ms =
    k === 0 ? (isRare ? RARE_MS + Math.floor(trace / RARE) : 20 + ((trace * 7919) % 1000)) : 1 + ((trace + k) % 15)
  return {
    traceId: traceId(trace),
    spanId: hexId(trace * SPANS_PER_TRACE + k + 1, 16),
    parentSpanId: k === 0 ? '' : hexId(trace * SPANS_PER_TRACE + 1, 16),
    traceState: '',
    flags: 1,
    name: isRare && k === 3 ? RARE_NAME : `call ${k}`,
    kind: k === 0 ? 2 : 3,
    startTimeUnixNano: start,
    endTimeUnixNano: start + BigInt(ms) * MS,
    attributes: attributes({
      'http.request.method': trace % 3 === 0 ? 'POST' : 'GET',
      'http.response.status_code': BigInt(200 + (trace % 7)),
      ...(k === 1 && { 'order.id': orderOf(trace) }),
      tenant: `tenant-${trace % 10}`,
      ...(k === 2 && { 'http.response.body.size': BigInt(mixed(trace)), 'app.product.id': `sku-${mixed(trace)}` }),
      ...(k === 5 && { 'db.system.name': 'redis' }),
      ...(k === 6 && { 'rpc.system': 'grpc' }),
    }),
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: isRare && k === 3 ? 2 : 0, message: '' },
  }
}
