import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  arbitraryAggregate,
  arbitraryBottleneck,
  arbitraryCompare,
  arbitraryCounted,
  arbitraryErrorGroups,
  arbitraryErrors,
  arbitraryFlame,
  arbitraryHeatMap,
} from '../../../conformance/aggregate-arbitrary.ts'
import {
  checkAggregate,
  checkBottleneck,
  checkCompare,
  checkErrorGroups,
  checkFlame,
  checkHeatMap,
} from '../../../conformance/aggregates.ts'
import { countedOf } from '../../../conformance/aggregate-model.ts'
import { sent, type SentSpan } from '../../../conformance/spans.ts'
import type { AggregateQuery, Aggregates, Filter, PartialAnswer } from '../../../contract.ts'
import type { Block } from '../block.ts'
import { blockOf, sealedOf, StillClock } from '../blocks.test.helper.ts'
import { planOf } from '../plan.ts'
import { QueryMemory } from '../query-memory.ts'
import { Turn } from '../turn.ts'
import { aggregate } from './aggregate.ts'
import { bottleneck } from './bottleneck.ts'
import { compare } from './compare.ts'
import { errorGroups } from './error-groups.ts'
import { flame } from './flame.ts'
import { heatMap } from './heat-map.ts'

function storeOf(blocks: readonly Block[]) {
  const turn = (): Turn => new Turn(new StillClock(), Infinity)
  return {
    aggregate: (query: Parameters<typeof aggregate>[1]) => aggregate(blocks, query, turn()),
    heatMap: (query: Parameters<typeof heatMap>[1]) => heatMap(blocks, query, turn()),
    bottleneck: (query: Parameters<typeof bottleneck>[1]) => bottleneck(blocks, query, turn()),
    flame: (query: Parameters<typeof flame>[1]) => flame(blocks, query, turn()),
    compare: (query: Parameters<typeof compare>[1]) => compare(blocks, query, turn()),
    errorGroups: (query: Parameters<typeof errorGroups>[1]) => errorGroups(blocks, query, turn()),
  }
}

/** The spans in blocks of these sizes, each second one of them sealed. */
function cut(spans: readonly SentSpan[], sizes: readonly number[], sealed: number): Block[] {
  const blocks: Block[] = []
  for (let i = 0, n = 0; i < spans.length; n++) {
    const own = spans.slice(i, (i += sizes[n % sizes.length]!))
    blocks.push(n % 2 < sealed ? sealedOf(own) : blockOf(own, 3))
  }
  return blocks
}

const SIZES = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 })

/** Holds answers against a naive count, however the spans lie in blocks. */
function alike<Query>(
  arbitrarySpans: fc.Arbitrary<SentSpan[]>,
  arbitraryQuery: fc.Arbitrary<Query>,
  check: (store: ReturnType<typeof storeOf>, spans: readonly SentSpan[], query: Query) => Promise<void>,
): Promise<void> {
  const queries = fc.array(arbitraryQuery, { minLength: 6, maxLength: 12 })
  return fc.assert(
    fc.asyncProperty(arbitrarySpans, SIZES, fc.nat(2), queries, async (spans, lengths, sealed, asked) => {
      const store = storeOf(cut(spans, lengths, sealed))
      for (const query of asked) await check(store, spans, query)
    }),
    { numRuns: 8, endOnFailure: true },
  )
}

it('counts what any set finds, however the spans lie in blocks, sealed or not', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryCounted,
      SIZES,
      fc.nat(2),
      fc.array(arbitraryAggregate, { minLength: 6, maxLength: 12 }),
      fc.array(arbitraryHeatMap, { minLength: 3, maxLength: 6 }),
      async (spans, lengths, sealed, queries, maps) => {
        const store = storeOf(cut(spans, lengths, sealed))
        for (const query of queries) await checkAggregate(store, spans, query)
        for (const query of maps) await checkHeatMap(store, spans, query)
      },
    ),
    { numRuns: 12, endOnFailure: true },
  )
})

it('tells of the same errors, however the spans lie in blocks, sealed or not', { timeout: 120_000 }, () =>
  alike(arbitraryErrors, arbitraryErrorGroups, checkErrorGroups),
)

it('tells of the errors that any filter finds that a search takes, be it as deep and as long as can be', async () => {
  const spans = fc.sample(arbitraryErrors, { seed: 61, numRuns: 1 })[0]!.slice(0, 20)
  const isA = { op: 'exists', target: { attribute: 'a' } } as const
  let deep: Filter = isA
  for (let level = 1; level < 64; level++) deep = { op: 'not', arg: deep }
  const long: Filter = { op: 'or', args: Array.from({ length: 998 }, () => isA) }
  const blocks = cut(spans, [7], 1)
  for (const filter of [deep, long]) {
    planOf({ filter }, new Turn(new StillClock(), Infinity))
    await checkErrorGroups(storeOf(blocks), spans, { filter })
  }
  await expect(storeOf(blocks).errorGroups({ filter: { op: 'not', arg: deep } })).rejects.toThrow(/levels/)
})

