import { get } from 'node:http'
import { createCounters } from '@spoor/collector'
import type { CallOptions, Capabilities, StoreHealth, TraceStore } from '@spoor/storage'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { ApiError } from '../api.ts'
import { createLogger } from '../logging.ts'
import { createIntake } from '../storage-exporter.ts'
import { idleCollector, requestOf, spanIdOf, traceIdOf } from '../testkit.ts'
import { createLanes, LANE_LIMITS } from './lanes.ts'
import { createQueryServer } from './server.ts'

/** What the engine was asked with, in order. */
let asked: CallOptions[] = []

/** An engine that hangs: no question is ever answered, whatever its deadline. The first chunk of trace 1 comes, the second never. */
function hangingStore(): TraceStore {
  const never = (options: CallOptions = {}): Promise<never> => {
    asked.push(options)
    return new Promise(() => {})
  }
  return {
    capabilities: {} as Capabilities,
    aggregate: (query) => never(query),
    heatMap: (query) => never(query),
    errorGroups: (query) => never(query),
    bottleneck: (query) => never(query),
    flame: (query) => never(query),
    compare: (query) => never(query),
    append: () => never(),
    async *trace(id, options) {
      if (id === traceIdOf(1)) yield requestOf('begun', [{ traceId: id, spanId: spanIdOf(1) }])
      await never(options)
    },
    async *search({ signal, timeoutMs }) {
      yield await never({ ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) })
    },
    async *tail({ signal }) {
      yield await never({ ...(signal && { signal }) })
    },
    services: (options) => never(options),
    operations: (_service, _kind, options) => never(options),
    attributeKeys: (_limit, options) => never(options),
    attributeValues: (_key, _limit, options) => never(options),
    dependencies: (_from, _to, options) => never(options),
    pin: () => never(),
    unpin: () => never(),
    pins: () => never(),
    stats: (options) => never(options),
    health: () => ({ writable: true, readable: true, reasons: [] }) as unknown as StoreHealth,
    failed: new Promise(() => {}),
    close: () => never(),
  }
}

let app: FastifyInstance
let url: string
beforeAll(async () => {
  const store = hangingStore()
  const counters = createCounters()
  app = await createQueryServer({
    host: '127.0.0.1',
    vitals: () => ({ phase: 'running', store, intake: createIntake(), failure: undefined }),
    store: () => store,
    counters,
    // For tests at the same time, each of which has a place for as long as its question hangs.
    lanes: createLanes(counters, { ...LANE_LIMITS, searches: LANE_LIMITS.lists }),
    logger: createLogger('silent'),
    status: () => Promise.reject(new Error('not asked for here')),
    collector: idleCollector(),
  })
  url = await app.listen({ port: 0 })
})
afterAll(async () => {
  app.server.closeAllConnections()
  await app.close()
})
beforeEach(() => {
  asked = []
})

const OWN = [
  'search?q=service:a',
  `search?q=${traceIdOf(7)}`,
  `traces/${traceIdOf(7)}`,
  `traces/${traceIdOf(7)}?format=json`,
  `traces/${traceIdOf(7)}/report`,
  'services',
  'operations?service=a',
  'attributes',
  'attribute-values?key=a',
  'dependencies',
  'aggregate',
  'heatmap',
  'error-groups',
  'compare',
  'bottleneck',
  'flame',
].map((path) => `/api/spoor/v1/${path}`)
const WINDOW = 'query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2040-01-01T00:00:00Z'
const JAEGER = [
  '/api/services',
  '/api/services/a/operations',
  '/api/operations?service=a',
  '/api/traces?service=a',
  `/api/traces?traceID=${traceIdOf(7)}`,
  `/api/traces/${traceIdOf(7)}`,
  '/api/dependencies',
  '/api/v3/services',
  '/api/v3/operations',
  `/api/v3/traces?${WINDOW}`,
  `/api/v3/traces/${traceIdOf(7)}`,
  `/api/v3/trace-summaries?${WINDOW}`,
]
const TEMPO = [
  '/tempo/api/search?q=%7B%7D',
  '/tempo/api/search?q=%7Bparent.a=1%7D',
  '/tempo/api/search/tags',
  '/tempo/api/v2/search/tag/.a/values',
  '/tempo/api/v2/search/tag/.a/values?q=%7Bname=%22x%22%7D',
  `/tempo/api/traces/${traceIdOf(7)}`,
  `/tempo/api/v2/traces/${traceIdOf(7)}`,
  '/tempo/api/metrics/query_range?q=%7B%7D%7Crate()',
  '/tempo/api/metrics/query?q=%7B%7D%7Chistogram_over_time(duration)',
]

// These look at nothing but their answers, each of which comes a second after its time.
it.concurrent.each(OWN)('%s ends by its deadline though the store hangs', async (path) => {
  const response = await fetch(`${url}${path}${path.includes('?') ? '&' : '?'}timeout=20ms`)
  expect(response.status).toBe(504)
  const { error } = (await response.json()) as ApiError
  // What it was given: less than was asked for by what it took to get as far as the store.
  expect(error).toMatchObject({ code: 'timeout', message: expect.stringMatching(/took longer than \d+ ms/) as string })
})

it.each([...OWN, ...JAEGER, ...TEMPO])(
  '%s has a deadline in the store, and is cancelled there when its client leaves',
  async (path) => {
    const request = get(`${url}${path}`).on('error', () => {})
    await expect.poll(() => asked.length, { timeout: 10_000 }).toBe(1)
    const [{ signal, timeoutMs }] = asked as [CallOptions]
    expect(timeoutMs).toBeGreaterThan(0)
    expect(timeoutMs).toBeLessThanOrEqual(path.includes(traceIdOf(7)) ? 600_000 : 10_000)
    expect(signal!.aborted).toBe(false)
    request.destroy()
    await expect.poll(() => signal!.aborted, { timeout: 10_000 }).toBe(true)
  },
)

it('a tail is cancelled in the store when its client leaves', async () => {
  const request = get(`${url}/api/spoor/v1/tail`).on('error', () => {})
  await expect.poll(() => asked.length, { timeout: 10_000 }).toBe(1)
  expect(asked[0]!.signal!.aborted).toBe(false)
  request.destroy()
  await expect.poll(() => asked[0]!.signal!.aborted, { timeout: 10_000 }).toBe(true)
})

it.concurrent('what is told as it grows ends by its deadline, too', async () => {
  const headers = { accept: 'application/x-ndjson' }
  expect((await fetch(`${url}/api/spoor/v1/flame?timeout=20ms`, { headers })).status).toBe(504)
})

it.concurrent.each([
  `/api/spoor/v1/traces/${traceIdOf(1)}?timeout=20ms`,
  `/api/spoor/v1/traces/${traceIdOf(1)}?format=json&timeout=20ms`,
])('%s is cut off when the store hangs in its middle', async (path) => {
  const reading = fetch(`${url}${path}`).then(async (response) => {
    // JSON of which nothing was sent yet can still be answered with the failure.
    if (response.status === 504) throw new Error('terminated')
    return response.arrayBuffer()
  })
  await expect(reading).rejects.toThrow('terminated')
})
