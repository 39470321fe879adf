import type { Filter, SpanSet } from '../../contract.ts'
import type { Statement } from '../connection.ts'
import { tracesCondition, where } from './candidates.ts'
import { HEADER } from './dependencies.ts'
import { filterSql } from './filter.ts'
import { Parameters } from './parameters.ts'
import { rangeSql } from './set.ts'
import { allOf, anyOf, isExact, type Truth } from './truth.ts'

/*
 * The spans, or requests, that are counted, each once, as a table of which SQL counts. That is so for sets of whose spans filters alone tell; whose filters SQL can say exactly, at least of
 * the rows that there are (`doubtSql`); and for requests that can be told by their rows (`oddTracesSql`).
 */

/** What is counted. */
export interface RowsAsked {
  readonly table: string
  readonly set: SpanSet | undefined
  readonly from: bigint
  readonly to: bigint
  readonly of: 'spans' | 'requests'
}

const TWIN = `cityHash64(${HEADER})`
const IS_ROOT = `ParentSpanId = ''`

/** The filters of a set: a span is in it when it meets one of them and each is met by one of its trace; undefined where that is not what the set is. No filter: all spans. */
function filtersOf(set: SpanSet | undefined): readonly Filter[] | undefined {
  if (!set) return []
  if (set.op === 'spans') return set.filter ? [set.filter] : []
  if (set.op !== 'and' && set.op !== 'or') return undefined
  const filters: Filter[] = []
  for (const arg of set.args) {
    if (arg.op !== 'spans' || !arg.filter) return undefined
    filters.push(arg.filter)
  }
  if (filters.length === 0) return undefined
  return set.op === 'or' ? [{ op: 'or', args: filters }] : filters
}

/** Whether SQL can count what a set finds, as far as can be told without a look. */
export function isCountable(set: SpanSet | undefined): boolean {
  return filtersOf(set) !== undefined
}

/** One row where there is a span of which SQL does not know whether it is in the set; undefined: there is none such. */
export function doubtSql({ table, set, from, to }: RowsAsked): Statement | undefined {
  const parameters = new Parameters()
  const truths = filtersOf(set)!.map((filter) => filterSql(filter, parameters))
  const doubts = truths.filter((truth) => !isExact(truth))
  if (doubts.length === 0) return undefined
  const isDoubtful = anyOf(doubts.map(({ may, must }) => allOf([may, must === '0' ? '1' : `NOT (${must})`])))
  const sql = `SELECT toUInt8(1) FROM ${table}\nWHERE ${allOf([rangeSql(from, to, parameters), isDoubtful])}\nLIMIT 1`
  return { sql, parameters }
}

/** Conditions of which the rows are, made once for a statement. */
export class CountedRows {
  readonly #asked: RowsAsked
  readonly #range: string
  readonly #filters: readonly Truth[]

  constructor(asked: RowsAsked, parameters: Parameters) {
    this.#asked = asked
    this.#range = rangeSql(asked.from, asked.to, parameters)
    this.#filters = filtersOf(asked.set)!.map((filter) => filterSql(filter, parameters))
  }

  /** Rows that are counted, each once, with these columns. `more`: a condition on them; `but`: a condition on traces that are left out. */
  from(columns: readonly string[], more = '1', but = '1'): string {
    const { table, of } = this.#asked
    const select = (from: string, condition: string): string[] => [
      `SELECT ${columns.join(', ')}`,
      `FROM ${from}`,
      ...where(condition),
    ]
    if (of === 'spans') return [...select(table, allOf([this.#spans, more])), `LIMIT 1 BY ${TWIN}`].join('\n')
    // Whether it is the first is asked before more is asked of it.
    const roots = [
      `SELECT * FROM ${table}`,
      `WHERE ${allOf([IS_ROOT, this.#traces, but])}`,
      'ORDER BY SpoorStart, SpoorDuration DESC LIMIT 1 BY TraceId',
    ]
    return select(`(${roots.join('\n')})`, more).join('\n')
  }

  /**
   * Ids of traces whose request cannot be told by rows: none of their spans is without a parent, several that are come first, or one shares its id with the client that has called it, which
   * is its parent.
   */
  get oddTraces(): string {
    const { table } = this.#asked
    const roots = allOf([IS_ROOT, this.#traces])
    return [
      `SELECT TraceId FROM ${table} WHERE ${allOf([this.#spans, `TraceId NOT IN (SELECT TraceId FROM ${table} WHERE ${roots})`])}`,
      `SELECT TraceId FROM ${table} WHERE ${roots} GROUP BY TraceId, SpoorStart, SpoorDuration HAVING uniqExact(${TWIN}) > 1`,
      `SELECT TraceId FROM ${table} WHERE SpanKind = 'Client' AND (TraceId, SpanId) IN (SELECT TraceId, SpanId FROM ${table} WHERE ${allOf([roots, `SpanKind = 'Server'`])})`,
    ].join(' UNION ALL ')
  }

  /** A condition on rows: that they are in the set. */
  get #spans(): string {
    const own = anyOf(this.#filters.map(({ must }) => must))
    if (this.#filters.length === 0) return this.#range
    return allOf([this.#range, own, ...(this.#filters.length > 1 ? [this.#traces] : [])])
  }

  /** That their traces match. */
  get #traces(): string {
    const needs = this.#filters.length === 0 ? ['1'] : this.#filters.map(({ must }) => must)
    return tracesCondition(
      this.#asked.table,
      needs.map((sql) => ({ sql, anyTime: false, share: 0 })),
      this.#range,
    )
  }
}

/** How many of them there are. */
export function oddTracesSql(asked: RowsAsked): Statement {
  const parameters = new Parameters()
  const { oddTraces } = new CountedRows(asked, parameters)
  return { sql: `SELECT count() FROM (${oddTraces})`, parameters }
}

/** Spans of these traces, as {@link countedSql}. */
export function oddSpansSql(asked: RowsAsked, columns: string): Statement {
  const parameters = new Parameters()
  const { oddTraces } = new CountedRows(asked, parameters)
  const sql = `SELECT ${columns}\nFROM ${asked.table}\nWHERE TraceId IN (${oddTraces})\nORDER BY TraceId, SpoorBatch, SpoorRow`
  return { sql, parameters }
}
