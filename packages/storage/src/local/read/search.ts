import type { SearchPage, SearchQuery } from '../../contract.ts'
import type { Block } from './block.ts'
import { newestFirst } from './newest-first.ts'
import { encodeCursor, planOf, positionOf } from './plan.ts'
import type { Turn } from './turn.ts'
import { wholePass } from './whole-pass.ts'

/**
 * Searches the blocks. `newest` goes from the newest block backwards and stops as soon as no older one can matter; every other order
 * needs the extent of each trace that matches, so its cost grows with the time range. Out of time or memory, the page has what was found.
 */
export async function search(blocks: readonly Block[], query: SearchQuery, turn: Turn): Promise<SearchPage> {
  const plan = planOf(query, turn)
  const found = plan.order === 'newest' ? await newestFirst(blocks, plan, turn) : await wholePass(blocks, plan, turn)
  const last = found.traces.at(-1)
  return {
    traces: found.traces,
    next: found.more && last ? encodeCursor(plan.order, positionOf(last, plan.order)) : undefined,
    complete: turn.complete,
    total: { traces: found.traces.length, exact: !found.more && query.cursor === undefined && turn.complete },
    spansScanned: turn.spans,
    bytesRead: 0,
    elapsedMs: turn.elapsedMs,
  }
}
