import { describe, expect, it } from 'vitest'
import { attributes, sent, traceId } from '../../conformance/spans.ts'
import type { Filter } from '../../contract.ts'
import { sampleAttributes } from './attribute-sample.ts'
import type { Block } from './block.ts'
import { blockOf, priced, StillClock, searchPage } from './blocks.test.helper.ts'
import { aggregate } from './aggregate/aggregate.ts'
import { heatMap } from './aggregate/heat-map.ts'
import { dependencies } from './dependencies.ts'
import { KeptParts } from './kept-parts.ts'
import { Summarizer } from './summary.ts'
import { gatherTrace, traceWords } from './trace-parts.ts'
import { TraceStream } from './trace-stream.ts'
import { Turn } from './turn.ts'

/*
 * Time passes with each row, byte and filter that is looked at, and with nothing else: a loop that forgets to breathe is one that
 * spends much between two looks at the clock, on any machine.
 */

const SPANS = 1500
const PARENT_LATE = 1 << 20

/** Blocks whose traces all reach over all of them. */
const SPREAD = Array.from({ length: 12 }, (_, b) =>
  blockOf(
    Array.from({ length: SPANS }, (_, i) =>
      sent({
        trace: i % 300,
        id: b * SPANS + i + 1,
        // Of another block, mostly.
        parent: ((b * 7 + 3) % 12) * SPANS + i + 1,
        service: `s${i % 5}`,
        name: `operation ${i}`,
        at: i % 900,
        attributes: attributes({ 'url.path': `/x/${i}/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` }),
      }),
    ),
  ),
)
/** One trace of very many spans in one block, and their starts the other way round. */
const GIANT = [
  blockOf(
    Array.from({ length: 30_000 }, (_, i) =>
      sent({ trace: 1, id: i + 1, parent: i === 0 ? PARENT_LATE : (i >> 1) + 1, at: 30_000 - i, service: `s${i % 3}` }),
    ),
    4096,
  ),
]
/** All spans of one id. */
const EQUAL = [
  blockOf(Array.from({ length: 30_000 }, (_, i) => sent({ trace: 1, id: 7, parent: 7, at: i, service: `s${i % 3}` }))),
]
const LOST = [...SPREAD, blockOf([sent({ trace: 9999, id: 1, parent: 2, at: 100_000 })])]

const regex = (value: string, target: Extract<Filter, { op: 'regex' }>['target']): Filter => ({
  op: 'regex',
  target,
  value,
})

interface Query {
  readonly name: string
  readonly blocks: readonly Block[]
  run(blocks: readonly Block[], turn: Turn): Promise<unknown>
}

async function summarize(blocks: readonly Block[], turn: Turn): Promise<unknown> {
  const parts = await gatherTrace(blocks, traceWords(traceId(1)), turn)
  return parts && new Summarizer(turn).summarize(parts)
}

const QUERIES: readonly Query[] = [
  { name: 'newest', blocks: SPREAD, run: (blocks, turn) => searchPage(blocks, {}, turn) },
  {
    name: 'newest, none long enough',
    blocks: SPREAD,
    run: (blocks, turn) =>
      searchPage(blocks, { spans: { op: 'trace', field: 'duration', compare: 'gte', value: 1e18 } }, turn),
  },
  { name: 'newest, a large page', blocks: SPREAD, run: (blocks, turn) => searchPage(blocks, { limit: 10_000 }, turn) },
  {
    name: 'newest by attribute',
    blocks: SPREAD,
    run: (blocks, turn) => searchPage(blocks, { filter: regex('/x/.*b{3}$', { attribute: 'url.path' }) }, turn),
  },
  { name: 'oldest', blocks: SPREAD, run: (blocks, turn) => searchPage(blocks, { order: 'oldest' }, turn) },
  {
    name: 'longest by name',
    blocks: SPREAD,
    run: (blocks, turn) =>
      searchPage(blocks, { order: 'longest', filter: regex('[0-9]{2}.*5$', { field: 'name' }) }, turn),
  },
  {
    name: 'a filter of very many conditions',
    blocks: SPREAD,
    run: (blocks, turn) =>
      searchPage(
        blocks,
        {
          filter: {
            op: 'or',
            args: Array.from({ length: 500 }, (_, i) => ({ op: 'lt', target: { field: 'duration' }, value: -i })),
          },
        },
        turn,
      ),
  },
  { name: 'a giant trace, newest', blocks: GIANT, run: (blocks, turn) => searchPage(blocks, {}, turn) },
  {
    name: 'a giant trace, most spans',
    blocks: GIANT,
    run: (blocks, turn) => searchPage(blocks, { order: 'most_spans' }, turn),
  },
  {
    name: 'the summary of a giant trace',
    blocks: GIANT,
    run: (blocks, turn) => summarize(blocks, turn),
  },
  {
    name: 'the summary of equal span ids',
    blocks: EQUAL,
    run: (blocks, turn) => summarize(blocks, turn),
  },
  {
    name: 'dependencies',
    blocks: SPREAD,
    run: (blocks, turn) => dependencies(blocks, { from: 0n, to: 1n << 64n, links: true }, turn),
  },
  {
    name: 'dependencies of a giant trace',
    blocks: GIANT,
    run: (blocks, turn) => dependencies(blocks, { from: 0n, to: 1n << 64n, links: true }, turn),
  },
  {
    name: 'dependencies of equal span ids',
    blocks: EQUAL,
    run: (blocks, turn) => dependencies(blocks, { from: 0n, to: 1n << 64n, links: true }, turn),
  },
  {
    name: 'dependencies of a span whose parent never came',
    blocks: LOST,
    run: (blocks, turn) => dependencies(blocks, { from: LOST.at(-1)!.minStart, to: 1n << 64n, links: true }, turn),
  },
  {
    name: 'percentiles of whole blocks',
    blocks: SPREAD,
    run: (blocks, turn) => aggregate(blocks, { groupBy: [{ field: 'name' }] }, turn, undefined, new KeptParts(1 << 22)),
  },
  {
    name: 'a heat map of a giant trace, of whole blocks',
    blocks: GIANT,
    run: (blocks, turn) => heatMap(blocks, { timeBins: 10 }, turn, undefined, new KeptParts(1 << 22)),
  },
  { name: 'attribute keys', blocks: SPREAD, run: (blocks, turn) => sampleAttributes(blocks, {}, 100, turn) },
  {
    name: 'attribute values',
    blocks: SPREAD,
    run: (blocks, turn) => sampleAttributes(blocks, { key: 'url.path' }, 100, turn),
  },
  {
    name: 'a trace by id',
    blocks: SPREAD,
    run: (blocks, turn) => readAll(new TraceStream(blocks, traceWords(traceId(5))), turn),
  },
  {
    name: 'a giant trace by id',
    blocks: GIANT,
    run: (blocks, turn) => readAll(new TraceStream(blocks, traceWords(traceId(1))), turn),
  },
  {
    name: 'a trace that is not there',
    blocks: SPREAD,
    run: (blocks, turn) => readAll(new TraceStream(blocks, traceWords(traceId(-1))), turn),
  },
]

