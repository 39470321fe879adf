import { afterAll, expect, it } from 'vitest'
import { expectedTraces } from '../../conformance/set-model.ts'
import { find } from '../../conformance/harness.ts'
import { batchOf, sent, type SentSpan, T0 } from '../../conformance/spans.ts'
import type { SearchQuery, SpanSet } from '../../contract.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { databaseOf, drop } from './database.ts'

const address = databaseOf('newest')
const MINUTE_MS = 60_000

afterAll(() => drop([address.database]))

/** Traces over ten days, every other of which goes on for hours, and some for days. */
function overDays(): SentSpan[] {
  return Array.from({ length: 40 }, (_, i) => {
    const at = 14_400 * MINUTE_MS - (i * i * 9 + i) * MINUTE_MS
    const late = at + [0, 90, 400, 5_000][i % 4]! * MINUTE_MS + i
    return [
      sent({ trace: i, id: 1, at, service: 'a' }),
      sent({ trace: i, id: 2, parent: 1, at: late, service: i % 3 === 0 ? 'b' : 'c' }),
    ]
  }).flat()
}

it('finds what is newest over days, page by page, as if it had looked at everything', async () => {
  const spans = overDays()
  const store = await openClickHouseStore({ address })
  await store.append(batchOf(...spans))
  const late: SpanSet = { op: 'spans', filter: { op: 'eq', target: { field: 'service' }, value: 'b' } }
  const child: SpanSet = { op: 'related', relation: 'child', left: { op: 'spans' }, right: late }
  const queries: SearchQuery[] = [
    {},
    { spans: late },
    { spans: child, from: T0 + 5_000n * 60_000_000_000n },
    { from: T0 + 9_000n * 60_000_000_000n, to: T0 + 14_000n * 60_000_000_000n },
    { spans: late, to: T0 + 13_000n * 60_000_000_000n },
  ]
  for (const query of queries) {
    const expected = expectedTraces(spans, query).map(({ traceId }) => traceId)
    expect(expected.length).toBeGreaterThan(3)
    for (const limit of [2, 7, 100]) expect(await find(store, { ...query, limit })).toEqual(expected)
  }
  expect(await store.flame({ traces: 5 })).toMatchObject({ traces: 5, sampled: true })
  await store.close()
})
