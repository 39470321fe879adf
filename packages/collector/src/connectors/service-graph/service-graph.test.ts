import { createBatch, decodeMetrics, encodeTraces, type Span } from '@spoor/otlp'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { CollectorError, EMPTY_CONTEXT, NO_OVERVIEW, type Host } from '../../component/index.ts'
import { createSink, createTestContext } from '../../testkit/index.ts'
import { Edges, type Edge } from './edges.ts'
import { serviceGraphConfig } from './config.ts'
import { serviceGraphConnector } from './index.ts'
import { GraphSeries } from './series.ts'

const HOST: Host = { extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW }
const CLIENT = 3
const SERVER = 2
const id = (number: number, digits: number): string => number.toString(16).padStart(digits, '0')

function span(trace: number, spanId: number, parent: number, kind: number): Span {
  return {
    traceId: id(trace, 32),
    spanId: id(spanId, 16),
    parentSpanId: parent === 0 ? '' : id(parent, 16),
    traceState: '',
    flags: 0,
    name: 'a',
    kind,
    startTimeUnixNano: 1n,
    endTimeUnixNano: 2_000_001n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
  }
}

function batchOf(service: string, spans: readonly Span[], zone = '') {
  const scope = { name: '', version: '', attributes: [], droppedAttributesCount: 0 }
  const bytes = encodeTraces({
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: 'service.name', value: { type: 'string', value: service } },
            { key: 'zone', value: { type: 'string', value: zone } },
          ],
          droppedAttributesCount: 0,
        },
        scopeSpans: [{ scope, spans, schemaUrl: '' }],
        schemaUrl: '',
      },
    ],
  })
  return createBatch('traces', [{ bytes, items: spans.length }])
}

function create(input: object = {}) {
  const context = createTestContext('service_graph')
  const sink = createSink()
  const config = serviceGraphConfig.parse({ metrics_flush_interval: '0s', ...input })
  const connector = serviceGraphConnector.create(context, config, new Map([['metrics', sink]]), [])
  return { context, sink, connector }
}

