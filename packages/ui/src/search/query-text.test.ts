import { expect, test } from 'vitest'
import { narrowedTo, withRequest, withSpan } from './query-text.ts'

test('a query is narrowed by what it does not say yet', () => {
  const group = { service: 'web', name: 'GET /cart' }
  expect(narrowedTo('', group)).toBe('service:web name:"GET /cart"')
  expect(narrowedTo(' duration>1s ', group)).toBe('duration>1s service:web name:"GET /cart"')
  expect(narrowedTo('service:web', group)).toBe('service:web name:"GET /cart"')
  expect(narrowedTo('service:web name:"GET /cart"', group)).toBe('service:web name:"GET /cart"')
  expect(narrowedTo('', { service: null, name: '' })).toBe('-service:* name:""')
  expect(narrowedTo('x', { name: 'a' })).toBe('x name:a')
})

test('narrowing holds for each side of an OR, and takes conditions on the trace into no parentheses', () => {
  const group = { service: 'web', name: 'a' }
  expect(narrowedTo('status:error OR service:web', group)).toBe('(status:error OR service:web) service:web name:a')
  expect(narrowedTo('trace.request>1s (x OR service:web OR y)', group)).toBe(
    'trace.request>1s (x OR service:web OR y) service:web name:a',
  )
  expect(narrowedTo('name:"x OR y service:web"', group)).toBe('name:"x OR y service:web" service:web name:a')
})

test('a query of sets gets one more', () => {
  const group = { service: 'web', name: 'a' }
  expect(narrowedTo('{ a:1 } | count() > 2', group)).toBe('({ a:1 } | count() > 2) && { service:web name:a }')
  expect(narrowedTo('name:"a {b"', group)).toBe('name:"a {b" service:web name:a')
})

test('bounds on the request replace those of before', () => {
  expect(withRequest('', '1ms', '2s')).toBe('trace.request>=1ms trace.request<=2s')
  expect(withRequest('trace.request>=1ms trace.request<=2s', '5ms', '1s')).toBe('trace.request>=5ms trace.request<=1s')
  expect(withRequest('a:1 trace.request>=1ms trace.request<=2s', '5ms', '1s')).toBe(
    'a:1 trace.request>=5ms trace.request<=1s',
  )
  const either = withRequest('a:1 OR b:2', '1ms', '2s')
  expect(either).toBe('(a:1 OR b:2) trace.request>=1ms trace.request<=2s')
  expect(withRequest(either, '5ms', '1s')).toBe('(a:1 OR b:2) trace.request>=5ms trace.request<=1s')
  expect(withRequest('name:"x trace.request>=1ms trace.request<=2s"', '1ms', '1s')).toMatch(/^name:"x .*2s" trace/)
})

test('bounds on the request are beside sets', () => {
  const sets = withRequest('{ a:1 } | count() > 2', '1ms', '2s')
  expect(sets).toBe('({ a:1 } | count() > 2) && trace.request>=1ms && trace.request<=2s')
  expect(withRequest(sets, '5ms', '1s')).toBe('({ a:1 } | count() > 2) && trace.request>=5ms && trace.request<=1s')
  expect(withRequest('{ a:1 }', '1ms', '2s')).toBe('{ a:1 } && trace.request>=1ms && trace.request<=2s')
})

test('traces with a span of a service and name are those where it is any of theirs', () => {
  const span = { service: 'bank', name: 'pay all' }
  expect(withSpan(' ', span)).toBe('service:bank name:"pay all"')
  expect(withSpan('service:web OR a', span)).toBe('{ service:web OR a } && { service:bank name:"pay all" }')
  expect(withSpan('{ a:1 }', span)).toBe('({ a:1 }) && { service:bank name:"pay all" }')
})
