import type {
  AggregateQuery,
  AggregateScope,
  Aggregates,
  CompareQuery,
  Differences,
  ErrorGroups,
  ErrorGroupsQuery,
  HeatMap,
  HeatMapQuery,
} from '../../contract.ts'
import { BINS_PER_OCTAVE } from '../../duration-bins.ts'
import { endOf } from '../../local/read/aggregate/aggregate.ts'
import { differencesOf, MAX_VALUES, Shares } from '../../local/read/aggregate/compare.ts'
import { Errors } from '../../local/read/aggregate/error-groups.ts'
import { keptAs } from '../../local/read/aggregate/exemplars.ts'
import { Groups } from '../../local/read/aggregate/groups.ts'
import { Cells, ROWS_PER_OCTAVE } from '../../local/read/aggregate/cells.ts'
import { aggregatePlan, scopeOf } from '../../local/read/aggregate/plan.ts'
import { eachCounted } from '../../local/read/aggregate/spans.ts'
import { TimeBins } from '../../local/read/aggregate/time-bins.ts'
import { setOf } from '../../local/read/plan.ts'
import { rangeOf } from '../../local/read/range.ts'
import type { TakeRows } from '../../local/read/trace-sweep.ts'
import type { Statement } from '../connection.ts'
import type { Query } from '../query.ts'
import type { RowReader } from '../row-binary.ts'
import { doubtSql, isCountable, oddSpansSql, oddTracesSql, type RowsAsked } from '../sql/counted-rows.ts'
import {
  cellsSql,
  countsDecoder,
  countsSql,
  decodeCell,
  decodeErrors,
  decodeShare,
  errorsSql,
  exemplarsDecoder,
  exemplarsSql,
  sharesSql,
  type CountsAsked,
  type ErrorRow,
  type ExemplarRow,
  type TimeAsked,
} from '../sql/counts.ts'
import { areFields, HEADER_COLUMNS, headerDecoder, isOfHeaders } from '../sql/headers.ts'
import { decodeSpanOfTrace, SPAN_COLUMNS } from '../sql/spans.ts'
import type { Tables } from '../tables.ts'
import { partsByTrace } from './fetch.ts'

/*
 * Counts that the server makes: of what it gives each row stands for many spans, and is added to what the local engine counts with, which then tells the answer. What
 * the server cannot say exactly is not counted so: a question as a whole (undefined), or, of requests, some traces, whose spans are then read and counted one by one.
 */

const DOING = 'counting'

/** A question that the server can count; undefined: it cannot. */
async function countsOf(
  query: Query,
  tables: Tables,
  { of, ...scope }: AggregateScope,
): Promise<CountsAsked | undefined> {
  const set = setOf({ ...(scope.spans && { spans: scope.spans }), ...(scope.filter && { filter: scope.filter }) })
  if (!isCountable(set)) return undefined
  const { from, to } = rangeOf(scope.from, scope.to)
  const asked: RowsAsked = { table: tables.spans, set, from, to, of: of ?? 'spans' }
  const doubt = doubtSql(asked)
  if (doubt && (await query.all(doubt, (row) => row.uint8(), DOING)).length > 0) return undefined
  if (asked.of === 'spans') return { ...asked, hasOdd: false }
  const [odd = 0] = await query.all(oddTracesSql(asked), (row) => row.count(), DOING)
  return { ...asked, hasOdd: odd > 0 }
}

/** Adds up what a statement gives. */
async function fold<T>(
  query: Query,
  statement: Statement,
  decode: (row: RowReader) => T,
  add: (row: T) => void,
): Promise<void> {
  for await (const rows of query.rows(statement, decode, DOING)) {
    for (const row of rows) add(row)
    if (await query.turn.breathe()) return
  }
}

/** Counts the traces that the server has left out. */
async function addOdd(
  query: Query,
  asked: CountsAsked,
  scope: AggregateScope,
  isLean: boolean,
  take: TakeRows,
): Promise<void> {
  if (!asked.hasOdd || query.isOver) return
  const [columns, decode] = isLean ? [HEADER_COLUMNS, headerDecoder()] : [SPAN_COLUMNS, decodeSpanOfTrace]
  const parts = { size: 1, each: () => partsByTrace(query, oddSpansSql(asked, columns), decode, DOING) }
  const growth = { part() {} }
  await eachCounted(parts, scopeOf(scope, [], query.turn), query.turn, take, growth, { headerOnly: isLean })
}

/** A query that is over by its timer is so by its turn. */
async function ended(query: Query): Promise<void> {
  if (query.isOver) await query.turn.breathe()
}

function keptOf({ traceId, spanId, durationNs, error }: ExemplarRow): ReturnType<typeof keptAs> {
  return keptAs(traceId, spanId, durationNs, error)
}

function timeOf({ first, widthNs, count }: TimeBins): TimeAsked {
  return { from: first, widthNs, count }
}

