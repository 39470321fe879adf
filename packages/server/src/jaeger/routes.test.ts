import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { spanIdOf, requestOf, startTestSpoor, traceIdOf, type TestSpoor } from '../testkit.ts'
import type { JaegerTrace } from '@spoor/trace/files'
import type { Envelope } from './model.ts'
import type { MetricFamily } from './monitor.ts'

let spoor: TestSpoor
/** A whole minute. */
const END_MS = 1_790_000_040_000
const SERVER = 2
const CLIENT = 3
/** One call each 7 s back from the end, which takes as many milliseconds; each fourth fails. */
const CALLS = Array.from({ length: 200 }, (_, n) => ({
  atMs: END_MS - 1 - 7_000 * n,
  tookMs: n + 1,
  failed: n % 4 === 0,
}))

beforeAll(async () => {
  spoor = await startTestSpoor()
  const spans = CALLS.map(({ atMs, tookMs, failed }, n) => ({
    traceId: traceIdOf(n + 1),
    spanId: spanIdOf(1),
    kind: SERVER,
    name: n % 2 === 0 ? 'even' : 'odd',
    startTimeUnixNano: BigInt(atMs) * 1_000_000n,
    endTimeUnixNano: BigInt(atMs + tookMs) * 1_000_000n,
    status: { code: failed ? 2 : 0, message: '' } as const,
  }))
  await spoor.post(requestOf('a/b', spans))
  await spoor.post(
    requestOf(
      'other',
      spans.map((span) => ({ ...span, spanId: spanIdOf(2), kind: CLIENT })),
    ),
  )
})

afterAll(() => spoor.remove())

async function metric(path: string): Promise<MetricFamily> {
  return spoor.json<MetricFamily>(`/api/metrics/${path}&endTs=${END_MS}`)
}

const valuesOf = ({ metrics }: MetricFamily, series = 0) =>
  metrics[series]!.metricPoints.map(({ gaugeValue }) => gaugeValue.doubleValue)

/** Calls that started in `[toMs - lengthMs, toMs)`. */
const within = (toMs: number, lengthMs: number) => CALLS.filter(({ atMs }) => atMs >= toMs - lengthMs && atMs < toMs)

describe('the monitor', () => {
  const points = Array.from({ length: 11 }, (_, i) => END_MS - (10 - i) * 60_000)

  it('has the rate of calls over what goes before each point', async () => {
    const family = await metric('calls?service=a/b&lookback=600000&step=60000&ratePer=120000')
    expect(family).toMatchObject({ name: 'service_call_rate', type: 'GAUGE', help: 'calls/sec, grouped by service' })
    expect(family.metrics.map(({ labels }) => labels)).toEqual([[{ name: 'service_name', value: 'a/b' }]])
    expect(valuesOf(family)).toEqual(points.map((ms) => within(ms, 120_000).length / 120))
    expect(family.metrics[0]!.metricPoints.at(-1)!.timestamp).toBe(new Date(END_MS).toISOString())
  })

  it('has the share of calls that fail, by operation', async () => {
    const family = await metric('errors?service=a/b&groupByOperation=true&lookback=600000&step=60000&ratePer=120000')
    expect(family.name).toBe('service_operation_error_rate')
    const of = (name: string) => family.metrics.findIndex(({ labels }) => labels[1]!.value === name)
    expect(valuesOf(family, of('odd'))).toEqual(points.map(() => 0))
    const share = (ms: number) => {
      const calls = within(ms, 120_000).filter(({ tookMs }) => tookMs % 2 === 1)
      return calls.filter(({ failed }) => failed).length / calls.length
    }
    expect(valuesOf(family, of('even'))).toEqual(points.map(share))
  })

  it('has latencies in milliseconds, of each step', async () => {
    const family = await metric('latencies?service=a/b&quantile=1&lookback=600000&step=60000')
    expect(family).toMatchObject({ name: 'service_latencies', help: '1th quantile latency, grouped by service' })
    for (const [i, value] of valuesOf(family).entries()) {
      const longest = Math.max(...within(points[i]!, 60_000).map(({ tookMs }) => tookMs))
      expect(Math.abs(Number(value) / longest - 1)).toBeLessThan(0.0055)
    }
  })

  it('takes other kinds, several services, and longer steps where there would be too many points', async () => {
    const family = await metric('calls?service=a/b&service=other&spanKind=client&lookback=172800000&step=60000')
    expect(family.metrics.map(({ labels }) => labels[0]!.value)).toEqual(['other'])
    const [first, second] = family.metrics[0]!.metricPoints.map(({ timestamp }) => Date.parse(timestamp))
    expect(second! - first!).toBe(3 * 60_000)
    expect(valuesOf(family)[0]).toBe(0)
    expect(valuesOf(await metric('errors?service=other&spanKind=client&lookback=172800000&step=60000'))[0]).toBe('NaN')
    expect(await spoor.json('/api/metrics/minstep')).toMatchObject({ data: 1 })
  })

  it.each([
    ['calls?x=1', "unable to parse param 'service': please provide at least one service name"],
    ['latencies?service=a', `unable to parse param 'quantile': "" is not a number above 0 and up to 1`],
    ['calls?service=a&spanKind=both', "unable to parse param 'spanKind': unsupported span kind: 'both'"],
    ['calls?service=a&step=1s', `unable to parse param 'step': "1s" is not a number of milliseconds`],
    [
      'calls?service=a&groupByOperation=maybe',
      `unable to parse param 'groupByOperation': strconv.ParseBool: parsing "maybe": invalid syntax`,
    ],
  ])('says what is wrong with %s', async (path, msg) => {
    const answer = await spoor.get(`/api/metrics/${path}`)
    expect([answer.status, await answer.json()]).toMatchObject([400, { errors: [{ code: 400, msg }] }])
  })
})

