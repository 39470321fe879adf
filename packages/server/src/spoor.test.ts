import { type IncomingMessage, request } from 'node:http'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { decodeTraces } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SearchResponse, StatusResponse, TraceReportResponse } from './api.ts'
import type { JaegerTrace } from '@spoor/trace/files'
import type { Envelope } from './jaeger/model.ts'
import { requestOf, spanIdOf, startTestSpoor, string, type TestSpoor, traceIdOf } from './testkit.ts'

let spoor: TestSpoor
beforeAll(async () => {
  spoor = await startTestSpoor()
})
afterAll(async () => {
  await spoor.remove()
})

/**
 * A server span of `shop` with a failing client span below it, whose server span is in `stock`. Gives the trace's id.
 */
async function sendTrace(exporter: () => SpanExporter): Promise<string> {
  const provider = (service: string) =>
    new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': service, 'host.name': 'here' }),
      spanProcessors: [new BatchSpanProcessor({ exporter: exporter() })],
    })
  const providers = [provider('shop'), provider('stock')] as const
  const [shop, stock] = providers.map((each) => each.getTracer('test', '1.0'))
  const root = shop!.startSpan('POST /order', { kind: SpanKind.SERVER, attributes: { 'order.id': 7 } })
  const inRoot = trace.setSpan(context.active(), root)
  const call = shop!.startSpan('GET /stock', { kind: SpanKind.CLIENT }, inRoot)
  const answer = stock!.startSpan('GET /stock', { kind: SpanKind.SERVER }, trace.setSpan(inRoot, call))
  answer.recordException(new RangeError('sold out'))
  answer.setStatus({ code: SpanStatusCode.ERROR, message: 'sold out' })
  answer.end()
  call.end()
  root.end()
  for (const each of providers) {
    await each.forceFlush()
    await each.shutdown()
  }
  return root.spanContext().traceId
}

describe.each<[string, () => SpanExporter]>([
  ['HTTP', () => new ProtoExporter({ url: `${spoor.urls.otlpHttp}/v1/traces` })],
  ['gRPC', () => new GrpcExporter({ url: `http://${spoor.urls.otlpGrpc}` })],
])('a trace sent by the official exporter over %s', (_, exporter) => {
  let id: string
  beforeAll(async () => {
    id = await sendTrace(exporter)
  })

  it('is found by Spoor’s search', async () => {
    const query = encodeURIComponent('service:stock status:error has:exception.type')
    const { traces, complete } = await spoor.json<SearchResponse>(`/api/spoor/v1/search?q=${query}&from=1h`)
    expect(complete).toBe(true)
    expect(traces.find((one) => one.traceId === id)).toMatchObject({
      rootService: 'shop',
      rootName: 'POST /order',
      spans: 3,
      errors: 1,
      orphans: 0,
    })
    const { traces: none } = await spoor.json<SearchResponse>(
      `/api/spoor/v1/search?q=${encodeURIComponent('order.id:8')}`,
    )
    expect(none).toEqual([])
  })

  it('is given as OTLP, in protobuf and in JSON', async () => {
    const response = await spoor.get(`/api/spoor/v1/traces/${id}`)
    expect(response.headers.get('content-type')).toBe('application/x-protobuf')
    const data = decodeTraces(new Uint8Array(await response.arrayBuffer()))
    const spans = data.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans))
    expect(spans.map((span) => span.name).sort()).toEqual(['GET /stock', 'GET /stock', 'POST /order'])
    const json = await spoor.json<{ resourceSpans: unknown[] }>(`/api/spoor/v1/traces/${id}?format=json`)
    expect(json.resourceSpans.length).toBe(data.resourceSpans.length)
  })

  it('is given by Jaeger’s APIs', async () => {
    const { data } = await spoor.json<Envelope<JaegerTrace[]>>(`/api/traces/${id}`)
    expect(data).toHaveLength(1)
    const [found] = data as [JaegerTrace]
    expect(found.traceID).toBe(id)
    const service = (span: { processID: string }) => found.processes[span.processID]!.serviceName
    const failed = found.spans.find((span) => service(span) === 'stock')!
    expect(failed.tags).toContainEqual({ key: 'error', type: 'bool', value: true })
    expect(failed.logs[0]!.fields).toContainEqual({ key: 'exception.message', type: 'string', value: 'sold out' })

    const tags = encodeURIComponent('{"order.id":"7"}')
    const search = await spoor.json<Envelope<JaegerTrace[]>>(`/api/traces?service=shop&tags=${tags}&limit=20`)
    expect(search.data.map(({ traceID }) => traceID)).toContain(id)
    const byIds = await spoor.json<Envelope<JaegerTrace[]>>(`/api/traces?traceID=${id}&traceID=${'e'.repeat(32)}`)
    expect(byIds.data.map(({ traceID }) => traceID)).toEqual([id])
    expect(byIds.errors).toEqual([{ msg: 'trace not found', traceID: 'e'.repeat(32) }])

    const v3 = await spoor.json<{ result: { resourceSpans: unknown[] } }>(`/api/v3/traces/${id}`)
    expect(v3.result.resourceSpans.length).toBeGreaterThan(0)
    const window = `query.startTimeMin=${new Date(Date.now() - 3_600_000).toISOString()}&query.startTimeMax=${new Date(Date.now() + 1000).toISOString()}`
    const { summaries } = await spoor.json<{ summaries: { traceId: string }[] }>(
      `/api/v3/trace-summaries?query.service_name=stock&${window}`,
    )
    expect(summaries.find(({ traceId }) => traceId === id)).toMatchObject({
      rootServiceName: 'shop',
      spanCount: 3,
      errorSpanCount: 1,
    })
  })
})

