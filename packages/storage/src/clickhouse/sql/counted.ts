import type { SpanSet } from '../../contract.ts'
import type { Statement } from '../connection.ts'
import { filterSql } from './filter.ts'
import { Parameters } from './parameters.ts'
import { coverOf, needsOf, rangeSql } from './set.ts'
import { tracesCondition, where } from './candidates.ts'
import { allOf, isExact } from './truth.ts'

/** What is asked about. */
export interface Scope {
  readonly set: SpanSet | undefined
  readonly from: bigint
  readonly to: bigint
  /** Whether whole traces are needed, or the spans of one filter are enough. */
  readonly isOfTraces: boolean
}

/** The spans that are needed to count what the scope finds, and perhaps some more, by their traces. `columns`: what of each. */
export function countedSql(table: string, { set, from, to, isOfTraces }: Scope, columns: string): Statement {
  const parameters = new Parameters()
  const range = rangeSql(from, to, parameters)
  const condition = isOfTraces
    ? tracesCondition(table, needsOf(set, parameters), range)
    : allOf([range, coverOf(set, parameters)])
  const sql = [`SELECT ${columns}`, `FROM ${table}`, ...where(condition), 'ORDER BY TraceId, SpoorBatch, SpoorRow']
  return { sql: sql.join('\n'), parameters }
}

/** How many traces have a span in the set; undefined where SQL cannot say it exactly. */
export function totalSql(table: string, { set, from, to }: Omit<Scope, 'isOfTraces'>): Statement | undefined {
  const parameters = new Parameters()
  if (!isCertain({ set })) return undefined
  const condition = allOf([
    rangeSql(from, to, parameters),
    ...(set?.op === 'spans' && set.filter ? [filterSql(set.filter, parameters).may] : []),
  ])
  return { sql: ['SELECT uniqExact(TraceId)', `FROM ${table}`, ...where(condition)].join('\n'), parameters }
}

/** Whether what SQL finds are the traces that match, and no more. */
function isCertain({ set }: Pick<Scope, 'set'>): boolean {
  return !set || (set.op === 'spans' && (!set.filter || isExact(filterSql(set.filter, new Parameters()))))
}
