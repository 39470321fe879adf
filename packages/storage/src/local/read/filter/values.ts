import type { Target } from '../../../contract.ts'
import type { Value } from '../../block/attribute.ts'
import type { BlockRows } from '../../block/rows.ts'
import { firstColumnRow, type Block, type ValueColumn } from '../block.ts'
import type { Turn } from '../turn.ts'
import { CHUNK } from './condition.ts'
import type { Matcher } from './matcher.ts'
import { NO, UNKNOWN, YES, type Verdicts } from './verdict.ts'

/** Bits of what is known of a row: it has a value, and one that holds. */
const HAS = 1
const HOLDS = 2

/**
 * The verdict on a target's values by the block's columns for it: each distinct value is asked once. UNKNOWN where the block has no such columns, or it is
 * not known which of them `rows` are. `absent`: the value of rows that have none, of a field.
 */
export async function columnVerdicts(
  block: Block,
  target: Target,
  matcher: Matcher,
  rows: BlockRows,
  turn: Turn,
  share: number,
  absent?: Value,
): Promise<Verdicts> {
  const from = firstColumnRow(block, rows)
  if (from === undefined) return UNKNOWN
  const values = turn.attempt(() => block.values(target))
  if (!values) return UNKNOWN
  const found = new Uint8Array(rows.count)
  for (const column of values.columns) {
    if (!(await mark(column, from, matcher, found, turn, share))) return NO
  }
  const none = absent === undefined ? 0 : bitsOf(matcher, absent)
  for (let row = 0; row < found.length; row++) {
    const bits = found[row]! || none
    const holds = matcher.over === 'none' ? bits === HAS : (bits & HOLDS) !== 0
    found[row] = holds ? YES : NO
  }
  for (const row of values.unread ?? []) if (row >= from && row < from + found.length) found[row - from] = UNKNOWN
  return found
}

function bitsOf({ holds }: Matcher, value: Value): number {
  return holds(value) ? HAS | HOLDS : HAS
}

/** False when the turn ended. `from`: the row of the column of which `found` tells first. */
async function mark(
  column: ValueColumn,
  from: number,
  matcher: Matcher,
  found: Uint8Array,
  turn: Turn,
  share: number,
): Promise<boolean> {
  const { codes, offsets, size } = column
  const bits = new Uint8Array(size + 1)
  for (let row = 0; row < found.length; row++) {
    if (row % CHUNK === 0 && turn.work(4 * CHUNK) && (await turn.breathe(share))) return false
    const first = offsets ? offsets[from + row]! : from + row
    const end = offsets ? offsets[from + row + 1]! : first + 1
    for (let i = first; i < end; i++) {
      const code = codes[i]!
      if (code === 0) continue
      if (bits[code] === 0) {
        if (turn.work(100) && (await turn.breathe(share))) return false
        turn.values++
        bits[code] = bitsOf(matcher, column.value(code - 1))
      }
      found[row]! |= bits[code]!
    }
  }
  return true
}
