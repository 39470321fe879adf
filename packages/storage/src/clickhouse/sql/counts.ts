import type { GroupKey } from '../../contract.ts'
import type { Statement } from '../connection.ts'
import type { RowReader } from '../row-binary.ts'
import { CountedRows, type RowsAsked } from './counted-rows.ts'
import { beginSql, binOfBegin } from './duration-bin.ts'
import { groupValueSql } from './group-value.ts'
import { Parameters } from './parameters.ts'
import { serviceSql } from './service.ts'

/*
 * Statements that count. What they give is added up, ordered and told by the code that counts spans, of which each row stands for some.
 */

/** The time that is cut into parts. */
export interface TimeAsked {
  readonly from: bigint
  readonly widthNs: bigint
  /** How many; 0: it is not cut. */
  readonly count: number
}

/** The traces that are counted in another way. */
export interface CountsAsked extends RowsAsked {
  /** Whether there are some of which the request cannot be told by rows. */
  readonly hasOdd: boolean
}

const LENGTH = 'greatest(SpoorDuration, 0) AS length'
const IS_ERROR = `StatusCode = 'Error' AS is_error`
const IDS = ['TraceId AS trace', 'SpanId AS span']
/** The longest first, then by ids. */
const EXEMPLAR = '(-length, trace, span, is_error)'

function rowsOf(asked: CountsAsked, columns: readonly string[], parameters: Parameters, more?: string): string {
  const rows = new CountedRows(asked, parameters)
  return rows.from(columns, more, asked.of === 'requests' && asked.hasOdd ? `TraceId NOT IN (${rows.oddTraces})` : '1')
}

/** The part of the time that a span starts in. What is outside counts to the first or the last. */
function partSql({ from, widthNs, count }: TimeAsked, parameters: Parameters): string {
  if (count === 0) return 'toUInt32(0) AS part'
  const first = parameters.uint64(from)
  const since = `toUInt64(greatest(SpoorStart, ${first}) - ${first})`
  return `toUInt32(least(intDiv(${since}, ${parameters.uint64(widthNs)}), ${count - 1})) AS part`
}

/** Some that have the same values of the keys, in the same part of the time and the same bin. */
export interface CountRow {
  readonly values: readonly (string | undefined)[]
  readonly bucket: number
  readonly bin: number
  readonly count: number
  readonly errors: number
  readonly sumNs: number
  readonly minNs: number
  readonly maxNs: number
}

export function countsSql(asked: CountsAsked, keys: readonly GroupKey[], time: TimeAsked): Statement {
  const parameters = new Parameters()
  const names = keys.map((_, i) => `k${i}`)
  const columns = [
    ...keys.map((key, i) => `${groupValueSql(key, parameters)} AS k${i}`),
    partSql(time, parameters),
    LENGTH,
    IS_ERROR,
  ]
  const group = [...names, 'part', 'begin'].join(', ')
  const sql = `SELECT ${[...names, 'part'].join(', ')}, ${beginSql('length')} AS begin,
  count(), countIf(is_error), toFloat64(sum(toInt128(length))), min(length), max(length)
FROM (${rowsOf(asked, columns, parameters)})
GROUP BY ${group}`
  return { sql, parameters }
}

export function countsDecoder(keys: readonly GroupKey[]): (row: RowReader) => CountRow {
  return (row) => ({
    values: keys.map(() => row.nullableText()),
    bucket: row.uint32(),
    bin: binOfBegin(row.uint64()),
    count: row.count(),
    errors: row.count(),
    sumNs: row.float64(),
    minNs: Number(row.int64()),
    maxNs: Number(row.int64()),
  })
}

/** One that is named. */
export interface ExemplarRow {
  readonly traceId: string
  readonly spanId: string
  readonly durationNs: number
  readonly error: boolean
}

/** The longest of each group, of those that are as long as `leastNs`. */
export function exemplarsSql(asked: CountsAsked, keys: readonly GroupKey[], count: number, leastNs: bigint): Statement {
  const parameters = new Parameters()
  const columns = [...keys.map((key, i) => `${groupValueSql(key, parameters)} AS k${i}`), LENGTH, IS_ERROR, ...IDS]
  const more = leastNs > 0n ? `SpoorDuration >= ${parameters.add('Int64', String(leastNs))}` : '1'
  const names = keys.map((_, i) => `k${i}`)
  const sql = `SELECT ${[...names, `groupArraySorted(${count})(${EXEMPLAR})`].join(', ')}
FROM (${rowsOf(asked, columns, parameters, more)})${names.length === 0 ? '' : `\nGROUP BY ${names.join(', ')}`}`
  return { sql, parameters }
}

export function exemplarsDecoder(
  keys: readonly GroupKey[],
): (row: RowReader) => { readonly values: readonly (string | undefined)[]; readonly exemplars: ExemplarRow[] } {
  return (row) => ({
    values: keys.map(() => row.nullableText()),
    exemplars: Array.from({ length: row.varint() }, () => exemplarOf(row)),
  })
}

function exemplarOf(row: RowReader): ExemplarRow {
  const durationNs = Math.abs(Number(row.int64()))
  return { durationNs, traceId: row.text(), spanId: row.text(), error: row.uint8() === 1 }
}

/** Some of one part of the time, and of as many bins as a row has, with the longest of them. */
export interface CellRow {
  readonly time: number
  readonly bin: number
  readonly count: number
  readonly errors: number
  readonly longest: ExemplarRow
}

