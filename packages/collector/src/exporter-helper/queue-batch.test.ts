import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countItems, createBatch, type TelemetryBatch } from '@spoor/otlp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { CollectorError, EMPTY_CONTEXT, NO_OVERVIEW, type DeliveryContext, type Host } from '../component/index.ts'
import { createTestLogger, logsRequest, metricsRequest, spanIdsIn } from '../testkit/index.ts'
import { batch, FAST, gate, keys, start, TAKEN, type Started } from './fixture.ts'
import { QueueFile } from './queue-file.ts'

const FOREVER = '1000h'
const idsOf = (batches: readonly TelemetryBatch[]): string[] =>
  batches.flatMap(({ chunks }) => chunks.flatMap(({ bytes }) => spanIdsIn(bytes)))
const itemsOf = (attempts: readonly TelemetryBatch[]): number[] => attempts.map(({ items }) => items)

/** An exporter that takes everything, with this `batch`. */
function taking(queueBatch: object, queue: object = {}): Started {
  return start({ sending_queue: { num_consumers: 1, ...queue, batch: queueBatch } }, () => TAKEN)
}

describe('batch in a queue', () => {
  test('joins requests until they have min_size, without copying a byte', async () => {
    const { exporter, attempts } = taking({ min_size: 10, flush_timeout: FOREVER })
    const batches = [batch(4, 1), batch(4, 2), batch(4, 3), batch(4, 4)]
    for (const each of batches) await exporter.consume(each, EMPTY_CONTEXT)
    expect(itemsOf(attempts)).toEqual([12])
    expect(attempts[0]!.chunks).toEqual(batches.slice(0, 3).map(({ chunks }) => chunks[0]))
    // The rest goes at the end.
    await exporter.shutdown(AbortSignal.timeout(10_000))
    expect(itemsOf(attempts)).toEqual([12, 4])
    expect(idsOf(attempts)).toEqual(idsOf(batches))
  })

  test('sends what is smaller after flush_timeout, counted from its first request', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { exporter, context, attempts } = taking({ min_size: 100, flush_timeout: '1s' })
    await exporter.consume(batch(4), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(600)
    await exporter.consume(batch(4), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(399)
    expect([itemsOf(attempts), context.value('otelcol_exporter_queue_size')]).toEqual([[], 2])
    await vi.advanceTimersByTimeAsync(1)
    expect([itemsOf(attempts), context.value('otelcol_exporter_queue_size')]).toEqual([[8], 0])
    await exporter.consume(batch(3), EMPTY_CONTEXT)
    await vi.advanceTimersByTimeAsync(1000)
    expect(itemsOf(attempts)).toEqual([8, 3])
  })

  test.each([
    [{ min_size: 10, max_size: 10 }, [10, 10, 10, 5]],
    [{ min_size: 0, max_size: 3 }, [3, 3, 1, 3, 3, 1, 3, 3, 1, 3, 3, 1, 3, 3, 1]],
    [{ min_size: 8, max_size: 9 }, [9, 9, 9, 8]],
  ])('%o splits at max_size, in the order of the spans', async (sizes, expected) => {
    const { exporter, context, attempts } = taking({ ...sizes, flush_timeout: FOREVER })
    const batches = [1, 2, 3, 4, 5].map((seed) => batch(7, seed))
    for (const each of batches) await exporter.consume(each, EMPTY_CONTEXT)
    await exporter.shutdown(AbortSignal.timeout(10_000))
    expect(itemsOf(attempts)).toEqual(expected)
    expect(idsOf(attempts)).toEqual(idsOf(batches))
    expect(context.value('otelcol_exporter_sent_spans')).toBe(35)
    expect(context.value('otelcol_exporter_queue_size')).toBe(0)
  })

  test('in bytes: no message is larger, but a span that is so alone', async () => {
    const big = batch(40, 1)
    const max = Math.floor(big.byteLength / 3)
    const { exporter, attempts } = taking({ sizer: 'bytes', min_size: 1, max_size: max, flush_timeout: FOREVER })
    await exporter.consume(big, EMPTY_CONTEXT)
    await exporter.shutdown(AbortSignal.timeout(10_000))
    expect(attempts.every(({ byteLength }) => byteLength <= max)).toBe(true)
    expect(attempts.length).toBeLessThan(6)
    expect(idsOf(attempts)).toEqual(idsOf([big]))
    const tiny = taking({ sizer: 'bytes', min_size: 1, max_size: 10, flush_timeout: FOREVER })
    await tiny.exporter.consume(batch(3), EMPTY_CONTEXT)
    await tiny.exporter.shutdown(AbortSignal.timeout(10_000))
    expect(itemsOf(tiny.attempts)).toEqual([1, 1, 1])
  })

  test('never mixes signals, and divides metrics and logs too', async () => {
    const { exporter, attempts } = taking({ min_size: 6, max_size: 7, flush_timeout: FOREVER })
    const logs = createBatch('logs', [{ bytes: logsRequest(5), items: 5 }])
    const points = createBatch('metrics', [{ bytes: metricsRequest(20), items: 20 }])
    await exporter.consume(batch(4), EMPTY_CONTEXT)
    await exporter.consume(logs, EMPTY_CONTEXT)
    await exporter.consume(logs, EMPTY_CONTEXT)
    await exporter.consume(points, EMPTY_CONTEXT)
    await exporter.consume(batch(2), EMPTY_CONTEXT)
    await exporter.shutdown(AbortSignal.timeout(10_000))
    const sent = attempts.map(({ signal, items }) => `${signal} ${items}`)
    expect(sent.toSorted()).toEqual(['logs 3', 'logs 7', 'metrics 6', 'metrics 7', 'metrics 7', 'traces 6'])
    for (const { signal, items, chunks } of attempts) {
      expect(chunks.reduce((sum, { bytes }) => sum + countItems(signal, bytes), 0)).toBe(items)
    }
  })

  test('a full queue sends what waits for company', async () => {
    const { exporter, attempts } = taking({ min_size: 100, flush_timeout: FOREVER }, { queue_size: 2 })
    await exporter.consume(batch(1), EMPTY_CONTEXT)
    await exporter.consume(batch(1), EMPTY_CONTEXT)
    await expect(exporter.consume(batch(1), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'overloaded',
      retryable: true,
    })
    expect(itemsOf(attempts)).toEqual([2])
    await exporter.consume(batch(1), EMPTY_CONTEXT)
    const blocking = taking({ min_size: 100, flush_timeout: FOREVER }, { queue_size: 2, block_on_overflow: true })
    for (let index = 0; index < 3; index++) await blocking.exporter.consume(batch(1), EMPTY_CONTEXT)
    expect(itemsOf(blocking.attempts)).toEqual([2])
  })

  test('wait_for_result: each caller hears of all of its own spans', async () => {
    const { exporter } = start(
      {
        sending_queue: {
          wait_for_result: true,
          num_consumers: 1,
          batch: { min_size: 4, max_size: 4, flush_timeout: FOREVER },
        },
      },
      (_, __, attempt) => {
        if (attempt === 2) throw new CollectorError('permission_denied', 'no')
        return TAKEN
      },
    )
    const outcome = (promise: Promise<void>) => promise.then(() => 'ok').catch((error: CollectorError) => error.code)
    // 3 + 1 | 4 | 1 + 3
    const answers = [3, 6, 3].map((items, index) => outcome(exporter.consume(batch(items, index), EMPTY_CONTEXT)))
    expect(await Promise.all(answers)).toEqual(['ok', 'permission_denied', 'ok'])
  })

  test('what is lost is counted once, whatever it was joined from', async () => {
    const { exporter, context } = start({ sending_queue: { batch: { min_size: 6, flush_timeout: FOREVER } } }, () => {
      throw new CollectorError('invalid_data', 'bad')
    })
    for (let seed = 0; seed < 3; seed++) await exporter.consume(batch(2, seed), EMPTY_CONTEXT)
    await exporter.shutdown(AbortSignal.timeout(10_000))
    exporter.finish?.()
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'invalid_data' })).toBe(6)
    expect(context.logger.lines.at(-1)?.fields).toMatchObject({ total_dropped_items: 6 })
  })

  test('a throttled batch waits whole, only one that is too large is split', async () => {
    const { exporter, context, attempts } = start(
      { retry_on_failure: FAST, sending_queue: { batch: { min_size: 8, flush_timeout: FOREVER } } },
      (sent, _, attempt) => {
        if (attempt <= 3) throw new CollectorError('overloaded', 'slow down', { retryAfterMs: 1 })
        if (sent.items > 4) throw new CollectorError('too_large', 'message larger than max')
        return TAKEN
      },
    )
    await exporter.consume(batch(4, 1), EMPTY_CONTEXT)
    await exporter.consume(batch(4, 2), EMPTY_CONTEXT)
    await vi.waitFor(() => expect(context.value('otelcol_exporter_sent_spans')).toBe(8))
    expect(itemsOf(attempts)).toEqual([8, 8, 8, 8, 4, 4])
  })

  test('counts in the budget until all of a request was sent', async () => {
    const { opened, open } = gate()
    const { exporter, context } = start(
      { sending_queue: { num_consumers: 1, batch: { min_size: 2, max_size: 2, flush_timeout: FOREVER } } },
      async (_, __, attempt) => {
        if (attempt === 2) await opened
        return TAKEN
      },
    )
    const whole = batch(4)
    await exporter.consume(whole, EMPTY_CONTEXT)
    await vi.waitFor(() => expect(context.value('otelcol_exporter_sent_spans')).toBe(2))
    expect([context.budget.used, context.value('otelcol_exporter_queue_size')]).toEqual([whole.byteLength, 1])
    open()
    await exporter.shutdown(AbortSignal.timeout(10_000))
    expect(context.budget.used).toBe(0)
  })
})

