import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, it } from 'vitest'
import { find, spansOf } from '../../conformance/harness.ts'
import { batchOf, sent, traceId } from '../../conformance/spans.ts'
import type { StorageError, TraceStore } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import { parseClickHouseUrl } from '../address.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { databaseOf, drop, ENGINE } from './database.ts'

/** A Python that has the engine, to be started and killed; without one that is not tried. */
const PYTHON = process.env['SPOOR_CHDB_PYTHON']
const address = databaseOf('faults')
const DATABASE = address.database
const ending: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

type Fault = 'none' | 'lost_answer' | 'lost_request' | 'cut' | 'memory' | 'full' | 'away'

/** What is between Spoor and the server, and does to inserts what `faultOf` says. */
async function startProxy(faultOf: () => Fault): Promise<string> {
  const { hostname, port } = new URL(ENGINE.url)
  const server: Server = createServer((asked, answer) => void pass(asked, answer))
  async function pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of asked) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    const isInsert = new URL(asked.url!, 'http://x').searchParams.get('query')?.startsWith('INSERT') ?? false
    const fault = isInsert ? faultOf() : 'none'
    if (fault === 'lost_request') return void answer.destroy()
    if (fault === 'memory' || fault === 'full' || fault === 'away') {
      const code = { memory: '241', full: '243', away: '0' }[fault]
      answer.writeHead(fault === 'away' ? 502 : 500, { 'X-ClickHouse-Exception-Code': code })
      return void answer.end(`Code: ${code}. DB::Exception: ${fault}. (NAME) (version 26.9)\n`)
    }
    const { 'transfer-encoding': _, ...headers } = asked.headers
    const sending = request(
      {
        hostname,
        port,
        path: asked.url,
        method: asked.method,
        headers: { ...headers, 'content-length': body.length },
      },
      (got) => {
        got.on('error', () => answer.destroy())
        if (fault === 'none') {
          answer.writeHead(got.statusCode!, got.headers)
          got.pipe(answer)
        } else {
          got.resume()
          got.on('end', () => answer.destroy())
        }
      },
    )
    sending.on('error', () => answer.destroy())
    if (fault === 'cut') {
      // The server never gets all of it.
      sending.write(body.subarray(0, body.length >> 1))
      setImmediate(() => sending.destroy())
    } else sending.end(body)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ending.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const dropAll = (): Promise<void> => drop([DATABASE])

/** Sends a span a time, each again as long as it is refused as retryable; tells how often each was sent. */
async function writeAll(store: TraceStore, traces: readonly number[]): Promise<Map<number, number>> {
  const times = new Map<number, number>()
  const waiting = [...traces]
  const write = async (): Promise<void> => {
    for (let trace = waiting.shift(); trace !== undefined; trace = waiting.shift()) {
      for (let isStored = false; !isStored;) {
        times.set(trace, (times.get(trace) ?? 0) + 1)
        isStored = await store.append(batchOf(sent({ trace, id: 1 }))).then(
          () => true,
          (error: StorageError) => {
            expect(error).toMatchObject({ retryable: true })
            return false
          },
        )
      }
    }
  }
  await Promise.all(Array.from({ length: 4 }, write))
  return times
}

async function expectOnce(store: TraceStore, times: ReadonlyMap<number, number>): Promise<void> {
  const traces = [...times.keys()]
  expect((await find(store, {})).sort()).toEqual(traces.map(traceId).sort())
  for (const [trace, count] of times) {
    const rows = await spansOf(store, traceId(trace))
    // What was refused, and sent again by its sender, may be there twice, and counts once.
    if (count === 1) expect(rows).toHaveLength(1)
    else expect(rows.length).toBeGreaterThan(0)
  }
  expect((await store.aggregate({})).total.count).toBe(traces.length)
}

