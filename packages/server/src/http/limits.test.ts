import { once } from 'node:events'
import { get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { createBudget, createCounters } from '@spoor/collector'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ApiError, HealthResponse, SearchResponse, StatusResponse } from '../api.ts'
import type { Phase } from '../health.ts'
import { createLogger } from '../logging.ts'
import { createIntake } from '../storage-exporter.ts'
import { idleCollector, requestOf, spanIdOf, startTestSpoor, string, type TestSpoor, traceIdOf } from '../testkit.ts'
import { createAnswerBudget } from './answer-budget.ts'
import { createQueryServer } from './server.ts'

/** A search that has to look at every span. */
const HEAVY = '/api/spoor/v1/search?q=payload~zzz%24&order=longest'

let spoor: TestSpoor
beforeAll(async () => {
  spoor = await startTestSpoor()
  for (let batch = 0; batch < 60; batch++) {
    const spans = Array.from({ length: 1000 }, (_, index) => ({
      traceId: traceIdOf(1 + batch * 1000 + index),
      spanId: spanIdOf(1),
      attributes: [string('payload', `${batch} ${index} ${'y'.repeat(150)}`)],
    }))
    await spoor.post(requestOf('many', spans))
  }
}, 60_000)
afterAll(async () => {
  await spoor.remove()
})

async function metric(name: string): Promise<number> {
  const metrics = await (await spoor.get('/metrics')).text()
  return [...metrics.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))].reduce((sum, [, n]) => sum + Number(n), 0)
}

describe('the time of a query', () => {
  it('is what the client allows', async () => {
    const short = await spoor.get(`${HEAVY}&timeout=2ms`)
    // A busy machine may not have begun by then.
    expect(short.status === 504 || !((await short.json()) as SearchResponse).complete).toBe(true)
    expect((await spoor.json<SearchResponse>(`${HEAVY}&timeout=1m`)).complete).toBe(true)
  })

  it.each(['0s', '2m', 'soon', '-1s'])('is refused as %s', async (timeout) => {
    const response = await spoor.get(`${HEAVY}&timeout=${timeout}`)
    expect(response.status).toBe(400)
    expect(((await response.json()) as ApiError).error.message).toContain('is not a duration from 1ms to 1m')
  })
})

it.each([
  HEAVY,
  '/api/traces?service=many&tags=%7B%22payload%22%3A%22zzz%22%7D&limit=10000',
  '/api/v3/trace-summaries?query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2040-01-01T00:00:00Z&query.searchDepth=10000',
  '/api/dependencies',
  '/api/spoor/v1/attribute-values?key=payload',
  '/tempo/api/search?q=%7B.payload%20=%20resource.payload%7D&limit=1000',
])(
  '%s leaves nothing behind when its client leaves',
  async (path) => {
    const requests = Array.from({ length: 12 }, () => get(`${spoor.urls.page}${path}`).on('error', () => {}))
    await delay(30)
    for (const request of requests) request.destroy()
    await expect
      .poll(async () => (await metric('spoor_queries_running')) + (await metric('spoor_queries_waiting')), {
        timeout: 15_000,
      })
      .toBe(0)
  },
  30_000,
)

it('refuses a flood of heavy queries, with the time to come again; light ones are answered all the while', async () => {
  const flood = Array.from({ length: 300 }, () => spoor.get(HEAVY))
  const light = await Promise.all(Array.from({ length: 20 }, () => spoor.get('/api/spoor/v1/services')))
  expect(light.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  const answers = await Promise.all(flood)
  const busy = answers.filter(({ status }) => status === 503)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]))
  expect(busy.length).toBeGreaterThanOrEqual(300 - 4 - 64 - 100)
  for (const answer of busy) expect(answer.headers.get('retry-after')).toBe('1')
  const { error } = (await busy[0]!.json()) as ApiError
  expect(error).toMatchObject({ code: 'busy', message: expect.stringContaining('too many searches at once') as string })
  for (const answer of answers) if (!answer.bodyUsed) await answer.arrayBuffer()
  expect(await metric('spoor_queries_refused')).toBeGreaterThanOrEqual(busy.length)
})

/** What comes back on a bare connection until it ends. */
async function raw(sent: string, url = spoor.urls.page): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(sent)
  return text(socket)
}