const from = (tenant: string | undefined): DeliveryContext => ({
  ...EMPTY_CONTEXT,
  metadata: new Map([['other', ['x']], ...(tenant === undefined ? [] : [['tenant', [tenant]] as const])]),
})

test('partition.metadata_keys: what came with other values is never joined, and goes with them', async () => {
  const started = taking({ min_size: 4, flush_timeout: FOREVER, partition: { metadata_keys: ['Tenant'] } })
  const { exporter, attempts } = started
  for (const tenant of ['a', 'b', undefined, 'a', '']) await exporter.consume(batch(2), from(tenant))
  expect(itemsOf(attempts)).toEqual([4])
  await exporter.shutdown(AbortSignal.timeout(10_000))
  expect(itemsOf(attempts)).toEqual([4, 2, 2, 2])
})

describe('in a persistent queue', () => {
  function place(): string {
    const directory = mkdtempSync(join(tmpdir(), 'spoor-queue-batch-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    return join(directory, 'queue.sqlite')
  }

  const hostOf = (file: string): Host => ({
    extension: () => ({
      storage: { fileOf: () => file, fsync: false },
      start: async () => {},
      shutdown: async () => {},
    }),
    fail: () => {},
    overview: () => NO_OVERVIEW,
  })
  const queue = (queueBatch: object): object => ({
    retry_on_failure: { enabled: false },
    sending_queue: { storage: 'file_storage', num_consumers: 1, batch: { flush_timeout: FOREVER, ...queueBatch } },
  })

  test('requests are joined and split, and parts that were sent are not sent again after a restart', async () => {
    const file = place()
    let down = false
    const first = start(queue({ min_size: 4, max_size: 4 }), () => {
      if (down) throw new CollectorError('unavailable', 'down', { retryAfterMs: 3_600_000 })
      down = true
      return TAKEN
    })
    await first.exporter.start(hostOf(file))
    const batches = [batch(3, 1), batch(7, 2)]
    await Promise.all(batches.map((each) => first.exporter.consume(each, EMPTY_CONTEXT)))
    await vi.waitFor(() => expect(itemsOf(first.attempts)).toEqual([4, 4]))
    await first.exporter.shutdown(AbortSignal.timeout(10_000))
    first.exporter.finish?.()
    expect(first.context.value('otelcol_exporter_send_failed_spans')).toBe(0)
    const second = start(queue({ min_size: 4, max_size: 4 }), () => TAKEN)
    await second.exporter.start(hostOf(file))
    await vi.waitFor(() => expect(second.context.value('otelcol_exporter_sent_spans')).toBe(4))
    expect(second.context.value('otelcol_exporter_queue_size')).toBe(1)
    await second.exporter.shutdown(AbortSignal.timeout(10_000))
    const left = QueueFile.open(file, { fsync: false, logger: createTestLogger() })
    onTestFinished(() => left.close())
    const kept = left.found.map((stored) => left.get(stored))
    expect(itemsOf(kept)).toEqual([2])
    const all = [first.attempts[0]!, ...second.attempts, ...kept]
    expect(idsOf(all).toSorted()).toEqual(idsOf(batches).toSorted())
  })

  test('a request that is too large is divided once, and not written anew for each part that is sent', async () => {
    const file = place()
    const { exporter, attempts } = start(queue({ min_size: 4, max_size: 4 }), () => {
      throw new CollectorError('unavailable', 'down', { retryAfterMs: 3_600_000 })
    })
    await exporter.start(hostOf(file))
    const whole = batch(18)
    await exporter.consume(whole, EMPTY_CONTEXT)
    await vi.waitFor(() => expect(itemsOf(attempts)).toEqual([4]))
    await exporter.shutdown(AbortSignal.timeout(10_000))
    const left = QueueFile.open(file, { fsync: false, logger: createTestLogger() })
    onTestFinished(() => left.close())
    expect(left.found.map(({ items }) => items)).toEqual([4, 4, 4, 4, 2])
    expect(idsOf(left.found.map((stored) => left.get(stored)))).toEqual(idsOf([whole]))
  })

  test('partitions stay apart over a restart', async () => {
    const file = place()
    const partition = { metadata_keys: ['tenant'] }
    const first = start(queue({ min_size: 100, partition }), () => TAKEN)
    await first.exporter.start(hostOf(file))
    for (const tenant of ['a', 'b', 'a']) await first.exporter.consume(batch(2), from(tenant))
    await first.exporter.shutdown(AbortSignal.timeout(10_000))
    expect(first.attempts).toEqual([])
    const second = start(queue({ min_size: 3, partition }), () => TAKEN)
    await second.exporter.start(hostOf(file))
    await vi.waitFor(() => expect(second.context.value('otelcol_exporter_queue_size')).toBe(1))
    expect(itemsOf(second.attempts)).toEqual([4])
  })

  test('a batch that a peer refuses for now stays, and comes again', async () => {
    let calls = 0
    const { exporter, context, attempts } = start(queue({ min_size: 6 }), () => {
      if (++calls === 1) throw new CollectorError('unavailable', 'down', { retryAfterMs: 1 })
      return TAKEN
    })
    await exporter.start(hostOf(place()))
    await Promise.all([batch(3, 1), batch(3, 2)].map((each) => exporter.consume(each, EMPTY_CONTEXT)))
    await vi.waitFor(() => expect(context.value('otelcol_exporter_queue_size')).toBe(0))
    expect(itemsOf(attempts)).toEqual([6, 6])
    expect(context.value('otelcol_exporter_send_failed_spans')).toBe(0)
    expect(context.budget.used).toBe(0)
  })
})

describe('keys', () => {
  const parse = (queue: object) => keys.safeParse({ sending_queue: queue })

  test('off unless it is written; all defaults where only its name is', () => {
    const defaults = {
      flush_timeout: 200,
      min_size: 8192,
      max_size: 0,
      sizer: 'items',
      partition: { metadata_keys: [] },
    }
    expect(parse({}).data?.sending_queue.batch).toBeUndefined()
    expect(parse({ batch: { enabled: false, min_size: 5 } }).data?.sending_queue.batch).toBeUndefined()
    for (const written of [null, {}, { enabled: true }]) {
      expect(parse({ batch: written, queue_size: 10_000 }).data?.sending_queue.batch).toEqual(defaults)
    }
    const inherited = parse({ sizer: 'bytes', queue_size: 10_000, batch: {} })
    expect(inherited.data?.sending_queue.batch?.sizer).toBe('bytes')
  })

  test.each([
    [{ batch: { min_size: 10, max_size: 5 } }, '`max_size` (5) must be greater or equal to `min_size` (10)'],
    [
      { sizer: 'items', queue_size: 10, batch: { min_size: 20 } },
      '`min_size` must be less than or equal to `queue_size`',
    ],
    [{ sizer: 'requests', batch: {} }, '`batch` supports only `items` or `bytes` sizer, found "requests"'],
    [{ batch: { flush_timeout: 0 } }, '`flush_timeout` must be positive'],
    [{ batch: { minsize: 1 } }, 'unknown key; did you mean "min_size"?'],
    [{ num_consumers: 0 }, 'expected number to be >=1'],
    [{ storage: 'file_storage', wait_for_result: true }, '`wait_for_result` is not supported with a persistent queue'],
  ])('%o is refused', (queue, message) => {
    expect(
      parse(queue)
        .error?.issues.map((issue) => issue.message)
        .join('\n'),
    ).toContain(message)
  })
})
