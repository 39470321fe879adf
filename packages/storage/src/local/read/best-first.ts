import type { Block } from './block.ts'
import { MAX_DURATION_NS, type BlockRows } from '../block/rows.ts'
import { matchesIn, noMatches, wholeTraces } from './matches.ts'
import type { SearchOutput } from './output.ts'
import type { Page } from './page.ts'
import type { Plan } from './plan.ts'
import { SeenTraces, type Duty, type RowKey } from './seen-traces.ts'
import { isAsked, type Source } from './set/sources.ts'
import type { TraceMatcher } from './trace-matcher.ts'
import { requestsOf } from './trace-extents.ts'
import { traceWords } from './trace-parts.ts'
import type { Turn } from './turn.ts'

/** The share of the time after which no further block is looked into, so that what was found can be shown. */
const LOOKING_SHARE = 0.8
/** The share of the time after which another way is not begun any more. */
const TURNING_SHARE = 0.3
/** Traces that may be looked at in vain for each on the page, beside those of {@link bestFirst}. */
const VAIN_FOR_EACH = 5

/** How a block and a trace are bounded in an order; keys are those of {@link Position}: nothing in it comes before. */
export interface Ranking {
  readonly row: RowKey
  /** By all of its rows: those outside of the range may count, too. */
  block(block: Block): bigint
  /** From what {@link RowKey.columns} say. */
  key(hi: number, lo: number): bigint
  /**
   * Whether a trace's place is the last of the bounds by blocks of the range, unless it starts before the range: then it is known when the blocks before it
   * have been looked into.
   */
  readonly isExact: boolean
  /** Whether a bound may come before the one by which the trace was looked at for an earlier page, as its block has been sealed meanwhile. Default: none. */
  isLoose?(lo: number): boolean
  /** What {@link RowKey.columns} would say of a trace that has the block for itself; undefined where its rows have to be seen. */
  readonly bounds?: (block: Block) => readonly [hi: number, lo: number]
  /** Whether no trace of the block comes after `key` but such as come before it by their rows in the block. */
  isBefore(block: Block, key: bigint): boolean
}

export const NEWEST: Ranking = {
  row: {
    takes: 'least',
    matchingOnly: false,
    columns: ({ startHi, startLo }) => ({ hi: startHi, lo: startLo }),
    extents: ({ startHi, startLo }) => ({ hi: startHi, lo: startLo }),
  },
  isExact: true,
  block: ({ maxStart }) => -maxStart,
  key: (hi, lo) => -((BigInt(hi) << 32n) | BigInt(lo)),
  bounds: ({ minStart }) => [Number(minStart >> 32n), Number(minStart & 0xffff_ffffn)],
  isBefore: ({ minStart }, key) => -minStart < key,
}

/** By durations of some rows; `least`: what no trace is below. */
function longest(row: Pick<RowKey, 'matchingOnly' | 'columns' | 'extents'>, least: number): Ranking {
  const { matchingOnly } = row
  const key = (durationNs: number): bigint => -BigInt(Math.max(least, Math.min(durationNs, MAX_DURATION_NS)))
  return {
    row: { takes: 'greatest', ...row },
    isExact: false,
    isLoose: (lo) => lo === 1,
    block: ({ zones }) => key(zones.maxDurationNs),
    key,
    ...(!matchingOnly && { bounds: ({ zones }) => [zones.maxDurationNs, 0] as const }),
    isBefore: () => false,
  }
}

/** By the most that the request can be: where that is exact, as it mostly is, a page leaves no stragglers to the next one. */
export const LONGEST = longest(
  {
    matchingOnly: false,
    columns: (rows) => ({ hi: byRow(rows, requestsOf(rows)), lo: undefined }),
    extents: ({ requestNs, isRequestLoose }) => ({ hi: requestNs, lo: isRequestLoose }),
  },
  0,
)
export const LONGEST_MATCH = longest(
  {
    matchingOnly: true,
    columns: ({ durationNs }) => ({ hi: durationNs, lo: undefined }),
    extents: ({ longestNs }) => ({ hi: longestNs, lo: undefined }),
  },
  -MAX_DURATION_NS,
)

/** What each row's trace has. */
function byRow({ count, trace }: BlockRows, ofTraces: Float64Array): Float64Array {
  const ofRows = new Float64Array(count)
  for (let row = 0; row < count; row++) ofRows[row] = ofTraces[trace[row]!]!
  return ofRows
}

/**
 * How it ended: there is more, and up to the page's last place all has been dealt with; or everything was looked at; or it was to take too long; or time
 * or memory was up.
 */
export type Outcome = 'more' | 'done' | 'vain' | 'stopped'

/**
 * Best first. There are blocks, traces that were found in a block, each with a bound on its place, and traces with their summary, whose place is exact. What has
 * the best bound is next; what comes out with its summary is before all that is left. `maxVain`: traces looked at in vain after which it is time for another
 * way; Infinity: there is none.
 */
