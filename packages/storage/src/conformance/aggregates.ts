import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  DURATION_ERROR,
  type AggregateQuery,
  type Aggregates,
  type BottleneckQuery,
  type CompareQuery,
  type ErrorGroupsQuery,
  type FlameQuery,
  type HeatMap,
  type HeatMapQuery,
  type Measures,
  type TraceStore,
} from '../contract.ts'
import {
  arbitraryAggregate,
  arbitraryBottleneck,
  arbitraryCompare,
  arbitraryCounted,
  arbitraryErrorGroups,
  arbitraryErrors,
  arbitraryFlame,
  arbitraryHeatMap,
} from './aggregate-arbitrary.ts'
import {
  boundsOf,
  countedOf,
  exactDuration,
  exemplarsOf,
  expectedAggregates,
  timeBin,
  type ExpectedAggregates,
  binsOf,
} from './aggregate-model.ts'
import { expectedBottleneck } from './bottleneck-model.ts'
import { expectedDifferences } from './compare-model.ts'
import { expectedErrorGroups } from './error-model.ts'
import { expectedFlame } from './flame-model.ts'
import { withStore, type OpenStore } from './harness.ts'
import { attributes, batchOf, MS, sent, T0, traceId, type SentSpan } from './spans.ts'

/** Answers about many spans and requests, held against a naive count. */
export function aggregates(open: OpenStore): void {
  it('counts what any set finds, by any keys and by time, in what is new and in what is old', async () => {
    await withStore(open, async (store, directory) => {
      if (!store.capabilities.aggregates) return
      const spans = fc.sample(arbitraryCounted, { seed: 41, numRuns: 1 })[0]!
      const sizes = [1, 3, 9, 2, 17]
      for (let i = 0, n = 0; i < spans.length; i += sizes[n++ % sizes.length]!)
        await store.append(batchOf(...spans.slice(i, i + sizes[n % sizes.length]!)))
      const check = async (opened: TraceStore, seed: number): Promise<void> => {
        await fc.assert(
          fc.asyncProperty(arbitraryAggregate, (query) => checkAggregate(opened, spans, query)),
          { numRuns: 25, seed },
        )
        await fc.assert(
          fc.asyncProperty(arbitraryHeatMap, (query) => checkHeatMap(opened, spans, query)),
          { numRuns: 12, seed },
        )
        await fc.assert(
          fc.asyncProperty(arbitraryBottleneck, (query) => checkBottleneck(opened, spans, query)),
          { numRuns: 12, seed },
        )
        await fc.assert(
          fc.asyncProperty(arbitraryFlame, (query) => checkFlame(opened, spans, query)),
          { numRuns: 12, seed },
        )
      }
      await check(store, 51)
      await store.close()
      const again = await open(directory)
      await check(again, 52)
      await again.close()
    })
  })

  it('looks at so many traces, newer ones rather than older', async () => {
    await withStore(open, async (store) => {
      if (!store.capabilities.aggregates) return
      for (let trace = 0; trace < 20; trace++)
        await store.append(batchOf(...[1, 2].map((id) => sent({ trace, id, at: 10 * trace, ms: 2, name: `${trace}` }))))
      const some = await store.flame({ traces: 5 })
      expect(some).toMatchObject({ traces: 5, sampled: true, complete: true })
      const names = new Set(some.frames.map(({ name }) => name))
      expect(names.size).toBe(5)
      expect(some.frames.reduce((sum, { calls }) => sum + calls, 0)).toBe(10)
      expect(await store.bottleneck({ traces: 5 })).toMatchObject({ traces: 5, sampled: true })
      expect(await store.flame({ traces: 20 })).toMatchObject({ traces: 20, sampled: false })
      const few = { filter: { op: 'eq', target: { field: 'name' }, value: '7' } } as const
      expect(await store.flame({ ...few, traces: 1 })).toMatchObject({ traces: 1, sampled: false })
    })
  })

  it('counts a duration that is negative as none, and the longest that there can be', async () => {
    await withStore(open, async (store) => {
      if (!store.capabilities.aggregates) return
      const odd = [
        sent({ trace: 1, id: 1, ms: -5 }),
        sent({ trace: 1, id: 2, span: { endTimeUnixNano: T0 + 2n ** 62n } }),
        ...[0n, 1n, 2n, 3n].map((ns, i) => sent({ trace: 1, id: i + 3, span: { endTimeUnixNano: T0 + ns } })),
      ]
      await store.append(batchOf(...odd))
      await checkAggregate(store, odd, { percentiles: [0.01, 0.5, 1] })
      await checkHeatMap(store, odd, { durationBins: 100 })
      await checkHeatMap(store, odd.slice(0, 0), { from: T0 + MS, to: T0 + 2n * MS })
    })
  })

  it('tells what is different in one set from another, and nothing that may be chance', async () => {
    await withStore(open, async (store) => {
      if (!store.capabilities.compare) return
      const spans = fc.sample(arbitraryCounted, { seed: 45, numRuns: 1 })[0]!
      for (let i = 0; i < spans.length; i += 9) await store.append(batchOf(...spans.slice(i, i + 9)))
      await fc.assert(
        fc.asyncProperty(arbitraryCompare, (query) => checkCompare(store, spans, query)),
        { numRuns: 16, seed: 55 },
      )
    })
    await withStore(open, async (store) => {
      if (!store.capabilities.compare) return
      // Of 40 slow ones, 30 are of one version; each has an id of its own, and one a colour.
      const odd = Array.from({ length: 80 }, (_, i) =>
        sent({
          trace: i,
          id: i + 1,
          name: 'pay',
          ms: i < 40 ? 1 : 500,
          attributes: attributes({
            version: i < 70 && i % 40 < 30 && i >= 40 ? '2' : '1',
            'order.id': `${i}`,
            ...(i === 79 && { colour: 'red' }),
          }),
        }),
      )
      await store.append(batchOf(...odd))
      const slow = { op: 'gt', target: { field: 'duration' }, value: 1e8 } as const
      const found = await store.compare({ a: { filter: { op: 'not', arg: slow } }, b: { filter: slow } })
      expect(found).toMatchObject({ a: 40, b: 40, complete: true })
      expect(found.differences.map(({ key, value, a, b }) => ({ key, value, a, b }))).toEqual([
        { key: { attribute: 'version' }, value: '1', a: 40, b: 10 },
        { key: { attribute: 'version' }, value: '2', a: 0, b: 30 },
      ])
      expect(found.differences[0]!.surprise).toBeCloseTo(0.571, 2)
    })
  })

  it('tells which errors there are, the same ones together, in what is new and in what is old', async () => {
    await withStore(open, async (store, directory) => {
      if (!store.capabilities.errorGroups) return
      const spans = fc.sample(arbitraryErrors, { seed: 43, numRuns: 1 })[0]!
      for (let i = 0; i < spans.length; i += 7) await store.append(batchOf(...spans.slice(i, i + 7)))
      const check = (opened: TraceStore, seed: number): Promise<void> =>
        fc.assert(
          fc.asyncProperty(arbitraryErrorGroups, (query) => checkErrorGroups(opened, spans, query)),
          { numRuns: 16, seed },
        )
      await check(store, 53)
      await store.close()
      const again = await open(directory)
      await check(again, 54)
      await again.close()
    })
  })

  it('says where a query is none', async () => {
    await withStore(open, async (store) => {
      if (!store.capabilities.aggregates) return
      await store.append(batchOf(sent({ trace: 1, id: 1, attributes: attributes({ a: 'x' }) })))
      const bad: [object, RegExp][] = [
        [{ of: 'links' }, /of is links/],
        [{ groupBy: [{ field: 'duration' }] }, /groupBy\[0\]\.field is duration; one of service/],
        [{ groupBy: [{ attribute: 'a' }, { attribute: 'a', level: 'all' }] }, /groupBy\[1\]\.level is all/],
        [{ groupBy: [1, 2, 3, 4].map((n) => ({ attribute: `${n}` })) }, /groupBy.*at most 3/],
        [{ percentiles: [0.5, 95] }, /percentiles\[1\] is 95/],
        [{ order: 'name' }, /order is name/],
        [{ limit: 0 }, /limit is 0/],
        [{ buckets: 1001 }, /buckets is 1001/],
        [{ limit: 1000, buckets: 101 }, /limit 1000 times buckets 101 is more than 100000/],
        [{ exemplars: -1 }, /exemplars is -1/],
        [{ from: T0 + 1n, to: T0 }, /before it begins/],
        [{ spans: { op: 'twice' } }, /spans: unknown op twice/],
        [{ filter: { op: 'word', value: '' } }, /filter: needs value/],
      ]
      for (const [query, message] of bad) await refuses(store.aggregate(query), message)
      await refuses(store.heatMap({ timeBins: 0 }), /timeBins is 0/)
      await refuses(store.heatMap({ durationBins: 101 }), /durationBins is 101/)
      await refuses(store.errorGroups({ order: 'max' as never }), /order is max; one of count/)
      await refuses(store.compare({ a: {}, b: { of: 'x' as never } }), /b: of is x/)
      await refuses(store.compare({ a: {} } as never), /b: a set to compare is needed/)
      await refuses(store.compare({ a: {}, b: {}, keys: [{ field: 'start' as never }] }), /keys\[0\]\.field is start/)
      await refuses(store.bottleneck({ limit: 0 }), /limit is 0/)
      await refuses(store.bottleneck({ traces: 0 }), /traces is 0/)
      await refuses(store.flame({ limit: 10_001 }), /limit is 10001/)
      await refuses(store.flame({ traces: 0 }), /traces is 0/)
      await refuses(store.flame({ exemplars: 11 }), /exemplars is 11/)
      await refuses(store.errorGroups({ limit: 1001 }), /limit is 1001/)
      expect((await store.aggregate({ groupBy: [{ attribute: 'a' }] })).groups[0]).toMatchObject({
        key: ['x'],
        exemplars: [{ traceId: traceId(1), spanId: '0000000000000001' }],
      })
    })
  })
}

