/** What is not lost when a collector or a broker ends in the middle. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSpanColumns, scanSpans, type TelemetryBatch } from '@spoor/otlp'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { createCollector } from '../../collector.ts'
import { builtinFactories } from '../../factories.ts'
import { createSink, createTestLogger, freePort, tracesRequest, type Sink } from '../../testkit/index.ts'
import { startBroker, type Broker } from './broker.ts'
import { JARS, send, startExporter, startReceiver } from './fixture.ts'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker(JARS)
})
afterAll(() => broker.close())

const DIRECT = { sending_queue: { enabled: false } }

/** Spans by their ids, and how many came more than once; keeps no bytes. */
class Arrivals {
  readonly #seen = new Set<string>()
  readonly #columns = createSpanColumns()
  all = 0

  add({ chunks }: TelemetryBatch): void {
    const columns = this.#columns
    for (const { bytes } of chunks) {
      columns.count = 0
      scanSpans(bytes, columns)
      this.all += columns.count
      const ids = Buffer.from(columns.spanId.buffer, columns.spanId.byteOffset)
      for (let row = 0; row < columns.count; row++) this.#seen.add(ids.toString('latin1', 8 * row, 8 * row + 8))
    }
  }

  get unique(): number {
    return this.#seen.size
  }
}

/** Counts what comes to the sink, which keeps nothing of it. */
function count(sink: Sink, arrivals: Arrivals): void {
  sink.consume = async (batch) => arrivals.add(batch)
}

test('a broker that is killed and comes back in the middle of a million spans: all arrive', async () => {
  const [SPANS, EACH] = [Number(process.env['SPOOR_KAFKA_SPANS'] ?? 1_000_000), 1000]
  const topic = 'million'
  const arrivals = new Arrivals()
  const readers = [0, 1].map(() =>
    startReceiver({ brokers: [broker.address], group_id: topic, traces: { topics: [topic] } }),
  )
  for (const { sink } of await Promise.all(readers)) count(sink, arrivals)
  const { exporter, context } = await startExporter({
    brokers: [broker.address],
    traces: { topic },
    partition_traces_by_id: true,
    producer: { compression: 'zstd' },
    retry_on_failure: { initial_interval: '200ms', max_interval: '1s', max_elapsed_time: 0 },
    ...DIRECT,
  })
  let sent = 0
  let restart: Promise<void> | undefined
  const start = performance.now()
  const sender = async (): Promise<void> => {
    while (sent < SPANS) {
      sent += EACH
      if (sent > SPANS / 2) restart ??= broker.kill().then(() => broker.start())
      await send(exporter, tracesRequest({ spans: EACH, traces: 100, attributes: 3, seed: sent }), EACH)
    }
  }
  await Promise.all([sender(), sender(), sender(), sender()])
  await restart
  const all = Math.ceil(SPANS / EACH) * EACH
  await vi.waitFor(() => expect(arrivals.unique).toBeGreaterThanOrEqual(all), { timeout: 300_000, interval: 500 })
  console.log(
    `${arrivals.unique} spans, ${arrivals.all - arrivals.unique} came again, ${Math.round(performance.now() - start)} ms`,
  )
  expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'too_large' })).toBe(0)
  await vi.waitFor(async () => {
    for (const each of await Promise.all(readers)) expect(each.context.status.event.status).toBe('ok')
  })
})

test('a collector that is killed in the middle: all arrive', async () => {
  const topic = 'killed'
  const [REQUESTS, EACH] = [400, 100]
  const { exporter } = await startExporter({ brokers: [broker.address], traces: { topic }, ...DIRECT })
  for (let seed = 1; seed <= REQUESTS; seed++)
    await send(exporter, tracesRequest({ spans: EACH, seed: 10_000 + seed }), EACH)
  const arrivals = new Arrivals()
  const backend = await startBackend(arrivals)
  const yaml = `
receivers:
  kafka: {brokers: ["${broker.address}"], group_id: ${topic}, initial_offset: earliest, session_timeout: 6s, heartbeat_interval: 1s, max_fetch_size: 50000, max_partition_fetch_size: 50000, autocommit: {interval: 50ms}, traces: {topics: [${topic}]}}
exporters:
  otlp_http: {endpoint: "http://${backend}", sending_queue: {enabled: false}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [kafka], exporters: [otlp_http]}}
`
  let ends = 0
  let child = await startCollector(yaml)
  for (const share of [0.2, 0.5, 0.8]) {
    await vi.waitFor(() => expect(arrivals.unique).toBeGreaterThan(share * REQUESTS * EACH), {
      timeout: 120_000,
      interval: 5,
    })
    child.kill('SIGKILL')
    await once(child, 'exit')
    ends++
    expect(arrivals.unique).toBeLessThan(REQUESTS * EACH)
    child = await startCollector(yaml)
  }
  await vi.waitFor(() => expect(arrivals.unique).toBe(REQUESTS * EACH), { timeout: 120_000, interval: 100 })
  console.log(`${ends} ends, ${arrivals.all - arrivals.unique} of ${arrivals.unique} spans came again`)
})