describe('the service graph', () => {
  it('counts what finds no room, and says so', async () => {
    const { context, connector } = create({ store: { max_items: 3 } })
    const calls = [1, 2, 3, 4, 5].map((trace) => span(trace, 1, 0, CLIENT))
    await connector.consume(batchOf('web', calls), EMPTY_CONTEXT)
    expect(context.value('otelcol_connector_servicegraph_total_edges')).toBe(3)
    expect(context.value('otelcol_connector_servicegraph_dropped_spans')).toBe(2)
    expect(context.value('spoor_connector_dropped_spans', { reason: 'max_items' })).toBe(2)
  })

  it('tells times of points that are before now, by as much as it is told', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 })
    onTestFinished(() => void vi.useRealTimers())
    const { sink, connector } = create({ metrics_timestamp_offset: '30s' })
    await connector.consume(batchOf('web', [span(1, 1, 0, CLIENT)]), EMPTY_CONTEXT)
    await connector.consume(batchOf('shop', [span(1, 2, 1, SERVER)]), EMPTY_CONTEXT)
    const [metric] = decodeMetrics(sink.bytes()).resourceMetrics[0]!.scopeMetrics[0]!.metrics
    const text = JSON.stringify(metric, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    expect(text).toContain('"timeUnixNano":"1699999970000000000"')
  })

  it('lets go of series that have not changed for a quarter of an hour, at the next look', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const { context, connector } = create({ metrics_flush_interval: '1h', cache_loop: '10m' })
    await connector.start(HOST)
    onTestFinished(() => connector.shutdown(AbortSignal.timeout(100)))
    await connector.consume(batchOf('web', [span(1, 1, 0, CLIENT)]), EMPTY_CONTEXT)
    await connector.consume(batchOf('shop', [span(1, 2, 1, SERVER)]), EMPTY_CONTEXT)
    const series = (): number | undefined => context.value('spoor_connector_series')
    vi.advanceTimersByTime(19 * 60_000)
    expect(series()).toBe(1)
    vi.advanceTimersByTime(60_000)
    expect(series()).toBe(0)
  })

  it('answers a sender though nobody takes the metrics, and counts these', async () => {
    const { context, sink, connector } = create()
    sink.intercept = () => {
      throw new CollectorError('unavailable', 'not now')
    }
    await connector.consume(batchOf('web', [span(1, 1, 0, CLIENT)]), EMPTY_CONTEXT)
    await connector.consume(batchOf('shop', [span(1, 2, 1, SERVER)]), EMPTY_CONTEXT)
    expect(context.value('spoor_connector_dropped_metric_points', { reason: 'unavailable' })).toBe(3)
  })

  it('says at the end how much was in no metric', async () => {
    const { context, connector } = create({ metrics_flush_interval: '1h' })
    await connector.consume(batchOf('web', [span(1, 1, 0, CLIENT), span(2, 1, 0, CLIENT)]), EMPTY_CONTEXT)
    await connector.consume(batchOf('shop', [span(1, 2, 1, SERVER)]), EMPTY_CONTEXT)
    await connector.shutdown(AbortSignal.timeout(1000))
    connector.finish?.()
    expect(context.value('spoor_connector_dropped_spans', { reason: 'shutdown' })).toBe(2)
    await expect(connector.consume(batchOf('web', []), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('has nothing to say at the end of what is in a metric', async () => {
    const { context, connector } = create()
    await connector.consume(batchOf('web', [span(1, 1, 0, CLIENT)]), EMPTY_CONTEXT)
    await connector.consume(batchOf('shop', [span(1, 2, 1, SERVER)]), EMPTY_CONTEXT)
    await connector.shutdown(AbortSignal.timeout(1000))
    connector.finish?.()
    expect(context.value('spoor_connector_dropped_spans')).toBe(0)
  })

  it('knows spans alike of several resources apart', async () => {
    const { sink, connector } = create({ dimensions: ['zone'] })
    for (const [trace, zone] of [
      [1, 'north'],
      [2, 'south'],
    ] as const) {
      await connector.consume(batchOf('web', [span(trace, 1, 0, CLIENT)], zone), EMPTY_CONTEXT)
      await connector.consume(batchOf('shop', [span(trace, 2, 1, SERVER)], zone), EMPTY_CONTEXT)
    }
    const { metrics } = decodeMetrics(sink.batches.at(-1)!.chunks[0]!.bytes).resourceMetrics[0]!.scopeMetrics[0]!
    const text = JSON.stringify(metrics[0], (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))
    for (const zone of ['north', 'south'])
      for (const end of ['client', 'server'])
        expect(text).toContain(`{"key":"${end}_zone","value":{"type":"string","value":"${zone}"}}`)
  })

  it('tells calls of many services apart, whatever the order of their ends', async () => {
    const { sink, connector } = create({ virtual_node_peer_attributes: [] })
    const traces = Array.from({ length: 200 }, (_, i) => i + 1)
    const clients = batchOf(
      'web',
      traces.map((trace) => span(trace, 1, 0, CLIENT)),
    )
    const servers = batchOf(
      'shop',
      traces.toReversed().map((trace) => span(trace, 2, 1, SERVER)),
    )
    await connector.consume(servers, EMPTY_CONTEXT)
    expect(sink.batches).toEqual([])
    await connector.consume(clients, EMPTY_CONTEXT)
    const [total] = decodeMetrics(sink.bytes()).resourceMetrics[0]!.scopeMetrics[0]!.metrics
    expect(JSON.stringify(total, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))).toContain(
      '200',
    )
  })
})

describe('series', () => {
  const edge = (client: string): Edge => ({
    key: '',
    isRoot: false,
    expiresAt: 0,
    connectionType: '',
    client,
    server: 'shop',
    clientDuration: 1,
    serverDuration: 1,
    failed: false,
    dimensions: new Map(),
    peer: undefined,
    producer: undefined,
    isLinked: false,
  })

  it('are bounded: what is beyond is counted in one', () => {
    const series = new GraphSeries(serviceGraphConfig.parse({}), 0, 2)
    expect(['a', 'b', 'c', 'd', 'a'].map((client) => series.add(edge(client), '', 0))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ])
    expect(series.size).toBe(3)
    expect(series.encode(0).points).toBe(9)
  })

  it('go when they have not changed for a quarter of an hour', () => {
    const series = new GraphSeries(serviceGraphConfig.parse({}), 0)
    series.add(edge('a'), '', 0)
    series.add(edge('b'), '', 60_000)
    series.forgetStale(15 * 60_000)
    expect(series.size).toBe(2)
    series.forgetStale(15 * 60_000 + 1)
    expect(series.size).toBe(1)
  })
})

describe('edges', () => {
  const client = (edge: Edge): void => void (edge.client = 'shop')
  const server = (edge: Edge): void => void (edge.server = 'mail')

  function createEdges() {
    const completed: Edge[] = []
    const expired: Edge[] = []
    const edges = new Edges(100, 10, {
      completed: (edge) => void completed.push(edge),
      expired: (edge) => void expired.push(edge),
    })
    return { edges, completed, expired }
  }

  it('a producer serves consumers before and behind it, and is no edge of its own', () => {
    const { edges, completed, expired } = createEdges()
    expect(edges.add({ key: 'c1', isRoot: false, producer: 'p' }, 0, server)).toBe('new')
    const producer = (edge: Edge): void => {
      client(edge)
      edge.failed = true
      edge.dimensions.set('client_zone', 'north')
    }
    expect(edges.add({ key: 'p', isRoot: false }, 0, producer)).toBe('new')
    expect(edges.add({ key: 'c2', isRoot: false, producer: 'p' }, 0, server)).toBe('new')
    expect(completed.map(({ key, client: from }) => [key, from])).toEqual([
      ['c1', 'shop'],
      ['c2', 'shop'],
    ])
    expect(completed.map(({ failed, dimensions }) => [failed, dimensions.get('client_zone')])).toEqual([
      [true, 'north'],
      [true, 'north'],
    ])
    edges.expire(101)
    expect(expired.map(({ key, isLinked }) => [key, isLinked])).toEqual([['p', true]])
    expect(edges.size).toBe(0)
  })

  it('a consumer whose producer never comes expires, and is not waited for any more', () => {
    const { edges, completed, expired } = createEdges()
    edges.add({ key: 'c', isRoot: false, producer: 'p' }, 0, server)
    edges.expire(100)
    expect(expired).toEqual([])
    edges.expire(101)
    expect(expired.map(({ key }) => key)).toEqual(['c'])
    edges.add({ key: 'p', isRoot: false }, 101, client)
    expect(completed).toEqual([])
  })
})
