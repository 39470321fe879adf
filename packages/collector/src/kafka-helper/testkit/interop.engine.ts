/**
 * The real otelcol with contrib's kafka components at the other end: what it writes is read here, and what is written here it reads. Runs where $SPOOR_KAFKA_OTELCOL is
 * a collector that has them with `otlp` and `otlp_http`, as the official builder makes one.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeLogs, decodeMetrics, decodeTraces } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createCollector } from '../../collector.ts'
import { builtinFactories } from '../../factories.ts'
import {
  createSink,
  createTestLogger,
  freePort,
  logsRequest,
  metricsRequest,
  postOtlp,
  tracesRequest,
  type Sink,
} from '../../testkit/index.ts'
import { startBroker, type Broker } from './broker.ts'
import { JARS, readTopic, send, startExporter, startReceiver } from './fixture.ts'

const OTELCOL = process.env['SPOOR_KAFKA_OTELCOL'] ?? ''
const PARTITIONS = 4
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const SENT = { traces: tracesRequest({ spans: 50, rich: true }), metrics: metricsRequest(20), logs: logsRequest(30) }

let broker: Broker
let topics = 0
const fresh = (): string => `topic-${++topics}`

describe.runIf(OTELCOL !== '')('otelcol', () => {
  beforeAll(async () => {
    broker = await startBroker(JARS, { 'num.partitions': String(PARTITIONS) })
  })
  afterAll(() => broker.close())

  test.each(CODECS.flatMap((codec) => ['otlp_proto', 'otlp_json'].map((encoding) => [codec, encoding] as const)))(
    'what it writes is read here: %s, %s',
    async (codec, encoding) => {
      const [traces, metrics, logs, port] = [fresh(), fresh(), fresh(), await freePort()]
      await startOtelcol(`
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {kafka: {brokers: ["${broker.address}"], producer: {compression: ${codec}}, traces: {topic: ${traces}, encoding: ${encoding}}, metrics: {topic: ${metrics}, encoding: ${encoding}}, logs: {topic: ${logs}, encoding: ${encoding}}}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [kafka]}, metrics: {receivers: [otlp], exporters: [kafka]}, logs: {receivers: [otlp], exporters: [kafka]}}`)
      for (const signal of ['traces', 'metrics', 'logs'] as const) {
        await vi.waitFor(async () => expect(await postOtlp(`127.0.0.1:${port}`, signal, SENT[signal])).toBe(200))
      }
      const { sinks } = await startReceiver(
        {
          brokers: [broker.address],
          group_id: traces,
          traces: { topics: [traces], encoding },
          metrics: { topics: [metrics], encoding },
          logs: { topics: [logs], encoding },
        },
        ['traces', 'metrics', 'logs'],
      )
      await expectAll(sinks.get('traces')!, sinks.get('metrics')!, sinks.get('logs')!)
    },
  )

  test.each(CODECS.flatMap((codec) => ['otlp_proto', 'otlp_json'].map((encoding) => [codec, encoding] as const)))(
    'what is written here it reads: %s, %s',
    async (codec, encoding) => {
      const [traces, metrics, logs] = [fresh(), fresh(), fresh()]
      const { exporter } = await startExporter({
        brokers: [broker.address],
        producer: { compression: codec },
        traces: { topic: traces, encoding },
        metrics: { topic: metrics, encoding },
        logs: { topic: logs, encoding },
        sending_queue: { enabled: false },
      })
      await send(exporter, SENT.traces, 50)
      await send(exporter, SENT.metrics, 20, 'metrics')
      await send(exporter, SENT.logs, 30, 'logs')
      const backend = await startBackend()
      await startOtelcol(`
receivers: {kafka: {brokers: ["${broker.address}"], group_id: ${traces}, initial_offset: earliest, traces: {topics: [${traces}], encoding: ${encoding}}, metrics: {topics: [${metrics}], encoding: ${encoding}}, logs: {topics: [${logs}], encoding: ${encoding}}}}
exporters: {otlp_http: {endpoint: "http://${backend.address}"}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [kafka], exporters: [otlp_http]}, metrics: {receivers: [kafka], exporters: [otlp_http]}, logs: {receivers: [kafka], exporters: [otlp_http]}}`)
      await expectAll(backend.traces, backend.metrics, backend.logs)
    },
  )

  test('traces have the same key and the same partition, whoever writes them', async () => {
    const [theirs, ours, port] = [fresh(), fresh(), await freePort()]
    const bytes = tracesRequest({ spans: 100, traces: 20 })
    await startOtelcol(`
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {kafka: {brokers: ["${broker.address}"], partition_traces_by_id: true, traces: {topic: ${theirs}}}}
service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [kafka]}}}`)
    await vi.waitFor(async () => expect(await postOtlp(`127.0.0.1:${port}`, 'traces', bytes)).toBe(200))
    const { exporter } = await startExporter({
      brokers: [broker.address],
      partition_traces_by_id: true,
      traces: { topic: ours },
      sending_queue: { enabled: false },
    })
    await send(exporter, bytes, 100)
    const places = async (topic: string): Promise<string[]> =>
      (await readTopic(broker.address, topic, 20)).map(({ key, partition }) => `${key} ${partition}`).toSorted()
    expect(await places(ours)).toEqual(await places(theirs))
  })

  test('both are in one group, and each partition is read by one of them', async () => {
    const topic = fresh()
    const { exporter } = await startExporter({
      brokers: [broker.address],
      partition_traces_by_id: true,
      traces: { topic },
      sending_queue: { enabled: false },
    })
    let sent = 0
    const more = async (): Promise<void> => send(exporter, tracesRequest({ spans: 40, traces: 10, seed: ++sent }), 40)
    await more()
    const backend = await startBackend()
    const { sink } = await startReceiver({ brokers: [broker.address], group_id: topic, traces: { topics: [topic] } })
    await sink.waitFor(40)
    await startOtelcol(`
receivers: {kafka: {brokers: ["${broker.address}"], group_id: ${topic}, initial_offset: earliest, traces: {topics: [${topic}]}}}
exporters: {otlp_http: {endpoint: "http://${backend.address}"}}
service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [kafka], exporters: [otlp_http]}}}`)
    const ids = (bytes: Uint8Array): string[] =>
      decodeTraces(bytes).resourceSpans.flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) => spans.map(({ spanId }) => spanId)),
      )
    await vi.waitFor(async () => {
      await more()
      expect(backend.traces.items).toBeGreaterThan(0)
    })
    await vi.waitFor(() => expect(new Set([...ids(sink.bytes()), ...ids(backend.traces.bytes())]).size).toBe(40 * sent))
  })
})

async function expectAll(traces: Sink, metrics: Sink, logs: Sink): Promise<void> {
  await Promise.all([traces.waitFor(50), metrics.waitFor(20), logs.waitFor(30)])
  expect(decodeTraces(traces.bytes())).toEqual(decodeTraces(SENT.traces))
  expect(decodeMetrics(metrics.bytes())).toEqual(decodeMetrics(SENT.metrics))
  expect(decodeLogs(logs.bytes())).toEqual(decodeLogs(SENT.logs))
}

async function startBackend() {
  const [traces, metrics, logs] = [createSink(), createSink(), createSink()]
  const address = `127.0.0.1:${await freePort()}`
  const config = `
receivers: {otlp: {protocols: {http: {endpoint: "${address}"}}}}
exporters: {traces: , metrics: , logs: }
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [traces]}, metrics: {receivers: [otlp], exporters: [metrics]}, logs: {receivers: [otlp], exporters: [logs]}}`
  const factories = [...builtinFactories, traces.factory('traces'), metrics.factory('metrics'), logs.factory('logs')]
  const collector = createCollector({ config, factories, logger: createTestLogger() })
  await collector.start()
  onTestFinished(() => collector.shutdown({ deadlineMs: 200 }))
  return { address, traces, metrics, logs }
}

async function startOtelcol(yaml: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-kafka-'))
  const file = join(folder, 'otel.yaml')
  writeFileSync(file, yaml)
  const child = spawn(OTELCOL, ['--config', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  onTestFinished(() => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (text: Buffer) => {
      output += text.toString()
      if (output.includes('Everything is ready')) resolve()
    })
    child.once('exit', () => reject(new Error(`otelcol ended:\n${output}`)))
  })
}
