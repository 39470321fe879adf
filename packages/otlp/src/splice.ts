/**
 * Dropping, replacing, choosing and dividing the items of a serialized request without touching the others; see
 * {@link Assembly} for what is made. {@link editRequest} is for changes within items and around them.
 */
import { Assembly } from './assembly.ts'
import type { Chunk, Signal } from './batch.ts'
import { createSpanColumns, type SpanColumns } from './columns.ts'
import { indexItems, type ItemIndex, type ItemRanges } from './item-index.ts'
import { scanSpans } from './scan.ts'
import { varintSize } from './writer.ts'

/** What becomes of a span: stays, goes, or is replaced by these bytes, a `Span` message without tag and length. */
export type SpanEdit = 'keep' | 'drop' | Uint8Array

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
  return new Assembly(bytes, rangesOf(columns)).write(rows, replacements)
}

/**
 * Requests of at most `maxItems` spans each (at least 1), which together are `bytes`, in the same order. A request
 * that is small enough is returned itself, as the only part. Throws {@link OtlpError} when `bytes` cannot be scanned.
 */
export function splitSpans(bytes: Uint8Array, maxItems: number, columns: SpanColumns = scan(bytes)): Uint8Array[] {
  return split(bytes, rangesOf(columns), { maxItems }).map((part) => part.bytes)
}

/** A request with only these rows of `columns`, which must be those of `bytes`; in the order given. */
export function extractSpans(bytes: Uint8Array, rows: ArrayLike<number>, columns: SpanColumns): Uint8Array {
  return new Assembly(bytes, rangesOf(columns)).write(rows)
}

/**
 * The same for several requests of one: what their messages have besides spans is looked for once. `areTogether`: they are parts of as few buffers as
 * possible, so that one of them keeps all in memory. Default: each has memory of its own.
 */
export function spanExtractor(
  bytes: Uint8Array,
  columns: SpanColumns,
  areTogether = false,
): (rows: ArrayLike<number>) => Uint8Array {
  const assembly = new Assembly(bytes, rangesOf(columns))
  return (rows) => (areTogether ? assembly.writeBeside(rows) : assembly.write(rows))
}

/**
 * A request with only these rows of `index`, which must be that of `bytes`; in the order given. `replacements`: messages
 * that stand in for items, by row.
 */
export function extractItems(
  bytes: Uint8Array,
  rows: ArrayLike<number>,
  index: ItemIndex,
  replacements?: ReadonlyMap<number, Uint8Array>,
): Uint8Array {
  return new Assembly(bytes, index).write(rows, replacements)
}

export interface SplitLimits {
  /** Items that a part has at most; at least 1. Default: no limit. */
  readonly maxItems?: number
  /** The same for the first part. Default: `maxItems`. */
  readonly firstItems?: number
  /**
   * Bytes that a part has at most; at least 1. Default: no limit. An item that is larger by itself, with the messages around it, is a part
   * of its own, beyond the limit.
   */
  readonly maxBytes?: number
  /** The same for the first part. Default: `maxBytes`. */
  readonly firstBytes?: number
}

/**
 * Requests within the limits, which together are the items of `bytes`, in the same order. Data points are items: a metric is divided where it
 * must be, and each part has its name and all else of it; metrics without data points are left out. A request that is
 * small enough is returned itself, as the only part. Throws {@link OtlpError} for bytes whose items cannot be found,
 * `RangeError` for a limit below 1.
 */
export function splitItems(signal: Signal, bytes: Uint8Array, limits: SplitLimits): Chunk[] {
  return split(bytes, indexItems(signal, bytes), limits)
}

function split(bytes: Uint8Array, items: ItemRanges, limits: SplitLimits): Chunk[] {
  const { maxItems = Infinity, firstItems = maxItems, maxBytes = Infinity, firstBytes = maxBytes } = limits
  for (const [name, limit] of Object.entries({ maxItems, firstItems, maxBytes, firstBytes })) {
    if (!(limit >= 1)) throw new RangeError(`${name} is ${limit}, must be at least 1`)
  }
  if (items.count === 0 || (items.count <= firstItems && bytes.length <= firstBytes)) {
    return [{ bytes, items: items.count }]
  }
  const assembly = new Assembly(bytes, items)
  const parts: Chunk[] = []
  const add = (from: number, to: number): void => {
    const rows = Array.from({ length: to - from }, (_, index) => from + index)
    parts.push({ bytes: assembly.write(rows), items: rows.length })
  }
  let [from, most, mostBytes] = [0, Math.floor(firstItems), firstBytes]
  let size = assembly.requestBytes
  for (let row = 0; row < items.count; row++) {
    if (mostBytes !== Infinity) size += sizeOf(assembly, items, row, row > from)
    if (row - from < most && (row === from || size <= mostBytes)) continue
    add(from, row)
    ;[from, most, mostBytes] = [row, Math.floor(maxItems), maxBytes]
    if (mostBytes !== Infinity) size = assembly.requestBytes + sizeOf(assembly, items, row, false)
  }
  add(from, items.count)
  return parts
}

/** Bytes by which an item makes a request longer, at most. `joined`: the one before it is in there. */
function sizeOf(assembly: Assembly, items: ItemRanges, row: number, joined: boolean): number {
  let size = field(items.end[row]! - items.start[row]!)
  let isNew = !joined
  for (const container of items.containers) {
    isNew ||= container.start[row] !== container.start[row - 1]
    if (isNew)
      size += 1 + varintSize(container.end[row]! - container.start[row]!) + assembly.headerBytes(container, row)
  }
  return size
}

const field = (length: number): number => 1 + varintSize(length) + length

function scan(bytes: Uint8Array): SpanColumns {
  const columns = createSpanColumns()
  scanSpans(bytes, columns)
  return columns
}

function rangesOf(columns: SpanColumns): ItemRanges {
  return {
    count: columns.count,
    start: columns.spanStart,
    end: columns.spanEnd,
    tag: 0x12,
    containers: [
      { start: columns.resourceStart, end: columns.resourceEnd, tag: 0x0a, within: [0x12] },
      { start: columns.scopeStart, end: columns.scopeEnd, tag: 0x12, within: [0x12] },
    ],
  }
}
