import type { MeasuresRow } from 'spoor/api'
import type { Parameters } from '../../api/client.ts'
import type { GroupSort } from '../search-url.ts'

/** The store orders by the last percentile that it is asked for, so the one that is ordered by is asked for last. */
const askedPercentiles: Readonly<Record<'p95' | 'other', readonly number[]>> = {
  p95: [0.5, 0.99, 0.95],
  other: [0.5, 0.95, 0.99],
}

const storeOrders = { count: 'count', errors: 'errors', total: 'sum', p95: 'percentile' } as const

const percentilesFor = (sort: GroupSort) => askedPercentiles[sort === 'p95' ? 'p95' : 'other']

/** What the store is asked for, for operations in this order: the greatest first, over all that match. */
export function groupParameters(scope: Parameters, sort: GroupSort, limit: number, buckets: number): Parameters {
  return {
    ...scope,
    groupBy: 'service,name',
    order: storeOrders[sort],
    percentiles: percentilesFor(sort).join(','),
    limit,
    buckets,
    aligned: 'true',
  }
}

/** A percentile (share 0-1) of an answer to {@link groupParameters}, nanoseconds. */
export function percentileOf({ percentilesNs }: Pick<MeasuresRow, 'percentilesNs'>, sort: GroupSort, share: number) {
  return percentilesNs[percentilesFor(sort).indexOf(share)] ?? 0
}
