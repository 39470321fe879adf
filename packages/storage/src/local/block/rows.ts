/**
 * The header columns of one block: what queries read instead of spans. A row is a span, in the order in which it came.
 * What repeats is in tables that rows point into: trace ids, operations, and groups (the resource and scope of a span).
 *
 * Offsets are bytes in the block's raw bytes, i.e. its frames inflated and laid end to end.
 */
export interface BlockRows {
  count: number
  /** Of rows that follow one another in their block: the block's number of the first; undefined where that is not known. */
  readonly from?: number
  /** Where the rows of each trace follow one another, by their start: the first of each, counted from the block's, and at last their end. */
  readonly first?: Uint32Array
  /** The row of each span's parent: of several with its id the first. Below 0: {@link NO_PARENT}, or {@link NOT_HERE}. Undefined: ids have to be looked for. */
  readonly parentRow?: Int32Array
  /** Row -> index into the tables. */
  trace: Uint32Array
  operation: Uint32Array
  group: Uint32Array
  /** 0 unset, 1 ok, 2 error, 255 another number. */
  status: Uint8Array
  /** Two words a row, as on the wire; 0 0 when absent. */
  spanId: Uint32Array
  parentId: Uint32Array
  /** Nanoseconds since 1970, in two halves. */
  startLo: Uint32Array
  startHi: Uint32Array
  /** Nanoseconds; negative when a clock went back. At most {@link MAX_DURATION_NS}, as what is longer counts as that. */
  durationNs: Float64Array
  /** The `Span` message. */
  spanStart: Uint32Array
  spanEnd: Uint32Array

  traceCount: number
  /** Four words a trace. */
  traceIds: Uint32Array
  operations: OperationKey[]
  groupCount: number
  /** Four words a group: start and end of the `ResourceSpans`, start and end of the `ScopeSpans`. */
  groups: Uint32Array
  frames: Frame[]
}

/** Of a span's parent, that it has none, and that it is not in the same block. */
export const NO_PARENT = -1
export const NOT_HERE = -2

export interface OperationKey {
  readonly service: string
  readonly name: string
  /** 0-5; 255 for another number. */
  readonly kind: number
}

/** A zstd frame in the log, holding whole requests. */
export interface Frame {
  readonly rawStart: number
  readonly rawLength: number
  /** Where its `length` bytes are in the segment's log. */
  readonly offset: number
  readonly length: number
}

/** The longest that a span lasts, either way: 292 years, the largest number below 2^63. An index keeps durations in 64 bits with a sign. */
export const MAX_DURATION_NS = 2 ** 63 - 1024

type RowColumn =
  | 'trace'
  | 'operation'
  | 'group'
  | 'status'
  | 'spanId'
  | 'parentId'
  | 'startLo'
  | 'startHi'
  | 'durationNs'
  | 'spanStart'
  | 'spanEnd'
const WIDTH: Record<RowColumn, number> = {
  trace: 1,
  operation: 1,
  group: 1,
  status: 1,
  spanId: 2,
  parentId: 2,
  startLo: 1,
  startHi: 1,
  durationNs: 1,
  spanStart: 1,
  spanEnd: 1,
}
const ROW_COLUMNS = Object.keys(WIDTH) as RowColumn[]
const WORD_COLUMNS = ROW_COLUMNS.filter((name) => name !== 'durationNs' && name !== 'status')
/** Bytes of a row in memory. */
export const ROW_BYTES = 53

export function createRows(capacity: number): BlockRows {
  return {
    count: 0,
    trace: new Uint32Array(capacity),
    operation: new Uint32Array(capacity),
    group: new Uint32Array(capacity),
    status: new Uint8Array(capacity),
    spanId: new Uint32Array(2 * capacity),
    parentId: new Uint32Array(2 * capacity),
    startLo: new Uint32Array(capacity),
    startHi: new Uint32Array(capacity),
    durationNs: new Float64Array(capacity),
    spanStart: new Uint32Array(capacity),
    spanEnd: new Uint32Array(capacity),
    traceCount: 0,
    traceIds: new Uint32Array(4 * capacity),
    operations: [],
    groupCount: 0,
    groups: new Uint32Array(64),
    frames: [],
  }
}

