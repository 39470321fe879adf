import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { arbitrarySearch, arbitraryTraces } from '../../conformance/set-arbitrary.ts'
import { expectedAnswer, searchAll } from '../../conformance/sets.ts'
import type { SentSpan } from '../../conformance/spans.ts'
import type { SearchEvent, SearchQuery } from '../../contract.ts'
import type { Block } from './block.ts'
import { blockOf, sealedOf, StillClock } from './blocks.test.helper.ts'
import { search } from './search.ts'
import { SummaryCache } from './summary-cache.ts'
import { Turn } from './turn.ts'

/** Blocks as a store that can be searched. */
function storeOf(blocks: readonly Block[]) {
  return {
    async *search(query: SearchQuery): AsyncGenerator<SearchEvent> {
      const events: SearchEvent[] = []
      const turn = new Turn(new StillClock(), Infinity)
      const end = await search(blocks, query, turn, new SummaryCache(), (event) => events.push(event))
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
        for (const query of queries) expect(await searchAll(store, query)).toEqual(expectedAnswer(spans, query))
      },
    ),
    { numRuns: 16, endOnFailure: true },
  )
})

it('finds the same where some of the blocks are sealed', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTraces, fc.array(arbitrarySearch, { minLength: 10 }), async (spans, queries) => {
      const third = Math.ceil(spans.length / 3)
      const parts = [0, 1, 2].map((i) => spans.slice(i * third, (i + 1) * third)).filter((part) => part.length > 0)
      const store = storeOf(parts.map((part, i) => (i === 1 ? blockOf(part, 3) : sealedOf(part))))
      for (const query of queries) expect(await searchAll(store, query)).toEqual(expectedAnswer(spans, query))
    }),
    { numRuns: 10, endOnFailure: true },
  )
})
