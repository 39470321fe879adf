import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbitraryAggregate, arbitraryCounted, arbitraryHeatMap } from '../../../conformance/aggregate-arbitrary.ts'
import { checkAggregate, checkHeatMap } from '../../../conformance/aggregates.ts'
import { checkDependencies } from '../../../conformance/dependencies.ts'
import { arbitraryCalls } from '../../../conformance/dependency-model.ts'
import { MS, sent, T0, type SentSpan, type SpanSpec } from '../../../conformance/spans.ts'
import { StorageError, type AggregateQuery, type Filter } from '../../../contract.ts'
import type { Block } from '../block.ts'
import { blockOf, StillClock } from '../blocks.test.helper.ts'
import { KeptParts } from '../kept-parts.ts'
import { QueryMemory } from '../query-memory.ts'
import { Turn } from '../turn.ts'
import { aggregate } from './aggregate.ts'
import { heatMap } from './heat-map.ts'
import { arbitraryStep, checkAfterEach, Store, withoutSet } from './kept-parts.test.helper.ts'

const field = (name: 'service' | 'name' | 'kind' | 'status') => ({ field: name }) as const
const SHAPES: readonly AggregateQuery[] = [
  { groupBy: [field('service'), field('name')], limit: 1000 },
  { groupBy: [field('status')], buckets: 7, aligned: true, exemplars: 3 },
  { buckets: 3, exemplars: 2, percentiles: [0.9] },
  { of: 'requests', groupBy: [field('service'), field('name')], limit: 1000 },
  { of: 'requests', buckets: 7, aligned: true },
]

const arbitraryFilter: fc.Arbitrary<Filter> = fc.constantFrom<Filter>(
  { op: 'eq', target: { field: 'status' }, value: 'error' },
  { op: 'in', target: { field: 'kind' }, values: ['server', 'consumer'] },
  { op: 'not', arg: { op: 'regex', target: { field: 'name' }, value: '[a-k]$' } },
  { op: 'gte', target: { field: 'duration' }, value: 2_000_000n },
  { op: 'exists', target: { field: 'parentId' } },
  { op: 'exists', target: { attribute: 'a' } },
)

