import { decodeTraces, type Span } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import {
  createMarketCorpus,
  createPass,
  MARKET_SERVICES,
  MARKET_ORDER_KEY,
  PRODUCT_KEY,
  TENANT_KEY,
  traceIdIn,
  writePatched,
  type Pass,
} from 'spoor/loadgen'

const corpus = createMarketCorpus(30_000, 3)
const requests = [...corpus.requests, ...corpus.late]
const origin = 1_800_000_000_123_456_789n

interface Seen extends Span {
  readonly service: string
  readonly request: number
}

/** All spans as they are in a pass, with their service and the request that they came in. */
const spansIn = (pass: Pass): Seen[] =>
  requests.flatMap((request, i) => {
    const buffer = Buffer.alloc(request.bytes.length)
    writePatched(request, pass, buffer, 0)
    return decodeTraces(buffer).resourceSpans.flatMap(({ resource, scopeSpans }) => {
      const name = resource.attributes.find(({ key }) => key === 'service.name')?.value
      const service = name?.type === 'string' ? name.value : ''
      return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service, request: i })))
    })
  })

const pass = createPass(0, origin, true)
const spans = spansIn(pass)
const byTrace = Map.groupBy(spans, ({ traceId }) => traceId)
const share = (test: (span: Seen) => boolean): number => spans.filter(test).length / spans.length
const has = (span: Span, key: string) => span.attributes.some((attribute) => attribute.key === key)
const valuesOf = (list: readonly Span[], key: string): string[] =>
  list.flatMap(({ attributes }) =>
    attributes.flatMap(({ key: each, value }) => (each === key && value.type === 'string' ? [value.value] : [])),
  )

describe('the market', () => {
  it('is what its exporters say it is', () => {
    expect(spans).toHaveLength(corpus.spans)
    expect(spans.length).toBeGreaterThanOrEqual(30_000)
    for (const [i, request] of requests.entries()) {
      expect(spans.filter((span) => span.request === i)).toHaveLength(request.spans)
    }
    const told = corpus.traces.map((trace) => [traceIdIn(pass, trace.traceId), trace.spans] as const)
    expect(new Map([...byTrace].map(([id, list]) => [id, list.length]))).toEqual(new Map(told))
    const late = new Set(spans.filter((span) => span.request >= corpus.requests.length).map((span) => span.service))
    expect([...late]).toEqual(['mobile-app'])
    expect(corpus.traces.reduce((sum, trace) => sum + trace.lateSpans, 0)).toBe(
      corpus.late.reduce((sum, request) => sum + request.spans, 0),
    )
  })

  it('has spans of nearly all of its services, in all kinds, with about ten attributes each', () => {
    expect(new Set(spans.map(({ service }) => service)).size).toBeGreaterThan(MARKET_SERVICES.length - 4)
    for (const kind of [1, 2, 3, 4, 5]) expect(share((span) => span.kind === kind)).toBeGreaterThan(0.005)
    const attributes = spans.reduce((sum, span) => sum + span.attributes.length, 0) / spans.length
    expect(attributes).toBeGreaterThan(7)
    expect(attributes).toBeLessThan(14)
  })

  it('has traces of one span, of dozens, and of thousands', () => {
    const sizes = corpus.traces.map((trace) => trace.spans).toSorted((a, b) => a - b)
    expect(sizes[0]).toBe(1)
    expect(sizes[Math.floor(sizes.length / 2)]).toBeGreaterThan(8)
    expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThan(60)
    expect(sizes.at(-1)).toBeGreaterThan(1_000)
  })

  it('spreads a trace over the requests of its services, each of some dozens of spans', () => {
    const large = [...byTrace.values()].filter((list) => list.length > 20)
    const spread = large.filter((list) => new Set(list.map((span) => span.request)).size > 3)
    expect(spread.length).toBeGreaterThan(0.8 * large.length)
    expect(spans.length / requests.length).toBeGreaterThan(20)
    expect(requests.every((request) => request.spans <= 2_048)).toBe(true)
  })

  it('has errors with stack traces in several languages, and retries', () => {
    expect(share((span) => span.status.code === 2)).toBeGreaterThan(0.005)
    expect(share((span) => span.status.code === 2)).toBeLessThan(0.08)
    const traces = spans
      .flatMap((span) => span.events)
      .flatMap((event) => valuesOf([event as unknown as Span], 'exception.stacktrace'))
    for (const line of [
      '\tat com.market.',
      'Traceback (most recent call last)',
      'goroutine ',
      '    at async ',
      '   at Market.',
    ]) {
      expect(
        traces.some((trace) => trace.includes(line)),
        line,
      ).toBe(true)
    }
    expect(spans.some((span) => has(span, 'http.request.resend_count'))).toBe(true)
  })

  it('has tails that run on after the answer, and links to what they come of', () => {
    const tails = [...byTrace.values()].filter((list) => {
      const root = list.find((span) => span.parentSpanId === '')
      return root && list.some((span) => span.endTimeUnixNano > root.endTimeUnixNano + 50_000_000n)
    })
    expect(tails.length).toBeGreaterThan(0.02 * byTrace.size)
    const linked = spans.filter((span) => span.links.length > 0)
    expect(linked.some((span) => span.links.length > 10)).toBe(true)
    const ids = new Set(spans.map((span) => span.spanId))
    const found = linked.flatMap((span) => span.links).filter((link) => ids.has(link.spanId))
    expect(found.length).toBeGreaterThan(0.9 * linked.flatMap((span) => span.links).length)
  })

  it('has wrong clocks and lost spans, but not many', () => {
    const parents = new Map(spans.map((span) => [span.spanId, span]))
    const children = spans.filter((span) => span.parentSpanId !== '')
    const orphans = children.filter((span) => !parents.has(span.parentSpanId))
    const early = children.filter(
      (span) => (parents.get(span.parentSpanId)?.startTimeUnixNano ?? 0n) > span.startTimeUnixNano,
    )
    expect(orphans.length).toBeGreaterThan(0)
    expect(orphans.length).toBeLessThan(0.02 * spans.length)
    expect(early.length).toBeGreaterThan(0.002 * spans.length)
    expect(early.length).toBeLessThan(0.2 * spans.length)
    expect(spans.every((span) => span.startTimeUnixNano > origin)).toBe(true)
    expect(spans.every((span) => span.endTimeUnixNano >= span.startTimeUnixNano)).toBe(true)
  })

  it('counts tokens, speaks many languages, and has few and many values', () => {
    expect(spans.some((span) => has(span, 'gen_ai.usage.output_tokens'))).toBe(true)
    expect(valuesOf(spans, 'app.search.query')).toContain('レインコート')
    expect(new Set(valuesOf(spans, TENANT_KEY)).size).toBe(6)
    expect(new Set(valuesOf(spans, PRODUCT_KEY)).size).toBeGreaterThan(1_000)
  })
})