export async function aggregateInSql(
  query: Query,
  tables: Tables,
  asked: AggregateQuery,
): Promise<Aggregates | undefined> {
  const { turn } = query
  const { groupBy, order, limit, aligned, ...counts } = aggregatePlan(asked)
  const scope = scopeOf(asked, [], turn)
  const rows = await countsOf(query, tables, asked)
  if (!rows) return undefined
  const time = TimeBins.over(scope, counts.buckets, aligned)
  const seconds = Number(scope.to - scope.from + 1n) / 1e9
  const groups = new Groups(groupBy, { ...counts, buckets: time.count, seconds }, time, turn)
  const add = ({ values, ...part }: ReturnType<ReturnType<typeof countsDecoder>>): void => {
    turn.spans += part.count
    groups.addPart(values, part)
  }
  await fold(query, countsSql(rows, groupBy, timeOf(time)), countsDecoder(groupBy), add)
  const isLean = areFields(groupBy) && isOfHeaders(rows.set)
  await addOdd(query, rows, asked, isLean, (block, own, wanted) => groups.add(block, own, wanted))
  if (counts.exemplars > 0 && turn.spans > 0) {
    const least = BigInt(Math.max(0, groups.leastExemplarNs(order, limit)))
    await fold(
      query,
      exemplarsSql(rows, groupBy, counts.exemplars, least),
      exemplarsDecoder(groupBy),
      ({ values, exemplars }) => {
        for (const exemplar of exemplars) groups.keep(values, keptOf(exemplar))
      },
    )
  }
  await ended(query)
  return { ...groups.answer(order, limit), ...endOf(scope, time, turn) }
}

export async function heatMapInSql(query: Query, tables: Tables, asked: HeatMapQuery): Promise<HeatMap | undefined> {
  const { turn } = query
  const scope = scopeOf(asked, [], turn)
  const rows = await countsOf(query, tables, asked)
  if (!rows) return undefined
  const time = TimeBins.over(scope, asked.timeBins ?? 120, asked.aligned)
  const cells = new Cells(time, turn)
  const statement = cellsSql(rows, timeOf(time), BINS_PER_OCTAVE / ROWS_PER_OCTAVE)
  await fold(query, statement, decodeCell, ({ longest, ...cell }) => {
    turn.spans += cell.count
    cells.addPart({ ...cell, longest: keptOf(longest) })
  })
  const isLean = isOfHeaders(rows.set)
  await addOdd(query, rows, asked, isLean, (_, own, wanted) => cells.add(own, wanted))
  await ended(query)
  return { ...cells.folded(asked.durationBins ?? 24), ...endOf(scope, time, turn) }
}

export async function errorGroupsInSql(
  query: Query,
  tables: Tables,
  asked: ErrorGroupsQuery,
): Promise<ErrorGroups | undefined> {
  const { turn } = query
  const ofSpans = { ...asked, of: 'spans' } as const
  const scope = scopeOf(ofSpans, [], turn)
  const rows = await countsOf(query, tables, ofSpans)
  if (!rows) return undefined
  const exemplars = asked.exemplars ?? 3
  const time = TimeBins.over(scope, asked.buckets ?? 0, asked.aligned)
  const errors = new Errors(time, exemplars, turn)
  await fold(query, errorsSql(rows, timeOf(time), exemplars), decodeErrors, (row) => {
    turn.spans += row.count
    errors.addPart({
      ...row,
      recorded: recordedOf(row),
      exemplars: row.exemplars.map((each) => ({ ...keptOf(each), start: each.start })),
    })
  })
  await ended(query)
  return { ...errors.answer(asked.order ?? 'count', asked.limit ?? 50), ...endOf(scope, time, turn) }
}

/** As `recordedErrors` reads them from a span: of each name the first counts. */
function recordedOf({ recorded, statusType, statusMessage }: ErrorRow): Parameters<Errors['addPart']>[0]['recorded'] {
  if (recorded.length === 0) return [{ type: statusType, message: statusMessage }]
  return recorded.map((pairs) => {
    const text = (name: string): string | undefined => pairs.find(([own]) => own === `exception.${name}`)?.[1]
    return { type: text('type'), message: text('message'), stacktrace: text('stacktrace') }
  })
}

export async function compareInSql(
  query: Query,
  tables: Tables,
  asked: CompareQuery,
): Promise<Differences | undefined> {
  const { turn } = query
  const keys = asked.keys ?? []
  const a = await countsOf(query, tables, asked.a)
  const b = a && (await countsOf(query, tables, asked.b))
  if (!a || !b || a.hasOdd || b.hasOdd) return undefined
  const shares = keys.map((key) => new Shares(key, turn))
  const totals = { a: 0, b: 0 }
  await fold(query, sharesSql(a, b, keys, MAX_VALUES), decodeShare, (row) => {
    const share = shares[row.key]
    if (!share) [totals.a, totals.b] = [row.a, row.b]
    else {
      if (row.a > 0) share.countText('a', row.value, row.a)
      if (row.b > 0) share.countText('b', row.value, row.b)
    }
  })
  turn.spans += totals.a + totals.b
  await ended(query)
  return differencesOf(shares, totals, { isRest: asked.rest === true, limit: asked.limit ?? 50 }, turn)
}

/** What can be counted in SQL. */
export const IN_SQL = {
  aggregate: aggregateInSql,
  heatMap: heatMapInSql,
  errorGroups: errorGroupsInSql,
  compare: compareInSql,
}
