/** An operator's YAML with a pipeline for each signal: OpenTelemetry's own exporters, two collectors, files; every item, field by field. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPLogExporter as GrpcLogs } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc'
import { OTLPMetricExporter as ProtoMetrics } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as ProtoTraces } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { MeterProvider, MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { logsFromJson, metricsFromJson, requestToJson, tracesFromJson, type Signal } from '@spoor/otlp'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCollector, type Collector } from './collector.ts'
import { builtinFactories } from './factories.ts'
import { createTestLogger, freePort } from './testkit/index.ts'

const SIGNALS = ['traces', 'metrics', 'logs'] as const
const resource = resourceFromAttributes({
  'service.name': 'shop',
  'service.instance.id': 'i-1',
  ratio: 0.5,
  tags: ['a', 'b'],
})

async function start(config: string): Promise<Collector> {
  const collector = createCollector({ config, factories: builtinFactories, logger: createTestLogger() })
  onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
  await collector.start()
  return collector
}

/** Spans with all that they can have; `seed` makes them others. */
async function spansOf(seed: number): Promise<ReturnType<InMemorySpanExporter['getFinishedSpans']>> {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  for (const [version, scope] of [
    ['1.0', 'http'],
    ['2.0', 'db'],
  ] as const) {
    const tracer = provider.getTracer(scope, version)
    const root = tracer.startSpan(`root ${seed}`, {
      kind: SpanKind.SERVER,
      attributes: { seed, big: 2 ** 40, on: true },
    })
    const child = tracer.startSpan(
      'child',
      { kind: SpanKind.CLIENT, links: [{ context: root.spanContext(), attributes: { why: 'because' } }] },
      trace.setSpan(context.active(), root),
    )
    child.addEvent('retry', { attempt: 2, wait: 0.25 })
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' })
    child.end()
    root.end()
  }
  await provider.forceFlush()
  return exporter.getFinishedSpans()
}

class OnDemand extends MetricReader {
  async onForceFlush(): Promise<void> {}
  async onShutdown(): Promise<void> {}
}

/** Points of every kind of instrument. */
async function metricsOf(seed: number): Promise<ResourceMetrics> {
  const reader = new OnDemand()
  const meter = new MeterProvider({ resource, readers: [reader] }).getMeter('meter', '3.1')
  const counter = meter.createCounter('orders', { unit: '{order}', description: 'Orders taken' })
  counter.add(seed, { region: 'eu' })
  counter.add(seed + 1, { region: 'us' })
  meter.createUpDownCounter('open').add(-seed)
  const latency = meter.createHistogram('latency', { unit: 's', advice: { explicitBucketBoundaries: [0.1, 1, 10] } })
  for (const value of [0.05, 0.5, 5, 50]) latency.record(value + seed / 1000, { route: '/cart' })
  meter.createObservableGauge('temperature').addCallback((result) => result.observe(20.5 + seed))
  return (await reader.collect()).resourceMetrics
}

async function logsOf(seed: number): Promise<ReturnType<InMemoryLogRecordExporter['getFinishedLogRecords']>> {
  const exporter = new InMemoryLogRecordExporter()
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] })
  const logger = provider.getLogger('app', '4')
  const [span] = await spansOf(seed)
  const active = trace.setSpanContext(context.active(), span!.spanContext())
  logger.emit({
    body: `line ${seed}`,
    severityNumber: 9,
    severityText: 'INFO',
    attributes: { n: seed, nested: { a: [1, 'x'] } },
    context: active,
  })
  logger.emit({ body: { code: seed, list: [true, 1.5] }, severityNumber: 17, eventName: 'failed' })
  await provider.forceFlush()
  return exporter.getFinishedLogRecords()
}

/** Makes one form of what says the same: fields in their order, without those that have their default. */
const FROM_JSON = { traces: tracesFromJson, metrics: metricsFromJson, logs: logsFromJson }

/** Each item with its resource and scope, as text, whatever request it came in. */
function itemsIn(signal: Signal, requests: readonly object[]): string[] {
  type Group = Record<string, unknown>
  const [resources, scopes, items] = {
    traces: ['resourceSpans', 'scopeSpans', 'spans'],
    metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
    logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  }[signal] as [string, string, string]
  const listOf = (group: unknown, key: string): Group[] => ((group as Group)[key] ?? []) as Group[]
  return requests
    .map((request) => requestToJson(signal, FROM_JSON[signal](JSON.stringify(request))))
    .flatMap((request) => listOf(request, resources))
    .flatMap((group) => listOf(group, scopes).map((scope) => ({ group, scope })))
    .flatMap(({ group, scope }) =>
      listOf(scope, items).map((item) => JSON.stringify({ resource: group['resource'], scope: scope['scope'], item })),
    )
    .toSorted()
}

