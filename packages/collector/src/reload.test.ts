/** Another configuration under way: real sockets, senders that never pause, backends that are there and that are dead. */
import http from 'node:http'
import type { TelemetryBatch } from '@spoor/otlp'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createCollector, type Collector } from './collector.ts'
import {
  CollectorError,
  section,
  type Component,
  type Consumer,
  type Factory,
  EMPTY_CONTEXT,
} from './component/index.ts'
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

const SPANS = 10

async function start(config: string, factories: readonly Factory[] = builtinFactories) {
  const logger = createTestLogger()
  const collector = createCollector({ config: [{ text: config, file: 'otel.yaml' }], factories, logger })
  await collector.start()
  onTestFinished(async () => collector.shutdown({ deadlineMs: 200 }))
  const reload = (text: string): Promise<void> => collector.reload([{ text, file: 'otel.yaml' }])
  const value = (name: string, labels: Record<string, string> = {}): number | undefined =>
    collector.counters
      .snapshot()
      .find((each) => each.name === name && Object.entries(labels).every(([key, own]) => each.labels[key] === own))
      ?.value
  return { collector, logger, reload, value }
}

function addressOf(collector: Collector, protocol = 'http', component = 'otlp'): string {
  return collector.listening().find((one) => one.protocol === protocol && one.component === component)?.address ?? ''
}

async function startBackend(): Promise<{ sink: Sink; address: string }> {
  const sink = createSink()
  const text = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters: {sink: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [sink]}}}`
  const { collector } = await start(text, [...builtinFactories, sink.factory()])
  return { sink, address: addressOf(collector) }
}

interface Config {
  readonly exporters: Record<string, string>
  readonly port?: number
  readonly receiver?: string
  readonly processors?: Record<string, string>
  readonly more?: string
}

function yaml({ exporters, port = 0, receiver = '', processors = {}, more = '' }: Config): string {
  const lines = (entries: Record<string, string>) => Object.entries(entries).map(([id, text]) => `  ${id}: ${text}\n`)
  return `receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"${receiver}}}}
