import type { Level } from '../../contract.ts'
import type { Statement } from '../connection.ts'
import { Parameters } from './parameters.ts'

/** Of what came in this last time attributes are looked at, and so many spans of that at most. */
const SAMPLE_US = 3_600_000_000
const SAMPLE_SPANS = 100_000
/** Characters beyond which a key or value is not listed. */
const MAX_TEXT = 1_024

const IN_SPANS: Readonly<Record<Exclude<Level, 'any'>, string>> = {
  span: 'SpanAttributes',
  resource: 'ResourceAttributes',
  scope: 'SpoorScopeAttributes',
  event: '`Events.Attributes`',
  link: '`Links.Attributes`',
}

export function servicesSql(table: string): Statement {
  return { sql: `SELECT DISTINCT ServiceName FROM ${table}`, parameters: new Parameters() }
}

export function operationsSql(table: string, service: string | undefined): Statement {
  const parameters = new Parameters()
  const condition = service === undefined ? '' : ` WHERE ServiceName = ${parameters.text(service)}`
  return { sql: `SELECT DISTINCT SpanName, SpanKind FROM ${table}${condition}`, parameters }
}

/** Keys of attributes at a level, the most frequent first. */
export function keysSql(table: string, level: Level, limit: number): Statement {
  const keysOf = (each: Exclude<Level, 'any'>): string =>
    each === 'event' || each === 'link'
      ? `arrayFlatten(arrayMap(m -> mapKeys(m), ${IN_SPANS[each]}))`
      : `mapKeys(${IN_SPANS[each]})`
  return frequentSql(table, level, keysOf, limit, new Parameters())
}

/** Values of one key, the most frequent first. */
export function valuesSql(table: string, key: string, limit: number): Statement {
  const parameters = new Parameters()
  const name = parameters.text(key)
  const valuesOf = (map: string): string => `mapValues(mapFilter((k, v) -> k = ${name}, ${map}))`
  const inLevel = (each: Exclude<Level, 'any'>): string =>
    each === 'event' || each === 'link'
      ? `arrayFlatten(arrayMap(m -> ${valuesOf('m')}, ${IN_SPANS[each]}))`
      : valuesOf(IN_SPANS[each])
  return frequentSql(table, 'any', inLevel, limit, parameters)
}

function frequentSql(
  table: string,
  level: Level,
  textsOf: (level: Exclude<Level, 'any'>) => string,
  limit: number,
  parameters: Parameters,
): Statement {
  const levels = level === 'any' ? (['span', 'resource', 'scope', 'event', 'link'] as const) : [level]
  const lists = levels.map((each) => `CAST(${textsOf(each)}, 'Array(String)')`)
  const all = lists.length === 1 ? lists[0]! : `arrayConcat(${lists.join(', ')})`
  const sql = `SELECT text FROM (
  SELECT arrayJoin(${all}) AS text
  FROM (SELECT * FROM ${table} WHERE SpoorBatch >= (SELECT max(SpoorBatch) FROM ${table}) - ${SAMPLE_US} LIMIT ${SAMPLE_SPANS})
)
WHERE lengthUTF8(text) <= ${MAX_TEXT}
GROUP BY text ORDER BY count() DESC, text LIMIT ${limit}`
  return { sql, parameters }
}

export interface Bounds {
  readonly spans: number
  /** First and last start; 0 where there are no spans. */
  readonly first: bigint
  readonly last: bigint
}

export function boundsSql(table: string): Statement {
  return { sql: `SELECT count(), min(SpoorStart), max(SpoorStart) FROM ${table}`, parameters: new Parameters() }
}

/** The first and the last time in the table's own column, which the server knows without a look at it. */
export function timesSql(table: string): Statement {
  const sql = `SELECT toUnixTimestamp64Nano(min(Timestamp)), toUnixTimestamp64Nano(max(Timestamp)) FROM ${table}`
  return { sql, parameters: new Parameters() }
}

/** What the tables take on disk, in how many pieces and days. */
export function partsSql(database: string, tables: readonly string[]): Statement {
  const parameters = new Parameters()
  const sql = `SELECT sum(bytes_on_disk), count(), uniqExact(partition) FROM system.parts
WHERE active AND database = ${parameters.text(database)} AND table IN ${parameters.add('Array(String)', tables)}`
  return { sql, parameters }
}