describe('what whole blocks come to', () => {
  it('is the same as a naive count, whatever comes, comes again, goes and is sealed between two questions', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryCounted,
        fc.array(arbitraryStep, { minLength: 3, maxLength: 10 }),
        fc.array(arbitraryAggregate, { minLength: 1, maxLength: 3 }),
        fc.array(arbitraryHeatMap, { minLength: 1, maxLength: 3 }),
        fc.constantFrom<[number, number]>([1 << 22, 1 << 22], [6_000, 1 << 22], [1 << 22, 0], [0, 0]),
        fc.array(arbitraryFilter, { minLength: 2, maxLength: 2 }),
        async (spans, steps, queries, maps, maxBytes, filters) => {
          const store = new Store(...maxBytes)
          await checkAfterEach(store, steps, spans, async () => {
            for (const query of [
              ...SHAPES,
              ...queries.map(withoutSet),
              ...filters.map((filter) => ({ ...SHAPES[0], filter })),
              ...filters.map((filter) => ({ ...SHAPES[3], filter })),
            ])
              await checkAggregate(store, store.spans, query)
            const map = { aligned: true, timeBins: 10 }
            const ofRequests = { ...map, of: 'requests' } as const
            for (const query of [
              map,
              ofRequests,
              ...maps.map(withoutSet),
              ...filters.map((filter) => ({ ...map, filter })),
            ])
              await checkHeatMap(store, store.spans, query)
          })
        },
      ),
      { numRuns: 15, endOnFailure: true },
    )
  }, 240_000)

  it('is the same as a naive count of calls', async () => {
    const ranges = fc
      .tuple(fc.nat(70), fc.nat(70))
      .map(([from, ms]) => [T0 + BigInt(from) * MS, T0 + BigInt(from + ms) * MS])
    await fc.assert(
      fc.asyncProperty(
        arbitraryCalls,
        fc.array(arbitraryStep, { minLength: 3, maxLength: 10 }),
        fc.array(ranges, { minLength: 2, maxLength: 2 }),
        fc.constantFrom(1 << 22, 3_000, 0),
        async (spans, steps, asked, maxBytes) => {
          const store = new Store(maxBytes)
          await checkAfterEach(store, steps, spans, async () => {
            for (const links of [true, false])
              for (const [from, to] of [[0n, 1n << 64n], ...asked])
                await checkDependencies(store, store.spans, from!, to!, links)
          })
        },
      ),
      { numRuns: 30, endOnFailure: true },
    )
  }, 240_000)

  it('has calls that wait for a parent in another block, which is read when somebody asks', async () => {
    const store = new Store()
    const child = { trace: 1, id: 2, parent: 1, service: 'bank', at: 1, ms: 5 }
    store.add(at(child, { ...child, id: 3, parent: 2, service: 'post' }))
    const calls = async (): Promise<string[]> =>
      (await store.dependencies(0n, 1n << 64n)).edges.map((edge) => `${edge.parent} ${edge.child} ${edge.calls}`)
    expect(await calls()).toEqual(['bank post 1'])
    store.add(at(span))
    store.looked()
    expect(await calls()).toEqual(['bank post 1', 'shop bank 1'])
    expect(await calls()).toEqual(['bank post 1', 'shop bank 1'])
    // Both may have a span of its trace.
    expect(store.looked()).toEqual([0, 1])
    store.drop(1)
    expect(await calls()).toEqual(['bank post 1'])
  })

  it('is not kept where very many calls wait', async () => {
    const store = new Store()
    store.add(Array.from({ length: 1_025 }, (_, i) => sent({ trace: i, id: 2, parent: 1 })))
    for (let ask = 0; ask < 2; ask++) {
      expect(await store.dependencies(0n, 1n << 64n)).toEqual({ edges: [], complete: true })
      expect(store.looked()).toEqual([0])
    }
  })

  it('gives back the memory that it took for a block of which a column cannot be read', async () => {
    const memory = new QueryMemory(1 << 22)
    const block = blockOf(at(span))
    const broken: Block = {
      ...block,
      rows: () => Object.defineProperty({ ...block.rows() }, 'spanId', { get: lost }),
    }
    for (const ask of [aggregate, heatMap]) {
      const turn = new Turn(new StillClock(), Infinity, { memory })
      expect((await ask([broken], {}, turn, undefined, new KeptParts(1 << 20))).complete).toBe(false)
      turn.end()
      expect(memory.take(1 << 22)).toBe(true)
      memory.give(1 << 22)
    }
  })

  const at = (...specs: SpanSpec[]): SentSpan[] => specs.map((spec) => sent({ service: 'shop', name: 'call', ...spec }))
  const span = { trace: 1, id: 1 }
  const count = async (store: Store): Promise<number> => (await store.aggregate({})).total.count

  it('is counted once: who asks again looks into blocks that have come meanwhile, and into no others', async () => {
    const store = new Store()
    for (let n = 0; n < 6; n++)
      store.add(at({ trace: n, id: 1, at: 100 * n }, { trace: n, id: 2, at: 100 * n + 50 }), n < 3)
    for (const ask of [
      () => store.aggregate({ groupBy: [field('name')] }),
      () => store.aggregate({ buckets: 4, aligned: true }),
      () => store.heatMap({ timeBins: 4, aligned: true }),
      () => store.dependencies(0n, 1n << 64n),
    ]) {
      await ask()
      expect(store.looked()).toEqual(store.blocks.map((_, i) => i))
      await ask()
      expect(store.looked()).toEqual([])
    }
    // Percentiles, order and limit are asked of what is kept.
    await store.aggregate({ groupBy: [field('name')], percentiles: [0.1], order: 'max', limit: 1 })
    expect(store.looked()).toEqual([])
    store.add(at({ trace: 6, id: 1, at: 600 }, { trace: 6, id: 2, at: 650 }))
    expect((await store.aggregate({ groupBy: [field('name')] })).total.count).toBe(14)
    expect(store.looked()).toEqual([6])
    // The window moves on, and cuts one block; its bins stay what they were.
    const { from } = await store.heatMap({ timeBins: 4, aligned: true })
    store.looked()
    await store.heatMap({ timeBins: 4, aligned: true, from: from + 20_000_000n, to: from + 700_000_000n })
    expect(store.looked()).toEqual([0])
  })

  it('is counted once for each filter of headers, and never for one of attributes', async () => {
    const store = new Store()
    for (let n = 0; n < 3; n++)
      store.add(at({ trace: n, id: 1, at: n }, { trace: n, id: 2, at: n, status: n === 1 ? 2 : 0 }))
    const errors: Filter = { op: 'eq', target: { field: 'status' }, value: 'error' }
    const long: Filter = { op: 'gte', target: { field: 'duration' }, value: 1n }
    for (const filter of [errors, long]) {
      const first = await store.aggregate({ filter })
      store.looked()
      const again = await store.aggregate({ filter })
      expect(again.total).toEqual(first.total)
      expect(store.looked()).toEqual([])
    }
    expect((await store.aggregate({ filter: errors })).total.count).toBe(1)
    const attribute: Filter = { op: 'not', arg: { op: 'exists', target: { attribute: 'a' } } }
    for (let ask = 0; ask < 2; ask++) {
      await store.aggregate({ filter: attribute })
      expect(store.looked()).toEqual([0, 1, 2])
    }
  })

  it('has of a span that is in several blocks what is in none before it, and all of it when that goes', async () => {
    const store = new Store()
    for (const isSealed of [true, false, true]) store.add(at(span, { ...span, id: 2, at: 1 }), isSealed)
    expect(await count(store)).toBe(2)
    store.drop(0)
    expect(await count(store)).toBe(2)
    store.looked()
    store.drop(1)
    expect(await count(store)).toBe(2)
    store.add(at(span))
    expect(await count(store)).toBe(2)
    store.seal(0, 2)
    expect(await count(store)).toBe(2)
    expect(store.looked()).toContain(0)
  })

  it('is the same after a block was away and has come back', async () => {
    const store = new Store()
    store.add(at(span))
    store.add(at(span))
    expect(await count(store)).toBe(1)
    const all = store.blocks
    store.drop(0)
    expect(await count(store)).toBe(1)
    store.blocks = all
    expect(await count(store)).toBe(1)
  })

  it('is not kept of a block that goes on growing', async () => {
    const store = new Store()
    const open = store.add(at(span))
    store.blocks = [{ ...open, growsIn: store }]
    await store.aggregate({})
    expect(store.kept.begin(store.blocks).find(store.blocks[0]!, 'groups  1 ')).toBeUndefined()
    store.blocks = [open]
    await store.aggregate({})
    expect(store.kept.begin(store.blocks).find(open, 'groups  1 ')).toBeDefined()
  })

  it('is not kept of what could not be read, which may be there the next time', async () => {
    const store = new Store()
    const [first, second] = [store.add(at(span, { ...span, id: 2 })), store.add(at(span))]
    let isAway = true
    const broken: Block = { ...first, rows: () => (isAway ? lost() : first.rows()) }
    store.blocks = [broken, second]
    expect((await store.aggregate({})).complete).toBe(false)
    isAway = false
    expect(await count(store)).toBe(2)
  })

  it('is not added to what was asked before a block went', async () => {
    const store = new Store()
    const [first, second] = [store.add(at(span)), store.add(at(span, { ...span, id: 2 }))]
    const view = store.kept.begin([first, second])
    expect(await count(store)).toBe(2)
    expect(view.find(second, 'groups  1 ')).toBeDefined()
    store.drop(0)
    expect(await count(store)).toBe(2)
    expect(view.find(second, 'groups  1 ')).toBeUndefined()
    view.keep(second, 'other', {}, 1, [])
    expect(store.kept.begin(store.blocks).find(second, 'other')).toBeUndefined()
  })
})

function lost(): never {
  throw new StorageError('io', 'the disk is away')
}