export function cellsSql(asked: CountsAsked, time: TimeAsked, binsPerRow: number): Statement {
  const parameters = new Parameters()
  const columns = [partSql(time, parameters), LENGTH, IS_ERROR, ...IDS]
  const sql = `SELECT part, ${beginSql('length', binsPerRow)} AS begin, count(), countIf(is_error), min(${EXEMPLAR})
FROM (${rowsOf(asked, columns, parameters)})
GROUP BY part, begin`
  return { sql, parameters }
}

export function decodeCell(row: RowReader): CellRow {
  return {
    time: row.uint32(),
    bin: binOfBegin(row.uint64()),
    count: row.count(),
    errors: row.count(),
    longest: exemplarOf(row),
  }
}

/** How many of each side have a value of a key; `key` is `keys.length` where it is of all. */
export interface ShareRow {
  readonly key: number
  readonly value: string | undefined
  readonly a: number
  readonly b: number
}

/** Of each key the most frequent values. */
export function sharesSql(a: CountsAsked, b: CountsAsked, keys: readonly GroupKey[], most: number): Statement {
  const parameters = new Parameters()
  const values = keys.map((key, i) => `(toUInt16(${i}), ${groupValueSql(key, parameters)})`)
  const pairs = `arrayJoin([${[...values, `(toUInt16(${keys.length}), CAST(NULL, 'Nullable(String)'))`].join(', ')}]) AS pair`
  const side = (asked: CountsAsked, isB: boolean): string => {
    // What is once for each row is not to be there before the rows are.
    const rows = rowsOf(asked, ['*'], parameters)
    return `SELECT ${pairs}, toUInt8(${isB ? 1 : 0}) AS is_b FROM (${rows})`
  }
  const sql = `SELECT pair.1 AS key, pair.2 AS value, countIf(is_b = 0) AS of_a, countIf(is_b = 1) AS of_b
FROM (${side(a, false)} UNION ALL ${side(b, true)})
GROUP BY key, value
ORDER BY greatest(of_a, of_b) DESC, value
LIMIT ${most} BY key`
  return { sql, parameters }
}

export function decodeShare(row: RowReader): ShareRow {
  return { key: row.uint16(), value: row.nullableText(), a: row.count(), b: row.count() }
}

/** Exceptions of a span that are errors, each as pairs of names and texts. */
const NAMES = `['exception.type', 'exception.message', 'exception.stacktrace']`
const RECORDED = `arrayMap(m -> arrayFilter(p -> has(${NAMES}, p.1), arrayZip(CAST(mapKeys(m), 'Array(String)'), mapValues(m))), arrayFilter(m -> mapContains(m, 'exception.type') OR mapContains(m, 'exception.message'), \`Events.Attributes\`))`
const TELLS_OF_ERROR = `(StatusCode = 'Error' OR arrayExists(m -> mapContains(m, 'exception.type') OR mapContains(m, 'exception.message'), \`Events.Attributes\`))`

/** Spans that tell of the same errors in the very same words. */
export interface ErrorRow {
  /** By exception, or else of the status. */
  readonly recorded: readonly (readonly (readonly [name: string, text: string])[])[]
  readonly statusType: string | undefined
  readonly statusMessage: string
  readonly service: string
  readonly bucket: number
  readonly count: number
  readonly first: bigint
  readonly last: bigint
  readonly exemplars: readonly (ExemplarRow & { readonly start: bigint })[]
}

export function errorsSql(asked: CountsAsked, time: TimeAsked, exemplars: number): Statement {
  const parameters = new Parameters()
  const columns = [
    `${RECORDED} AS recorded`,
    `if(notEmpty(recorded) OR NOT mapContains(SpanAttributes, 'error.type'), CAST(NULL, 'Nullable(String)'), CAST(SpanAttributes['error.type'], 'Nullable(String)')) AS type`,
    `if(notEmpty(recorded), '', StatusMessage) AS message`,
    `${serviceSql()} AS service`,
    partSql(time, parameters),
    'SpoorStart AS start',
    LENGTH,
    IS_ERROR,
    ...IDS,
  ]
  // The latest first.
  const named = `groupArraySorted(${Math.max(1, exemplars)})((bitNot(start), trace, span, length, is_error))`
  const sql = `SELECT recorded, type, message, service, part, count(), min(start), max(start), ${named}
FROM (${rowsOf(asked, columns, parameters, TELLS_OF_ERROR)})
GROUP BY recorded, type, message, service, part`
  return { sql, parameters }
}

export function decodeErrors(row: RowReader): ErrorRow {
  return {
    recorded: list(row, () => list(row, () => [row.text(), row.text()] as const)),
    statusType: row.nullableText(),
    statusMessage: row.text(),
    service: row.text(),
    bucket: row.uint32(),
    count: row.count(),
    first: row.uint64(),
    last: row.uint64(),
    exemplars: list(row, () => ({
      start: 2n ** 64n - 1n - BigInt.asUintN(64, row.uint64()),
      traceId: row.text(),
      spanId: row.text(),
      durationNs: Number(row.int64()),
      error: row.uint8() === 1,
    })),
  }
}

function list<T>(row: RowReader, decode: () => T): T[] {
  return Array.from({ length: row.varint() }, decode)
}
