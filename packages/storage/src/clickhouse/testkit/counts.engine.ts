import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import {
  arbitraryAggregate,
  arbitraryCompare,
  arbitraryErrorGroups,
  arbitraryErrors,
  arbitraryHeatMap,
} from '../../conformance/aggregate-arbitrary.ts'
import { arbitraryFilter } from '../../conformance/arbitrary.ts'
import { attributes, batchOf, sent, type SentSpan } from '../../conformance/spans.ts'
import type { AggregateScope, SpanSet, TraceStore } from '../../contract.ts'
import { binOf } from '../../duration-bins.ts'
import { QUERY_BYTES, QueryMemory } from '../../local/read/query-memory.ts'
import { openLocalStore } from '../../local/threads/local-store.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { Connection } from '../connection.ts'
import { Query } from '../query.ts'
import { IN_SQL } from '../read/counts.ts'
import { beginSql, binOfBegin } from '../sql/duration-bin.ts'
import { Parameters as Values } from '../sql/parameters.ts'
import { databaseOf, drop, ENGINE } from './database.ts'

const address = databaseOf('counts')
const tables = { isOwn: true, tellsOthers: true, spans: `\`${address.database}\`.\`otel_traces\``, times: undefined }

const dropAll = (): Promise<void> => drop([address.database])
afterAll(dropAll)

/** What only some questions can be counted of in SQL is asked of sets that all can. */
const plainSet: fc.Arbitrary<SpanSet> = fc.oneof(
  arbitraryFilter.map((filter) => ({ op: 'spans' as const, filter })),
  fc
    .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(arbitraryFilter, { minLength: 1, maxLength: 3 }))
    .map(([op, filters]) => ({ op, args: filters.map((filter) => ({ op: 'spans' as const, filter })) })),
)

function plainly<S extends AggregateScope>(scopes: fc.Arbitrary<S>): fc.Arbitrary<S> {
  return fc.tuple(scopes, fc.option(plainSet, { nil: undefined, freq: 8 })).map(([scope, set]) => {
    const { spans: _, ...rest } = scope
    return { ...rest, ...(set && { spans: set }) } as S
  })
}

/** Traces whose request is not plain to see by its row. */
const ODD: readonly SentSpan[] = [
  // None without a parent.
  sent({ trace: 70, id: 1, parent: 9, at: 3, service: 'x', status: 2 }),
  sent({ trace: 70, id: 2, parent: 1, at: 1, service: 'y' }),
  // Two that start at once, the longer of which is first; and two of the same length.
  sent({ trace: 71, id: 1, at: 1, ms: 2, service: 'x' }),
  sent({ trace: 71, id: 2, at: 1, ms: 5, service: 'y' }),
  sent({ trace: 72, id: 2, at: 1, ms: 2, service: 'x' }),
  sent({ trace: 72, id: 1, at: 1, ms: 2, service: 'y' }),
  // A server that has the id of the client that has called it.
  sent({ trace: 73, id: 1, at: 2, ms: 9, kind: 3, service: 'x' }),
  sent({ trace: 73, id: 1, at: 1, ms: 5, kind: 2, service: 'y' }),
  // A cycle.
  sent({ trace: 74, id: 1, parent: 2, at: 2, service: 'x' }),
  sent({ trace: 74, id: 2, parent: 1, at: 1, service: 'y' }),
  // Text beyond what 16 bits can say, and what comes after it by code units.
  sent({ trace: 75, id: 1, service: 'x', attributes: attributes({ a: '\uff5e' }) }),
  sent({
    trace: 76,
    id: 1,
    service: 'x',
    span: {
      attributes: [...attributes({ a: '\uff5e' }), ...attributes({ a: '\u{1f600}' })],
    },
  }),
]

async function filled(seed: number): Promise<{ store: TraceStore; spans: SentSpan[] }> {
  await dropAll()
  const store = await openClickHouseStore({ address })
  const spans = [...fc.sample(arbitraryErrors, { seed, numRuns: 1 })[0]!, ...ODD]
  for (let i = 0; i < spans.length; i += 23) await store.append(batchOf(...spans.slice(i, i + 23)))
  return { store, spans }
}

/** What an answer says, without what it took. */
function toldBy(answer: object): unknown {
  const { spansScanned: _, bytesRead: _bytes, elapsedMs: _ms, ...told } = answer as Record<string, unknown>
  return told
}