describe('another pass over the market', () => {
  const other = createPass(1, origin, true)
  const again = spansIn(other)

  it('repeats no id and no order, and says which orders a trace has', () => {
    const ids = new Set([...spans, ...again].flatMap(({ traceId, spanId }) => [traceId, spanId]))
    expect(ids.size).toBe(2 * (spans.length + byTrace.size))
    const ofTrace = Map.groupBy(again, ({ traceId }) => traceId)
    for (const trace of corpus.traces) {
      const orders = new Set(valuesOf(ofTrace.get(traceIdIn(other, trace.traceId)) ?? [], MARKET_ORDER_KEY))
      expect(orders).toEqual(new Set(trace.orders.map((order) => `ord-${order.toString(16).padStart(6, '0')}0001`)))
    }
  })

  it('has other durations and other products, and 10,000 of these together', () => {
    const durations = (list: readonly Span[]) => list.map((span) => span.endTimeUnixNano - span.startTimeUnixNano)
    const [before, after] = [durations(spans), durations(again)]
    const ratio = other.stretch / pass.stretch
    expect(ratio).not.toBe(1)
    for (const [i, duration] of after.entries()) {
      expect(Math.abs(Number(duration) - Number(before[i]) * ratio)).toBeLessThan(4)
    }
    const products = new Set([...valuesOf(spans, PRODUCT_KEY), ...valuesOf(again, PRODUCT_KEY)])
    expect(products.size).toBeGreaterThan(new Set(valuesOf(spans, PRODUCT_KEY)).size)
    for (const product of products) expect(product).toMatch(/^sku-\d{4}$/)
  })

  it('is the same from the same seed, and another from another', () => {
    expect(createMarketCorpus(2_000, 5)).toEqual(createMarketCorpus(2_000, 5))
    expect(createMarketCorpus(2_000, 5).requests[0]?.bytes).not.toEqual(createMarketCorpus(2_000, 6).requests[0]?.bytes)
  })
})
