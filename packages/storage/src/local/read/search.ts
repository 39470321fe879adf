import type { SearchEnd, SearchEvent, SearchQuery } from '../../contract.ts'
import { bestFirst, LONGEST, LONGEST_MATCH, NEWEST, type Outcome, type Ranking } from './best-first.ts'
import type { Block } from './block.ts'
import { countTraces } from './count.ts'
import { encodeCursor, type Cursor } from './cursor.ts'
import type { KeptHits } from './kept-hits.ts'
import { comparePositions, type Position } from './order.ts'
import { SearchOutput } from './output.ts'
import { Page } from './page.ts'
import { planOf, type Plan } from './plan.ts'
import { meets } from './range.ts'
import { necessaryOfTrace } from './set/necessary.ts'
import { bestSource, coverOf, DEAR_UNITS, EVERYTHING, type Source } from './set/sources.ts'
import type { SummaryCache } from './summary-cache.ts'
import { TraceMatcher } from './trace-matcher.ts'
import type { Turn } from './turn.ts'
import { wholePass } from './whole-pass.ts'

/**
 * Searches the blocks, and tells what it finds while it goes on. Where the order allows, it goes best first and stops as soon as nothing that is left can matter;
 * else it needs the extent of each trace that matches, so its cost grows with the time range. Out of time or memory, what was found is on the page.
 * `hits`: what dear conditions have found before; default: nothing is known, and nothing kept.
 */
export async function search(
  blocks: readonly Block[],
  query: SearchQuery,
  turn: Turn,
  summaries: SummaryCache,
  tell: (event: SearchEvent) => void,
  hits?: KeptHits,
): Promise<SearchEnd> {
  const plan = planOf(query, turn)
  const output = new SearchOutput(turn, tell)
  const page = new Page(plan, turn, output)
  const matcher = new TraceMatcher(blocks, plan, summaries, turn)
  const best = wayOf(plan, blocks, turn)
  const kept = (source: Source): Source => withHits(source, plan, blocks, hits)
  let outcome: Outcome = 'vain'
  if (best) {
    const { ranking, source, maxVain } = best
    outcome = await bestFirst(blocks, plan, ranking, kept(source), maxVain, matcher, page, output, turn)
  }
  let stragglers = outcome === 'more' ? page.left : undefined
  if (outcome === 'vain') {
    page.forget()
    const source = plan.order === 'longest_match' ? coverOf(plan.set) : bestSource(plan.set, blocks, plan.range, turn)
    outcome = await wholePass(blocks, plan, kept(source), matcher, page, output, turn)
    // By the same bounds as best first goes by, all that may come before the page's end has been looked at.
    if (plan.order === 'longest' && outcome === 'more' && turn.complete) stragglers = page.left
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

/** The source with what is kept of what it has found before, where that is worth it: what columns tell is told as quickly. */
function withHits(source: Source, { order }: Plan, blocks: readonly Block[], hits: KeptHits | undefined): Source {
  const { condition, key } = source
  if (!condition || key === undefined || condition.units <= DEAR_UNITS) return source
  // Of each trace all rows are told, or only some.
  return { ...source, hits: hits?.begin(order === 'longest_match' ? `every row: ${key}` : key, blocks) }
}

/** Whether a next page can begin where this one ended: without, there was no time or memory for anything, and would be none for the next one. */
function hasAdvanced(last: Position | undefined, cursor: Cursor | undefined): last is Position {
  return last !== undefined && (!cursor || comparePositions(last, cursor.after) > 0)
}

interface BestFirstWay {
  readonly ranking: Ranking
  readonly source: Source
  /** See {@link bestFirst}. */
  readonly maxVain: number
}

/** How to go best first; undefined where the order does not allow it, or it would be the longer way. */
function wayOf(plan: Plan, blocks: readonly Block[], turn: Turn): BestFirstWay | undefined {
  const { set, range, order } = plan
  switch (order) {
    case 'newest': {
      const source = bestSource(set, blocks, range, turn)
      const mayBeVain = set !== undefined && necessaryOfTrace(set.root).length > 0
      return { ranking: NEWEST, source, maxVain: mayBeVain ? vainFor(plan, source, blocks, turn) : Infinity }
    }
    case 'longest_match':
      return { ranking: LONGEST_MATCH, source: coverOf(set), maxVain: Infinity }
    case 'longest': {
      // The root, by which a trace is ranked, may start before the range: all blocks have to be looked at by their longest spans. Of the traces that are
      // met that way only some have a span in the range, and match; against that stands a pass over the blocks of the range.
      const inRange = blocks.filter((block) => meets(block, range, turn)).length
      const source = bestSource(set, blocks, range, turn)
      if (inRange * inRange * source.share <= plan.limit * blocks.length) return undefined
      const maxVain = vainFor(plan, source, blocks, turn)
      return { ranking: LONGEST, source: { ...EVERYTHING, anyTime: true }, maxVain }
    }
    default:
      return undefined
  }
}

/** What a pass over everything costs a span, in nanoseconds, beside its condition. */
const PASS_NS = 80
/** What a trace costs that is looked at, of columns alone or with the bytes of its spans; and how many at least are looked at. */
const TRACE_NS = 200_000
const TRACE_BYTES_NS = 2_000_000
const LEAST_VAIN = 500

/** Traces that may be looked at in vain: until that has cost as much as the other way would. */
function vainFor({ range }: Plan, { condition }: Source, blocks: readonly Block[], turn: Turn): number {
  const units = condition?.units ?? 0
  let spans = 0
  for (const block of blocks) if (meets(block, range, turn)) spans += block.spans
  return Math.max(LEAST_VAIN, (spans * (PASS_NS + units)) / (units > DEAR_UNITS ? TRACE_BYTES_NS : TRACE_NS))
}
