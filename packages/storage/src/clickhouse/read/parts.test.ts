import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { arbitraryErrors } from '../../conformance/aggregate-arbitrary.ts'
import { requestOf } from '../../conformance/spans.ts'
import { QueryMemory } from '../../local/read/query-memory.ts'
import type { BlockParts } from '../../local/read/aggregate/parts.ts'
import { Turn } from '../../local/read/turn.ts'
import { systemClock } from '../../local/runtime.ts'
import { COUNTS } from './aggregates.ts'
import { FetchedBlock } from './fetched-block.ts'

const [spans] = fc.sample(arbitraryErrors, { seed: 3, numRuns: 1 })
const starts = spans!.map(({ span }) => span.startTimeUnixNano).sort((a, b) => (a < b ? -1 : 1))
const range = { from: starts[0]!, to: starts.at(-1)! }
const traces = [...Map.groupBy(spans!, ({ span }) => span.traceId).values()]
const whole = [new FetchedBlock([requestOf(spans!)])]
/** Three traces each. */
const parts: BlockParts = {
  size: traces.length,
  async *each() {
    for (let i = 0; i < traces.length; i += 3) yield [new FetchedBlock([requestOf(traces.slice(i, i + 3).flat())])]
  },
}

function turn(): Turn {
  return new Turn(systemClock, 60_000, { memory: new QueryMemory(128 << 20) })
}

/** Without what says how it was counted. */
function answerOf(answer: Readonly<Record<string, unknown>>): unknown {
  return { ...answer, spansScanned: 0, bytesRead: 0, elapsedMs: 0 }
}

it.each([
  ['aggregate', { ...range, groupBy: [{ field: 'service' }, { attribute: 'a' }], buckets: 5 }],
  ['aggregate', { ...range, of: 'requests', groupBy: [{ field: 'name' }] }],
  ['heatMap', { ...range, timeBins: 7 }],
  ['errorGroups', range],
  ['bottleneck', range],
  ['flame', range],
  [
    'compare',
    {
      a: range,
      b: { ...range, filter: { op: 'eq', target: { field: 'service' }, value: 'x' } },
      keys: [{ field: 'name' }],
    },
  ],
] as const)('counts in parts what it counts in one: %s', async (method, query) => {
  const count = COUNTS[method] as unknown as (
    blocks: unknown,
    query: unknown,
    turn: Turn,
  ) => Promise<Record<string, unknown>>
  const [inOne, inParts] = [await count(whole, query, turn()), await count(parts, query, turn())]
  expect(answerOf(inParts)).toEqual(answerOf(inOne))
  expect(inParts['complete']).toBe(true)
})

it('looks at so many traces and at no further part, and says that there are more', async () => {
  let asked = 0
  const counted: BlockParts = {
    size: traces.length,
    async *each() {
      for await (const part of parts.each('a')) {
        asked++
        yield part
      }
    },
  }
  expect(await COUNTS.flame(counted, { ...range, traces: 2 }, turn())).toMatchObject({ traces: 2, sampled: true })
  expect(asked).toBe(1)
  // That there are more tells only the part after.
  expect(await COUNTS.flame(counted, { ...range, traces: 3 }, turn())).toMatchObject({ traces: 3, sampled: true })
  expect(asked).toBe(3)
  const all = { ...range, traces: traces.length }
  expect(await COUNTS.flame(counted, all, turn())).toMatchObject({ traces: traces.length, sampled: false })
})

it('gives back what a part has taken of memory', async () => {
  const memory = new QueryMemory(1 << 30)
  const own = new Turn(systemClock, 60_000, { memory })
  const part = own.beginPart()
  expect(part.reserve(1 << 29)).toBe(true)
  part.spans = 7
  part.incomplete = true
  own.endPart(part)
  expect([own.spans, own.complete, memory.take(1 << 30)]).toEqual([7, false, true])
  const cancelled = own.beginPart()
  own.cancel()
  expect([cancelled.stopped, own.beginPart().stopped]).toEqual([true, true])
})
