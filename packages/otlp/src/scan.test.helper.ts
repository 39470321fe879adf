import { createSpanColumns, type SpanColumns } from './columns.ts'
import { scanSpans } from './scan.ts'

/** The columns of one request, grown from nothing. */
export function columnsFor(bytes: Uint8Array): SpanColumns {
  const columns = createSpanColumns(0)
  scanSpans(bytes, columns)
  return columns
}
