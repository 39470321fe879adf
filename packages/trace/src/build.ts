import { bytesToHex, createSpanColumns, hexToBytes, scanSpans, type SpanColumns } from '@spoor/otlp'
import { compareRanges, readU32 } from './bytes.ts'
import { createInterner } from './interner.ts'
import { visitLinks } from './links.ts'
import { SpanFlag, type Trace } from './model.ts'
import { shapeOf } from './shape.ts'
import type { SpanIndex } from './span-index.ts'
import { SpanTable } from './span-table.ts'

/** What a service is called whose resource has no `service.name`, as the OpenTelemetry conventions have it. */
export const UNKNOWN_SERVICE = 'unknown_service'

const ERROR = 2
const MAX_U16 = 0xffff
/**
 * Bytes of a span for which room is made at the start: of one with ids, times and a short name. Room that is not used costs nothing, as it is never touched; that which is too
 * small is copied.
 */
const SPAN_LENGTH = 80

/**
 * Builds the model of one trace. Total: whatever the spans say of their parents, ids and times, each distinct span gets
 * exactly one row, and the rows do not depend on the order in which the spans arrived. What is distinct, a parent, an orphan, a cycle
 * and the request is defined in {@link ./shape.ts}.
 *
 * Times are shown as they came, unless `aheadOf` moves them. Only a negative duration is shown as 0, flagged.
 *
 * @param bytes serialized `TracesData`; kept by the result, not copied
 * @param traceId 32 hex digits (or fewer: leading zeros are added); spans of other traces are ignored. Default: the
 * first span's trace
 * @param aheadOf by how many nanoseconds the clock was ahead that timed the spans of the resource at that place of the bytes: they are taken off
 * @throws OtlpError when the bytes are not valid OTLP, RangeError when `traceId` is not hex
 */
export function buildTrace(bytes: Uint8Array, traceId?: string, aheadOf?: (resourceStart: number) => number): Trace {
  const columns = createSpanColumns(Math.ceil(bytes.length / SPAN_LENGTH) + 1)
  scanSpans(bytes, columns)
  const id = (traceId ?? bytesToHex(columns.traceId, 0, 16)).toLowerCase().padStart(32, '0')
  const selected = selectTrace(columns, id)
  const table = tableOf(bytes, columns, selected)
  if (aheadOf) moveStarts(table, (span) => aheadOf(columns.resourceStart[selected[span]!]!))
  const { spanStart, spanEnd } = columns
  const shape = shapeOf(table, (a, b) => {
    const [one, other] = [selected[a]!, selected[b]!]
    return compareRanges(bytes, spanStart[one]!, spanEnd[one]!, spanStart[other]!, spanEnd[other]!)
  })
  const { positionOfRow, rowOfPosition } = layOut(shape.parent, shape.size)

  const { size } = shape
  const scopes = scopesOf(columns)
  const trace = {
    traceId: id,
    size,
    start: shape.start,
    durationNs: shape.durationNs,
    startNs: new Float64Array(size),
    durationsNs: new Float64Array(size),
    parent: new Int32Array(size),
    depth: new Uint16Array(size),
    subtreeEnd: new Uint32Array(size),
    childCount: new Uint32Array(size),
    selfNs: new Float64Array(size),
    spanId: new Uint8Array(size * 8),
    kind: new Uint8Array(size),
    status: new Uint8Array(size),
    flags: new Uint16Array(size),
    linkCount: new Uint16Array(size),
    eventCount: new Uint16Array(size),
    service: new Uint16Array(size),
    name: new Uint32Array(size),
    services: table.services,
    names: table.names,
    bytes,
    spanStart: new Uint32Array(size),
    spanEnd: new Uint32Array(size),
    scope: new Uint32Array(size),
    scopes: scopes.ranges,
  }
  // Three passes, each over what is found by one kind of number: together they would wait for memory all the time.
  const spanOfRow = new Uint32Array(size)
  for (let row = 0; row < size; row++) {
    const position = positionOfRow[row]!
    const parent = shape.parent[position]!
    spanOfRow[row] = shape.order[position]!
    trace.startNs[row] = shape.startNs[position]!
    trace.parent[row] = parent === -1 ? -1 : rowOfPosition[parent]!
    trace.selfNs[row] = shape.selfNs[position]!
    trace.flags[row] = shape.flags[position]!
  }
  const spanIds = new Uint32Array(trace.spanId.buffer)
  for (let row = 0; row < size; row++) {
    const span = spanOfRow[row]!
    trace.durationsNs[row] = Math.max(0, table.durationNs[span]!)
    spanIds[2 * row] = table.spanId[2 * span]!
    spanIds[2 * row + 1] = table.spanId[2 * span + 1]!
    trace.kind[row] = table.kind[span]!
    trace.status[row] = table.status[span]!
    trace.service[row] = table.service[span]!
    trace.name[row] = table.name[span]!
  }
  for (let row = 0; row < size; row++) {
    const from = selected[spanOfRow[row]!]!
    trace.linkCount[row] = columns.linkCount[from]!
    trace.eventCount[row] = columns.eventCount[from]!
    trace.spanStart[row] = columns.spanStart[from]!
    trace.spanEnd[row] = columns.spanEnd[from]!
    trace.scope[row] = scopes.ofSpan[from]!
  }
  describeTree(trace)
  return { ...trace, innerLinks: innerLinksOf(trace, shape.index, rowOfPosition) }
}

