import type { Statement } from '../connection.ts'
import { Parameters } from './parameters.ts'

/** The number of the last insert; 0 where there is none. */
export function newestBatchSql(table: string): Statement {
  return { sql: `SELECT max(SpoorBatch) FROM ${table}`, parameters: new Parameters() }
}

/** Traces with spans of inserts after one and up to another, in the order in which they came, and how many. */
export function newTracesSql(table: string, after: bigint, until: bigint): Statement {
  const parameters = new Parameters()
  const sql = `SELECT TraceId, count() FROM ${table}
WHERE SpoorBatch > ${parameters.uint64(after)} AND SpoorBatch <= ${parameters.uint64(until)}
GROUP BY TraceId ORDER BY min((SpoorBatch, SpoorRow))`
  return { sql, parameters }
}
