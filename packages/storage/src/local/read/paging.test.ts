import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { arbitraryPaging, othersLike } from '../../conformance/paging.ts'
import { arbitraryTraces } from '../../conformance/set-arbitrary.ts'
import { expectedTraces } from '../../conformance/set-model.ts'
import { attributes, MS, sent, T0, traceId, type SentSpan } from '../../conformance/spans.ts'
import type { SearchPage, SearchQuery } from '../../contract.ts'
import type { Block } from './block.ts'
import { blockOf, priced, sealedOf, searchPage, StillClock } from './blocks.test.helper.ts'
import { decodeCursor } from './cursor.ts'
import { Turn } from './turn.ts'

const MAX_PAGES = 3_000

/** Blocks of the spans, in any order. */
function cut(spans: readonly SentSpan[], sizes: readonly number[]): Block[] {
  const blocks: Block[] = []
  for (let i = 0, n = 0; i < spans.length; i += sizes[n++ % sizes.length]!)
    blocks.push(blockOf(spans.slice(i, i + sizes[n % sizes.length]!), 3))
  return blocks
}

/** Pages to the last one. `blocksAt`: what the store holds when a page is asked for, and the milliseconds that there are for it. */
async function pagesOf(
  query: SearchQuery,
  clock: StillClock,
  blocksAt: (page: number) => readonly [blocks: readonly Block[], timeoutMs: number],
): Promise<SearchPage[]> {
  const pages: SearchPage[] = []
  for (let cursor: string | undefined; pages.length < MAX_PAGES;) {
    const [blocks, timeoutMs] = blocksAt(pages.length)
    const turn = new Turn(clock, timeoutMs)
    const page = await searchPage(blocks, { ...query, ...(cursor !== undefined && { cursor }) }, turn)
    pages.push(page)
    if (page.next !== undefined && page.traces.length === 0) expect(page.complete).toBe(false)
    cursor = page.next
    if (cursor === undefined) return pages
  }
  throw new Error(`no end after ${MAX_PAGES} pages`)
}

const idsOf = (pages: readonly SearchPage[]): string[] =>
  pages.flatMap(({ traces }) => traces.map((trace) => trace.traceId))

const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 })

it('shows what was there from the beginning once, in its order, whatever comes in between two pages', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryTraces,
      sizes,
      arbitraryPaging,
      fc.array(fc.integer({ min: -60, max: 60 }), { maxLength: 4 }),
      async (spans, lengths, query, arrivals) => {
        const blocks = cut(spans, lengths)
        const pages = await pagesOf(query, new StillClock(), (page) => {
          const afterMs = page === 0 ? undefined : arrivals[page - 1]
          if (afterMs !== undefined) blocks.push(...cut(othersLike(spans, page, afterMs), lengths))
          return [[...blocks], Infinity]
        })
        const first = new Set(spans.map(({ span }) => span.traceId))
        const expected = expectedTraces(spans, query).map((trace) => trace.traceId)
        expect(idsOf(pages).filter((id) => first.has(id))).toEqual(expected)
        expect(new Set(idsOf(pages)).size).toBe(idsOf(pages).length)
      },
    ),
    { numRuns: 60, endOnFailure: true },
  )
})

it('shows nothing again for the sake of a trace that came in between and is found where its place has gone by', async () => {
  const blocks = [1, 2, 9, 10].map((trace) =>
    blockOf([sent({ trace, id: 1, ms: trace < 9 ? 5 : trace === 9 ? 1 : 0 })]),
  )
  // By its longest span it would have been on the first page; by the block of the other it comes after all.
  const arrived = [
    blockOf([sent({ trace: 5, id: 1, parent: 99, ms: 1 }), sent({ trace: 5, id: 2, parent: 1, ms: 40 })]),
    blockOf([sent({ trace: 5, id: 3, parent: 1, ms: 0 })]),
  ]
  const pages = await pagesOf({ order: 'longest', limit: 2 }, new StillClock(), (page) => [
    [...blocks, ...(page > 0 ? arrived : [])],
    Infinity,
  ])
  expect(idsOf(pages)).toEqual([1, 2, 9, 5, 10].map(traceId))
})

/** Requests of 80, 60, 50, 30 and 20 ms; what ran on after that of 30 took 100 ms, and one of its spans starts before it. */
const requests = [80, 60, 50, 30, 20].flatMap((ms, trace) => [
  sent({ trace, id: 1, at: 10, ms }),
  ...(ms === 30
    ? [sent({ trace, id: 2, parent: 1, at: 9, ms: 1 }), sent({ trace, id: 3, parent: 1, at: 11, ms: 100 })]
    : []),
])

it('tells the next page what it has met, also where it went over everything', async () => {
  const page = await searchPage(
    [blockOf(requests)],
    { order: 'longest', limit: 2 },
    new Turn(new StillClock(), Infinity),
  )
  expect(idsOf([page])).toEqual([0, 1].map(traceId))
  expect(decodeCursor(page.next!, 'longest').stragglers).toEqual([traceId(2)])
})

