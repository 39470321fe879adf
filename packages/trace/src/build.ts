import { bytesToHex, createSpanColumns, hexToBytes, scanSpans, type SpanColumns } from '@spoor/otlp'
import { compareRanges, isZeroId, readU32, readU32BE } from './bytes.ts'
import { createInterner } from './interner.ts'
import { visitLinks } from './links.ts'
import { SpanFlag, type Trace } from './model.ts'
import { createSpanIndex, type SpanIndex } from './span-index.ts'

const SERVER = 2
const CLIENT = 3
const ERROR = 2
const MAX_U16 = 0xffff

/**
 * Builds the model of one trace. Total: whatever the spans say of their parents, ids and times, each distinct span gets
 * exactly one row, and the rows do not depend on the order in which the spans arrived.
 *
 * - Exact duplicates (a request that was sent twice) are dropped. Spans with one id and different bytes all stay,
 *   flagged `duplicateId`.
 * - A server span that shares its id with a client span (Zipkin's way) becomes the child of the client span. Whoever
 *   names that id as its parent goes to the span of its own service, else to the server span, else to the earliest.
 * - A span whose parent is missing becomes a root, flagged `orphan`. A cycle of parents is cut at its earliest span,
 *   flagged `cycle`.
 * - Times are shown as they came. Only a negative duration is shown as 0, flagged.
 *
 * @param bytes serialized `TracesData`; kept by the result, not copied
 * @param traceId 32 hex digits (or fewer: leading zeros are added); spans of other traces are ignored. Default: the
 * first span's trace
 * @throws OtlpError when the bytes are not valid OTLP, RangeError when `traceId` is not hex
 */
export function buildTrace(bytes: Uint8Array, traceId?: string): Trace {
  const columns = createSpanColumns()
  scanSpans(bytes, columns)
  const id = (traceId ?? bytesToHex(columns.traceId, 0, 16)).toLowerCase().padStart(32, '0')
  const selected = selectTrace(columns, id)
  const origin = findOrigin(columns, selected)
  const order = sortAndDeduplicate(bytes, columns, selected, origin)
  const index = createSpanIndex(columns, order)
  const names = createInterner(bytes)
  const services = createInterner(bytes, { empty: 'unknown_service', limit: MAX_U16 + 1 })
  const service = order.map((row) => services.intern(columns.serviceStart[row]!, columns.serviceEnd[row]!))
  const { parents, flags } = resolveParents(columns, order, index, service)
  cutCycles(parents, flags)
  const { positionOfRow, rowOfPosition } = layOut(parents)

  const size = order.length
  const trace = {
    traceId: id,
    size,
    start: (BigInt(origin.hi) << 32n) | BigInt(origin.lo),
    durationNs: 0,
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
    services: services.texts,
    names: names.texts,
    bytes,
    spanStart: new Uint32Array(size),
    spanEnd: new Uint32Array(size),
    scopeStart: new Uint32Array(size),
    scopeEnd: new Uint32Array(size),
    resourceStart: new Uint32Array(size),
    resourceEnd: new Uint32Array(size),
  }
  for (let row = 0; row < size; row++) {
    const position = positionOfRow[row]!
    const from = order[position]!
    const parent = parents[position]!
    const duration = columns.durationNs[from]!
    trace.startNs[row] = offsetOf(columns, from, origin)
    trace.durationsNs[row] = Math.max(0, duration)
    trace.parent[row] = parent === -1 ? -1 : rowOfPosition[parent]!
    for (let i = 0; i < 8; i++) trace.spanId[row * 8 + i] = columns.spanId[from * 8 + i]!
    trace.kind[row] = columns.kind[from]!
    trace.status[row] = columns.status[from]!
    trace.flags[row] = flags[position]! | (duration < 0 ? SpanFlag.negativeDuration : 0)
    trace.linkCount[row] = columns.linkCount[from]!
    trace.eventCount[row] = columns.eventCount[from]!
    trace.service[row] = service[position]!
    trace.name[row] = names.intern(columns.nameStart[from]!, columns.nameEnd[from]!)
    trace.spanStart[row] = columns.spanStart[from]!
    trace.spanEnd[row] = columns.spanEnd[from]!
    trace.scopeStart[row] = columns.scopeStart[from]!
    trace.scopeEnd[row] = columns.scopeEnd[from]!
    trace.resourceStart[row] = columns.resourceStart[from]!
    trace.resourceEnd[row] = columns.resourceEnd[from]!
    trace.durationNs = Math.max(trace.durationNs, trace.startNs[row]! + trace.durationsNs[row]!)
  }
  describeTree(trace)
  return { ...trace, innerLinks: innerLinksOf(trace, index, rowOfPosition) }
}

interface Origin {
  readonly hi: number
  readonly lo: number
}

/** The earliest start among the rows. */
function findOrigin(columns: SpanColumns, rows: Uint32Array): Origin {
  let hi = 0
  let lo = 0
  rows.forEach((row, i) => {
    const rowHi = columns.startHi[row]!
    const rowLo = columns.startLo[row]!
    if (i > 0 && (rowHi > hi || (rowHi === hi && rowLo >= lo))) return
    hi = rowHi
    lo = rowLo
  })
  return { hi, lo }
}

