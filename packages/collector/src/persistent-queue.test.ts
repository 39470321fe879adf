/** A queue that outlives the process: real backends, real ends of processes. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCollector, type Collector } from './collector.ts'
import { builtinFactories } from './factories.ts'
import { CollectorError } from './component/index.ts'
import {
  createSink,
  createTestLogger,
  freePort,
  postTraces,
  spanIdsIn,
  tracesRequest,
  type Sink,
} from './testkit/index.ts'

const SPANS = 5

async function start(config: string, sink?: Sink) {
  const logger = createTestLogger()
  const factories = sink ? [...builtinFactories, sink.factory()] : builtinFactories
  const collector = createCollector({ config, factories, logger })
  await collector.start()
  onTestFinished(() => collector.shutdown({ deadlineMs: 200 }))
  const value = (name: string): number =>
    collector.counters
      .snapshot()
      .filter((each) => each.name === name)
      .reduce((sum, each) => sum + each.value, 0)
  return { collector, logger, value }
}

const addressOf = (collector: Collector): string => collector.listening()[0]?.address ?? ''

async function startBackend(address: string): Promise<Sink> {
  const sink = createSink()
  const text = `
receivers: {otlp: {protocols: {http: {endpoint: "${address}"}}}}
exporters: {sink: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [sink]}}}`
  await start(text, sink)
  return sink
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'spoor-persistent-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const yaml = (
  path: string,
  backend: string,
  queue = '',
  retry = 'initial_interval: 20ms, max_interval: 50ms',
): string => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters:
  otlp_http: {endpoint: "http://${backend}", retry_on_failure: {${retry}}, sending_queue: {storage: file_storage${queue}}}
extensions: {file_storage: {directory: "${path}/queues"}}
service:
  extensions: [file_storage]
  pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}`

/** `host:port` where nobody listens. */
const freeAddress = async (): Promise<string> => `127.0.0.1:${await freePort()}`

const post = (address: string, seed: number): Promise<number> =>
  postTraces(address, tracesRequest({ spans: SPANS, seed }))

test('what a dead peer has not taken stays over a stop, and is sent after it, once', async () => {
  const path = directory()
  const backend = await freeAddress()
  const first = await start(yaml(path, backend))
  for (let seed = 1; seed <= 30; seed++) expect(await post(addressOf(first.collector), seed)).toBe(200)
  await first.collector.shutdown()
  expect(first.value('otelcol_exporter_send_failed_batches')).toBe(0)
  const sink = await startBackend(backend)
  const second = await start(yaml(path, backend))
  await sink.waitFor(30 * SPANS)
  await second.collector.shutdown()
  const third = await start(yaml(path, backend))
  expect(third.value('otelcol_exporter_queue_size')).toBe(0)
  await third.collector.shutdown()
  expect(new Set(spanIdsIn(sink.bytes())).size).toBe(30 * SPANS)
  expect(sink.items).toBe(30 * SPANS)
})