it.each([1, 2])(
  'counts in SQL exactly what the local engine counts, of whatever can be counted so (%i)',
  async (seed) => {
    const { store, spans } = await filled(seed)
    const directory = mkdtempSync(join(tmpdir(), 'spoor-counts-'))
    const local = await openLocalStore({ directory })
    await local.append(batchOf(...spans))
    const bounds = spans.map(({ span }) => span.startTimeUnixNano).sort((a, b) => (a < b ? -1 : 1))
    const within = <S extends AggregateScope>(scope: S): S => ({ from: bounds[0]!, to: bounds.at(-1)!, ...scope })
    const connection = await Connection.open(address)
    let [counted, refused] = [0, 0]
    const each = async <M extends keyof typeof IN_SQL>(
      method: M,
      arbitrary: fc.Arbitrary<Parameters<TraceStore[M]>[0]>,
      numRuns: number,
    ): Promise<void> => {
      const ask = async (asked: Parameters<TraceStore[M]>[0]): Promise<void> => {
        const query = new Query(connection, new QueryMemory(QUERY_BYTES), {})
        const inSql = IN_SQL[method] as (query: Query, of: typeof tables, asked: unknown) => Promise<object | undefined>
        const answer = await inSql(query, tables, asked).finally(() => query.end())
        if (answer) counted++
        else refused++
        const own = local[method] as (asked: unknown) => Promise<object>
        if (answer) expect(toldBy(answer)).toEqual(toldBy(await own.call(local, asked)))
      }
      await fc.assert(fc.asyncProperty(arbitrary, ask), { numRuns, seed })
    }
    await each('aggregate', plainly(arbitraryAggregate).map(within), 60)
    await each('heatMap', plainly(arbitraryHeatMap).map(within), 30)
    await each('errorGroups', plainly(arbitraryErrorGroups).map(within), 30)
    const compared = fc.tuple(arbitraryCompare, plainly(fc.constant({})), plainly(fc.constant({})))
    await each(
      'compare',
      compared.map(([asked, a, b]) => ({ ...asked, a: within(a), b: within(b) })),
      30,
    )
    process.stdout.write(`counted in SQL: ${counted}, left to the spans: ${refused}\n`)
    expect(counted).toBeGreaterThan(2 * refused)
    await connection.close()
    await Promise.all([store.close(), local.close()])
    rmSync(directory, { recursive: true, force: true })
  },
)

it('counts requests that are not plain to see, and values that are not in the order of their bytes', async () => {
  await dropAll()
  const store = await openClickHouseStore({ address })
  const directory = mkdtempSync(join(tmpdir(), 'spoor-counts-'))
  const local = await openLocalStore({ directory })
  for (const each of [store, local]) await each.append(batchOf(...ODD))
  const groupBy = [{ field: 'service' }, { attribute: 'a' }] as const
  for (const of of ['requests', 'spans'] as const) {
    for (const id of new Set(ODD.map(({ span }) => span.traceId))) {
      const filter = { op: 'eq', target: { field: 'traceId' }, value: id } as const
      const asked = { of, filter, groupBy, exemplars: 3 }
      expect(toldBy(await store.aggregate(asked))).toEqual(toldBy(await local.aggregate(asked)))
    }
  }
  await Promise.all([store.close(), local.close()])
  rmSync(directory, { recursive: true, force: true })
})

it('has the bins of durations in SQL, to the nanosecond', async () => {
  const connection = await Connection.open(ENGINE)
  const query = new Query(connection, new QueryMemory(QUERY_BYTES), { timeoutMs: 60_000 })
  const values: bigint[] = [0n, 2n ** 63n - 1n, 2n ** 63n - 513n]
  for (let power = 0n; power < 63n; power++) {
    for (let i = 0; i < 64; i++) {
      const near = BigInt(Math.ceil(2 ** (Number(power) + i / 64)))
      values.push(...[near - 1n, near, near + 1n].filter((value) => value >= 0n && value < 2n ** 63n))
    }
  }
  for (let at = 0; at < values.length; at += 1_000) {
    const some = values.slice(at, at + 1_000)
    const parameters = new Values()
    const list = parameters.add('Array(String)', some.map(String))
    const sql = `SELECT ${beginSql('d')}, ${beginSql('d', 8)} FROM (SELECT arrayJoin(arrayMap(x -> toInt64(x), ${list})) AS d)`
    const found = await query.all(
      { sql, parameters },
      (row) => [binOfBegin(row.uint64()), binOfBegin(row.uint64())],
      'asking',
    )
    const bins = some.map((value) => binOf(Number(value)))
    expect(found).toEqual(bins.map((bin) => [bin, bin === 0 ? 0 : bin - ((bin - 1) % 8)]))
  }
  query.end()
  await connection.close()
})
