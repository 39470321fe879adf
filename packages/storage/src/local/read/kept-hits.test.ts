import { expect, it } from 'vitest'
import { attributes, MS, sent, T0, traceId, type SentSpan } from '../../conformance/spans.ts'
import { StorageError, type Filter, type SearchEvent, type SearchQuery } from '../../contract.ts'
import { blockOf, sealedOf, StillClock } from './blocks.test.helper.ts'
import type { Block } from './block.ts'
import { filterKey } from './filter/filter-key.ts'
import { KeptHits, NO_HITS } from './kept-hits.ts'
import { search } from './search.ts'
import { SummaryCache } from './summary-cache.ts'
import { Turn } from './turn.ts'

const SPANS = 100

/** Spans of a block, a trace and a second each; `n` is 0 to 99 in each. */
function spansOf(block: number): SentSpan[] {
  return Array.from({ length: SPANS }, (_, n) =>
    sent({
      trace: SPANS * block + n,
      id: n + 1,
      at: 1_000 * (SPANS * block + n),
      ms: n + 1,
      attributes: attributes({ n: BigInt(n), word: n % 2 === 0 ? 'even' : 'odd' }),
    }),
  )
}

/** The block, that counts how often its frames are inflated. */
function counted(block: Block): Block & { readonly reads: { count: number } } {
  const reads = { count: 0 }
  const frame: Block['frame'] = (of) => {
    reads.count++
    return block.frame!(of)
  }
  return { ...block, frame, reads }
}

const greater = (n: number): Filter => ({ op: 'gt', target: { attribute: 'n' }, value: n })

async function find(
  blocks: readonly Block[],
  query: SearchQuery,
  hits: KeptHits,
  turn = new Turn(new StillClock(), Infinity),
): Promise<{ ids: string[]; spans: number; complete: boolean }> {
  const ids: string[] = []
  const tell = (event: SearchEvent): void => {
    if (event.type === 'traces') ids.push(...event.traces.map((trace) => trace.traceId))
  }
  const { spansScanned, complete } = await search(blocks, query, turn, new SummaryCache(), tell, hits)
  return { ids, spans: spansScanned, complete }
}

const idsOf = (...traces: number[]): string[] => traces.map((trace) => traceId(trace))

it('looks once into what does not change, whoever asks again, and into what has come', async () => {
  const hits = new KeptHits(1 << 20)
  const blocks = [0, 1].map((each) => counted(blockOf(spansOf(each))))
  const reads = (): number[] => blocks.map(({ reads: { count } }) => count)
  const query = { filter: greater(1_000) }
  expect(await find(blocks, query, hits)).toEqual({ ids: [], spans: 2 * SPANS, complete: true })
  expect(reads()).toEqual([2, 2])
  expect(await find(blocks, query, hits)).toEqual({ ids: [], spans: 0, complete: true })
  blocks.push(counted(blockOf(spansOf(2))))
  expect(await find(blocks, query, hits)).toMatchObject({ spans: SPANS })
  expect(reads()).toEqual([2, 2, 2])
  // Another value is another question.
  const rare = { filter: greater(98), matchesPerTrace: 0 }
  for (const spans of [3 * SPANS, 3]) {
    expect(await find(blocks, rare, hits)).toEqual({ ids: idsOf(299, 199, 99), spans, complete: true })
  }
  expect(reads()).toEqual([4, 4, 4])
  // What has gone has gone.
  expect((await find(blocks.slice(1), rare, hits)).ids).toEqual(idsOf(299, 199))
  expect((await find(blocks, rare, hits)).ids).toEqual(idsOf(299, 199, 99))
})

it('knows the rows of a sealed block as well, few or many', async () => {
  const hits = new KeptHits(1 << 20)
  const sealed = sealedOf(spansOf(0))
  let asked = 0
  const block: Block = { ...sealed, values: (target) => (asked++, sealed.values(target)) }
  for (const [filter, count] of [
    [greater(98), 1],
    [greater(9), 90],
    [{ op: 'eq', target: { attribute: 'word' }, value: 'even' }, 50],
  ] as const) {
    const query = { filter, limit: 100, matchesPerTrace: 0 }
    const first = await find([block], query, hits)
    expect(first.ids).toHaveLength(count)
    const before = asked
    expect(await find([block], query, hits)).toEqual({ ...first, spans: count })
    expect(asked).toBe(before)
  }
})

it('does not take what was found in a part of a block, or for another order, for all of it', async () => {
  const hits = new KeptHits(1 << 20)
  const blocks = [
    blockOf([...spansOf(0), sent({ trace: 400, id: 999, at: 99_500, ms: 300, attributes: attributes({ n: 99n }) })]),
    blockOf([...spansOf(1), sent({ trace: 199, id: 999, at: 199_000, ms: 5_000, attributes: attributes({ n: 99n }) })]),
  ]
  const early = { filter: greater(97), to: T0 + 98_000n * MS }
  for (let i = 0; i < 2; i++) {
    expect((await find(blocks, early, hits)).ids).toEqual(idsOf(98))
    expect((await find(blocks, { filter: greater(97) }, hits)).ids).toEqual(idsOf(199, 198, 400, 99, 98))
    // By the longest span that matches, of which the other orders need not know.
    const longestMatch = { filter: greater(97), order: 'longest_match', limit: 1 } as const
    expect((await find(blocks, longestMatch, hits)).ids).toEqual(idsOf(199))
    expect((await find(blocks, { filter: greater(97), order: 'longest' }, hits)).ids).toHaveLength(5)
  }
})

