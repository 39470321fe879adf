import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbitraryAggregate, arbitraryCounted, arbitraryHeatMap } from '../../../conformance/aggregate-arbitrary.ts'
import { checkAggregate, checkHeatMap } from '../../../conformance/aggregates.ts'
import { checkDependencies } from '../../../conformance/dependencies.ts'
import { arbitraryCalls } from '../../../conformance/dependency-model.ts'
import { MS, requestOf, sent, T0, type SentSpan, type SpanSpec } from '../../../conformance/spans.ts'
import type { AggregateQuery, HeatMapQuery } from '../../../contract.ts'
import { withCounts } from '../../seal/count-section.ts'
import { encodeSection } from '../../sealed/encode.ts'
import { blockOf, sealedBlockOf } from '../blocks.test.helper.ts'
import { arbitraryStep, checkAfterEach, Store, withoutSet } from './kept-parts.test.helper.ts'
import { readCounts, writeCounts } from './section-counts.ts'
import { UsedTimes } from './used-times.ts'

const field = (name: 'service' | 'name' | 'kind' | 'status') => ({ field: name }) as const
const at = (...specs: SpanSpec[]): SentSpan[] => specs.map((spec) => sent({ service: 'shop', name: 'call', ...spec }))

const GROUPS: readonly AggregateQuery[] = [
  { groupBy: [field('service'), field('name')], limit: 1000 },
  { groupBy: [field('status'), field('kind')] },
  { buckets: 1, percentiles: [0.1, 0.9], exemplars: 0 },
]
const MAPS: readonly HeatMapQuery[] = [
  { aligned: true, timeBins: 10 },
  { aligned: true, timeBins: 40 },
]