async function readAll(stream: TraceStream, turn: Turn): Promise<void> {
  while (!(await stream.next(turn)).done);
}

/** Runs a query where everything has its price. `timeoutMs` undefined: without a deadline. */
async function price(query: Query, timeoutMs = Infinity, onTurn?: (turn: Turn, clock: StillClock) => void) {
  const clock = new StillClock()
  const turn = new Turn(clock, timeoutMs)
  if (onTurn) clock.onTurn = () => onTurn(turn, clock)
  const error = await query
    .run(
      query.blocks.map((block) => priced(block, clock)),
      turn,
    )
    .then(() => undefined)
    .catch((error: unknown) => error)
  clock.monotonicMs()
  return { clock, turn, error }
}

const prices = new Map<Query, number>()

/** What the whole query costs, in milliseconds. */
async function wholeOf(query: Query): Promise<number> {
  const known = prices.get(query) ?? (await price(query)).clock.nowMs
  prices.set(query, known)
  return known
}

describe.each(QUERIES)('$name', (query) => {
  it('never works for long without a look at the clock', async () => {
    const { clock, turn, error } = await price(query)
    prices.set(query, clock.nowMs)
    expect(error).toBeUndefined()
    expect(turn.complete).toBe(true)
    expect(clock.longestMs).toBeLessThan(12)
    // Every eight milliseconds others have had their turn.
    expect(clock.turns).toBeGreaterThanOrEqual(Math.floor(clock.nowMs / 24))
  })

  it('keeps its deadline within a tenth, and says so', async () => {
    const whole = await wholeOf(query)
    for (const share of [0.3, 0.6]) {
      const timeoutMs = Math.max(1, share * whole)
      const { clock, turn } = await price(query, timeoutMs)
      if (whole > 40) expect(turn.complete).toBe(false)
      expect(clock.nowMs).toBeLessThan(1.1 * timeoutMs + 12)
    }
  })

  it('ends soon after it was cancelled', async () => {
    const whole = await wholeOf(query)
    if (whole < 40) return
    let cancelledAt = Infinity
    const { clock, turn } = await price(query, undefined, (turn, clock) => {
      if (clock.nowMs < whole / 4 || cancelledAt < Infinity) return
      cancelledAt = clock.nowMs
      turn.cancel()
    })
    expect(cancelledAt).toBeLessThan(whole / 2 + 24)
    expect(turn.complete).toBe(false)
    expect(clock.nowMs - cancelledAt).toBeLessThan(24)
  })
})

it('shows what was found when the time is over', async () => {
  const whole = (await price({ ...QUERIES[0]!, run: (blocks, turn) => searchPage(blocks, { limit: 300 }, turn) })).clock
    .nowMs
  for (const order of ['newest', 'longest'] as const) {
    let found = 0
    await price(
      {
        name: order,
        blocks: SPREAD,
        run: async (blocks, turn) => {
          const page = await searchPage(blocks, { order, limit: 300 }, turn)
          found = page.traces.length
          expect(page.complete).toBe(false)
        },
      },
      whole / 2,
    )
    expect(found).toBeGreaterThan(20)
  }
})
