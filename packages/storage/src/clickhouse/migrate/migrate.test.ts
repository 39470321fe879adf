import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { batchOf, sent, type SentSpan } from '../../conformance/spans.ts'
import type { StorageError } from '../../contract.ts'
import { openInSameThread } from '../../local/threads/same-thread.test.helper.ts'
import { type MigrateOptions, type MigrateReport, migrateToClickHouse } from './migrate.ts'
import { startTestServer, type TestServer } from './server.test.helper.ts'

vi.setConfig({ testTimeout: 120_000 })

let directory: string
let server: TestServer
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-migrate-'))
  server = await startTestServer()
})
afterEach(async () => {
  await server.close()
  rmSync(directory, { recursive: true, force: true })
})

const HOUR_MS = 3_600_000
/** Over five hours, back and forth, some of them sent twice. */
const SPANS = Array.from({ length: 300 }, (_, i) =>
  sent({ trace: i % 40, id: i + 1, at: ((i * 7) % 50) * 0.1 * HOUR_MS + i, service: `s${i % 3}` }),
)
const ALL = [...SPANS, ...SPANS.slice(0, 10)]

async function store(spans: readonly SentSpan[]): Promise<void> {
  const opened = await openInSameThread({ directory, blockSpans: 64 })
  for (let at = 0; at < spans.length; at += 20) await opened.append(batchOf(...spans.slice(at, at + 20)))
  await opened.close()
}

const migrate = (options: Partial<MigrateOptions> = {}): Promise<MigrateReport> =>
  migrateToClickHouse({ directory, address: server.address, insertBytes: 4_000, ...options })

const there = (): string[] => server.rows.map(({ TraceId, SpanId }) => `${String(TraceId)} ${String(SpanId)}`).sort()
const here = ALL.map(({ span }) => `${span.traceId} ${span.spanId}`).sort()

it('brings every span as often as it is here, in inserts that no tail takes for new', async () => {
  await store(ALL)
  expect(await migrate()).toMatchObject({ spans: 310, hours: 5, stored: 310, differences: [], complete: true })
  expect(there()).toEqual(here)
  const batches = new Set(server.rows.map(({ SpoorBatch }) => Number(SpoorBatch)))
  expect([...batches].sort((a, b) => a - b)).toEqual(Array.from({ length: batches.size }, (_, i) => i + 1))
  expect(batches.size).toBeGreaterThan(5)
})

it('does nothing where all is there, and only what is missing where not', async () => {
  await store(ALL)
  await migrate()
  expect(await migrate()).toMatchObject({ stored: 0, complete: true })
  server.rows.splice(40, 25)
  expect(await migrate()).toMatchObject({ stored: 25, complete: true })
  expect(there()).toEqual(here)
})

it.each([1, 3, 7])('goes on where it was when it ended after %d inserts', async (count) => {
  await store(ALL)
  const stop = new AbortController()
  let inserts = 0
  server.onInsert = (answer, stored) => {
    if (++inserts < count) return 'store'
    // It is stored, and nobody hears of it.
    stored()
    stop.abort()
    answer.destroy()
    return 'done'
  }
  await expect(migrate({ signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' })
  expect(server.rows.length).toBeGreaterThan(0)
  expect(server.rows.length).toBeLessThan(310)
  server.onInsert = undefined
  for (const maxDigests of [undefined, 20]) {
    expect(await migrate(maxDigests === undefined ? {} : { maxDigests })).toMatchObject({ complete: true })
    expect(there()).toEqual(here)
  }
})

it('compares hours that are larger than what it may hold in parts', async () => {
  await store(ALL)
  await migrate()
  server.rows.splice(100, 60)
  expect(await migrate({ maxDigests: 7 })).toMatchObject({ spans: 310, stored: 60, complete: true })
  expect(there()).toEqual(here)
})

it('sends an insert whose answer is lost again under the same token', async () => {
  await store(SPANS.slice(0, 10))
  server.onInsert = (answer, stored) => {
    if (server.tokens.length > 1) return 'store'
    stored()
    answer.destroy()
    return 'done'
  }
  expect(await migrate()).toMatchObject({ stored: 10, complete: true })
  expect(server.rows).toHaveLength(10)
  expect(new Set(server.tokens).size).toBe(1)
})

it('ends with what the server refuses for good', async () => {
  await store(SPANS)
  server.onInsert = (answer) => {
    answer
      .writeHead(500, { 'X-ClickHouse-Exception-Code': '117' })
      .end('Code: 117. DB::Exception: Too odd. (NAME) (version 26.9)\n')
    return 'done'
  }
  const error = (await migrate().catch((thrown: unknown) => thrown)) as StorageError
  expect(error).toMatchObject({ code: 'corrupt', message: expect.stringMatching(/Too odd/) as string })
})

it('names the hour of what is there more often, and of what was lost on the way', async () => {
  await store(ALL)
  await migrate()
  const twice = server.rows.find(({ SpanId }) => SpanId === ALL[200]!.span.spanId)!
  server.rows.push(twice)
  expect(await migrate()).toMatchObject({
    complete: false,
    differences: [{ hour: expect.stringMatching(/^2025-01-01T0\d:00Z$/) as string, missing: 0, doubled: 1, others: 0 }],
  })
  server.rows.pop()
  // Acknowledged, and not stored.
  server.rows.splice(0, 5)
  server.onInsert = (answer) => {
    answer.end()
    return 'done'
  }
  const { differences, complete } = await migrate()
  expect(complete).toBe(false)
  expect(differences.reduce((sum, { missing }) => sum + missing, 0)).toBe(5)
})

it('leaves alone what others have stored in the same hours', async () => {
  await store(SPANS)
  await migrate()
  const before = server.rows.length
  server.rows.push({ ...server.rows[0]!, SpoorSpan: Buffer.from('another') })
  expect(await migrate()).toMatchObject({
    stored: 0,
    complete: true,
    differences: [{ missing: 0, doubled: 0, others: 1 }],
  })
  expect(server.rows).toHaveLength(before + 1)
})

it('tells in a dry run what would be stored, and stores nothing', async () => {
  await store(SPANS)
  expect(await migrate({ dryRun: true })).toMatchObject({ spans: 300, stored: 300 })
  expect([server.rows, server.tokens]).toEqual([[], []])
})

it('reads a directory that a Spoor is running on', async () => {
  const opened = await openInSameThread({ directory })
  await opened.append(batchOf(...SPANS))
  expect(await migrate()).toMatchObject({ stored: 300, complete: true })
  await opened.append(batchOf(sent({ trace: 99, id: 999, at: 1 })))
  expect(await migrate()).toMatchObject({ stored: 1, complete: true })
  await opened.close()
})

it('stores no more spans a second than it may', async () => {
  await store(SPANS)
  const began = performance.now()
  await migrate({ spansPerSecond: 1_000 })
  expect(performance.now() - began).toBeGreaterThan(290)
})
