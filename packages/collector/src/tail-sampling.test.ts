/** Traces that wait for their decision outlive the process: a real one, killed. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCollector } from './collector.ts'
import { builtinFactories } from './factories.ts'
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

async function startBackend(port: number): Promise<Sink> {
  const sink = createSink()
  const config = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {sink: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [sink]}}}`
  const collector = createCollector({
    config,
    factories: [...builtinFactories, sink.factory()],
    logger: createTestLogger(),
  })
  await collector.start()
  onTestFinished(() => collector.shutdown({ deadlineMs: 200 }))
  return sink
}

test('killed while traces wait, and while they are decided: every acknowledged trace is decided after the next start', async () => {
  const path = mkdtempSync(join(tmpdir(), 'spoor-tail-sampling-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  const backendPort = await freePort()
  const file = join(path, 'otel.yaml')
  writeFileSync(
    file,
    `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors:
  tail_sampling:
    decision_wait: 1s
    storage: file_storage
    policies: [{name: whole, type: span_count, span_count: {min_spans: ${SPANS}}}]
exporters: {otlp_http: {endpoint: "http://127.0.0.1:${backendPort}", sending_queue: {enabled: false}}}
extensions: {file_storage: {directory: "${path}/log"}}
service:
  extensions: [file_storage]
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlp_http]}}`,
  )
  const children: ChildProcess[] = []
  onTestFinished(() => children.forEach((child) => void child.kill('SIGKILL')))
  const run = async (): Promise<{ kill(): Promise<void>; address: string }> => {
    const script = join(import.meta.dirname, 'persistent-queue.test.child.ts')
    const child = spawn(process.execPath, ['--conditions=@spoor/source', script, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const kill = async (): Promise<void> => {
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
    }
    return { kill, address: line.toString().trim() }
  }
  const acknowledged: string[] = []
  let seed = 0
  const send = async (address: string, requests: number): Promise<void> => {
    for (let i = 0; i < requests; i++) {
      const bytes = tracesRequest({ spans: SPANS, seed: ++seed, attributes: 1 })
      if ((await postTraces(address, bytes)) === 200) acknowledged.push(...spanIdsIn(bytes))
    }
  }
  const backend = await startBackend(backendPort)
  // It takes ten, and hangs: the others are decided and not handed on, and what comes then waits.
  let taken = 0
  const hangs = Promise.withResolvers<void>()
  backend.intercept = async () => {
    if (++taken <= 10) return
    hangs.resolve()
    await new Promise<void>(() => {})
  }
  const first = await run()
  await Promise.all([send(first.address, 10), send(first.address, 10)])
  await hangs.promise
  await send(first.address, 20)
  await first.kill()
  expect(acknowledged).toHaveLength(40 * SPANS)
  backend.intercept = undefined
  await run()
  const missing = (): number => {
    const arrived = new Set(spanIdsIn(backend.bytes()))
    return acknowledged.filter((id) => !arrived.has(id)).length
  }
  await vi.waitFor(() => expect(missing()).toBe(0), { timeout: 20_000, interval: 50 })
}, 60_000)
