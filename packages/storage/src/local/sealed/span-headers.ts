import { hashWords } from '../block/hash.ts'
import { Numbers } from './number-column.ts'
import { inPieces } from './pieces.ts'
import type { Source } from './source.ts'
import { fieldEnd } from './wire.ts'

/** What every span has besides its template, by place in the source's order. */
export interface SpanHeaders {
  /** Nanoseconds after the start of the span before it in its trace; of a trace's first, 0. */
  readonly start: Numbers
  /** End - start, as 64 bits without a sign. */
  readonly duration: Numbers
  /** 0: none. Else 1 + twice the rows that its parent is before it, or 2 + twice the rows - 1 that it is after; a whole id where it is not in its trace. */
  readonly parent: Numbers
  readonly group: Numbers
}

export function spanHeaders(source: Source): SpanHeaders {
  const count = source.order.length
  const headers = {
    start: new Numbers(count),
    duration: new Numbers(count),
    parent: new Numbers(count),
    group: new Numbers(count),
  }
  const parents = parentPlaces(source)
  inPieces(count, (from, to) => putHeaders(source, parents, from, to, headers))
  return headers
}

function putHeaders(source: Source, parents: Int32Array, from: number, to: number, headers: SpanHeaders): void {
  const { columns, order, trace, group } = source
  const { startLo, startHi, durationNs } = columns
  const { start, duration, parent, group: groups } = headers
  const parentIds = wordsOf(columns.parentSpanId, columns.count)
  for (let place = from; place < to; place++) {
    const row = order[place]!
    if (place > 0 && trace[place - 1] === trace[place]) {
      const before = order[place - 1]!
      setDifference(start, place, startLo[row]!, startHi[row]!, startLo[before]!, startHi[before]!)
    }
    const ns = durationNs[row]!
    if (ns >= 0 && ns <= Number.MAX_SAFE_INTEGER) duration.value[place] = ns
    else setOddDuration(duration, place, source, row)
    groups.value[place] = group[row]!
    const lo = parentIds[2 * row]!
    const hi = parentIds[2 * row + 1]!
    if ((lo | hi) === 0) continue
    const at = parents[place]!
    if (at < 0) parent.setRaw(place, lo, hi)
    else parent.value[place] = at <= place ? 1 + 2 * (place - at) : 2 * (at - place)
  }
}

/** One below 0, or beyond what the columns have exactly. */
function setOddDuration(duration: Numbers, place: number, source: Source, row: number): void {
  const [endLo, endHi] = endOf(source, row)
  setDifference(duration, place, endLo, endHi, source.columns.startLo[row]!, source.columns.startHi[row]!)
}

function wordsOf(ids: Uint8Array, count: number): Uint32Array {
  return new Uint32Array(ids.buffer, ids.byteOffset, 2 * count)
}

/** The parent's row from a span's and its {@link SpanHeaders.parent}, which is not 0. */
export function parentRow(row: number, distance: number): number {
  return distance % 2 === 1 ? row - (distance - 1) / 2 : row + distance / 2
}

/** a - b in 64 bits. */
export function setDifference(to: Numbers, index: number, aLo: number, aHi: number, bLo: number, bHi: number): void {
  const lo = aLo - bLo
  to.set(index, lo >>> 0, (aHi - bHi - (lo < 0 ? 1 : 0)) >>> 0)
}

/** A span's end is its start and its duration, which the columns have as a number that is exact up to 2^53; beyond, it is read from the bytes. */
function endOf({ columns, bytes }: Source, row: number): readonly [lo: number, hi: number] {
  const lo = columns.startLo[row]! + (columns.durationNs[row]! % WORD)
  if (Math.abs(columns.durationNs[row]!) <= Number.MAX_SAFE_INTEGER) {
    const hi = columns.startHi[row]! + Math.trunc(columns.durationNs[row]! / WORD)
    const carry = Math.floor(lo / WORD)
    return [lo - carry * WORD, hi + carry]
  }
  return readEnd(bytes, columns.spanStart[row]!, columns.spanEnd[row]!)
}

const WORD = 2 ** 32

/** Span.end_time_unix_nano = 8; of several the last counts. */
function readEnd(bytes: Uint8Array, start: number, end: number): readonly [lo: number, hi: number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let found: readonly [number, number] = [0, 0]
  for (let p = start; p < end;) {
    const next = fieldEnd(bytes, p, end)
    let content = p
    let tag = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[content++]!
      tag += (byte & 127) * scale
      if (byte < 128) break
    }
    if (tag === 0x41) found = [view.getUint32(content, true), view.getUint32(content + 4, true)]
    p = next
  }
  return found
}

/** Spans of a trace up to which the parent is looked for among all of them. */
const FEW = 48

/** By place: that of the first span of its trace with the id of its parent, or -1. */
export function parentPlaces({ columns, order, first }: Source): Int32Array {
  const ids = wordsOf(columns.spanId, columns.count)
  const parentIds = wordsOf(columns.parentSpanId, columns.count)
  const parents = new Int32Array(order.length).fill(-1)
  inPieces(first.length - 1, (from, to) => findParents(ids, parentIds, order, first, from, to, parents))
  return parents
}

/** Those of the spans of some traces. */
function findParents(
  ids: Uint32Array,
  parentIds: Uint32Array,
  order: Uint32Array,
  first: Uint32Array,
  from: number,
  to: number,
  parents: Int32Array,
): void {
  for (let trace = from; trace < to; trace++) {
    const start = first[trace]!
    const end = first[trace + 1]!
    if (end - start > FEW) findMany(ids, parentIds, order, start, end, parents)
    else findFew(ids, parentIds, order, start, end, parents)
  }
}

function findFew(
  ids: Uint32Array,
  parentIds: Uint32Array,
  order: Uint32Array,
  from: number,
  to: number,
  parents: Int32Array,
): void {
  for (let place = from; place < to; place++) {
    const row = 2 * order[place]!
    const lo = parentIds[row]!
    const hi = parentIds[row + 1]!
    if ((lo | hi) === 0) continue
    let at = from
    while (at < to && (ids[2 * order[at]!] !== lo || ids[2 * order[at]! + 1] !== hi)) at++
    if (at < to) parents[place] = at
  }
}

function findMany(
  ids: Uint32Array,
  parentIds: Uint32Array,
  order: Uint32Array,
  from: number,
  to: number,
  parents: Int32Array,
): void {
  let size = 128
  while (size < 2 * (to - from)) size *= 2
  const slots = new Int32Array(size).fill(-1)
  for (let place = from; place < to; place++) {
    const row = 2 * order[place]!
    const slot = slotOf(slots, ids, order, ids[row]!, ids[row + 1]!)
    if (slots[slot]! < 0) slots[slot] = place
  }
  for (let place = from; place < to; place++) {
    const row = 2 * order[place]!
    parents[place] = slots[slotOf(slots, ids, order, parentIds[row]!, parentIds[row + 1]!)]!
  }
}

/** Where the place of a span with this id is, or would be. */
function slotOf(slots: Int32Array, ids: Uint32Array, order: Uint32Array, lo: number, hi: number): number {
  const mask = slots.length - 1
  let slot = hashWords(lo, hi, 0, 0) & mask
  for (let place = slots[slot]!; place >= 0; place = slots[slot]!) {
    if (ids[2 * order[place]!] === lo && ids[2 * order[place]! + 1] === hi) break
    slot = (slot + 1) & mask
  }
  return slot
}
