import { afterAll, beforeAll, expect, it } from 'vitest'
import type {
  AggregateResponse,
  AnswerLine,
  ApiError,
  BottleneckResponse,
  CompareResponse,
  ErrorGroupsResponse,
  FlameResponse,
  HeatMapResponse,
} from '../api.ts'
import { requestOf, spanIdOf, startTestSpoor, string, traceIdOf, type TestSpoor } from '../testkit.ts'

let spoor: TestSpoor
const TRACES = 40
const START = 1_790_000_000_000_000_000n
const MS = 1_000_000n

/** Trace n is of tenant n mod 4, starts n ms after the first and takes n + 1 ms; each tenth fails. */
beforeAll(async () => {
  spoor = await startTestSpoor()
  for (let n = 0; n < TRACES; n++) {
    const traceId = traceIdOf(n + 1)
    const [start, end] = [START + BigInt(n) * MS, START + BigInt(2 * n + 1) * MS]
    const times = { startTimeUnixNano: start, endTimeUnixNano: end }
    const status = { code: n % 10 === 9 ? 2 : 0, message: '' } as const
    const attributes = [string('tenant', `t${n % 4}`)]
    await spoor.post(requestOf('checkout', [{ ...times, traceId, spanId: spanIdOf(1), name: 'pay', status }]))
    const call = { ...times, traceId, spanId: spanIdOf(2), parentSpanId: spanIdOf(1), name: 'withdraw', attributes }
    await spoor.post(requestOf('bank', [call]))
    // What a sender sends again counts once.
    if (n % 3 === 0) await spoor.post(requestOf('bank', [call]))
  }
})

afterAll(() => spoor.remove())

const aggregate = (query: string) => spoor.json<AggregateResponse>(`/api/spoor/v1/aggregate?${query}`)
const q = (text: string) => `q=${encodeURIComponent(text)}`

it('counts what the query finds, by groups', async () => {
  const { total, groups, rest, complete, from, to } = await aggregate(
    `${q('service:bank')}&groupBy=service,tenant&limit=3&percentiles=0.5,1&exemplars=1`,
  )
  expect({ complete, from, to }).toEqual({
    complete: true,
    from: START.toString(),
    to: (START + BigInt(TRACES - 1) * MS).toString(),
  })
  expect(total).toMatchObject({ count: TRACES, errors: 0, minNs: 1e6, maxNs: 40e6, sumNs: 820e6 })
  expect(groups.map(({ key, count }) => [...key, count])).toEqual([
    ['bank', 't0', 10],
    ['bank', 't1', 10],
    ['bank', 't2', 10],
  ])
  expect(rest).toMatchObject({
    groups: 1,
    count: 10,
    exemplars: [{ traceId: traceIdOf(40), spanId: spanIdOf(2), durationNs: 40e6, error: false }],
  })
  expect(Math.abs(total.percentilesNs[0]! / 20e6 - 1)).toBeLessThan(0.0055)
})

it('counts requests, by time', async () => {
  const to = START + 39n * MS
  const { total, groups, bucketNs } = await aggregate(
    `${q('tenant:t1')}&of=requests&groupBy=name&buckets=4&from=${START}&to=${to}`,
  )
  expect(bucketNs).toBe(9_750_001)
  expect(total).toMatchObject({ count: 10, errors: 2 })
  expect(groups[0]).toMatchObject({ key: ['pay'], count: 10 })
  expect(groups[0]!.buckets!.map(({ count }) => count)).toEqual([3, 2, 3, 2])
  const withoutTenant = await aggregate('groupBy=tenant&order=sum')
  expect(withoutTenant.groups[0]).toMatchObject({ key: [null], count: TRACES })
})

it('cuts the time at whole steps, where that is asked for, and tells where the first begins', async () => {
  const [from, to] = [START + 3n * MS, START + 38n * MS]
  const asked = `from=${from}&to=${to}&aligned=true`
  const { bucketsFrom, bucketNs, total } = await aggregate(`of=requests&buckets=4&${asked}`)
  expect([bucketsFrom, bucketNs]).toEqual([String(START), 10e6])
  expect(total.buckets!.map(({ count }) => count)).toEqual([7, 10, 10, 9])
  const map = await spoor.json<HeatMapResponse>(`/api/spoor/v1/heatmap?timeBins=9&${asked}`)
  expect([map.bucketsFrom, map.bucketNs, map.counts.length]).toEqual([String(START), 5e6, 8 * (map.edgesNs.length - 1)])
  expect((await aggregate(`buckets=4&from=${from}&to=${to}`)).bucketsFrom).toBe(String(from))
  const errors = await spoor.json<ErrorGroupsResponse>(`/api/spoor/v1/error-groups?buckets=4&${asked}`)
  expect([errors.bucketsFrom, errors.bucketNs, errors.groups[0]!.buckets!.length]).toEqual([String(START), 10e6, 4])
})

