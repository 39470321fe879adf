import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { sent, T0, traceId, type SpanSpec } from '../../conformance/spans.ts'
import type { TraceSummary } from '../../contract.ts'
import type { Block } from './block.ts'
import { blockOf, StillClock, searchPage } from './blocks.test.helper.ts'
import { QueryMemory } from './query-memory.ts'
import { Summarizer } from './summary.ts'
import { gatherTrace, traceWords } from './trace-parts.ts'
import { Turn } from './turn.ts'

const ID = traceId(1)

function turnOf(maxBytes = 64 << 20): Turn {
  return new Turn(new StillClock(), Infinity, { memory: new QueryMemory(maxBytes) })
}

async function summaryOf(blocks: readonly Block[]): Promise<TraceSummary | undefined> {
  const turn = turnOf()
  return new Summarizer(turn).summarize((await gatherTrace(blocks, traceWords(ID), turn))!)
}

/** By the letter, quadratic, one object a span. */
function naive(all: readonly SpanSpec[]): TraceSummary {
  const spans = all.filter(
    (span, i) => !all.slice(0, i).some((other) => JSON.stringify(other) === JSON.stringify(span)),
  )
  const end = (span: SpanSpec): number => span.at! + span.ms!
  const parentOf = (span: SpanSpec): SpanSpec | undefined => spans.find(({ id }) => id === span.parent)
  const earliest = (some: readonly SpanSpec[]): SpanSpec | undefined =>
    some.reduce<SpanSpec | undefined>(
      (best, span) => (best === undefined || span.at! < best.at! ? span : best),
      undefined,
    )
  const selfMs = (span: SpanSpec): number => {
    let self = 0
    // Times are whole milliseconds: each of them is in a child or is not.
    for (let ms = span.at!; ms < end(span); ms++) {
      const covered = spans.some(
        (child) =>
          child !== span &&
          child.parent !== undefined &&
          parentOf(child) === span &&
          child.at! <= ms &&
          ms < end(child),
      )
      if (!covered) self++
    }
    return self
  }
  const orphans = spans.filter((span) => span.parent !== undefined && !parentOf(span))
  const top = earliest(spans.filter(({ parent }) => parent === undefined)) ?? earliest(orphans) ?? earliest(spans)!
  const first = Math.min(...spans.map(({ at }) => at!))
  return {
    traceId: ID,
    rootService: top.service!,
    rootName: top.name!,
    start: T0 + BigInt(first) * 1_000_000n,
    durationNs: (Math.max(...spans.map(end)) - first) * 1e6,
    requestStart: T0 + BigInt(top.at!) * 1_000_000n,
    requestDurationNs: top.ms! * 1e6,
    tailNs: Math.max(0, Math.max(...spans.map(end)) - end(top)) * 1e6,
    spans: spans.length,
    errors: spans.filter(({ status }) => status === 2).length,
    orphans: orphans.length,
    services: [...new Set(spans.map(({ service }) => service!))].sort().map((name) => {
      const own = spans.filter(({ service }) => service === name)
      return {
        name,
        spans: own.length,
        errors: own.filter(({ status }) => status === 2).length,
        selfTimeNs: own.reduce((sum, span) => sum + selfMs(span), 0) * 1e6,
      }
    }),
  }
}

const spec = fc
  .record({
    id: fc.integer({ min: 1, max: 6 }),
    parent: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    service: fc.constantFrom('a', 'b', 'c'),
    name: fc.constantFrom('x', 'y'),
    at: fc.nat(6),
    ms: fc.nat(4),
    status: fc.constantFrom(0, 2),
  })
  .map(({ parent, ...rest }): SpanSpec => ({ trace: 1, ...rest, ...(parent === undefined ? {} : { parent }) }))

it('is what a naive model says of any trace: equal ids, cycles, own parents, spans sent twice', async () => {
  const parts = fc.array(fc.array(spec, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(parts, async (own) => {
      const blocks = own.map((part) => blockOf([...part.map(sent), sent({ trace: 2, id: 1 })]))
      expect(await summaryOf(blocks)).toEqual(naive(own.flat()))
    }),
    { numRuns: 500, seed: 31 },
  )
})

it('takes many equal ids in steps that grow with their number', async () => {
  const spans = Array.from({ length: 30_000 }, (_, i) => sent({ trace: 1, id: 7, parent: 7, at: i, service: 'a' }))
  const summary = await summaryOf([blockOf(spans, 4096)])
  expect(summary).toMatchObject({ spans: 30_000, orphans: 0, durationNs: 30_000e6 })
})

it('gives up a trace that is too large for the memory of a query, and the search says so', async () => {
  const giant = blockOf(
    Array.from({ length: 5000 }, (_, i) => sent({ trace: 1, id: i + 1, at: i })),
    4096,
  )
  const small = blockOf([sent({ trace: 2, id: 1, at: -1 })])
  for (const [maxBytes, traces] of [
    [64 << 20, [ID, traceId(2)]],
    [100_000, [traceId(2)]],
  ] as const) {
    for (const order of ['newest', 'longest'] as const) {
      const page = await searchPage([small, giant], { order }, turnOf(maxBytes))
      expect(page.traces.map((trace) => trace.traceId)).toEqual(traces)
      expect(page.complete).toBe(traces.length === 2)
    }
  }
})

it('orders as many traces as the memory of a query has room for, and says when there are more', async () => {
  const block = blockOf(
    Array.from({ length: 6000 }, (_, i) => sent({ trace: i, id: 1, at: i })),
    4096,
  )
  for (const order of ['newest', 'oldest'] as const) {
    const memory = new QueryMemory(200_000)
    const turn = new Turn(new StillClock(), Infinity, { memory })
    const page = await searchPage([block], { order, limit: 10 }, turn)
    expect(page.traces).toHaveLength(10)
    expect(page.complete).toBe(false)
    turn.end()
    // All that was taken was given back.
    expect(memory.take(200_000)).toBe(true)
    expect(await searchPage([block], { order, limit: 10 }, turnOf())).toMatchObject({ complete: true })
  }
})