export async function bestFirst(
  blocks: readonly Block[],
  plan: Plan,
  ranking: Ranking,
  source: Source,
  maxVain: number,
  matcher: TraceMatcher,
  page: Page,
  output: SearchOutput,
  turn: Turn,
): Promise<Outcome> {
  const { cursor } = plan
  const seen = new SeenTraces(ranking.row, turn, dutyOf)
  /** Whether what comes out is before all that is left, also where time is up. Without memory for what is left it is not. */
  let isInOrder = ranking.isExact

  /** What by its bound was before the cursor has been dealt with on an earlier page; where stragglers are not known it may be one. */
  function dutyOf(hi: number, lo: number): Duty {
    if (!cursor || ranking.key(hi, lo) >= cursor.after.key) return 'due'
    if (cursor.stragglers && !ranking.isLoose?.(lo)) return 'done'
    return ranking.isExact ? 'aside' : 'due'
  }
  const keyOf = (trace: number): bigint => ranking.key(seen.hi(trace), seen.lo(trace))
  /** False when there was no time or memory for all that the block has. */
  async function look(block: Block): Promise<boolean> {
    if (await turn.breathe(LOOKING_SHARE)) return false
    // A trace of very many spans has blocks of its own.
    if (block.only && ranking.bounds && seen.correct(block.only, ...ranking.bounds(block))) return true
    const isAdded = await turn.attemptAll(() => add(block))
    if (isAdded !== false) return !(await turn.breathe(LOOKING_SHARE))
    isInOrder &&= turn.stopped
    return false
  }
  async function add(block: Block): Promise<boolean> {
    const { matchingOnly } = ranking.row
    const extents = matchingOnly ? undefined : wholeTraces(block, source, plan.range)
    if (extents) turn.spans += extents.traceCount
    if (extents) return seen.addAll(extents)
    const found = await matchesIn(block, source, plan.range, matchingOnly, turn, LOOKING_SHARE)
    return found || (await seen.awaits(block)) ? seen.add(found ?? noMatches(block, turn)) : true
  }
  async function examine(id: Uint32Array, isKnown: boolean): Promise<void> {
    const summary = await matcher.match(id, isKnown)
    if (summary) page.add(summary)
  }
  /** Ends the page where all before `key` has been dealt with. */
  function endAt(key: bigint): Outcome {
    page.passTo(key)
    for (const id of seen.left((hi, lo) => ranking.key(hi, lo) >= key)) page.leave(id)
    return 'more'
  }

  const queue = blocks
    .filter((block) => isAsked(source, block, plan.range, turn))
    .map((block) => ({ block, key: ranking.block(block) }))
    .filter(({ block }) => !cursor?.stragglers || !ranking.isBefore(block, cursor.after.key))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  output.partsTotal = queue.length
  for (const id of cursor?.stragglers ?? []) {
    const words = traceWords(id)
    if (ranking.isExact) seen.putAside(words)
    else {
      seen.forget(words)
      await examine(words, false)
    }
  }
  let looked = 0
  let isLate = false
  let examined = 0
  while (!(await turn.breathe())) {
    const block = queue[looked]
    // What starts before the range is bounded by no block of the range.
    if (!block && plan.range.from > 0n) seen.releaseAside()
    const trace = seen.first
    const bound = trace === undefined ? undefined : keyOf(trace)
    const exact = page.next?.key
    if (page.isFull && exact !== undefined) return isLate && !isInOrder ? 'stopped' : endAt(page.last!.key)
    // Of equal bounds blocks come first, then traces without summary (their id may still be the smaller).
    const isBlockNext =
      block && (bound === undefined || block.key <= bound) && (exact === undefined || block.key <= exact)
    if (isBlockNext && !isLate) {
      if (await look(block.block)) looked++
      else isLate = true
      output.part()
    } else if (isBlockNext && isInOrder) break
    else if (trace !== undefined && (exact === undefined || bound! <= exact)) {
      await examine(seen.ids.words(trace), !source.anyTime && seen.isFound(trace))
      if (turn.stopped) break
      seen.pop()
      examined++
      const vain = examined - page.size - page.waiting
      if (vain > maxVain + VAIN_FOR_EACH * page.size && turn.timeShare < TURNING_SHARE) return 'vain'
    } else if (exact !== undefined) page.take()
    else return isLate ? 'stopped' : 'done'
  }
  if (!isInOrder) {
    page.takeAll()
    return 'stopped'
  }
  // In order: what was found of what comes later is found again on the next page.
  const trace = seen.first
  const keys = [queue[looked]?.key, trace === undefined ? undefined : keyOf(trace), page.next?.key]
  const first = keys.reduce((least, key) => (least === undefined || (key !== undefined && key < least) ? key : least))
  return first === undefined ? 'stopped' : endAt(first)
}
