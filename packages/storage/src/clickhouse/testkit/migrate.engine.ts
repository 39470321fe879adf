import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeTraces } from '@spoor/otlp'
import { afterAll, expect, it } from 'vitest'
import { attributes, batchOf, sent } from '../../conformance/spans.ts'
import { openInSameThread } from '../../local/threads/same-thread.test.helper.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { migrateToClickHouse } from '../migrate/migrate.ts'
import { databaseOf, drop } from './database.ts'

const address = databaseOf('migrate')
const directory = mkdtempSync(join(tmpdir(), 'spoor-migrate-'))

afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await drop([address.database])
})

const HOUR_MS = 3_600_000
const SPANS = Array.from({ length: 500 }, (_, i) =>
  sent({
    trace: i % 60,
    id: i + 1,
    // Some of them beyond what the table's own times can say.
    at: i % 50 === 0 ? 90 * 365.25 * 24 * HOUR_MS + i : ((i * 7) % 50) * HOUR_MS + i,
    service: `s${i % 3}`,
    attributes: attributes({ n: BigInt(i), 'http.route': `/é/${i}`, big: 'x'.repeat(i) }),
  }),
)

it('brings spans to the engine, whose checksums are those of here, and goes on after a part of it', async () => {
  const store = await openInSameThread({ directory, blockSpans: 64 })
  for (let at = 0; at < SPANS.length; at += 25) await store.append(batchOf(...SPANS.slice(at, at + 25)))

  expect(await migrateToClickHouse({ directory, address, dryRun: true })).toMatchObject({ stored: 500 })
  const stop = new AbortController()
  const stopped = migrateToClickHouse({
    directory,
    address,
    insertBytes: 20_000,
    spansPerSecond: 300,
    signal: stop.signal,
    onProgress: ({ doing, done }) => void (doing === 'storing' && done > 200 && stop.abort()),
  })
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' })
  const rest = await migrateToClickHouse({ directory, address })
  expect(rest).toMatchObject({ spans: 500, complete: true, differences: [] })
  expect(await migrateToClickHouse({ directory, address, maxDigests: 20 })).toMatchObject({ stored: 0, complete: true })

  const there = await openClickHouseStore({ address })
  expect(await there.stats()).toMatchObject({ spans: 500 })
  for (const id of new Set(SPANS.slice(0, 10).map(({ span }) => span.traceId))) {
    const read = async (from: typeof there): Promise<object[]> => {
      const parts: Uint8Array[] = []
      for await (const chunk of from.trace(id)) parts.push(chunk)
      return decodeTraces(Buffer.concat(parts))
        .resourceSpans.flatMap(({ resource, scopeSpans }) =>
          scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ resource, scope, span }))),
        )
        .sort((x, y) => x.span.spanId.localeCompare(y.span.spanId))
    }
    expect(await read(there)).toEqual(await read(store))
  }
  await there.close()
  await store.close()
})