it('has operations of a service with a slash in its name', async () => {
  expect(await spoor.json('/api/services/a%2Fb/operations')).toMatchObject({ data: ['even', 'odd'] })
})

describe('transform', () => {
  const transform = (body: string) =>
    spoor.get('/api/transform', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const span = (traceId: string, spanId: string) => ({
    traceId,
    spanId,
    name: 'x',
    startTimeUnixNano: '1',
    endTimeUnixNano: 2,
  })

  it('gives each trace of an OTLP request as it came, twins included', async () => {
    const [one, two] = ['1'.repeat(32), '2'.repeat(32)]
    const spans = [span(one, '1'.repeat(16)), span(two, '2'.repeat(16)), span(one, '1'.repeat(16))]
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 's' } }] }
    const answer = await transform(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }))
    const { data } = (await answer.json()) as Envelope<JaegerTrace[]>
    expect(data.map(({ traceID, spans }) => [traceID, spans.length])).toEqual([
      [one, 2],
      [two, 1],
    ])
    expect(data[0]!.processes['p1']!.serviceName).toBe('s')
  })

  it.each([
    ['{', /^cannot unmarshal OTLP : not JSON/],
    ['{"resourceSpans":[{"scopeSpans":1}]}', /^cannot unmarshal OTLP : .*scopeSpans/],
  ])('says what is wrong with %s', async (body, message) => {
    const answer = await transform(body)
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as { errors: { msg: string }[] }).errors[0]!.msg).toMatch(message)
  })

  it('refuses what would hold up everybody else', async () => {
    expect((await transform('x'.repeat(1024 * 1024 + 1))).status).toBe(413)
  })
})

it.each([
  ['POST', `/api/archive/${traceIdOf(1)}`, 404, 'archive span storage was not configured'],
  ['POST', `/api/archive/${'e'.repeat(32)}`, 404, 'trace not found'],
  ['POST', '/api/services', 405, 'POST is not for /services; use GET, HEAD'],
  ['GET', '/api/transform', 405, 'GET is not for /transform; use POST'],
  ['DELETE', `/api/v3/traces/${traceIdOf(1)}`, 405, 'DELETE is not for'],
  ['PUT', '/api/spoor/v1/search', 405, 'PUT is not for'],
  ['GET', `/api/traces/${traceIdOf(1)}?start=yesterday`, 400, "unable to parse param 'start'"],
  ['GET', `/api/traces?traceID=1&end=x`, 400, "unable to parse param 'end'"],
  ['GET', `/api/v3/traces/${traceIdOf(1)}?startTime=yesterday`, 400, 'malformed parameter startTime'],
  ['GET', `/api/v3/traces/${traceIdOf(1)}?rawTraces=maybe`, 400, 'malformed parameter rawTraces'],
  ['GET', `/api/v3/traces/${traceIdOf(1)}?raw_traces=maybe`, 400, 'malformed parameter raw_traces'],
  ['GET', '/api/v3/traces?query.start_time_min=now', 400, 'malformed parameter query.start_time_min'],
  ['GET', '/api/v3/traces?query.startTimeMin=now', 400, 'malformed parameter query.startTimeMin'],
  ['GET', '/analytics/v1/dependencies', 404, '404 page not found'],
])('answers %s %s with %i', async (method, path, status, text) => {
  const answer = await spoor.get(path, { method })
  expect([answer.status, await answer.text()]).toEqual([status, expect.stringContaining(text)])
  expect(answer.headers.has('allow')).toBe(status === 405)
})

it('adjusts what it gives as OTLP, unless it is asked not to', async () => {
  const traceId = traceIdOf(9_000)
  const twice = {
    traceId,
    spanId: spanIdOf(1),
    startTimeUnixNano: BigInt(END_MS) * 1_000_000n,
    endTimeUnixNano: BigInt(END_MS) * 1_000_000n,
  }
  await spoor.post(requestOf('twice', [twice, twice]))
  type Answer = { result: { resourceSpans: { scopeSpans: { spans: object[] }[] }[] } }
  const count = async (path: string) => {
    const { result } = await spoor.json<Answer>(`/api/v3/${path}`)
    return result.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)).length
  }
  const search =
    'traces?query.serviceName=twice&query.startTimeMin=2026-01-01T00:00:00Z&query.startTimeMax=2027-01-01T00:00:00Z'
  expect(await count(`traces/${traceId}`)).toBe(1)
  expect(await count(`traces/${traceId}?rawTraces=true`)).toBe(2)
  expect(await count(`traces/${traceId}?raw_traces=1`)).toBe(2)
  expect(await count(search)).toBe(1)
  expect(await count(`${search}&query.rawTraces=true`)).toBe(2)
})

it('takes trace ids in base64, and prints those that it has not found as it prints all', async () => {
  const id = Buffer.from(traceIdOf(1), 'hex').toString('base64url')
  expect(await spoor.json(`/api/v3/traces/${id}?startTime=2026-01-01T00:00:00Z&rawTraces=true`)).toMatchObject({
    result: { resourceSpans: [{}, {}] },
  })
  expect(await spoor.json(`/api/traces?traceID=fff`)).toMatchObject({
    errors: [{ msg: 'trace not found', traceID: '0000000000000fff' }],
  })
})