/** The scopes that spans are in, and which each is in. The spans of one follow each other in the bytes. */
function scopesOf(columns: SpanColumns): { readonly ranges: Uint32Array<ArrayBuffer>; readonly ofSpan: Uint32Array } {
  const { count, scopeStart, scopeEnd, resourceStart, resourceEnd } = columns
  const ofSpan = new Uint32Array(count)
  const ranges: number[] = []
  for (let span = 0; span < count; span++) {
    if (span === 0 || scopeStart[span] !== scopeStart[span - 1]) {
      ranges.push(scopeStart[span]!, scopeEnd[span]!, resourceStart[span]!, resourceEnd[span]!)
    }
    ofSpan[span] = ranges.length / 4 - 1
  }
  return { ranges: Uint32Array.from(ranges), ofSpan }
}

/** Whether the 16 bytes at an offset are this trace id. Throws RangeError for an id that is not hex. */
function traceIdMatcher(traceId: string): (bytes: Uint8Array, at: number) => boolean {
  const id = hexToBytes(traceId)
  const [a, b, c, d] = [0, 4, 8, 12].map((at) => readU32(id, at))
  return (bytes, at) =>
    readU32(bytes, at) === a &&
    readU32(bytes, at + 4) === b &&
    readU32(bytes, at + 8) === c &&
    readU32(bytes, at + 12) === d
}

function selectTrace(columns: SpanColumns, traceId: string): Uint32Array {
  const matches = traceIdMatcher(traceId)
  const rows = new Uint32Array(columns.count)
  let count = 0
  for (let row = 0; row < columns.count; row++) if (matches(columns.traceId, row * 16)) rows[count++] = row
  return rows.subarray(0, count)
}

function tableOf(bytes: Uint8Array, columns: SpanColumns, selected: Uint32Array): SpanTable {
  const names = createInterner(bytes)
  const services = createInterner(bytes, { empty: UNKNOWN_SERVICE, limit: MAX_U16 + 1 })
  const table = new SpanTable(selected.length)
  table.count = selected.length
  table.services = services.texts
  table.names = names.texts
  const [spanIds, parentIds] = [columns.spanId, columns.parentSpanId].map((ids) => new Uint32Array(ids.buffer))
  for (let span = 0; span < selected.length; span++) {
    const row = selected[span]!
    table.spanId[2 * span] = spanIds![2 * row]!
    table.spanId[2 * span + 1] = spanIds![2 * row + 1]!
    table.parentId[2 * span] = parentIds![2 * row]!
    table.parentId[2 * span + 1] = parentIds![2 * row + 1]!
    table.startHi[span] = columns.startHi[row]!
    table.startLo[span] = columns.startLo[row]!
    table.durationNs[span] = columns.durationNs[row]!
    table.kind[span] = columns.kind[row]!
    table.status[span] = columns.status[row]!
    table.service[span] = services.intern(columns.serviceStart[row]!, columns.serviceEnd[row]!)
    table.name[span] = names.intern(columns.nameStart[row]!, columns.nameEnd[row]!)
  }
  return table
}

