import type { AggregateEnd, AggregateQuery, Aggregates, OnPartial } from '../../../contract.ts'
import type { Turn } from '../turn.ts'
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
): Promise<Aggregates> {
  const { groupBy, order, limit, ...counts } = aggregatePlan(query)
  const scope = scopeOf(query, wholeOf(blocks), turn)
  const time = new TimeBins(scope.from, scope.to, counts.buckets)
  const seconds = Number(scope.to - scope.from + 1n) / 1e9
  const groups = new Groups(groupBy, { ...counts, seconds }, time, turn)
  const answer = (): Aggregates => ({ ...groups.answer(order, limit), ...endOf(scope, time, turn) })
  const growth = new Growth(turn, partsOf(blocks, scope), answer, tell)
  const headerOnly = groupBy.every((key) => 'field' in key)
  await eachCounted(blocks, scope, turn, (block, rows, wanted) => groups.add(block, rows, wanted), growth, {
    headerOnly,
  })
  return answer()
}

export function endOf({ from, to }: ScopePlan, { widthNs }: TimeBins, turn: Turn): AggregateEnd {
  return {
    from,
    to,
    bucketNs: widthNs,
    complete: turn.complete,
    spansScanned: turn.spans,
    bytesRead: turn.bytesRead,
    elapsedMs: turn.elapsedMs,
  }
}
