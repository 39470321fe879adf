import {
  GROUP_FIELDS,
  GROUP_ORDERS,
  StorageError,
  type AggregateQuery,
  type AggregateScope,
  type GroupKey,
  type GroupOrder,
} from '../../../contract.ts'
import type { Block } from '../block.ts'
import { LEVELS } from '../filter/compile.ts'
import { setOf, whole } from '../plan.ts'
import { boundsOf, rangeOf, type Range } from '../range.ts'
import { compileSet, type CompiledSet } from '../set/compile.ts'
import type { Turn } from '../turn.ts'

const MAX_KEYS = 3
const MAX_PERCENTILES = 10
/** Of all groups of an answer together. */
const MAX_BUCKETS = 100_000

/** What is counted, checked. */
export interface ScopePlan {
  /** Undefined: every span, or every trace with a span, in the range. */
  readonly set: CompiledSet | undefined
  readonly range: Range
  /** The range, or where it has no end the store's. */
  readonly from: bigint
  readonly to: bigint
  readonly of: 'spans' | 'requests'
}

/** Throws StorageError `bad_query`, naming the place, for what is no query. */
export function scopeOf(scope: AggregateScope, blocks: readonly Block[], turn: Turn): ScopePlan {
  const of = scope.of ?? 'spans'
  if (of !== 'spans' && of !== 'requests') throw new StorageError('bad_query', `of is ${String(of)}; spans or requests`)
  const set = setOf({ ...(scope.spans && { spans: scope.spans }), ...(scope.filter && { filter: scope.filter }) })
  const range = rangeOf(scope.from, scope.to)
  const [first = 0n, last = 0n] = boundsOf(blocks)
  const from = scope.from === undefined ? (first < range.to ? first : range.to) : range.from
  const to = scope.to === undefined ? (last > from ? last : from) : range.to
  if (to < from) throw new StorageError('bad_query', `the range ends, at ${to}, before it begins, at ${from}`)
  return { set: set && compileSet(set, turn, scope.spans ? 'spans' : ''), range, from, to, of }
}

export interface AggregatePlan {
  readonly groupBy: readonly GroupKey[]
  readonly percentiles: readonly number[]
  readonly order: GroupOrder
  readonly limit: number
  readonly buckets: number
  readonly aligned: boolean
  readonly exemplars: number
}

/** As {@link scopeOf}. */
export function aggregatePlan(query: AggregateQuery): AggregatePlan {
  const { groupBy = [], percentiles = [0.5, 0.95, 0.99], order = 'count' } = query
  if (!Array.isArray(groupBy) || groupBy.length > MAX_KEYS)
    throw new StorageError('bad_query', `groupBy: a list of at most ${MAX_KEYS} keys is needed`)
  for (const [i, key] of groupBy.entries()) checkKey(key as GroupKey, `groupBy[${i}]`)
  if (!Array.isArray(percentiles) || percentiles.length > MAX_PERCENTILES)
    throw new StorageError('bad_query', `percentiles: a list of at most ${MAX_PERCENTILES} numbers is needed`)
  for (const [i, share] of percentiles.entries()) {
    if (!(share > 0 && share <= 1))
      throw new StorageError('bad_query', `percentiles[${i}] is ${String(share)}; more than 0 and at most 1, as 0.95`)
  }
  if (!GROUP_ORDERS.includes(order))
    throw new StorageError('bad_query', `order is ${order}; one of ${GROUP_ORDERS.join(', ')}`)
  const limit = whole(query.limit ?? 20, 'limit', 1, 10_000)
  const buckets = whole(query.buckets ?? 0, 'buckets', 0, 1_000)
  if (limit * buckets > MAX_BUCKETS)
    throw new StorageError(
      'bad_query',
      `limit ${limit} times buckets ${buckets} is more than ${MAX_BUCKETS}; ask for fewer groups or buckets`,
    )
  const exemplars = whole(query.exemplars ?? 1, 'exemplars', 0, 10)
  return { groupBy, percentiles, order, limit, buckets, aligned: query.aligned === true, exemplars }
}

/** Throws StorageError `bad_query`, naming the place, for what cannot be grouped by. */
export function checkKey(key: GroupKey, path: string): void {
  if (!key || typeof key !== 'object')
    throw new StorageError('bad_query', `${path}: needs { field } or { attribute, level? }`)
  if ('field' in key) {
    if (!GROUP_FIELDS.includes(key.field))
      throw new StorageError('bad_query', `${path}.field is ${key.field}; one of ${GROUP_FIELDS.join(', ')}`)
    return
  }
  if (typeof key.attribute !== 'string') throw new StorageError('bad_query', `${path}.attribute is not a string`)
  if (key.level !== undefined && !LEVELS.has(key.level))
    throw new StorageError('bad_query', `${path}.level is ${key.level}; one of ${[...LEVELS].join(', ')}`)
}