describe('what a sealed section knows of its spans', () => {
  it('is the same as a naive count, whatever comes, comes again, goes and is sealed', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryCounted,
        fc.array(arbitraryStep, { minLength: 3, maxLength: 10 }),
        fc.array(arbitraryAggregate, { minLength: 1, maxLength: 2 }),
        fc.array(arbitraryHeatMap, { minLength: 1, maxLength: 2 }),
        async (spans, steps, queries, maps) => {
          // Nothing is kept of what is asked, so that each block is asked what it knows each time.
          const store = new Store(0)
          await checkAfterEach(store, steps, spans, async () => {
            await store.count()
            for (const query of [...GROUPS, ...queries.map(withoutSet)]) await checkAggregate(store, store.spans, query)
            for (const query of [...MAPS, ...maps.map(withoutSet)]) await checkHeatMap(store, store.spans, query)
          })
        },
      ),
      { numRuns: 15, endOnFailure: true },
    )
  }, 240_000)

  it('is the same as a naive count of calls', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryCalls,
        fc.array(arbitraryStep, { minLength: 3, maxLength: 8 }),
        async (spans, steps) => {
          const store = new Store(0)
          await checkAfterEach(store, steps, spans, async () => {
            await store.count()
            for (const links of [true, false]) await checkDependencies(store, store.spans, 0n, 1n << 64n, links)
          })
        },
      ),
      { numRuns: 25, endOnFailure: true },
    )
  }, 240_000)

  /** Three sealed blocks of a second each, with a call in each of ten traces. */
  async function counted(kind = 3): Promise<Store> {
    const store = new Store()
    for (let n = 0; n < 3; n++) {
      const spans = Array.from({ length: 10 }, (_, i) =>
        at(
          { trace: 10 * n + i, id: 1, at: 1_000 * n + 50 * i, ms: 3 },
          { trace: 10 * n + i, id: 2, parent: 1, at: 1_000 * n + 50 * i + 1, service: 'bank', kind, status: i % 3 },
        ),
      )
      store.add(spans.flat(), true)
    }
    await store.count()
    store.looked()
    return store
  }

  it('is told without a look at a row, also when it is asked for the first time', async () => {
    const store = await counted()
    await checkAggregate(store, store.spans, GROUPS[0]!)
    await checkAggregate(store, store.spans, { groupBy: [field('status')] })
    for (const buckets of [1, 3, 20]) await checkAggregate(store, store.spans, { buckets, aligned: true })
    // Each block is in one of them.
    await checkAggregate(store, store.spans, { buckets: 3 })
    await checkHeatMap(store, store.spans, { timeBins: 3, aligned: true })
    await checkHeatMap(store, store.spans, { timeBins: 30, aligned: true })
    await checkDependencies(store, store.spans, 0n, 1n << 64n, true)
    expect(store.looked()).toEqual([])
    // And then it is kept as all else.
    await store.aggregate({ groupBy: [field('status')] })
    expect(store.looked()).toEqual([])
  })

  it.each<[string, (store: Store) => Promise<unknown>]>([
    ['buckets that are not at whole steps', (store) => store.aggregate({ buckets: 7 })],
    ['buckets that are shorter', (store) => store.aggregate({ buckets: 1_000, aligned: true, limit: 1 })],
    ['more exemplars', (store) => store.aggregate({ exemplars: 2 })],
    ['a filter', (store) => store.aggregate({ filter: { op: 'exists', target: { field: 'parentId' } } })],
    ['bins of time that are shorter', (store) => store.heatMap({ timeBins: 1_000, aligned: true })],
    [
      'bins of time that are as long as theirs and begin elsewhere',
      (store) => store.heatMap({ timeBins: 4, from: T0 - 805n * MS, to: T0 + 3_195n * MS - 1n }),
    ],
    ['bins of time that are not at whole steps', (store) => store.heatMap({ timeBins: 7 })],
  ])('does not tell %s', async (_, ask) => {
    const store = await counted()
    await ask(store)
    expect(store.looked()).toEqual([0, 1, 2])
  })

  it('does not tell what consumers link to', async () => {
    const store = await counted(5)
    await store.dependencies(0n, 1n << 64n, { links: false })
    expect(store.looked()).toEqual([])
    await store.dependencies(0n, 1n << 64n, { links: true })
    expect(store.looked()).toEqual([0, 1, 2])
  })

  it('has no span that is in another block, too, and is told where two have traces in common but no spans', async () => {
    const store = new Store()
    store.add(at({ trace: 1, id: 1 }, { trace: 2, id: 1, at: 2 }), true)
    store.add(at({ trace: 1, id: 2, parent: 1, at: 1 }, { trace: 3, id: 1, at: 3 }), true)
    store.add(at({ trace: 2, id: 1, at: 2 }, { trace: 4, id: 1, at: 4 }), true)
    store.add(at({ trace: 4, id: 1, at: 4 }, { trace: 4, id: 2, at: 4 }), false)
    store.add(at({ trace: 4, id: 2, at: 4 }, { trace: 5, id: 2, at: 4 }), true)
    await store.count()
    for (const query of GROUPS) await checkAggregate(store, store.spans, query)
    for (const query of MAPS) await checkHeatMap(store, store.spans, query)
    expect((await store.aggregate({})).total.count).toBe(7)
    store.drop(0)
    expect((await store.aggregate({})).total.count).toBe(6)
  })

  it('counts what is there twice once', async () => {
    const store = new Store()
    store.add(at({ trace: 1, id: 1 }, { trace: 1, id: 1 }, { trace: 1, id: 2 }), true)
    await store.count()
    store.looked()
    expect((await store.aggregate({})).total.count).toBe(2)
    expect(store.looked()).toEqual([])
  })

  const spans = at({ trace: 1, id: 1 }, { trace: 2, id: 1, service: 'bank', status: 2 })

  it('is not believed where its bytes are not what was written, and nothing else is in doubt then', async () => {
    const encoded = await withCounts(encodeSection({ requests: [requestOf(spans)] }), 1)
    const { offset, length } = encoded.meta.counts!
    expect(sealedBlockOf(encoded).counts!()).toBeDefined()
    for (const place of [offset, offset + length - 1]) {
      const block = sealedBlockOf(encoded, (bytes) => (bytes[place]! ^= 1))
      expect(block.counts!()).toBeUndefined()
      const store = new Store()
      store.blocks = [block]
      await checkAggregate(store, spans, GROUPS[0]!)
    }
  })

  it('is of sections that are worth it alone, and does not change what else is in them', async () => {
    const encoded = encodeSection({ requests: [requestOf(spans)] })
    expect(await withCounts(encoded)).toBe(encoded)
    const { meta, parts } = await withCounts(encoded, 2)
    expect(parts.slice(0, -1)).toEqual(encoded.parts)
    expect(meta).toEqual({ ...encoded.meta, length: meta.length, counts: meta.counts })
    expect(meta.length).toBe(parts.reduce((sum, { length }) => sum + length, 0))
  })

  it('is left alone where a later version wrote it', async () => {
    const counts = sealedBlockOf(await withCounts(encodeSection({ requests: [requestOf(spans)] }), 1)).counts!()!
    const bytes = writeCounts(counts)
    expect(writeCounts(readCounts(bytes)!)).toEqual(bytes)
    bytes[0]!++
    expect(readCounts(bytes)).toBeUndefined()
    expect(() => readCounts(bytes.fill(1, 0, 1).subarray(0, 4))).toThrow(RangeError)
  })

  it('is counted by rows where it makes no sense', async () => {
    const block = sealedBlockOf(await withCounts(encodeSection({ requests: [requestOf(spans)] }), 1))
    const counts = block.counts!()!
    for (const wrong of [
      { ...counts, groups: counts.groups.subarray(0, -1) },
      { ...counts, groups: Uint8Array.of(99, 1, 1, 0, 5, 0, 0) },
      { ...counts, cells: counts.cells.subarray(0, -1) },
      { ...counts, times: [] },
    ]) {
      const store = new Store()
      store.blocks = [{ ...block, counts: () => wrong }]
      await checkAggregate(store, spans, GROUPS[0]!)
      await checkHeatMap(store, spans, MAPS[0]!)
    }
  })
})