processors:
${lines(processors).join('')}
exporters:
${lines(exporters).join('')}
${more}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [${Object.keys(processors).join(', ')}], exporters: [${Object.keys(exporters).join(', ')}]}
`
}

const to = (address: string, more = ''): string =>
  `{endpoint: "http://${address}", retry_on_failure: {initial_interval: 50ms}${more}}`

/** Sends one request after another over kept connections and new ones, and notes what becomes of each. */
function startSenders(address: string, { count = 4, isKept = true } = {}) {
  const sent = new Set<string>()
  const refused: string[] = []
  let seed = 1
  const over = new AbortController()
  const post = (body: Uint8Array, agent: http.Agent): Promise<string> =>
    new Promise((resolve) => {
      const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
      const request = http.request(`http://${address}/v1/traces`, { method: 'POST', headers, agent }, (response) => {
        response.resume().on('end', () => resolve(String(response.statusCode)))
      })
      request.on('error', (error: Error) => resolve(error.message))
      request.end(body)
    })
  const send = async (agent: http.Agent): Promise<void> => {
    while (!over.signal.aborted) {
      const body = tracesRequest({ spans: SPANS, seed: seed++ })
      const answer = await post(body, agent)
      if (answer === '200') for (const id of spanIdsIn(body)) sent.add(id)
      else refused.push(answer)
    }
  }
  const agents = Array.from({ length: count }, (_, index) => new http.Agent({ keepAlive: isKept && index % 2 === 0 }))
  const all = agents.map(send)
  return {
    sent,
    refused,
    async stop(): Promise<void> {
      over.abort()
      await Promise.all(all)
      for (const agent of agents) agent.destroy()
    },
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const post = (address: string, seed = 1): Promise<number> => postTraces(address, tracesRequest({ spans: SPANS, seed }))

test('under load nobody is refused and nothing is lost, however often and whatever is changed', async () => {
  const [a, b] = [await startBackend(), await startBackend()]
  const batch = '{timeout: 20ms}'
  const forms: Config[] = [
    { exporters: { 'otlp_http/a': to(a.address) } },
    { exporters: { 'otlp_http/a': to(a.address) }, processors: { batch } },
    { exporters: { 'otlp_http/a': to(a.address), 'otlp_http/b': to(b.address) }, processors: { batch } },
    { exporters: { 'otlp_http/b': to(b.address, ', compression: none') }, processors: { 'batch/2': batch, batch } },
    { exporters: { 'otlp_http/a': to(b.address), 'otlp_http/b': to(a.address) } },
    { exporters: { 'otlp_http/a': to(b.address, ', sending_queue: {enabled: false}') } },
  ]
  const { collector, reload, value } = await start(yaml(forms[0]!))
  const senders = startSenders(addressOf(collector))
  for (let round = 1; round <= 20; round++) {
    const before = senders.sent.size
    await reload(yaml(forms[round % forms.length]!))
    await until(() => senders.sent.size > before + 5 * SPANS || senders.refused.length > 0)
  }
  await senders.stop()
  await collector.shutdown()
  expect(senders.refused).toEqual([])
  const arrived = new Set([a, b].flatMap(({ sink }) => spanIdsIn(sink.bytes())))
  expect([...senders.sent].filter((id) => !arrived.has(id))).toEqual([])
  expect(value('otelcol_exporter_send_failed_batches')).toBeUndefined()
})

test.each([
  ['kept and single connections', true],
  ['single connections only', false],
])(
  'under load nobody is refused by a receiver that is changed, on %s: its port goes to its successor',
  async (_, isKept) => {
    const { sink, address } = await startBackend()
    const port = await freePort()
    const form = (size: number): string =>
      yaml({ exporters: { 'otlp_http/a': to(address) }, port, receiver: `, max_request_body_size: ${size}` })
    const { collector, reload } = await start(form(1_000_000))
    const senders = startSenders(addressOf(collector), { isKept })
    for (let round = 1; round <= 10; round++) {
      const before = senders.sent.size
      await reload(form(1_000_000 + round))
      await until(() => senders.sent.size > before + 5 * SPANS || senders.refused.length > 0)
    }
    await senders.stop()
    await collector.shutdown()
    expect(senders.refused).toEqual([])
    const arrived = new Set(spanIdsIn(sink.bytes()))
    expect([...senders.sent].filter((id) => !arrived.has(id))).toEqual([])
  },
)

test('a receiver that is the same keeps its connections', async () => {
  const { sink, address } = await startBackend()
  const { collector, reload } = await start(yaml({ exporters: { 'otlp_http/a': to(address) } }))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  let connections = 0
  const send = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' }
      const url = `http://${addressOf(collector)}/v1/traces`
      const request = http.request(url, { method: 'POST', agent, headers }, (response) =>
        response.resume().on('end', resolve),
      )
      request.on('socket', (socket) => {
        if (socket.connecting) connections++
      })
      request.on('error', reject).end('{}')
    })
  await send()
  await reload(yaml({ exporters: { 'otlp_http/b': to(address) }, processors: { batch: '' } }))
  await send()
  agent.destroy()
  expect(connections).toBe(1)
  await post(addressOf(collector))
  await sink.waitFor(SPANS)
})

test('a receiver that is changed moves to its successor with its port', async () => {
  const { sink, address } = await startBackend()
  const port = await freePort()
  const exporters = { 'otlp_http/a': to(address) }
  const { collector, reload } = await start(yaml({ exporters, port }))
  expect(await post(addressOf(collector))).toBe(200)
  await reload(yaml({ exporters, port, receiver: ', max_request_body_size: 100' }))
  expect(await post(addressOf(collector), 2)).toBe(413)
  await reload(yaml({ exporters, port }))
  expect(await post(addressOf(collector), 3)).toBe(200)
  await sink.waitFor(2 * SPANS)
})

