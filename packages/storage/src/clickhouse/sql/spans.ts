import type { Statement } from '../connection.ts'
import type { RowReader } from '../row-binary.ts'
import type { Tables } from '../tables.ts'
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
export function traceSql({ spans, times }: Tables, traceId: string): Statement {
  const parameters = new Parameters()
  const trace = `TraceId = ${parameters.text(traceId)}`
  const sql = [`SELECT ${COLUMNS} FROM ${spans}`, `WHERE ${trace}`, ...extentSql(times, trace), ORDER]
  return { sql: sql.join('\n'), parameters }
}

/** Where the spans of traces are, by the table of times; of the column's own type: compared with whole seconds, the server passes by what is within the last one. */
function extentSql(times: string | undefined, traces: string): string[] {
  if (times === undefined) return []
  const bound = (aggregate: string): string => `(SELECT ${aggregate} FROM ${times} WHERE ${traces})`
  return [
    `  AND Timestamp >= ${bound('toDateTime64(min(Start), 9)')}`,
    `  AND Timestamp <= ${bound('toDateTime64(max(End), 9) + toIntervalSecond(1)')}`,
  ]
}

/** The spans of some traces, in the order in which they came. */
export function tracesSql({ spans, times }: Tables, { ids, first, last, stored }: SpansOfTraces): Statement {
  const parameters = new Parameters()
  const time = (at: bigint): string => `fromUnixTimestamp64Nano(${parameters.add('Int64', String(at))})`
  const traces = `TraceId IN ${parameters.add('Array(String)', ids)}`
  const isKnown = first !== undefined && last !== undefined
  const sql = [
    `SELECT ${COLUMNS} FROM ${spans}`,
    `WHERE ${traces}`,
    ...(isKnown ? [`  AND Timestamp >= ${time(first)}`, `  AND Timestamp <= ${time(last)}`] : extentSql(times, traces)),
    ...(stored ? [`  AND SpoorBatch ${stored.than} ${parameters.uint64(stored.batch)}`] : []),
    ...(stored?.until === undefined ? [] : [`  AND SpoorBatch <= ${parameters.uint64(stored.until)}`]),
    ORDER,
  ]
  return { sql: sql.join('\n'), parameters }
}

export interface SpansOfTraces {
  readonly ids: readonly string[]
  /** Where their spans are in the table's own time, nanoseconds. Default: as the table of times says. */
  readonly first?: bigint
  readonly last?: bigint
  /** Only those of inserts after a number, and up to another; or not after it. */
  readonly stored?: { readonly than: '>' | '<='; readonly batch: bigint; readonly until?: bigint }
}

/** In the order of {@link decodeSpanOfTrace}. */
export const SPAN_COLUMNS = `TraceId, ${COLUMNS}`

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
