import { createSpanColumns, scanSpans, type SpanColumns } from '@spoor/otlp'
import { freeMemory } from '../block/memory.ts'
import type { OperationKey } from '../block/rows.ts'
import { Groups, type Range } from './groups.ts'
import { Operations } from './operations.ts'
import { allOf, inPieces } from './pieces.ts'
import { MAX_SECTION_SPANS } from './section-meta.ts'
import type { Hold } from './specimen.ts'
import { orderOf, type TraceOrder } from './trace-order.ts'

/** Room for the distinct resources and scopes; when they need more, all is copied once more. */
const GROUPS_ROOM = 1 << 20

/** What is sealed: all requests' bytes in one piece, the header columns of their spans, and in which order these are kept. */
export interface Source extends TraceOrder {
  /** The requests, and after them the distinct resources and scopes without what is in them. */
  readonly bytes: Uint8Array
  /** Of all spans, in the order in which they came. */
  readonly columns: SpanColumns
  /** The spans that are kept, in the order in which they came. */
  readonly kept: Uint32Array
  /** By span as it came. */
  readonly group: Uint32Array
  readonly operation: Uint32Array
  readonly operations: readonly OperationKey[]
  readonly names: readonly Uint8Array[]
  readonly resources: readonly Range[]
  readonly scopes: readonly Range[]
  /** By group: its resource and scope. */
  readonly groups: readonly { readonly resource: number; readonly scope: number }[]
}

/** What a source is made from. */
export interface SourceInput {
  /** Serialized requests in order of arrival. */
  readonly requests: Iterable<Uint8Array>
  /**
   * Bytes of all requests together, for who makes them one after the other, as they are asked for: the memory of each is freed as soon as it has been copied, so that
   * there are never both all of them and the copy, some 30 MB each. Default: they stay the caller's, and are gone through twice.
   */
  readonly length?: number
  /** Which spans; by their number, counted over all requests from 0. Default: all. */
  readonly take?: (row: number) => boolean
  /** Takes what is made on the way, see `specimen.ts`. Default: nothing is kept of it. */
  readonly hold?: Hold
}

/** Throws OtlpError for a request that is malformed, and RangeError where their bytes are not `length`. */
export function readSource({ requests, length: given, take, hold }: SourceInput): Source {
  const length = given ?? lengthOf(requests)
  const columns = createSpanColumns(Math.min(MAX_SECTION_SPANS, Math.ceil(length / 64)))
  let bytes = joined(requests, length, GROUPS_ROOM, given !== undefined)
  scanSpans(bytes.subarray(0, length), columns)
  const kept = take ? keptOf(columns.count, take) : allOf(columns.count)
  const group = new Uint32Array(columns.count)
  const groups = new Groups(bytes)
  inPieces(kept.length, (from, to) => groups.number(columns, kept, from, to, group))
  const operations = new Operations(bytes, columns)
  inPieces(kept.length, (from, to) => operations.number(kept, from, to))
  if (groups.length > GROUPS_ROOM) bytes = joined([bytes.subarray(0, length)], length, groups.length)
  const { resources, scopes } = groups.copyTo(bytes, length)
  const sorted = orderOf(columns, kept, hold)
  hold?.(groups, operations)
  return {
    bytes,
    columns,
    kept,
    ...sorted,
    group,
    operation: operations.operation,
    operations: operations.operations,
    names: operations.names,
    resources,
    scopes,
    groups: groups.groups,
  }
}

function keptOf(count: number, take: (row: number) => boolean): Uint32Array {
  const kept = new Uint32Array(count)
  let length = 0
  for (let row = 0; row < count; row++) if (take(row)) kept[length++] = row
  return kept.subarray(0, length)
}

/** Frees the memory of a source that is not needed any more, instead of leaving it to V8, which would collect all of the heap to get room for the next one. */
export function freeSource({ bytes, columns }: Source): void {
  freeMemory(bytes)
  for (const column of Object.values(columns)) if (typeof column === 'object') freeMemory(column)
}

function lengthOf(parts: Iterable<Uint8Array>): number {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

function joined(parts: Iterable<Uint8Array>, length: number, room: number, areGiven = false): Uint8Array {
  // Not cleared, as that would take as long as to fill it.
  const buffer = Buffer.allocUnsafeSlow(length + room)
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, length + room)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
    if (areGiven) freeMemory(part)
  }
  if (at !== length) throw new RangeError(`${at} bytes of requests where ${length} should be`)
  return bytes
}
