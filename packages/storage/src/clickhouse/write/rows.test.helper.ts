import type { RowReader } from '../row-binary.ts'
import { WRITTEN_COLUMNS } from './columns.ts'

type Column = (typeof WRITTEN_COLUMNS)[number]
export type Row = Readonly<Record<Column, unknown>>

const list =
  <T>(item: (row: RowReader) => T) =>
  (row: RowReader): T[] =>
    Array.from({ length: row.varint() }, () => item(row))
const text = (row: RowReader): string => row.text()
const map = list((row): [string, string] => [row.text(), row.text()])
const bytes = (row: RowReader): Uint8Array => new Uint8Array(row.bytes())
const int64 = (row: RowReader): bigint => row.int64()
const uint32 = (row: RowReader): number =>
  row.uint8() + 256 * row.uint8() + 65_536 * row.uint8() + 2 ** 24 * row.uint8()

/** How each column is read; what is not named is a text. */
const READERS: Readonly<Partial<Record<Column, (row: RowReader) => unknown>>> = {
  Timestamp: int64,
  ResourceAttributes: map,
  SpanAttributes: map,
  Duration: (row) => row.uint64(),
  'Events.Timestamp': list(int64),
  'Events.Name': list(text),
  'Events.Attributes': list(map),
  'Links.TraceId': list(text),
  'Links.SpanId': list(text),
  'Links.TraceState': list(text),
  'Links.Attributes': list(map),
  SpoorBatch: (row) => row.uint64(),
  SpoorRow: uint32,
  SpoorStart: (row) => row.uint64(),
  SpoorDuration: int64,
  SpoorScopeAttributes: map,
  SpoorResource: bytes,
  SpoorScope: bytes,
  SpoorSpan: bytes,
}

/** A row that was written, by its columns. */
export function decodeRow(row: RowReader): Row {
  return Object.fromEntries(WRITTEN_COLUMNS.map((name) => [name, (READERS[name] ?? text)(row)])) as Row
}
