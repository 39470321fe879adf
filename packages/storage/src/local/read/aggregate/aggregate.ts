import type { AggregateEnd, AggregateQuery, Aggregates, OnPartial } from '../../../contract.ts'
import type { KeptParts } from '../kept-parts.ts'
import type { Turn } from '../turn.ts'
import { GroupParts } from './group-parts.ts'
import { Groups } from './groups.ts'
import { Growth } from './growth.ts'
import { wholeOf, type Blocks } from './parts.ts'
import { aggregatePlan, scopeOf, type ScopePlan } from './plan.ts'
import { eachCounted, partsOf } from './spans.ts'
import { TimeBins } from './time-bins.ts'

/** Counts by groups, from columns, block after block. Out of time or memory, what was counted is told. */
export async function aggregate(
  blocks: Blocks,
  query: AggregateQuery,
  turn: Turn,
  tell?: OnPartial<Aggregates>,
  kept?: KeptParts,
): Promise<Aggregates> {
  const { groupBy, order, limit, aligned, ...asked } = aggregatePlan(query)
  const scope = scopeOf(query, wholeOf(blocks), turn)
  const time = TimeBins.over(scope, asked.buckets, aligned)
  const seconds = Number(scope.to - scope.from + 1n) / 1e9
  const counts = { ...asked, buckets: time.count, seconds }
  const groups = new Groups(groupBy, counts, time, turn)
  const answer = (): Aggregates => ({ ...groups.answer(order, limit), ...endOf(scope, time, turn) })
  const growth = new Growth(turn, partsOf(blocks, scope), answer, tell)
  const headerOnly = groupBy.every((key) => 'field' in key)
  await eachCounted(blocks, scope, turn, (block, rows, wanted) => groups.add(block, rows, wanted), growth, {
    headerOnly,
    kept:
      kept && headerOnly ? { parts: kept, counter: new GroupParts(groupBy, counts, time, groups, turn) } : undefined,
  })
  return answer()
}

export function endOf({ from, to }: ScopePlan, { widthNs, first }: TimeBins, turn: Turn): AggregateEnd {
  return {
    from,
    to,
    bucketsFrom: first,
    bucketNs: widthNs,
    complete: turn.complete,
    spansScanned: turn.spans,
    bytesRead: turn.bytesRead,
    elapsedMs: turn.elapsedMs,
  }
}
