import { ORDERS, StorageError, type Order, type SearchQuery, type SpanSet } from '../../contract.ts'
import { decodeCursor, type Cursor } from './cursor.ts'
import { rangeOf, type Range } from './range.ts'
import { compileSet, type CompiledSet } from './set/compile.ts'
import type { Turn } from './turn.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 10_000
const DEFAULT_MATCHES = 3
const MAX_MATCHES = 100

/** A query that has been checked. */
export interface Plan {
  /** Undefined: every trace with a span in the range. */
  readonly set: CompiledSet | undefined
  readonly range: Range
  readonly order: Order
  readonly limit: number
  readonly cursor: Cursor | undefined
  /** Spans named in each trace's `matched`; 0: there is none. */
  readonly matches: number
  readonly totals: boolean
}

/** Throws StorageError `bad_query`, naming the place, for what is no query. */
export function planOf(query: SearchQuery, turn: Turn): Plan {
  const order = query.order ?? 'newest'
  if (!ORDERS.includes(order)) throw new StorageError('bad_query', `order is ${order}; one of ${ORDERS.join(', ')}`)
  const set = setOf(query)
  return {
    set: set && compileSet(set, turn, query.spans ? 'spans' : ''),
    range: rangeOf(query.from, query.to),
    order,
    limit: whole(query.limit ?? DEFAULT_LIMIT, 'limit', 1, MAX_LIMIT),
    cursor: query.cursor === undefined ? undefined : decodeCursor(query.cursor, order),
    matches: whole(query.matchesPerTrace ?? DEFAULT_MATCHES, 'matchesPerTrace', 0, MAX_MATCHES),
    totals: query.totals === true,
  }
}

export function setOf({ filter, spans, order }: Pick<SearchQuery, 'filter' | 'spans' | 'order'>): SpanSet | undefined {
  if (spans && filter) throw new StorageError('bad_query', 'spans and filter are both given; filter is short for spans')
  if (filter) return { op: 'spans', filter }
  // A trace that is ranked by its spans in the set needs one, be it that of all spans.
  if (order === 'longest_match') return spans ?? { op: 'spans' }
  return spans?.op === 'spans' && !spans.filter ? undefined : spans
}

export function whole(value: number, name: string, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new StorageError('bad_query', `${name} is ${value}; a whole number from ${min} to ${max}`)
  return value
}
