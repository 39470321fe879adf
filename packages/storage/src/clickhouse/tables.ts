import type { ClickHouseAddress } from './address.ts'
import type { Statement } from './connection.ts'
import { Parameters } from './sql/parameters.ts'

/** The tables of a store, as they stand in statements. */
export interface Tables {
  /** Whether they have the columns that begin with `Spoor`: without them, spans are read as far as the others tell of them, and none is stored. */
  readonly isOwn: boolean
  /** Whether each row says who has written it. */
  readonly tellsOthers: boolean
  readonly spans: string
  /** Where the spans of a trace are; undefined: nobody says. */
  readonly times: string | undefined
}

/** Which columns the tables have that are there: rows of a table's name and a column's. */
export function columnsSql({ database, table }: ClickHouseAddress): Statement {
  const parameters = new Parameters()
  const names = parameters.add('Array(String)', [table, `${table}_trace_id_ts`])
  const sql = `SELECT table, name FROM system.columns WHERE database = ${parameters.text(database)} AND table IN ${names}`
  return { sql, parameters }
}

/** Undefined where there is no table for spans. */
export function tablesOf(
  { database, table }: ClickHouseAddress,
  columns: readonly (readonly [table: string, name: string])[],
): Tables | undefined {
  const ofSpans = new Set(columns.filter(([of]) => of === table).map(([, name]) => name))
  if (ofSpans.size === 0) return undefined
  const spans = `\`${database}\`.\`${table}\``
  const isOwn = ofSpans.has('SpoorSpan')
  const hasTimes = columns.some(([of, name]) => of !== table && name === 'End')
  const times = hasTimes ? `\`${database}\`.\`${table}_trace_id_ts\`` : undefined
  return {
    isOwn,
    tellsOthers: ofSpans.has('SpoorOthers'),
    spans: isOwn ? spans : otherSpans(spans, ofSpans),
    times,
  }
}

/** One row where others have written to tables of ours. */
export function othersSql({ spans }: Tables): Statement {
  return { sql: `SELECT SpoorOthers FROM ${spans} WHERE SpoorOthers = 1 LIMIT 1`, parameters: new Parameters() }
}

/** Tables of ours with rows of others, as if these were ours. Only who asks for the spans themselves pays for it. */
export function withOthers(tables: Tables): Tables {
  const span = `if(SpoorOthers = 1, ${TOLD_SPAN}, SpoorSpan) AS SpoorSpan`
  return { ...tables, spans: `(SELECT * REPLACE(${span}, ${NAMES}) FROM ${tables.spans})` }
}

/** What older versions of the exporter do not have. */
const LATER_COLUMNS = ['ScopeName', 'ScopeVersion']
/** Of a span, what `read/rebuilt-span.ts` makes one of, in its order. */
const TOLD = [
  'TraceId',
  'SpanId',
  'ParentSpanId',
  'TraceState',
  'SpanName',
  'SpanKind',
  'toString(SpoorStart)',
  'toString(SpoorDuration)',
  'StatusCode',
  'StatusMessage',
  'ResourceAttributes',
  'ScopeName',
  'ScopeVersion',
  'SpanAttributes',
  'arrayMap(t -> toString(toUnixTimestamp64Nano(t)), `Events.Timestamp`)',
  '`Events.Name`',
  '`Events.Attributes`',
  '`Links.TraceId`',
  '`Links.SpanId`',
  '`Links.TraceState`',
  '`Links.Attributes`',
]

const TOLD_SPAN = `toJSONString(tuple(${TOLD.join(', ')}))`

/** Older versions of the exporter write them as SPAN_KIND_SERVER and STATUS_CODE_ERROR. */
const NAMES = [
  ['SpanKind', 'SPAN_KIND_'],
  ['StatusCode', 'STATUS_CODE_'],
]
  .map(([column, prefix]) => `initcap(lower(replaceOne(${column}, '${prefix}', ''))) AS ${column}`)
  .join(', ')

/** A table that others have made, as if it had our columns. */
function otherSpans(table: string, columns: ReadonlySet<string>): string {
  const missing = LATER_COLUMNS.filter((name) => !columns.has(name)).map((name) => `'' AS ${name}`)
  const own = [
    'toUInt64(toUnixTimestamp64Nano(Timestamp)) AS SpoorStart',
    'toInt64(Duration) AS SpoorDuration',
    'toUInt64(toUnixTimestamp64Micro(Timestamp)) AS SpoorBatch',
    'toUInt32(0) AS SpoorRow',
    `CAST(map(), 'Map(LowCardinality(String), String)') AS SpoorScopeAttributes`,
    `'' AS SpoorResource`,
    `'' AS SpoorScope`,
    `${TOLD_SPAN} AS SpoorSpan`,
  ]
  return `(SELECT * REPLACE(${NAMES}), ${[...missing, ...own].join(', ')} FROM ${table})`
}
