import type { Block } from './block.ts'
import { MAX_DURATION_NS, type BlockRows } from '../block/rows.ts'
import { matchesIn } from './matches.ts'
import type { SearchOutput } from './output.ts'
import type { Page } from './page.ts'
import type { Plan } from './plan.ts'
import { meets } from './range.ts'
import { SeenTraces, type RowKey } from './seen-traces.ts'
import type { Source } from './set/sources.ts'
import type { TraceMatcher } from './trace-matcher.ts'
import { gatherTrace, traceWords } from './trace-parts.ts'
import type { Turn } from './turn.ts'

/** The share of the time after which no further block is looked into, so that what was found can be shown. */
const LOOKING_SHARE = 0.8
/** Traces that were looked at in vain, beyond so many for each on the page, after which it is time for another way. */
const VAIN = 500
const VAIN_FOR_EACH = 5

/** How a block and a trace are bounded in an order; keys are those of {@link Position}: nothing in it comes before. */
export interface Ranking {
  readonly row: RowKey
  block(block: Block, plan: Plan): bigint
  /** From what {@link RowKey.columns} say. */
  key(hi: number, lo: number): bigint
  /** Whether no trace of the block comes after `key` but such as come before it by their rows in the block. */
  isBefore(block: Block, key: bigint): boolean
}

export const NEWEST: Ranking = {
  row: {
    takes: 'least',
    matchingOnly: false,
    columns: ({ startHi, startLo }) => ({ hi: startHi, lo: startLo }),
  },
  block: ({ maxStart }, { range }) => -(maxStart < range.to ? maxStart : range.to),
  key: (hi, lo) => -((BigInt(hi) << 32n) | BigInt(lo)),
  isBefore: ({ minStart }, key) => -minStart < key,
}

/** By the longest of some rows; `least`: what no trace is below. */
function longest(matchingOnly: boolean, least: number): Ranking {
  const key = (durationNs: number): bigint => -BigInt(Math.max(least, Math.min(durationNs, MAX_DURATION_NS)))
  return {
    row: { takes: 'greatest', matchingOnly, columns: durations },
    block: ({ zones }) => key(zones.maxDurationNs),
    key,
    isBefore: () => false,
  }
}

export const LONGEST = longest(false, 0)
export const LONGEST_MATCH = longest(true, -MAX_DURATION_NS)

function durations({ durationNs }: BlockRows): { hi: Float64Array; lo: undefined } {
  return { hi: durationNs, lo: undefined }
}

/** How it ended: the page is full, or everything was looked at, or it was to take too long, or time or memory was up. */
export type Outcome = 'full' | 'done' | 'vain' | 'stopped'

/**
 * Best first. There are blocks, traces that were found in a block, each with a bound on its place, and traces with their summary, whose place is exact. What has
 * the best bound is next; what comes out with its summary is before all that is left.
 */
export async function bestFirst(
  blocks: readonly Block[],
  plan: Plan,
  ranking: Ranking,
  source: Source,
  mayBeVain: boolean,
  matcher: TraceMatcher,
  page: Page,
  output: SearchOutput,
  turn: Turn,
): Promise<Outcome> {
  const seen = new SeenTraces(ranking.row, turn)
  const { cursor } = plan
  const isKnown = !source.anyTime

  /** False when there is no memory for what the block has. */
  async function look(block: Block): Promise<boolean> {
    const found = await matchesIn(block, source, plan.range, ranking.row.matchingOnly, turn, LOOKING_SHARE)
    return found === undefined || (await turn.attemptAll(() => seen.add(found, wanted))) !== false
  }
  /** What by its bound was before the cursor has been dealt with on an earlier page. */
  function wanted(hi: number, lo: number): boolean {
    return !cursor?.stragglers || ranking.key(hi, lo) >= cursor.after.key
  }
  async function examine(id: Uint32Array, known: boolean): Promise<void> {
    const parts = await gatherTrace(blocks, id, turn)
    const summary = parts && (await matcher.match(parts, known))
    if (summary) page.add(summary)
  }

  const queue = blocks
    .filter((block) => (source.anyTime ? block.spans > 0 : meets(block, plan.range, turn)))
    .map((block) => ({ block, key: ranking.block(block, plan) }))
    .filter(({ block }) => !cursor?.stragglers || !ranking.isBefore(block, cursor.after.key))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  output.partsTotal = queue.length
  for (const id of cursor?.stragglers ?? []) {
    const words = traceWords(id)
    seen.forget(words)
    await examine(words, false)
  }
  let looked = 0
  let late = false
  let examined = 0
  while (!(await turn.breathe())) {
    const block = queue[looked]
    const trace = seen.first
    const bound = trace === undefined ? undefined : ranking.key(seen.hi(trace), seen.lo(trace))
    const exact = page.next?.key
    // Of equal bounds blocks come first, then traces without summary (their id may still be the smaller).
    if (block && (bound === undefined || block.key <= bound) && (exact === undefined || block.key <= exact)) {
      looked++
      // Late: the blocks that are left are not looked into, and of what was found a page is shown.
      late = (await turn.breathe(LOOKING_SHARE)) || !(await look(block.block))
      if (late) looked = queue.length
      output.part()
    } else if (trace !== undefined && (exact === undefined || bound! <= exact)) {
      seen.pop()
      examined++
      await examine(seen.ids.words(trace), isKnown)
      if (mayBeVain && examined - page.size - page.waiting > VAIN + VAIN_FOR_EACH * page.size) return 'vain'
    } else if (exact !== undefined) {
      if (page.isFull) {
        const { key } = page.last!
        for (const id of seen.waiting((hi, lo) => ranking.key(hi, lo) >= key)) page.leave(id)
        return late ? 'stopped' : 'full'
      }
      page.take()
    } else return late ? 'stopped' : 'done'
  }
  page.takeAll()
  return 'stopped'
}
