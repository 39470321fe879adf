import { expect, it } from 'vitest'
import type { TailEvent, TailProgress, TailQuery, TraceStore, TraceSummary } from '../contract.ts'
import { withStore, type OpenStore } from './harness.ts'
import { batchOf, sent, traceId, type SpanSpec } from './spans.ts'

/** Reads a tail as far as a test wants it. */
class Listener {
  readonly told: TraceSummary[] = []
  progress: TailProgress = { spans: -1, missed: -1 }
  readonly #events: AsyncIterator<TailEvent>

  constructor(store: TraceStore, query: TailQuery) {
    this.#events = store.tail({ everyMs: 10, ...query })[Symbol.asyncIterator]()
  }

  /** Resolves when so many spans have been looked at. */
  async until(spans: number): Promise<void> {
    while (this.progress.spans < spans) {
      const { value, done } = await this.#events.next()
      if (done) throw new Error(`the tail ended after ${this.progress.spans} spans`)
      if (value.type === 'traces') this.told.push(...value.traces)
      else this.progress = { spans: value.spans, missed: value.missed }
    }
  }

  /** Traces that were told since the last time, and how many spans of each. */
  take(): (readonly [id: string, spans: number])[] {
    return this.told.splice(0).map(({ traceId: id, spans }) => [id, spans])
  }

  async leave(): Promise<void> {
    await this.#events.return?.()
  }
}

async function listen(store: TraceStore, query: TailQuery): Promise<Listener> {
  const listener = new Listener(store, query)
  await listener.until(0)
  return listener
}

const ofService = (value: string): TailQuery => ({ filter: { op: 'eq', target: { field: 'service' }, value } })

/** What comes, as it comes. */
export function tailing(open: OpenStore): void {
  const tails = (test: (store: TraceStore, append: (...specs: SpanSpec[]) => Promise<void>) => Promise<void>) => () =>
    withStore(open, async (store) => {
      if (store.capabilities.tail) await test(store, (...specs) => store.append(batchOf(...specs.map(sent))))
    })

  it(
    'tells what is stored from then on, and a trace again when more of it comes',
    tails(async (store, append) => {
      await append({ trace: 1, id: 1, service: 'a' })
      const listener = await listen(store, ofService('a'))
      const beside = await listen(store, {})
      expect(listener.progress).toEqual({ spans: 0, missed: 0 })
      await append({ trace: 2, id: 1, service: 'a' }, { trace: 3, id: 1, service: 'b' })
      await listener.until(2)
      expect(listener.take()).toEqual([[traceId(2), 1]])
      // The one is not what is asked for, but of a trace that was told.
      await append({ trace: 2, id: 2, service: 'b' }, { trace: 3, id: 2, service: 'b' })
      await listener.until(4)
      expect(listener.take()).toEqual([[traceId(2), 2]])
      await append({ trace: 3, id: 3, service: 'a' }, { trace: 1, id: 2, service: 'a' })
      await listener.until(6)
      expect(listener.take()).toEqual([
        [traceId(3), 3],
        [traceId(1), 2],
      ])
      expect(listener.progress).toEqual({ spans: 6, missed: 0 })
      await beside.until(6)
      expect(new Map(beside.take())).toEqual(
        new Map([
          [traceId(1), 2],
          [traceId(2), 2],
          [traceId(3), 3],
        ]),
      )
      await listener.leave()
      await beside.leave()
    }),
  )

  it(
    'asks of a trace what it is by now, whichever of its spans has come',
    tails(async (store, append) => {
      const [left, right] = [ofService('a'), ofService('b')].map(
        ({ filter }) => ({ op: 'spans', filter: filter! }) as const,
      )
      const listener = await listen(store, { spans: { op: 'related', relation: 'child', left: left!, right: right! } })
      await append({ trace: 1, id: 2, parent: 1, service: 'b' })
      await listener.until(1)
      expect(listener.take()).toEqual([])
      await append({ trace: 1, id: 1, service: 'a' })
      await listener.until(2)
      const [told] = listener.told
      expect(told).toMatchObject({ traceId: traceId(1), spans: 2, matched: { spans: 1, exact: true } })
      await listener.leave()
    }),
  )

  it(
    'counts what it does not tell',
    tails(async (store, append) => {
      const listener = await listen(store, { limit: 2 })
      await append(...[1, 2, 3, 4, 4].map((trace, i) => ({ trace, id: i + 1 })))
      await listener.until(5)
      expect(listener.take()).toHaveLength(2)
      expect(listener.progress).toEqual({ spans: 5, missed: 3 })
      await listener.leave()
    }),
  )

  it(
    'ends when it is told to, and says what is no query',
    tails(async (store, append) => {
      const controller = new AbortController()
      const events = store.tail({ signal: controller.signal, everyMs: 60_000 })[Symbol.asyncIterator]()
      expect(await events.next()).toEqual({ value: { type: 'progress', spans: 0, missed: 0 }, done: false })
      const next = events.next()
      controller.abort()
      expect(await next).toMatchObject({ done: true })
      await append({ trace: 1, id: 1 })
      for (const [query, message] of [
        [{ limit: 501 }, /limit is 501/],
        [{ everyMs: 5 }, /everyMs is 5/],
        [{ spans: { op: 'twice' } }, /spans: unknown op twice/],
        [{ matchesPerTrace: -1 }, /matchesPerTrace is -1/],
      ] as [TailQuery, RegExp][]) {
        const refused = store.tail(query)[Symbol.asyncIterator]().next()
        await expect(refused).rejects.toMatchObject({
          code: 'bad_query',
          message: expect.stringMatching(message) as string,
        })
      }
    }),
  )
}
