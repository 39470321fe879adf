import type { SearchQuery, SpanSet } from '@spoor/storage'
import { scope } from './catalogue.ts'
import { nowNs, type Query } from './params.ts'

/** What is asked about: `from`, `to`, `minTraceDuration` and `maxTraceDuration`, and the set that `q` says. */
export function scopeOf(query: Query, set: SpanSet | undefined): Pick<SearchQuery, 'spans' | 'from' | 'to'> {
  const now = nowNs()
  const from = scope.from.of(query)(now)
  const to = scope.to.of(query)(now)
  const bounds = [
    ['gte', scope.minTraceDuration.of(query)],
    ['lte', scope.maxTraceDuration.of(query)],
  ] as const
  let spans = set
  // The set's spans in traces whose whole duration is between the bounds.
  for (const [compare, value] of bounds) {
    if (value !== undefined) spans = { op: 'trace', field: 'duration', compare, value, ...(spans && { among: spans }) }
  }
  return { ...(spans && { spans }), ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
}