async function refuses(answer: Promise<unknown>, message: RegExp): Promise<void> {
  await expect(answer).rejects.toMatchObject({
    code: 'bad_query',
    message: expect.stringMatching(message) as string,
  })
}

export async function checkAggregate(
  store: Pick<TraceStore, 'aggregate'>,
  spans: readonly SentSpan[],
  query: AggregateQuery,
): Promise<void> {
  const expected = expectedAggregates(spans, query)
  const { from, to, bucketsFrom, bucketNs, total, groups, rest, complete } = await store.aggregate(query)
  expect(complete).toBe(true)
  expect(alike({ from, to, bucketsFrom, bucketNs, total, groups, rest }, expected)).toEqual(expected)
}

/** The answer with each percentile that is as near as it should be replaced by the exact one. */
function alike(actual: ExpectedAggregates, expected: ExpectedAggregates): unknown {
  const near = (percentiles: readonly number[], exact: readonly number[] | undefined): number[] =>
    percentiles.map((value, i) =>
      exact?.[i] !== undefined && Math.abs(value - exact[i]) <= DURATION_ERROR * exact[i] * (1 + 1e-9)
        ? exact[i]
        : value,
    )
  const align = <T extends Measures>(measures: T, exact: Measures | undefined): T => ({
    ...measures,
    percentilesNs: near(measures.percentilesNs, exact?.percentilesNs),
    ...(measures.buckets && {
      buckets: measures.buckets.map((bucket, i) => ({
        ...bucket,
        percentilesNs: near(bucket.percentilesNs, exact?.buckets?.[i]?.percentilesNs),
      })),
    }),
  })
  return {
    ...actual,
    total: align(actual.total, expected.total),
    groups: actual.groups.map((group, i) => align(group, expected.groups[i])),
    rest: actual.rest && align(actual.rest, expected.rest),
  } satisfies Partial<Aggregates>
}

