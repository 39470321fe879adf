/**
 * Dropping, replacing and regrouping spans of a serialized request without touching the others: untouched spans are
 * copied as slices, runs of them in one piece.
 *
 * What is made has each resource and scope of its spans with all their fields, unknown ones too; of a message's fields
 * the spans come last, which protobuf does not mind. Scopes and resources without spans vanish. Fields of the request
 * itself that are not `resource_spans` (there are none in OTLP) stay.
 */
import { createSpanColumns, type SpanColumns } from './columns.ts'
import { scanSpans } from './scan.ts'
import { lengthEnd, LENGTH, next, readTag, skipField } from './wire.ts'
import { closeMessage, createWriter, finish, mark, varintSize, writeRange, writeVarint, type Writer } from './writer.ts'

/** What becomes of a span: stays, goes, or is replaced by these bytes, a `Span` message without tag and length. */
export type SpanEdit = 'keep' | 'drop' | Uint8Array

const RESOURCE_SPANS = 1
const SCOPE_SPANS = 2
const SPANS = 2

/**
 * The request with every span as `edit` decides; `edit` is called once for each row, in order. When all are kept,
 * `bytes` itself is returned. `columns`, where the caller has them, must be those of `bytes` and nothing else. Throws
 * {@link OtlpError} when `bytes` cannot be scanned.
 */
export function spliceSpans(
  bytes: Uint8Array,
  edit: (row: number, columns: SpanColumns) => SpanEdit,
  columns: SpanColumns = scan(bytes),
): Uint8Array {
  const rows: number[] = []
  const replacements = new Map<number, Uint8Array>()
  for (let row = 0; row < columns.count; row++) {
    const decision = edit(row, columns)
    if (decision === 'drop') continue
    rows.push(row)
    if (decision !== 'keep') replacements.set(row, decision)
  }
  if (rows.length === columns.count && replacements.size === 0) return bytes
  return createAssembly(bytes, columns)(rows, replacements)
}

/**
 * Requests of at most `maxItems` spans each (at least 1), which together are `bytes`, in the same order. A request
 * that is small enough is returned itself, as the only part. Throws {@link OtlpError} when `bytes` cannot be scanned.
 */
export function splitSpans(bytes: Uint8Array, maxItems: number, columns: SpanColumns = scan(bytes)): Uint8Array[] {
  if (!(maxItems >= 1)) throw new RangeError(`splitSpans: maxItems is ${maxItems}, must be at least 1`)
  if (columns.count <= maxItems) return [bytes]
  const assemble = createAssembly(bytes, columns)
  const size = Math.floor(maxItems)
  const parts: Uint8Array[] = []
  for (let row = 0; row < columns.count; row += size) {
    const length = Math.min(size, columns.count - row)
    parts.push(assemble(Array.from({ length }, (_, index) => row + index)))
  }
  return parts
}

/** A request with only these rows of `columns`, which must be those of `bytes`; in the order given. */
export function extractSpans(bytes: Uint8Array, rows: ArrayLike<number>, columns: SpanColumns): Uint8Array {
  return createAssembly(bytes, columns)(rows)
}

function scan(bytes: Uint8Array): SpanColumns {
  const columns = createSpanColumns()
  scanSpans(bytes, columns)
  return columns
}

type Assemble = (rows: ArrayLike<number>, replacements?: ReadonlyMap<number, Uint8Array>) => Uint8Array