describe('lists', () => {
  it('name services and operations in every API', async () => {
    expect(await spoor.json('/api/spoor/v1/services')).toEqual({ services: ['shop', 'stock'] })
    expect(await spoor.json('/api/services')).toEqual({
      data: ['shop', 'stock'],
      total: 2,
      limit: 0,
      offset: 0,
      errors: null,
    })
    expect(await spoor.json('/api/v3/services')).toEqual({ services: ['shop', 'stock'] })
    expect(await spoor.json('/api/services/shop/operations')).toMatchObject({
      data: ['GET /stock', 'POST /order'],
      total: 2,
    })
    expect(await spoor.json('/api/operations?service=shop&spanKind=server')).toMatchObject({
      data: [{ name: 'POST /order', spanKind: 'server' }],
    })
    expect(await spoor.json('/api/v3/operations?service=stock')).toEqual({
      operations: [{ name: 'GET /stock', spanKind: 'server' }],
    })
    expect(await spoor.json('/api/spoor/v1/operations?service=stock')).toEqual({
      operations: [{ name: 'GET /stock', kind: 2 }],
    })
  })

  it('name attributes and their values', async () => {
    const { keys } = await spoor.json<{ keys: string[] }>('/api/spoor/v1/attributes')
    expect(keys).toContain('order.id')
    expect(await spoor.json('/api/spoor/v1/attribute-values?key=exception.type')).toEqual({ values: ['RangeError'] })
  })

  it('count calls between services', async () => {
    expect(await spoor.json('/api/dependencies')).toMatchObject({
      data: [{ parent: 'shop', child: 'stock', callCount: 2 }],
    })
    expect(await spoor.json('/api/dependencies?service=other')).toMatchObject({ data: [] })
    expect(await spoor.json('/api/spoor/v1/dependencies?from=1h')).toEqual({
      edges: [
        {
          parent: 'shop',
          child: 'stock',
          kind: 'call',
          calls: 2,
          errors: 2,
          perSecond: expect.any(Number) as number,
          p50Ns: expect.any(Number) as number,
          p95Ns: expect.any(Number) as number,
          p99Ns: expect.any(Number) as number,
        },
      ],
      complete: true,
    })
  })
})

describe('one trace', () => {
  it('is reported with its problems and its critical path', async () => {
    const traceId = traceIdOf(0x7e57)
    const start = BigInt(Date.now()) * 1_000_000n
    const at = (ms: number) => start + BigInt(ms) * 1_000_000n
    const span = (id: number, parent: number, from: number, to: number, name: string, kind = 1) => ({
      traceId,
      spanId: spanIdOf(id),
      parentSpanId: parent === 0 ? '' : spanIdOf(parent),
      startTimeUnixNano: at(from),
      endTimeUnixNano: at(to),
      name,
      kind,
    })
    await spoor.post(
      requestOf('ensemble', [
        span(1, 0, 0, 12, 'POST /ensemble_service', 2),
        span(2, 1, 2, 8, 'check'),
        span(3, 1, 10, 60, 'background: classify'),
      ]),
    )
    const report = await spoor.json<TraceReportResponse>(`/api/spoor/v1/traces/${traceId}/report`)
    const { traces } = await spoor.json<SearchResponse>('/api/spoor/v1/search?q=service:ensemble&matches=0')
    expect(report.trace).toEqual(traces[0])
    expect(report.problems).toEqual([
      {
        code: 'async-tail',
        severity: 'info',
        text: 'ensemble answered 48.0 ms before its work was done',
        spans: [spanIdOf(1)],
      },
    ])
    expect(report.criticalPath.map(({ name, durationNs }) => [name, durationNs / 1e6])).toEqual([
      ['POST /ensemble_service', 2],
      ['check', 6],
      ['POST /ensemble_service', 4],
    ])
    expect((await spoor.get(`/api/spoor/v1/traces/${'d'.repeat(32)}/report`)).status).toBe(404)
  })

  it('is found by its id in the search bar', async () => {
    const traceId = traceIdOf(0x1d)
    await spoor.post(requestOf('by-id', [{ traceId, spanId: spanIdOf(1) }]))
    const byId = await spoor.json<SearchResponse>(`/api/spoor/v1/search?q=${traceId.toUpperCase()}%20`)
    const byService = await spoor.json<SearchResponse>('/api/spoor/v1/search?q=service:by-id&matches=0')
    expect(byId.traces).toEqual(byService.traces)
    expect(await spoor.json(`/api/spoor/v1/search?q=${'d'.repeat(32)}`)).toMatchObject({ traces: [], complete: true })
  })
})

