import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { find, spansOf } from '../../conformance/harness.ts'
import { attributes, batchOf, requestOf, sent, traceId, type SentSpan } from '../../conformance/spans.ts'
import { collectSearch, type Filter, type TraceStore } from '../../contract.ts'
import { openLocalStore } from '../../local/threads/local-store.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { databaseOf, drop, ENGINE } from './database.ts'

/** A Collector that has the clickhouse exporter, to be tried against; without one nothing here runs. */
const OTELCOL = process.env['SPOOR_OTELCOL']

const address = databaseOf('otelcol')
const ending: (() => unknown)[] = []

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'spoor-otelcol-'))
  ending.push(() => rmSync(made, { recursive: true, force: true }))
  return made
}

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
  await drop([address.database])
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts it, and resolves with what sends spans through it. */
async function startCollector(makesTables: boolean): Promise<(spans: readonly SentSpan[]) => Promise<void>> {
  const port = await freePort()
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: {
      clickhouse: {
        endpoint: ENGINE.url,
        database: address.database,
        username: ENGINE.user,
        password: ENGINE.password,
        create_schema: makesTables,
        async_insert: false,
        compress: 'none',
        sending_queue: { enabled: false },
      },
    },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], exporters: ['clickhouse'] } },
    },
  }
  const file = join(directory(), 'config.json')
  writeFileSync(file, JSON.stringify(config))
  const child: ChildProcess = spawn(OTELCOL!, ['--config', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr!.on('data', (text: Buffer) => (log = (log + text.toString()).slice(-4_000)))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  ending.push(() => {
    child.kill()
    return ended
  })
  const send = async (spans: readonly SentSpan[]): Promise<number> => {
    const headers = { 'content-type': 'application/x-protobuf' }
    const body = new Uint8Array(requestOf(spans))
    const answer = await fetch(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', headers, body })
    return answer.status
  }
  await expect.poll(() => send([]).catch(() => log), { timeout: 60_000, interval: 100 }).toBe(200)
  return async (spans) => expect([await send(spans), log]).toEqual([200, expect.anything()])
}

/** Attributes are texts: what others store has lost what they were. */
const SPANS: readonly SentSpan[] = Array.from({ length: 60 }, (_, i) => {
  const trace = Math.floor(i / 5)
  const isRoot = i % 5 === 0
  const exception = attributes({ 'exception.type': 'IOError', 'exception.message': `order ${i} is gone` })
  return sent({
    trace,
    id: 1 + (i % 5),
    ...(!isRoot && { parent: 1 }),
    service: ['shop', 'bank', 'mail'][i % 3]!,
    name: `operation ${i % 7}`,
    kind: 1 + (i % 5),
    at: 100 * trace + (i % 5),
    ms: 1 + ((i * 7) % 50),
    status: i % 11 === 0 ? 2 : i % 3,
    attributes: attributes({ 'http.route': `/r/${i % 4}`, 'order.id': `${i}` }),
    span: {
      traceState: 'a=b',
      flags: 0,
      status: { code: i % 11 === 0 ? 2 : 0, message: i % 11 === 0 ? 'no' : '' },
      events:
        i % 11 === 0
          ? [
              {
                timeUnixNano: 1_735_689_600_500_000_000n,
                name: 'exception',
                attributes: exception,
                droppedAttributesCount: 0,
              },
            ]
          : [],
    },
  })
})

const told = (answer: object): unknown => {
  const { spansScanned: _, bytesRead: _bytes, elapsedMs: _ms, ...rest } = answer as Record<string, unknown>
  return rest
}

/** Asks both the same. */
async function same(store: TraceStore, local: TraceStore): Promise<void> {
  const route: Filter = { op: 'eq', target: { attribute: 'http.route' }, value: '/r/1' }
  const ask: ((of: TraceStore) => Promise<unknown>)[] = [
    (of) => of.services(),
    (of) => of.operations(undefined),
    (of) => find(of, {}),
    (of) => find(of, { filter: route, order: 'longest' }),
    async (of) => (await collectSearch(of.search({ order: 'most_errors', limit: 100 }))).traces,
    async (of) =>
      told(await of.aggregate({ groupBy: [{ field: 'service' }, { attribute: 'http.route' }], buckets: 6, limit: 50 })),
    async (of) => told(await of.aggregate({ of: 'requests', groupBy: [{ field: 'name' }], filter: route })),
    async (of) => told(await of.heatMap({})),
    async (of) => told(await of.errorGroups({})),
    async (of) => (await of.bottleneck({})).services,
    async (of) => (await of.dependencies(0n, 1n << 63n)).edges,
  ]
  for (const each of ask) expect(await each(store)).toEqual(await each(local))
  for (const id of [traceId(0), traceId(7)]) expect(await inOrder(store, id)).toEqual(await inOrder(local, id))
}

/** By span, and attributes by key: the exporter keeps no order of these. */
async function inOrder(store: TraceStore, id: string): Promise<unknown> {
  const byKey = (name: string, value: unknown): unknown =>
    name === 'attributes' ? (value as { key: string }[]).toSorted((a, b) => (a.key < b.key ? -1 : 1)) : value
  const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)
  const spans = (await spansOf(store, id)).sort(({ span: a }, { span: b }) => (a.spanId < b.spanId ? -1 : 1))
  return JSON.parse(JSON.stringify(spans, (name, value) => text(name, byKey(name, value))))
}

async function opened(): Promise<{ store: TraceStore; local: TraceStore }> {
  const store = await openClickHouseStore({ address })
  const local = await openLocalStore({ directory: directory() })
  ending.push(
    () => store.close(),
    () => local.close(),
  )
  return { store, local }
}

describe.skipIf(OTELCOL === undefined)("what the Collector's own exporter has stored", () => {
  it('is read from tables that it has made, and nothing is stored in these', async () => {
    const send = await startCollector(true)
    await send(SPANS)
    const { store, local } = await opened()
    await local.append(batchOf(...SPANS))
    await same(store, local)
    await expect(store.append(batchOf(SPANS[0]!))).rejects.toMatchObject({ code: 'read_only' })
  })

  it('is shown with what Spoor stores, in tables that Spoor has made', async () => {
    const { store, local } = await opened()
    const send = await startCollector(false)
    await store.append(batchOf(...SPANS.filter((_, i) => i % 2 === 0)))
    await send(SPANS.filter((_, i) => i % 2 === 1))
    await local.append(batchOf(...SPANS))
    await expect.poll(async () => (await store.aggregate({})).total.count, { timeout: 60_000 }).toBe(SPANS.length)
    await expect.poll(async () => (await spansOf(store, traceId(0))).length, { timeout: 60_000 }).toBe(5)
    await same(store, local)
  })
})
