import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { arbitrarySet, arbitraryTraces } from '../../conformance/set-arbitrary.ts'
import { expectedTraces } from '../../conformance/set-model.ts'
import { sent, traceId, type SentSpan } from '../../conformance/spans.ts'
import type { TailQuery } from '../../contract.ts'
import { arrivals, MAX_TOLD, type Arrivals, type SegmentBlocks, type TailPosition } from './arrivals.ts'
import { blockOf, sealedOf, StillClock } from './blocks.test.helper.ts'
import { SummaryCache } from './summary-cache.ts'
import { Turn } from './turn.ts'

/** Spans as they come, in segments of two blocks; the last block is the one that grows. */
class Store {
  readonly #segments: SentSpan[][][] = [[[]]]
  #summaries = new SummaryCache()
  readonly #blockSpans: number
  turn = new Turn(new StillClock(), Infinity)

  constructor(blockSpans: number) {
    this.#blockSpans = blockSpans
  }

  add(spans: readonly SentSpan[]): void {
    for (const span of spans) {
      let blocks = this.#segments.at(-1)!
      if (blocks.at(-1)!.length === this.#blockSpans) {
        if (blocks.length === 2) this.#segments.push((blocks = []))
        blocks.push([])
      }
      blocks.at(-1)!.push(span)
    }
  }

  segments(sealed = 0): SegmentBlocks[] {
    return this.#segments.map((blocks, i) => {
      const all = blocks.filter(({ length }) => length > 0)
      if (i < sealed) return { id: i + 1, isInOrder: false, isKnown: true, blocks: [sealedOf(all.flat())] }
      return { id: i + 1, isInOrder: true, isKnown: true, blocks: all.map((spans) => blockOf(spans, 3)) }
    })
  }

  look(query: TailQuery, position: TailPosition | undefined, sealed = 0): Promise<Arrivals> {
    this.turn = new Turn(new StillClock(), Infinity)
    return arrivals(this.segments(sealed), query, position, this.#summaries, this.turn)
  }
}

it(
  'tells after each look of the traces that match and have new spans, and looks at nothing else',
  { timeout: 60_000 },
  async () => {
    const steps = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 2, maxLength: 6 })
    const sets = fc.option(arbitrarySet, { nil: undefined, freq: 8 })
    await fc.assert(
      fc.asyncProperty(
        arbitraryTraces,
        steps,
        sets,
        fc.integer({ min: 1, max: 20 }),
        async (spans, lengths, set, size) => {
          const store = new Store(size)
          const query = { limit: 500, ...(set && { spans: set }) }
          let { position } = await store.look(query, undefined)
          for (let at = 0, n = 0; at < spans.length; n++) {
            const come = spans.slice(at, (at += lengths[n % lengths.length]!))
            store.add(come)
            const found = await store.look(query, position)
            const ids = new Set(come.map(({ span }) => span.traceId))
            const wanted = expectedTraces(spans.slice(0, at), query).map((trace) => trace.traceId)
            expect(found.traces.map((trace) => trace.traceId).sort()).toEqual(wanted.filter((id) => ids.has(id)).sort())
            expect(found).toMatchObject({ spans: come.length, missed: 0, complete: true })
            expect(store.turn.spans).toBe(come.length)
            position = found.position
          }
        },
      ),
      { numRuns: 20, endOnFailure: true },
    )
  },
)

it('counts as missed what was sealed before anybody looked at it', async () => {
  const store = new Store(4)
  store.add([sent({ trace: 1, id: 1 })])
  const { position } = await store.look({}, undefined)
  store.add(Array.from({ length: 12 }, (_, i) => sent({ trace: i + 2, id: 1 })))
  const found = await store.look({}, position, 1)
  // Seven of them are in the first segment, with what was there before.
  expect(found).toMatchObject({ spans: 12, missed: 7 })
  expect(found.traces.map((trace) => trace.traceId)).toEqual([9, 10, 11, 12, 13].map(traceId))
  expect(await store.look({}, found.position, 1)).toMatchObject({ spans: 0, missed: 0, traces: [] })
})

it('tells nothing of a store that is still being opened', async () => {
  const store = new Store(4)
  store.add([sent({ trace: 1, id: 1 })])
  const [segment] = store.segments()
  const turn = new Turn(new StillClock(), Infinity)
  const unknown = [{ ...segment!, isKnown: false }]
  const before = await arrivals(unknown, {}, undefined, new SummaryCache(), turn)
  expect(before.position).toBeUndefined()
  const position = { segment: 1, rows: 0, told: new Uint32Array() }
  const later = await arrivals(unknown, {}, position, new SummaryCache(), turn)
  expect(later).toMatchObject({ position, spans: 0, traces: [] })
})

it('is over when its time is, and the rest is missed', async () => {
  const store = new Store(100)
  const { position } = await store.look({}, undefined)
  store.add(Array.from({ length: 50 }, (_, i) => sent({ trace: i + 1, id: 1 })))
  const clock = new StillClock()
  const turn = new Turn(clock, 10)
  clock.nowMs = 10
  const found = await arrivals(store.segments(), {}, position, new SummaryCache(), turn)
  expect(found).toMatchObject({ spans: 50, missed: 50, traces: [], complete: false })
})

it('keeps the same of a listener, however much he was told', async () => {
  const store = new Store(10_000)
  const query = { limit: 500, filter: { op: 'exists', target: { field: 'service' } } } as const
  const { position } = await store.look(query, undefined)
  store.add(Array.from({ length: 300 }, (_, trace) => sent({ trace, id: 1 })))
  const told = Uint32Array.from({ length: 4 * MAX_TOLD }, (_, i) => i + 1)
  const found = await store.look(query, { ...position!, told })
  expect(found).toMatchObject({ spans: 300, missed: 0 })
  const kept = found.position!.told
  expect(kept).toHaveLength(4 * MAX_TOLD)
  // Those that were told first are forgotten first.
  expect([...kept.subarray(0, 4)]).toEqual([...told.subarray(4 * 300, 4 * 301)])
  expect(Buffer.from(kept.buffer).toString('hex', 16 * (MAX_TOLD - 1))).toBe(traceId(299))
})