test('killed again and again under load, with a backend that comes and goes: nothing acknowledged is lost', async () => {
  const path = directory()
  const backend = await freeAddress()
  const file = join(path, 'otel.yaml')
  writeFileSync(file, yaml(path, backend))
  const acknowledged: string[] = []
  let seed = 1
  const children: ChildProcess[] = []
  onTestFinished(() => children.forEach((child) => void child.kill('SIGKILL')))
  const run = async (): Promise<{ child: ChildProcess; address: string }> => {
    const script = join(import.meta.dirname, 'persistent-queue.test.child.ts')
    const child = spawn(process.execPath, ['--conditions=@spoor/source', script, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    return { child, address: line.toString().trim() }
  }
  const send = async (address: string): Promise<void> => {
    for (;;) {
      const own = seed++
      const status = await post(address, own).catch(() => undefined)
      if (status === undefined) return
      if (status === 200) acknowledged.push(...spanIdsIn(tracesRequest({ spans: SPANS, seed: own })))
    }
  }
  const round = async (): Promise<void> => {
    const { child, address } = await run()
    const before = acknowledged.length
    const senders = Array.from({ length: 4 }, () => send(address))
    while (acknowledged.length < before + 40 * SPANS) await new Promise((resolve) => setTimeout(resolve, 2))
    const closed = once(child, 'close')
    child.kill('SIGKILL')
    await Promise.all([closed, ...senders])
  }
  await round()
  const sink = await startBackend(backend)
  // It refuses every other request for a while, so that some are under way at each kill.
  let calls = 0
  sink.intercept = () => {
    if (++calls % 2 === 0) throw new CollectorError('unavailable', 'not now')
  }
  await round()
  await round()
  sink.intercept = undefined
  await run()
  const missing = (): string[] => {
    const arrived = new Set(spanIdsIn(sink.bytes()))
    return acknowledged.filter((id) => !arrived.has(id))
  }
  for (let turn = 0; turn < 400 && missing().length > 0; turn++) await new Promise((resolve) => setTimeout(resolve, 25))
  expect(missing()).toEqual([])
}, 60_000)

test('full, it refuses for now and does not lose what it has; there is no bound of time', async () => {
  const path = directory()
  const backend = await freeAddress()
  const { collector, value } = await start(yaml(path, backend, ', queue_size: 3', 'enabled: false'))
  for (let seed = 1; seed <= 3; seed++) expect(await post(addressOf(collector), seed)).toBe(200)
  expect(await post(addressOf(collector), 4)).toBe(503)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(value('otelcol_exporter_queue_size')).toBe(3)
  const sink = await startBackend(backend)
  await sink.waitFor(3 * SPANS)
  expect(value('otelcol_exporter_send_failed_batches')).toBe(0)
})

describe('a reload', () => {
  test('moves the queue to an exporter with another endpoint', async () => {
    const path = directory()
    const { collector } = await start(yaml(path, await freeAddress()))
    for (let seed = 1; seed <= 10; seed++) expect(await post(addressOf(collector), seed)).toBe(200)
    const backend = await freeAddress()
    const sink = await startBackend(backend)
    await collector.reload(yaml(path, backend))
    await sink.waitFor(10 * SPANS)
    await collector.shutdown()
    expect(sink.items).toBe(10 * SPANS)
  })

  test('empties it where the exporter keeps no file any more', async () => {
    const path = directory()
    const { collector } = await start(yaml(path, await freeAddress()))
    for (let seed = 1; seed <= 20; seed++) expect(await post(addressOf(collector), seed)).toBe(200)
    const backend = await freeAddress()
    const sink = await startBackend(backend)
    await collector.reload(yaml(path, backend).replace('storage: file_storage', 'queue_size: 500'))
    await sink.waitFor(20 * SPANS)
  })
})

describe('a configuration that cannot be', () => {
  test.each([
    [
      yaml('/tmp', 'b:1').replace('extensions: [file_storage]', 'extensions: []'),
      'config.yaml:4:119 exporters.otlp_http.sending_queue.storage: extension "file_storage" is not among service.extensions',
    ],
    [
      yaml('/tmp', 'b:1')
        .replaceAll('file_storage]', 'nop]')
        .replace('{file_storage: {', '{nop: , file_storage: {')
        .replace('storage: file_storage', 'storage: nop'),
      'exporters.otlp_http.sending_queue.storage: extension "nop" is no extension for storage',
    ],
    [yaml('/tmp', 'b:1', ', wait_for_result: true'), '`wait_for_result` is not supported with a persistent queue'],
  ])('is told at its place (%#)', (config, message) => {
    const create = () => createCollector({ config, factories: builtinFactories, logger: createTestLogger() })
    expect(create).toThrow(message)
  })

  test('a directory that cannot be written', async () => {
    const starting = start(yaml('/proc/nowhere', 'b:1'))
    await expect(starting).rejects.toThrow(
      'extension file_storage: cannot keep anything in the directory /proc/nowhere',
    )
  })
})
