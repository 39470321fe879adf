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

/** What the definition of a trace says (packages/trace/src/shape.ts), by the letter: quadratic, one object a span. */
function naive(all: readonly SpanSpec[]): TraceSummary {
  const header = ({ at = 0, ms = 0, id, parent = 0, kind = 1, status = 0, service = '', name = '' }: SpanSpec) =>
    [at, -ms, id, parent, kind, status, service, name] as const
  const before = (a: SpanSpec, b: SpanSpec): number => {
    const [left, right] = [header(a), header(b)]
    const at = left.findIndex((value, i) => value !== right[i])
    return at < 0 ? 0 : left[at]! < right[at]! ? -1 : 1
  }
  const spans = all.filter((span, i) => !all.slice(0, i).some((other) => before(other, span) === 0)).sort(before)
  const end = (span: SpanSpec): number => span.at! + Math.max(0, span.ms!)
  const parents = new Map<SpanSpec, SpanSpec | undefined>()
  const orphans: SpanSpec[] = []
  for (const span of spans) {
    const twins = spans.filter(({ id }) => id === span.id)
    const client = span.kind === 2 && twins.length > 1 ? twins.find(({ kind }) => kind === 3) : undefined
    const named = spans.filter(({ id }) => id === span.parent)
    const others = named.filter((other) => other !== span)
    const parent =
      client ??
      (others.length === 0
        ? undefined
        : named.length === 1
          ? named[0]
          : (others.find(({ service }) => service === span.service) ??
            others.find(({ kind }) => kind === 2) ??
            others[0]))
    parents.set(span, parent)
    if (!client && span.parent !== undefined && named.length === 0) orphans.push(span)
  }
  const cut = new Set<SpanSpec>(spans.filter((span) => span.id === span.parent && !parents.get(span)))
  for (const span of spans) {
    const way: SpanSpec[] = []
    for (let at: SpanSpec | undefined = span; at && !way.includes(at); at = parents.get(at)) way.push(at)
    const above = parents.get(way.at(-1)!)
    // The way led back to where it had been: the earliest of that round is cut off.
    if (!above) continue
    const earliest = way.slice(way.indexOf(above)).sort(before)[0]!
    parents.set(earliest, undefined)
    cut.add(earliest)
  }
  const tops = spans.filter((span) => !parents.get(span) && !orphans.includes(span))
  const top = tops.find((span) => !cut.has(span)) ?? tops[0] ?? orphans[0]!
  const selfMs = (span: SpanSpec): number => {
    let self = 0
    // Times are whole milliseconds: each of them is in a child or is not.
    for (let ms = span.at!; ms < end(span); ms++)
      if (!spans.some((child) => parents.get(child) === span && child.at! <= ms && ms < end(child))) self++
    return self
  }
  const first = Math.min(...spans.map(({ at }) => at!))
  const last = Math.max(...spans.map(end))
  return {
    traceId: ID,
    rootService: top.service!,
    rootName: top.name!,
    start: T0 + BigInt(first) * 1_000_000n,
    durationNs: (last - first) * 1e6,
    requestStart: T0 + BigInt(top.at!) * 1_000_000n,
    requestDurationNs: Math.max(0, top.ms!) * 1e6,
    tailNs: Math.max(0, last - end(top)) * 1e6,
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
    // Clocks are set back now and then.
    ms: fc.integer({ min: -2, max: 4 }),
    kind: fc.constantFrom(1, 2, 3),
    status: fc.constantFrom(0, 2),
  })
  .map(({ parent, ...rest }): SpanSpec => ({ trace: 1, ...rest, ...(parent === undefined ? {} : { parent }) }))

it('is what a naive model says of any trace: equal ids, shared ids, cycles, own parents, clocks set back, spans sent twice', async () => {
  const parts = fc.array(fc.array(spec, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(parts, async (own) => {
      const blocks = own.map((part) => blockOf([...part.map(sent), sent({ trace: 2, id: 1 })]))
      expect(await summaryOf(blocks)).toEqual(naive(own.flat()))
    }),
    { numRuns: 200, seed: 31 },
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
