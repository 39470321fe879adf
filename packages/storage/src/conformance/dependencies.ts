import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { DURATION_ERROR, type DependencyEdge, type TraceStore } from '../contract.ts'
import { arbitraryCalls, expectedDependencies, linkTo } from './dependency-model.ts'
import { withStore, type OpenStore } from './harness.ts'
import { batchOf, MS, sent, T0, type SentSpan } from './spans.ts'

const ALL = [0n, 1n << 64n] as const

/** Calls and messages between services, held against a naive count. */
export function dependencies(open: OpenStore): void {
  it('counts calls and messages, by parent and by link, how fast they are and how often they fail', async () => {
    for (const [i, spans] of fc.sample(arbitraryCalls, { seed: 71, numRuns: 4 }).entries()) {
      await withStore(open, async (store, directory) => {
        const sizes = [1, 7, 40, 3]
        for (let at = 0, n = 0; at < spans.length; at += sizes[n++ % sizes.length]!)
          await store.append(batchOf(...spans.slice(at, at + sizes[n % sizes.length]!)))
        await check(store, spans, 80 + i)
        await store.close()
        const again = await open(directory)
        await check(again, spans, 90 + i)
        await again.close()
      })
    }
  })

  it('counts a message once that is told of by the parent, and by two links', async () => {
    await withStore(open, async (store) => {
      const consumer = { service: 'b', kind: 5, ms: 7 }
      const spans = [
        sent({ trace: 1, id: 1, service: 'a', kind: 4 }),
        sent({ trace: 2, id: 2, service: 'a', kind: 4 }),
        sent({ trace: 1, id: 3, service: 'a', kind: 3 }),
        sent({ trace: 1, id: 4, parent: 1, ...consumer, status: 2, span: { links: [linkTo(1, 1)] } }),
        sent({
          trace: 5,
          id: 5,
          ...consumer,
          span: { links: [linkTo(2, 2), linkTo(2, 2), linkTo(1, 3), linkTo(1, 2)] },
        }),
        // No consumer, but a server that links.
        sent({ trace: 5, id: 6, ...consumer, kind: 2, span: { links: [linkTo(1, 1)] } }),
      ]
      await store.append(batchOf(...spans))
      const { edges } = await store.dependencies(...ALL)
      expect(edges).toMatchObject([{ parent: 'a', child: 'b', kind: 'messaging', calls: 2, errors: 1 }])
      expect(Math.abs(edges[0]!.p99Ns / 7e6 - 1)).toBeLessThanOrEqual(DURATION_ERROR)
    })
  })
}

async function check(store: TraceStore, spans: readonly SentSpan[], seed: number): Promise<void> {
  const range = fc.tuple(fc.nat(70), fc.nat(70)).map(([at, ms]) => [T0 + BigInt(at) * MS, T0 + BigInt(at + ms) * MS])
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.constant(ALL), range), fc.boolean(), async ([from, to], links) => {
      await checkDependencies(store, spans, from, to, links)
    }),
    { numRuns: 40, seed },
  )
}

export async function checkDependencies(
  store: Pick<TraceStore, 'dependencies'>,
  spans: readonly SentSpan[],
  from: bigint,
  to: bigint,
  links: boolean,
): Promise<void> {
  const expected = expectedDependencies(spans, from, to, links)
  const { edges, complete } = await store.dependencies(from, to, { links })
  expect(complete).toBe(true)
  expect(edges.map(exactly)).toEqual(expected.map(exactly))
  for (const [i, edge] of edges.entries()) {
    expect(edge.perSecond).toBeCloseTo(expected[i]!.perSecond, 6)
    for (const share of ['p50Ns', 'p95Ns', 'p99Ns'] as const) {
      const exact = expected[i]![share]
      expect(Math.abs(edge[share] - exact)).toBeLessThanOrEqual(DURATION_ERROR * exact * 1.0001)
    }
  }
}

function exactly({ parent, child, kind, calls, errors }: DependencyEdge): object {
  return { parent, child, kind, calls, errors }
}