function offsetOf(columns: SpanColumns, row: number, origin: Origin): number {
  return (columns.startHi[row]! - origin.hi) * 2 ** 32 + (columns.startLo[row]! - origin.lo)
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

/**
 * Rows by start, the longer first, then by id and bytes. That is a total order on distinct spans, so equal neighbours
 * are exact duplicates, and whatever is decided by this order is decided the same way however the spans arrived.
 */
function sortAndDeduplicate(bytes: Uint8Array, columns: SpanColumns, rows: Uint32Array, origin: Origin): Uint32Array {
  const { durationNs, spanId, spanStart, spanEnd } = columns
  const offsets = new Float64Array(columns.count)
  for (const row of rows) offsets[row] = offsetOf(columns, row, origin)
  function compare(a: number, b: number): number {
    return (
      offsets[a]! - offsets[b]! ||
      durationNs[b]! - durationNs[a]! ||
      readU32BE(spanId, a * 8) - readU32BE(spanId, b * 8) ||
      readU32BE(spanId, a * 8 + 4) - readU32BE(spanId, b * 8 + 4) ||
      compareRanges(bytes, spanStart[a]!, spanEnd[a]!, spanStart[b]!, spanEnd[b]!)
    )
  }
  const sorted = rows.slice().sort(compare)
  let kept = 0
  for (const row of sorted) {
    if (kept === 0 || compare(sorted[kept - 1]!, row) !== 0) sorted[kept++] = row
  }
  return sorted.slice(0, kept)
}

function resolveParents(columns: SpanColumns, order: Uint32Array, index: SpanIndex, service: Uint32Array) {
  const parents = new Int32Array(order.length).fill(-1)
  const flags = new Uint16Array(order.length)
  const kindAt = (position: number) => columns.kind[order[position]!]

  for (let position = 0; position < order.length; position++) {
    const row = order[position]!
    if (!isZeroId(columns, 'spanId', row)) {
      const first = index.first(columns.spanId, row)
      if (first !== position || index.next(first) !== -1) flags[position]! |= SpanFlag.duplicateId
      if (columns.kind[row] === SERVER && flags[position]! & SpanFlag.duplicateId) {
        const client = index.find(first, (other) => kindAt(other) === CLIENT)
        if (client !== -1) {
          parents[position] = client
          continue
        }
      }
    }
    if (isZeroId(columns, 'parentSpanId', row)) continue
    const first = index.first(columns.parentSpanId, row)
    const others = (accept: (other: number) => boolean) =>
      index.find(first, (other) => other !== position && accept(other))
    let parent = first
    if (first === position || (first !== -1 && index.next(first) !== -1)) {
      parent = others((other) => service[other] === service[position])
      if (parent === -1) parent = others((other) => kindAt(other) === SERVER)
      if (parent === -1) parent = others(() => true)
    }
    parents[position] = parent
    if (parent === -1) flags[position]! |= first === position ? SpanFlag.cycle : SpanFlag.orphan
  }
  return { parents, flags }
}

/**
 * Makes the earliest span of each cycle of parents a root. Each span has one parent, so cycles are disjoint and one
 * pass finds them all.
 */
function cutCycles(parents: Int32Array, flags: Uint16Array): void {
  const visitedIn = new Int32Array(parents.length).fill(-1)
  for (let start = 0; start < parents.length; start++) {
    let at = start
    while (at !== -1 && visitedIn[at] === -1) {
      visitedIn[at] = start
      at = parents[at]!
    }
    if (at === -1 || visitedIn[at] !== start) continue
    let earliest = at
    for (let other = parents[at]!; other !== at; other = parents[other]!) earliest = Math.min(earliest, other)
    parents[earliest] = -1
    flags[earliest]! |= SpanFlag.cycle
  }
}

/** Rows depth first, siblings in the order of their positions. Without recursion: a chain may be 100,000 spans deep. */
function layOut(parents: Int32Array): { positionOfRow: Uint32Array; rowOfPosition: Uint32Array } {
  const size = parents.length
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
  | 'selfNs'
  | 'status'
  | 'flags'
>

/**
 * The share of the trace's duration by which a span must outlast its parent to be called asynchronous. Most servers do a
 * little after their answer, and the clocks of two processes have their grain.
 */
const ASYNC_SHARE = 0.01

/**
 * Fills in what follows from parents and times: depth, subtree, child count, self time, and the flags that compare a
 * span with its parent.
 */
function describeTree(tree: Tree): void {
  const { size, durationNs, startNs, durationsNs, parent, depth, subtreeEnd, childCount, selfNs, status, flags } = tree
  // Children come in the order of their starts, so the union of their intervals is swept with one mark a parent.
  const coveredUntil = new Float64Array(size)
  for (let row = 0; row < size; row++) {
    const start = startNs[row]!
    const end = start + durationsNs[row]!
    selfNs[row] = durationsNs[row]!
    coveredUntil[row] = start
    const above = parent[row]!
    if (above === -1) continue
    const parentEnd = startNs[above]! + durationsNs[above]!
    depth[row] = Math.min(MAX_U16, depth[above]! + 1)
    childCount[above]!++
    if (end - parentEnd > durationNs * ASYNC_SHARE) flags[row]! |= SpanFlag.async
    if (start < startNs[above]!) flags[row]! |= SpanFlag.startsBeforeParent
    const from = Math.max(start, coveredUntil[above]!)
    const to = Math.min(end, parentEnd)
    if (to > from) {
      selfNs[above] = Math.max(0, selfNs[above]! - (to - from))
      coveredUntil[above] = to
    }
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
  const spanId = new Uint8Array(8)
  for (let row = 0; row < size; row++) {
    if (linkCount[row] === 0) continue
    visitLinks(bytes, spanStart[row]!, spanEnd[row]!, (traceIdAt, spanIdAt) => {
      if (!inTrace(bytes, traceIdAt)) return
      spanId.set(bytes.subarray(spanIdAt, spanIdAt + 8))
      const position = index.first(spanId, 0)
      if (position !== -1) pairs.push(row, rowOfPosition[position]!)
    })
  }
  return Uint32Array.from(pairs)
}