it('keeps nothing of what could not be read, for which there was no time, or which goes on growing', async () => {
  const hits = new KeptHits(1 << 20)
  const whole = blockOf(spansOf(0))
  let broken = true
  const frame: Block['frame'] = (of) => {
    if (broken) throw new StorageError('io', 'not now')
    return whole.frame!(of)
  }
  const query = { filter: greater(98) }
  const block: Block = { ...whole, frame }
  expect(await find([block], query, hits)).toMatchObject({ ids: [], complete: false })
  broken = false
  expect(await find([block], query, hits)).toMatchObject({ ids: idsOf(99), complete: true })

  // The last of many spans is what is looked for, and time is up before.
  const clock = new StillClock()
  const many = blockOf(
    Array.from({ length: 5_000 }, (_, n) => sent({ trace: n, id: 1, at: n, attributes: attributes({ n: BigInt(n) }) })),
  )
  const slow: Block = {
    ...many,
    frame: (of) => {
      clock.nowMs += 100
      return many.frame!(of)
    },
  }
  const last = { filter: greater(4_998) }
  expect(await find([slow], last, hits, new Turn(clock, 3_000))).toMatchObject({ ids: [], complete: false })
  expect(await find([slow], last, hits)).toMatchObject({ ids: idsOf(4_999), complete: true })

  const growing: Block = { ...whole, growsIn: {} }
  for (let i = 0; i < 2; i++) expect(await find([growing], query, hits)).toMatchObject({ spans: SPANS })
})

it('keeps no more than it may, and forgets first what nobody has asked for longest', () => {
  const max = 20_000
  const kept = new KeptHits(max)
  const blocks = Array.from({ length: 60 }, (_, i) => blockOf([sent({ trace: i, id: 1 })]))
  const some = Uint8Array.from({ length: 8_192 }, (_, row) => (row % 100 === 0 ? 1 : 0))
  const ask = (key: string): number => {
    const hits = kept.begin(key, blocks)!
    const known = blocks.filter((block) => hits.find(block) !== undefined).length
    for (const block of blocks.slice(0, 10)) hits.keep(block, some)
    expect(kept.bytes).toBeLessThanOrEqual(max)
    return known
  }
  for (let i = 0; i < 20; i++) {
    expect(ask(`question ${i}`)).toBe(0)
    expect(ask('the same')).toBe(i === 0 ? 0 : 10)
  }
  expect(ask('question 19')).toBe(10)
  expect(ask('question 2')).toBe(0)
  // Of one question not more than half.
  const large = kept.begin('large', blocks)!
  for (const block of blocks) large.keep(block, some)
  const known = blocks.filter((block) => large.find(block) !== undefined).length
  expect(known).toBeGreaterThan(10)
  expect(known).toBeLessThan(60)
  expect(kept.begin('large', [])!.find(blocks[0]!)).toBeUndefined()
  expect(kept.bytes).toBeLessThanOrEqual(max)
  expect(kept.begin('x'.repeat(3_000), blocks)).toBeUndefined()
  expect(new KeptHits(0).begin('x', blocks)).toBeUndefined()
})

it('gives the rows back that were kept, in their order', () => {
  const kept = new KeptHits(1 << 20)
  const block = blockOf([sent({ trace: 1, id: 1 })])
  for (const [count, every] of [
    [100, 99],
    [100, 3],
    [70_001, 1_000],
    [70_001, 2],
    [9, 8],
  ] as const) {
    const hits = kept.begin(`${count} ${every}`, [block])!
    hits.keep(
      block,
      Uint8Array.from({ length: count }, (_, row) => (row % every === 0 ? 1 : 0)),
    )
    const expected = Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every)
    expect(Array.from(hits.find(block) as Uint32Array)).toEqual(expected)
  }
  const hits = kept.begin('none', [block])!
  expect(hits.find(block)).toBeUndefined()
  hits.keep(block, undefined)
  expect(hits.find(block)).toBe(NO_HITS)
})

it('tells filters apart that JSON does not', () => {
  const of = (value: unknown): string => filterKey({ op: 'eq', target: { attribute: 'a' }, value: value as number })
  const values = [5, 5n, '5', '5n', Number.NaN, Infinity, -Infinity, 'NaN', 0, -0, '-0', '{"bigint":"5"}', true]
  expect(new Set(values.map(of)).size).toBe(values.length)
  expect(of(5)).toBe(of(5))
})
