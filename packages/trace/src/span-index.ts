import type { SpanColumns } from '@spoor/otlp'
import { isZeroId, readU32, tableSize } from './bytes.ts'

/**
 * How many spans of one id are looked at before the rest are passed over; keeps a trace in which all share one id
 * linear.
 */
const MAX_SAME_ID = 64

/**
 * Spans by id. Positions are indexes into `order`; spans of one id are visited in that order. Spans without an id are
 * not in it.
 */
export interface SpanIndex {
  /** The first position with the id at `ids[row * 8]`, or -1. */
  first(ids: Uint8Array, row: number): number
  /** The next position with the same id, or -1. */
  next(position: number): number
  /** The first position of the id's spans for which `accept` holds, or -1. Looks at no more than 64. */
  find(first: number, accept: (position: number) => boolean): number
}

export function createSpanIndex(columns: SpanColumns, order: Uint32Array): SpanIndex {
  const mask = tableSize(order.length) - 1
  const heads = new Int32Array(mask + 1).fill(-1)
  const nextSame = new Int32Array(order.length).fill(-1)
  const { spanId } = columns

  function slotOf(ids: Uint8Array, at: number): number {
    const lo = readU32(ids, at)
    const hi = readU32(ids, at + 4)
    let slot = (Math.imul(lo ^ (hi >>> 15), 0x9e3779b1) ^ Math.imul(hi, 0x85ebca6b)) & mask
    for (let head = heads[slot]!; head !== -1; head = heads[slot]!) {
      const at2 = order[head]! * 8
      if (readU32(spanId, at2) === lo && readU32(spanId, at2 + 4) === hi) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  // From last to first, each put before those already there, leaves the spans of one id in order.
  for (let position = order.length - 1; position >= 0; position--) {
    const row = order[position]!
    if (isZeroId(columns, 'spanId', row)) continue
    const slot = slotOf(spanId, row * 8)
    nextSame[position] = heads[slot]!
    heads[slot] = position
  }

  return {
    first: (ids, row) => heads[slotOf(ids, row * 8)]!,
    next: (position) => nextSame[position]!,
    find(first, accept) {
      let left = MAX_SAME_ID
      for (let position = first; position !== -1 && left > 0; position = nextSame[position]!, left--) {
        if (accept(position)) return position
      }
      return -1
    },
  }
}
