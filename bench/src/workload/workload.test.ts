import { createSpanColumns, decodeTraces, scanSpans, type AnyValue, type KeyValue, type Span } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import {
  createCorpus,
  createPass,
  createSmallRequests,
  createSmallSpans,
  ORDER_KEY,
  orderId,
  PASS_NS,
  SPANS_PER_REQUEST,
  traceIdIn,
  writePatched,
  type Pass,
} from 'spoor/loadgen'
import { decodeRequest, encodeRequest, type ProtoAnyValue, type ProtoKeyValue, type ProtoSpan } from '../rival/proto.ts'

const corpus = createCorpus(16)
const origin = 1_800_000_000_123_456_789n
const byText = (a: string | undefined, b: string | undefined) => (a ?? '').localeCompare(b ?? '')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function inPass(pass: Pass): Uint8Array[] {
  return corpus.requests.map((request) => {
    const buffer = Buffer.alloc(request.bytes.length + 5)
    writePatched(request, pass, buffer, 5)
    return buffer.subarray(5)
  })
}

const spansOf = (bytes: Uint8Array): ProtoSpan[] =>
  decodeRequest(bytes).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))

describe('the corpus', () => {
  const spans = corpus.requests.flatMap((request) => spansOf(request.bytes))

  it('has requests of 512 spans of about 470 bytes with 10 attributes', () => {
    expect(corpus.requests).toHaveLength(16)
    for (const { bytes } of corpus.requests) expect(spansOf(bytes)).toHaveLength(SPANS_PER_REQUEST)
    const bytes = corpus.requests.reduce((sum, request) => sum + request.bytes.length, 0)
    expect(bytes / corpus.spans).toBeGreaterThan(455)
    expect(bytes / corpus.spans).toBeLessThan(485)
    for (const span of spans) expect(span.attributes).toHaveLength(10)
  })

  it('has traces of about 16 spans that lie in several requests, with every parent in the trace', () => {
    expect(corpus.spans / corpus.traces.length).toBeGreaterThan(14)
    expect(corpus.spans / corpus.traces.length).toBeLessThan(18)
    const requestsOf = new Map<string, Set<number>>()
    for (const [i, { bytes }] of corpus.requests.entries()) {
      for (const span of spansOf(bytes)) {
        const id = hex(span.traceId)
        requestsOf.set(id, (requestsOf.get(id) ?? new Set()).add(i))
      }
    }
    const spread = [...requestsOf.values()].map((requests) => requests.size)
    expect(spread.filter((requests) => requests > 1).length).toBeGreaterThan(0.95 * spread.length)
    const ids = new Set(spans.map((span) => hex(span.traceId) + hex(span.spanId)))
    for (const span of spans) {
      if (span.parentSpanId.length > 0) expect(ids).toContain(hex(span.traceId) + hex(span.parentSpanId))
    }
  })

  it('says truly what is in its traces', () => {
    const counted = new Map<string, number>()
    for (const span of spans) counted.set(hex(span.traceId), (counted.get(hex(span.traceId)) ?? 0) + 1)
    expect(new Map(corpus.traces.map((trace) => [hex(trace.traceId), trace.spans]))).toEqual(counted)
    const orders = spans.flatMap((span) => span.attributes.filter(({ key }) => key === ORDER_KEY))
    expect(orders.map(({ value }) => value?.stringValue).toSorted(byText)).toEqual(
      corpus.traces.flatMap((trace) => trace.orders.map((order) => orderId(order, 0))).toSorted(byText),
    )
  })

  it('is the same from the same seed, and another from another', () => {
    expect(createCorpus(2, 5)).toEqual(createCorpus(2, 5))
    expect(createCorpus(2, 5).requests[0]?.bytes).not.toEqual(createCorpus(2, 6).requests[0]?.bytes)
  })
})

describe('the small workloads', () => {
  const spansIn = ({ bytes }: { readonly bytes: Uint8Array }) => spansOf(bytes)

  it('have requests of a whole trace each, most of them of few spans', () => {
    const { requests, traces, spans } = createSmallRequests(4_000)
    const sizes = requests.map((request) => spansIn(request).length)
    expect(sizes).toEqual(requests.map((request) => request.spans))
    expect(sizes).toEqual(traces.map((trace) => trace.spans))
    expect(spans).toBe(sizes.reduce((sum, size) => sum + size, 0))
    expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([1, 50])
    expect(sizes.filter((size) => size <= 4).length / sizes.length).toBeGreaterThan(0.4)
    for (const [i, request] of requests.entries()) {
      const ids = new Set(spansIn(request).map(({ traceId }) => hex(traceId)))
      expect([...ids]).toEqual([hex(traces[i]!.traceId)])
    }
  })

  it('have small spans with attributes of many keys and values', () => {
    const { requests, traces, spans } = createSmallSpans(4)
    expect([requests.length, spans, traces.length]).toEqual([4, 2048, 1024])
    const all = requests.flatMap(spansIn)
    const bytes = requests.reduce((sum, request) => sum + request.bytes.length, 0)
    expect(bytes / spans).toBeGreaterThan(150)
    expect(bytes / spans).toBeLessThan(220)
    expect(new Set(all.map((span) => span.attributes.length))).toEqual(new Set([0, 11]))
    expect(new Set(all.flatMap((span) => span.attributes.map(({ key }) => key))).size).toBe(97)
  })
})

