import { hashWords } from '../block/hash.ts'
import { createRows, createTraceRows, type BlockRows, type Frame, type OperationKey } from '../block/rows.ts'

/*
 * The columns of a block as its index has them, before they are compressed: laid out one after the other, each as its bytes sorted by
 * significance: first the lowest byte of all rows, then the second ... so that zstd finds the constant ones. Spans are kept as the gap to the span
 * before and their length.
 */

/** How many entries there are. */
export interface PackedCounts {
  readonly spans: number
  readonly traces: number
  readonly groups: number
  readonly frames: number
}

/** What is to be known of a block to unpack its columns. */
export interface PackedBlock extends PackedCounts {
  readonly operations: readonly OperationKey[]
  /** Which the frames are counted from. */
  readonly logStart: number
}

/** Where each column begins, and where all end. */
function layoutOf({ spans, traces, groups, frames }: PackedCounts) {
  let end = 0
  const next = (entries: number, bytes: number): number => (end += bytes * entries) - bytes * entries
  return {
    trace: next(spans, 4),
    operation: next(spans, 4),
    group: next(spans, 4),
    startLo: next(spans, 4),
    startHi: next(spans, 4),
    durationLo: next(spans, 4),
    durationHi: next(spans, 4),
    gap: next(spans, 4),
    length: next(spans, 4),
    groups: next(groups, 16),
    frames: next(frames, 16),
    spanId: next(spans, 8),
    parentId: next(spans, 8),
    traceIds: next(traces, 16),
    status: next(spans, 1),
    end,
  }
}

export function packedLength(counts: PackedCounts): number {
  return layoutOf(counts).end
}

export function packColumns(rows: BlockRows, logStart: number): Uint8Array {
  const { count, traceCount, groupCount } = rows
  const gap = new Uint32Array(count)
  const length = new Uint32Array(count)
  const durationLo = new Uint32Array(count)
  const durationHi = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    gap[i] = rows.spanStart[i]! - (i === 0 ? 0 : rows.spanEnd[i - 1]!)
    length[i] = rows.spanEnd[i]! - rows.spanStart[i]!
    const duration = rows.durationNs[i]!
    durationHi[i] = Math.floor(duration / 2 ** 32)
    durationLo[i] = duration
  }
  const frames = new Uint32Array(4 * rows.frames.length)
  for (const [i, frame] of rows.frames.entries())
    frames.set([frame.rawStart, frame.rawLength, frame.offset - logStart, frame.length], 4 * i)
  const layout = layoutOf({ spans: count, traces: traceCount, groups: groupCount, frames: rows.frames.length })
  const packed = new Uint8Array(layout.end)
  for (const name of ['trace', 'operation', 'group', 'startLo', 'startHi'] as const)
    writePlanes(rows[name].subarray(0, count), packed, layout[name])
  for (const [name, column] of Object.entries({ durationLo, durationHi, gap, length, frames }))
    writePlanes(column, packed, layout[name as 'gap'])
  writePlanes(rows.groups.subarray(0, 4 * groupCount), packed, layout.groups)
  packed.set(bytesOf(rows.spanId, 2 * count), layout.spanId)
  packed.set(bytesOf(rows.parentId, 2 * count), layout.parentId)
  packed.set(bytesOf(rows.traceIds, 4 * traceCount), layout.traceIds)
  packed.set(rows.status.subarray(0, count), layout.status)
  return packed
}

/** All rows, of which nothing is in the memory of `packed`. */
export function unpackColumns(packed: Uint8Array, block: PackedBlock): BlockRows {
  const { spans: count, traces } = block
  const layout = layoutOf(block)
  const planes = (at: number): Uint32Array => readPlanes(packed, at, count)
  const copy = (at: number, length: number): Uint8Array<ArrayBuffer> => new Uint8Array(packed.subarray(at, at + length))
  const words = (at: number, length: number): Uint32Array => new Uint32Array(copy(at, 4 * length).buffer)
  const rows = createRows(0)
  const durationLo = planes(layout.durationLo)
  const durationHi = planes(layout.durationHi)
  rows.count = count
  for (const name of ['trace', 'operation', 'group', 'startLo', 'startHi'] as const) rows[name] = planes(layout[name])
  rows.spanStart = planes(layout.gap)
  rows.spanEnd = planes(layout.length)
  rows.durationNs = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    rows.durationNs[i] = (durationHi[i]! | 0) * 2 ** 32 + durationLo[i]!
    rows.spanStart[i]! += i === 0 ? 0 : rows.spanEnd[i - 1]!
    rows.spanEnd[i]! += rows.spanStart[i]!
  }
  rows.spanId = words(layout.spanId, 2 * count)
  rows.parentId = words(layout.parentId, 2 * count)
  rows.traceCount = traces
  rows.traceIds = words(layout.traceIds, 4 * traces)
  rows.status = copy(layout.status, count)
  return Object.assign(rows, tablesOf(packed, block, layout))
}

