import { expect, test } from 'vitest'
import { createSink, createTestContext, tracesRequest } from '../../testkit/index.ts'
import { createIntake } from './intake.ts'

const request = tracesRequest({ spans: 3 })

test('what waits for the pipelines is bounded', async () => {
  const context = createTestContext('otlp')
  const sink = createSink()
  const intake = createIntake(context, 'grpc', new Map([['traces', sink]]), request.length * 2)
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  sink.intercept = () => released
  const waiting = [intake.take('traces', request), intake.take('traces', request)]
  await expect(intake.take('traces', request)).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 1000 })
  expect(context.value('otelcol_receiver_refused_spans')).toBe(3)
  release()
  await Promise.all(waiting)
  await intake.take('traces', request)
  expect(context.value('otelcol_receiver_accepted_spans')).toBe(9)
})

test('close waits for what is under way and takes nothing more', async () => {
  const sink = createSink()
  const intake = createIntake(createTestContext('otlp'), 'grpc', new Map([['traces', sink]]))
  let release: () => void = () => {}
  sink.intercept = () => new Promise<void>((resolve) => (release = resolve))
  const underWay = intake.take('traces', request)
  let closed = false
  const closing = intake.close().then(() => (closed = true))
  await expect(intake.take('traces', request)).rejects.toMatchObject({ code: 'unavailable' })
  expect([closed, intake.active]).toEqual([false, 1])
  release()
  await Promise.all([underWay, closing])
  expect([closed, intake.active, sink.items]).toEqual([true, 0, 3])
})
