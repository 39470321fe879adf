import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { type ReadableSpan, type Span, TracerProvider } from '@opentelemetry/sdk-trace'
import { expect, test } from 'vitest'
import { OpenSpans } from './open-spans.ts'

const tracer = new TracerProvider().getTracer('lib')

function start(name: string): Span & ReadableSpan {
  return tracer.startSpan(name) as Span & ReadableSpan
}

test('spans are remembered while they are open, and told by name and scope', () => {
  const open = new OpenSpans()
  const [a, b, c] = [start('query'), start('query'), start('page')]
  for (const span of [a, b, c]) open.add(span)
  expect(open.kinds()).toEqual([
    { name: 'query', scope: 'lib', count: 2 },
    { name: 'page', scope: 'lib', count: 1 },
  ])
  for (const span of [a, b]) open.delete(span)
  expect(open.size).toBe(1)
})

test('of a program that never ends its spans the oldest are forgotten, and counted', () => {
  const open = new OpenSpans()
  const spans = Array.from({ length: 10_005 }, () => start('leak'))
  for (const span of spans) open.add(span)
  expect(open.size).toBe(10_005)
  expect(open.kinds()).toEqual([{ name: 'leak', scope: 'lib', count: 10_000 }])
  for (const span of spans) open.delete(span)
  expect(open.size).toBe(0)
})

test('the parent of a span, while it is open', () => {
  const open = new OpenSpans()
  const parent = start('parent')
  const child = tracer.startSpan('child', {}, trace.setSpan(ROOT_CONTEXT, parent))
  open.add(parent)
  expect(open.parentOf(child)).toBe(parent)
  expect(open.parentOf(parent)).toBeUndefined()
  open.delete(parent)
  expect(open.parentOf(child)).toBeUndefined()
})
