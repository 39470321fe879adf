import type { SearchEnd } from '../../contract.ts'
import type { Block } from './block.ts'
import { matchesIn } from './matches.ts'
import type { Plan } from './plan.ts'
import { bestSource, isAsked } from './set/sources.ts'
import { TraceIds } from './trace-ids.ts'
import type { TraceMatcher } from './trace-matcher.ts'
import type { Turn } from './turn.ts'

/**
 * How many traces match, on all pages. Where the set is not just the spans of one filter, each that may match is asked. What there is no time or memory
 * for is not counted, and the number is said not to be exact.
 */
export async function countTraces(
  blocks: readonly Block[],
  plan: Plan,
  matcher: TraceMatcher,
  turn: Turn,
): Promise<SearchEnd['total']> {
  const { set, range } = plan
  const source = bestSource(set, blocks, range, turn)
  const isEnough = !set || (set.root.op === 'spans' && !source.anyTime)
  const ids = new TraceIds(turn, 0, () => {})
  let counted = 0
  for (const block of blocks) {
    if (turn.stopped) break
    if (!isAsked(source, block, range, turn)) continue
    const found = await matchesIn(block, source, range, false, turn, 1)
    if (!found) continue
    for (let index = 0; index < found.rows.traceCount; index++) {
      if (turn.work(50) && (await turn.breathe())) break
      if (!found.traces[index]) continue
      const before = ids.size
      const entry = ids.add(found.rows.traceIds, 4 * index)
      if (entry < before || (!isEnough && !(await matcher.match(ids.words(entry), !source.anyTime)))) continue
      counted++
    }
  }
  return { traces: counted, exact: turn.complete }
}
