import { expect, test } from 'vitest'
import { groupParameters, narrowedTo, percentileOf } from './groups.ts'

test('the store orders the groups, and by the percentile that is asked for', () => {
  const scope = { q: 'a', from: '1h' }
  expect(groupParameters(scope, 'total', 20, 40)).toEqual({
    q: 'a',
    from: '1h',
    groupBy: 'service,name',
    order: 'sum',
    percentiles: '0.5,0.95,0.99',
    limit: 20,
    buckets: 40,
  })
  expect(groupParameters(scope, 'p95', 20, 40)).toMatchObject({ order: 'percentile', percentiles: '0.5,0.99,0.95' })
})

test('a percentile is found where it was asked for', () => {
  const shares = [0.5, 0.95, 0.99]
  for (const sort of ['count', 'errors', 'total', 'p95'] as const) {
    const asked = String(groupParameters({}, sort, 1, 1)['percentiles']).split(',')
    const answer = { percentilesNs: asked.map((share) => Number(share) * 1000) }
    expect(shares.map((share) => percentileOf(answer, sort, share))).toEqual([500, 950, 990])
  }
})

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
