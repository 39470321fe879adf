import { freeMemory, type TelemetryBatch } from '@spoor/otlp'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  CollectorError,
  createBudget,
  type Budget,
  type Consumer,
  type DeliveryContext,
  EMPTY_CONTEXT,
} from '../component/index.ts'
import { batchOf, isThere, ownedBatchOf } from '../exporters/fixture.ts'
import { createTestContext, tracesRequest } from '../testkit/index.ts'
import { FanOut, type FanOutOptions } from './fan-out.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

type Answer = 'take' | 'refuse' | 'reject' | 'hang'

/** A consumer that does what it is told and remembers what it took. */
interface Peer extends Consumer {
  /** What came with each batch that it was asked to take. */
  readonly contexts: DeliveryContext[]
  readonly taken: TelemetryBatch[]
  asked: number
  /** What it does with the next batches, then with all others: `usual`. */
  readonly script: { readonly answer: Answer; readonly delayMs: number }[]
  usual: Answer
  retryAfterMs: number | undefined
}

function createPeer(durable = false): Peer {
  const peer: Peer = {
    durable,
    taken: [],
    contexts: [],
    asked: 0,
    script: [],
    usual: 'take',
    retryAfterMs: undefined,
    async consume(batch, context) {
      peer.asked++
      peer.contexts.push(context)
      const { answer, delayMs } = peer.script.shift() ?? { answer: peer.usual, delayMs: 0 }
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
      if (answer === 'hang') await new Promise(() => {})
      if (answer === 'refuse') {
        const wait = peer.retryAfterMs === undefined ? {} : { retryAfterMs: peer.retryAfterMs }
        throw new CollectorError('unavailable', 'down', wait)
      }
      if (answer === 'reject') throw new CollectorError('invalid_data', 'never')
      peer.taken.push(batch)
    },
  }
  return peer
}

const bytes = tracesRequest({ spans: 3 })
const batch = (): TelemetryBatch => batchOf(bytes, 3)

function create(
  peers: Record<string, Peer>,
  options: Partial<FanOutOptions> = {},
  budget?: Budget,
): { fanOut: FanOut; context: ReturnType<typeof createTestContext> } {
  const context = createTestContext('traces', budget)
  return { fanOut: new FanOut(context, new Map(Object.entries(peers)), options), context }
}

/** Stops it with so many milliseconds, of the clock that the test turns. */
async function stop(fanOut: FanOut, deadlineMs: number): Promise<void> {
  const deadline = new AbortController()
  const stopped = fanOut.shutdown(deadline.signal)
  await vi.advanceTimersByTimeAsync(deadlineMs)
  deadline.abort()
  await stopped
  fanOut.finish()
}

