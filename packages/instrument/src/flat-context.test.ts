import { createContextKey, propagation, trace } from '@opentelemetry/api'
import { getRPCMetadata, isTracingSuppressed, RPCType, setRPCMetadata, suppressTracing } from '@opentelemetry/core'
import { expect, test } from 'vitest'
import { rootContext } from './flat-context.ts'

const [one, two] = [createContextKey('one'), createContextKey('two')]

test('has what was set, and what it was made from stays as it was', () => {
  const first = rootContext.setValue(one, 1)
  const both = first.setValue(two, 2)
  const again = both.setValue(one, undefined)
  expect([one, two].map((key) => first.getValue(key))).toEqual([1, undefined])
  expect([one, two].map((key) => both.getValue(key))).toEqual([1, 2])
  expect([one, two].map((key) => again.getValue(key))).toEqual([undefined, 2])
  expect(rootContext.getValue(one)).toBeUndefined()
})

test('without a value it is as before, and the others stay', () => {
  const both = rootContext.setValue(one, two).setValue(two, 2)
  expect([one, two].map((key) => both.deleteValue(one).getValue(key))).toEqual([undefined, 2])
  // A value that is a key is none.
  expect([one, two].map((key) => both.deleteValue(two).getValue(key))).toEqual([two, undefined])
  expect(rootContext.deleteValue(one)).toBe(rootContext)
})

test('holds what the API and the SDK keep in it', () => {
  const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 })
  const metadata = { type: RPCType.HTTP as const, span }
  const baggage = propagation.createBaggage({ user: { value: '7' } })
  const all = suppressTracing(
    setRPCMetadata(propagation.setBaggage(trace.setSpan(rootContext, span), baggage), metadata),
  )
  expect(trace.getSpan(all)).toBe(span)
  expect(getRPCMetadata(all)).toBe(metadata)
  expect(propagation.getBaggage(all)).toBe(baggage)
  expect(isTracingSuppressed(all)).toBe(true)
  expect(trace.getSpan(trace.deleteSpan(all))).toBeUndefined()
})
