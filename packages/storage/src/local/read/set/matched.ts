import type { MatchedSpan, MatchedSpans } from '../../../contract.ts'
import type { BlockRows } from '../../block/rows.ts'
import { isReadable } from '../range.ts'
import { SpanView } from '../span-view.ts'
import type { TraceParts, TracePart } from '../trace-parts.ts'
import type { Turn } from '../turn.ts'
import type { Leaf } from './compile.ts'

interface Found {
  readonly part: TracePart
  readonly row: number
}

/**
 * What there is to say of the members of a set: how many, the first of them by their start and then id, the longest. Undefined when the turn ended.
 * `max`: how many are named.
 */
export async function matchedSpans(
  { parts }: TraceParts,
  distinctOf: Uint32Array,
  members: Uint8Array,
  max: number,
  leaves: readonly Leaf[],
  turn: Turn,
): Promise<Omit<MatchedSpans, 'exact'> | undefined> {
  const seen = new Uint8Array(members.length)
  const first: Found[] = []
  let [spans, longestNs] = [0, -Infinity]
  let at = 0
  for (const part of parts) {
    const { rows } = part
    for (let row = 0; row < rows.count; row++, at++) {
      if (turn.work(20) && (await turn.breathe())) return undefined
      const span = distinctOf[at]!
      if (!members[span] || seen[span]) continue
      seen[span] = 1
      spans++
      longestNs = Math.max(longestNs, rows.durationNs[row]!)
      insert(first, { part, row }, max)
    }
  }
  return { spans, longestNs, first: first.map((found) => describe(found, leaves, turn)) }
}

function insert(first: Found[], found: Found, max: number): void {
  let at = first.length
  while (at > 0 && isBefore(found, first[at - 1]!)) at--
  if (at >= max) return
  first.splice(at, 0, found)
  if (first.length > max) first.pop()
}

function isBefore(a: Found, b: Found): boolean {
  const [left, right] = [a.part.rows, b.part.rows]
  const difference = left.startHi[a.row]! - right.startHi[b.row]! || left.startLo[a.row]! - right.startLo[b.row]!
  return difference === 0 ? spanIdOf(left, a.row) < spanIdOf(right, b.row) : difference < 0
}

function spanIdOf({ spanId }: BlockRows, row: number): string {
  return Buffer.from(spanId.buffer, spanId.byteOffset + 8 * row, 8).toString('hex')
}

function describe({ part: { block, rows }, row }: Found, leaves: readonly Leaf[], turn: Turn): MatchedSpan {
  const span = { spanId: spanIdOf(rows, row), durationNs: rows.durationNs[row]! }
  const words = leaves.filter(({ condition }) => condition.foundIn)
  if (words.length === 0) return span
  const view = new SpanView(block, rows)
  if (!isReadable(view, row, turn)) return span
  for (const { condition } of words) {
    const key = condition.test(view, rows) ? condition.foundIn!(view, rows) : undefined
    if (key !== undefined) return { ...span, key }
  }
  return span
}
