import { createSpanColumns, extractSpans, type SpanColumns } from '@spoor/otlp'
import { createTraceRows, ROW_BYTES, traceIndex, type BlockRows, type Frame } from '../block/rows.ts'

/** The rows of one trace, in their order; undefined when there are none. Tables of operations, groups and frames are those of the block. */
export function traceRowsOf(rows: BlockRows, id: Uint32Array): BlockRows | undefined {
  const index = traceIndex(rows, id)
  if (index < 0) return undefined
  const members: number[] = []
  const { trace, count } = rows
  for (let row = trace.indexOf(index); row >= 0 && row < count; row = trace.indexOf(index, row + 1)) members.push(row)
  if (members.length === 0) return undefined
  return members.length === count && rows.traceCount === 1 ? rows : selectRows(rows, members, id)
}

/** A copy of some rows, all of the trace `id`. */
export function selectRows(rows: BlockRows, members: ArrayLike<number>, id: Uint32Array): BlockRows {
  const { operations, groups, groupCount, frames } = rows
  const copy = createTraceRows(members.length, id, { operations, groups, groupCount, frames })
  for (const name of [
    'operation',
    'group',
    'startLo',
    'startHi',
    'durationNs',
    'spanStart',
    'spanEnd',
    'status',
  ] as const)
    for (let i = 0; i < copy.count; i++) copy[name][i] = rows[name][members[i]!]!
  for (const name of ['spanId', 'parentId'] as const) {
    for (let i = 0; i < copy.count; i++) {
      copy[name][2 * i] = rows[name][2 * members[i]!]!
      copy[name][2 * i + 1] = rows[name][2 * members[i]! + 1]!
    }
  }
  return copy
}

/**
 * The bytes of some rows, see {@link Block.spanBytes}, cut out of the block's frames. Throws what `useFrame` does.
 */
export function extractMembers(
  rows: BlockRows,
  members: Uint32Array,
  useFrame: (frame: Frame, use: (bytes: Uint8Array) => Uint8Array) => Uint8Array,
): Uint8Array {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < members.length;) {
    const frame = frameAt(rows, rows.spanStart[members[at]!]!)
    const frameEnd = frame.rawStart + frame.rawLength
    let end = at + 1
    while (end < members.length && isWithin(rows, members[end]!, frame.rawStart, frameEnd)) end++
    const columns = columnsOf(rows, members.subarray(at, end), frame.rawStart)
    const all = Uint32Array.from({ length: end - at }, (_, i) => i)
    pieces.push(useFrame(frame, (bytes) => extractSpans(bytes, all, columns)))
    at = end
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

function isWithin(rows: BlockRows, row: number, start: number, end: number): boolean {
  const at = rows.spanStart[row]!
  return at >= start && at < end
}

/** What {@link extractSpans} needs of rows in a frame, from the block's columns: the frame is not scanned again. */
function columnsOf(rows: BlockRows, members: Uint32Array, rawStart: number): SpanColumns {
  const columns = createSpanColumns(members.length)
  for (const row of members) {
    const at = columns.count++
    const group = 4 * rows.group[row]!
    columns.spanStart[at] = rows.spanStart[row]! - rawStart
    columns.spanEnd[at] = rows.spanEnd[row]! - rawStart
    columns.resourceStart[at] = rows.groups[group]! - rawStart
    columns.resourceEnd[at] = rows.groups[group + 1]! - rawStart
    columns.scopeStart[at] = rows.groups[group + 2]! - rawStart
    columns.scopeEnd[at] = rows.groups[group + 3]! - rawStart
  }
  return columns
}

/** The frame that holds a raw offset of the block. */
export function frameAt(rows: BlockRows, offset: number): Frame {
  let low = 0
  let high = rows.frames.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (rows.frames[middle]!.rawStart <= offset) low = middle
    else high = middle - 1
  }
  return rows.frames[low]!
}

/** Bytes of a block's rows in memory, about. */
export function rowBytes(rows: BlockRows): number {
  return (
    rows.count * ROW_BYTES +
    16 * (rows.traceCount + rows.groupCount) +
    64 * rows.frames.length +
    128 * rows.operations.length
  )
}
