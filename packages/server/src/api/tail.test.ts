import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ApiError, TailLine } from '../api.ts'
import { LANE_LIMITS } from '../http/lanes.ts'
import { requestOf, spanIdOf, startTestSpoor, traceIdOf, type TestSpoor } from '../testkit.ts'

let spoor: TestSpoor
beforeAll(async () => (spoor = await startTestSpoor()))
afterAll(() => spoor.remove())

const q = (text: string) => `q=${encodeURIComponent(text)}`
const span = (trace: number, id: number) => ({ traceId: traceIdOf(trace), spanId: spanIdOf(id) })

/** A client that reads lines, or the data of events, one by one. */
async function listen(query: string, accept = 'application/x-ndjson') {
  const left = new AbortController()
  const response = await spoor.get(`/api/spoor/v1/tail?${query}`, { headers: { accept }, signal: left.signal })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    response,
    leave: () => left.abort(),
    /** Undefined at the end. */
    async line(): Promise<string | undefined> {
      const end = accept === 'text/event-stream' ? '\n\n' : '\n'
      while (!text.includes(end)) {
        const { value, done } = await reader.read()
        if (done) return undefined
        text += value
      }
      const line = text.slice(0, text.indexOf(end))
      text = text.slice(line.length + end.length)
      return line
    },
    async json(): Promise<TailLine> {
      return JSON.parse((await this.line())!.replace(/^data: /, '')) as TailLine
    },
    /** The next line that tells of this. */
    async next<T extends TailLine['type']>(type: T): Promise<Extract<TailLine, { type: T }>> {
      for (;;) {
        const line = await this.json()
        // Of a slow machine, that it is still there.
        if (line.type === type) return line as Extract<TailLine, { type: T }>
        expect(line.type).toBe('progress')
      }
    },
  }
}

async function running(): Promise<number> {
  const metrics = await (await spoor.get('/metrics')).text()
  return Number(/^spoor_queries_running\{lane="tails"\} (\d+)$/m.exec(metrics)?.[1])
}

it('tells traces that match as they come, and again when they have more', async () => {
  const client = await listen(q('service:bank'))
  expect(client.response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
  expect(await client.json()).toEqual({ type: 'progress', spans: 0, missed: 0 })
  await spoor.post(requestOf('shop', [span(1, 1)]))
  await spoor.post(requestOf('bank', [span(2, 1)]))
  expect(await client.next('traces')).toMatchObject({ traces: [{ traceId: traceIdOf(2), spans: 1 }] })
  await spoor.post(requestOf('shop', [{ ...span(2, 2), parentSpanId: spanIdOf(1) }]))
  expect(await client.next('traces')).toMatchObject({
    traces: [{ traceId: traceIdOf(2), spans: 2, matched: { spans: 1, first: [{ spanId: spanIdOf(1) }] } }],
  })
  client.leave()
})

it('tells the same as events', async () => {
  const client = await listen(`${q('name:tick')}&matches=0`, 'text/event-stream')
  expect(client.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(await client.line()).toBe('data: {"type":"progress","spans":0,"missed":0}')
  await spoor.post(requestOf('clock', [{ ...span(3, 1), name: 'tick' }]))
  const { traces } = await client.next('traces')
  expect(traces).toMatchObject([{ traceId: traceIdOf(3), rootName: 'tick' }])
  expect(traces[0]).not.toHaveProperty('matched')
  client.leave()
})

it('says how much was missed', async () => {
  const client = await listen(`${q('service:crowd')}&limit=1`)
  await client.line()
  await spoor.post(
    requestOf(
      'crowd',
      [11, 12, 13].map((trace) => span(trace, 1)),
    ),
  )
  expect((await client.next('traces')).traces).toHaveLength(1)
  expect(await client.next('progress')).toMatchObject({ missed: 2 })
  client.leave()
})

it('has places for so many, which those who leave give back', async () => {
  await expect.poll(running, { timeout: 10_000 }).toBe(0)
  const { running: places } = LANE_LIMITS.tails
  const clients = await Promise.all(Array.from({ length: places }, () => listen('')))
  const refused = await spoor.get('/api/spoor/v1/tail')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  expect(((await refused.json()) as ApiError).error).toMatchObject({
    code: 'busy',
    message: expect.stringMatching(/too many tails at once: 16 are being answered/) as string,
  })
  for (const { leave } of clients) leave()
  await expect.poll(running, { timeout: 10_000 }).toBe(0)
  const metrics = await (await spoor.get('/metrics')).text()
  expect(metrics.includes('spoor_queries_refused{lane="tails",reason="queue_full"} 1\n')).toBe(true)
})

it('says what is no query, and what it does not take', async () => {
  for (const [query, code] of [
    [q('{a:1'), 'bad_query'],
    ['limit=501', 'bad_parameter'],
    ['from=1h', 'bad_parameter'],
    ['timeout=5s', 'bad_parameter'],
  ] as const) {
    const response = await spoor.get(`/api/spoor/v1/tail?${query}`)
    expect([query, response.status, ((await response.json()) as ApiError).error.code]).toEqual([query, 400, code])
  }
  expect((await spoor.get('/api/spoor/v1/tail', { method: 'HEAD' })).status).toBe(405)
})

it('ends when Spoor does', async () => {
  const client = await listen('')
  await client.line()
  const stopped = spoor.stop()
  expect(await client.next('end')).toEqual({ type: 'end' })
  expect(await client.line()).toBeUndefined()
  await stopped
})
