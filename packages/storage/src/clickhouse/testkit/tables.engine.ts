import type { KeyValue } from '@spoor/otlp'
import { afterEach, describe, expect, it } from 'vitest'
import { find, spansOf } from '../../conformance/harness.ts'
import { attributes, batchOf, hexId, requestOf, sent, T0, traceId } from '../../conformance/spans.ts'
import { collectSearch, type TraceStore } from '../../contract.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { Connection } from '../connection.ts'
import { deleteFromClickHouse } from '../delete.ts'
import { RowWriter } from '../row-binary.ts'
import { schemaOf } from '../schema.ts'
import { WRITTEN_COLUMNS } from '../write/columns.ts'
import { SpanRows } from '../write/rows.ts'
import { databaseOf, drop } from './database.ts'

const address = databaseOf('tables')
const { signal } = new AbortController()

async function on<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.open(address)
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

afterEach(() => drop([address.database]))

it('stores what is sent again under its token once', async () => {
  const store = await openClickHouseStore({ address })
  const rows = new SpanRows(new RowWriter())
  rows.batch = 7
  rows.add(requestOf([sent({ trace: 1, id: 1 }), sent({ trace: 1, id: 2 })]))
  const table = `\`${address.database}\`.\`otel_traces\``
  await on(async (connection) => {
    for (const token of ['a', 'a', 'b', 'a'])
      await connection.insert(table, WRITTEN_COLUMNS, rows.row.written, token, signal)
  })
  expect((await store.stats()).spans).toBe(4)
  expect((await collectSearch(store.search({}))).traces).toMatchObject([{ spans: 2 }])
  await store.close()
})

it('shows what others have written to tables of ours beside what Spoor has stored', async () => {
  const store = await openClickHouseStore({ address })
  await store.append(batchOf(sent({ trace: 1, id: 1, service: 'shop', ms: 9 })))
  expect((await collectSearch(store.search({}))).traces).toMatchObject([{ spans: 1 }])
  const tail = store.tail({ everyMs: 20 })[Symbol.asyncIterator]()
  await tail.next()
  const columns =
    'Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, SpanAttributes, Duration, StatusCode, StatusMessage'
  const row = (trace: number, id: number, service: string, kind: string): string =>
    `(toDateTime64('2025-01-01 00:00:00.00${id}000000', 9), '${traceId(trace)}', '${hexId(id, 16)}', '${trace === 1 ? hexId(1, 16) : ''}', 'theirs', '${kind}', '${service}', {'order.id': '7'}, 2000000, 'Error', 'no')`
  await on((connection) =>
    connection.command(
      `INSERT INTO \`${address.database}\`.otel_traces (${columns}) VALUES ${row(1, 2, 'bank', 'Client')}, ${row(2, 3, '', 'SPAN_KIND_SERVER')}`,
      signal,
      'writing as somebody else',
    ),
  )
  // For a second it is thought that nobody else writes.
  await expect
    .poll(async () => (await spansOf(store, traceId(1))).map(({ span }) => span.name), { timeout: 60_000 })
    .toEqual(['operation 1', 'theirs'])
  const [, theirs] = await spansOf(store, traceId(1))
  expect(theirs).toMatchObject({ span: { kind: 3, status: { code: 2, message: 'no' } } })
  const traces = (await collectSearch(store.search({}))).traces
  expect(traces).toMatchObject([{ rootService: 'unknown_service' }, { spans: 2, errors: 1, orphans: 0 }])
  const order = { op: 'eq', target: { attribute: 'order.id' }, value: 7 } as const
  expect(await find(store, { filter: order })).toHaveLength(2)
  expect((await store.aggregate({ filter: order, groupBy: [{ field: 'service' }] })).groups).toMatchObject([
    { key: ['bank'], count: 1, errors: 1, sumNs: 2_000_000 },
    { key: ['unknown_service'], count: 1 },
  ])
  const unknown = { op: 'eq', target: { field: 'service' }, value: 'unknown_service' } as const
  expect(await find(store, { filter: unknown })).toEqual([traceId(2)])
  expect((await store.errorGroups({})).groups).toMatchObject([{ message: 'no', count: 2 }])
  expect((await store.dependencies(0n, 1n << 64n)).edges).toMatchObject([{ parent: 'shop', child: 'bank', calls: 1 }])
  expect(await store.services()).toEqual(['bank', 'shop', 'unknown_service'])
  const come = new Set<string>()
  while (come.size < 2) {
    const { value } = await tail.next()
    if (value?.type === 'traces') for (const { traceId: id } of value.traces) come.add(id)
  }
  expect([...come].sort()).toEqual([traceId(1), traceId(2)])
  await tail.return?.(undefined)
  await store.close()
})

it('deletes traces, and spans by attribute and time, and nothing else', async () => {
  const store = await openClickHouseStore({ address })
  const user = (name: string): KeyValue[] => attributes({ user: name })
  await store.append(
    batchOf(
      sent({ trace: 1, id: 1 }),
      sent({ trace: 1, id: 2, parent: 1 }),
      sent({ trace: 2, id: 1, resource: user('ann') }),
      sent({ trace: 2, id: 2, parent: 1, at: 1_000, attributes: user('ann') }),
      sent({ trace: 3, id: 1, attributes: user('bob') }),
      sent({ trace: 4, id: 1, scope: { attributes: user('ann') } }),
    ),
  )
  const left = async (): Promise<string[]> => (await find(store, {})).sort()
  const some = { traceIds: [traceId(1).toUpperCase()] }
  expect(await deleteFromClickHouse(address, some, { dryRun: true })).toEqual({ spans: 2 })
  expect(await left()).toHaveLength(4)
  expect(await deleteFromClickHouse(address, some)).toEqual({ spans: 2 })
  expect(await left()).toEqual([2, 3, 4].map(traceId))
  const early = { attribute: 'user', value: 'ann', to: T0 + 1_000_000n }
  expect(await deleteFromClickHouse(address, early)).toEqual({ spans: 2 })
  expect(await left()).toEqual([2, 3].map(traceId))
  expect(await spansOf(store, traceId(2))).toMatchObject([{ span: { spanId: hexId(2, 16) } }])
  expect(await deleteFromClickHouse(address, { attribute: 'user' })).toEqual({ spans: 2 })
  expect(await left()).toEqual([])
  await store.close()
})

