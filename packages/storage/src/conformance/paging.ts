import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { collectSearch } from '../contract.ts'
import { withStore, type OpenStore } from './harness.ts'
import { arbitrarySearch, arbitraryTraces } from './set-arbitrary.ts'
import { expectedTraces } from './set-model.ts'
import { batchOf, hexId, MS, type SentSpan } from './spans.ts'

/** The same traces once more, under ids of their own, so many milliseconds later. */
export function othersLike(spans: readonly SentSpan[], number: number, afterMs: number): SentSpan[] {
  const after = BigInt(afterMs) * MS
  return spans.map(({ span, ...rest }) => ({
    ...rest,
    span: {
      ...span,
      traceId: hexId(BigInt(`0x${span.traceId}`) + BigInt(number * 1_000), 32),
      startTimeUnixNano: span.startTimeUnixNano + after,
      endTimeUnixNano: span.endTimeUnixNano + after,
    },
  }))
}

/** A search of {@link arbitraryTraces} with few traces on a page. */
export const arbitraryPaging = arbitrarySearch.map((query) => ({ ...query, limit: Math.min(query.limit ?? 1, 3) }))

/** Page after page, while the store is written to. */
export function paging(open: OpenStore): void {
  it('shows what was there from the beginning once, in its order, whatever comes in between two pages', async () => {
    const arrivals = fc.array(fc.integer({ min: -60, max: 60 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(
        arbitraryTraces,
        fc.array(arbitraryPaging, { minLength: 4, maxLength: 4 }),
        arrivals,
        (spans, queries, later) =>
          withStore(open, async (store) => {
            for (let i = 0; i < spans.length; i += 7) await store.append(batchOf(...spans.slice(i, i + 7)))
            const first = new Set(spans.map(({ span }) => span.traceId))
            let number = 0
            for (const query of queries) {
              const ids: string[] = []
              let cursor: string | undefined
              do {
                const page = await collectSearch(store.search({ ...query, ...(cursor !== undefined && { cursor }) }))
                expect(page.complete).toBe(true)
                ids.push(...page.traces.map((trace) => trace.traceId))
                cursor = page.next
                if (cursor !== undefined) expect(page.traces.length).toBeGreaterThan(0)
                if (number < later.length) await store.append(batchOf(...othersLike(spans, number + 1, later[number]!)))
                number++
              } while (cursor !== undefined)
              expect(new Set(ids).size).toBe(ids.length)
              expect(ids.filter((id) => first.has(id))).toEqual(
                expectedTraces(spans, query).map((trace) => trace.traceId),
              )
            }
          }),
      ),
      { numRuns: 3, endOnFailure: true },
    )
  })
}
