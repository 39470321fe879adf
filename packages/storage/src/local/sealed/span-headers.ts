import { hashWords } from '../block/hash.ts'
import { Numbers } from './number-column.ts'
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
  const { columns, order, trace, group } = source
  const count = order.length
  const headers = {
    start: new Numbers(count),
    duration: new Numbers(count),
    parent: new Numbers(count),
    group: new Numbers(count),
  }
  const parents = parentPlaces(source)
  const parentIds = new Uint32Array(columns.parentSpanId.buffer, columns.parentSpanId.byteOffset, 2 * columns.count)
  for (let place = 0; place < count; place++) {
    const row = order[place]!
    if (place > 0 && trace[place - 1] === trace[place]) {
      const before = order[place - 1]!
      setDifference(
        headers.start,
        place,
        columns.startLo[row]!,
        columns.startHi[row]!,
        columns.startLo[before]!,
        columns.startHi[before]!,
      )
    }
    const [endLo, endHi] = endOf(source, row)
    setDifference(headers.duration, place, endLo, endHi, columns.startLo[row]!, columns.startHi[row]!)
    headers.group.value[place] = group[row]!
    const [lo, hi] = [parentIds[2 * row]!, parentIds[2 * row + 1]!]
    if ((lo | hi) === 0) continue
    const parent = parents[place]!
    if (parent < 0) headers.parent.setRaw(place, lo, hi)
    else headers.parent.value[place] = parent <= place ? 1 + 2 * (place - parent) : 2 * (parent - place)
  }
  return headers
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
function parentPlaces({ columns, order, first }: Source): Int32Array {
  const ids = new Uint32Array(columns.spanId.buffer, columns.spanId.byteOffset, 2 * columns.count)
  const parentIds = new Uint32Array(columns.parentSpanId.buffer, columns.parentSpanId.byteOffset, 2 * columns.count)
  const parents = new Int32Array(order.length).fill(-1)
  for (let trace = 0; trace < first.length - 1; trace++) {
    const [from, to] = [first[trace]!, first[trace + 1]!]
    if (to - from > FEW) findMany(ids, parentIds, order, from, to, parents)
    else {
      for (let place = from; place < to; place++) {
        const [lo, hi] = [parentIds[2 * order[place]!]!, parentIds[2 * order[place]! + 1]!]
        if ((lo | hi) === 0) continue
        let at = from
        while (at < to && (ids[2 * order[at]!] !== lo || ids[2 * order[at]! + 1] !== hi)) at++
        if (at < to) parents[place] = at
      }
    }
  }
  return parents
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
  const slotOf = (lo: number, hi: number): number => {
    let slot = hashWords(lo, hi, 0, 0) & (size - 1)
    for (let place = slots[slot]!; place >= 0; place = slots[slot]!) {
      if (ids[2 * order[place]!] === lo && ids[2 * order[place]! + 1] === hi) break
      slot = (slot + 1) & (size - 1)
    }
    return slot
  }
  for (let place = from; place < to; place++) {
    const slot = slotOf(ids[2 * order[place]!]!, ids[2 * order[place]! + 1]!)
    if (slots[slot]! < 0) slots[slot] = place
  }
  for (let place = from; place < to; place++)
    parents[place] = slots[slotOf(parentIds[2 * order[place]!]!, parentIds[2 * order[place]! + 1]!)]!
}