describe('a pass', () => {
  it('repeats no id and no order of another pass', () => {
    const passes = [0, 1, 2, 255, 256, 65_535].map((number) => createPass(number, origin))
    const spanIds = new Set<string>()
    const traceIds = new Set<string>()
    const orders = new Set<string>()
    for (const pass of passes) {
      for (const span of inPass(pass).flatMap(spansOf)) {
        spanIds.add(hex(span.spanId))
        traceIds.add(hex(span.traceId))
        for (const { key, value } of span.attributes) if (key === ORDER_KEY) orders.add(value?.stringValue ?? '')
      }
    }
    const count = corpus.traces.reduce((sum, trace) => sum + trace.orders.length, 0)
    expect(spanIds.size).toBe(corpus.spans * passes.length)
    expect(traceIds.size).toBe(corpus.traces.length * passes.length)
    expect(orders.size).toBe(count * passes.length)
  })

  it('moves times by its place in time, over the limit of 32 bits too', () => {
    const pass = createPass(3, origin)
    const before = corpus.requests.flatMap((request) => spansOf(request.bytes))
    const after = inPass(pass).flatMap(spansOf)
    const moved = origin + 3n * BigInt(PASS_NS)
    for (const [i, span] of after.entries()) {
      const from = before[i]
      expect(span.startTimeUnixNano.toBigInt()).toBe((from?.startTimeUnixNano.toBigInt() ?? 0n) + moved)
      expect(span.endTimeUnixNano.toBigInt()).toBe((from?.endTimeUnixNano.toBigInt() ?? 0n) + moved)
      expect(span.endTimeUnixNano.toBigInt()).toBeGreaterThanOrEqual(span.startTimeUnixNano.toBigInt())
    }
  })

  it('keeps traces and parents together, and knows their ids and orders', () => {
    const pass = createPass(9, origin)
    const spans = inPass(pass).flatMap(spansOf)
    const byTrace = Map.groupBy(spans, (span) => hex(span.traceId))
    for (const trace of corpus.traces) {
      const found = byTrace.get(traceIdIn(pass, trace.traceId)) ?? []
      expect(found).toHaveLength(trace.spans)
      const ids = new Set(found.map((span) => hex(span.spanId)))
      for (const { parentSpanId } of found) if (parentSpanId.length > 0) expect(ids).toContain(hex(parentSpanId))
      const orders = found.flatMap((span) => span.attributes.filter(({ key }) => key === ORDER_KEY))
      expect(orders.map(({ value }) => value?.stringValue).toSorted(byText)).toEqual(
        trace.orders.map((order) => orderId(order, 9)).toSorted(byText),
      )
    }
  })
})

describe('the two readers', () => {
  const requests = inPass(createPass(1, origin)).slice(0, 4)

  it('see the same spans', () => {
    for (const bytes of requests) {
      const ours = decodeTraces(bytes).resourceSpans
      const theirs = decodeRequest(bytes).resourceSpans
      expect(ours.map(({ resource }) => resource.attributes.map(plainOurs))).toEqual(
        theirs.map(({ resource }) => resource?.attributes.map(plainTheirs)),
      )
      expect(ours.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans.map(spanOurs)))).toEqual(
        theirs.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans.map(spanTheirs))),
      )
    }
  })

  it('find the same headers in a scan', () => {
    for (const bytes of requests) {
      const columns = createSpanColumns()
      scanSpans(bytes, columns)
      const spans = spansOf(bytes)
      expect(columns.count).toBe(spans.length)
      for (const [row, span] of spans.entries()) {
        expect(hex(columns.traceId.subarray(row * 16, row * 16 + 16))).toBe(hex(span.traceId))
        expect(hex(columns.spanId.subarray(row * 8, row * 8 + 8))).toBe(hex(span.spanId))
        expect(Buffer.from(bytes).toString('utf8', columns.nameStart[row], columns.nameEnd[row])).toBe(span.name)
      }
    }
  })

  it('write the same bytes back: the rival loses nothing', () => {
    for (const bytes of requests) expect(hex(encodeRequest(decodeRequest(bytes)))).toBe(hex(bytes))
  })
})

const plainOurs = ({ key, value }: KeyValue) => [key, valueOurs(value)]
const plainTheirs = ({ key, value }: ProtoKeyValue) => [key, valueTheirs(value)]

function valueOurs(any: AnyValue): unknown {
  return any.type === 'array' || any.type === 'map' || any.type === 'empty' ? any.type : any.value
}

function valueTheirs(any: ProtoAnyValue | null): unknown {
  if (!any?.value) return 'empty'
  return any.value === 'intValue' ? any.intValue.toBigInt() : any[any.value]
}

const spanOurs = (span: Span) => ({
  ids: [span.traceId, span.spanId, span.parentSpanId],
  name: span.name,
  kind: span.kind,
  flags: span.flags,
  times: [span.startTimeUnixNano, span.endTimeUnixNano],
  status: [span.status.code, span.status.message],
  attributes: span.attributes.map(plainOurs),
  events: span.events.map((event) => [event.name, event.timeUnixNano, event.attributes.map(plainOurs)]),
  links: span.links.map((link) => [link.traceId, link.spanId]),
})

const spanTheirs = (span: ProtoSpan) => ({
  ids: [hex(span.traceId), hex(span.spanId), hex(span.parentSpanId)],
  name: span.name,
  kind: span.kind,
  flags: span.flags,
  times: [span.startTimeUnixNano.toBigInt(), span.endTimeUnixNano.toBigInt()],
  status: [span.status?.code ?? 0, span.status?.message ?? ''],
  attributes: span.attributes.map(plainTheirs),
  events: span.events.map((event) => [event.name, event.timeUnixNano.toBigInt(), event.attributes.map(plainTheirs)]),
  links: span.links.map((link) => [hex(link.traceId), hex(link.spanId)]),
})