describe('a store with many traces', () => {
  it('is searched in pages', async () => {
    const ids = Array.from({ length: 25 }, (_, index) => traceIdOf(0xabc0 + index))
    const response = await spoor.post(
      requestOf(
        'pages',
        ids.map((traceId) => ({ traceId, spanId: spanIdOf(1) })),
      ),
    )
    expect(response.status).toBe(200)
    const seen: string[] = []
    let cursor = ''
    do {
      const page = await spoor.json<SearchResponse>(
        `/api/spoor/v1/search?q=service:pages&limit=10&order=oldest&cursor=${cursor}`,
      )
      seen.push(...page.traces.map(({ traceId }) => traceId))
      cursor = page.next ?? ''
    } while (cursor)
    expect(seen).toEqual(ids)
  })

  it('finds an id of 16 digits', async () => {
    const short = '00f067aa0ba902b7'
    await spoor.post(
      requestOf('short', [{ traceId: short.padStart(32, '0'), spanId: spanIdOf(1), attributes: [string('k', 'v')] }]),
    )
    const { data } = await spoor.json<Envelope<JaegerTrace[]>>(`/api/traces/${short}`)
    expect(data[0]!.traceID).toBe(short)
    expect((await spoor.get(`/api/spoor/v1/traces/${short}`)).status).toBe(200)
  })
})

describe('errors', () => {
  it.each([
    ['/api/spoor/v1/search?q=duration%3E5', 400, { code: 'bad_query', position: 9 }],
    ['/api/spoor/v1/search?limit=0', 400, { code: 'bad_parameter' }],
    ['/api/spoor/v1/search?from=yesterday', 400, { code: 'bad_parameter' }],
    ['/api/spoor/v1/search?cursor=nonsense', 400, { code: 'bad_query' }],
    ['/api/spoor/v1/traces/xyz', 400, { code: 'bad_parameter' }],
    [`/api/spoor/v1/traces/${'d'.repeat(32)}`, 404, { code: 'not_found' }],
    ['/api/spoor/v1/attribute-values', 400, { code: 'bad_parameter' }],
    ['/api/spoor/v1/nothing', 404, { code: 'not_found' }],
  ])('of Spoor’s API: %s', async (path, status, error) => {
    const response = await spoor.get(path)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error })
  })

  it.each([
    [`/api/traces/${'d'.repeat(32)}`, 404, 'trace not found'],
    ['/api/operations', 400, "parameter 'service' is required"],
    ['/api/traces?service=shop&tag=x', 400, "malformed 'tag' parameter, expecting key:value, received: x"],
  ])('of Jaeger’s API: %s', async (path, status, msg) => {
    const response = await spoor.get(path)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.json()).toEqual({
      data: null,
      total: 0,
      limit: 0,
      offset: 0,
      errors: [{ code: status, msg }],
    })
  })

  it('of Jaeger’s unknown paths and of v3', async () => {
    const unknown = await spoor.get('/api/nothing')
    expect([unknown.status, await unknown.text()]).toEqual([404, '404 page not found\n'])
    const v3 = await spoor.get('/api/v3/traces?query.serviceName=shop')
    expect(v3.status).toBe(400)
    expect(await v3.json()).toEqual({
      error: { httpCode: 400, message: 'query.startTimeMin and query.startTimeMax are required' },
    })
  })

  it('a search in Jaeger’s API that finds nothing is no error', async () => {
    expect(await spoor.json('/api/traces?service=nobody')).toEqual({
      data: [],
      total: 0,
      limit: 0,
      offset: 0,
      errors: null,
    })
  })
})