describe('the page’s port', () => {
  it('tells who sends too long an address, and who sends no HTTP', async () => {
    const long = await raw(`GET /api/traces?service=${'x'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    expect(long).toMatch(/^HTTP\/1\.1 431 .*\r\n/)
    expect(long).toContain('longer than 16384 bytes; ask with a shorter query')
    expect(await raw('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*\r\n[^]*this is not an HTTP\/1\.1 request\n$/)
  })

  it('refuses more trace ids than it reads for one request', async () => {
    const ids = Array.from({ length: 1200 }, (_, index) => `traceID=${index}`).join('&')
    const response = await spoor.get(`/api/traces?${ids}`)
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('at most 1000 at once')])
  })

  it('answers beside two thousand connections that say nothing', async () => {
    const { hostname, port } = new URL(spoor.urls.page)
    const idle: Socket[] = Array.from({ length: 2000 }, () => connect(Number(port), hostname).on('error', () => {}))
    await once(idle.at(-1)!, 'connect')
    expect(await spoor.json('/api/spoor/v1/services')).toEqual({ services: ['many'] })
    for (const socket of idle) socket.destroy()
  })

  it('says that it is well, and what of it is not', async () => {
    for (const path of ['/health', '/healthz', '/livez', '/-/healthy', '/ready', '/readyz', '/-/ready']) {
      const response = await spoor.get(path)
      expect([path, response.status, (await response.json()) as HealthResponse]).toEqual([
        path,
        200,
        { status: 'ok', reasons: [] },
      ])
    }
    const status = await spoor.json<StatusResponse>('/api/spoor/v1/status')
    expect(status).toMatchObject({
      phase: 'running',
      health: { live: true, ready: true, reasons: [], damagedPieces: 0 },
    })
  })
})

describe('a server', () => {
  const serve = (change: Partial<Parameters<typeof createQueryServer>[0]> = {}) =>
    createQueryServer({
      host: '127.0.0.1',
      vitals: () => ({ phase: 'running', store: spoor.store, intake: createIntake(), failure: undefined }),
      store: () => spoor.store,
      counters: createCounters(),
      logger: createLogger('silent'),
      status: () => Promise.reject(new Error('not asked for here')),
      collector: idleCollector(),
      ...change,
    })

  it('closes connections that do not send a request in time, with the reason where they have begun one', async () => {
    const app = await serve({ headersTimeoutMs: 300 })
    const url = await app.listen({ port: 0 })
    expect(await raw('GET / HTTP/1.1\r\nHost: localh', url)).toMatch(/^HTTP\/1\.1 408 /)
    expect(await raw('', url)).toBe('')
    await app.close()
  })

  it('answers 503 with the time to come again while it starts and while it stops; health and metrics are answered', async () => {
    let phase: Phase = 'starting'
    const vitals = () => ({ phase, store: undefined, intake: createIntake(), failure: undefined })
    const app = await serve({ vitals, store: () => undefined })
    const paths = [
      '/api/services',
      '/api/v3/services',
      '/api/spoor/v1/services',
      `/api/spoor/v1/traces/${traceIdOf(1)}`,
    ]
    for (phase of ['starting', 'stopping'] as const) {
      for (const path of paths) {
        const { statusCode, headers, body } = await app.inject(path)
        expect([path, statusCode, headers['retry-after']]).toEqual([path, 503, '1'])
        expect(body).toContain(`Spoor is ${phase}`)
      }
      expect((await app.inject('/health')).statusCode).toBe(200)
      const ready = await app.inject('/ready')
      expect([ready.statusCode, ready.json<HealthResponse>().status]).toEqual([503, 'unavailable'])
      expect((await app.inject('/metrics')).statusCode).toBe(200)
    }
    expect((await app.inject('/search')).body).toContain('Spoor is stopping')
    await app.close()
  })

  it('refuses answers that there is no room for, and gives the room back', async () => {
    const size = 3 * 1024 * 1024
    const budget = createBudget(size)
    const app = await serve({ budget })
    const url = await app.listen({ port: 0 })
    const other = budget.take(size, 'answer')!
    const refused = await fetch(`${url}/api/services`)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    other.release()
    for (let times = 0; times < 3; times++) expect((await fetch(`${url}/api/services`)).status).toBe(200)
    await expect.poll(() => budget.take(size, 'answer'), { timeout: 10_000 }).toBeDefined()
    await app.close()
  }, 30_000)

  it('has a bound of its own for answers within the budget for all bytes in flight', () => {
    const all = createBudget(100)
    const answers = createAnswerBudget(60, all)
    const first = answers.take(40, 'answer')!
    expect(all.used).toBe(40)
    expect(answers.take(21, 'answer')).toBeUndefined()
    expect([first.grow(21), all.used]).toEqual([false, 40])
    const received = all.take(50, 'body')!
    expect(answers.take(11, 'answer')).toBeUndefined()
    expect([first.grow(11), first.grow(10), all.used]).toEqual([false, true, 100])
    received.release()
    first.release()
    expect(all.used).toBe(0)
    let collections = 0
    const watched = createBudget(100e6, { collect: () => collections++, outsideBytes: () => 100e6 })
    createAnswerBudget(60e6, watched).take(0, 'answer')!.pass(20e6)
    expect([watched.used, collections]).toEqual([0, 1])
    expect(answers.take(60, 'answer')).toBeDefined()
  })

  it('hands its answers on while all bytes in flight are used, and nobody is refused or has to give way for that', () => {
    const counters = createCounters()
    let collections = 0
    const full = createBudget(100e6, { counters, collect: () => collections++, outsideBytes: () => 200e6 })
    const answer = createAnswerBudget(60e6, full).take(0, 'answer')!
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const slow = full.take(100e6, 'body', () => slow.release())!
    vi.advanceTimersByTime(600_000)
    collections = 0
    answer.pass(20e6)
    expect([full.used, slow.released, collections]).toEqual([100e6, false, 1])
    const refusals = counters.snapshot().filter(({ name }) => name === 'spoor_budget_refusals')
    expect(refusals.map(({ value }) => value)).toEqual([0, 0, 0])
  })
})