it('draws all that matches by time and duration, in bins that a search can be asked for', async () => {
  const map = await spoor.json<HeatMapResponse>(`/api/spoor/v1/heatmap?${q('service:bank')}&timeBins=10&durationBins=6`)
  const bins = map.edgesNs.length - 1
  expect(bins).toBeLessThanOrEqual(6)
  expect(map.counts).toHaveLength(10 * bins)
  expect(map.counts.reduce((sum, count) => sum + count, 0)).toBe(TRACES)
  for (let bin = 0; bin < bins; bin++) {
    const [low, high] = [map.edgesNs[bin]!, map.edgesNs[bin + 1]!]
    const inBin = map.counts.filter((_, i) => i % bins === bin).reduce((sum, count) => sum + count, 0)
    const { total } = await aggregate(q(`service:bank duration>=${low}ns duration<${high}ns`))
    expect([bin, total.count]).toEqual([bin, inBin])
  }
  expect(map.exemplars.at(-1)).toMatchObject({ traceId: traceIdOf(40), durationNs: 40e6 })
})

it('tells which errors there are, the same ones together', async () => {
  const event = (order: number) => ({
    timeUnixNano: START,
    name: 'exception',
    attributes: [
      string('exception.type', 'IOError'),
      string('exception.message', `order ${order} is gone`),
      string('exception.stacktrace', `IOError\n    at charge (/app/pay.js:${order}:1)`),
    ],
    droppedAttributesCount: 0,
  })
  // Far from all others: these are asked about alone.
  const start = START - 86_400_000_000_000n
  for (let n = 0; n < 3; n++) {
    const times = { startTimeUnixNano: start + BigInt(n), endTimeUnixNano: start + MS }
    const span = { ...times, traceId: traceIdOf(100 + n), spanId: spanIdOf(1), events: [event(n)] }
    await spoor.post(requestOf(n === 2 ? 'mail' : 'bank', [span]))
  }
  const { groups, spans, moreGroups } = await spoor.json<ErrorGroupsResponse>(
    `/api/spoor/v1/error-groups?from=${start}&to=${start + MS}&exemplars=1&buckets=1`,
  )
  expect({ spans, moreGroups }).toEqual({ spans: 3, moreGroups: 0 })
  expect(groups).toEqual([
    {
      id: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      type: 'IOError',
      message: 'order <n> is gone',
      frame: 'charge (pay.js)',
      count: 3,
      firstSeen: start.toString(),
      lastSeen: (start + 2n).toString(),
      services: [
        { name: 'bank', spans: 2 },
        { name: 'mail', spans: 1 },
      ],
      exemplars: [
        {
          traceId: traceIdOf(102),
          spanId: spanIdOf(1),
          durationNs: 1e6 - 2,
          error: false,
          start: (start + 2n).toString(),
        },
      ],
      buckets: [3],
    },
  ])
  const failed = await spoor.json<ErrorGroupsResponse>(`/api/spoor/v1/error-groups?${q('name:pay')}&order=last_seen`)
  expect(failed).toMatchObject({ spans: 4, groups: [{ type: '', message: '', frame: '', count: 4 }] })
})

it('tells where the time went', async () => {
  const { traces, requestNs, services, operations } = await spoor.json<BottleneckResponse>(
    `/api/spoor/v1/bottleneck?${q('name:pay')}&from=${START}&limit=2`,
  )
  // Each call takes as long as its request.
  expect({ traces, requestNs }).toEqual({ traces: TRACES, requestNs: 820e6 })
  expect(services).toEqual([
    {
      service: 'bank',
      spans: TRACES,
      traces: TRACES,
      errors: 0,
      selfNs: 820e6,
      criticalNs: 820e6,
      criticalTraces: TRACES,
      exemplar: { traceId: traceIdOf(40), criticalNs: 40e6 },
    },
    { service: 'checkout', spans: TRACES, traces: TRACES, errors: 4, selfNs: 0, criticalNs: 0, criticalTraces: 0 },
  ])
  expect(operations.map(({ name }) => name)).toEqual(['withdraw', 'pay'])
  const some = await spoor.json<BottleneckResponse>(`/api/spoor/v1/bottleneck?${q('name:pay')}&traces=3`)
  expect(some).toMatchObject({ traces: 3, sampled: true })
})

it('folds call paths', async () => {
  const flame = (query: string) =>
    spoor.json<FlameResponse>(`/api/spoor/v1/flame?${q('name:pay')}&from=${START}&${query}`)
  const { traces, requestNs, sampled, frames, complete } = await flame('')
  expect({ traces, requestNs, sampled, complete }).toEqual({
    traces: TRACES,
    requestNs: 820e6,
    sampled: false,
    complete: true,
  })
  const most = [{ traceId: traceIdOf(40), totalNs: 40e6 }]
  const call = { traces: TRACES, calls: TRACES, totalNs: 820e6, exemplars: most }
  const below = { ...call, errors: 0, selfNs: 820e6, criticalNs: 820e6 }
  expect(frames).toEqual([
    { parent: -1, service: 'checkout', name: 'pay', ...call, errors: 4, selfNs: 0, criticalNs: 0 },
    { parent: 0, service: 'bank', name: 'withdraw', ...below },
  ])
  const { exemplars: _, traces: _traces, ...times } = below
  expect((await flame('limit=1&exemplars=0')).frames).toMatchObject([
    { exemplars: [], others: { frames: 1, ...times } },
  ])
  expect(await flame('traces=10')).toMatchObject({ traces: 10, sampled: true })
})

