import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBudget, createCounters, EMPTY_CONTEXT } from '@spoor/collector'
import { createBatch, ownMemory, type Chunk } from '@spoor/otlp'
import { openLocalStore, type TraceStore } from '@spoor/storage'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLogger } from './logging.ts'
import { NamedStore } from './named-store.ts'
import { createIntake, storageExporterFactory } from './storage-exporter.ts'
import { requestOf, spanIdOf, traceIdOf } from './testkit.ts'

let directory: string
let store: TraceStore
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spoor-exporter-'))
  store = await openLocalStore({ directory })
})
afterEach(async () => {
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

const batch = () => {
  const bytes = requestOf('shop', [{ traceId: traceIdOf(1), spanId: spanIdOf(1) }])
  return createBatch('traces', [{ bytes, items: 1 }])
}

it('resolves when the spans can be read, and counts them', async () => {
  const counters = createCounters()
  const factory = storageExporterFactory(() => store, createIntake())
  const exporter = factory.create(
    { id: 'spoor_storage', logger: createLogger('silent'), counters, budget: createBudget(), report: () => {} },
    {},
  )
  await exporter.consume(batch(), EMPTY_CONTEXT)
  // So that a fan-out asks it before the others.
  expect(exporter.durable).toBe(true)
  expect(await store.services()).toEqual(['shop'])
  expect(counters.snapshot()).toContainEqual({
    name: 'otelcol_exporter_sent_spans',
    labels: { exporter: 'spoor_storage' },
    value: 1,
  })
})

it('frees the memory of what is stored, and of nothing else', async () => {
  const exporter = storageExporterFactory(() => store, createIntake()).create(
    {
      id: 'spoor_storage',
      logger: createLogger('silent'),
      counters: createCounters(),
      budget: createBudget(),
      report: () => {},
    },
    {},
  )
  const owned = () => {
    const chunk: Chunk = { bytes: Uint8Array.from(batch().chunks[0]!.bytes), items: 1 }
    ownMemory(chunk)
    return createBatch('traces', [chunk])
  }
  const [stored, refused] = [owned(), owned()]
  await exporter.consume(stored, EMPTY_CONTEXT)
  await store.close()
  await expect(exporter.consume(refused, EMPTY_CONTEXT)).rejects.toMatchObject({ retryable: true })
  expect([stored, refused].map(({ chunks }) => chunks[0]!.bytes.length > 0)).toEqual([false, true])
})

it('refuses spans retryably while the store is closed, and says so until it takes some again', async () => {
  const counters = createCounters()
  const intake = createIntake()
  let current = store
  const factory = storageExporterFactory(() => current, intake)
  const exporter = factory.create(
    { id: 'spoor_storage', logger: createLogger('silent'), counters, budget: createBudget(), report: () => {} },
    {},
  )
  await store.close()
  await expect(exporter.consume(batch(), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
  expect(intake.refusing).toBeTypeOf('string')
  expect(counters.snapshot()).toContainEqual({
    name: 'otelcol_exporter_send_failed_spans',
    labels: { exporter: 'spoor_storage' },
    value: 1,
  })
  current = store = await openLocalStore({ directory })
  await exporter.consume(batch(), EMPTY_CONTEXT)
  expect(intake.refusing).toBeUndefined()
})

it('has a store for a setting, the same at all times, and no other', () => {
  const named = new NamedStore()
  const { config } = storageExporterFactory(() => store, createIntake(), { named })
  const problemOf = (input: unknown) => {
    const result = config.safeParse(input)
    return result.success ? undefined : result.error.issues[0]
  }
  expect(problemOf({ store: 8123 })).toMatchObject({ path: ['store'], message: expect.stringMatching(/no address/) })
  expect(problemOf({ store: 'http://a/b' })).toMatchObject({ path: ['store'] })
  expect(named.address).toBeUndefined()
  expect(config.safeParse({ store: 'clickhouse://a/b' })).toEqual({
    success: true,
    data: { store: 'clickhouse://a/b' },
  })
  expect(named.address).toBe('clickhouse://a/b')
  expect(problemOf({ store: 'clickhouse://u:secret@a/c' })?.message).toMatch(/another one from the next start on$/)
  expect(problemOf({})?.message).toMatch(/another one/)
  expect(named.address).toBe('clickhouse://a/b')
})

it('needs no settings', () => {
  const { config } = storageExporterFactory(() => store, createIntake())
  expect(config.safeParse(null)).toEqual({ success: true, data: {} })
  expect(config.safeParse({ queue: 1 })).toMatchObject({ success: false, error: { issues: [{ path: ['queue'] }] } })
})
