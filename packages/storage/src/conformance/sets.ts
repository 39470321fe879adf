import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { collectSearch, type SearchQuery, type TraceStore, type TraceSummary } from '../contract.ts'
import { arbitraryTraces, arbitrarySearch } from './set-arbitrary.ts'
import { expectedTraces } from './set-model.ts'
import { withStore, type OpenStore } from './harness.ts'
import { batchOf, MS, sent, T0, traceId, type SentSpan } from './spans.ts'

/** Sets of spans: what a search means by them, in every order, page after page. */
export function sets(open: OpenStore): void {
  it('finds what any set means, in every order, page by page, in what is new and in what is old', async () => {
    await withStore(open, async (store, directory) => {
      const spans = fc.sample(arbitraryTraces, { seed: 21, numRuns: 1 })[0]!
      const sizes = [1, 3, 9, 2, 17]
      for (let i = 0, n = 0; i < spans.length; i += sizes[n++ % sizes.length]!)
        await store.append(batchOf(...spans.slice(i, i + sizes[n % sizes.length]!)))
      const check = (opened: TraceStore, seed: number): Promise<void> =>
        fc.assert(
          fc.asyncProperty(arbitrarySearch, async (query) => {
            expect(await searchAll(opened, query)).toEqual(expectedAnswer(spans, query))
          }),
          { numRuns: 60, seed },
        )
      await check(store, 31)
      await store.close()
      const again = await open(directory)
      await check(again, 32)
      await again.close()
    })
  })

  it('names the first spans that matched, and where a word was found', async () => {
    await withStore(open, async (store) => {
      await store.append(
        batchOf(
          sent({ trace: 1, id: 1, service: 'shop', name: 'GET /pay', at: 0, ms: 9 }),
          sent({ trace: 1, id: 2, parent: 1, service: 'bank', at: 3, ms: 2, attributes: [text('order.id', 'A-1')] }),
          sent({ trace: 1, id: 3, parent: 1, service: 'bank', at: 1, ms: 5, resource: [text('run', 'A-1')] }),
          sent({ trace: 1, id: 4, parent: 1, service: 'bank', at: 2, ms: 1, attributes: [text('order.id', 'A-12')] }),
        ),
      )
      const matched = async (query: SearchQuery): Promise<TraceSummary['matched']> =>
        (await collectSearch(store.search(query))).traces[0]?.matched
      expect(await matched({ filter: { op: 'word', value: 'A-1' } })).toEqual({
        spans: 2,
        exact: true,
        longestNs: 5e6,
        first: [
          { spanId: '0000000000000003', durationNs: 5e6, key: 'run' },
          { spanId: '0000000000000002', durationNs: 2e6, key: 'order.id' },
        ],
      })
      for (const [word, key] of [
        ['PAY', 'name'],
        ['Shop', 'service'],
        ['0000000000000001', 'spanId'],
      ] as const)
        expect((await matched({ filter: { op: 'word', value: word } }))?.first.map((span) => span.key)).toEqual([key])
      expect((await matched({ filter: { op: 'word', value: traceId(1) } }))?.first[0]?.key).toBe('traceId')
      expect(await matched({ filter: { op: 'word', value: 'a-1' } })).toBeUndefined()
      const bank = { op: 'eq', target: { field: 'service' }, value: 'bank' } as const
      expect(await matched({ filter: bank, matchesPerTrace: 1 })).toMatchObject({
        spans: 3,
        first: [{ spanId: '0000000000000003' }],
      })
      expect(await matched({ filter: bank, matchesPerTrace: 0 })).toBeUndefined()
      expect(await matched({})).toBeUndefined()
    })
  })

  it('counts all that match when it is asked for totals, and says whether it could', async () => {
    await withStore(open, async (store) => {
      for (let i = 0; i < 9; i++)
        await store.append(
          batchOf(sent({ trace: i, id: 1, at: i }), sent({ trace: i, id: 2, parent: 1, at: i, ms: i })),
        )
      const total = async (query: SearchQuery): Promise<object> => (await collectSearch(store.search(query))).total
      if (store.capabilities.totals === 'exact') {
        expect(await total({ limit: 2, totals: true })).toEqual({ traces: 9, exact: true })
        const slow = { op: 'spans', filter: { op: 'gte', target: { field: 'duration' }, value: 4e6 } } as const
        for (const spans of [slow, { op: 'related', relation: 'child', left: { op: 'spans' }, right: slow } as const])
          expect(await total({ spans, limit: 2, totals: true })).toEqual({ traces: 5, exact: true })
      }
      expect(await total({ limit: 50 })).toEqual({ traces: 9, exact: true })
      expect(await total({ limit: 2 })).toMatchObject({ exact: false })
      expect(await total({ limit: 2, from: T0 + 8n * MS })).toEqual({ traces: 1, exact: true })
    })
  })

  it('says where a set is none', async () => {
    await withStore(open, async (store) => {
      const bad: [unknown, RegExp][] = [
        [{ op: 'twice' }, /spans: unknown op twice/],
        [{ op: 'and', args: [] }, /spans: needs args/],
        [{ op: 'without', arg: { op: 'or', args: [{ op: 'nor' }] } }, /spans\.arg\.args\[0\]: unknown op nor/],
        [{ op: 'related', relation: 'cousin', left: { op: 'spans' }, right: { op: 'spans' } }, /relation.*cousin/],
        [{ op: 'having', arg: { op: 'spans' }, aggregate: 'median', compare: 'gt', value: 1 }, /aggregate.*median/],
        [{ op: 'having', arg: { op: 'spans' }, aggregate: 'count', compare: 'gt', value: '1' }, /number/],
        [
          { op: 'having', arg: { op: 'spans' }, aggregate: 'max', of: { field: 'name' }, compare: 'gt', value: 1 },
          /not a number/,
        ],
        [{ op: 'trace', field: 'colour', compare: 'eq', value: 1 }, /field is colour/],
        [{ op: 'trace', field: 'rootName', compare: 'eq', value: 1 }, /string/],
        [{ op: 'spans', filter: { op: 'word', value: '' } }, /spans\.filter: needs value/],
      ]
      for (const [spans, message] of bad) {
        await expect(collectSearch(store.search({ spans: spans as never }))).rejects.toMatchObject({
          code: 'bad_query',
          message: expect.stringMatching(message) as string,
        })
      }
      const both = { spans: { op: 'spans' }, filter: { op: 'word', value: 'x' } } as const
      await expect(collectSearch(store.search(both))).rejects.toMatchObject({ code: 'bad_query' })
    })
  })
}

