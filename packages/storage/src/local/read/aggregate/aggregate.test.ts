import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  arbitraryAggregate,
  arbitraryBottleneck,
  arbitraryCompare,
  arbitraryCounted,
  arbitraryErrorGroups,
  arbitraryErrors,
  arbitraryHeatMap,
} from '../../../conformance/aggregate-arbitrary.ts'
import {
  checkAggregate,
  checkBottleneck,
  checkCompare,
  checkErrorGroups,
  checkHeatMap,
} from '../../../conformance/aggregates.ts'
import type { SentSpan } from '../../../conformance/spans.ts'
import type { Filter } from '../../../contract.ts'
import type { Block } from '../block.ts'
import { blockOf, sealedOf, StillClock } from '../blocks.test.helper.ts'
import { planOf } from '../plan.ts'
import { Turn } from '../turn.ts'
import { aggregate } from './aggregate.ts'
import { bottleneck } from './bottleneck.ts'
import { compare } from './compare.ts'
import { errorGroups } from './error-groups.ts'
import { heatMap } from './heat-map.ts'

function storeOf(blocks: readonly Block[]) {
  const turn = (): Turn => new Turn(new StillClock(), Infinity)
  return {
    aggregate: (query: Parameters<typeof aggregate>[1]) => aggregate(blocks, query, turn()),
    heatMap: (query: Parameters<typeof heatMap>[1]) => heatMap(blocks, query, turn()),
    bottleneck: (query: Parameters<typeof bottleneck>[1]) => bottleneck(blocks, query, turn()),
    compare: (query: Parameters<typeof compare>[1]) => compare(blocks, query, turn()),
    errorGroups: (query: Parameters<typeof errorGroups>[1]) => errorGroups(blocks, query, turn()),
  }
}

/** The spans in blocks of these sizes, each second one of them sealed. */
function cut(spans: readonly SentSpan[], sizes: readonly number[], sealed: number): Block[] {
  const blocks: Block[] = []
  for (let i = 0, n = 0; i < spans.length; n++) {
    const own = spans.slice(i, (i += sizes[n % sizes.length]!))
    blocks.push(n % 2 < sealed ? sealedOf(own) : blockOf(own, 3))
  }
  return blocks
}

const SIZES = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 })

/** Holds answers against a naive count, however the spans lie in blocks. */
function alike<Query>(
  arbitrarySpans: fc.Arbitrary<SentSpan[]>,
  arbitraryQuery: fc.Arbitrary<Query>,
  check: (store: ReturnType<typeof storeOf>, spans: readonly SentSpan[], query: Query) => Promise<void>,
): Promise<void> {
  const queries = fc.array(arbitraryQuery, { minLength: 6, maxLength: 12 })
  return fc.assert(
    fc.asyncProperty(arbitrarySpans, SIZES, fc.nat(2), queries, async (spans, lengths, sealed, asked) => {
      const store = storeOf(cut(spans, lengths, sealed))
      for (const query of asked) await check(store, spans, query)
    }),
    { numRuns: 8, endOnFailure: true },
  )
}

it('counts what any set finds, however the spans lie in blocks, sealed or not', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryCounted,
      SIZES,
      fc.nat(2),
      fc.array(arbitraryAggregate, { minLength: 6, maxLength: 12 }),
      fc.array(arbitraryHeatMap, { minLength: 3, maxLength: 6 }),
      async (spans, lengths, sealed, queries, maps) => {
        const store = storeOf(cut(spans, lengths, sealed))
        for (const query of queries) await checkAggregate(store, spans, query)
        for (const query of maps) await checkHeatMap(store, spans, query)
      },
    ),
    { numRuns: 12, endOnFailure: true },
  )
})

it('tells of the same errors, however the spans lie in blocks, sealed or not', { timeout: 120_000 }, () =>
  alike(arbitraryErrors, arbitraryErrorGroups, checkErrorGroups),
)

it('tells of the errors that any filter finds that a search takes, be it as deep and as long as can be', async () => {
  const spans = fc.sample(arbitraryErrors, { seed: 61, numRuns: 1 })[0]!.slice(0, 20)
  const isA = { op: 'exists', target: { attribute: 'a' } } as const
  let deep: Filter = isA
  for (let level = 1; level < 64; level++) deep = { op: 'not', arg: deep }
  const long: Filter = { op: 'or', args: Array.from({ length: 998 }, () => isA) }
  const blocks = cut(spans, [7], 1)
  for (const filter of [deep, long]) {
    planOf({ filter }, new Turn(new StillClock(), Infinity))
    await checkErrorGroups(storeOf(blocks), spans, { filter })
  }
  await expect(storeOf(blocks).errorGroups({ filter: { op: 'not', arg: deep } })).rejects.toThrow(/levels/)
})

it('tells where the time went as the page does, however the spans lie in blocks', { timeout: 120_000 }, () =>
  alike(arbitraryCounted, arbitraryBottleneck, checkBottleneck),
)

it('tells what is different, however the spans lie in blocks, sealed or not', { timeout: 120_000 }, () =>
  alike(arbitraryCounted, arbitraryCompare, checkCompare),
)