/** Room for rows of one trace, in one piece of memory. The tables are those of a block. */
export function createTraceRows(
  count: number,
  id: Uint32Array,
  tables: Pick<BlockRows, 'operations' | 'groups' | 'groupCount' | 'frames'>,
): BlockRows {
  const memory = new ArrayBuffer(ROW_BYTES * count)
  let end = 8 * count
  const words = (width: number): Uint32Array => {
    const column = new Uint32Array(memory, end, width * count)
    end += column.byteLength
    return column
  }
  return {
    ...tables,
    count,
    // The widest first, so that each starts where its numbers may.
    durationNs: new Float64Array(memory, 0, count),
    spanId: words(2),
    parentId: words(2),
    trace: words(1),
    operation: words(1),
    group: words(1),
    startLo: words(1),
    startHi: words(1),
    spanStart: words(1),
    spanEnd: words(1),
    status: new Uint8Array(memory, end, count),
    traceCount: 1,
    traceIds: id.slice(),
  }
}

/** Makes room for `extra` more rows, traces and groups. */
export function reserveRows(rows: BlockRows, extra: number): void {
  const needed = rows.count + extra
  if (needed > rows.status.length) {
    const capacity = Math.max(needed, 2 * rows.status.length)
    for (const name of ROW_COLUMNS) rows[name] = grown(rows[name], capacity * WIDTH[name]) as never
  }
  if (4 * (rows.traceCount + extra) > rows.traceIds.length) {
    rows.traceIds = grown(rows.traceIds, Math.max(4 * (rows.traceCount + extra), 2 * rows.traceIds.length))
  }
  if (4 * (rows.groupCount + extra) > rows.groups.length) {
    rows.groups = grown(rows.groups, Math.max(4 * (rows.groupCount + extra), 2 * rows.groups.length))
  }
}

/** How far a block has got: the counts that {@link rowsBetween} goes by. */
export interface Mark {
  readonly count: number
  readonly traceCount: number
  readonly operationCount: number
  readonly groupCount: number
  readonly frameCount: number
}

export function markOf(rows: BlockRows): Mark {
  return {
    count: rows.count,
    traceCount: rows.traceCount,
    operationCount: rows.operations.length,
    groupCount: rows.groupCount,
    frameCount: rows.frames.length,
  }
}

/** What lies between two marks, as counts. */
export function difference(from: Mark, to: Mark): Mark {
  return {
    count: to.count - from.count,
    traceCount: to.traceCount - from.traceCount,
    operationCount: to.operationCount - from.operationCount,
    groupCount: to.groupCount - from.groupCount,
    frameCount: to.frameCount - from.frameCount,
  }
}

/** Bytes that so many rows, traces and groups take in one piece of memory: {@link copyRows}. */
export function bytesOfRows({ count, traceCount, groupCount }: Mark): number {
  return ROW_BYTES * count + 16 * (traceCount + groupCount)
}

/** Copies the columns of what was added between two marks into memory, from `at` on, a multiple of 8. Operations and frames are no columns. */
export function copyRows(rows: BlockRows, from: Mark, to: Mark, memory: ArrayBufferLike, at: number): void {
  const { count, traceCount, groupCount } = difference(from, to)
  const words = new Uint32Array(memory, 0, memory.byteLength >> 2)
  // The widest first, so that each starts where its numbers may.
  new Float64Array(memory, at, count).set(rows.durationNs.subarray(from.count, to.count))
  let word = at / 4 + 2 * count
  words.set(rows.traceIds.subarray(4 * from.traceCount, 4 * to.traceCount), word)
  words.set(rows.groups.subarray(4 * from.groupCount, 4 * to.groupCount), (word += 4 * traceCount))
  word += 4 * groupCount
  for (const name of WORD_COLUMNS) {
    const width = WIDTH[name]
    words.set(rows[name].subarray(width * from.count, width * to.count), word)
    word += width * count
  }
  new Uint8Array(memory, 4 * word, count).set(rows.status.subarray(from.count, to.count))
}

