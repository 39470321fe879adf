import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBatch, encodeTraces } from '@spoor/otlp'
import { afterAll, expect, it } from 'vitest'
import { attributes, hexId, MS, sent, T0 } from '../../conformance/spans.ts'
import { collectSearch, type Filter, type TraceStore } from '../../contract.ts'
import { openLocalStore } from '../../local/threads/local-store.ts'
import { openClickHouseStore } from '../clickhouse-store.ts'
import { databaseOf, drop } from './database.ts'

/** Spans that are stored: `SPOOR_BENCH_SPANS`. */
const SPANS = Number(process.env['SPOOR_BENCH_SPANS'] ?? 20_000)
const PER_REQUEST = 500
const PER_TRACE = 10
const FIRST_TRACE = 0x7000_0000_0000_0000_0000_0000_0000_0000n

const address = databaseOf('bench')

/** The same for both engines. */
function durationOf(number: number, i: number): number {
  return Math.imul(number * PER_REQUEST + i + 1, 0x9e3779b1) >>> 8
}

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
        endTimeUnixNano: start + BigInt(durationOf(number, i)) * 100n,
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

/** Requests that are made before some are stored, so that making them is in no figure. */
const AT_ONCE = 200

async function fill(store: TraceStore): Promise<number> {
  let cpu = 0
  for (let at = 0; at < SPANS / PER_REQUEST; at += AT_ONCE) {
    const count = Math.min(AT_ONCE, SPANS / PER_REQUEST - at)
    const requests = Array.from({ length: count }, (_, i) => request(at + i))
    const stored = await seconds(() =>
      Promise.all(requests.map((bytes) => store.append(createBatch('traces', [{ bytes, items: PER_REQUEST }])))),
    )
    cpu += stored.cpu
  }
  return cpu
}

it('stores and answers, and says what that takes, with the local engine beside it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-bench-'))
  const store = await openClickHouseStore({ address })
  const local = await openLocalStore({ directory })
  const cpu = await fill(store)
  await fill(local)
  const { spans, diskBytes } = await store.stats({ timeoutMs: 120_000 })
  expect(spans).toBe(SPANS)
  const told: string[] = [
    `${SPANS.toLocaleString('en')} spans; load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`,
    `spans stored a CPU second of this process: ${Math.round(SPANS / cpu).toLocaleString('en')}`,
    `bytes on disk a span, before merges: ${(diskBytes / spans).toFixed(1)}; local engine: ${((await local.stats()).diskBytes / spans).toFixed(1)}`,
  ]
  const timeoutMs = 300_000
  const slow: Filter = { op: 'gt', target: { field: 'duration' }, value: 1.6e9 }
  const bank: Filter = { op: 'eq', target: { field: 'service' }, value: 'bank' }
  const order: Filter = { op: 'eq', target: { attribute: 'order.id' }, value: 'o3-7' }
  const service = { field: 'service' } as const
  const route = { attribute: 'http.route' } as const
  const questions: Readonly<Record<string, (of: TraceStore) => Promise<unknown>>> = {
    'trace by id': async (of) => {
      let bytes = 0
      for await (const chunk of of.trace(hexId(FIRST_TRACE, 32))) bytes += chunk.length
      expect(bytes).toBeGreaterThan(0)
    },
    'newest 20': (of) => collectSearch(of.search({ timeoutMs })),
    'newest 20 of a service': (of) => collectSearch(of.search({ timeoutMs, filter: bank })),
    'one order': (of) => collectSearch(of.search({ timeoutMs, filter: order })),
    'longest 20 that are slow': (of) => collectSearch(of.search({ timeoutMs, filter: slow, order: 'longest' })),
    services: (of) => of.services(),
    dependencies: (of) => of.dependencies(0n, 1n << 64n, { timeoutMs }),
    'aggregate by service': (of) => of.aggregate({ timeoutMs, groupBy: [service] }),
    'aggregate by service and route, in 60 parts': (of) =>
      of.aggregate({ timeoutMs, groupBy: [service, route], buckets: 60 }),
    'aggregate of slow spans by route': (of) => of.aggregate({ timeoutMs, filter: slow, groupBy: [route] }),
    'aggregate of requests by name': (of) => of.aggregate({ timeoutMs, of: 'requests', groupBy: [{ field: 'name' }] }),
    'heat map': (of) => of.heatMap({ timeoutMs }),
    errors: (of) => of.errorGroups({ timeoutMs }),
    'compare slow with all': (of) => of.compare({ timeoutMs, a: {}, b: { filter: slow }, keys: [service, route] }),
  }
  for (const [name, ask] of Object.entries(questions)) {
    const [theirs, own] = [await seconds(() => ask(store)), await seconds(() => ask(local))]
    const ms = (value: number): string => `${(1000 * value).toFixed(0)} ms`
    told.push(`${name}: ${ms(theirs.wall)}, of this process ${ms(theirs.cpu)} of CPU; local engine ${ms(own.wall)}`)
  }
  await Promise.all([store.close(), local.close()])
  rmSync(directory, { recursive: true, force: true })
  process.stdout.write(`${told.join('\n')}\n`)
}, 3_600_000)

afterAll(() => drop([address.database]))
