import type { Filter, SpanSet } from '../../contract.ts'
import { filterSql } from './filter.ts'
import type { Parameters } from './parameters.ts'
import { allOf, anyOf } from './truth.ts'

/** What at least one span of a trace has to be for the trace to match. */
export interface Need {
  /** A condition on a row; `1`: any span. */
  readonly sql: string
  /** Whether the span may start outside of the range. */
  readonly anyTime: boolean
  /** Of which more rows are left out, the smaller. */
  readonly share: number
}

const ANY: Need = { sql: '1', anyTime: false, share: 1 }

/** What has to be there for a set, which has been checked, to have a member: all of these. */
export function needsOf(set: SpanSet | undefined, parameters: Parameters): readonly Need[] {
  if (!set) return [ANY]
  switch (set.op) {
    case 'spans':
      return [set.filter ? needOf(set.filter, parameters, false) : ANY]
    case 'and':
      return set.args.flatMap((arg) => needsOf(arg, parameters))
    case 'or':
      return [eitherOf(set.args.map((arg) => rarest(needsOf(arg, parameters))))]
    case 'related':
      return [...(set.not ? [] : needsOf(set.left, parameters)), ...needsOf(set.right, parameters)]
    case 'having':
      return needsOf(set.arg, parameters)
    case 'without':
      return needsOf(set.among, parameters)
    default: {
      const implied = impliedBy(set)
      return [...needsOf(set.among, parameters), ...(implied ? [needOf(implied, parameters, true)] : [])]
    }
  }
}

/** A condition that each span in the set meets. */
export function coverOf(set: SpanSet | undefined, parameters: Parameters): string {
  if (!set) return '1'
  switch (set.op) {
    case 'spans':
      return set.filter ? filterSql(set.filter, parameters).may : '1'
    case 'and':
    case 'or':
      return anyOf(set.args.map((arg) => coverOf(arg, parameters)))
    case 'related':
      return coverOf(set.right, parameters)
    case 'having':
      return coverOf(set.arg, parameters)
    default:
      return coverOf(set.among, parameters)
  }
}

function needOf(filter: Filter, parameters: Parameters, anyTime: boolean): Need {
  const sql = filterSql(filter, parameters).may
  return { sql, anyTime, share: sql === '1' ? 1 : shareOf(filter) }
}

function rarest(needs: readonly Need[]): Need {
  return needs.reduce((best, need) => (need.share < best.share ? need : best))
}

function eitherOf(needs: readonly Need[]): Need {
  return {
    sql: anyOf(needs.map(({ sql }) => sql)),
    anyTime: needs.some(({ anyTime }) => anyTime),
    share: needs.reduce((sum, { share }) => sum + share, 0),
  }
}

/** What one span of the trace is, whenever it starts, where the whole is as asked; undefined: nothing that is plain to see. */
function impliedBy({ field, compare, value }: Extract<SpanSet, { op: 'trace' }>): Filter | undefined {
  const number = Number(value)
  const isAtLeast = compare === 'gt' || compare === 'gte' || compare === 'eq'
  if (field === 'rootService' && compare === 'eq') return { op: 'eq', target: { field: 'service' }, value }
  if (field === 'rootName' && compare === 'eq') return { op: 'eq', target: { field: 'name' }, value }
  if (field === 'requestDuration' && isAtLeast && number > 0) return { op: 'gte', target: { field: 'duration' }, value }
  if (field === 'errors' && isAtLeast && (number > 0 || (number === 0 && compare === 'gt')))
    return { op: 'eq', target: { field: 'status' }, value: 'error' }
  return undefined
}

/** A guess. */
function shareOf(filter: Filter): number {
  switch (filter.op) {
    case 'and':
      return Math.min(...filter.args.map(shareOf))
    case 'or':
      return filter.args.reduce((sum, arg) => sum + shareOf(arg), 0)
    case 'not':
    case 'ne':
    case 'exists':
      return 0.9
    case 'word':
      return 0.01
    default:
      return 'attribute' in filter.target ? 0.01 : 0.1
  }
}

/** Starts of spans, both inclusive, as conditions on a row; `1` for all time. */
export function rangeSql(from: bigint, to: bigint, parameters: Parameters): string {
  const terms: string[] = []
  // The order and the partitions of the table go by its own column, which has no time after 2106.
  if (from > 0n) {
    terms.push(`SpoorStart >= ${parameters.uint64(from)}`)
    terms.push(`Timestamp >= fromUnixTimestamp64Nano(${parameters.add('Int64', String(clamped(from)))})`)
  }
  if (to < 2n ** 64n - 1n) {
    terms.push(`SpoorStart <= ${parameters.uint64(to)}`)
    terms.push(`Timestamp <= fromUnixTimestamp64Nano(${parameters.add('Int64', String(clamped(to)))})`)
  }
  return allOf(terms)
}

/** The last time that the table's own column has; see `write/rows.ts`. */
export const LAST_TIME = BigInt(Math.floor((4_294_967_290 * 1e9) / 2 ** 32)) << 32n

function clamped(time: bigint): bigint {
  return time > LAST_TIME ? LAST_TIME : time
}
