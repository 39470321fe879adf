import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { arbitrarySearch, arbitraryTraces } from '../../conformance/set-arbitrary.ts'
import { expectedAnswer, searchAll } from '../../conformance/sets.ts'
import { MS, sent, T0, traceId, type SentSpan } from '../../conformance/spans.ts'
import type { SearchEvent, SearchQuery, TraceSummary } from '../../contract.ts'
import type { Block } from './block.ts'
import { blockOf, sealedOf, StillClock } from './blocks.test.helper.ts'
import { KeptHits } from './kept-hits.ts'
import { search } from './search.ts'
import { SummaryCache } from './summary-cache.ts'
import { traceHex } from './trace-parts.ts'
import { Turn } from './turn.ts'

/** Blocks as a store that can be searched. */
function storeOf(blocks: readonly Block[], hits = new KeptHits(1 << 20)) {
  return {
    async *search(query: SearchQuery): AsyncGenerator<SearchEvent> {
      const events: SearchEvent[] = []
      const turn = new Turn(new StillClock(), Infinity)
      const end = await search(blocks, query, turn, new SummaryCache(), (event) => events.push(event), hits)
      yield* events
      yield { type: 'end', ...end }
    },
  }
}

function cut(spans: readonly SentSpan[], sizes: readonly number[]): Block[] {
  const blocks: Block[] = []
  for (let i = 0, n = 0; i < spans.length; i += sizes[n++ % sizes.length]!)
    blocks.push(blockOf(spans.slice(i, i + sizes[n % sizes.length]!), 3))
  return blocks
}

it('finds what any set means, in every order, page by page, however the spans lie in blocks', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(
      arbitraryTraces,
      sizes,
      fc.array(arbitrarySearch, { minLength: 10 }),
      async (spans, lengths, queries) => {
        const store = storeOf(cut(spans, lengths))
        // Asked again, what was found before is known.
        for (const query of [...queries, ...queries])
          expect(await searchAll(store, query)).toEqual(expectedAnswer(spans, query))
      },
    ),
    { numRuns: 16, endOnFailure: true },
  )
})

it('looks at the spans of a large trace once, in whichever order it is asked for, and sees which time it is in', async () => {
  const large = Array.from({ length: 5_000 }, (_, i) =>
    sent({ trace: 1, id: i + 1, ...(i > 0 && { parent: 1 }), at: i, ms: i === 0 ? 9_000 : 1 }),
  )
  let looks = 0
  // Each has a span of another trace that is later.
  const blocks = [0, 1, 2, 3, 4].map((k) => {
    const later = sent({ trace: 2, id: k + 1, ...(k > 0 && { parent: 1 }), at: 6_000 + k, ms: 50 - k })
    const block = blockOf([...large.slice(1_000 * k, 1_000 * (k + 1)), later])
    const isLarge = (id: Uint32Array): boolean => traceHex(id) === traceId(1)
    return { ...block, traceRows: (id: Uint32Array) => ((looks += Number(isLarge(id))), block.traceRows(id)) }
  })
  const summaries = new SummaryCache()
  const find = async (query: SearchQuery, known: SummaryCache): Promise<TraceSummary[]> => {
    const events: SearchEvent[] = []
    const turn = new Turn(new StillClock(), Infinity)
    await search(blocks, { limit: 1, ...query }, turn, known, (event) => events.push(event))
    return events.flatMap((event) => (event.type === 'traces' ? event.traces : []))
  }
  const first = await find({ order: 'longest' }, summaries)
  expect(first).toMatchObject([{ traceId: traceId(1), spans: 5_000 }])
  expect(looks).toBe(5)
  for (const order of ['longest', 'oldest', 'most_spans'] as const)
    expect(await find({ order }, summaries)).toEqual(first)
  expect(await find({ order: 'longest', from: T0, to: T0 + 7_000n * MS }, summaries)).toEqual(first)
  expect(looks).toBe(5)
  // Its first span is not in these times, and in the last one none.
  for (const [from, trace] of [
    [500n, 1],
    [4_990n, 1],
    [5_500n, 2],
  ] as const)
    for (const known of [summaries, new SummaryCache()]) {
      const found = await find({ order: 'longest', from: T0 + from * MS, to: T0 + 7_000n * MS }, known)
      expect(found.map((summary) => summary.traceId)).toEqual([traceId(trace)])
    }
})

it('finds the same where some of the blocks are sealed', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTraces, fc.array(arbitrarySearch, { minLength: 10 }), async (spans, queries) => {
      const third = Math.ceil(spans.length / 3)
      const parts = [0, 1, 2].map((i) => spans.slice(i * third, (i + 1) * third)).filter((part) => part.length > 0)
      const store = storeOf(parts.map((part, i) => (i === 1 ? blockOf(part, 3) : sealedOf(part))))
      for (const query of [...queries, ...queries])
        expect(await searchAll(store, query)).toEqual(expectedAnswer(spans, query))
    }),
    { numRuns: 10, endOnFailure: true },
  )
})
