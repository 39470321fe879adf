import { expect, it } from 'vitest'
import { collectSearch, type CallOptions, type TraceStore } from '../contract.ts'
import { spansOf, withStore, type OpenStore } from './harness.ts'
import { attributes, batchOf, sent, traceId } from './spans.ts'

/** Every query by name; what it gives is an answer that can say whether it is complete, or is of no matter here. */
const CALLS: Readonly<Record<string, (store: TraceStore, options: CallOptions) => Promise<unknown>>> = {
  search: (store, options) => collectSearch(store.search({ ...options })),
  'search in another order': (store, options) => collectSearch(store.search({ order: 'longest', ...options })),
  aggregate: (store, options) => store.aggregate({ ...options }),
  heatMap: (store, options) => store.heatMap({ of: 'requests', ...options }),
  errorGroups: (store, options) => store.errorGroups({ ...options }),
  compare: (store, options) => store.compare({ a: {}, b: {}, ...options }),
  bottleneck: (store, options) => store.bottleneck({ ...options }),
  flame: (store, options) => store.flame({ ...options }),
  dependencies: (store, options) => store.dependencies(0n, 1n << 64n, options),
  trace: (store, options) => chunksOf(store, 1, options),
  services: (store, options) => store.services(options),
  operations: (store, options) => store.operations(undefined, undefined, options),
  attributeKeys: (store, options) => store.attributeKeys(10, options),
  attributeValues: (store, options) => store.attributeValues('a', 10, options),
  stats: (store, options) => store.stats(options),
}

async function chunksOf(store: TraceStore, trace: number, options: CallOptions): Promise<number> {
  let chunks = 0
  for await (const chunk of store.trace(traceId(trace), options)) chunks += chunk.length > 0 ? 1 : 0
  return chunks
}

/** What became of a call: `whole`, `partial` when its answer says so, or the code of its error. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return ((await call) as { complete?: boolean }).complete === false ? 'partial' : 'whole'
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}

/** Deadlines and cancellation: of every call, before it and during it. */
export function limits(open: OpenStore): void {
  const some = async (store: TraceStore): Promise<void> => {
    for (let trace = 1; trace <= 3; trace++) {
      await store.append(
        batchOf(
          sent({ trace, id: 1, service: 'a', attributes: attributes({ a: 'x' }) }),
          sent({ trace, id: 2, parent: 1, service: 'b' }),
        ),
      )
    }
  }
  const says = (name: string): boolean =>
    name.startsWith('search') ||
    ['dependencies', 'aggregate', 'heatMap', 'errorGroups', 'bottleneck', 'flame', 'compare'].includes(name)

  it('stops every query at its deadline', async () => {
    await withStore(open, async (store) => {
      await some(store)
      for (const [name, call] of Object.entries(CALLS)) {
        const outcome = await outcomeOf(call(store, { timeoutMs: 0 }))
        expect([name, outcome]).toEqual([name, says(name) ? 'partial' : 'timeout'])
        await expect(call(store, { timeoutMs: -1 })).rejects.toMatchObject({ code: 'bad_query' })
      }
    })
  })

  it('does not begin a query that was cancelled before', async () => {
    await withStore(open, async (store) => {
      await some(store)
      for (const [name, call] of Object.entries(CALLS)) {
        const outcome = await outcomeOf(call(store, { signal: AbortSignal.abort() }))
        expect([name, outcome]).toEqual([name, says(name) ? 'partial' : 'cancelled'])
      }
    })
  })

  it('ends a query that is cancelled, whenever that is, and answers all others', async () => {
    await withStore(open, async (store) => {
      await some(store)
      for (let ms = 0; ms < 3; ms++) {
        for (const [name, call] of Object.entries(CALLS)) {
          const controller = new AbortController()
          const outcome = outcomeOf(call(store, { signal: controller.signal }))
          const beside = outcomeOf(call(store, {}))
          await new Promise((resolve) => setTimeout(resolve, ms))
          controller.abort()
          expect([name, await outcome]).toEqual([
            name,
            expect.toBeOneOf(['whole', 'cancelled', ...(says(name) ? ['partial'] : [])]) as unknown,
          ])
          expect([name, await beside]).toEqual([name, 'whole'])
        }
      }
      expect(await spansOf(store, traceId(1))).toHaveLength(2)
    })
  })

  it('ends a trace that is cancelled while it is read', async () => {
    await withStore(open, async (store) => {
      const text = 'x'.repeat(100_000)
      for (let i = 0; i < 80; i++)
        await store.append(batchOf(sent({ trace: 1, id: i + 1, attributes: attributes({ text: `${text}${i}` }) })))
      const controller = new AbortController()
      let chunks = 0
      const read = async (): Promise<void> => {
        for await (const chunk of store.trace(traceId(1), { signal: controller.signal })) {
          chunks += chunk.length > 0 ? 1 : 0
          controller.abort()
        }
      }
      await expect(read()).rejects.toMatchObject({ code: 'cancelled' })
      expect(chunks).toBeGreaterThan(0)
      expect(await spansOf(store, traceId(1))).toHaveLength(80)
    })
  })

  it('lets a caller leave a trace half read', async () => {
    await withStore(open, async (store) => {
      await some(store)
      for (let i = 0; i < 50; i++) {
        for await (const chunk of store.trace(traceId(1))) {
          expect(chunk.length).toBeGreaterThan(0)
          break
        }
      }
      expect(await spansOf(store, traceId(2))).toHaveLength(2)
    })
  })
}
