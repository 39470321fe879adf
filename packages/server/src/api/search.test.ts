import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ApiError, SearchLine, SearchResponse } from '../api.ts'
import { requestOf, spanIdOf, startTestSpoor, string, traceIdOf, type TestSpoor } from '../testkit.ts'

let spoor: TestSpoor
const TRACES = 40

beforeAll(async () => {
  spoor = await startTestSpoor()
  for (let n = 1; n <= TRACES; n++) {
    const traceId = traceIdOf(n)
    const attributes = [string('order.id', `A-${n}`)]
    await spoor.post(requestOf('checkout', [{ traceId, spanId: spanIdOf(1), name: 'pay' }]))
    await spoor.post(
      requestOf('bank', [{ traceId, spanId: spanIdOf(2), parentSpanId: spanIdOf(1), name: 'withdraw', attributes }]),
    )
  }
})

afterAll(() => spoor.remove())

async function searchLines(query: string): Promise<SearchLine[]> {
  const response = await spoor.get(`/api/spoor/v1/search?${query}`, { headers: { accept: 'application/x-ndjson' } })
  expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
  const text = await response.text()
  expect(text.endsWith('\n')).toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SearchLine)
}

const search = (query: string) => spoor.json<SearchResponse>(`/api/spoor/v1/search?${query}`)
const q = (text: string) => `q=${encodeURIComponent(text)}`

it('is answered line by line for who accepts lines, with the same as in one piece', async () => {
  const lines = await searchLines('limit=30&order=oldest')
  const { traces, next, complete } = await search('limit=30&order=oldest')
  expect(lines.flatMap((line) => (line.type === 'traces' ? line.traces : []))).toEqual(traces)
  expect(lines.at(-1)).toMatchObject({ type: 'end', next, complete })
  expect(lines.slice(0, -1).every(({ type }) => type === 'traces' || type === 'progress')).toBe(true)
})

it('is answered as an error where it is no query, also for who accepts lines', async () => {
  const headers = { accept: 'application/x-ndjson' }
  for (const [query, position] of [
    [q('{a:1'), 0],
    ['cursor=x', undefined],
  ] as const) {
    const response = await spoor.get(`/api/spoor/v1/search?${query}`, { headers })
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as ApiError
    expect(error).toMatchObject({ code: 'bad_query', ...(position !== undefined && { position }) })
  }
})

it('finds by sets of spans, and says which spans matched', async () => {
  const { traces, total } = await search(`${q('{service:checkout} > {order.id:A-7}')}&matches=1`)
  expect(traces.map(({ traceId, matched }) => [traceId, matched])).toEqual([
    [traceIdOf(7), { spans: 1, exact: true, longestNs: 1e6, first: [{ spanId: spanIdOf(2), durationNs: 1e6 }] }],
  ])
  expect(total).toEqual({ traces: 1, exact: true })
  expect((await search(q('{service:bank} > {service:checkout}'))).traces).toEqual([])
  expect((await search(`${q('trace.spans:2 service:bank')}&limit=3&totals=true`)).total).toEqual({
    traces: TRACES,
    exact: true,
  })
})

it('finds what somebody pastes, and says where it was', async () => {
  const { traces } = await search(q('A-31'))
  expect(traces.map(({ traceId, matched }) => [traceId, matched?.first[0]?.key])).toEqual([[traceIdOf(31), 'order.id']])
})

it('asks whether something else was meant where nothing was found', async () => {
  expect((await search(q('service:chekout name:pay'))).didYouMean).toEqual([
    { kind: 'service', name: 'chekout', instead: 'checkout', q: 'service:checkout name:pay' },
  ])
  expect((await search(q('{name:withdaw} && not {oder.id:1}'))).didYouMean).toEqual([
    { kind: 'operation', name: 'withdaw', instead: 'withdraw', q: '{name:withdraw} && not {oder.id:1}' },
    { kind: 'attribute', name: 'oder.id', instead: 'order.id', q: '{name:withdaw} && not {order.id:1}' },
  ])
  expect((await search(q('service:nothing-like-it'))).didYouMean).toBeUndefined()
  expect((await searchLines(q('service:banc'))).at(-1)).toMatchObject({ didYouMean: [{ instead: 'bank' }] })
})
