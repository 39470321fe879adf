import {
  countItems,
  createBatch,
  countSpans,
  freeMemory,
  scanSpans,
  createSpanColumns,
  bytesToHex,
  type Signal,
  type TelemetryBatch,
} from '@spoor/otlp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  CollectorError,
  createBudget,
  type Budget,
  type Component,
  type Consumer,
  type DeliveryContext,
  GRPC,
  statusOf,
  EMPTY_CONTEXT,
} from '../../component/index.ts'
import { ownedBatchOf } from '../../exporters/fixture.ts'
import {
  createSink,
  createTestContext,
  logsRequest,
  metricsRequest,
  tracesRequest,
  type Sink,
} from '../../testkit/index.ts'
import { batchProcessor } from './index.ts'

/** Long enough never to fire within a test. */
const NEVER = '1h'

function start(
  input: object,
  signal: Signal = 'traces',
  budget?: Budget,
): { processor: Component & Consumer; sink: Sink; context: ReturnType<typeof createTestContext> } {
  const config = batchProcessor.config.safeParse({ timeout: NEVER, ...input })
  if (!config.success) throw new Error(JSON.stringify(config.error.issues))
  const context = createTestContext('batch', budget)
  const sink = createSink()
  const processor = batchProcessor.create(context, config.data, sink, signal)
  onTestFinished(async () => processor.shutdown(AbortSignal.abort()))
  return { processor, sink, context }
}

function batch(items: number, seed = 1): TelemetryBatch {
  return createBatch('traces', [{ bytes: tracesRequest({ spans: items, seed, attributes: 1 }), items }])
}

/** All span ids in the order in which they come. */
function spanIds(sink: Sink): string[] {
  return sink.batches.flatMap(({ chunks }) =>
    chunks.flatMap(({ bytes, items }) => {
      const columns = createSpanColumns()
      scanSpans(bytes, columns)
      expect(columns.count).toBe(items)
      return Array.from({ length: columns.count }, (_, row) => bytesToHex(columns.spanId, row * 8, row * 8 + 8))
    }),
  )
}

describe('triggers', () => {
  test('size: sent with the item that reaches it, not before', async () => {
    const { processor, sink, context } = start({ send_batch_size: 10 })
    await processor.consume(batch(6), EMPTY_CONTEXT)
    expect(sink.batches.length).toBe(0)
    await processor.consume(batch(6, 2), EMPTY_CONTEXT)
    expect(sink.batches.map(({ items, chunks }) => [items, chunks.length])).toEqual([[12, 2]])
    expect(context.value('otelcol_processor_batch_batch_size_trigger_send')).toBe(1)
    expect(context.counters.histograms()[0]).toMatchObject({ name: 'otelcol_processor_batch_batch_send_size', sum: 12 })
  })

  test('timeout: what is there goes', async () => {
    const { processor, sink, context } = start({ timeout: '20ms' })
    await processor.consume(batch(3), EMPTY_CONTEXT)
    await processor.consume(batch(4, 2), EMPTY_CONTEXT)
    await sink.waitFor(7)
    expect(sink.batches.length).toBe(1)
    expect(context.value('otelcol_processor_batch_timeout_trigger_send')).toBe(1)
    await processor.consume(batch(2, 3), EMPTY_CONTEXT)
    await sink.waitFor(9)
    expect(sink.batches.length).toBe(2)
  })

  test.each([{ timeout: '0s' }, { send_batch_size: 0 }])('%o: each at once', async (config) => {
    const { processor, sink } = start(config)
    await processor.consume(batch(1), EMPTY_CONTEXT)
    await processor.consume(batch(2, 2), EMPTY_CONTEXT)
    expect(sink.batches.map(({ items }) => items)).toEqual([1, 2])
  })

  test('a timeout beyond what a timer can wait is no timeout of nothing', async () => {
    const { processor, sink } = start({ timeout: '1000h' })
    await processor.consume(batch(1), EMPTY_CONTEXT)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(sink.batches.length).toBe(0)
  })

  test('shutdown: the rest goes, and nothing is taken any more', async () => {
    const { processor, sink } = start({})
    await processor.consume(batch(3), EMPTY_CONTEXT)
    await processor.shutdown(AbortSignal.timeout(1000))
    expect(sink.items).toBe(3)
    await expect(processor.consume(batch(1), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    })
    await processor.shutdown(AbortSignal.timeout(1000))
  })
})

