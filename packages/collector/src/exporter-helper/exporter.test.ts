import { countItems, countSpans, createBatch, type TelemetryBatch } from '@spoor/otlp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { CollectorError, createBudget, EMPTY_CONTEXT } from '../component/index.ts'
import { isThere, ownedBatchOf } from '../exporters/fixture.ts'
import { logsRequest, metricsRequest, tracesRequest } from '../testkit/index.ts'
import type { SendResult } from './exporter.ts'
import { batch, FAST, gate, start, TAKEN } from './fixture.ts'

const NO_QUEUE = { sending_queue: { enabled: false } }
const unavailable = (retryAfterMs?: number): CollectorError =>
  new CollectorError('unavailable', 'down', retryAfterMs === undefined ? {} : { retryAfterMs })

describe('status', () => {
  test('recoverable while it retries, ok when it sends again', async () => {
    const seen: string[] = []
    const { exporter, context } = start({ ...NO_QUEUE, retry_on_failure: FAST }, (_, __, attempt) => {
      seen.push(context.status.event.status)
      if (attempt < 3) throw unavailable()
      return TAKEN
    })
    await exporter.consume(batch(1), EMPTY_CONTEXT)
    expect(seen).toEqual(['starting', 'recoverable_error', 'recoverable_error'])
    expect(context.status.event).toMatchObject({ status: 'ok', message: '' })
  })

  test('permanent where it is refused for good, until something is taken', async () => {
    let code: 'unauthenticated' | undefined = 'unauthenticated'
    const { exporter, context } = start(NO_QUEUE, () => {
      if (code) throw new CollectorError(code, 'who are you?')
      return TAKEN
    })
    await expect(exporter.consume(batch(1), EMPTY_CONTEXT)).rejects.toThrow()
    expect(context.status.event).toMatchObject({ status: 'permanent_error', message: 'who are you?' })
    code = undefined
    await exporter.consume(batch(1), EMPTY_CONTEXT)
    expect(context.status.event.status).toBe('ok')
  })

  test('one bad batch is not the fault of a peer that has taken others', async () => {
    let isBad = true
    const { exporter, context } = start(NO_QUEUE, () => {
      if (isBad) throw new CollectorError('invalid_data', 'bad')
      return TAKEN
    })
    await expect(exporter.consume(batch(1), EMPTY_CONTEXT)).rejects.toThrow()
    expect(context.status.event.status).toBe('permanent_error')
    isBad = false
    await exporter.consume(batch(1), EMPTY_CONTEXT)
    isBad = true
    await expect(exporter.consume(batch(1), EMPTY_CONTEXT)).rejects.toThrow()
    expect(context.status.event.status).toBe('ok')
  })
})

describe('retry', () => {
  test('until the peer takes it', async () => {
    const { exporter, context, attempts } = start({ ...NO_QUEUE, retry_on_failure: FAST }, (_, __, attempt) => {
      if (attempt < 3) throw unavailable()
      return TAKEN
    })
    await exporter.consume(batch(5), EMPTY_CONTEXT)
    expect(attempts.length).toBe(3)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(5)
    expect(context.value('otelcol_exporter_send_failed_spans')).toBe(0)
  })

  test('not what is refused for good', async () => {
    const { exporter, context, attempts } = start({ ...NO_QUEUE, retry_on_failure: FAST }, () => {
      throw new CollectorError('invalid_data', 'bad')
    })
    await expect(exporter.consume(batch(5), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'invalid_data' })
    expect(attempts.length).toBe(1)
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'invalid_data' })).toBe(5)
  })

  test('not when it is off', async () => {
    const { exporter, attempts } = start({ ...NO_QUEUE, retry_on_failure: { enabled: false } }, () => {
      throw unavailable()
    })
    await expect(exporter.consume(batch(1), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    })
    expect(attempts.length).toBe(1)
  })

  test('no longer than max_elapsed_time, counting what the peer asks to wait', async () => {
    const { exporter, context, attempts } = start(
      { ...NO_QUEUE, retry_on_failure: { ...FAST, max_elapsed_time: '1m' } },
      () => {
        throw unavailable(3_600_000)
      },
    )
    await expect(exporter.consume(batch(2), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'unavailable' })
    expect(attempts.length).toBe(1)
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'unavailable' })).toBe(2)
  })

  test('after a timeout of one attempt, which is told to give up', async () => {
    let aborted = 0
    const { exporter, attempts } = start(
      { ...NO_QUEUE, timeout: 10, retry_on_failure: FAST },
      async (_, signal, attempt) => {
        if (attempt > 1) return TAKEN
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted++
            reject(new Error('cancelled'))
          })
        })
      },
    )
    await exporter.consume(batch(1), EMPTY_CONTEXT)
    expect([attempts.length, aborted]).toEqual([2, 1])
  })

  test('partial success is counted, logged and not sent again', async () => {
    const { exporter, context, attempts } = start(NO_QUEUE, () => ({ rejected: 2, message: 'two were too old' }))
    await exporter.consume(batch(5), EMPTY_CONTEXT)
    expect(attempts.length).toBe(1)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(3)
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'partial_success' })).toBe(2)
    expect(context.logger.lines).toMatchObject([
      { level: 'warn', message: 'Partial success response', fields: { error: 'two were too old', dropped_items: 2 } },
    ])
  })
})

