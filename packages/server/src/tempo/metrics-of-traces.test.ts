import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestOf, spanIdOf, startTestSpoor, string, type TestSpoor, traceIdOf } from '../testkit.ts'
import type { InstantAnswer, RangeAnswer } from './metrics.ts'

/** What the store has no words for is decoded and counted; what it counts itself has to be the same. */

let spoor: TestSpoor

const END_S = 1_790_000_040
const NS = 1_000_000_000n
const POINTS = 4
const STEP_S = 30
/** One request every 3 s back from the end, with one call below it. */
const REQUESTS = Array.from({ length: 40 }, (_, n) => ({
  trace: traceIdOf(n + 1),
  at: BigInt(END_S - 1 - 3 * n) * NS,
  ms: 1 + ((n * 7) % 23),
  size: n % 4 === 3 ? undefined : ((n * 13) % 17) - 5,
  tier: n % 2 === 0 ? 'gold' : 'free',
}))

beforeAll(async () => {
  spoor = await startTestSpoor()
  await spoor.post(
    requestOf(
      'shop',
      REQUESTS.flatMap(({ trace, at, ms, size, tier }) => [
        {
          traceId: trace,
          spanId: spanIdOf(1),
          name: 'order',
          kind: 2,
          startTimeUnixNano: at,
          endTimeUnixNano: at + BigInt(ms) * 1_000_000n,
          attributes: [
            string('tier', tier),
            ...(size === undefined ? [] : [{ key: 'size', value: { type: 'double', value: size / 4 } as const }]),
          ],
        },
        {
          traceId: trace,
          spanId: spanIdOf(2),
          parentSpanId: spanIdOf(1),
          name: 'call',
          kind: 3,
          startTimeUnixNano: at + 1000n,
          endTimeUnixNano: at + 2000n,
          status: { code: ms % 5 === 0 ? 2 : 0, message: '' },
        },
      ]),
    ),
  )
})
afterAll(() => spoor.remove())

const times = { start: END_S - STEP_S * (POINTS - 1), end: END_S, step: STEP_S }
const pathOf = (path: string, query: Readonly<Record<string, string | number>>): string =>
  `/tempo${path}?${new URLSearchParams(Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)]))).toString()}`
const range = (q: string) => spoor.json<RangeAnswer>(pathOf('/api/metrics/query_range', { q, ...times }))
const instant = (q: string) => spoor.json<InstantAnswer>(pathOf('/api/metrics/query', { q, ...times }))

/** By labels, the samples. */
const seriesOf = ({ series }: RangeAnswer) =>
  new Map(series.map(({ labels, samples }) => [JSON.stringify(labels), samples.map(({ value }) => value)]))
/** The sizes of each point. */
const SIZES = Array.from({ length: POINTS }, (_, i) => {
  const end = BigInt(times.start + STEP_S * i) * NS
  return REQUESTS.filter(({ at }) => at > end - BigInt(STEP_S) * NS && at <= end).flatMap(({ size }) =>
    size === undefined ? [] : [size / 4],
  )
})