describe('one that refuses', () => {
  test('is kept for and gets each batch once, in order, when it is back; the other is not asked again', async () => {
    const [healthy, dead] = [createPeer(), createPeer()]
    const { fanOut, context } = create({ healthy, dead })
    dead.usual = 'refuse'
    const batches = Array.from({ length: 20 }, batch)
    for (const one of batches) await fanOut.consume(one, EMPTY_CONTEXT)
    expect(healthy.taken).toEqual(batches)
    expect(context.value('otelcol_fanout_kept_batches', { branch: 'dead' })).toBe(20)
    expect(context.value('otelcol_fanout_kept_items')).toBe(60)
    expect(context.value('otelcol_fanout_kept_bytes')).toBe(20 * bytes.length)
    await vi.advanceTimersByTimeAsync(60_000)
    dead.usual = 'take'
    await vi.advanceTimersByTimeAsync(10_000)
    expect(dead.taken.map((one) => batches.indexOf(one))).toEqual([...batches.keys()])
    expect(healthy.asked).toBe(20)
    expect(context.value('otelcol_fanout_kept_bytes')).toBe(0)
    expect(context.value('otelcol_fanout_dropped_batches')).toBe(0)
    const messages = new Set(context.logger.lines.map(({ level, message }) => `${level}: ${message}`))
    expect([...messages]).toEqual([
      'warn: One branch of a fan-out refuses for now. What the others have taken is kept for it.',
      'info: A branch of a fan-out has taken all that was kept for it.',
    ])
  })

  test('is asked more and more rarely, not a storm', async () => {
    const [healthy, dead] = [createPeer(), createPeer()]
    const { fanOut } = create({ healthy, dead })
    dead.usual = 'refuse'
    for (let index = 0; index < 100; index++) await fanOut.consume(batch(), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(dead.asked).toBeGreaterThan(10)
    expect(dead.asked).toBeLessThan(30)
  })

  test('is left alone for as long as it asks', async () => {
    const [healthy, dead] = [createPeer(), createPeer()]
    const { fanOut } = create({ healthy, dead })
    dead.usual = 'refuse'
    dead.retryAfterMs = 3_600_000
    await fanOut.consume(batch(), EMPTY_CONTEXT)
    dead.usual = 'take'
    await vi.advanceTimersByTimeAsync(3_599_000)
    expect(dead.asked).toBe(1)
    await vi.advanceTimersByTimeAsync(2000)
    expect(dead.taken.length).toBe(1)
  })

  test('for longer than any timer runs, is not asked at once', async () => {
    const [healthy, dead] = [createPeer(), createPeer()]
    const { fanOut } = create({ healthy, dead })
    dead.usual = 'refuse'
    dead.retryAfterMs = 1e15
    await fanOut.consume(batch(), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(dead.asked).toBe(1)
    await stop(fanOut, 1000)
  })

  test('beyond its bound: dropped for it alone, counted and told with the totals', async () => {
    const peers = { healthy: createPeer(), dead: createPeer() }
    const { fanOut, context } = create(peers, { maxKeptBytes: bytes.length * 5 })
    peers.dead.usual = 'refuse'
    for (let index = 0; index < 20; index++) await fanOut.consume(batch(), EMPTY_CONTEXT)
    expect(peers.healthy.taken.length).toBe(20)
    expect(context.value('otelcol_fanout_dropped_spans', { branch: 'dead', reason: 'overflow' })).toBe(45)
    await stop(fanOut, 2000)
    expect(context.value('otelcol_fanout_dropped_spans', { branch: 'dead', reason: 'shutdown' })).toBe(15)
    expect(context.logger.lines.at(-1)?.fields).toMatchObject({
      component: 'traces',
      branch: 'dead',
      total_dropped_items: 60,
      total_dropped_batches: 20,
      reasons: { overflow: { items: 45, batches: 15 }, shutdown: { items: 15, batches: 5 } },
    })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('what is kept is a part of the budget for bytes in flight, and bounded by it', async () => {
    const peers = { healthy: createPeer(), dead: createPeer() }
    const budget = createBudget(bytes.length * 8)
    const { fanOut, context } = create(peers, {}, budget)
    peers.dead.usual = 'refuse'
    for (let index = 0; index < 20; index++) await fanOut.consume(batch(), EMPTY_CONTEXT)
    expect(peers.healthy.taken.length).toBe(20)
    expect(budget.used).toBe(bytes.length * 3)
    // Room is left for what comes in.
    expect(budget.take(bytes.length * 5, 'body')).toBeDefined()
    expect(context.value('otelcol_fanout_dropped_spans', { branch: 'dead', reason: 'overflow' })).toBe(17 * 3)
    const told = context.logger.lines.map(({ fields }) => fields['error'])
    expect(told.some((error) => String(error).includes('the queues of the collector hold'))).toBe(true)
    peers.dead.usual = 'take'
    await vi.advanceTimersByTimeAsync(10_000)
    expect(peers.dead.taken.length).toBe(3)
    expect(budget.used).toBe(bytes.length * 5)
  })

  test('the bound is one of batches, too, and of the compressed forms', async () => {
    const peers = { healthy: createPeer(), dead: createPeer() }
    const { fanOut, context } = create(peers, { maxKeptBatches: 2 })
    peers.dead.usual = 'refuse'
    for (let index = 0; index < 5; index++) {
      const compressed = { coding: 'gzip', bytes: new Uint8Array(1000) } as const
      await fanOut.consume({ ...batch(), chunks: [{ bytes, items: 3, compressed }] }, EMPTY_CONTEXT)
    }
    expect(context.value('otelcol_fanout_kept_batches')).toBe(2)
    expect(context.value('otelcol_fanout_kept_bytes')).toBe(2 * (bytes.length + 1000))
  })

  test('for good: counted for it, while the others have it', async () => {
    const [healthy, picky] = [createPeer(), createPeer()]
    const { fanOut, context } = create({ healthy, picky })
    picky.usual = 'reject'
    await fanOut.consume(batch(), EMPTY_CONTEXT)
    expect(context.value('otelcol_fanout_dropped_spans', { branch: 'picky', reason: 'invalid_data' })).toBe(3)
    expect(context.value('otelcol_fanout_kept_batches')).toBe(0)
  })

  test('one that is well again catches up, however many are behind', async () => {
    const [healthy, slow] = [createPeer(), createPeer()]
    const { fanOut } = create({ healthy, slow })
    slow.usual = 'refuse'
    for (let index = 0; index < 500; index++) await fanOut.consume(batch(), EMPTY_CONTEXT)
    slow.usual = 'take'
    slow.script.push(...Array.from({ length: 500 }, () => ({ answer: 'take', delayMs: 200 }) as const))
    // One at a time would take 100 s.
    await vi.advanceTimersByTimeAsync(20_000)
    expect(slow.taken.length).toBe(500)
  })
})

describe('when none has taken it', () => {
  test('the caller hears it: retryable if any may take it later, to be tried when the first of them wants it', async () => {
    const [a, b] = [createPeer(), createPeer()]
    const { fanOut, context } = create({ a, b })
    a.usual = b.usual = 'refuse'
    a.retryAfterMs = 9000
    b.retryAfterMs = 5000
    await expect(fanOut.consume(batch(), EMPTY_CONTEXT)).rejects.toMatchObject({
      message: 'down; down',
      retryAfterMs: 5000,
    })
    b.usual = 'reject'
    await expect(fanOut.consume(batch(), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'down; never',
      retryable: true,
      retryAfterMs: 9000,
    })
    a.usual = 'reject'
    await expect(fanOut.consume(batch(), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'invalid_data',
      retryable: false,
    })
    expect(context.value('otelcol_fanout_kept_batches')).toBe(0)
    expect(context.value('otelcol_fanout_dropped_batches')).toBe(0)
  })

  test('one that is behind is asked before the caller is refused', async () => {
    const [a, b] = [createPeer(), createPeer()]
    const { fanOut } = create({ a, b })
    b.usual = 'refuse'
    b.retryAfterMs = 60_000
    await fanOut.consume(batch(), EMPTY_CONTEXT)
    b.usual = 'take'
    a.usual = 'refuse'
    const last = batch()
    await fanOut.consume(last, EMPTY_CONTEXT)
    expect(b.taken).toEqual([last])
    a.usual = 'take'
    await vi.advanceTimersByTimeAsync(70_000)
    expect([a.taken.length, b.taken.length]).toEqual([2, 2])
  })
})

describe('one that is slow', () => {
  test('does not keep a batch from one that is behind', async () => {
    const [a, hole] = [createPeer(), createPeer()]
    const { fanOut } = create({ a, hole })
    a.usual = 'refuse'
    a.retryAfterMs = 3_600_000
    await fanOut.consume(batch(), EMPTY_CONTEXT)
    a.usual = 'take'
    hole.usual = 'hang'
    const last = batch()
    const taken = fanOut.consume(last, EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(2100)
    await taken
    expect(a.taken).toEqual([last])
  })

  test('is waited for, but not for long; what comes later does not wait at all', async () => {
    const [healthy, hole] = [createPeer(), createPeer()]
    const { fanOut, context } = create({ healthy, hole })
    hole.usual = 'hang'
    let answered = 0
    const first = fanOut.consume(batch(), EMPTY_CONTEXT).then(() => answered++)
    await vi.advanceTimersByTimeAsync(900)
    expect(answered).toBe(0)
    await vi.advanceTimersByTimeAsync(200)
    await first
    for (let index = 0; index < 10; index++) await fanOut.consume(batch(), EMPTY_CONTEXT)
    expect(hole.asked).toBe(1)
    expect(context.value('otelcol_fanout_kept_batches')).toBe(11)
    await stop(fanOut, 1000)
    expect(context.value('otelcol_fanout_dropped_spans', { reason: 'shutdown' })).toBe(33)
  })

  test('what it takes after all is neither sent again nor counted as lost', async () => {
    const [healthy, slow] = [createPeer(), createPeer()]
    const { fanOut, context } = create({ healthy, slow })
    slow.script.push({ answer: 'take', delayMs: 5000 })
    const taken = fanOut.consume(batch(), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(1000)
    await taken
    const deadline = AbortSignal.abort()
    await fanOut.shutdown(deadline)
    await vi.advanceTimersByTimeAsync(5000)
    fanOut.finish()
    expect(slow.taken.length).toBe(1)
    expect(context.value('otelcol_fanout_dropped_batches')).toBe(0)
  })

  test('what it takes after the end was counted as lost, once', async () => {
    const [healthy, slow] = [createPeer(), createPeer()]
    const { fanOut, context } = create({ healthy, slow })
    slow.script.push({ answer: 'take', delayMs: 5000 })
    const taken = fanOut.consume(batch(), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(1000)
    await taken
    await stop(fanOut, 1000)
    await vi.advanceTimersByTimeAsync(5000)
    expect(context.value('otelcol_fanout_dropped_batches', { reason: 'shutdown' })).toBe(1)
    expect(context.value('otelcol_fanout_kept_items')).toBe(0)
  })

  test('nobody waits for it when the collector stops', async () => {
    const [healthy, hole] = [createPeer(), createPeer()]
    const { fanOut } = create({ healthy, hole }, { maxKeptBatches: 1 })
    hole.usual = 'hang'
    const waiting = [
      fanOut.consume(batch(), EMPTY_CONTEXT),
      fanOut.consume(batch(), EMPTY_CONTEXT),
      fanOut.consume(batch(), EMPTY_CONTEXT),
    ]
    await vi.advanceTimersByTimeAsync(5000)
    fanOut.hurry()
    await Promise.all(waiting)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('durable branches', () => {
  test('come first: what one of them refuses nobody else gets, and the caller hears why', async () => {
    const [store, other] = [createPeer(true), createPeer()]
    const { fanOut, context } = create({ other, store })
    store.usual = 'refuse'
    await expect(fanOut.consume(batch(), EMPTY_CONTEXT)).rejects.toMatchObject({ message: 'down', retryable: true })
    expect(other.asked).toBe(0)
    store.usual = 'take'
    store.script.push({ answer: 'take', delayMs: 50 })
    const taken = fanOut.consume(batch(), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(40)
    expect(other.asked).toBe(0)
    await vi.advanceTimersByTimeAsync(20)
    await taken
    expect([store.taken.length, other.taken.length]).toEqual([1, 1])
    expect(context.value('otelcol_fanout_kept_batches')).toBe(0)
  })

  test('all of them have it before the caller is answered; a retry goes to those only that have not', async () => {
    const [one, two, other] = [createPeer(true), createPeer(true), createPeer()]
    const { fanOut } = create({ one, two, other })
    two.usual = 'refuse'
    const again = batch()
    await expect(fanOut.consume(again, EMPTY_CONTEXT)).rejects.toMatchObject({ retryable: true })
    await expect(fanOut.consume(again, EMPTY_CONTEXT)).rejects.toMatchObject({ retryable: true })
    two.usual = 'take'
    await fanOut.consume(again, EMPTY_CONTEXT)
    expect([one.taken.length, two.taken.length, other.taken.length]).toEqual([1, 1, 1])
    // By another way it is another delivery.
    await fanOut.consume(again, EMPTY_CONTEXT)
    expect([one.taken.length, two.taken.length, other.taken.length]).toEqual([2, 2, 2])
  })

  test('the others are kept for', async () => {
    const [store, dead] = [createPeer(true), createPeer()]
    const { fanOut, context } = create({ store, dead })
    dead.usual = 'refuse'
    await fanOut.consume(batch(), EMPTY_CONTEXT)
    expect(context.value('otelcol_fanout_kept_batches', { branch: 'dead' })).toBe(1)
    dead.usual = 'take'
    await stop(fanOut, 1000)
    expect(dead.taken.length).toBe(1)
  })
})

test('after the end nothing is taken', async () => {
  const { fanOut } = create({ a: createPeer(), b: createPeer() })
  await stop(fanOut, 0)
  await expect(fanOut.consume(batch(), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
})

test('whatever the branches do: each has each batch once at most, and what was answered is had or counted by each', async () => {
  const step = fc.record({
    answer: fc.oneof(
      { weight: 4, arbitrary: fc.constant<Answer>('take') },
      { weight: 4, arbitrary: fc.constant<Answer>('refuse') },
      { weight: 1, arbitrary: fc.constant<Answer>('reject') },
      { weight: 1, arbitrary: fc.constant<Answer>('hang') },
    ),
    delayMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3000 })),
  })
  const peerSpec = fc.record({
    durable: fc.boolean(),
    script: fc.array(step, { maxLength: 20 }),
    usual: fc.constantFrom<Answer>('take', 'take', 'refuse', 'hang'),
  })
  const caller = fc.record({ atMs: fc.integer({ min: 0, max: 4000 }), tries: fc.integer({ min: 1, max: 4 }) })
  const property = fc.asyncProperty(
    fc.array(peerSpec, { minLength: 2, maxLength: 4 }),
    fc.array(caller, { minLength: 1, maxLength: 25 }),
    fc.integer({ min: 1, max: 6 }),
    async (specs, callers, maxKeptBatches) => {
      const peers = specs.map(({ durable, script, usual }) =>
        Object.assign(createPeer(durable), { script: [...script], usual }),
      )
      const { fanOut, context } = create(Object.fromEntries(peers.map((peer, index) => [`${index}`, peer])), {
        maxKeptBatches,
      })
      const fates = callers.map(({ atMs, tries }) => {
        const fate = { batch: batch(), outcome: 'waiting' as 'waiting' | 'answered' | 'refused' }
        const run = async (): Promise<void> => {
          await new Promise((resolve) => setTimeout(resolve, atMs))
          for (let left = tries; left > 0; left--) {
            try {
              await fanOut.consume(fate.batch, EMPTY_CONTEXT)
              fate.outcome = 'answered'
              return
            } catch (error) {
              if (!(error as CollectorError).retryable) break
              await new Promise((resolve) => setTimeout(resolve, 50))
            }
          }
          fate.outcome = 'refused'
        }
        void run()
        return fate
      })
      await vi.advanceTimersByTimeAsync(20_000)
      for (const peer of peers) {
        if (peer.durable) continue
        expect(context.value('otelcol_fanout_kept_batches')).toBeLessThanOrEqual(maxKeptBatches * peers.length)
      }
      await stop(fanOut, 3000)
      const dropped = (index: number): number => context.value('otelcol_fanout_dropped_batches', { branch: `${index}` })
      for (const [index, peer] of peers.entries()) {
        expect(new Set(peer.taken).size).toBe(peer.taken.length)
        for (const { batch: one, outcome } of fates) {
          const has = peer.taken.includes(one)
          if (peer.durable && outcome === 'answered') expect(has).toBe(true)
          if (!peer.durable && outcome === 'refused') expect(has).toBe(false)
        }
        if (!peer.durable) {
          const answered = fates.filter(({ outcome }) => outcome === 'answered').length
          // Those whose callers wait still: a branch hangs that has to take the batch, and others may have it.
          const waiting = fates.filter(({ outcome }) => outcome === 'waiting').length
          expect(peer.taken.length + dropped(index)).toBeGreaterThanOrEqual(answered)
          expect(peer.taken.length + dropped(index)).toBeLessThanOrEqual(answered + waiting)
        }
      }
      const totals = context.logger.lines.filter(({ fields }) => 'reasons' in fields)
      const told = totals.reduce((sum, { fields }) => sum + (fields['total_dropped_batches'] as number), 0)
      expect(told).toBe(context.value('otelcol_fanout_dropped_batches'))
      vi.clearAllTimers()
    },
  )
  await fc.assert(property, { numRuns: 300 })
})

test('what one branch is done with is there for the others, now and when they are back', async () => {
  const consume = async (batch: TelemetryBatch): Promise<void> => freeMemory(batch)
  const [other, late] = [createPeer(), createPeer()]
  const fanOut = new FanOut(
    createTestContext('traces'),
    new Map<string, Consumer>([
      ['done', { durable: true, consume }],
      ['done too', { consume }],
      ['other', other],
      ['late', late],
    ]),
  )
  late.script.push({ answer: 'refuse', delayMs: 0 })
  await fanOut.consume(ownedBatchOf(bytes, 3), EMPTY_CONTEXT)
  await vi.advanceTimersByTimeAsync(1000)
  expect([...other.taken, ...late.taken].map(isThere)).toEqual([true, true])
})

test('each branch gets the context; with what is kept goes who sent it, and no wait', async () => {
  const peers = { store: createPeer(true), a: createPeer(), b: createPeer() }
  peers.b.script.push({ answer: 'refuse', delayMs: 0 })
  const { fanOut } = create(peers)
  const { signal } = new AbortController()
  const metadata = new Map([['x-tenant', ['acme']]])
  const context: DeliveryContext = { ...EMPTY_CONTEXT, metadata, peer: '10.0.0.7:4711', deadline: 1e9, signal }
  await fanOut.consume(batch(), context)
  expect([peers.store, peers.a, peers.b].map(({ contexts }) => contexts)).toEqual([[context], [context], [context]])
  await vi.advanceTimersByTimeAsync(1000)
  expect(peers.b.taken).toHaveLength(1)
  expect(peers.b.contexts[1]).toEqual({ ...EMPTY_CONTEXT, metadata, peer: '10.0.0.7:4711' })
})
