import type { Statement } from '../connection.ts'
import type { RowReader } from '../row-binary.ts'
import { beginSql, binOfBegin } from './duration-bin.ts'
import { Parameters } from './parameters.ts'
import { rangeSql } from './set.ts'
import { serviceSql } from './service.ts'
import { allOf } from './truth.ts'

/** Calls that are the same in all of this. */
export interface Calls {
  readonly parent: string
  readonly child: string
  readonly isMessaging: boolean
  readonly isError: boolean
  /** Of the durations. */
  readonly bin: number
  readonly calls: number
}

/** A span that was sent twice is one: what is the same in its header. */
export const HEADER =
  'TraceId, SpanId, ParentSpanId, SpoorStart, SpoorDuration, SpanName, SpanKind, ServiceName, StatusCode'

/** A span in its trace, in 128 bits: to find it by these takes a third of what it takes by its ids. */
function placeSql(trace: string, span: string): string {
  return `cityHash64(${trace}, ${span}) AS place, xxHash64(${trace}, ${span}) AS check`
}

const CHILD = `${serviceSql()} AS Service, SpanKind, StatusCode, SpoorDuration`

/** Spans that start in `[from, to)` with the span of their parent, where that is of another service. */
export function callsSql(table: string, from: bigint, to: bigint): Statement {
  const parameters = new Parameters()
  const children = allOf([rangeSql(from, to - 1n, parameters), `ParentSpanId != ''`, 'ParentSpanId != SpanId'])
  return grouped(
    parameters,
    table,
    `SELECT ${CHILD}, ${placeSql('TraceId', 'ParentSpanId')} FROM ${table} WHERE ${children} LIMIT 1 BY cityHash64(${HEADER})`,
    `SELECT cityHash64(TraceId, ParentSpanId) FROM ${table} WHERE ${children}`,
    '1',
  )
}

/** Spans of kind consumer that start in `[from, to)` with the spans of kind producer that they link to, but for their own parents. */
export function linksSql(table: string, from: bigint, to: bigint): Statement {
  const parameters = new Parameters()
  const children = allOf([rangeSql(from, to - 1n, parameters), `SpanKind = 'Consumer'`, 'notEmpty(`Links.SpanId`)'])
  const links = 'arrayDistinct(arrayZip(`Links.TraceId`, `Links.SpanId`))'
  const linked = `SELECT ${HEADER}, ${links} AS Linked FROM ${table} WHERE ${children}`
  return grouped(
    parameters,
    table,
    `SELECT ${CHILD}, ${placeSql('link.1', 'link.2')} FROM (${linked}) ARRAY JOIN Linked AS link WHERE NOT (link.1 = TraceId AND link.2 = ParentSpanId) LIMIT 1 BY cityHash64(${HEADER}, link.1, link.2)`,
    `SELECT arrayJoin(arrayMap((t, s) -> cityHash64(t, s), \`Links.TraceId\`, \`Links.SpanId\`)) FROM ${table} WHERE ${children}`,
    `above.SpanKind = 'Producer'`,
  )
}

/** `children`: those that are called, with the place of who may have called them; `places`: all of these. */
function grouped(
  parameters: Parameters,
  table: string,
  children: string,
  places: string,
  condition: string,
): Statement {
  const parents = `SELECT ${placeSql('TraceId', 'SpanId')}, ${serviceSql()} AS Service, SpanKind FROM ${table} WHERE place IN (${places})`
  const sql = `SELECT above.Service AS parent, child.Service AS service,
  above.SpanKind = 'Producer' AND child.SpanKind = 'Consumer' AS messaging, child.StatusCode = 'Error' AS error, ${beginSql('greatest(child.SpoorDuration, 0)')} AS begin, count() AS calls
FROM (${children}) AS child
ANY LEFT JOIN (${parents}) AS above ON child.place = above.place AND child.check = above.check
WHERE parent != '' AND parent != service${condition === '1' ? '' : ` AND ${condition}`}
GROUP BY parent, service, messaging, error, begin`
  return { sql, parameters }
}

export function decodeCalls(row: RowReader): Calls {
  return {
    parent: row.text(),
    child: row.text(),
    isMessaging: row.uint8() === 1,
    isError: row.uint8() === 1,
    bin: binOfBegin(row.uint64()),
    calls: row.count(),
  }
}
