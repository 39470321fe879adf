import { countSpans, createBatch, decodeMetrics, encodeTraces, type KeyValue } from '@spoor/otlp'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { CollectorError, EMPTY_CONTEXT } from '../../component/index.ts'
import { createSink, createTestContext } from '../../testkit/index.ts'
import { Aggregator } from './aggregator.ts'
import { spanMetricsConfig } from './config.ts'
import { spanMetricsConnector } from './index.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date', 'performance'] })
  return () => vi.useRealTimers()
})

const text = (key: string, value: string): KeyValue => ({ key, value: { type: 'string', value } })

interface Some {
  readonly service?: string
  readonly name?: string
  readonly attributes?: readonly KeyValue[]
}

/** A request with one span of each. */
function request(...spans: readonly Some[]): Uint8Array {
  return encodeTraces({
    resourceSpans: spans.map(({ service = 'shop', name = 'op', attributes = [] }) => ({
      resource: { attributes: [text('service.name', service)], droppedAttributesCount: 0 },
      schemaUrl: '',
      scopeSpans: [
        {
          scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0 },
          schemaUrl: '',
          spans: [
            {
              traceId: '01'.repeat(16),
              spanId: '02'.repeat(8),
              traceState: '',
              parentSpanId: '',
              flags: 0,
              name,
              kind: 2,
              startTimeUnixNano: 1n,
              endTimeUnixNano: 2n,
              attributes,
              droppedAttributesCount: 0,
              events: [],
              droppedEventsCount: 0,
              links: [],
              droppedLinksCount: 0,
              status: { code: 0, message: '' },
            },
          ],
        },
      ],
    })),
  })
}

const batch = (bytes: Uint8Array) => createBatch('traces', [{ bytes, items: countSpans(bytes) }])

/** What `calls` counts, by the value of an attribute. */
function calls(bytes: Uint8Array, key: string): Record<string, number> {
  const metrics = decodeMetrics(bytes).resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics[0]!.metrics)
  const points = metrics.filter(({ name }) => name.endsWith('calls')).flatMap(({ sum }) => sum!.dataPoints)
  const found: Record<string, number> = {}
  for (const { attributes, asInt } of points) {
    const value = attributes.find((attribute) => attribute.key === key)?.value
    found[value ? String((value as { value?: unknown }).value) : ''] = Number(asInt)
  }
  return found
}

const DELTA = { aggregation_temporality: 'AGGREGATION_TEMPORALITY_DELTA', metrics_flush_interval: '1s' }

async function connector(input: object = DELTA) {
  const parsed = spanMetricsConfig.parse(input)
  const context = createTestContext('span_metrics')
  const sink = createSink()
  const component = spanMetricsConnector.create(context, parsed, new Map([['metrics', sink]]), [])
  await component.start({} as never)
  const send = (bytes: Uint8Array) => component.consume(batch(bytes), EMPTY_CONTEXT)
  const end = async () => {
    await component.shutdown(AbortSignal.timeout(1000))
    component.finish?.()
  }
  return { context, sink, component, send, end }
}

describe('span_metrics', () => {
  it('has one series for what means the same in other bytes', async () => {
    const { sink, send } = await connector({ ...DELTA, dimensions: [{ name: 'a' }, { name: 'b' }] })
    const [a, b] = [text('a', 'x'), text('b', 'y')]
    await send(request({ attributes: [a, b] }, { attributes: [b, text('other', 'z'), a] }, { attributes: [a] }))
    await vi.advanceTimersByTimeAsync(1000)
    expect(calls(sink.bytes(), 'b')).toEqual({ y: 2, '': 1 })
    expect(sink.items).toBe(4)
  })

  it('counts spans that no metric has when it ends', async () => {
    const { context, sink, send, end } = await connector()
    await send(request({}))
    await vi.advanceTimersByTimeAsync(1000)
    await send(request({}, {}))
    await end()
    expect(sink.batches).toHaveLength(1)
    expect(context.value('spoor_connector_dropped_spans', { reason: 'shutdown' })).toBe(2)
  })

  it('counts metrics that are refused, and goes on', async () => {
    const { context, sink, send } = await connector()
    sink.intercept = () => {
      throw new CollectorError('overloaded', 'the queue is full')
    }
    await send(request({}))
    await vi.advanceTimersByTimeAsync(1000)
    expect(context.value('spoor_connector_dropped_metric_points', { reason: 'overloaded' })).toBe(2)
    expect(context.logger.lines).toHaveLength(1)
    sink.intercept = undefined
    await send(request({}))
    await vi.advanceTimersByTimeAsync(1000)
    expect(sink.items).toBe(2)
  })

  it('waits for metrics that are under way', async () => {
    const { sink, send, end } = await connector()
    let release = (): void => {}
    sink.intercept = () => new Promise((resolve) => (release = resolve))
    await send(request({}))
    await vi.advanceTimersByTimeAsync(1000)
    await send(request({}, {}))
    await vi.advanceTimersByTimeAsync(3000)
    expect(sink.batches).toHaveLength(0)
    sink.intercept = undefined
    release()
    await vi.advanceTimersByTimeAsync(1000)
    expect(sink.batches.map(({ chunks }) => calls(chunks[0]!.bytes, 'service.name'))).toEqual([
      { shop: 1 },
      { shop: 2 },
    ])
    await end()
  })

  it('takes nothing after its end', async () => {
    const { send, end } = await connector()
    await end()
    await expect(send(request({}))).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('the series of a connector', () => {
  const aggregate = (maxSeries: number) => {
    const told = { uncounted: 0, overflowed: 0 }
    const config = spanMetricsConfig.parse({ ...DELTA, histogram: { disable: true } })
    const listener = {
      uncounted: (spans: number) => void (told.uncounted += spans),
      overflowed: (spans: number) => void (told.overflowed += spans),
      forgotten: () => {},
    }
    const aggregator = new Aggregator(config, '', listener, maxSeries)
    const add = (...spans: readonly Some[]) => aggregator.add(batch(request(...spans)).chunks, Date.now())
    return { told, aggregator, add }
  }

  it('are as many as there may be: what is beyond is counted in one, or where its resource has none, nowhere', () => {
    const { told, aggregator, add } = aggregate(2)
    add({ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }, { name: 'a' }, { service: 'other' })
    expect(told).toEqual({ uncounted: 1, overflowed: 2 })
    expect(aggregator.series).toBe(3)
    expect(calls(aggregator.flush(Date.now()).bytes, 'span.name')).toEqual({ a: 2, b: 1, '': 2 })
  })

  it('are given back with their resource', () => {
    const { told, aggregator, add } = aggregate(2)
    add({ name: 'a' }, { name: 'b' })
    aggregator.flush(Date.now())
    expect(aggregator.series).toBe(0)
    add({ service: 'other', name: 'c' })
    expect(told).toEqual({ uncounted: 0, overflowed: 0 })
    expect(calls(aggregator.flush(Date.now()).bytes, 'service.name')).toEqual({ other: 1 })
  })
})