export async function checkHeatMap(
  store: Pick<TraceStore, 'heatMap'>,
  spans: readonly SentSpan[],
  query: HeatMapQuery,
): Promise<void> {
  const { timeBins: most = 120, durationBins = 24, aligned } = query
  const map = await store.heatMap(query)
  expect(map.complete).toBe(true)
  const { edgesNs } = map
  const bins = edgesNs.length - 1
  expect(bins).toBeLessThanOrEqual(durationBins)
  expect(edgesNs.every((edge, i) => Number.isInteger(edge) && (i === 0 || edge > edgesNs[i - 1]!))).toBe(true)
  const { from, to } = boundsOf(spans, query)
  const times = binsOf(from, to, most, aligned)
  const { first: bucketsFrom, widthNs: bucketNs, count: timeBins } = times
  expect(map).toMatchObject({ from, to, bucketsFrom, bucketNs })
  const counted = countedOf(spans, query)
  const byBin = Map.groupBy(counted, (span) => {
    const duration = exactDuration(span)
    const bin = edgesNs.findLastIndex((edge) => edge <= duration)
    expect(bin >= 0 && bin < bins).toBe(true)
    return timeBin(span, times) * bins + bin
  })
  const expected: Pick<HeatMap, 'counts' | 'errors' | 'exemplars'> = {
    counts: Uint32Array.from({ length: timeBins * bins }, (_, bin) => byBin.get(bin)?.length ?? 0),
    errors: Uint32Array.from(
      { length: timeBins * bins },
      (_, bin) => byBin.get(bin)?.filter(({ span }) => span.status.code === 2).length ?? 0,
    ),
    exemplars: [...byBin].sort(([a], [b]) => a - b).map(([bin, own]) => ({ bin, ...exemplarsOf(own, 1)[0]! })),
  }
  const { counts, errors, exemplars } = map
  expect({ counts, errors, exemplars }).toEqual(expected)
}

