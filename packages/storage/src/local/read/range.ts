import type { BlockRows } from '../block/rows.ts'
import type { Block } from './block.ts'
import type { SpanView } from './span-view.ts'
import type { Turn } from './turn.ts'

/** Starts of spans, nanoseconds since 1970, both inclusive. */
export interface Range {
  readonly from: bigint
  readonly to: bigint
  /** The same in two halves each. */
  readonly fromHi: number
  readonly fromLo: number
  readonly toHi: number
  readonly toLo: number
}

const MAX_U64 = 2n ** 64n - 1n

export function rangeOf(from = 0n, to = MAX_U64): Range {
  const [first, last] = [from < 0n ? 0n : from, to > MAX_U64 ? MAX_U64 : to]
  return {
    from: first,
    to: last,
    fromHi: Number(first >> 32n),
    fromLo: Number(first & 0xffff_ffffn),
    toHi: Number(last >> 32n),
    toLo: Number(last & 0xffff_ffffn),
  }
}

/** The first and the last start of all spans of the blocks; undefined where there are none. */
export function boundsOf(blocks: readonly Block[]): readonly [first: bigint | undefined, last: bigint | undefined] {
  let [first, last]: (bigint | undefined)[] = []
  for (const { spans, minStart, maxStart } of blocks) {
    if (spans === 0) continue
    if (first === undefined || minStart < first) first = minStart
    if (last === undefined || maxStart > last) last = maxStart
  }
  return [first, last]
}

/** By their last start: who ends early has met what is new. */
export function newestFirst(blocks: readonly Block[]): Block[] {
  return [...blocks].sort((a, b) => (a.maxStart > b.maxStart ? -1 : a.maxStart < b.maxStart ? 1 : 0))
}

/** Whether a row's span starts in the range. */
export function startsIn({ startHi, startLo }: BlockRows, row: number, range: Range): boolean {
  const hi = startHi[row]!
  const lo = startLo[row]!
  if (hi < range.fromHi || (hi === range.fromHi && lo < range.fromLo)) return false
  return hi < range.toHi || (hi === range.toHi && lo <= range.toLo)
}

/** Whether all spans of the block start in the range. */
export function isInside(block: Block, { from, to }: Range): boolean {
  return block.minStart >= from && block.maxStart <= to
}

/** Whether the block's times meet the range. Where spans of these times are lost, the answer is not complete. */
export function meets(block: Block, { from, to }: Range, turn: Turn): boolean {
  if (block.maxStart < from || block.minStart > to) return false
  if (block.damaged) turn.incomplete = true
  return block.spans > 0
}

/** Moves the view to a row; false when its bytes cannot be read. Damage of one frame must not take all others from a search. */
export function isReadable(view: SpanView, row: number, turn: Turn): boolean {
  if (view.moveWithin(row)) return true
  const inflated = turn.attempt(() => view.moveTo(row))
  turn.work(inflated ?? 0)
  return inflated !== undefined
}