it('is answered line by line for who accepts lines, at last with the same as in one piece', async () => {
  for (const path of [
    `aggregate?${q('service:bank')}&groupBy=tenant&from=${START}`,
    'heatmap?of=requests',
    'error-groups?limit=5',
    'bottleneck?limit=5',
    'flame?limit=5',
    'compare?a=name:pay&b=name:withdraw',
  ]) {
    const answer = await spoor.get(`/api/spoor/v1/${path}`, { headers: { accept: 'application/x-ndjson' } })
    expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
      path,
      200,
      'application/x-ndjson; charset=utf-8',
    ])
    const lines = (await answer.text()).trimEnd().split('\n')
    const last = JSON.parse(lines.at(-1)!) as AnswerLine<object>
    const plain = await spoor.json<object>(`/api/spoor/v1/${path}`)
    const cost = { bytesRead: expect.any(Number) as number, elapsedMs: expect.any(Number) as number }
    expect(last).toEqual({ type: 'end', answer: { ...plain, ...cost } })
    for (const line of lines.slice(0, -1)) expect(JSON.parse(line)).toMatchObject({ type: 'partial' })
  }
})

it('tells what is different', async () => {
  const range = `from=${START}&to=${START + 100n * MS}`
  const { a, b, differences } = await spoor.json<CompareResponse>(
    `/api/spoor/v1/compare?a=name:pay&b=name:withdraw&${range}&keys=name,tenant,kind`,
  )
  expect({ a, b }).toEqual({ a: TRACES, b: TRACES })
  expect(differences.map(({ surprise: _surprise, ...rest }) => rest)).toEqual([
    { field: 'name', value: 'pay', a: TRACES, b: 0 },
    { field: 'name', value: 'withdraw', a: 0, b: TRACES },
    { attribute: 'tenant', value: null, a: TRACES, b: 0 },
    ...[0, 1, 2, 3].map((n) => ({ attribute: 'tenant', value: `t${n}`, a: 0, b: 10 })),
  ])
  const cost = { spansScanned: 0, bytesRead: 0, elapsedMs: 0 }
  const halves = await spoor.json<CompareResponse>(
    `/api/spoor/v1/compare?a=service:bank&b=service:bank&aFrom=${START}&aTo=${START + 19n * MS}&bFrom=${START + 20n * MS}&bTo=${START + 39n * MS}`,
  )
  expect(halves).toMatchObject({ a: 20, b: 20, differences: [] })
  const rest = await spoor.json<CompareResponse>(
    `/api/spoor/v1/compare?a=&b=name:withdraw&rest=true&${range}&keys=name,tenant`,
  )
  const others = await spoor.json<CompareResponse>(
    `/api/spoor/v1/compare?a=-name:withdraw&b=name:withdraw&${range}&keys=name,tenant`,
  )
  expect(rest.a).toBe(TRACES)
  expect({ ...rest, ...cost }).toEqual({ ...others, ...cost })
})

it('says where a question is none, and the way out', async () => {
  for (const [path, code, message] of [
    [`aggregate?${q('{a:1')}`, 'bad_query', /./],
    ['aggregate?groupBy=duration', 'bad_parameter', /"groupBy": "duration" cannot be grouped by: service, name/],
    ['aggregate?groupBy=a,b,c,d', 'bad_query', /groupBy.*at most 3/],
    ['aggregate?percentiles=0.5,95', 'bad_parameter', /"95" is not a share/],
    ['aggregate?order=name', 'bad_parameter', /one of count, errors, sum, max, percentile/],
    ['error-groups?order=max', 'bad_parameter', /one of count, first_seen, last_seen/],
    ['bottleneck?limit=0', 'bad_parameter', /"limit": "0" is not a whole number from 1 to 1000/],
    ['bottleneck?traces=0', 'bad_parameter', /"traces": "0" is not a whole number from 1 to 1000000/],
    ['flame?traces=x', 'bad_parameter', /"traces": "x" is not a whole number/],
    [`compare?b=${encodeURIComponent('{a:1')}`, 'bad_query', /parameter "b": /],
    ['compare?keys=duration', 'bad_parameter', /"keys": "duration" cannot be grouped by/],
    ['heatmap?timeBins=0', 'bad_parameter', /"timeBins": "0" is not a whole number from 1 to 1000/],
    ['heatmap?of=traces', 'bad_parameter', /one of spans, requests/],
  ] as const) {
    // Also for who accepts lines.
    const headers = { accept: 'application/x-ndjson' }
    const response = await spoor.get(`/api/spoor/v1/${path}`, { headers })
    const { error } = (await response.json()) as ApiError
    expect([path, response.status, error.code]).toEqual([path, 400, code])
    expect(error.message).toMatch(message)
  }
})
