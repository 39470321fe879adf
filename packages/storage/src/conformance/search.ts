import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  collectSearch,
  type Field,
  type Order,
  type SearchQuery,
  type SpanSet,
  type Target,
  type TraceStore,
} from '../contract.ts'
import { arbitraryFilter, arbitrarySpan } from './arbitrary.ts'
import { find, findBy, withStore, type OpenStore } from './harness.ts'
import { matches } from './model.ts'
import { attributes, batchOf, MS, sent, T0, traceId, type SentSpan } from './spans.ts'

/** Traces that last from so many nanoseconds to so many. */
function lasting(min: number, max: number): SpanSet {
  const shorter = { op: 'trace', field: 'duration', compare: 'lte', value: max } as const
  return { op: 'trace', field: 'duration', compare: 'gte', value: min, among: shorter }
}

/** Finding traces: filter, ranges, orders, pages, and what a summary says. */
export function searching(open: OpenStore): void {
  it('summarizes a trace', async () => {
    await withStore(open, async (store) => {
      await store.append(batchOf(sent({ trace: 1, id: 2, parent: 1, service: 'bank', at: 10, ms: 20, status: 2 })))
      await store.append(
        batchOf(
          sent({ trace: 1, id: 1, service: 'shop', name: 'GET /pay', at: 0, ms: 100 }),
          sent({ trace: 1, id: 3, parent: 1, service: 'bank', at: 20, ms: 20 }),
          sent({ trace: 1, id: 4, parent: 1, service: 'mail', at: 90, ms: 50 }),
          sent({ trace: 1, id: 5, parent: 50, service: 'mail', at: 200, ms: 1 }),
        ),
      )
      const page = await collectSearch(
        store.search({ filter: { op: 'eq', target: { field: 'service' }, value: 'bank' } }),
      )
      expect(page.traces).toEqual([
        {
          traceId: traceId(1),
          rootService: 'shop',
          rootName: 'GET /pay',
          start: T0,
          durationNs: 201e6,
          requestStart: T0,
          requestDurationNs: 100e6,
          tailNs: 101e6,
          spans: 5,
          errors: 1,
          orphans: 1,
          services: [
            { name: 'bank', spans: 2, errors: 1, selfTimeNs: 40e6 },
            { name: 'mail', spans: 2, errors: 0, selfTimeNs: 51e6 },
            // 100 ms without 10-40 and 90-100 ms.
            { name: 'shop', spans: 1, errors: 0, selfTimeNs: 60e6 },
          ],
          matched: {
            spans: 2,
            exact: true,
            first: [
              { spanId: '0000000000000002', durationNs: 20e6 },
              { spanId: '0000000000000003', durationNs: 20e6 },
            ],
            longestNs: 20e6,
          },
        },
      ])
      expect(page).toMatchObject({ next: undefined, complete: true })
      expect(page.spansScanned).toBeGreaterThan(0)
    })
  })

  it('names an orphan as root when there is no other, and counts a span that was sent twice once', async () => {
    await withStore(open, async (store) => {
      const orphan = sent({ trace: 1, id: 2, parent: 9, service: 'a', name: 'late', at: 5 })
      const batch = batchOf(sent({ trace: 1, id: 3, parent: 2, service: 'b', at: 1 }), orphan)
      await store.append(batch)
      await store.append(batch)
      const [trace] = (await collectSearch(store.search({}))).traces
      expect(trace).toMatchObject({ rootService: 'a', rootName: 'late', start: T0 + MS, spans: 2, orphans: 1 })
    })
  })

  it('finds by start, both ends included, and by the whole trace’s duration', async () => {
    await withStore(open, async (store) => {
      for (let i = 1; i <= 5; i++) await store.append(batchOf(sent({ trace: i, id: 1, at: 10 * i, ms: i })))
      expect(await find(store, { from: T0 + 20n * MS, to: T0 + 40n * MS })).toEqual([4, 3, 2].map(traceId))
      expect(await find(store, { from: T0 + 20n * MS + 1n, to: T0 + 40n * MS - 1n })).toEqual([traceId(3)])
      expect(await find(store, { spans: lasting(2e6, 4e6) })).toEqual([4, 3, 2].map(traceId))
    })
  })

  it('gives each order, ties by trace id, the same over pages of any size', async () => {
    await withStore(open, async (store) => {
      const spans: SentSpan[] = []
      for (let i = 0; i < 30; i++) {
        // Pairs of equal start, duration, number of spans and of errors; every third trace goes on in a later batch.
        const at = ((i * 7) % 15) * 10
        for (let k = 0; k <= i % 3; k++)
          spans.push(sent({ trace: i, id: k + 1, at: at + k, ms: 1 + (i % 5), status: k < i % 2 ? 2 : 0 }))
      }
      for (let i = 0; i < spans.length; i += 7) await store.append(batchOf(...spans.slice(i, i + 7)))
      const traces = (await collectSearch(store.search({ limit: 1000, order: 'longest_match' }))).traces
      expect(traces).toHaveLength(30)
      const keys: Record<Order, (trace: (typeof traces)[number]) => bigint> = {
        newest: (trace) => -trace.start,
        oldest: (trace) => trace.start,
        longest: (trace) => -BigInt(trace.requestDurationNs),
        shortest: (trace) => BigInt(trace.requestDurationNs),
        longest_tail: (trace) => -BigInt(trace.tailNs),
        longest_match: (trace) => -BigInt(longest[trace.traceId]!),
        most_spans: (trace) => -BigInt(trace.spans),
        most_errors: (trace) => -BigInt(trace.errors),
      }
      const longest = Object.fromEntries(traces.map(({ traceId: id, matched }) => [id, matched!.longestNs]))
      for (const [order, key] of Object.entries(keys)) {
        const expected = [...traces].sort((a, b) =>
          key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.traceId < b.traceId ? -1 : 1,
        )
        for (const limit of [1, 7, 30]) {
          expect(await find(store, { order: order as Order, limit })).toEqual(expected.map((trace) => trace.traceId))
        }
      }
    })
  })

  it('keeps pages stable while newer traces come in', async () => {
    await withStore(open, async (store) => {
      for (let i = 1; i <= 6; i++) await store.append(batchOf(sent({ trace: i, id: 1, at: i })))
      const first = await collectSearch(store.search({ limit: 3 }))
      await store.append(batchOf(sent({ trace: 7, id: 1, at: 7 })))
      const second = await collectSearch(store.search({ limit: 3, cursor: first.next! }))
      expect(second.traces.map((trace) => trace.traceId)).toEqual([3, 2, 1].map(traceId))
      expect(second.next).toBeUndefined()
    })
  })

  it('stops when asked, and says that it did not look everywhere', async () => {
    await withStore(open, async (store) => {
      await store.append(batchOf(sent({ trace: 1, id: 1 })))
      expect(await collectSearch(store.search({ signal: AbortSignal.abort() }))).toMatchObject({ complete: false })
      expect(await collectSearch(store.search({ timeoutMs: 0, order: 'longest' }))).toMatchObject({ complete: false })
      await expect(collectSearch(store.search({ timeoutMs: -1 }))).rejects.toMatchObject({ code: 'bad_query' })
    })
  })

  it('says what is wrong with a query', async () => {
    await withStore(open, async (store) => {
      const bad: [SearchQuery, RegExp][] = [
        [{ limit: 0 }, /limit is 0/],
        [{ limit: 10_001 }, /10000|10,000/],
        [{ order: 'best' as Order }, /order is best/],
        [{ cursor: 'x' }, /cursor/],
        [{ filter: { op: 'regex', target: { field: 'name' }, value: '(' } }, /filter.*regular expression/],
        [
          { filter: { op: 'and', args: [{ op: 'like', target: { field: 'name' }, value: 'x' } as never] } },
          /filter\.args\[0\].*like/,
        ],
        [{ filter: { op: 'eq', target: { field: 'colour' as Field }, value: 'x' } }, /colour/],
        [{ filter: { op: 'eq', target: { field: 'name' }, value: null as never } }, /null/],
      ]
      for (const [query, message] of bad) {
        const error = await collectSearch(store.search(query)).catch((error: unknown) => error)
        expect(error).toMatchObject({
          code: 'bad_query',
          retryable: false,
          message: expect.stringMatching(message) as string,
        })
      }
    })
  })

  it('finds an attribute whatever its type, as the text and as the number that it is', async () => {
    await withStore(open, async (store) => {
      const values = ['200', 200n, 200, true, 'true', 2n ** 60n, Uint8Array.of(1, 2), ' 200']
      for (const [i, value] of values.entries()) {
        const attribute = value instanceof Uint8Array ? ({ type: 'bytes', value } as const) : value
        await store.append(batchOf(sent({ trace: i, id: 1, attributes: attributes({ v: attribute }) })))
      }
      const target: Target = { attribute: 'v' }
      expect(await findBy(store, { op: 'eq', target, value: '200' })).toEqual([0, 1, 2].map(traceId))
      expect(await findBy(store, { op: 'eq', target, value: 200 })).toEqual([0, 1, 2].map(traceId))
      expect(await findBy(store, { op: 'eq', target, value: 'true' })).toEqual([3, 4].map(traceId))
      expect(await findBy(store, { op: 'eq', target, value: true })).toEqual([3, 4].map(traceId))
      expect(await findBy(store, { op: 'eq', target, value: 2n ** 60n })).toEqual([traceId(5)])
      expect(await findBy(store, { op: 'eq', target, value: 'AQI=' })).toEqual([traceId(6)])
      expect(await findBy(store, { op: 'gt', target, value: 199 })).toEqual([0, 1, 2, 5].map(traceId))
    })
  })

  it('finds what the filter means, for any filter, in what is new and in what is old', async () => {
    await withStore(open, async (store, directory) => {
      const spans = fc.sample(arbitrarySpan, { seed: 7, numRuns: 200 })
      await appendUnevenly(store, spans)
      const check = (opened: TraceStore, seed: number): Promise<void> =>
        fc.assert(
          fc.asyncProperty(arbitraryFilter, async (filter) => {
            const expected = new Set(spans.filter((span) => matches(filter, span)).map(({ span }) => span.traceId))
            expect(await findBy(opened, filter)).toEqual([...expected].sort())
          }),
          { numRuns: 80, seed },
        )
      await check(store, 11)
      await store.close()
      const again = await open(directory)
      await check(again, 12)
      await again.close()
    })
  })

  it('finds what the filter means where most blocks can be passed by', async () => {
    await withStore(open, async (store, directory) => {
      // Opened anew for each span, so that an engine with blocks has one a span.
      const spans = fc.sample(arbitrarySpan, { seed: 5, numRuns: 6 })
      await store.close()
      for (const span of spans) {
        const once = await open(directory)
        await once.append(batchOf(span))
        await once.close()
      }
      const again = await open(directory)
      const properties = fc.asyncProperty(arbitraryFilter, async (filter) => {
        const expected = new Set(spans.filter((span) => matches(filter, span)).map(({ span }) => span.traceId))
        expect(await findBy(again, filter)).toEqual([...expected].sort())
      })
      await fc.assert(properties, { numRuns: 120, seed: 3 })
      await again.close()
    })
  })
}

async function appendUnevenly(store: TraceStore, spans: readonly SentSpan[]): Promise<void> {
  for (let i = 0, size = 1; i < spans.length; i += size, size = (size * 3) % 23)
    await store.append(batchOf(...spans.slice(i, i + size)))
}
