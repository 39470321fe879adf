/** What is on disk, and what becomes of it after an end. */
import { cpSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { EMPTY_CONTEXT, type Storage } from '../../component/index.ts'
import { DecisionCache } from './decision-cache.ts'
import {
  diskStorage,
  DROPPED,
  ERRORS,
  name,
  newFolder,
  spansOf,
  start,
  stop,
  withFakeTime,
} from './tail-sampling.test.helper.ts'

withFakeTime()

describe('with a folder of the collector, and no word of storage', () => {
  test('what was answered outlives the process', async () => {
    const own = newFolder()
    const first = await start(ERRORS, { own })
    await first.processor.consume(spansOf({ trace: 1 }, { trace: 2, status: 2 }), EMPTY_CONTEXT)
    expect(first.context.value(name('memory_bytes'))).toBe(0)
    // What a process that is killed here leaves behind.
    const left = newFolder()
    cpSync(own, left, { recursive: true })
    const second = await start(ERRORS, { own: left })
    expect(second.context.value(name('waiting_traces'))).toBe(2)
    await second.decided()
    await vi.waitFor(() => expect(second.sink.items).toBe(1))
  })

  test('what waits at a stop is decided then', async () => {
    const own = newFolder()
    const first = await start(ERRORS, { own })
    await first.processor.consume(spansOf({ trace: 1 }, { trace: 2, status: 2 }), EMPTY_CONTEXT)
    await first.processor.shutdown(new AbortController().signal)
    expect(first.sink.items).toBe(1)
    const second = await start(ERRORS, { own })
    expect(second.context.value(name('waiting_traces'))).toBe(0)
  })

  test('what is kept and not handed on at the end is no loss', async () => {
    const own = newFolder()
    const first = await start(ERRORS, { own })
    first.sink.intercept = () => new Promise<void>(() => {})
    await first.processor.consume(spansOf({ trace: 1, status: 2 }), EMPTY_CONTEXT)
    await stop(first.processor)
    expect(first.context.value(DROPPED)).toBe(0)
    const second = await start(ERRORS, { own })
    await second.decided()
    await vi.waitFor(() => expect(second.sink.items).toBe(1))
  })

  test('where its file cannot be had, what waits is in memory, and that is told', async () => {
    const own = newFolder()
    await start(ERRORS, { own })
    const second = await start(ERRORS, { own })
    await second.processor.consume(spansOf({ trace: 1, status: 2 }), EMPTY_CONTEXT)
    expect(second.context.value(name('memory_bytes'))).toBeGreaterThan(0)
    expect(second.context.logger.lines).toContainEqual({
      level: 'warn',
      fields: { component: 'tail_sampling', error: expect.stringContaining('another process') as string },
      message: expect.stringContaining('go with the process') as string,
    })
    await second.decided()
    expect(second.sink.items).toBe(1)
  })
})

describe('with storage', () => {
  const STORED = { ...ERRORS, storage: 'file_storage' }

  test('what waits is in the file before the sender is answered, and is decided after the next start', async () => {
    const storage = diskStorage()
    const first = await start(STORED, { storage })
    await first.processor.consume(spansOf({ trace: 1 }, { trace: 2 }), EMPTY_CONTEXT)
    await first.processor.consume(spansOf({ trace: 1, count: 2, status: 2 }), EMPTY_CONTEXT)
    await first.processor.shutdown(new AbortController().signal)
    expect(first.sink.items).toBe(0)
    const second = await start(STORED, { storage })
    expect(second.context.value(name('waiting_traces'))).toBe(2)
    await second.processor.consume(spansOf({ trace: 2 }), EMPTY_CONTEXT)
    await second.decided()
    await vi.waitFor(() => expect(second.sink.items).toBe(3))
    expect(second.context.value(DROPPED, { reason: 'not_sampled' })).toBe(2)
    await second.processor.shutdown(new AbortController().signal)
    const third = await start(STORED, { storage })
    expect(third.context.value(name('waiting_traces'))).toBe(0)
  })

  test('what was kept and not handed on before the end is handed on', async () => {
    const storage = diskStorage()
    const first = await start(STORED, { storage })
    first.sink.intercept = () => new Promise<void>(() => {})
    await first.processor.consume(spansOf({ trace: 1, status: 2 }), EMPTY_CONTEXT)
    await first.decided()
    await stop(first.processor)
    expect(first.context.value(DROPPED)).toBe(0)
    const second = await start(STORED, { storage })
    await second.decided()
    await vi.waitFor(() => expect(second.sink.items).toBe(1))
  })

  test.each([{}, { decision_cache: { sampled_cache_size: 10, non_sampled_cache_size: 10 } }])(
    'late spans follow the decisions of before the end (%o)',
    async (cache) => {
      const storage = diskStorage()
      const config = { ...STORED, ...cache }
      const first = await start(config, { storage })
      first.sink.intercept = () => new Promise<void>(() => {})
      await first.processor.consume(spansOf({ trace: 1, status: 2 }, { trace: 2 }, { trace: 3 }), EMPTY_CONTEXT)
      await first.decided()
      await stop(first.processor)
      const second = await start(config, { storage })
      // What was kept and not handed on goes without another decision.
      await vi.waitFor(() => expect(second.sink.items).toBe(1))
      await second.processor.consume(spansOf({ trace: 1, count: 2 }, { trace: 2, count: 4, status: 2 }), EMPTY_CONTEXT)
      await vi.waitFor(() => expect(second.sink.items).toBe(3))
      expect(second.context.value(DROPPED, { reason: 'not_sampled' })).toBe(4)
      expect(second.context.value(name('global_count_traces_sampled'))).toBe(0)
    },
  )

  test('of decisions, as many are remembered as without it', async () => {
    const storage = diskStorage()
    const config = { ...STORED, num_traces: 3 }
    const first = await start(config, { storage })
    for (let trace = 1; trace <= 10; trace++) {
      await first.processor.consume(spansOf({ trace, status: trace % 3 }), EMPTY_CONTEXT)
      await first.decided()
    }
    await first.processor.shutdown(new AbortController().signal)
    const second = await start({ ...config, num_traces: 100 }, { storage })
    expect(second.context.value(name('sampling_traces_on_memory'))).toBe(3)
  })

  test('drop_pending_traces_on_shutdown drops them from the file, too', async () => {
    const storage = diskStorage()
    const config = { ...STORED, drop_pending_traces_on_shutdown: true }
    const first = await start(config, { storage })
    await first.processor.consume(spansOf({ trace: 1, status: 2 }), EMPTY_CONTEXT)
    await stop(first.processor)
    expect(first.context.value(DROPPED, { reason: 'shutdown' })).toBe(1)
    const second = await start(config, { storage })
    expect(second.context.value(name('waiting_traces'))).toBe(0)
  })

  test('a processor of another pipeline has another file', async () => {
    const folder = diskStorage()
    const fileOf = vi.fn<Storage['fileOf']>((owner) => folder.fileOf(owner))
    await start(STORED, { storage: { fsync: false, fileOf } })
    expect(fileOf).toHaveBeenCalledWith('processor tail_sampling traces')
  })

  test('its file has no more than the storage allows: senders are told to come again, until there is room', async () => {
    const storage = { ...diskStorage(), maxBytes: 200_000 }
    const { processor, sink, decided } = await start(STORED, { storage })
    const fill = async (trace: number): Promise<unknown> =>
      processor.consume(spansOf({ trace, count: 100, status: 2 }), EMPTY_CONTEXT).catch((error: unknown) => error)
    let refusal: unknown
    let trace = 0
    while (refusal === undefined && trace < 100) refusal = await fill(++trace)
    expect(refusal).toMatchObject({ code: 'unavailable', message: expect.stringMatching(/cannot be written: .*full/) })
    expect(statSync(storage.fileOf('processor tail_sampling traces')).size).toBeLessThanOrEqual(200_704)
    await decided()
    await vi.waitFor(() => expect(sink.items).toBe(100 * (trace - 1)))
    expect(await fill(trace)).toBeUndefined()
  })

  test('a sender whose spans cannot be written is told to come again', async () => {
    const storage = diskStorage()
    const { processor } = await start(STORED, { storage })
    await processor.shutdown(AbortSignal.abort())
    await expect(processor.consume(spansOf({ trace: 1 }), EMPTY_CONTEXT)).rejects.toMatchObject({ retryable: true })
  })

  test('a file that is damaged is set aside', async () => {
    const storage = diskStorage()
    writeFileSync(
      storage.fileOf('processor tail_sampling traces'),
      'no database at all, but long enough to be one'.repeat(50),
    )
    const { processor, context } = await start(STORED, { storage })
    expect(context.logger.lines[0]).toMatchObject({ level: 'error' })
    await processor.consume(spansOf({ trace: 1 }), EMPTY_CONTEXT)
  })
})

test('a decision cache forgets what was asked for least lately', () => {
  const forgotten: number[] = []
  const cache = new DecisionCache(1000, (mark) => forgotten.push(mark))
  const idOf = (number: number): Uint32Array => new Uint32Array([1, 2, 3, number])
  for (let i = 0; i < 1000; i++) cache.put(idOf(i), 0, i, 10 * i)
  expect(cache.get(idOf(0), 0)).toBe(0)
  for (let i = 1000; i < 1500; i++) cache.put(idOf(i), 0, i, 10 * i)
  const known = Array.from({ length: 1500 }, (_, i) => cache.get(idOf(i), 0)).filter((note) => note !== undefined)
  expect(forgotten).toEqual(Array.from({ length: 500 }, (_, i) => 10 * (i + 1)))
  expect(known).toEqual([0, ...Array.from({ length: 999 }, (_, i) => i + 501)])
})
