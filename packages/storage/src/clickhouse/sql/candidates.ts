import type { Order, SpanSet } from '../../contract.ts'
import type { Statement } from '../connection.ts'
import { ALL_TIME, type Window } from '../read/windows.ts'
import type { RowReader } from '../row-binary.ts'
import { Parameters } from './parameters.ts'
import { coverOf, needsOf, rangeSql, type Need } from './set.ts'
import { allOf } from './truth.ts'

/** A trace that may match. */
export interface Candidate {
  readonly traceId: string
  /** Its place is this one or a later one. */
  readonly bound: bigint
  /** Of those that were looked at: how many, and where they are in the table's own time, nanoseconds. */
  readonly spans: number
  readonly first: bigint
  readonly last: bigint
}

export interface CandidateQuery {
  /** The table, as it stands in a statement. */
  readonly table: string
  readonly set: SpanSet | undefined
  readonly from: bigint
  readonly to: bigint
  readonly order: Order
  /** What has this key, or an earlier one, and cannot have a later one, is left out. */
  readonly after?: { readonly key: bigint; readonly traceId: string } | undefined
  /** What has a bound after this one, and no other. */
  readonly beyond?: Pick<Candidate, 'bound' | 'traceId'> | undefined
  /** Only spans in this stretch are looked at: what is before it can only put a trace in a later place. Matching spans of a trace may come after it. */
  readonly window?: Window
  readonly limit: number
}

const IS_ROOT = `ParentSpanId = ''`
const LENGTH = 'greatest(SpoorDuration, 0)'
const END = `toInt128(SpoorStart) + ${LENGTH}`

/** Of a trace's spans, of those that can be its request: those without a parent where there are some, else all. */
function ofRequest(aggregate: 'min' | 'max', expression: string): string {
  return `if(countIf(${IS_ROOT}) > 0, ${aggregate}If(${expression}, ${IS_ROOT}), ${aggregate}(${expression}))`
}

interface Bounds {
  /** The earliest place that the trace can have in the order, and the latest. */
  readonly best: string
  readonly worst: string
}

/** Keys as `positionOf` has them: the smallest comes first. Spans that were sent twice count in some of these, and it is not certain which span is the request. */
function boundsOf(order: Order, matching: string): Bounds {
  switch (order) {
    case 'newest':
      return same('-toInt128(min(SpoorStart))')
    case 'oldest':
      return same('toInt128(min(SpoorStart))')
    case 'longest':
      return { best: `-toInt128(${ofRequest('max', LENGTH)})`, worst: `-toInt128(${ofRequest('min', LENGTH)})` }
    case 'shortest':
      return { best: `toInt128(${ofRequest('min', LENGTH)})`, worst: `toInt128(${ofRequest('max', LENGTH)})` }
    case 'longest_tail':
      return {
        // Sums of times that are far apart are not exact where they are counted.
        best: `-greatest(max(${END}) - ${ofRequest('min', END)} + intDiv(max(${END}) - min(SpoorStart), 1000000000), 0)`,
        worst: `toInt128(0)`,
      }
    case 'longest_match':
      return {
        best: `-toInt128(greatest(maxIf(SpoorDuration, ${matching}), 0))`,
        worst: 'toInt128(9223372036854775807)',
      }
    case 'most_spans':
      return { best: '-toInt128(count())', worst: '-toInt128(uniqExact(SpanId))' }
    default:
      return {
        best: `-toInt128(countIf(StatusCode = 'Error'))`,
        worst: `-toInt128(uniqExactIf(SpanId, StatusCode = 'Error'))`,
      }
  }
}

function same(sql: string): Bounds {
  return { best: sql, worst: sql }
}

/** All traces that may match, by the earliest place that each can have, then by id. */
export function candidatesSql(asked: CandidateQuery): Statement {
  const { table, set, from, to, order, after, beyond, window = ALL_TIME, limit } = asked
  const parameters = new Parameters()
  // A trace that begins in the stretch has no span before it.
  const range = rangeSql(window.from > from ? window.from : from, to, parameters)
  const matching = order === 'longest_match' ? allOf([range, coverOf(set, parameters)]) : '1'
  const { best, worst } = boundsOf(order, matching)
  const place = (key: bigint, traceId: string): string =>
    `(toInt128(${parameters.text(String(key))}), ${parameters.text(traceId)})`
  const having = [
    ...(after ? [`(${worst}, TraceId) > ${place(after.key, after.traceId)}`] : []),
    ...(beyond ? [`(${best}, TraceId) > ${place(beyond.bound, beyond.traceId)}`] : []),
  ]
  const sql = [
    `SELECT TraceId, toString(${best} AS bound) AS b, count() AS spans,`,
    '  toUnixTimestamp64Nano(min(Timestamp)) AS first, toUnixTimestamp64Nano(max(Timestamp)) AS last',
    `FROM ${table}`,
    ...where(
      allOf([rangeSql(window.from, window.to, parameters), tracesCondition(table, needsOf(set, parameters), range)]),
    ),
    'GROUP BY TraceId',
    ...(having.length === 0 ? [] : [`HAVING ${having.join(' AND ')}`]),
    'ORDER BY bound, TraceId',
    `LIMIT ${Math.floor(limit)}`,
  ]
  return { sql: sql.join('\n'), parameters }
}

export function decodeCandidate(row: RowReader): Candidate {
  return {
    traceId: row.text(),
    bound: BigInt(row.text()),
    spans: row.count(),
    first: row.int64(),
    last: row.int64(),
  }
}

/** Rows of the traces of which each need is met by a span. */
export function tracesCondition(table: string, needs: readonly Need[], range: string): string {
  const conditions = needs
    .map(({ sql, anyTime }) => (anyTime ? sql : allOf([range, sql])))
    .filter((condition, i, all) => all.indexOf(condition) === i)
  return allOf(
    conditions.map((condition) =>
      condition === '1' ? '1' : `TraceId IN (SELECT TraceId FROM ${table} WHERE ${condition})`,
    ),
  )
}

export function where(condition: string): string[] {
  return condition === '1' ? [] : [`WHERE ${condition}`]
}