test('three pipelines over two collectors, by both protocols: every span, metric and log record arrives as it was', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-three-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const [grpcPort, httpPort] = [await freePort(), await freePort()]
  const file = (protocol: string): string => join(directory, `${protocol}.json`)
  const second = SIGNALS.flatMap((signal) =>
    ['grpc', 'http'].map(
      (protocol) => `    ${signal}/${protocol}: {receivers: [otlp/${protocol}], exporters: [file/${protocol}]}`,
    ),
  )
  const backend = await start(`
receivers:
  otlp/grpc: {protocols: {grpc: {endpoint: "127.0.0.1:${grpcPort}"}}}
  otlp/http: {protocols: {http: {endpoint: "127.0.0.1:${httpPort}"}}}
exporters:
  file/grpc: {path: ${JSON.stringify(file('grpc'))}}
  file/http: {path: ${JSON.stringify(file('http'))}}
service:
  pipelines:
${second.join('\n')}`)
  const first = SIGNALS.map(
    (signal) =>
      `    ${signal}: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc, otlp_http]}`,
  )
  const collector = await start(`
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:0"}
      http: {endpoint: "127.0.0.1:0"}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 100000, spike_limit_mib: 10000}
  batch: {timeout: 20ms, send_batch_size: 100}
exporters:
  otlp_grpc:
    endpoint: 127.0.0.1:${grpcPort}
    tls: {insecure: true}
    sending_queue: {num_consumers: 2, queue_size: 100}
  otlp_http:
    endpoint: http://127.0.0.1:${httpPort}
    sending_queue: {sizer: items, queue_size: 1000, batch: {flush_timeout: 20ms, min_size: 5, max_size: 6}}
service:
  pipelines:
${first.join('\n')}`)
  const [grpc, http] = collector.listening().map(({ address }) => `http://${address}`)
  const expected: Record<Signal, Uint8Array[]> = { traces: [], metrics: [], logs: [] }
  const sent: Promise<void>[] = []
  const send = <T>(exporter: { export(data: T, done: (result: { code: number }) => void): void }, data: T): void => {
    sent.push(
      new Promise((resolve, reject) =>
        exporter.export(data, ({ code }) => (code === 0 ? resolve() : reject(new Error('refused')))),
      ),
    )
  }
  for (const seed of [1, 2]) {
    const isGrpc = seed === 1
    const [spans, metrics, logs] = [await spansOf(seed), await metricsOf(seed), await logsOf(seed)]
    send(isGrpc ? new GrpcTraces({ url: grpc! }) : new ProtoTraces({ url: `${http}/v1/traces` }), spans)
    send(isGrpc ? new GrpcMetrics({ url: grpc! }) : new ProtoMetrics({ url: `${http}/v1/metrics` }), metrics)
    send(isGrpc ? new GrpcLogs({ url: grpc! }) : new JsonLogs({ url: `${http}/v1/logs` }), logs)
    expected.traces.push(ProtobufTraceSerializer.serializeRequest(spans)!)
    expected.metrics.push(ProtobufMetricsSerializer.serializeRequest(metrics)!)
    expected.logs.push(ProtobufLogsSerializer.serializeRequest(logs)!)
  }
  await Promise.all(sent)
  const value = (one: Collector, start: string): number =>
    one.counters
      .snapshot()
      .filter(({ name }) => name.startsWith(start))
      .reduce((sum, each) => sum + each.value, 0)
  // 8 spans, 10 points and 4 records, to two exporters each.
  await vi.waitFor(() => expect(value(backend, 'otelcol_exporter_sent_')).toBe(2 * 22), { timeout: 20_000 })
  expect(value(collector, 'otelcol_receiver_accepted_')).toBe(22)
  // The backend counts before it answers.
  await vi.waitFor(() => expect(value(collector, 'otelcol_exporter_sent_')).toBe(2 * 22))
  expect(value(collector, 'otelcol_exporter_send_failed_') + value(collector, 'otelcol_processor_dropped')).toBe(0)
  for (const protocol of ['grpc', 'http']) {
    const requests = readFileSync(file(protocol), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    for (const signal of SIGNALS) {
      const whole = expected[signal].map((bytes) => requestToJson(signal, bytes))
      expect(pointsIn(itemsIn(signal, requests)), `${signal} by ${protocol}`).toEqual(pointsIn(itemsIn(signal, whole)))
    }
  }
}, 30_000)

/** A metric may be divided between messages: each point with its metric. */
function pointsIn(items: readonly string[]): string[] {
  const KINDS = ['gauge', 'sum', 'histogram'] as const
  return items
    .flatMap((text) => {
      const { item, ...around } = JSON.parse(text) as { item: Record<string, { dataPoints?: unknown[] } | undefined> }
      const kind = KINDS.find((each) => item[each]?.dataPoints)
      const points = kind && item[kind]?.dataPoints
      if (!points) return [text]
      return points.map((point) =>
        JSON.stringify({ ...around, item: { ...item, [kind]: { ...item[kind], dataPoints: point } } }),
      )
    })
    .toSorted()
}
