import type { HeatMap, HeatMapQuery, OnPartial } from '../../../contract.ts'
import type { KeptParts } from '../kept-parts.ts'
import { whole } from '../plan.ts'
import type { Turn } from '../turn.ts'
import { endOf } from './aggregate.ts'
import { CellParts } from './cell-parts.ts'
import { Cells } from './cells.ts'
import { Growth } from './growth.ts'
import { wholeOf, type Blocks } from './parts.ts'
import { scopeOf } from './plan.ts'
import { eachCounted, partsOf } from './spans.ts'
import { TimeBins } from './time-bins.ts'

/** Counts by time and duration, from columns, block after block. Out of time or memory, what was counted is told. */
export async function heatMap(
  blocks: Blocks,
  query: HeatMapQuery,
  turn: Turn,
  tell?: OnPartial<HeatMap>,
  kept?: KeptParts,
): Promise<HeatMap> {
  const timeBins = whole(query.timeBins ?? 120, 'timeBins', 1, 1_000)
  const durationBins = whole(query.durationBins ?? 24, 'durationBins', 1, 100)
  const scope = scopeOf(query, wholeOf(blocks), turn)
  const time = TimeBins.over(scope, timeBins, query.aligned)
  const cells = new Cells(time, turn)
  const answer = (): HeatMap => ({ ...cells.folded(durationBins), ...endOf(scope, time, turn) })
  const growth = new Growth(turn, partsOf(blocks, scope), answer, tell)
  await eachCounted(blocks, scope, turn, (_, rows, wanted) => cells.add(rows, wanted), growth, {
    headerOnly: true,
    kept: kept && { parts: kept, counter: new CellParts(time, cells, turn) },
  })
  return answer()
}