describe('times that are used', () => {
  const of = (...ns: bigint[]): UsedTimes | undefined => {
    const all = ns.map((start, i) =>
      sent({ trace: i, id: 1, span: { startTimeUnixNano: start, endTimeUnixNano: start } }),
    )
    const rows = blockOf(all).rows()
    const first = ns.reduce((a, b) => (a < b ? a : b))
    return UsedTimes.of(rows, new Uint8Array(ns.length).fill(1), first, 3)
  }
  const S = 1_000n * MS

  it('are few, of the shortest step, however far one is from the others', () => {
    const near = of(T0 + S, T0 + S + MS, T0 + S + 2n * MS)!
    expect([near.stepNs, near.numbers]).toEqual([1e6, [0, 1, 2].map((n) => Number((T0 + S) / MS) + n)])
    const more = of(...[0n, 1n, 2n, 3n].map((n) => T0 + n * MS))!
    expect([more.stepNs, more.count]).toEqual([1e7, 1])
    const far = of(T0 + 7n, T0 + 500n * S, T0 + 501n * S, T0 + 3_600n * S)!
    expect([far.stepNs, far.count]).toEqual([5e9, 3])
    const start = T0 + 501n * S
    expect(far.of(Number(start >> 32n), Number(start & 0xffff_ffffn))).toBe(1)
    expect(BigInt(far.numbers[1]!) * 5n * S).toBe(T0 + 500n * S)
  })

  it('are none where no step is long enough, or they are too far apart to be told exactly', () => {
    expect(of(...[0n, 1n, 2n, 3n].map((n) => T0 + n * 86_400n * S))).toBeUndefined()
    expect(of(0n, T0)).toBeUndefined()
  })
})