it('gives a table of an earlier version what it lacks', async () => {
  const before = await openClickHouseStore({ address })
  await before.close()
  const table = `\`${address.database}\`.otel_traces`
  await on((connection) =>
    connection.command(
      `ALTER TABLE ${table} DROP INDEX idx_spoor_others, DROP COLUMN SpoorOthers`,
      signal,
      'making it older',
    ),
  )
  const store = await openClickHouseStore({ address })
  await on((connection) =>
    connection.command(
      `INSERT INTO ${table} (Timestamp, TraceId, SpanId, SpanName) VALUES (now64(9), '${traceId(1)}', '${hexId(1, 16)}', 'theirs')`,
      signal,
      'writing as somebody else',
    ),
  )
  await expect.poll(() => spansOf(store, traceId(1)), { timeout: 60_000 }).toHaveLength(1)
  await store.close()
})

/** The exporter's own columns: of a version, and of one before it had scopes. */
const VERSIONS: Readonly<Record<string, RegExp>> = {
  today: /^ {4}(Spoor|INDEX idx_spoor)/,
  before: /^ {4}(Spoor|INDEX idx_spoor|Scope)/,
}

describe.each(Object.entries(VERSIONS))('tables that others have made and filled: %s', (version, not) => {
  const isToday = version === 'today'
  const row = (id: number, parent: string, service: string, more: string): string =>
    `(toDateTime64('2025-01-01 00:00:00.00${id}000000', 9), '${traceId(1)}', '${hexId(id, 16)}', '${parent}', '', 'operation ${id}', '${isToday ? 'Server' : 'SPAN_KIND_SERVER'}', '${service}', {'service.name': '${service}'}, ${isToday ? `'lib', '1',` : ''} {'http.status_code': '50${id}'}, 1000000, '${isToday ? 'Error' : 'STATUS_CODE_ERROR'}', 'no', ${more})`
  const columns = `Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, ${isToday ? 'ScopeName, ScopeVersion, ' : ''}SpanAttributes, Duration, StatusCode, StatusMessage, Events.Timestamp, Events.Name, Events.Attributes, Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes`

  async function fill(): Promise<TraceStore> {
    await on(async (connection) => {
      for (const statement of schemaOf(address)) {
        const theirs = statement
          .split('\n')
          .filter((line) => !not.test(line))
          .join('\n')
        await connection.command(theirs.replace(/,\n\) ENGINE/, '\n) ENGINE'), signal, 'making')
      }
      const event = `[toDateTime64('2025-01-01 00:00:00.5', 9)], ['exception'], [{'exception.type': 'E'}]`
      const values = [
        row(1, '', 'shop', `[], [], [], [], [], [], []`),
        row(2, hexId(1, 16), 'bank', `${event}, [], [], [], []`),
      ]
      await connection.command(
        `INSERT INTO \`${address.database}\`.otel_traces (${columns}) VALUES ${values.join(', ')}`,
        signal,
        'filling',
      )
    })
    return openClickHouseStore({ address })
  }

  it('searches, opens and counts them, and says what it cannot', async () => {
    const store = await fill()
    expect(store.capabilities).toMatchObject({ bytes: 'rebuilt', tail: false })
    const spans = await spansOf(store, traceId(1))
    expect(spans.map(({ span }) => [span.name, span.kind, span.status.code, span.startTimeUnixNano - T0])).toEqual([
      ['operation 1', 2, 2, 1_000_000n],
      ['operation 2', 2, 2, 2_000_000n],
    ])
    expect(spans[1]!.span.events[0]).toMatchObject({ name: 'exception', timeUnixNano: T0 + 500_000_000n })
    expect(await store.services()).toEqual(['bank', 'shop'])
    const slow = { op: 'gt', target: { attribute: 'http.status_code' }, value: 501 } as const
    expect(await find(store, { filter: slow })).toEqual([traceId(1)])
    expect(await find(store, { filter: { op: 'eq', target: { field: 'status' }, value: 'error' } })).toHaveLength(1)
    expect((await collectSearch(store.search({ order: 'longest' }))).traces).toMatchObject([
      { rootService: 'shop', spans: 2, errors: 2, orphans: 0 },
    ])
    expect((await store.dependencies(0n, 1n << 64n)).edges).toMatchObject([{ parent: 'shop', child: 'bank', calls: 1 }])
    expect((await store.aggregate({ groupBy: [{ field: 'service' }] })).total.count).toBe(2)
    expect((await store.errorGroups({})).groups.map(({ type }) => type)).toContain('E')
    await expect(store.append(batchOf(sent({ trace: 2, id: 1 })))).rejects.toMatchObject({ code: 'read_only' })
    const tail = store.tail({})[Symbol.asyncIterator]()
    await expect(tail.next()).rejects.toMatchObject({ code: 'bad_query' })
    await store.close()
  })
})