export async function checkErrorGroups(
  store: Pick<TraceStore, 'errorGroups'>,
  spans: readonly SentSpan[],
  query: ErrorGroupsQuery,
): Promise<void> {
  const { complete, groups, spans: told, moreGroups, ...end } = await store.errorGroups(query)
  const { from, to, bucketsFrom, bucketNs } = end
  expect(complete).toBe(true)
  expect(new Set(groups.map(({ id }) => id)).size).toBe(groups.length)
  const expected = expectedErrorGroups(spans, query)
  const withIds = expected.groups.map((group, i) => ({ id: groups[i]?.id, ...group }))
  expect({ from, to, bucketsFrom, bucketNs, spans: told, groups, moreGroups }).toEqual({ ...expected, groups: withIds })
}

export async function checkBottleneck(
  store: Pick<TraceStore, 'bottleneck'>,
  spans: readonly SentSpan[],
  query: BottleneckQuery,
): Promise<void> {
  const { from, to, complete, traces, requestNs, services, operations } = await store.bottleneck(query)
  expect(complete).toBe(true)
  expect({ from, to, traces, requestNs, services, operations }).toEqual(expectedBottleneck(spans, query))
}

export async function checkFlame(
  store: Pick<TraceStore, 'flame'>,
  spans: readonly SentSpan[],
  query: FlameQuery,
): Promise<void> {
  const {
    complete,
    spansScanned: _,
    bytesRead: _bytes,
    elapsedMs: _ms,
    bucketNs,
    bucketsFrom,
    ...flame
  } = await store.flame(query)
  expect({ complete, bucketNs, bucketsFrom }).toEqual({ complete: true, bucketNs: 0n, bucketsFrom: flame.from })
  expect(flame).toEqual(expectedFlame(spans, query))
}

export async function checkCompare(
  store: Pick<TraceStore, 'compare'>,
  spans: readonly SentSpan[],
  query: CompareQuery,
): Promise<void> {
  const { a, b, differences, complete } = await store.compare(query)
  const expected = expectedDifferences(spans, query)
  expect({ a, b, complete }).toEqual({ a: expected.a, b: expected.b, complete: true })
  const surprises = expected.differences.map(({ surprise }) => surprise).sort((one, other) => other - one)
  expect(differences).toHaveLength(Math.min(query.limit ?? 50, surprises.length))
  for (const [i, difference] of differences.entries()) {
    expect(difference.surprise).toBeCloseTo(surprises[i]!, 9)
    const { surprise, ...rest } = difference
    expect(expected.differences).toContainEqual({ ...rest, surprise: expect.closeTo(surprise, 9) as number })
  }
}
