import type { MeasuresRow } from 'spoor/api'
import type { Parameters } from '../../api/client.ts'
import { type GroupSort, quote } from '../search-url.ts'

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
  }
}

/** A percentile (share 0-1) of an answer to {@link groupParameters}, nanoseconds. */
export function percentileOf({ percentilesNs }: Pick<MeasuresRow, 'percentilesNs'>, sort: GroupSort, share: number) {
  return percentilesNs[percentilesFor(sort).indexOf(share)] ?? 0
}

type Value = string | null

/** The query narrowed to one operation; what is undefined is not narrowed. `null`: to spans that have none. */
export function narrowedTo(q: string, group: { readonly service?: Value; readonly name?: Value }): string {
  const terms = (['service', 'name'] as const).flatMap((key) => {
    const value = group[key]
    return value === undefined ? [] : [value === null ? `-${key}:*` : `${key}:${quote(value)}`]
  })
  const text = q.trim()
  if (hasSets(text)) return `(${text}) && { ${terms.join(' ')} }`
  const outer = outerPieces(text)
  if (outer.includes('OR')) return [`(${text})`, ...terms].join(' ')
  return [...(text ? [text] : []), ...terms.filter((term) => !outer.includes(term))].join(' ')
}

const quoted = /"(?:\\[^]|[^"\\])*"/g

/** Whether the query is of sets of spans: there is a brace where a word could begin. */
const hasSets = (text: string) => /(^|[\s(&|])\{/.test(text.replace(quoted, '""'))

/** What stands between blanks, outside of parentheses. */
function outerPieces(text: string): string[] {
  let depth = 0
  return (text.match(/(?:"(?:\\[^]|[^"\\])*"|[^\s"])+/g) ?? []).filter((piece) => {
    const before = depth
    for (const sign of piece.replace(quoted, '')) depth += sign === '(' ? 1 : sign === ')' ? -1 : 0
    return before === 0 && !piece.startsWith('(')
  })
}