describe('a configuration that cannot be', () => {
  test.each([
    ['exporters: [', /^otel\.yaml:\d+:\d+ /],
    [
      yaml({ exporters: { 'otlp_http/a': '{endpoint: "http://127.0.0.1:1", tiemout: 5s}' } }),
      /^otel\.yaml:6:49 exporters\.otlp_http\/a\.tiemout: unknown key; did you mean "timeout"\?/,
    ],
  ])('is told with its place, and the one before goes on (%#)', async (text, message) => {
    const { sink, address } = await startBackend()
    const { collector, reload } = await start(yaml({ exporters: { 'otlp_http/a': to(address) } }))
    await expect(reload(text)).rejects.toThrow(message)
    expect(await post(addressOf(collector))).toBe(200)
    await sink.waitFor(SPANS)
  })

  test('as a new receiver cannot listen: all is as it was, with its queue and its figures', async () => {
    const { sink, address } = await startBackend()
    const { collector, reload, value } = await start(yaml({ exporters: { 'otlp_http/a': to(address) } }))
    const other = await startBackend()
    const taken = Number(new URL(`http://${other.address}`).port)
    const queue = ', sending_queue: {queue_size: 7}'
    const text = yaml({ exporters: { 'otlp_http/a': to(address, queue) }, port: taken })
    await expect(reload(text)).rejects.toThrow(/receiver otlp: cannot listen on 127.0.0.1:\d+: the address is taken/)
    expect(value('otelcol_exporter_queue_capacity')).toBe(1000)
    expect(await post(addressOf(collector))).toBe(200)
    await sink.waitFor(SPANS)
  })
})

test('what an exporter could not send goes to its successor', async () => {
  const { sink, address } = await startBackend()
  const dead = `127.0.0.1:${await freePort()}`
  const { collector, reload, value } = await start(yaml({ exporters: { 'otlp_http/a': to(dead) } }))
  for (let seed = 1; seed <= 20; seed++) expect(await post(addressOf(collector), seed)).toBe(200)
  await reload(yaml({ exporters: { 'otlp_http/a': to(address) } }))
  await sink.waitFor(20 * SPANS)
  await collector.shutdown()
  expect(sink.items).toBe(20 * SPANS)
  expect(value('otelcol_exporter_send_failed_batches')).toBeUndefined()
})

test('what is kept for an exporter that is behind is kept, though it is no longer one of several', async () => {
  const [live, late] = [await startBackend(), await startBackend()]
  let isBack = false
  late.sink.intercept = () => {
    if (!isBack) throw new CollectorError('unavailable', 'not now')
  }
  const direct = `{endpoint: "http://${late.address}", sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}`
  const exporters = { 'otlp_http/a': to(live.address), 'otlp_http/b': direct }
  const { collector, reload, value } = await start(yaml({ exporters }))
  expect(await post(addressOf(collector))).toBe(200)
  await live.sink.waitFor(SPANS)
  await reload(yaml({ exporters: { 'otlp_http/b': direct } }))
  isBack = true
  await late.sink.waitFor(SPANS)
  expect(value('otelcol_fanout_dropped_batches')).toBeUndefined()
  await until(() => value('otelcol_fanout_kept_batches') === undefined)
})

test('what is on its way through a part that goes is not lost by that', async () => {
  const [live, late] = [await startBackend(), await startBackend()]
  const refusal = Promise.withResolvers<void>()
  let calls = 0
  late.sink.intercept = async () => {
    if (++calls === 1) await refusal.promise
  }
  const direct = `{endpoint: "http://${late.address}", sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}`
  const exporters = { 'otlp_http/a': to(live.address), 'otlp_http/b': direct }
  const { collector, reload } = await start(yaml({ exporters }))
  const answer = post(addressOf(collector))
  await until(() => calls > 0)
  await reload(yaml({ exporters: { 'otlp_http/b': direct } }))
  refusal.reject(new CollectorError('unavailable', 'not now'))
  expect(await answer).toBe(200)
  await late.sink.waitFor(SPANS)
})