describe('send_batch_max_size', () => {
  test('a chunk that straddles the limit is split, in order and without loss', async () => {
    const { processor, sink } = start({ send_batch_size: 10, send_batch_max_size: 10 })
    const inputs = [batch(6), batch(7, 2), batch(25, 3)]
    const expected = start({ send_batch_size: 0 })
    for (const input of inputs) await expected.processor.consume(input, EMPTY_CONTEXT)
    for (const input of inputs) await processor.consume(input, EMPTY_CONTEXT)
    await processor.shutdown(AbortSignal.timeout(1000))
    expect(sink.batches.map(({ items }) => items)).toEqual([10, 10, 10, 8])
    expect(spanIds(sink)).toEqual(spanIds(expected.sink))
    expect(countSpans(sink.bytes())).toBe(38)
  })

  test('what is left below send_batch_size waits', async () => {
    const { processor, sink } = start({ send_batch_size: 10, send_batch_max_size: 15 })
    await processor.consume(batch(29), EMPTY_CONTEXT)
    expect(sink.batches.map(({ items }) => items)).toEqual([15, 14])
    await processor.consume(batch(24, 2), EMPTY_CONTEXT)
    expect(sink.batches.map(({ items }) => items)).toEqual([15, 14, 15])
  })

  test('a chunk that fits is passed as it came, with what the sender compressed', async () => {
    const { processor, sink } = start({ send_batch_size: 4, send_batch_max_size: 8 })
    const bytes = tracesRequest({ spans: 4 })
    const chunk = { bytes, items: 4, compressed: { coding: 'gzip', bytes: new Uint8Array([1]) } } as const
    await processor.consume(createBatch('traces', [chunk]), EMPTY_CONTEXT)
    expect(sink.batches[0]?.chunks[0]).toBe(chunk)
  })

  test.each([
    ['logs', logsRequest],
    ['metrics', metricsRequest],
  ] as const)('%s too: each batch is full, and has what it says', async (signal, request) => {
    const { processor, sink } = start({ send_batch_size: 10, send_batch_max_size: 10 }, signal)
    for (const items of [6, 7, 25]) {
      await processor.consume(createBatch(signal, [{ bytes: request(items), items }]), EMPTY_CONTEXT)
    }
    await processor.shutdown(AbortSignal.timeout(1000))
    expect(sink.batches.map(({ items }) => items)).toEqual([10, 10, 10, 8])
    const counts = sink.batches.map(({ chunks }) => chunks.map(({ bytes }) => countItems(signal, bytes)))
    expect(counts).toEqual(sink.batches.map(({ chunks }) => chunks.map(({ items }) => items)))
  })
})