describe('what the store has no words for', () => {
  it.each([
    'rate()',
    'count_over_time() by (name, status)',
    'rate() by (span.tier)',
    'min_over_time(duration)',
    'max_over_time(duration) by (name)',
    'avg_over_time(duration)',
    'sum_over_time(duration)',
    'quantile_over_time(duration, 0, 0.5, 0.9, 1) by (kind)',
  ])('is counted as the store counts: %s', async (metric) => {
    const [counted, looked] = [await range(`{ } | ${metric}`), await range(`{ duration + 0ns >= 0ns } | ${metric}`)]
    const expected = seriesOf(counted)
    const actual = seriesOf(looked)
    expect(looked.status).toBeUndefined()
    expect([...actual.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
    for (const [labels, values] of expected) {
      const own = actual.get(labels)!
      expect(own).toHaveLength(values.length)
      // Both are off by their bins.
      for (const [i, value] of values.entries())
        expect(Math.abs(own[i]! - value)).toBeLessThanOrEqual((metric.startsWith('quant') ? 0.011 : 1e-9) * value)
    }
  })

  it.each<[string, (sizes: readonly number[]) => number]>([
    ['min_over_time(span.size)', (sizes) => Math.min(...sizes)],
    ['max_over_time(span.size)', (sizes) => Math.max(...sizes)],
    ['sum_over_time(.size)', (sizes) => sizes.reduce((sum, size) => sum + size, 0)],
    ['avg_over_time(span.size)', (sizes) => sizes.reduce((sum, size) => sum + size, 0) / sizes.length],
    [
      'quantile_over_time(span.size, 0.5)',
      (sizes) => sizes.toSorted((a, b) => a - b)[Math.ceil(sizes.length / 2) - 1]!,
    ],
    [
      'quantile_over_time(span.size, 0.2)',
      (sizes) => sizes.toSorted((a, b) => a - b)[Math.ceil(sizes.length / 5) - 1]!,
    ],
  ])('is an attribute, negative or not: %s', async (metric, of) => {
    const { series } = await range(`{ } | ${metric}`)
    expect(series).toHaveLength(1)
    for (const [i, { value }] of series[0]!.samples.entries())
      expect(Math.abs(value - of(SIZES[i]!))).toBeLessThanOrEqual(0.0055 * Math.abs(of(SIZES[i]!)) + 1e-9)
    expect(series[0]!.samples).toHaveLength(POINTS)
  })

  it('is a histogram by groups, which adds up to their counts', async () => {
    const { series } = await range('{ name = "order" } | histogram_over_time(duration) by (span.tier)')
    const counts = seriesOf(await range('{ name = "order" } | count_over_time() by (span.tier)'))
    for (const tier of ['gold', 'free']) {
      const own = series.filter(({ labels }) => JSON.stringify(labels[0]).includes(tier))
      expect(own.map(({ labels }) => labels[1]!.key)).toContain('__bucket')
      const sums = Array.from({ length: POINTS }, (_, i) =>
        own.reduce((sum, { samples }) => sum + samples[i]!.value, 0),
      )
      expect(sums).toEqual([...counts].find(([labels]) => labels.includes(tier))![1])
      for (const { labels } of own) {
        const end = Object.values(labels[1]!.value)[0] as number
        expect(Number.isInteger(Math.log2(end))).toBe(true)
      }
    }
  })

  it('says that it is not all where a trace has more spans than are decoded', async () => {
    const at = BigInt(END_S + 1_000) * NS
    const spans = Array.from({ length: 20_001 }, (_, n) => ({
      traceId: traceIdOf(1_000),
      spanId: spanIdOf(n + 1),
      name: 'one of many',
      startTimeUnixNano: at,
      endTimeUnixNano: at + 1n,
    }))
    await spoor.post(requestOf('giant', spans))
    const query = { start: END_S + 970, end: END_S + 1_030, step: 30 }
    const ask = (q: string) => spoor.json<RangeAnswer>(pathOf('/api/metrics/query_range', { q, ...query }))
    const [all, looked] = [
      await ask('{ } | count_over_time()'),
      await ask('{ duration + 0ns >= 0ns } | count_over_time()'),
    ]
    expect([all.status, all.series[0]!.samples.some(({ value }) => value === 20_001)]).toEqual([undefined, true])
    expect([looked.status, looked.series]).toEqual(['PARTIAL', []])
    expect(looked.message).toContain('too small')
  })

  it('is one number for all of the time', async () => {
    const sizes = REQUESTS.filter(({ at }) => at > BigInt(times.start) * NS).flatMap(
      ({ size = Number.NaN }) => size / 4,
    )
    const most = Math.max(...sizes.filter((size) => !Number.isNaN(size)))
    expect((await instant('{ } | max_over_time(span.size)')).series).toEqual([
      { labels: [{ key: '__name__', value: { stringValue: 'max_over_time' } }], value: most },
    ])
  })

  it('is of the spans of that time alone, whatever else their traces have', async () => {
    const { at } = REQUESTS[0]!
    // The order of the last request is in it, and its call is not.
    const query = { start: String(at - 100n * NS), end: String(at + 500n) }
    const counts = ['{ }', '{ duration + 0ns >= 0ns }'].map(async (set) => {
      const q = `${set} | count() > 1 | count_over_time()`
      return (await spoor.json<InstantAnswer>(pathOf('/api/metrics/query', { q, ...query }))).series[0]!.value
    })
    const inTime = REQUESTS.filter((request) => request.at > at - 100n * NS && request.at < at)
    expect(await Promise.all(counts)).toEqual([2 * inTime.length, 2 * inTime.length])
  })

  it('is grouped by what a filter can ask of a span or its trace', async () => {
    const byRoot = await range('{ name = "call" } | count_over_time() by (rootName)')
    expect(byRoot.series.map(({ labels }) => labels)).toEqual([[{ key: 'rootName', value: { stringValue: 'order' } }]])
    const byParent = await range('{ name = "call" } | count_over_time() by (parent.tier)')
    expect(byParent.series.map(({ labels: [only] }) => String(Object.values(only!.value)[0])).toSorted()).toEqual([
      'free',
      'gold',
    ])
  })

  it('is reckoned with as all others', async () => {
    const { series } = await range(
      '({ name = "order" } | avg_over_time(span.size)) * ({ name = "order" } | count_over_time())',
    )
    expect(series[0]!.samples).toHaveLength(POINTS)
  })
})
