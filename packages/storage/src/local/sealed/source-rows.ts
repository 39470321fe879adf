import { freeMemory } from '../block/memory.ts'
import { MAX_DURATION_NS, NO_PARENT, NOT_HERE, type BlockRows } from '../block/rows.ts'
import { inPieces } from './pieces.ts'
import type { Source } from './source.ts'
import { parentPlaces } from './span-headers.ts'

const NONE = new Uint32Array()

/** The rows of what is being sealed, as the section will have them: what is counted of them, and nothing of their bytes. They are the caller's, who gives them back by {@link freeSourceRows}. */
export function rowsOfSource(source: Source): BlockRows {
  const { columns, order, trace, first, operations } = source
  const count = order.length
  const traceCount = first.length - 1
  const rows = {
    count,
    from: 0,
    first,
    trace,
    parentRow: parentPlaces(source),
    operation: new Uint32Array(count),
    status: new Uint8Array(count),
    spanId: new Uint32Array(2 * count),
    parentId: new Uint32Array(2 * count),
    startLo: new Uint32Array(count),
    startHi: new Uint32Array(count),
    durationNs: new Float64Array(count),
    traceCount,
    traceIds: new Uint32Array(4 * traceCount),
    operations: [...operations],
    group: NONE,
    spanStart: NONE,
    spanEnd: NONE,
    groupCount: 0,
    groups: NONE,
    frames: [],
  }
  inPieces(count, (from, to) => putRows(source, rows, from, to))
  const ids = new Uint32Array(columns.traceId.buffer, columns.traceId.byteOffset, 4 * columns.count)
  inPieces(traceCount, (from, to) => putIds(ids, order, first, from, to, rows.traceIds))
  return rows
}

/** Columns that are the source's stay. */
export function freeSourceRows(rows: BlockRows): void {
  const { parentRow, operation, status, spanId, parentId, startLo, startHi, durationNs, traceIds } = rows
  for (const column of [parentRow, operation, status, spanId, parentId, startLo, startHi, durationNs, traceIds])
    if (column) freeMemory(column)
}

function putRows({ columns, order, operation }: Source, rows: BlockRows, from: number, to: number): void {
  const spanIds = new Uint32Array(columns.spanId.buffer, columns.spanId.byteOffset, 2 * columns.count)
  const parentIds = new Uint32Array(columns.parentSpanId.buffer, columns.parentSpanId.byteOffset, 2 * columns.count)
  const parents = rows.parentRow!
  for (let place = from; place < to; place++) {
    const row = order[place]!
    rows.operation[place] = operation[row]!
    rows.status[place] = columns.status[row]!
    rows.startLo[place] = columns.startLo[row]!
    rows.startHi[place] = columns.startHi[row]!
    rows.durationNs[place] = Math.max(-MAX_DURATION_NS, Math.min(MAX_DURATION_NS, columns.durationNs[row]!))
    rows.spanId[2 * place] = spanIds[2 * row]!
    rows.spanId[2 * place + 1] = spanIds[2 * row + 1]!
    rows.parentId[2 * place] = parentIds[2 * row]!
    rows.parentId[2 * place + 1] = parentIds[2 * row + 1]!
    if (parents[place]! < 0)
      parents[place] = (parentIds[2 * row]! | parentIds[2 * row + 1]!) === 0 ? NO_PARENT : NOT_HERE
  }
}

function putIds(
  ids: Uint32Array,
  order: Uint32Array,
  first: Uint32Array,
  from: number,
  to: number,
  traceIds: Uint32Array,
): void {
  for (let trace = from; trace < to; trace++) {
    const row = order[first[trace]!]!
    for (let word = 0; word < 4; word++) traceIds[4 * trace + word] = ids[4 * row + word]!
  }
}
