import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { batchOf, sent } from '../conformance/spans.ts'
import type { StorageError, TraceStore } from '../contract.ts'
import type { StoreEvent } from '../events.ts'
import { parseClickHouseUrl } from './address.ts'
import { openClickHouseStore } from './clickhouse-store.ts'
import { RowWriter } from './row-binary.ts'

/** An insert that has come, with its rows. */
interface Come {
  readonly token: string | null
  readonly rows: Buffer
  readonly answer: ServerResponse
}

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** What speaks as a ClickHouse does, as far as storing goes; what it answers to an insert is each test's own. */
async function openAt(
  onInsert: (come: Come) => void,
  onSelect?: (url: URL, request: IncomingMessage, answer: ServerResponse) => void,
): Promise<{ store: TraceStore; events: StoreEvent[]; statements: string[] }> {
  const statements: string[] = []
  const server = createServer((request, answer) => {
    void (async () => {
      const url = new URL(request.url!, 'http://x')
      const body = await bodyOf(request)
      const sql = url.searchParams.get('query') ?? body.toString()
      statements.push(sql)
      if (sql.startsWith('INSERT'))
        onInsert({ token: url.searchParams.get('insert_deduplication_token'), rows: body, answer })
      else if (sql.startsWith('SELECT table, name')) answer.end(columns())
      else if (onSelect && sql.startsWith('SELECT') && sql.includes('SpoorStart')) onSelect(url, request, answer)
      else if (sql.startsWith('SELECT')) answer.end(Buffer.alloc(24))
      else answer.end()
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const events: StoreEvent[] = []
  const store = await openClickHouseStore({
    address: parseClickHouseUrl(`clickhouse://127.0.0.1:${port}/d`, {}),
    onEvent: (event) => events.push(event),
  })
  closing.push(
    async () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
    () => store.close(100).catch(() => {}),
  )
  return { store, events, statements }
}

/** That the table is ours. */
function columns(): Uint8Array {
  const row = new RowWriter()
  row.text('otel_traces')
  row.text('SpoorSpan')
  return row.written
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

function refuse(answer: ServerResponse, code: number, text: string): void {
  answer.writeHead(500, { 'X-ClickHouse-Exception-Code': String(code) })
  answer.end(`Code: ${code}. DB::Exception: ${text}. (NAME) (version 26.9)\n`)
}

const one = (id: number): ReturnType<typeof batchOf> => batchOf(sent({ trace: id, id }))

it('acknowledges when the server has it, and stores together what comes meanwhile', async () => {
  const inserts: Come[] = []
  const came = Promise.withResolvers<void>()
  const { store, statements } = await openAt((come) => {
    if (inserts.push(come) === 1) came.resolve()
    else come.answer.end()
  })
  expect(statements.filter((sql) => sql.startsWith('CREATE'))).toHaveLength(4)
  let acknowledged = 0
  const first = store.append(one(1)).then(() => acknowledged++)
  await came.promise
  const others = Array.from({ length: 20 }, (_, i) => store.append(one(i + 2)).then(() => acknowledged++))
  await new Promise((resolve) => setImmediate(resolve))
  expect([acknowledged, inserts.length]).toEqual([0, 1])
  inserts[0]!.answer.end()
  await Promise.all([first, ...others])
  expect(inserts).toHaveLength(2)
  expect(new Set(inserts.map(({ token }) => token)).size).toBe(2)
  expect(inserts[1]!.rows.length).toBeGreaterThan(15 * inserts[0]!.rows.length)
})

it('sends an insert whose answer was lost again, under the same token', async () => {
  const inserts: Come[] = []
  const { store, events } = await openAt((come) => {
    if (inserts.push(come) === 1) come.answer.destroy()
    else come.answer.end()
  })
  await store.append(one(1))
  expect(inserts).toHaveLength(2)
  expect(inserts[1]!.token).toBe(inserts[0]!.token)
  expect(inserts[1]!.rows).toEqual(inserts[0]!.rows)
  expect(events.map(({ code }) => code)).toEqual(['opened', 'failing', 'recovered_again'])
  expect(store.health()).toMatchObject({ writable: true, reasons: [] })
})

it('refuses what the server will never take, and nothing that came beside it', async () => {
  const first = Promise.withResolvers<Come>()
  let inserts = 0
  const { store } = await openAt((come) => {
    inserts++
    if (inserts === 1) first.resolve(come)
    // Together they are refused, and of the two the second one.
    else if (inserts === 2 || inserts === 4) refuse(come.answer, 117, 'Too odd')
    else come.answer.end()
  })
  const before = store.append(one(1))
  const { answer } = await first.promise
  const [good, bad] = [store.append(one(2)), store.append(one(3))]
  answer.end()
  await before
  await good
  await expect(bad).rejects.toMatchObject({ code: 'corrupt', retryable: false, message: /Too odd/ })
  expect([inserts, (await store.stats()).appended]).toEqual([4, 2])
})

it('gives up what hangs when it is closed, to be sent again', async () => {
  const { store } = await openAt(() => {})
  const appended = store.append(one(1)).catch((error: unknown) => error as StorageError)
  await expect(store.close(50)).rejects.toMatchObject({ code: 'timeout' })
  expect(await appended).toMatchObject({ retryable: true })
  await expect(store.append(one(2))).rejects.toMatchObject({ code: 'closed' })
})

it('says in words what is wrong with the server, and tells nobody a password', async () => {
  const server = createServer((_, answer) => refuse(answer, 516, 'me: Authentication failed'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  const open = (url: string): Promise<TraceStore> => openClickHouseStore({ address: parseClickHouseUrl(url, {}) })
  const refused = await open(`clickhouse://me:secret@127.0.0.1:${port}/d`).catch((error: unknown) => error)
  expect(refused).toMatchObject({
    name: 'StorageError',
    message: expect.stringMatching(
      /opening ClickHouse at .*Authentication failed.*\$SPOOR_CLICKHOUSE_PASSWORD/,
    ) as string,
  })
  expect(String(refused)).not.toContain('secret')
  server.closeAllConnections()
  await closing.pop()!()
  await expect(open(`clickhouse://127.0.0.1:${port}/d`)).rejects.toMatchObject({ code: 'io', message: /ECONNREFUSED/ })
})

it('gives each query a limit of time, memory and rows, and has the server end it when its caller leaves', async () => {
  const asked = Promise.withResolvers<URL>()
  const left = Promise.withResolvers<void>()
  let count = 0
  const { store } = await openAt(
    () => {},
    (url, _request, answer) => {
      // The first one is of opening.
      if (count++ === 0) answer.end(Buffer.alloc(24))
      else {
        answer.once('close', () => left.resolve())
        asked.resolve(url)
      }
    },
  )
  const caller = new AbortController()
  const answer = store.aggregate({ signal: caller.signal, timeoutMs: 60_000 })
  const { searchParams } = await asked.promise
  const told = (name: string): number => Number(searchParams.get(name))
  expect(told('max_execution_time')).toBeGreaterThan(0)
  expect(told('max_execution_time')).toBeLessThanOrEqual(60)
  expect(told('max_memory_usage')).toBe(4 * 2 ** 30)
  expect(told('max_result_rows')).toBe(50_000_000)
  // Only then does the server look whether somebody still waits.
  expect([told('readonly'), told('cancel_http_readonly_queries_on_client_close')]).toEqual([2, 1])
  caller.abort()
  await left.promise
  expect(await answer).toMatchObject({ complete: false })
})
