/** What is held, counted and kept; what comes out is told by the golden pairs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBatch, decodeTraces } from '@spoor/otlp'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { CollectorError, EMPTY_CONTEXT, NO_OVERVIEW, type Storage } from '../../component/index.ts'
import { createSink, createTestContext, spanIdsIn, tracesRequest } from '../../testkit/index.ts'
import { groupByTraceProcessor } from './index.ts'

const DROPPED = 'otelcol_processor_dropped_items'
const name = (end: string): string => `otelcol_processor_groupbytrace_${end}`

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

async function start(input: object, storage?: Storage) {
  const config = groupByTraceProcessor.config.safeParse(input)
  if (!config.success) throw new Error(JSON.stringify(config.error.issues))
  const context = { ...createTestContext('groupbytrace'), pipeline: 'traces' }
  const sink = createSink()
  const processor = groupByTraceProcessor.create(context, config.data, sink, 'traces')
  const extension = { start: async () => {}, shutdown: async () => {}, ...(storage && { storage }) }
  await processor.start({ extension: () => extension, fail: () => {}, overview: () => NO_OVERVIEW })
  const consume = async (spans: number, seed: number, traces = 1): Promise<Uint8Array> => {
    const bytes = tracesRequest({ spans, seed, traces, attributes: 0 })
    await processor.consume(createBatch('traces', [{ bytes, items: spans }]), EMPTY_CONTEXT)
    return bytes
  }
  const stop = async (signal = new AbortController().signal): Promise<void> => {
    await processor.shutdown(signal)
    processor.finish?.()
  }
  onTestFinished(() => stop(AbortSignal.abort()))
  return { sink, context, consume, stop }
}

test('each trace goes when its own time has come, and is counted', async () => {
  const { sink, context, consume } = await start({ wait_duration: '1s' })
  const first = await consume(4, 1, 2)
  await vi.advanceTimersByTimeAsync(600)
  await consume(3, 2)
  expect(context.value(name('num_traces_in_memory'))).toBe(3)
  await vi.advanceTimersByTimeAsync(399)
  expect(sink.items).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  expect(sink.batches).toHaveLength(2)
  expect(spanIdsIn(sink.bytes()).sort()).toEqual(spanIdsIn(first).sort())
  await vi.advanceTimersByTimeAsync(600)
  expect(sink.batches.map(({ items }) => items)).toEqual([2, 2, 3])
  expect(
    new Set(decodeTraces(sink.bytes()).resourceSpans.map((each) => each.scopeSpans[0]!.spans[0]!.traceId)).size,
  ).toBe(3)
  expect([context.value(name('traces_released')), context.value(name('spans_released'))]).toEqual([3, 7])
  expect([context.value(name('held_bytes')), context.value(name('num_traces_in_memory'))]).toEqual([0, 0])
})

test('of more than num_traces the oldest is dropped, and counted', async () => {
  const { sink, context, consume, stop } = await start({ num_traces: 2 })
  for (const seed of [1, 2, 3]) await consume(seed, seed)
  await stop()
  expect(sink.items).toBe(5)
  expect(context.value(name('traces_evicted'))).toBe(1)
  expect(context.value(DROPPED, { reason: 'num_traces' })).toBe(1)
})

test('of more than max_held_bytes the oldest goes early, and is counted', async () => {
  const size = tracesRequest({ spans: 2, seed: 1, traces: 1, attributes: 0 }).length
  const max = size * 8
  const { sink, context, consume } = await start({ max_held_bytes: max })
  const first = await consume(2, 1)
  for (let seed = 2; seed <= 20; seed++) await consume(2, seed)
  await vi.advanceTimersByTimeAsync(0)
  const early = context.value(name('early_releases'), { reason: 'held_bytes' })
  expect(early).toBeGreaterThan(10)
  expect(sink.batches).toHaveLength(early)
  expect(spanIdsIn(sink.batches[0]!.chunks[0]!.bytes)).toEqual(spanIdsIn(first))
  expect(context.value(name('held_bytes'))).toBeLessThan(max)
})

test('where the next stage takes nothing, senders are told to come again', async () => {
  const size = tracesRequest({ spans: 2, seed: 1, traces: 1, attributes: 0 }).length
  const { sink, consume } = await start({ max_held_bytes: size * 3 + 20, wait_duration: '0s' })
  sink.intercept = () => {
    throw new CollectorError('unavailable', 'down')
  }
  for (const seed of [1, 2, 3]) {
    await consume(2, seed)
    await vi.advanceTimersByTimeAsync(1)
  }
  await expect(consume(2, 4)).rejects.toMatchObject({ code: 'overloaded' })
  sink.intercept = undefined
  await vi.advanceTimersByTimeAsync(5000)
  expect(sink.items).toBe(6)
})

test('a stop hands on what is gathered; with storage it stays for the next start', async () => {
  const { sink, consume, stop } = await start({})
  await consume(3, 1)
  await stop()
  expect(sink.items).toBe(3)
  const folder = mkdtempSync(join(tmpdir(), 'group-by-trace-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const storage: Storage = { fsync: false, fileOf: () => join(folder, 'log') }
  const stored = await start({ storage: 'file_storage' }, storage)
  await stored.consume(3, 1)
  await stored.stop()
  expect(stored.sink.items).toBe(0)
  const next = await start({ storage: 'file_storage' }, storage)
  await vi.advanceTimersByTimeAsync(1000)
  await vi.waitFor(() => expect(next.sink.items).toBe(3))
})
