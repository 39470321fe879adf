import type { BlockRows } from '../../block/rows.ts'
import { traceHash, type Block } from '../block.ts'
import { rangeOf, startsIn, type Range } from '../range.ts'
import { RecentSpans } from '../recent-spans.ts'
import { TraceIds } from '../trace-ids.ts'
import { Attempt, type Turn } from '../turn.ts'
import { OwnTwins } from './own-twins.ts'

/** Asking a filter for a trace, and a look at a row, in units of {@link Turn.work}. */
const FILTER_UNITS = 60
const ROW_UNITS = 30
/** ... at one that is compared with others of its block, and of other blocks. */
const OWN_UNITS = 80
const SEEN_UNITS = 150
/** ... comparing blocks, with what a filter is asked for each span of one, about; and knowing a span by its header. */
const SPANS_PER_TRACE = 8

/** What {@link removeTwinsBefore} costs of such blocks, and what it would to know all spans of a store, in the same units. */
export function isCheaper(blocks: readonly Block[], before: (block: Block) => readonly Block[], all: readonly Block[]) {
  const whole = all.reduce((sum, { spans }) => sum + spans * SEEN_UNITS, 0)
  let own = 0
  for (const block of blocks) {
    own += (before(block).length * block.spans * FILTER_UNITS) / SPANS_PER_TRACE
    if (own > whole) return false
  }
  return true
}

/**
 * Takes from `wanted` what the block has twice, and what those `before` have: a span that was sent twice starts at the same time, and is of a trace that both have, so that blocks of the same time are
 * asked for the traces that this one has then, and read where they have some. The result are those that had something; undefined when the turn ended.
 */
export async function removeTwinsBefore(
  rows: BlockRows,
  wanted: Uint8Array,
  range: Range,
  before: readonly Block[],
  turn: Turn,
): Promise<readonly Block[] | undefined> {
  const memory = new Attempt(turn)
  const recent = new RecentSpans({ mayReserve: (bytes) => memory.reserve(bytes) })
  try {
    const isShared = new Uint8Array(rows.traceCount)
    const sharing: Block[] = []
    for (const other of before) {
      const shared = await tracesIn(rows, wanted, other, turn)
      if (!shared) return undefined
      if (shared.length === 0) continue
      // What is damaged counts nowhere.
      const isSharing = await turn.attemptAll(() => addRows(rows, shared, other, range, recent, isShared, turn))
      if (turn.stopped) return undefined
      if (isSharing) sharing.push(other)
    }
    return (await removeFrom(rows, wanted, isShared, recent, turn)) ? sharing : undefined
  } finally {
    memory.end()
  }
}

/** Traces that have wanted spans which start in the time of another block, and may be in it. Undefined when the turn ended. */
async function tracesIn(rows: BlockRows, wanted: Uint8Array, other: Block, turn: Turn): Promise<number[] | undefined> {
  const { count, trace, traceIds, traceCount } = rows
  const time = rangeOf(other.minStart, other.maxStart)
  const isIn = new Uint8Array(traceCount)
  for (let row = 0; row < count; row++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return undefined
    if (wanted[row] && startsIn(rows, row, time)) isIn[trace[row]!] = 1
  }
  const found: number[] = []
  for (let i = isIn.indexOf(1); i >= 0; i = isIn.indexOf(1, i + 1)) {
    if (turn.work(FILTER_UNITS) && (await turn.breathe())) return undefined
    if (other.mayHaveTrace(traceHash(traceIds.subarray(4 * i, 4 * i + 4)))) found.push(i)
  }
  return found
}

/** Knows the spans of another block that are of some of these traces, and marks those. True when there are any. */
async function addRows(
  rows: BlockRows,
  traces: readonly number[],
  other: Block,
  range: Range,
  recent: RecentSpans,
  isShared: Uint8Array,
  turn: Turn,
): Promise<boolean> {
  const memory = new Attempt(turn)
  const ids = new TraceIds(memory, 0, () => {})
  for (const trace of traces) {
    // Without memory more is known than has to be.
    if (ids.add(rows.traceIds, 4 * trace) < 0) break
  }
  const isAll = ids.size === traces.length
  const theirs = other.rows()
  const isTheirs = new Uint8Array(theirs.traceCount)
  let isSharing = false
  for (let trace = 0; trace < theirs.traceCount; trace++) {
    if (turn.work(FILTER_UNITS) && (await turn.breathe())) break
    const entry = isAll ? ids.find(theirs.traceIds, 4 * trace) : 0
    if (entry < 0) continue
    isSharing = true
    isTheirs[trace] = 1
    if (isAll) isShared[traces[entry]!] = 1
  }
  if (!isAll) for (const trace of traces) isShared[trace] = 1
  memory.end()
  const { count, trace } = theirs
  if (!isSharing) return false
  for (let row = 0; row < count; row++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) break
    if (!isTheirs[trace[row]!] || !startsIn(theirs, row, range)) continue
    turn.work(SEEN_UNITS)
    recent.isNew(theirs, row)
  }
  return true
}

/** False when the turn ended. */
async function removeFrom(
  rows: BlockRows,
  wanted: Uint8Array,
  isShared: Uint8Array,
  recent: RecentSpans,
  turn: Turn,
): Promise<boolean> {
  const { count, trace } = rows
  const own = new OwnTwins(rows)
  const hasShared = isShared.includes(1)
  for (let row = 0; row < count; row++) {
    if (turn.work(OWN_UNITS) && (await turn.breathe())) return false
    if (!wanted[row]) continue
    if (hasShared && isShared[trace[row]!]) {
      turn.work(SEEN_UNITS)
      if (!recent.isNew(rows, row)) wanted[row] = 0
    } else if (!own.isNew(row)) wanted[row] = 0
  }
  return true
}