/** An exporter that has something only one can have; it writes down when, and takes its time to let it go. */
function createOwner(sink: Sink) {
  const events: string[] = []
  const owner: Factory = {
    kind: 'exporter',
    type: 'owner',
    config: section({ version: z.int(), fails: z.boolean().default(false) }),
    signals: ['traces'],
    create(_, { version, fails }: { version: number; fails: boolean }): Component & Consumer {
      let isStopped = false
      return {
        claims: ['file /spans'],
        async start() {
          events.push(`start ${version}`)
          if (fails) throw new CollectorError('unavailable', 'the file is bad')
        },
        async shutdown() {
          if (isStopped) return
          isStopped = true
          await new Promise((resolve) => setTimeout(resolve, 50))
          events.push(`stopped ${version}`)
        },
        async consume(batch: TelemetryBatch) {
          if (isStopped) throw new CollectorError('unavailable', 'stopped')
          await sink.consume(batch, EMPTY_CONTEXT)
        },
      }
    },
  }
  return { events, factories: [...builtinFactories, owner] }
}

describe('what only one can have', () => {
  test('moves in order; what comes meanwhile waits and is not refused', async () => {
    const sink = createSink()
    const { events, factories } = createOwner(sink)
    const { collector, reload } = await start(yaml({ exporters: { owner: '{version: 1}' } }), factories)
    const senders = startSenders(addressOf(collector))
    await until(() => senders.sent.size > 0)
    await reload(yaml({ exporters: { owner: '{version: 2}' } }))
    await senders.stop()
    expect(events).toEqual(['start 1', 'stopped 1', 'start 2'])
    expect(senders.refused).toEqual([])
    expect(sink.items).toBe(senders.sent.size)
  })

  test('comes back where its successor cannot start', async () => {
    const sink = createSink()
    const { events, factories } = createOwner(sink)
    const { collector, reload } = await start(yaml({ exporters: { owner: '{version: 1}' } }), factories)
    const senders = startSenders(addressOf(collector))
    await until(() => senders.sent.size > 0)
    const failing = reload(yaml({ exporters: { owner: '{version: 2, fails: true}' } }))
    await expect(failing).rejects.toThrow('exporter owner: the file is bad')
    const before = senders.sent.size
    await until(() => senders.sent.size > before)
    await senders.stop()
    expect(events.slice(0, 5)).toEqual(['start 1', 'stopped 1', 'start 2', 'stopped 2', 'start 1'])
    expect(senders.refused).toEqual([])
    expect(sink.items).toBe(senders.sent.size)
  })

  test('a stop in the middle of a move answers those who wait', async () => {
    const sink = createSink()
    const { factories } = createOwner(sink)
    const { collector, reload } = await start(yaml({ exporters: { owner: '{version: 1}' } }), factories)
    const moving = reload(yaml({ exporters: { owner: '{version: 2}' } })).catch((error: Error) => error.message)
    await new Promise((resolve) => setTimeout(resolve, 10))
    const answer = post(addressOf(collector))
    await new Promise((resolve) => setTimeout(resolve, 10))
    await collector.shutdown({ deadlineMs: 1000 })
    expect([200, 503]).toContain(await answer)
    expect(sink.items).toBe((await answer) === 200 ? SPANS : 0)
    await moving
    await expect(reload(yaml({ exporters: { owner: '{version: 3}' } }))).rejects.toThrow('shutting down')
  })
})

test('the figures of what is gone are gone', async () => {
  const { address } = await startBackend()
  const { reload, value } = await start(yaml({ exporters: { 'otlp_http/a': to(address), 'otlp_http/b': to(address) } }))
  expect(value('otelcol_exporter_queue_size', { exporter: 'otlp_http/b' })).toBe(0)
  await reload(yaml({ exporters: { 'otlp_http/a': to(address) } }))
  await until(() => value('otelcol_exporter_queue_size', { exporter: 'otlp_http/b' }) === undefined)
  expect(value('otelcol_exporter_queue_size', { exporter: 'otlp_http/a' })).toBe(0)
})
