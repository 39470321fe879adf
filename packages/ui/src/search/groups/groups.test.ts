import { expect, test } from 'vitest'
import { groupParameters, percentileOf } from './groups.ts'

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
    aligned: 'true',
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
