import { randomBytes } from 'node:crypto'
import { createBatch, encodeTraces } from '@spoor/otlp'
import { afterAll, expect, it } from 'vitest'
import { attributes, hexId, MS, sent, T0 } from '../../conformance/spans.ts'
import { collectSearch, type SearchQuery } from '../../contract.ts'
import { parseClickHouseUrl } from '../address.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { Connection } from '../connection.ts'

/** Spans that are stored: `SPOOR_BENCH_SPANS`. */
const SPANS = Number(process.env['SPOOR_BENCH_SPANS'] ?? 20_000)
const PER_REQUEST = 500
const PER_TRACE = 10
const FIRST_TRACE = 0x7000_0000_0000_0000_0000_0000_0000_0000n

const base = parseClickHouseUrl(process.env['SPOOR_CLICKHOUSE_URL'] ?? 'clickhouse://127.0.0.1:8123/spoor_test')
const address = { ...base, database: `${base.database}_bench` }

/** One request of traces of ten spans, of three services that have sent them together. */
function request(number: number): Uint8Array {
  const spans = Array.from({ length: PER_REQUEST }, (_, i) => {
    const trace = (number * PER_REQUEST + i - (i % PER_TRACE)) / PER_TRACE
    const start = T0 + BigInt(number * PER_REQUEST + i) * MS
    return sent({
      trace: 0,
      id: 1,
      service: ['shop', 'bank', 'mail'][i % 3]!,
      name: `operation ${i % 20}`,
      status: i % 97 === 0 ? 2 : 0,
      attributes: attributes({
        'http.route': `/r/${i % 30}`,
        'http.status_code': 200n,
        'order.id': `o${number}-${i}`,
        'user.id': `u${i % 100}`,
      }),
      resource: attributes({ 'host.name': 'h', 'telemetry.sdk.language': 'nodejs' }),
      span: {
        traceId: hexId(FIRST_TRACE + BigInt(trace), 32),
        spanId: hexId((i % PER_TRACE) + 1, 16),
        parentSpanId: i % PER_TRACE === 0 ? '' : hexId(1, 16),
        startTimeUnixNano: start,
        endTimeUnixNano: start + BigInt(randomBytes(3).readUIntBE(0, 3)) * 100n,
      },
    })
  })
  const byService = Map.groupBy(spans, (_, i) => i % 3)
  return encodeTraces({
    resourceSpans: [...byService.values()].map((own) => ({
      resource: own[0]!.resource,
      schemaUrl: '',
      scopeSpans: [{ scope: own[0]!.scope, spans: own.map(({ span }) => span), schemaUrl: '' }],
    })),
  })
}

const seconds = async (work: () => Promise<unknown>): Promise<{ cpu: number; wall: number }> => {
  const [wall, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) / 1e6, wall: (performance.now() - wall) / 1e3 }
}

it('stores and answers, and says what that takes', async () => {
  const requests = Array.from({ length: SPANS / PER_REQUEST }, (_, i) => request(i))
  const store = await openClickHouseStore({ address })
  const stored = await seconds(() =>
    Promise.all(requests.map((bytes) => store.append(createBatch('traces', [{ bytes, items: PER_REQUEST }])))),
  )
  const { spans, diskBytes } = await store.stats()
  expect(spans).toBe(SPANS)
  const told: Record<string, string> = {
    'spans stored a CPU second of this process': Math.round(SPANS / stored.cpu).toLocaleString('en'),
    'bytes on disk a span, before merges': (diskBytes / spans).toFixed(1),
  }
  const timeoutMs = 120_000
  const slow: SearchQuery['filter'] = { op: 'gt', target: { field: 'duration' }, value: 1.6e9 }
  const questions: Readonly<Record<string, () => Promise<unknown>>> = {
    'trace by id': async () => {
      let bytes = 0
      for await (const chunk of store.trace(hexId(FIRST_TRACE, 32))) bytes += chunk.length
      expect(bytes).toBeGreaterThan(0)
    },
    'newest 20': () => collectSearch(store.search({ timeoutMs })),
    'newest 20 of a service': () =>
      collectSearch(store.search({ timeoutMs, filter: { op: 'eq', target: { field: 'service' }, value: 'bank' } })),
    'one order': () =>
      collectSearch(
        store.search({ timeoutMs, filter: { op: 'eq', target: { attribute: 'order.id' }, value: 'o3-7' } }),
      ),
    'longest 20 that are slow': () => collectSearch(store.search({ timeoutMs, filter: slow, order: 'longest' })),
    services: () => store.services(),
    dependencies: () => store.dependencies(0n, 1n << 64n, { timeoutMs }),
    'aggregate by service': () => store.aggregate({ timeoutMs, groupBy: [{ field: 'service' }] }),
  }
  for (const [name, ask] of Object.entries(questions)) {
    const { cpu, wall } = await seconds(ask)
    told[name] = `${(1000 * wall).toFixed(0)} ms, of this process ${(1000 * cpu).toFixed(0)} ms of CPU`
  }
  await store.close()
  process.stdout.write(
    `${Object.entries(told)
      .map(([name, text]) => `${name}: ${text}`)
      .join('\n')}\n`,
  )
})

afterAll(async () => {
  const connection = await Connection.open(base)
  await connection.command(
    `DROP DATABASE IF EXISTS \`${address.database}\``,
    new AbortController().signal,
    'cleaning up',
  )
  await connection.close()
})
