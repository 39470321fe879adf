import zlib from 'node:zlib'
import { countSpans, decodeTraces } from '@spoor/otlp'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCollector, type Collector } from './collector.ts'
import { CollectorError, section, type ReceiverFactory } from './component/index.ts'
import { builtinFactories } from './factories.ts'
import { createSink, createTestLogger, tracesRequest, type Sink } from './testkit/index.ts'

const ANY_PORT = 'protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}'

function address(collector: Collector, protocol: 'grpc' | 'http'): string {
  return collector.listening().find((listening) => listening.protocol === protocol)?.address ?? ''
}

async function start(
  config: string,
  sink?: Sink,
): Promise<{ collector: Collector; logger: ReturnType<typeof createTestLogger> }> {
  const logger = createTestLogger()
  const factories = sink ? [...builtinFactories, sink.factory()] : builtinFactories
  const collector = createCollector({ config, factories, logger })
  await collector.start()
  onTestFinished(async () => collector.shutdown({ deadlineMs: 200 }))
  return { collector, logger }
}

async function startBackend(): Promise<{ backend: Collector; sink: Sink }> {
  const sink = createSink()
  const { collector: backend } = await start(
    `
receivers: {otlp: {${ANY_PORT}}}
exporters: {sink: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [sink]}}}
`,
    sink,
  )
  return { backend, sink }
}

const agent = (exporter: string, options = ''): string => `
receivers:
  otlp: {${ANY_PORT}}
processors:
  batch: {send_batch_size: 100, timeout: 50ms${options}}
exporters:
  ${exporter}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [${exporter.split(':')[0]}]}
`

async function post(to: Collector, body: Uint8Array, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(`http://${address(to, 'http')}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body: Buffer.from(body),
  })
  await response.arrayBuffer()
  return response.status
}

function valueOf(collector: Collector, name: string): number {
  return collector.counters.snapshot().reduce((sum, sample) => (sample.name === name ? sum + sample.value : sum), 0)
}

describe('receive, batch, export', () => {
  const exporters: [string, (backend: Collector) => string][] = [
    ['otlp_grpc', (backend) => `otlp_grpc: {endpoint: "${address(backend, 'grpc')}", tls: {insecure: true}}`],
    [
      'otlp (alias)',
      (backend) => `otlp/jaeger: {endpoint: "${address(backend, 'grpc')}", tls: {insecure: true}, compression: none}`,
    ],
    [
      'joined gzip members',
      (backend) => `otlp_grpc: {endpoint: "${address(backend, 'grpc')}", tls: {insecure: true}, compression: gzip}`,
    ],
    ['otlp_http', (backend) => `otlp_http: {endpoint: "http://${address(backend, 'http')}"}`],
    [
      'otlp_http JSON',
      (backend) => `otlp_http: {endpoint: "http://${address(backend, 'http')}", encoding: json, compression: zstd}`,
    ],
  ]

  test.each(exporters)('%s: every span arrives as it was sent', async (_, exporter) => {
    const { backend, sink } = await startBackend()
    const { collector } = await start(agent(exporter(backend)))
    const requests = [1, 2, 3, 4, 5].map((seed) => tracesRequest({ spans: 40, services: 2, rich: true, seed }))
    for (const [index, request] of requests.entries()) {
      const status =
        index % 2 === 0
          ? await post(collector, request)
          : await post(collector, zlib.gzipSync(request), { 'content-encoding': 'gzip' })
      expect(status).toBe(200)
    }
    await sink.waitFor(200)
    expect(decodeTraces(sink.bytes()).resourceSpans).toEqual(
      requests.flatMap((request) => decodeTraces(request).resourceSpans),
    )
    await collector.shutdown()
    expect(valueOf(collector, 'otelcol_exporter_sent_spans')).toBe(200)
  })

  test('stopping drains what was accepted', async () => {
    const { backend, sink } = await startBackend()
    const { collector, logger } = await start(
      agent(
        `otlp_grpc: {endpoint: "${address(backend, 'grpc')}", tls: {insecure: true}}`,
        ', send_batch_max_size: 100',
      ).replace('50ms', '1h'),
    )
    for (let seed = 1; seed <= 9; seed++) expect(await post(collector, tracesRequest({ spans: 30, seed }))).toBe(200)
    await collector.shutdown()
    expect(countSpans(sink.bytes())).toBe(270)
    expect(logger.lines.slice(-2).map(({ message }) => message)).toEqual(['Starting shutdown...', 'Shutdown complete.'])
    await collector.shutdown()
  })

  test('a backend that refuses: nothing accepted is lost, and senders feel it', async () => {
    const { backend, sink } = await startBackend()
    let down = true
    sink.intercept = () => {
      if (down) throw new CollectorError('unavailable', 'disk full')
    }
    const { collector } = await start(
      agent(
        `otlp_grpc: {endpoint: "${address(backend, 'grpc')}", tls: {insecure: true}, sending_queue: {queue_size: 1}, retry_on_failure: {initial_interval: 20ms, max_interval: 20ms}}`,
        ', max_held_bytes: 40000',
      ),
    )
    const accepted: number[] = []
    let status = 200
    for (let seed = 1; seed <= 50 && status === 200; seed++) {
      status = await post(collector, tracesRequest({ spans: 30, seed }))
      if (status === 200) accepted.push(seed)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(status).toBe(503)
    down = false
    await sink.waitFor(accepted.length * 30)
    await collector.shutdown()
    expect(countSpans(sink.bytes())).toBe(accepted.length * 30)
  })
})

test('a configuration that is wrong is told before anything starts', () => {
  expect(() =>
    createCollector({
      config: [{ text: 'receivers: {otpl: }', file: 'otel.yaml' }],
      factories: builtinFactories,
      logger: createTestLogger(),
    }),
  ).toThrow(
    'otel.yaml:1:13 receivers.otpl: unknown receiver type "otpl"; did you mean "otlp"?; known: otlp, otlp_json_file, jaeger, zipkin, kafka, nop',
  )
})

test('a component that cannot go on', async () => {
  const broken: ReceiverFactory<object> = {
    kind: 'receiver',
    type: 'broken',
    config: section({}),
    signals: ['traces'],
    create: (context) => ({
      start: async (host) => host.fail(context.id, new Error('lost its socket')),
      shutdown: async () => {},
    }),
  }
  const collector = createCollector({
    config:
      'receivers: {broken: }\nexporters: {nop: }\nservice: {pipelines: {traces: {receivers: [broken], exporters: [nop]}}}',
    factories: [...builtinFactories, broken],
    logger: createTestLogger(),
  })
  await collector.start()
  expect((await collector.failed).message).toBe('broken: lost its socket')
  await collector.shutdown()
})

test('service.telemetry.logs.level', async () => {
  const { logger } = await start(
    'receivers: {nop: }\nexporters: {nop: }\nservice: {telemetry: {logs: {level: error}}, pipelines: {traces: {receivers: [nop], exporters: [nop]}}}',
  )
  expect(logger.lines).toEqual([])
})