/** Remembers, over several assemblies, where the fields are that resources and scopes have besides their spans. */
function createAssembly(bytes: Uint8Array, columns: SpanColumns): Assemble {
  const headers = new Map<number, readonly number[]>()

  function writeHeader(writer: Writer, start: number, end: number, except: number): void {
    let ranges = headers.get(start)
    if (!ranges) headers.set(start, (ranges = otherFields(bytes, start, end, except)))
    for (let i = ranges.length - 2; i >= 0; i -= 2) writeRange(writer, bytes, ranges[i]!, ranges[i + 1]!)
  }

  const requestFields = otherFields(bytes, 0, bytes.length, RESOURCE_SPANS)

  return (rows, replacements) => {
    const writer = createWriter(sizeOf(rows, columns) + 512)
    let i = rows.length - 1
    while (i >= 0) {
      const resource = rows[i]!
      const resourceStart = columns.resourceStart[resource]!
      const inResource = mark(writer)
      while (i >= 0 && columns.resourceStart[rows[i]!] === resourceStart) {
        const scope = rows[i]!
        const scopeStart = columns.scopeStart[scope]!
        const inScope = mark(writer)
        while (i >= 0 && columns.scopeStart[rows[i]!] === scopeStart) {
          const replacement = replacements?.get(rows[i]!)
          const first = replacement ? i : firstOfRun(bytes, columns, rows, i, replacements)
          writeSpans(writer, bytes, columns, rows[first]!, rows[i]!, replacement)
          i = first - 1
        }
        writeHeader(writer, scopeStart, columns.scopeEnd[scope]!, SPANS)
        closeMessage(writer, 0x12, inScope)
      }
      writeHeader(writer, resourceStart, columns.resourceEnd[resource]!, SCOPE_SPANS)
      closeMessage(writer, 0x0a, inResource)
    }
    for (let i = requestFields.length - 2; i >= 0; i -= 2) {
      writeRange(writer, bytes, requestFields[i]!, requestFields[i + 1]!)
    }
    return finish(writer)
  }
}

function sizeOf(rows: ArrayLike<number>, columns: SpanColumns): number {
  let size = 0
  for (let i = 0; i < rows.length; i++) size += columns.spanEnd[rows[i]!]! - columns.spanStart[rows[i]!]! + 4
  return size
}

/** Writes the span at `last`, or all from `first` to `last` when they are one run, with tag and length. */
function writeSpans(
  writer: Writer,
  bytes: Uint8Array,
  columns: SpanColumns,
  first: number,
  last: number,
  replacement: Uint8Array | undefined,
): void {
  const start = columns.spanStart[first]!
  if (replacement) writeRange(writer, replacement, 0, replacement.length)
  else writeRange(writer, bytes, start, columns.spanEnd[last]!)
  writeVarint(writer, replacement ? replacement.length : columns.spanEnd[first]! - start)
  writeVarint(writer, 0x12)
}

/**
 * The smallest index such that the rows from there to `index` lie one right after the other in the bytes and are not
 * replaced.
 */
function firstOfRun(
  bytes: Uint8Array,
  columns: SpanColumns,
  rows: ArrayLike<number>,
  index: number,
  replacements: ReadonlyMap<number, Uint8Array> | undefined,
): number {
  while (index > 0) {
    const row = rows[index]!
    const before = rows[index - 1]!
    if (before !== row - 1 || replacements?.has(before)) break
    if (columns.scopeStart[before] !== columns.scopeStart[row]) break
    // The bytes between two spans are just the tag and length of the second if they are no more than these need.
    const gapStart = columns.spanEnd[before]!
    const spanStart = columns.spanStart[row]!
    const header = 1 + varintSize(columns.spanEnd[row]! - spanStart)
    if (spanStart - gapStart !== header || bytes[gapStart] !== 0x12) break
    index--
  }
  return index
}

/** Start and end, in turn, of the fields of a message that are not length-delimited fields of number `except`. */
function otherFields(bytes: Uint8Array, start: number, end: number, except: number): number[] {
  const ranges: number[] = []
  const exceptTag = (except << 3) | LENGTH
  let p = start
  while (p < end) {
    const from = p
    const tag = readTag(bytes, p, end)
    p = tag === exceptTag ? lengthEnd(bytes, next, end) : skipField(bytes, next, end, tag, 0)
    if (tag === exceptTag) continue
    if (ranges.at(-1) === from) ranges[ranges.length - 1] = p
    else ranges.push(from, p)
  }
  return ranges
}
