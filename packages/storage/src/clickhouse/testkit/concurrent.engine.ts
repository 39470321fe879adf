import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { arbitraryErrors } from '../../conformance/aggregate-arbitrary.ts'
import { find, spansOf } from '../../conformance/harness.ts'
import { batchOf, type SentSpan } from '../../conformance/spans.ts'
import { collectSearch, ORDERS, type TraceStore } from '../../contract.ts'
import { openLocalStore } from '../../local/threads/local-store.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { databaseOf, drop } from './database.ts'

const address = databaseOf('concurrent')
const PER_BATCH = 7

afterAll(() => drop([address.database]))

function distinct(spans: readonly SentSpan[]): number {
  return new Set(spans.map(({ span }) => span.traceId + span.spanId)).size
}

it('shows what is acknowledged to whoever asks, while several write and read, and in the end the same as the local engine', async () => {
  const spans = fc.sample(arbitraryErrors, { seed: 7, numRuns: 3 }).flatMap((some, i) =>
    // Ids of each sample begin with its number.
    some.map((sent) => ({
      ...sent,
      span: { ...sent.span, traceId: `${i}${sent.span.traceId.slice(1)}` },
    })),
  )
  const batches = Array.from({ length: Math.ceil(spans.length / PER_BATCH) }, (_, i) =>
    spans.slice(PER_BATCH * i, PER_BATCH * (i + 1)),
  )
  const stores = await Promise.all([openClickHouseStore({ address }), openClickHouseStore({ address })])
  const waiting = [...batches]
  const sent: SentSpan[] = []
  const acknowledged: SentSpan[] = []
  const over = new AbortController()
  const write = async (store: TraceStore): Promise<void> => {
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      sent.push(...batch)
      await store.append(batchOf(...batch))
      acknowledged.push(...batch)
    }
  }
  let answers = 0
  const read = async (store: TraceStore, seed: number): Promise<void> => {
    for (let n = seed; !over.signal.aborted; n++) {
      const before = [...acknowledged]
      const last = before.at(-1)
      if (n % 3 === 0) {
        const { total, complete } = await store.aggregate({ groupBy: [{ field: 'service' }], timeoutMs: 120_000 })
        expect(complete).toBe(true)
        expect(total.count).toBeGreaterThanOrEqual(distinct(before))
        expect(total.count).toBeLessThanOrEqual(distinct(sent))
      } else if (n % 3 === 1) {
        const ids = new Set(before.map(({ span }) => span.traceId))
        const order = ORDERS[n % ORDERS.length]!
        const { traces } = await collectSearch(store.search({ order, limit: 1_000, timeoutMs: 120_000 }))
        expect(new Set(traces.map(({ traceId }) => traceId)).size).toBe(traces.length)
        for (const { traceId } of traces) ids.delete(traceId)
        expect(ids.size).toBe(0)
      } else if (last) {
        const found = (await spansOf(store, last.span.traceId)).map(({ span }) => span.spanId)
        expect(found).toContain(last.span.spanId)
      }
      answers++
    }
  }
  const readers = stores.flatMap((store, i) => [read(store, i), read(store, i + 1)])
  await Promise.all(stores.flatMap((store) => [write(store), write(store), write(store)]))
  over.abort()
  await Promise.all(readers)
  expect(answers).toBeGreaterThan(4)
  const directory = mkdtempSync(join(tmpdir(), 'spoor-concurrent-'))
  const local = await openLocalStore({ directory })
  await local.append(batchOf(...spans))
  for (const order of ORDERS) expect(await find(stores[0], { order })).toEqual(await find(local, { order }))
  const [theirs, ours] = await Promise.all([stores[1].heatMap({}), local.heatMap({})])
  expect([theirs.edgesNs, theirs.counts, theirs.exemplars]).toEqual([ours.edgesNs, ours.counts, ours.exemplars])
  await Promise.all([...stores, local].map((store) => store.close()))
  rmSync(directory, { recursive: true, force: true })
})
