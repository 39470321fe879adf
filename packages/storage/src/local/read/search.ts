import type { SearchEnd, SearchEvent, SearchQuery } from '../../contract.ts'
import { bestFirst, LONGEST, LONGEST_MATCH, NEWEST, type Outcome, type Ranking } from './best-first.ts'
import type { Block } from './block.ts'
import { countTraces } from './count.ts'
import { encodeCursor, type Cursor } from './cursor.ts'
import { comparePositions, type Position } from './order.ts'
import { SearchOutput } from './output.ts'
import { Page } from './page.ts'
import { planOf, type Plan } from './plan.ts'
import { meets } from './range.ts'
import { necessaryOfTrace } from './set/necessary.ts'
import { bestSource, coverOf, EVERYTHING, type Source } from './set/sources.ts'
import type { SummaryCache } from './summary-cache.ts'
import { TraceMatcher } from './trace-matcher.ts'
import type { Turn } from './turn.ts'
import { wholePass } from './whole-pass.ts'

/**
 * Searches the blocks, and tells what it finds while it goes on. Where the order allows, it goes best first and stops as soon as nothing that is left can matter;
 * else it needs the extent of each trace that matches, so its cost grows with the time range. Out of time or memory, what was found is on the page.
 */
export async function search(
  blocks: readonly Block[],
  query: SearchQuery,
  turn: Turn,
  summaries: SummaryCache,
  tell: (event: SearchEvent) => void,
): Promise<SearchEnd> {
  const plan = planOf(query, turn)
  const output = new SearchOutput(turn, tell)
  const page = new Page(plan, turn, output)
  const matcher = new TraceMatcher(blocks, plan, summaries, turn)
  const best = wayOf(plan, blocks, turn)
  let outcome: Outcome = 'vain'
  if (best) {
    const { ranking, source, mayBeVain } = best
    outcome = await bestFirst(blocks, plan, ranking, source, mayBeVain, matcher, page, output, turn)
  }
  const stragglers = outcome === 'more' ? page.left : undefined
  if (outcome === 'vain') {
    page.forget()
    const source = plan.order === 'longest_match' ? coverOf(plan.set) : bestSource(plan.set, blocks, plan.range, turn)
    outcome = await wholePass(blocks, plan, source, matcher, page, output, turn)
  }
  output.flush()
  const more = outcome !== 'done'
  const total = plan.totals ? await countTraces(blocks, plan, matcher, turn) : undefined
  return {
    next:
      more && hasAdvanced(page.last, plan.cursor)
        ? encodeCursor({ order: plan.order, after: page.last, stragglers })
        : undefined,
    complete: turn.complete,
    total: total ?? {
      traces: page.size + (page.left?.length ?? 0),
      exact: !more && plan.cursor === undefined && turn.complete,
    },
    spansScanned: turn.spans,
    bytesRead: turn.bytesRead,
    elapsedMs: turn.elapsedMs,
  }
}

/** Whether a next page can begin where this one ended: without, there was no time or memory for anything, and would be none for the next one. */
function hasAdvanced(last: Position | undefined, cursor: Cursor | undefined): last is Position {
  return last !== undefined && (!cursor || comparePositions(last, cursor.after) > 0)
}

interface BestFirstWay {
  readonly ranking: Ranking
  readonly source: Source
  readonly mayBeVain: boolean
}

/** How to go best first; undefined where the order does not allow it, or it would be the longer way. */
function wayOf(plan: Plan, blocks: readonly Block[], turn: Turn): BestFirstWay | undefined {
  const { set, range, order } = plan
  switch (order) {
    case 'newest': {
      const mayBeVain = set !== undefined && necessaryOfTrace(set.root).length > 0
      return { ranking: NEWEST, source: bestSource(set, blocks, range, turn), mayBeVain }
    }
    case 'longest_match':
      return { ranking: LONGEST_MATCH, source: coverOf(set), mayBeVain: false }
    case 'longest': {
      // The root, by which a trace is ranked, may start before the range: all blocks have to be looked at by their longest spans. Of the traces that are
      // met that way only some have a span in the range, and match; against that stands a pass over the blocks of the range.
      const inRange = blocks.filter((block) => meets(block, range, turn)).length
      const { share } = bestSource(set, blocks, range, turn)
      if (inRange * inRange * share <= plan.limit * blocks.length) return undefined
      return { ranking: LONGEST, source: { ...EVERYTHING, anyTime: true }, mayBeVain: true }
    }
    default:
      return undefined
  }
}