it('tells where the time went as the page does, however the spans lie in blocks', { timeout: 120_000 }, () =>
  alike(arbitraryCounted, arbitraryBottleneck, checkBottleneck),
)

it('folds the call paths of traces as the page draws them, however the spans lie in blocks', { timeout: 120_000 }, () =>
  alike(arbitraryCounted, arbitraryFlame, checkFlame),
)

it.each([
  ['plain', 0, [{ id: 1 }, { id: 2, parent: 1, at: 1 }]],
  ['sent twice', 0, [{ id: 1 }, { id: 1 }, { id: 2, parent: 1, at: 1 }]],
  [
    'later than what it called, by another clock',
    0,
    [
      { id: 1, at: 3 },
      { id: 2, parent: 1, at: 1 },
    ],
  ],
  [
    'one of two that are as long, and start together',
    1,
    [{ id: 5 }, { id: 3 }, { id: 4 }, { id: 7, parent: 3, at: 1 }],
  ],
  [
    'longer than another that starts with it',
    1,
    [
      { id: 1, ms: 3 },
      { id: 2, ms: 9 },
      { id: 3, ms: 4 },
    ],
  ],
  [
    'a client, which the server shares its id with, and starts before',
    0,
    [
      { id: 1, kind: 3, at: 1 },
      { id: 1, kind: 2, ms: 9 },
    ],
  ],
  [
    'an orphan',
    1,
    [
      { id: 2, parent: 9, at: 1 },
      { id: 3, parent: 9 },
    ],
  ],
  [
    'in a circle',
    1,
    [
      { id: 2, parent: 3, at: 1 },
      { id: 3, parent: 2 },
    ],
  ],
  [
    'of a status that has no name',
    0,
    [
      { id: 1, status: 7 },
      { id: 2, parent: 1, status: 2 },
    ],
  ],
  [
    'over before it began',
    0,
    [
      { id: 1, ms: -4 },
      { id: 2, ms: -5 },
      { id: 3, parent: 1, at: 1 },
    ],
  ],
] satisfies [string, number, Omit<Parameters<typeof sent>[0], 'trace'>[]][])(
  'takes the right span for the request: %s',
  async (_name, request, own) => {
    const spans = [1, 2].flatMap((trace) => own.map((spec, i) => sent({ ms: 5, name: `n${i}`, ...spec, trace })))
    // Whoever asks for two sets has all spans of a trace looked at.
    const all = { op: 'spans' } as const
    const byAll = { op: 'and', args: [all, all] } as const
    for (const sealed of [0, 1]) {
      const store = storeOf(cut(spans, [spans.length], sealed))
      const asked = async (query: AggregateQuery): Promise<unknown> => {
        const { elapsedMs: _, spansScanned: __, ...answer } = await store.aggregate({ of: 'requests', ...query })
        return answer
      }
      for (const field of ['name', 'kind', 'status'] as const) {
        const query = { groupBy: [{ field }], exemplars: 2 }
        expect(await asked(query)).toEqual(await asked({ ...query, spans: byAll }))
      }
      const [quick, slow] = [
        await store.heatMap({ of: 'requests' }),
        await store.heatMap({ of: 'requests', spans: byAll }),
      ]
      expect(quick).toEqual({ ...slow, spansScanned: quick.spansScanned })
      const names = await store.aggregate({ of: 'requests', groupBy: [{ field: 'name' }] })
      expect(names.groups.map(({ key, count }) => [key, count])).toEqual([[[`n${request}`], 2]])
    }
  },
)

/** Time passes whenever somebody looks at the clock. */
class Passing extends StillClock {
  override monotonicMs(): number {
    this.nowMs += 100
    return super.monotonicMs()
  }
}