describe('the intake', () => {
  it('is counted, with the store, in status and metrics', async () => {
    const before = await spoor.json<StatusResponse>('/api/spoor/v1/status')
    await spoor.post(
      requestOf(
        'counted',
        [1, 2, 3].map((number) => ({ traceId: traceIdOf(0xdef), spanId: spanIdOf(number) })),
      ),
    )
    const after = await spoor.json<StatusResponse>('/api/spoor/v1/status')
    expect(after.spansAccepted - before.spansAccepted).toBe(3)
    expect(after.store.spans - before.store.spans).toBe(3)
    expect(after.endpoints).toEqual({ otlpHttp: spoor.urls.otlpHttp, otlpGrpc: spoor.urls.otlpGrpc })
    const metrics = await (await spoor.get('/metrics')).text()
    expect(metrics).toMatch(
      /^# HELP otelcol_receiver_accepted_spans .+\n# TYPE otelcol_receiver_accepted_spans counter$/m,
    )
    expect(metrics).toMatch(/^otelcol_exporter_sent_spans\{exporter="spoor_storage"\} \d+$/m)
  })

  it('refuses garbage, and metrics and logs, which are not stored', async () => {
    expect((await spoor.post(new Uint8Array([0xff, 0xff, 0xff]))).status).toBe(400)
    for (const signal of ['metrics', 'logs']) {
      const response = await fetch(`${spoor.urls.otlpHttp}/v1/${signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: '',
      })
      expect(response.status).toBe(404)
    }
  })
})

/** A raw request, as fetch would not let the Host header be set. */
async function statusWithHost(host: string): Promise<number | undefined> {
  const sent = request(`${spoor.urls.page}/api/services`, { headers: { host } })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

describe('the page’s port', () => {
  it('answers only to the names of its own machine', async () => {
    const { port } = new URL(spoor.urls.page)
    expect(await statusWithHost(`localhost:${port}`)).toBe(200)
    expect(await statusWithHost('127.0.0.1')).toBe(200)
    expect(await statusWithHost(`evil.example:${port}`)).toBe(421)
    expect(await statusWithHost('127.0.0.1.evil.example')).toBe(421)
  })

  it('gives no other site’s page access', async () => {
    const response = await spoor.get('/api/services', { headers: { origin: 'https://evil.example' } })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })
})

describe('start and stop', () => {
  it('finds the traces of the last run', async () => {
    const first = await startTestSpoor()
    await first.post(requestOf('before', [{ traceId: traceIdOf(1), spanId: spanIdOf(1) }]))
    await first.stop()
    const second = await startTestSpoor({ data: first.data })
    expect(await second.json('/api/spoor/v1/services')).toEqual({ services: ['before'] })
    await second.remove()
  })

  it.each(['pagePort', 'otlpGrpcPort', 'otlpHttpPort'] as const)(
    'names a taken %s, who has it and the way out, and leaves nothing running',
    async (option) => {
      const blocker = createServer().listen(0, '127.0.0.1')
      await once(blocker, 'listening')
      const { port } = blocker.address() as { port: number }
      const flag = { pagePort: '--page-port', otlpGrpcPort: '--otlp-grpc-port', otlpHttpPort: '--otlp-http-port' }[
        option
      ]
      const free = await startTestSpoor()
      await free.stop()
      const failing = startTestSpoor({ data: free.data, [option]: port })
      await expect(failing).rejects.toThrow(new RegExp(`port ${port} .* is taken.*${flag}`))
      await expect(failing).rejects.toThrow(process.platform === 'linux' ? `pid ${process.pid}` : '')
      blocker.close()
      // The store is free again: what had been started was stopped.
      const again = await startTestSpoor({ data: free.data })
      await again.remove()
    },
  )

  it('refuses a configuration before anything is opened', async () => {
    const config = [{ text: 'receivers:\n  nothing:\n', file: 'mine.yaml' }]
    await expect(startTestSpoor({ config })).rejects.toThrow(/mine\.yaml:2/)
  })

  it('runs a configuration of one’s own that stores in Spoor', async () => {
    const text = `receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:0
processors:
  batch:
    timeout: 10ms
exporters:
  spoor_storage:
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [spoor_storage]
`
    const own = await startTestSpoor({ config: [{ text, file: 'own.yaml' }] })
    await own.post(requestOf('own', [{ traceId: traceIdOf(1), spanId: spanIdOf(1) }]))
    // The batch is on its way when the answer comes; a stop drains it.
    await own.stop()
    const again = await startTestSpoor({ data: own.data })
    expect(await again.json('/api/services')).toMatchObject({ data: ['own'] })
    await again.remove()
  })

  it('says when no pipeline leads to the store', async () => {
    const lines: string[] = []
    const say = (_: object, message: string) => void lines.push(message)
    const logger = { debug: say, info: say, warn: say, error: say }
    const text =
      'receivers: {nop: }\nexporters: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [nop]}}}'
    const elsewhere = await startTestSpoor({ config: [{ text, file: 'own.yaml' }], logger })
    await elsewhere.remove()
    const usual = await startTestSpoor({ logger })
    await usual.remove()
    expect(lines.filter((line) => line.includes('leads to the exporter spoor_storage'))).toHaveLength(1)
  })
})
