import { freeMemory } from '@spoor/otlp'
import { afterEach, expect, test } from 'vitest'
import { createBudget } from '../../component/index.ts'
import { createSink, createTestContext, tracesRequest, type Sink } from '../../testkit/index.ts'
import { createConverter, type Converter } from './conversion.ts'
import { createIntake, type Intake } from '../../receiver-helper/intake.ts'
import { createTakeMessage } from './intake.ts'

const MIB = 1024 * 1024
const request = tracesRequest({ spans: 3 })
const converters: Converter[] = []
afterEach(async () => {
  await Promise.all(converters.splice(0).map((converter) => converter.close()))
})

function start(maxBytes?: number): {
  intake: Intake
  sink: Sink
  context: ReturnType<typeof createTestContext>
  /** How many messages another thread was asked about. */
  onThread: () => number
  /** Takes a body as a transport does that has read it. Its bytes are the intake's from then on. */
  take: (body?: Uint8Array) => Promise<object>
} {
  const context = createTestContext('otlp', createBudget(maxBytes))
  const sink = createSink()
  const converter = createConverter()
  converters.push(converter)
  let onThread = 0
  const intake = createIntake(context, 'grpc', new Map([['traces', sink]]))
  const takeMessage = createTakeMessage(intake, {
    ...converter,
    async convert(message, call) {
      onThread++
      return converter.convert(message, call)
    },
  })
  return {
    intake,
    sink,
    context,
    onThread: () => onThread,
    async take(body = request) {
      const call = intake.open(() => {}, intake.sender(undefined))
      if (!call.lease.grow(body.length)) throw context.budget.refusal(body.length)
      return takeMessage('traces', 'protobuf', { bytes: Uint8Array.from(body) }, call)
    },
  }
}

test('what waits for the pipelines is held, and given back when it is answered', async () => {
  const { sink, context, take } = start(request.length * 2)
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  sink.intercept = () => released
  const waiting = [take(), take()]
  expect(context.budget.used).toBe(request.length * 2)
  await expect(take()).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 1000 })
  release()
  await Promise.all(waiting)
  expect(context.budget.used).toBe(0)
  await take()
  expect(context.value('otelcol_receiver_accepted_spans')).toBe(9)
})

test('nothing is held after a refusal, of whichever stage', async () => {
  const { sink, context, take } = start()
  sink.intercept = () => {
    throw new Error('broken')
  }
  await expect(take()).rejects.toThrow('broken')
  await expect(take(Buffer.from('nonsense'))).rejects.toThrow()
  expect(context.budget.used).toBe(0)
  expect(context.value('otelcol_receiver_failed_spans')).toBe(3)
})

test('close waits for what is under way and takes nothing more', async () => {
  const { intake, sink, take } = start()
  let release: () => void = () => {}
  sink.intercept = () => new Promise<void>((resolve) => (release = resolve))
  const underWay = take()
  await Promise.resolve()
  let closed = false
  const closing = intake.close().then(() => (closed = true))
  await expect(take()).rejects.toMatchObject({ code: 'unavailable' })
  expect([closed, intake.active]).toEqual([false, 1])
  release()
  await Promise.all([underWay, closing])
  expect([closed, intake.active, sink.items]).toEqual([true, 0, 3])
})

test('the last stage may free what came, and what was made of it', async () => {
  const { sink, take } = start()
  sink.intercept = freeMemory
  await take()
  const withoutIds = Buffer.of(0x0a, 4, 0x12, 2, 0x12, 0)
  await take(Buffer.concat([request, withoutIds]))
  expect(sink.batches.map(({ items, chunks }) => [items, chunks[0]!.bytes.length > 0])).toEqual([
    [3, false],
    [3, false],
  ])
})

test('what would take long is looked at on another thread, and nothing else is', async () => {
  const { sink, context, take, onThread } = start()
  const bytes = (length: number): Uint8Array =>
    Buffer.concat(Array.from({ length: Math.ceil(length / request.length) }, () => request))
  await take(bytes(7 * MIB))
  expect(onThread()).toBe(0)
  const large = bytes(8 * MIB)
  await take(large)
  expect([onThread(), sink.batches[1]?.byteLength]).toEqual([1, large.length])
  expect(Buffer.compare(sink.batches[1]!.chunks[0]!.bytes, large)).toBe(0)
  const tiny = Buffer.alloc(4 * MIB)
  for (let at = 0; at < tiny.length; at += 2) tiny[at] = 0x0a
  await take(tiny)
  expect([onThread(), context.budget.used]).toEqual([2, 0])
})