function moveStarts({ count, startHi, startLo }: SpanTable, aheadOf: (span: number) => number): void {
  for (let span = 0; span < count; span++) {
    const aheadNs = aheadOf(span)
    if (aheadNs === 0) continue
    const start = BigInt.asUintN(64, ((BigInt(startHi[span]!) << 32n) | BigInt(startLo[span]!)) - BigInt(aheadNs))
    startHi[span] = Number(start >> 32n)
    startLo[span] = Number(start & 0xffff_ffffn)
  }
}

/** Rows depth first, siblings in the order of their positions. Without recursion: a chain may be 100,000 spans deep. */
function layOut(parents: Int32Array, size: number): { positionOfRow: Uint32Array; rowOfPosition: Uint32Array } {
  const firstChild = new Int32Array(size).fill(-1)
  const nextSibling = new Int32Array(size).fill(-1)
  let firstRoot = -1
  for (let position = size - 1; position >= 0; position--) {
    const parent = parents[position]!
    if (parent === -1) {
      nextSibling[position] = firstRoot
      firstRoot = position
    } else {
      nextSibling[position] = firstChild[parent]!
      firstChild[parent] = position
    }
  }
  const positionOfRow = new Uint32Array(size)
  const rowOfPosition = new Uint32Array(size)
  let row = 0
  let at = firstRoot
  while (at !== -1) {
    rowOfPosition[at] = row
    positionOfRow[row++] = at
    if (firstChild[at] !== -1) {
      at = firstChild[at]!
      continue
    }
    while (at !== -1 && nextSibling[at] === -1) at = parents[at]!
    if (at !== -1) at = nextSibling[at]!
  }
  return { positionOfRow, rowOfPosition }
}

type Tree = Pick<
  Trace,
  | 'size'
  | 'durationNs'
  | 'startNs'
  | 'durationsNs'
  | 'parent'
  | 'depth'
  | 'subtreeEnd'
  | 'childCount'
  | 'status'
  | 'flags'
>

/**
 * The share of the trace's duration by which a span must outlast its parent to be called asynchronous. Most servers do a
 * little after their answer, and the clocks of two processes have their grain.
 */
const ASYNC_SHARE = 0.01

/** Fills in what follows from parents and times: depth, subtree, child count, and the flags that compare a span with its parent. */
function describeTree(tree: Tree): void {
  const { size, durationNs, startNs, durationsNs, parent, depth, subtreeEnd, childCount, status, flags } = tree
  for (let row = 0; row < size; row++) {
    const start = startNs[row]!
    const end = start + durationsNs[row]!
    const above = parent[row]!
    if (above === -1) continue
    const parentEnd = startNs[above]! + durationsNs[above]!
    depth[row] = Math.min(MAX_U16, depth[above]! + 1)
    childCount[above]!++
    if (end - parentEnd > durationNs * ASYNC_SHARE) flags[row]! |= SpanFlag.async
    if (start < startNs[above]!) flags[row]! |= SpanFlag.startsBeforeParent
  }
  for (let row = size - 1; row >= 0; row--) {
    subtreeEnd[row] = Math.max(subtreeEnd[row]!, row + 1)
    const above = parent[row]!
    if (above === -1) continue
    subtreeEnd[above] = Math.max(subtreeEnd[above]!, subtreeEnd[row]!)
    if (status[row] === ERROR || flags[row]! & SpanFlag.errorBelow) flags[above]! |= SpanFlag.errorBelow
  }
}

/**
 * Pairs of rows: from each span with links to the spans of this trace that they name. A link to an id that several
 * spans have goes to the earliest.
 */
function innerLinksOf(trace: Omit<Trace, 'innerLinks'>, index: SpanIndex, rowOfPosition: Uint32Array): Uint32Array {
  const { bytes, size, linkCount, spanStart, spanEnd } = trace
  const inTrace = traceIdMatcher(trace.traceId)
  const pairs: number[] = []
  for (let row = 0; row < size; row++) {
    if (linkCount[row] === 0) continue
    visitLinks(bytes, spanStart[row]!, spanEnd[row]!, (traceIdAt, spanIdAt) => {
      if (!inTrace(bytes, traceIdAt)) return
      const position = index.first(readU32(bytes, spanIdAt), readU32(bytes, spanIdAt + 4))
      if (position !== -1) pairs.push(row, rowOfPosition[position]!)
    })
  }
  return Uint32Array.from(pairs)
}