describe('when the next stage refuses', () => {
  test('for a while: the batch is kept and sent again', async () => {
    const { processor, sink, context } = start({ send_batch_size: 1 })
    let refusals = 2
    sink.intercept = () => {
      if (refusals-- > 0) throw new CollectorError('overloaded', 'full')
    }
    await processor.consume(batch(5), EMPTY_CONTEXT)
    await sink.waitFor(5)
    expect(sink.items).toBe(5)
    expect(context.value('otelcol_processor_dropped_items')).toBe(0)
  })

  test('for as long as it asks: it is not tried before', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { processor, sink } = start({ send_batch_size: 1 })
    let asked = 0
    sink.intercept = () => {
      if (asked++ === 0) throw new CollectorError('overloaded', 'full', { retryAfterMs: 20_000 })
    }
    await processor.consume(batch(5), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(19_000)
    expect(asked).toBe(1)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(sink.items).toBe(5)
  })

  test('for good: counted with its reason, and logged', async () => {
    const { processor, sink, context } = start({ send_batch_size: 1 })
    sink.intercept = () => {
      throw new CollectorError('invalid_data', 'no such tenant')
    }
    await processor.consume(batch(5), EMPTY_CONTEXT)
    await processor.shutdown(AbortSignal.timeout(1000))
    expect(context.value('otelcol_processor_dropped_items', { reason: 'invalid_data' })).toBe(5)
    expect(context.logger.lines.at(-1)).toMatchObject({
      message: 'Sender failed. Dropping data.',
      fields: { error: 'no such tenant', dropped_items: 5 },
    })
  })

  test('not at all, up to the deadline of shutdown: counted once', async () => {
    const { processor, sink, context } = start({ send_batch_size: 1 })
    sink.intercept = () => new Promise<void>(() => {})
    await processor.consume(batch(5), EMPTY_CONTEXT)
    await processor.shutdown(AbortSignal.timeout(30))
    await processor.shutdown(AbortSignal.timeout(30))
    processor.finish?.()
    processor.finish?.()
    expect(context.value('otelcol_processor_dropped_items', { reason: 'unavailable' })).toBe(0)
    expect(context.value('otelcol_processor_dropped_items', { reason: 'shutdown' })).toBe(5)
  })

  test('until the deadline of shutdown: counted as such', async () => {
    const { processor, sink, context } = start({ send_batch_size: 1 })
    sink.intercept = () => {
      throw new CollectorError('unavailable', 'down')
    }
    await processor.consume(batch(5), EMPTY_CONTEXT)
    await processor.shutdown(AbortSignal.timeout(30))
    processor.finish?.()
    expect(context.value('otelcol_processor_dropped_items', { reason: 'shutdown' })).toBe(5)
  })

  describe('where what may be held is held', () => {
    const one = batch(5)

    /** A next stage that takes nothing until it is let, and as much as may be held. */
    async function full(input: object = {}) {
      const started = start({ send_batch_size: 1, max_held_bytes: one.byteLength * 2, ...input })
      const releases: (() => void)[] = []
      started.sink.intercept = () => new Promise<void>((resolve) => releases.push(resolve))
      await started.processor.consume(batch(5), EMPTY_CONTEXT)
      await started.processor.consume(batch(5), EMPTY_CONTEXT)
      const value = (name: string): number => started.context.value(`otelcol_processor_batch_${name}`)
      return { ...started, releases, value }
    }

    test('senders wait for room, one after the other', async () => {
      const { processor, sink, releases, value } = await full()
      const entered: number[] = []
      const waiting = [3, 4].map((place) =>
        processor.consume(batch(5), EMPTY_CONTEXT).then(() => void entered.push(place)),
      )
      expect(value('delayed_requests')).toBe(2)
      expect(value('held_bytes')).toBe(one.byteLength * 2)
      releases[0]!()
      await waiting[0]
      expect(entered).toEqual([3])
      expect(value('held_bytes')).toBe(one.byteLength * 2)
      releases[1]!()
      await waiting[1]
      sink.intercept = undefined
      for (const release of releases) release()
      await sink.waitFor(20)
      expect(value('refused_requests')).toBe(0)
    })

    test('who comes while somebody waits passes nobody, however small it is', async () => {
      const { processor, releases } = await full({ max_held_bytes: one.byteLength * 2 + batch(1).byteLength })
      const entered: string[] = []
      const large = processor.consume(one, EMPTY_CONTEXT).then(() => void entered.push('large'))
      const small = processor.consume(batch(1), EMPTY_CONTEXT).then(() => void entered.push('small'))
      releases[0]!()
      await Promise.all([large, small])
      expect(entered).toEqual(['large', 'small'])
    })

    test('who has waited for too long is told to come again, before it gives up by itself', async () => {
      const { processor, value } = await full({ max_wait: '10ms' })
      const refusal = { code: 'overloaded', retryable: true, retryAfterMs: 1000 }
      await expect(processor.consume(batch(5), EMPTY_CONTEXT)).rejects.toMatchObject(refusal)
      const hurried = await full({ max_wait: '1h' })
      const context = { ...EMPTY_CONTEXT, deadline: performance.now() + 100 }
      await expect(hurried.processor.consume(batch(5), context)).rejects.toMatchObject(refusal)
      expect(value('refused_requests')).toBe(1)
      expect(value('held_bytes')).toBe(one.byteLength * 2)
    })

    test('who has left, and all when it is shut down, are not taken', async () => {
      const { processor, sink } = await full({ max_wait: '1h' })
      const leaving = new AbortController()
      const gone = processor.consume(batch(5), { ...EMPTY_CONTEXT, signal: leaving.signal })
      const patient = processor.consume(batch(5), EMPTY_CONTEXT)
      leaving.abort()
      await expect(gone).rejects.toMatchObject({ code: 'unavailable' })
      const shutdown = processor.shutdown(AbortSignal.abort())
      await expect(patient).rejects.toThrow('shutting down')
      await shutdown
      expect(sink.items).toBe(0)
    })

    test('room that others make in the memory for bytes in flight is found, too', async () => {
      const budget = createBudget(8 * one.byteLength)
      const other = budget.keeper()
      other.add(3 * one.byteLength)
      const { processor, sink } = start({ send_batch_size: 20, max_wait: '1h' }, 'traces', budget)
      await processor.consume(batch(1), EMPTY_CONTEXT)
      const waiting = processor.consume(batch(5), EMPTY_CONTEXT)
      other.remove(3 * one.byteLength)
      await waiting
      await processor.shutdown(AbortSignal.timeout(1000))
      expect(sink.items).toBe(6)
    })
  })

  test('a batch larger than the bound still gets through alone', async () => {
    const { processor, sink } = start({ send_batch_size: 1, max_held_bytes: 10 })
    await processor.consume(batch(5), EMPTY_CONTEXT)
    expect(sink.items).toBe(5)
  })
})