/** What {@link copyRows} has put into memory of its own, which can be handed to another thread, and freed by it. */
export function rowsIn(memory: ArrayBuffer, counts: Mark, operations: OperationKey[], frames: Frame[]): BlockRows {
  const { count, traceCount, groupCount } = counts
  let at = 8 * count
  const words = (length: number): Uint32Array => {
    const part = new Uint32Array(memory, at, length)
    at += 4 * length
    return part
  }
  const durationNs = new Float64Array(memory, 0, count)
  const traceIds = words(4 * traceCount)
  const groups = words(4 * groupCount)
  const columns = {} as Record<(typeof WORD_COLUMNS)[number], Uint32Array>
  for (const name of WORD_COLUMNS) columns[name] = words(WIDTH[name] * count)
  const status = new Uint8Array(memory, at, count)
  return { ...columns, count, durationNs, status, traceCount, traceIds, operations, groupCount, groups, frames }
}

/**
 * A copy of what was added between two marks. Table indexes stay those of the whole block. All of it is in one piece of memory, {@link memoryOf},
 * which can be handed to another thread, and freed by it.
 */
export function rowsBetween(rows: BlockRows, from: Mark, to: Mark): BlockRows {
  const counts = difference(from, to)
  const memory = new ArrayBuffer(bytesOfRows(counts))
  copyRows(rows, from, to, memory, 0)
  return rowsIn(
    memory,
    counts,
    rows.operations.slice(from.operationCount, to.operationCount),
    rows.frames.slice(from.frameCount, to.frameCount),
  )
}

/** Of what {@link rowsBetween} gave. */
export function memoryOf(rows: BlockRows): ArrayBuffer {
  return rows.durationNs.buffer as ArrayBuffer
}

/** Gives the memory of what {@link rowsBetween} gave back at once: there is more of it in a second than a collector should have to see to. */
export function freeRows(rows: BlockRows): void {
  memoryOf(rows).transfer(0)
}

/** Adds what {@link rowsBetween} cut off. */
export function appendRows(rows: BlockRows, added: BlockRows): void {
  reserveRows(rows, Math.max(added.count, added.traceCount, added.groupCount))
  for (const name of ROW_COLUMNS) rows[name].set(added[name], rows.count * WIDTH[name])
  rows.traceIds.set(added.traceIds, 4 * rows.traceCount)
  rows.groups.set(added.groups, 4 * rows.groupCount)
  rows.count += added.count
  rows.traceCount += added.traceCount
  rows.groupCount += added.groupCount
  for (const operation of added.operations) rows.operations.push(operation)
  for (const frame of added.frames) rows.frames.push(frame)
}

/** The index of a trace in the block, or -1. */
export function traceIndex(rows: BlockRows, id: Uint32Array): number {
  const { traceIds } = rows
  const w0 = id[0]!
  for (let i = 0, end = 4 * rows.traceCount; i < end; i += 4) {
    if (traceIds[i] === w0 && traceIds[i + 1] === id[1] && traceIds[i + 2] === id[2] && traceIds[i + 3] === id[3])
      return i >> 2
  }
  return -1
}

export function startOf(rows: BlockRows, row: number): bigint {
  return (BigInt(rows.startHi[row]!) << 32n) | BigInt(rows.startLo[row]!)
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(array: T, length: number): T {
  const copy = new (array.constructor as new (length: number) => T)(length)
  copy.set(array)
  return copy
}