function text(key: string, value: string) {
  return { key, value: { type: 'string', value } } as const
}

/** What of an answer is compared: order, number and first of the spans that matched. */
interface Found {
  readonly traceId: string
  /** Undefined where every span is one. */
  readonly spans: number | undefined
  readonly first: readonly string[] | undefined
}

export function expectedAnswer(spans: readonly SentSpan[], query: SearchQuery): Found[] {
  const isAll = query.spans?.op === 'spans' && !query.spans.filter && query.order !== 'longest_match'
  return expectedTraces(spans, query).map(({ traceId: id, members }) => ({
    traceId: id,
    spans: isAll ? undefined : members.length,
    first: isAll ? undefined : members.slice(0, 3).map(({ span }) => span.spanId),
  }))
}

/** Page after page. */
export async function searchAll(store: Pick<TraceStore, 'search'>, query: SearchQuery): Promise<Found[]> {
  const all: Found[] = []
  let cursor: string | undefined
  do {
    const page = await collectSearch(store.search({ ...query, ...(cursor !== undefined && { cursor }) }))
    for (const { traceId: id, matched } of page.traces)
      all.push({ traceId: id, spans: matched?.spans, first: matched?.first.map(({ spanId }) => spanId) })
    cursor = page.next
  } while (cursor !== undefined)
  return all
}