describe('the budget for bytes in flight', () => {
  const compressedBytes = 100
  /** With the compressed form that it came in. */
  const whole = (items: number): TelemetryBatch => {
    const [{ bytes } = { bytes: new Uint8Array() }] = batch(items).chunks
    return createBatch('traces', [
      { bytes, items, compressed: { coding: 'gzip', bytes: new Uint8Array(compressedBytes) } },
    ])
  }

  test('counts what is held, in all its forms, until the next stage has taken it', async () => {
    const budget = createBudget()
    const { processor, sink } = start({ send_batch_size: 10 }, 'traces', budget)
    const one = whole(6)
    await processor.consume(one, EMPTY_CONTEXT)
    expect(budget.used).toBe(one.byteLength + compressedBytes)
    let release = (): void => {}
    sink.intercept = () => new Promise<void>((resolve) => (release = resolve))
    await processor.consume(whole(6), EMPTY_CONTEXT)
    expect(budget.used).toBe(2 * (one.byteLength + compressedBytes))
    release()
    await sink.waitFor(12)
    await vi.waitFor(() => expect(budget.used).toBe(0))
  })

  test('without room in it the sender waits for what waits for company, which goes', async () => {
    const size = batch(5).byteLength
    const budget = createBudget(size * 4)
    const { processor, sink } = start({ max_held_bytes: size * 4, max_wait: '1h' }, 'traces', budget)
    // The sender's own share of it does no harm, as it is given back.
    const received = budget.take(size * 4, 'pipeline')!
    await processor.consume(batch(5), EMPTY_CONTEXT)
    received.release()
    await processor.consume(batch(5), EMPTY_CONTEXT)
    expect(sink.items).toBe(5)
    expect(budget.used).toBe(size)
  })

  test('without room in it for long the sender is told to come again', async () => {
    const size = batch(5).byteLength
    const { processor, sink } = start({ max_held_bytes: size * 4, max_wait: 0 }, 'traces', createBudget(size * 4))
    sink.intercept = () => new Promise<void>(() => {})
    await processor.consume(batch(5), EMPTY_CONTEXT)
    const answer = processor.consume(batch(5), EMPTY_CONTEXT)
    await expect(answer).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 1000 })
    await expect(answer).rejects.toThrow('the queues of the collector hold')
  })

  test('comes out even when batches are split, and when they are lost', async () => {
    const budget = createBudget()
    const { processor, sink } = start({ send_batch_size: 4, send_batch_max_size: 4 }, 'traces', budget)
    sink.intercept = ({ items }) => {
      if (items < 4) throw new CollectorError('invalid_data', 'never')
    }
    await processor.consume(whole(10), EMPTY_CONTEXT)
    await processor.shutdown(AbortSignal.timeout(1000))
    expect(sink.items).toBe(8)
    expect(budget.used).toBe(0)
  })

  test('is left to the sender where that waits for the next stage', async () => {
    const budget = createBudget(1)
    const { processor, sink } = start(
      { send_batch_size: 100, acknowledge: 'exported', max_held_bytes: 1_000_000 },
      'traces',
      budget,
    )
    const answers = [processor.consume(batch(5), EMPTY_CONTEXT), processor.consume(batch(5), EMPTY_CONTEXT)]
    expect(budget.used).toBe(0)
    await processor.shutdown(AbortSignal.timeout(1000))
    await Promise.all(answers)
    expect(sink.items).toBe(10)
  })
})