describe('a message that is too large', () => {
  const atMost =
    (bytes: number) =>
    (sent: TelemetryBatch): SendResult => {
      if (sent.byteLength > bytes) throw new CollectorError('too_large', 'message larger than max')
      return TAKEN
    }

  test('is split in halves until it fits, with nothing lost', async () => {
    const whole = batch(1000)
    const { exporter, context, attempts } = start(NO_QUEUE, atMost(whole.byteLength / 3))
    await exporter.consume(whole, EMPTY_CONTEXT)
    const taken = attempts.filter((attempt) => attempt.byteLength <= whole.byteLength / 3)
    expect(taken.map(({ items }) => items)).toEqual([250, 250, 250, 250])
    expect(taken.reduce((sum, { chunks }) => sum + countSpans(chunks[0]!.bytes), 0)).toBe(1000)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(1000)
    expect(context.value('otelcol_exporter_send_failed_spans')).toBe(0)
  })

  test('the next ones are split before they are sent', async () => {
    const whole = batch(1000)
    const { exporter, attempts } = start(NO_QUEUE, atMost(whole.byteLength * 0.6))
    await exporter.consume(whole, EMPTY_CONTEXT)
    attempts.length = 0
    await exporter.consume(whole, EMPTY_CONTEXT)
    expect(attempts.map(({ items }) => items)).toEqual([500, 500])
  })

  test('a minute later one is sent whole again, and when it is taken all are', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const whole = batch(1000)
    let limit = whole.byteLength * 0.6
    const { exporter, attempts } = start(NO_QUEUE, (sent) => atMost(limit)(sent))
    await exporter.consume(whole, EMPTY_CONTEXT)
    limit = Infinity
    attempts.length = 0
    await exporter.consume(whole, EMPTY_CONTEXT)
    vi.advanceTimersByTime(60_000)
    await exporter.consume(whole, EMPTY_CONTEXT)
    await exporter.consume(whole, EMPTY_CONTEXT)
    expect(attempts.map(({ items }) => items)).toEqual([500, 500, 1000, 1000])
  })

  test('handed back in part: the parts that were sent are not sent again', async () => {
    const chunks = [1, 2, 3, 4].map((seed) => batch(10, seed).chunks[0]!)
    let down = true
    const { exporter, context, attempts } = start({ ...NO_QUEUE, retry_on_failure: { enabled: false } }, (sent) => {
      if (sent.chunks.length > 1) throw new CollectorError('too_large', 'message larger than max')
      if (down && sent.chunks[0] === chunks[2]) throw unavailable()
      return TAKEN
    })
    const whole = createBatch('traces', chunks)
    await expect(exporter.consume(whole, EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    await expect(exporter.consume(whole, EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    down = false
    await exporter.consume(whole, EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(40)
    const single = attempts.filter((attempt) => attempt.chunks.length === 1).map(({ chunks: [one] }) => one)
    expect(single).toEqual([chunks[0], chunks[1], chunks[2], chunks[3], chunks[2], chunks[2]])
    // The account of one batch is closed with it.
    await exporter.consume(whole, EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(80)
  })

  test('parts that may be sent later decide over those that never can', async () => {
    const chunks = [1, 2].map((seed) => batch(10, seed).chunks[0]!)
    const { exporter } = start({ ...NO_QUEUE, retry_on_failure: { enabled: false } }, (sent) => {
      if (sent.chunks.length > 1) throw new CollectorError('too_large', 'message larger than max')
      throw sent.chunks[0] === chunks[0] ? new CollectorError('invalid_data', 'bad') : unavailable()
    })
    await expect(exporter.consume(createBatch('traces', chunks), EMPTY_CONTEXT)).rejects.toMatchObject({
      retryable: true,
    })
  })

  test('chunks stay whole while there are several', async () => {
    const chunks = [1, 2, 3].map((seed) => batch(10, seed).chunks[0]!)
    const { exporter, attempts } = start(NO_QUEUE, atMost(chunks[0]!.bytes.length * 1.5))
    await exporter.consume(createBatch('traces', chunks), EMPTY_CONTEXT)
    expect(attempts.filter((attempt) => attempt.chunks.length === 1).map((attempt) => attempt.chunks[0])).toEqual(
      chunks,
    )
  })

  test('one span that is too large alone is given up, the others are not', async () => {
    const chunks = [
      tracesRequest({ spans: 1 }),
      tracesRequest({ spans: 1, attributes: 200 }),
      tracesRequest({ spans: 1, seed: 3 }),
    ]
    const { exporter, context } = start(NO_QUEUE, atMost(2000))
    const mixed = createBatch(
      'traces',
      chunks.map((bytes) => ({ bytes, items: 1 })),
    )
    await expect(exporter.consume(mixed, EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'too_large' })
    expect(context.value('otelcol_exporter_sent_spans')).toBe(2)
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'too_large' })).toBe(1)
  })

  test('logs and metrics are split too, down to one record or data point', async () => {
    for (const [signal, request] of [
      ['logs', logsRequest],
      ['metrics', metricsRequest],
    ] as const) {
      const { exporter, attempts } = start(NO_QUEUE, atMost(request(1).length + 2))
      await exporter.consume(createBatch(signal, [{ bytes: request(4), items: 4 }]), EMPTY_CONTEXT)
      const sent = attempts.filter(({ items }) => items === 1).map(({ chunks }) => chunks[0]!.bytes)
      expect(sent.map((bytes) => countItems(signal, bytes))).toEqual([1, 1, 1, 1])
    }
  })

  test('one log record that is too large alone is given up', async () => {
    const { exporter, context } = start(NO_QUEUE, atMost(10))
    await expect(
      exporter.consume(createBatch('logs', [{ bytes: logsRequest(4), items: 4 }]), EMPTY_CONTEXT),
    ).rejects.toMatchObject({
      code: 'too_large',
    })
    expect(context.value('otelcol_exporter_send_failed_log_records', { reason: 'too_large' })).toBe(4)
  })
})

describe('sending queue', () => {
  test('answers at once, sends so many at a time, and refuses what does not fit', async () => {
    const { opened, open } = gate()
    let active = 0
    let peak = 0
    const { exporter, context, attempts } = start({ sending_queue: { num_consumers: 2, queue_size: 4 } }, async () => {
      peak = Math.max(peak, ++active)
      await opened
      active--
      return TAKEN
    })
    for (let index = 0; index < 4; index++) await exporter.consume(batch(3), EMPTY_CONTEXT)
    await expect(exporter.consume(batch(3), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'overloaded',
      retryable: true,
      message: 'sending queue is full (queue_size: 4 requests)',
    })
    expect(attempts.length).toBe(2)
    expect(context.value('otelcol_exporter_queue_size')).toBe(4)
    expect(context.value('otelcol_exporter_queue_capacity')).toBe(4)
    expect(context.value('otelcol_exporter_enqueue_failed_spans')).toBe(3)
    open()
    await exporter.shutdown(AbortSignal.timeout(1000))
    expect([attempts.length, peak]).toEqual([4, 2])
    expect(context.value('otelcol_exporter_sent_spans')).toBe(12)
    expect(context.value('otelcol_exporter_queue_size')).toBe(0)
  })

  test.each([
    [{ sizer: 'items', queue_size: 10 }, 'sending queue is full (queue_size: 10 items)'],
    [{ sizer: 'bytes', queue_size: 5000 }, 'sending queue is full (queue_size: 5000 bytes)'],
    [{ max_bytes: 5000 }, 'sending queue is full (max_bytes: 5000)'],
  ])('%o', async (queue, message) => {
    const { opened, open } = gate()
    const { exporter } = start({ sending_queue: queue }, async () => {
      await opened
      return TAKEN
    })
    await exporter.consume(batch(8), EMPTY_CONTEXT)
    await expect(exporter.consume(batch(8), EMPTY_CONTEXT)).rejects.toThrow(message)
    open()
  })

  test('is a part of the budget for bytes in flight until what it holds is sent', async () => {
    const size = batch(8).byteLength
    const budget = createBudget(size * 8)
    const { opened, open } = gate()
    const hold = async (): Promise<SendResult> => {
      await opened
      return TAKEN
    }
    const queue = { sending_queue: { num_consumers: 1 } }
    const { exporter, context } = start(queue, hold, budget)
    for (let index = 0; index < 3; index++) await exporter.consume(batch(8), EMPTY_CONTEXT)
    expect(budget.used).toBe(size * 3)
    await expect(exporter.consume(batch(8), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'overloaded',
      message: `the queues of the collector hold ${size * 3} of ${size * 3} bytes; try again`,
    })
    expect(context.value('otelcol_exporter_enqueue_failed_spans')).toBe(8)
    // Another that holds nothing gets something, so that batches move on.
    const other = start(queue, hold, budget)
    await other.exporter.consume(batch(8), EMPTY_CONTEXT)
    expect(budget.used).toBe(size * 4)
    open()
    await Promise.all([exporter, other.exporter].map((one) => one.shutdown(AbortSignal.timeout(1000))))
    expect(budget.used).toBe(0)
  })

  test('waits for room in the budget where it blocks', async () => {
    const size = batch(8).byteLength
    const budget = createBudget(size * 4)
    const gates = [gate(), gate()]
    const queue = { sending_queue: { num_consumers: 1, block_on_overflow: true } }
    const { exporter, attempts } = start(
      queue,
      async (_, __, attempt) => {
        await gates[attempt - 1]?.opened
        return TAKEN
      },
      budget,
    )
    await exporter.consume(batch(8), EMPTY_CONTEXT)
    let admitted = false
    const second = exporter.consume(batch(8), EMPTY_CONTEXT).then(() => (admitted = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect([admitted, budget.used]).toEqual([false, size])
    gates[0]?.open()
    await second
    expect(attempts.length).toBe(2)
    gates[1]?.open()
  })

  test('leaves the budget to callers who wait for the result', async () => {
    const budget = createBudget(1)
    const { opened, open } = gate()
    const { exporter } = start(
      { sending_queue: { wait_for_result: true } },
      async () => {
        await opened
        return TAKEN
      },
      budget,
    )
    const answers = [exporter.consume(batch(8), EMPTY_CONTEXT), exporter.consume(batch(8), EMPTY_CONTEXT)]
    expect(budget.used).toBe(0)
    open()
    await Promise.all(answers)
  })

  test('each signal has its own: what waits of one takes neither room nor turn of another', async () => {
    const { opened, open } = gate()
    const sent: string[] = []
    const { exporter, context } = start({ sending_queue: { num_consumers: 1, queue_size: 1 } }, async ({ signal }) => {
      if (signal === 'traces') await opened
      sent.push(signal)
      return TAKEN
    })
    await exporter.consume(batch(3), EMPTY_CONTEXT)
    await expect(exporter.consume(batch(3), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'overloaded' })
    await exporter.consume(createBatch('logs', [{ bytes: logsRequest(2), items: 2 }]), EMPTY_CONTEXT)
    await vi.waitFor(() => expect(sent).toEqual(['logs']))
    const size = (data_type: string): number => context.value('otelcol_exporter_queue_size', { data_type })
    await vi.waitFor(() => expect([size('traces'), size('logs')]).toEqual([1, 0]))
    open()
    await exporter.shutdown(AbortSignal.timeout(1000))
    expect(sent).toEqual(['logs', 'traces'])
  })

  test('a batch larger than the queue gets through alone', async () => {
    const { exporter, context } = start({ sending_queue: { sizer: 'items', queue_size: 5 } }, () => TAKEN)
    await exporter.consume(batch(8), EMPTY_CONTEXT)
    await exporter.shutdown(AbortSignal.timeout(1000))
    expect(context.value('otelcol_exporter_sent_spans')).toBe(8)
  })

  test('block_on_overflow waits for room, in order', async () => {
    const { opened, open } = gate()
    const { exporter, attempts } = start(
      { sending_queue: { queue_size: 1, block_on_overflow: true, num_consumers: 1 } },
      async () => {
        await opened
        return TAKEN
      },
    )
    const batches = [batch(1), batch(2), batch(3)]
    await exporter.consume(batches[0]!, EMPTY_CONTEXT)
    let taken = 0
    const waiting = batches.slice(1).map(async (one) => {
      await exporter.consume(one, EMPTY_CONTEXT)
      taken++
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(taken).toBe(0)
    open()
    await Promise.all(waiting)
    await exporter.shutdown(AbortSignal.timeout(1000))
    expect(attempts).toEqual(batches)
  })

  test('wait_for_result hands the failure back', async () => {
    const { exporter } = start({ sending_queue: { wait_for_result: true } }, () => {
      throw new CollectorError('permission_denied', 'no')
    })
    await expect(exporter.consume(batch(1), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'permission_denied' })
  })
})

describe('shutdown', () => {
  test('drains the queue, trying once what waits for a retry', async () => {
    let up = false
    const { exporter, context, attempts } = start(
      {
        sending_queue: { num_consumers: 1 },
        retry_on_failure: { initial_interval: '1h', max_interval: '1h', max_elapsed_time: 0 },
      },
      () => {
        if (!up) throw unavailable()
        return TAKEN
      },
    )
    await exporter.consume(batch(1), EMPTY_CONTEXT)
    await exporter.consume(batch(2), EMPTY_CONTEXT)
    await new Promise((resolve) => setImmediate(resolve))
    expect(attempts.length).toBe(1)
    up = true
    await exporter.shutdown(AbortSignal.timeout(1000))
    expect(context.value('otelcol_exporter_sent_spans')).toBe(3)
    await expect(exporter.consume(batch(1), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('a sender that heeds no signal is not waited for, neither at its timeout nor at the deadline', async () => {
    const { exporter, context } = start({ timeout: 10, retry_on_failure: FAST }, () => new Promise(() => {}))
    await exporter.consume(batch(4), EMPTY_CONTEXT)
    await vi.waitFor(() => expect(context.logger.lines[0]?.fields['error']).toBe('no answer within timeout: 10ms'))
    await exporter.shutdown(AbortSignal.timeout(20))
    expect(context.value('otelcol_exporter_queue_size')).toBe(0)
    expect(context.value('otelcol_exporter_send_failed_spans')).toBe(4)
  })

  test('a thousand drops are told with their sum', async () => {
    const { exporter, context } = start({ sending_queue: { num_consumers: 1 } }, async () => new Promise(() => {}))
    for (let index = 0; index < 100; index++) await exporter.consume(batch(30), EMPTY_CONTEXT)
    await exporter.shutdown(AbortSignal.timeout(20))
    exporter.finish?.()
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'shutdown' })).toBe(3000)
    expect(context.value('otelcol_exporter_send_failed_batches', { reason: 'shutdown' })).toBe(100)
    const { lines } = context.logger
    expect(lines.reduce((sum, { fields }) => sum + Number(fields['dropped_items'] ?? 0), 0)).toBe(3000)
    expect(lines.at(-1)?.fields).toMatchObject({
      total_dropped_items: 3000,
      total_dropped_batches: 100,
      reasons: { shutdown: { items: 3000, batches: 100 } },
    })
  })

  test('at the deadline, what is left is counted', async () => {
    const { exporter, context, attempts } = start(
      { sending_queue: { num_consumers: 1 } },
      async (_, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cancelled')))),
    )
    await exporter.consume(batch(2), EMPTY_CONTEXT)
    await exporter.consume(batch(3), EMPTY_CONTEXT)
    await exporter.shutdown(AbortSignal.timeout(20))
    expect(attempts.length).toBe(1)
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'shutdown' })).toBe(5)
    expect(context.logger.lines.at(-1)?.message).toBe('Exporting failed. Dropping data.')
  })
})

describe('the memory of a batch', () => {
  const WRITTEN: SendResult = { ...TAKEN, isWritten: true }
  const owned = (): TelemetryBatch => ownedBatchOf(tracesRequest({ spans: 4 }), 4)

  test.each([
    ['is free when it was sent and nothing reads it', WRITTEN, false],
    ['stays while it may be read', TAKEN, true],
  ])('%s', async (_, result, stays) => {
    const { exporter, attempts } = start(NO_QUEUE, () => result)
    await exporter.consume(owned(), EMPTY_CONTEXT)
    expect(isThere(attempts[0]!)).toBe(stays)
  })

  test('stays after an attempt that was given up, which may go on', async () => {
    const { exporter, attempts } = start({ ...NO_QUEUE, timeout: 10, retry_on_failure: FAST }, (_, __, attempt) =>
      attempt > 1 ? WRITTEN : new Promise(() => {}),
    )
    await exporter.consume(owned(), EMPTY_CONTEXT)
    expect(attempts.map(isThere)).toEqual([true, true])
  })

  test('counts in the queue until it is sent, and then no more', async () => {
    const budget = createBudget()
    const { exporter, attempts } = start({}, () => WRITTEN, budget)
    const batch = owned()
    await exporter.consume(batch, EMPTY_CONTEXT)
    await exporter.shutdown(AbortSignal.timeout(1000))
    expect([attempts.map(isThere), budget.used]).toEqual([[false], 0])
  })
})
describe('a caller that waits for the result', () => {
  const hanging = (_: TelemetryBatch, signal: AbortSignal): Promise<SendResult> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

  test.each([{ enabled: false }, { wait_for_result: true }])(
    'leaves: the attempt is given up, and there is no other (%j)',
    async (queue) => {
      const { exporter, attempts } = start({ sending_queue: queue, retry_on_failure: FAST }, hanging)
      const leaving = new AbortController()
      const sent = exporter.consume(batch(1), { ...EMPTY_CONTEXT, signal: leaving.signal })
      await vi.waitFor(() => expect(attempts).toHaveLength(1))
      leaving.abort()
      await expect(sent).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('left') })
      expect(attempts).toHaveLength(1)
    },
  )

  test('leaves while the next retry is waited for: it hears at once', async () => {
    const { exporter, attempts } = start(
      { ...NO_QUEUE, retry_on_failure: { initial_interval: '1h', max_interval: '1h', max_elapsed_time: '0s' } },
      () => Promise.reject(unavailable()),
    )
    const leaving = new AbortController()
    const sent = exporter.consume(batch(1), { ...EMPTY_CONTEXT, signal: leaving.signal })
    await vi.waitFor(() => expect(attempts).toHaveLength(1))
    leaving.abort()
    await expect(sent).rejects.toMatchObject({ code: 'unavailable' })
    expect(attempts).toHaveLength(1)
  })

  test('a retry that would come after the deadline is not waited for', async () => {
    const { exporter, attempts } = start(
      { ...NO_QUEUE, retry_on_failure: { initial_interval: '1h', max_interval: '1h', max_elapsed_time: '0s' } },
      () => Promise.reject(unavailable()),
    )
    const deadline = performance.now() + 60_000
    await expect(exporter.consume(batch(1), { ...EMPTY_CONTEXT, deadline })).rejects.toMatchObject({ message: 'down' })
    expect(attempts).toHaveLength(1)
  })

  test('behind a queue nobody waits: what is queued is sent whoever leaves', async () => {
    const held = gate()
    const { exporter, context } = start({ sending_queue: { num_consumers: 1 } }, async () => {
      await held.opened
      return TAKEN
    })
    const leaving = new AbortController()
    for (const seed of [1, 2])
      await exporter.consume(batch(1, seed), { ...EMPTY_CONTEXT, signal: leaving.signal, deadline: 0 })
    leaving.abort()
    held.open()
    await vi.waitFor(() => expect(context.value('otelcol_exporter_sent_spans')).toBe(2))
  })

  test('one of several that are sent together leaves: the others get their answer', async () => {
    const held = gate()
    const { exporter } = start({ sending_queue: { wait_for_result: true, batch: { min_size: 2 } } }, async () => {
      await held.opened
      return TAKEN
    })
    const leaving = new AbortController()
    const answers = [
      exporter.consume(batch(1, 1), { ...EMPTY_CONTEXT, signal: leaving.signal }),
      exporter.consume(batch(1, 2), EMPTY_CONTEXT),
    ]
    leaving.abort()
    held.open()
    await Promise.all(answers)
  })
})