it('loses nothing that is acknowledged, and stores it once, whatever becomes of requests and answers', async () => {
  ending.push(dropAll)
  const faults: Fault[] = [
    'none',
    'lost_answer',
    'cut',
    'lost_request',
    'memory',
    'lost_answer',
    'full',
    'away',
    'none',
  ]
  let insert = 0
  const url = await startProxy(() => faults[insert++ % faults.length]!)
  const events: StoreEvent[] = []
  const store = await openClickHouseStore({
    address: { ...address, url },
    onEvent: (event) => events.push(event),
  })
  ending.push(() => store.close().catch(() => {}))
  const times = await writeAll(
    store,
    Array.from({ length: 60 }, (_, i) => i),
  )
  expect(insert).toBeGreaterThan(faults.length)
  await expectOnce(store, times)
  const codes = new Set(events.map(({ code }) => code))
  expect([codes.has('failing'), codes.has('recovered_again')]).toEqual([true, true])
  expect(store.health()).toMatchObject({ writable: true })
})

it('says what is wrong while it is, and has senders wait, and takes no more memory the longer it lasts', async () => {
  ending.push(dropAll)
  let fault: Fault = 'none'
  const url = await startProxy(() => fault)
  const store = await openClickHouseStore({ address: { ...address, url } })
  ending.push(() => store.close(100).catch(() => {}))
  fault = 'full'
  const large = 'x'.repeat(1 << 20)
  let [acknowledged, sending] = [0, 0]
  const made = process.memoryUsage().arrayBuffers
  const batch = (trace: number): ReturnType<typeof batchOf> => batchOf(sent({ trace, id: 1, span: { name: large } }))
  const appended = Array.from({ length: 150 }, (_, trace) => {
    sending++
    return store.append(batch(trace)).then(
      () => acknowledged++,
      () => {},
    )
  })
  await expect
    .poll(() => store.health().reasons.join(' '), { timeout: 120_000 })
    .toMatch(/its disk is full: free some space/)
  expect([sending, acknowledged]).toEqual([150, 0])
  // Two inserts of 32 MiB, what these have grown to, and the batches themselves, which are the senders'.
  expect(process.memoryUsage().arrayBuffers - made).toBeLessThan((150 + 2 * 128) << 20)
  fault = 'none'
  await Promise.all(appended)
  expect(acknowledged).toBeGreaterThan(0)
  await expect.poll(() => store.health().reasons, { timeout: 120_000 }).toEqual([])
})

it.skipIf(PYTHON === undefined)('loses nothing when the server is killed while it stores, and comes back', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-faults-'))
  ending.push(() => rmSync(directory, { recursive: true, force: true }))
  let front: ChildProcess | undefined
  const start = async (at: number): Promise<number> => {
    front = spawn(PYTHON!, [join(import.meta.dirname, 'front.py'), directory, String(at)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const line = await new Promise<string>((resolve) =>
      createInterface({ input: front!.stdout! }).once('line', resolve),
    )
    return Number(line)
  }
  const kill = async (): Promise<void> => {
    const ended = new Promise((resolve) => front!.once('exit', resolve))
    front!.kill('SIGKILL')
    await ended
  }
  const port = await start(0)
  ending.push(kill)
  const store = await openClickHouseStore({
    address: parseClickHouseUrl(`clickhouse://127.0.0.1:${port}/${DATABASE}`, {}),
  })
  ending.push(() => store.close().catch(() => {}))
  const traces = Array.from({ length: 300 }, (_, i) => i)
  const done = new AbortController()
  const written = writeAll(store, traces).finally(() => done.abort())
  for (let times = 0; times < 3 && !done.signal.aborted; times++) {
    const { appended } = await store.stats({ timeoutMs: 120_000 }).catch(() => ({ appended: 0 }))
    await expect
      .poll(async () => (await store.stats({ timeoutMs: 60_000 }).catch(() => ({ appended: 0 }))).appended, {
        timeout: 120_000,
        interval: 20,
      })
      .toBeGreaterThan(Math.min(appended, traces.length - 5))
    await kill()
    await start(port)
  }
  await expectOnce(store, await written)
})
