import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@spoor/collector/testkit'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { HealthResponse, PipelinesResponse, StatusResponse } from './api.ts'
import { requestOf, spanIdOf, startTestSpoor, type TestSpoor, traceIdOf } from './testkit.ts'

let data: string
const running: TestSpoor[] = []
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'spoor-roles-'))
})
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
  await rm(data, { recursive: true, force: true })
})

async function start(options: Parameters<typeof startTestSpoor>[0]): Promise<TestSpoor> {
  const spoor = await startTestSpoor({ data, statusPort: 0, ...options })
  running.push(spoor)
  return spoor
}

const send = (spoor: TestSpoor, id: number): Promise<Response> =>
  spoor.post(requestOf('shop', [{ traceId: traceIdOf(id), spanId: spanIdOf(1) }]))

async function readiness(spoor: TestSpoor): Promise<[number, readonly string[]]> {
  const response = await spoor.get('/ready')
  return [response.status, ((await response.json()) as HealthResponse).reasons]
}

it('ingest stores, and has no page', async () => {
  const ingest = await start({ program: 'ingest' })
  expect((await send(ingest, 1)).status).toBe(200)
  for (const path of ['/', '/search', '/api/spoor/v1/services', '/api/services', `/api/traces/${traceIdOf(1)}`]) {
    const response = await ingest.get(path)
    expect([path, response.status]).toEqual([path, 404])
    expect(await response.text()).toContain('ask a spoor query')
  }
  const status = await ingest.json<StatusResponse>('/api/spoor/v1/status')
  expect(status).toMatchObject({ program: 'ingest', spansAccepted: 1, store: { spans: 1 } })
  expect((await ingest.json<PipelinesResponse>('/api/spoor/v1/pipelines')).pipelines).toHaveLength(1)
  const metrics = await (await ingest.get('/metrics')).text()
  expect(metrics).toContain('otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 1')
  expect(metrics).toContain('spoor_store_writable 1')
  expect(metrics).not.toMatch(/spoor_(?:queries|findings|store_readable)/)
})

it('ingest goes on while it says that it is not ready', async () => {
  const ingest = await start({ program: 'ingest' })
  expect(await readiness(ingest)).toEqual([200, []])
  ingest.drain()
  expect(await readiness(ingest)).toEqual([503, ['Spoor is about to stop: send and ask elsewhere']])
  expect((await ingest.get('/health')).status).toBe(200)
  expect((await send(ingest, 1)).status).toBe(200)
})

it('query shows what is stored, and receives nothing', async () => {
  const ingest = await start({ program: 'ingest' })
  await send(ingest, 7)
  await running.pop()!.stop()

  const query = await start({ program: 'query' })
  expect(query.urls.otlpHttp ?? query.urls.otlpGrpc).toBeUndefined()
  expect(await readiness(query)).toEqual([200, []])
  expect((await query.get(`/api/spoor/v1/traces/${traceIdOf(7)}`)).status).toBe(200)
  const kept = await query.get('/api/spoor/v1/traces', {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: requestOf('shop', [{ traceId: traceIdOf(8), spanId: spanIdOf(1) }]) as Uint8Array<ArrayBuffer>,
  })
  expect([kept.status, await kept.json()]).toMatchObject([403, { error: { code: 'read_only' } }])
  const { program, pipelines } = {
    ...(await query.json<StatusResponse>('/api/spoor/v1/status')),
    ...(await query.json<PipelinesResponse>('/api/spoor/v1/pipelines')),
  }
  expect([program, pipelines]).toEqual(['query', []])
  expect(await (await query.get('/api/spoor/v1/tap?edge=x')).text()).toContain('which receives nothing')
  const metrics = await (await query.get('/metrics')).text()
  expect(metrics).toMatch(/spoor_queries\{lane="traces"\} [1-9]/)
  expect(metrics).not.toMatch(/otelcol_|spoor_store_writable|spoor_budget/)
})

it('query looks for findings when what it knows to be stored has grown', async () => {
  const ingest = await start({ program: 'ingest' })
  await send(ingest, 1)
  await running.pop()!.stop()
  const query = await start({ program: 'query' })
  const looks = async (): Promise<string> =>
    /spoor_findings_looks (\d+)/.exec(await (await query.get('/metrics')).text())![1]!
  expect(await looks()).toBe('0')
  await query.json('/api/spoor/v1/status')
  await vi.waitFor(async () => expect(await looks()).toBe('1'), { timeout: 60_000 })
})

/** What is asked of a ClickHouse when it is opened as a store, with tables that are there. */
async function listen(port: number): Promise<Server> {
  const columns = Buffer.from('\x0botel_traces\x09SpoorSpan')
  const server = createServer((request, answer) => {
    let asked = request.url!
    request.on('data', (bytes: Buffer) => (asked += bytes.toString()))
    request.once('end', () => answer.end(asked.includes('system.columns') ? columns : Buffer.alloc(24)))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return server
}

it('both wait for a store that is not there yet, are live, and say why they are not ready', async () => {
  const [port, pagePort] = [await freePort(), await freePort()]
  const told: string[] = []
  const starting = start({
    program: 'query',
    store: `clickhouse://127.0.0.1:${port}/d`,
    pagePort,
    onWaiting: (reason) => told.push(reason),
  })
  const page = `http://127.0.0.1:${pagePort}`
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(0), { timeout: 60_000 })
  expect((await fetch(`${page}/health`)).status).toBe(200)
  const ready = await fetch(`${page}/ready`)
  expect(ready.status).toBe(503)
  expect(await ready.text()).toMatch(/the store cannot be opened yet: opening ClickHouse at .*ECONNREFUSED/)
  expect((await fetch(`${page}/api/spoor/v1/services`)).status).toBe(503)

  const server = await listen(port)
  const query = await starting
  expect(await readiness(query)).toEqual([200, []])
  server.closeAllConnections()
  server.close()
})

it('one that waits is stopped at once', async () => {
  const stop = new AbortController()
  const starting = start({
    program: 'ingest',
    store: 'clickhouse://127.0.0.1:1/d',
    signal: stop.signal,
    onWaiting: () => stop.abort(),
  })
  await expect(starting).rejects.toMatchObject({ code: 'stopped' })
})

it('stores where the configuration says, until the next start', async () => {
  const server = await listen(0)
  const { port } = server.address() as AddressInfo
  const configOf = (store: string) => [
    {
      file: 'it.yaml',
      text: `receivers:
  otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}
exporters:
  spoor_storage:
    store: \${env:SPOOR_NO_STORE:-${store}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [spoor_storage]}}}`,
    },
  ]
  const here = `clickhouse://anna:secret@127.0.0.1:${port}/d`
  const ingest = await start({ program: 'ingest', config: configOf(here) })
  expect(ingest.data).toContain(`127.0.0.1:${port}/d`)
  expect(ingest.data).not.toContain('secret')
  await ingest.reload(configOf(here))
  await expect(ingest.reload(configOf('clickhouse://127.0.0.1:1/other'))).rejects.toThrow(
    /it\.yaml:5:\d+ exporters\.spoor_storage\.store.*another one from the next start on/,
  )
  await ingest.stop()
  server.closeAllConnections()
  server.close()
})