test('one that comes to the group gets its share, and gives it back when it goes: all arrive, and nothing stands', async () => {
  const topic = 'shared'
  const { exporter } = await startExporter({
    brokers: [broker.address],
    traces: { topic },
    partition_traces_by_id: true,
    ...DIRECT,
  })
  const arrivals = new Arrivals()
  let sent = 0
  const more = async (requests: number): Promise<void> => {
    for (let i = 0; i < requests; i++)
      await send(exporter, tracesRequest({ spans: 50, traces: 10, seed: 50_000 + sent++ }), 50)
  }
  await more(1)
  const input = { brokers: [broker.address], group_id: topic, traces: { topics: [topic] } }
  const one = await startReceiver(input)
  count(one.sink, arrivals)
  const owned = ({ context }: typeof one): number =>
    context.counters
      .snapshot()
      .filter(({ name, labels }) => name === 'otelcol_kafka_receiver_current_offset' && labels['topic'] === topic)
      .length
  await vi.waitFor(() => expect(owned(one)).toBe(4))
  const other = await startReceiver(input)
  count(other.sink, arrivals)
  await vi.waitFor(async () => {
    await more(5)
    expect([owned(one), owned(other)]).toEqual([2, 2])
  })
  await more(20)
  await other.stop()
  await vi.waitFor(async () => {
    await more(5)
    expect(owned(one)).toBe(4)
  })
  await vi.waitFor(() => expect(arrivals.unique).toBe(50 * sent))
  console.log(`${sent} requests, ${arrivals.all - arrivals.unique} of ${arrivals.unique} spans came again`)
})

test('who stops while the broker is away stops in good order, in its time', async () => {
  const topic = 'away'
  const { exporter } = await startExporter({
    brokers: [broker.address],
    traces: { topic },
    retry_on_failure: { initial_interval: '1h', max_interval: '1h', max_elapsed_time: 0 },
    ...DIRECT,
  })
  await send(exporter, tracesRequest({ spans: 5 }), 5)
  const { sink, receiver, context } = await startReceiver({
    brokers: [broker.address],
    group_id: topic,
    traces: { topics: [topic] },
  })
  await sink.waitFor(5)
  await broker.kill()
  try {
    const failed = send(exporter, tracesRequest({ spans: 5 }), 5).catch((error: unknown) => error)
    await vi.waitFor(() => expect(context.status.event.status).toBe('recoverable_error'))
    const DEADLINE_MS = 20_000
    const start = performance.now()
    await Promise.all([receiver, exporter].map((each) => each.shutdown(AbortSignal.timeout(DEADLINE_MS))))
    expect(performance.now() - start).toBeLessThan(DEADLINE_MS + 5_000)
    expect(await failed).toMatchObject({ code: 'unavailable' })
  } finally {
    await broker.start()
  }
})

/** Where it listens. */
async function startBackend(arrivals: Arrivals): Promise<string> {
  const sink = createSink()
  count(sink, arrivals)
  const address = `127.0.0.1:${await freePort()}`
  const config = `
receivers: {otlp: {protocols: {http: {endpoint: "${address}"}}}}
exporters: {sink: }
service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [sink]}}}`
  const collector = createCollector({
    config,
    factories: [...builtinFactories, sink.factory()],
    logger: createTestLogger(),
  })
  await collector.start()
  onTestFinished(() => collector.shutdown({ deadlineMs: 200 }))
  return address
}

async function startCollector(yaml: string): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-kafka-'))
  const file = join(folder, 'otel.yaml')
  writeFileSync(file, yaml)
  const program = new URL('collector.child.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--conditions=@spoor/source', program, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  await once(child.stdout, 'data')
  return child
}