it('tells what there is so far while it goes on, and at last the same as who does not listen', async () => {
  const spans = fc.sample(arbitraryCounted, { seed: 62, numRuns: 1 })[0]!
  const blocks = cut(spans, [1], 1)
  const listened = async <T extends object>(
    ask: (turn: Turn, tell?: (partial: PartialAnswer<T>) => void) => Promise<T>,
  ): Promise<PartialAnswer<T>[]> => {
    const told: PartialAnswer<T>[] = []
    const withoutCost = (answer: T) => ({ ...answer, elapsedMs: 0, spansScanned: 0 })
    const answer = await ask(new Turn(new Passing(), Infinity), (partial) => told.push(structuredClone(partial)))
    expect(withoutCost(answer)).toEqual(withoutCost(await ask(new Turn(new StillClock(), Infinity))))
    expect(told.length).toBeGreaterThan(2)
    for (const [i, { partsDone, partsTotal, answer: partial }] of told.entries()) {
      expect(partsDone).toBeGreaterThan(told[i - 1]?.partsDone ?? 0)
      expect(partsDone).toBeLessThanOrEqual(partsTotal)
      expect(partial).toMatchObject({ complete: false })
      expect(Object.keys(partial).sort()).toEqual(Object.keys(answer).sort())
    }
    return told
  }
  const counted = await listened<Aggregates>((turn, tell) =>
    aggregate(blocks, { groupBy: [{ field: 'name' }] }, turn, tell),
  )
  for (const { partsDone, partsTotal, answer } of counted) {
    expect(partsTotal).toBe(blocks.length)
    const known = countedOf(spans.slice(0, partsDone), {})
    expect(answer.total.count).toBe(known.length)
    expect(answer.groups.reduce((sum, { count }) => sum + count, 0)).toBe(known.length)
  }
  await listened((turn, tell) => heatMap(blocks, { of: 'requests' }, turn, tell))
  await listened((turn, tell) => bottleneck(blocks, {}, turn, tell))
  await listened((turn, tell) => flame(blocks, {}, turn, tell))
  await listened((turn, tell) => errorGroups(blocks, {}, turn, tell))
  await listened((turn, tell) => compare(blocks, { a: {}, b: { of: 'requests' }, rest: true }, turn, tell))
})

it('takes no more memory the oftener it tells', async () => {
  const blocks = cut(fc.sample(arbitraryCounted, { seed: 63, numRuns: 1 })[0]!, [1], 0)
  const query = { groupBy: [{ field: 'name' }], limit: 1, buckets: 7 } as const
  const used = async (clock: StillClock, tell?: () => void): Promise<number> => {
    const memory = new QueryMemory(1 << 20)
    const turn = new Turn(clock, Infinity, { memory })
    await aggregate(blocks, query, turn, tell)
    let left = 0
    while (memory.take(64)) left++
    return left
  }
  expect(await used(new Passing(), () => {})).toBe(await used(new StillClock()))
})

it('folds all that is too deep, or too much, into what is above it', async () => {
  const deep = Array.from({ length: 200 }, (_, i) =>
    sent({ trace: 1, id: i + 1, ms: 1_000 - i, name: `${i}`, ...(i > 0 && { parent: i }) }),
  )
  const { frames, others, complete } = await storeOf([blockOf(deep)]).flame({})
  expect({ frames: frames.length, others, complete }).toEqual({ frames: 128, others: undefined, complete: true })
  expect(frames.at(-1)!.others).toMatchObject({ frames: 1, calls: 72, totalNs: (1_000 - 128) * 1e6 })
  const memory = new QueryMemory(400_000)
  const wide = Array.from({ length: 2_000 }, (_, i) => sent({ trace: i, id: 1, name: `${i}` }))
  const cutOff = await flame([blockOf(wide)], {}, new Turn(new StillClock(), Infinity, { memory }))
  expect(cutOff.complete).toBe(false)
  expect(cutOff.frames.length).toBeGreaterThan(10)
  expect(cutOff.frames.length + cutOff.others!.calls).toBe(cutOff.traces)
})

it('looks into as few blocks as have so many traces', async () => {
  const looked = new Set<number>()
  const blocks = Array.from({ length: 30 }, (_, n) => {
    const block = blockOf(Array.from({ length: 10 }, (_each, i) => sent({ trace: 10 * n + i, id: 1, at: n })))
    const rows = (): ReturnType<Block['rows']> => {
      looked.add(n)
      return block.rows()
    }
    return { ...block, rows }
  })
  expect(await storeOf(blocks).flame({ traces: 15 })).toMatchObject({ traces: 15, sampled: true })
  // Filters of trace ids may be wrong now and then.
  expect(looked.size).toBeLessThan(6)
  expect([...looked].slice(0, 2)).toEqual([29, 28])
  // Nor is a trace told that still waits for its other half.
  const halves = [1, 2].map((id) => blockOf(Array.from({ length: 10 }, (_, trace) => sent({ trace, id, at: id }))))
  const one = await storeOf(halves).flame({ traces: 1 })
  expect(one.frames.map(({ calls }) => calls)).toEqual([1, 1])
  expect(one).toMatchObject({ traces: 1, sampled: true })
})

it('tells what is different, however the spans lie in blocks, sealed or not', { timeout: 120_000 }, () =>
  alike(arbitraryCounted, arbitraryCompare, checkCompare),
)

it('names the same of a client and a server with one id and one duration, in whatever order they come', async () => {
  const client = sent({ trace: 1, id: 1, service: 'shop', kind: 3, status: 2 })
  const server = sent({ trace: 1, id: 1, service: 'bank', kind: 2 })
  for (const spans of [
    [client, server],
    [server, client],
  ])
    for (const blocks of [[blockOf(spans)], [sealedOf(spans)], spans.map((span) => blockOf([span]))]) {
      const store = storeOf(blocks)
      expect((await store.aggregate({})).total.exemplars).toMatchObject([{ error: true }])
      expect((await store.heatMap({})).exemplars).toMatchObject([{ error: true }])
    }
})