/** Rows of which no more is known than where their bytes and those of their groups are. They are in one piece of memory, that of their group. */
export function unpackPlaces(packed: Uint8Array, block: PackedBlock): BlockRows {
  const { spans: count } = block
  const layout = layoutOf(block)
  const memory = new ArrayBuffer(12 * count)
  const [group, spanStart, spanEnd] = [0, 1, 2].map((at) => new Uint32Array(memory, 4 * at * count, count))
  let end = 0
  for (let row = 0; row < count; row++) {
    group![row] = wordAt(packed, layout.group, count, row)
    spanStart![row] = end + wordAt(packed, layout.gap, count, row)
    spanEnd![row] = end = spanStart![row]! + wordAt(packed, layout.length, count, row)
  }
  const rows = createRows(0)
  rows.count = count
  return Object.assign(rows, { group, spanStart, spanEnd }, tablesOf(packed, block, layout))
}

/** The rows of one trace and no others, without a look at those of others but for their lengths; undefined when there are none. `id`: four words, as in the columns. */
export function unpackTrace(packed: Uint8Array, block: PackedBlock, id: Uint32Array): BlockRows | undefined {
  const { spans } = block
  const layout = layoutOf(block)
  const trace = traceIndex(packed, layout, id)
  if (trace < 0) return undefined
  const members = membersOf(packed, layout, spans, trace)
  if (members.length === 0) return undefined
  const rows = createTraceRows(members.length, id, tablesOf(packed, block, layout))
  const word = (at: number, row: number): number => wordAt(packed, at, spans, row)
  const bytes = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  let end = 0
  for (let row = 0, i = 0; i < members.length; row++) {
    const start = end + word(layout.gap, row)
    end = start + word(layout.length, row)
    if (row !== members[i]) continue
    for (const name of ['operation', 'group', 'startLo', 'startHi'] as const) rows[name][i] = word(layout[name], row)
    rows.durationNs[i] = word(layout.durationHi, row) * 2 ** 32 + (word(layout.durationLo, row) >>> 0)
    rows.spanStart[i] = start
    rows.spanEnd[i] = end
    for (const name of ['spanId', 'parentId'] as const) {
      rows[name][2 * i] = bytes.getUint32(layout[name] + 8 * row, true)
      rows[name][2 * i + 1] = bytes.getUint32(layout[name] + 8 * row + 4, true)
    }
    rows.status[i] = packed[layout.status + row]!
    i++
  }
  return rows
}

/** What trace filters know the traces by. */
export function unpackTraceHashes(packed: Uint8Array, counts: PackedCounts): Uint32Array {
  const { traceIds } = layoutOf(counts)
  const bytes = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const word = (trace: number, i: number): number => bytes.getUint32(traceIds + 16 * trace + 4 * i, true)
  const hashes = new Uint32Array(counts.traces)
  for (let i = 0; i < hashes.length; i++) hashes[i] = hashWords(word(i, 0), word(i, 1), word(i, 2), word(i, 3))
  return hashes
}

type Layout = ReturnType<typeof layoutOf>

/** The index of a trace in the block, or -1. */
function traceIndex(packed: Uint8Array, { traceIds, status }: Layout, id: Uint32Array): number {
  const ids = Buffer.from(packed.buffer, packed.byteOffset + traceIds, status - traceIds)
  const own = bytesOf(id, 4)
  let at = ids.indexOf(own)
  while (at >= 0 && at % 16 !== 0) at = ids.indexOf(own, at + 1)
  return at < 0 ? -1 : at / 16
}

/** The rows of a trace, by the lowest byte, in which most others differ. */
function membersOf(packed: Uint8Array, { trace: at }: Layout, spans: number, trace: number): number[] {
  const lowest = packed.subarray(at, at + spans)
  const members: number[] = []
  for (let row = lowest.indexOf(trace & 255); row >= 0; row = lowest.indexOf(trace & 255, row + 1))
    if (wordAt(packed, at, spans, row) === (trace | 0)) members.push(row)
  return members
}

function tablesOf(
  packed: Uint8Array,
  { operations, groups, frames: frameCount, logStart }: PackedBlock,
  layout: Layout,
): Pick<BlockRows, 'operations' | 'groups' | 'groupCount' | 'frames'> {
  const words = readPlanes(packed, layout.frames, 4 * frameCount)
  const frames: Frame[] = []
  for (let i = 0; i < words.length; i += 4) {
    frames.push({
      rawStart: words[i]!,
      rawLength: words[i + 1]!,
      offset: words[i + 2]! + logStart,
      length: words[i + 3]!,
    })
  }
  const table = readPlanes(packed, layout.groups, 4 * groups)
  return { operations: [...operations], groupCount: groups, groups: table, frames }
}

function writePlanes(column: Uint32Array, out: Uint8Array, at: number): void {
  const n = column.length
  const second = at + n
  const third = second + n
  const fourth = third + n
  for (let i = 0; i < n; i++) {
    const value = column[i]!
    out[at + i] = value
    out[second + i] = value >>> 8
    out[third + i] = value >>> 16
    out[fourth + i] = value >>> 24
  }
}

function readPlanes(packed: Uint8Array, at: number, n: number): Uint32Array {
  const column = new Uint32Array(n)
  for (let i = 0; i < n; i++) column[i] = wordAt(packed, at, n, i)
  return column
}

/** One of `n` numbers whose planes begin at `at`, as 32 bits with a sign. */
function wordAt(packed: Uint8Array, at: number, n: number, i: number): number {
  return (
    packed[at + i]! | (packed[at + n + i]! << 8) | (packed[at + 2 * n + i]! << 16) | (packed[at + 3 * n + i]! << 24)
  )
}

function bytesOf(words: Uint32Array, count: number): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, 4 * count)
}