it('loses no trace whose block is sealed between two pages', async () => {
  const traces = [...Map.groupBy(requests, ({ span }) => span.traceId).values()]
  const [open, sealed] = [traces.map((spans) => blockOf(spans)), traces.map(sealedOf)]
  for (const limit of [1, 2, 3]) {
    const blocksAt = (page: number) => [page === 0 ? open : sealed, Infinity] as const
    const pages = await pagesOf({ order: 'longest', limit }, new StillClock(), blocksAt)
    expect(idsOf(pages)).toEqual([0, 1, 2, 3, 4].map(traceId))
  }
})

it('orders by the longest also where there is no root, or a server has the id of its client, and starts before it', async () => {
  const spans = [
    sent({ trace: 1, id: 1, kind: 2, at: 0, ms: 10 }),
    sent({ trace: 1, id: 1, kind: 3, at: 1, ms: 50 }),
    sent({ trace: 2, id: 1, kind: 2, at: 0, ms: 30 }),
    sent({ trace: 3, id: 1, parent: 99, at: 0, ms: 40 }),
  ]
  const sealed = sealedOf(spans)
  for (const blocks of [[blockOf(spans)], [sealed], spans.map((span) => blockOf([span]))])
    for (const limit of [1, 20]) {
      const pages = await pagesOf({ order: 'longest', limit }, new StillClock(), () => [blocks, Infinity])
      expect(idsOf(pages)).toEqual([1, 3, 2].map(traceId))
    }
})

/** How many of its cases had a page that was stopped before the last one. */
let stopped = 0
const byStart = fc.asyncProperty(
  arbitraryTraces,
  sizes,
  arbitraryPaging,
  fc.nat(400),
  async (spans, lengths, query, units) => {
    const clock = new StillClock()
    const blocks = cut(spans, lengths).map((block) => priced(block, clock))
    const newest = { ...query, order: 'newest' } as const
    const pages = await pagesOf(newest, clock, (page) => [blocks, page % 3 === 2 ? Infinity : units / 200])
    if (pages.filter(({ complete }) => !complete).length > 1) stopped++
    expect(new Set(idsOf(pages)).size).toBe(idsOf(pages).length)
    const expected = expectedTraces(spans, newest).map((trace) => trace.traceId)
    const found = idsOf(pages)
    expect(found).toEqual(pages.at(-1)!.complete ? expected : expected.slice(0, found.length))
  },
)

it('shows all by their start also where there is not time enough for every page', async () => {
  stopped = 0
  await fc.assert(byStart, { numRuns: 100, endOnFailure: true })
  expect(stopped).toBeGreaterThan(30)
})

it('takes no block behind the range for dealt with, where its rows count', async () => {
  await fc.assert(byStart, { seed: 1705797356, path: '130', numRuns: 1, endOnFailure: true })
})

it('ends, and shows nothing twice, in every order, where no page has time enough', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryTraces, sizes, arbitraryPaging, fc.nat(400), async (spans, lengths, query, units) => {
      const clock = new StillClock()
      const blocks = cut(spans, lengths).map((block) => priced(block, clock))
      const pages = await pagesOf(query, clock, () => [blocks, units / 200])
      expect(new Set(idsOf(pages)).size).toBe(idsOf(pages).length)
      const expected = expectedTraces(spans, query).map((trace) => trace.traceId)
      for (const id of idsOf(pages)) expect(expected).toContain(id)
    }),
    { numRuns: 60, endOnFailure: true },
  )
})

/** Traces that start one after the other long before `late`, where each has a span that matches. */
const LONG = 300
const late = { op: 'eq', target: { attribute: 'late' }, value: 'yes' } as const
const longTraces = [
  ...Array.from({ length: LONG }, (_, i) => sent({ trace: i, id: 1, at: i })),
  ...Array.from({ length: LONG }, (_, i) =>
    sent({ trace: i, id: 2, parent: 1, at: 10_000 + i, attributes: attributes({ late: 'yes' }) }),
  ),
]

it.each([
  ['as a cursor has room for', 60],
  ['than a cursor has room for', LONG],
])('keeps its place where as many traces wait for theirs %s', async (_, count) => {
  const expected = Array.from({ length: count }, (_item, i) => traceId(count - 1 - i))
  const spans = longTraces.filter(({ span }) => expected.includes(span.traceId))
  const blocks = cut(spans, [50])
  for (const from of [undefined, T0 + 10_000n * MS]) {
    for (const arriving of [0, 1, 9]) {
      const pages = await pagesOf(
        { filter: late, limit: 20, ...(from !== undefined && { from }) },
        new StillClock(),
        (page) => {
          const arrived = Array.from({ length: Math.min(page, arriving) }, (_item, i) =>
            othersLike(spans, 1 + i, 20_000),
          )
          return [[...blocks, ...arrived.flatMap((other) => cut(other, [50]))], Infinity]
        },
      )
      expect(pages.every(({ complete }) => complete)).toBe(true)
      expect(idsOf(pages)).toEqual(expected)
    }
  }
})
