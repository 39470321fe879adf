import type { Statement } from '../connection.ts'
import type { RowReader } from '../row-binary.ts'
import { rebuiltSpan } from '../read/rebuilt-span.ts'
import { Parameters } from './parameters.ts'

/** A span as it is stored: its bytes, and those of the messages around it. The views are good until the next rows are read. */
export interface StoredSpan {
  readonly resource: Uint8Array
  readonly scope: Uint8Array
  readonly span: Uint8Array
}

/** What others have stored comes as JSON. As a tag it would be of a group, and no message that was scanned begins with one. */
const JSON_BEGINS = 0x5b
const COLUMNS = 'SpoorResource, SpoorScope, SpoorSpan'
const ORDER = 'ORDER BY SpoorBatch, SpoorRow'

/** The spans of one trace, in the order in which they came. The table of times says where they are. */
export function traceSql(table: string, times: string | undefined, traceId: string): Statement {
  const parameters = new Parameters()
  const id = parameters.text(traceId)
  const bound = (aggregate: string): string => `(SELECT ${aggregate} FROM ${times} WHERE TraceId = ${id})`
  const sql = [
    `SELECT ${COLUMNS} FROM ${table}`,
    `WHERE TraceId = ${id}`,
    // Of the column's own type: compared with whole seconds, the server passes by what is within the last one.
    ...(times === undefined
      ? []
      : [
          `  AND Timestamp >= ${bound('toDateTime64(min(Start), 9)')}`,
          `  AND Timestamp <= ${bound('toDateTime64(max(End), 9) + toIntervalSecond(1)')}`,
        ]),
    ORDER,
  ]
  return { sql: sql.join('\n'), parameters }
}

/** The spans of some traces, those between two times of the table. `after`: only those that were stored after, or not after, this number. */
export function tracesSql(table: string, { ids, first, last, stored }: SpansOfTraces): Statement {
  const parameters = new Parameters()
  const time = (at: bigint): string => `fromUnixTimestamp64Nano(${parameters.add('Int64', String(at))})`
  const sql = [
    `SELECT ${COLUMNS} FROM ${table}`,
    `WHERE TraceId IN ${parameters.add('Array(String)', ids)}`,
    ...(first === undefined ? [] : [`  AND Timestamp >= ${time(first)}`]),
    ...(last === undefined ? [] : [`  AND Timestamp <= ${time(last)}`]),
    ...(stored ? [`  AND SpoorBatch ${stored.than} ${parameters.uint64(stored.batch)}`] : []),
    ...(stored?.until === undefined ? [] : [`  AND SpoorBatch <= ${parameters.uint64(stored.until)}`]),
    ORDER,
  ]
  return { sql: sql.join('\n'), parameters }
}

export interface SpansOfTraces {
  readonly ids: readonly string[]
  readonly first?: bigint
  readonly last?: bigint
  readonly stored?: { readonly than: '>' | '<='; readonly batch: bigint; readonly until?: bigint }
}

/** The same with the trace's id before it. */
export interface SpanOfTrace extends StoredSpan {
  readonly trace: Uint8Array
}

export function decodeSpanOfTrace(row: RowReader): SpanOfTrace {
  return { trace: row.bytes(), ...decodeSpan(row) }
}

export function decodeSpan(row: RowReader): StoredSpan {
  const [resource, scope, span] = [row.bytes(), row.bytes(), row.bytes()]
  return span[0] === JSON_BEGINS ? rebuiltSpan(span.toString()) : { resource, scope, span }
}