describe('acknowledge: exported', () => {
  test('answers when the next stage has taken all parts', async () => {
    const { processor, sink } = start({ send_batch_size: 4, send_batch_max_size: 4, acknowledge: 'exported' })
    const releases: (() => void)[] = []
    sink.intercept = () => new Promise<void>((resolve) => releases.push(resolve))
    let answered = false
    const taken = processor.consume(batch(8), EMPTY_CONTEXT).then(() => (answered = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(releases.length).toBe(2)
    releases[0]!()
    await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    releases[1]!()
    await taken
    expect(sink.items).toBe(8)
  })

  test('hands a refusal back instead of trying again itself', async () => {
    const { processor, sink, context } = start({ send_batch_size: 1, acknowledge: 'exported' })
    sink.intercept = () => {
      throw new CollectorError('unavailable', 'down')
    }
    await expect(processor.consume(batch(3), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'down',
    })
    expect(context.value('otelcol_processor_dropped_items')).toBe(0)
  })
})

test('what the next stage has freed is given back to the budget all the same', async () => {
  const budget = createBudget()
  const { processor, sink } = start({}, 'traces', budget)
  sink.intercept = freeMemory
  await processor.consume(ownedBatchOf(tracesRequest({ spans: 4 }), 4), EMPTY_CONTEXT)
  await processor.shutdown(AbortSignal.timeout(1000))
  expect([sink.bytes().length, budget.used]).toEqual([0, 0])
})

describe('metadata_keys', () => {
  const from = (metadata: Record<string, string[]>): DeliveryContext => {
    return { ...EMPTY_CONTEXT, metadata: new Map(Object.entries(metadata)), peer: '10.0.0.7:4711', deadline: 1 }
  }

  test('what came with the same values goes together, and these with it', async () => {
    const { processor, sink, context } = start({ send_batch_size: 3, metadata_keys: ['X-Tenant', 'region'] })
    const acme = { 'x-tenant': ['acme'], region: ['eu', 'us'] }
    await processor.consume(batch(2, 1), from({ ...acme, other: ['1'] }))
    await processor.consume(batch(2, 2), from({ 'x-tenant': ['globex'], region: ['eu', 'us'] }))
    await processor.consume(batch(2, 3), from({ ...acme, region: ['us', 'eu'] }))
    await processor.consume(batch(2, 4), from({}))
    expect(sink.batches).toEqual([])
    expect(context.value('otelcol_processor_batch_metadata_cardinality')).toBe(4)
    await processor.consume(batch(1, 5), from({ ...acme, other: ['2'] }))
    expect(sink.batches.map(({ items }) => items)).toEqual([3])
    await processor.shutdown(AbortSignal.timeout(5000))
    expect(sink.batches.map(({ items }) => items)).toEqual([3, 2, 2, 2])
    expect(sink.contexts).toEqual([
      { ...EMPTY_CONTEXT, metadata: new Map(Object.entries(acme)) },
      { ...EMPTY_CONTEXT, metadata: new Map(Object.entries({ 'x-tenant': ['globex'], region: ['eu', 'us'] })) },
      { ...EMPTY_CONTEXT, metadata: new Map(Object.entries({ ...acme, region: ['us', 'eu'] })) },
      EMPTY_CONTEXT,
    ])
  })

  test('without them nothing goes on of who sent it', async () => {
    const { processor, sink } = start({ send_batch_size: 2 })
    await processor.consume(batch(1, 1), from({ 'x-tenant': ['acme'] }))
    await processor.consume(batch(1, 2), from({ 'x-tenant': ['globex'] }))
    expect(sink.contexts).toEqual([EMPTY_CONTEXT])
  })

  test('combinations of values beyond the limit are refused for good, the others go on', async () => {
    const { processor } = start({ metadata_keys: 'tenant', metadata_cardinality_limit: 2 })
    await processor.consume(batch(1), from({ tenant: ['a'] }))
    await processor.consume(batch(1), from({ tenant: ['b'] }))
    await expect(processor.consume(batch(1), from({ tenant: ['c'] }))).rejects.toSatisfy(
      (error: CollectorError) =>
        !error.retryable && statusOf(error).grpc === GRPC.INTERNAL && /too many/.test(error.message),
    )
    await processor.consume(batch(1), from({ tenant: ['a'] }))
  })

  test('0 is no limit; a key that is there twice is refused', async () => {
    const { processor } = start({ metadata_keys: ['tenant'], metadata_cardinality_limit: 0 })
    for (let index = 0; index < 1001; index++) await processor.consume(batch(1), from({ tenant: [`t${index}`] }))
    expect(batchProcessor.config.safeParse({ metadata_keys: ['Tenant', 'tenant'] }).success).toBe(false)
  })
})
