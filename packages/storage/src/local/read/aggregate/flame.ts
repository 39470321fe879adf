import type { Flame, FlameQuery, OnPartial } from '../../../contract.ts'
import { whole } from '../plan.ts'
import { SWEEP_STAGES } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import { endOf } from './aggregate.ts'
import { Frames } from './frames.ts'
import { Growth } from './growth.ts'
import { MatchingTraces } from './matching-traces.ts'
import { sizeOf, wholeOf, type Blocks } from './parts.ts'
import { scopeOf } from './plan.ts'
import { TimeBins } from './time-bins.ts'

/** Folds the call paths of all traces that match, from header columns. Out of time or memory, what was folded is told. */
export async function flame(blocks: Blocks, query: FlameQuery, turn: Turn, tell?: OnPartial<Flame>): Promise<Flame> {
  const maxTraces = whole(query.traces ?? 10_000, 'traces', 1, 1_000_000)
  const limit = whole(query.limit ?? 1_000, 'limit', 1, 10_000)
  const exemplars = whole(query.exemplars ?? 1, 'exemplars', 0, 10)
  const scope = scopeOf({ ...query, of: 'requests' }, wholeOf(blocks), turn)
  const frames = new Frames(exemplars, turn)
  const time = TimeBins.over(scope, 0)
  const answer = (): Flame => ({
    ...frames.answer(limit),
    sampled: traces.hasLeft,
    ...endOf(scope, time, turn),
  })
  const growth = new Growth(turn, SWEEP_STAGES * sizeOf(blocks), answer, tell)
  const traces = new MatchingTraces(blocks, scope, turn, (trace) => frames.add(trace))
  await traces.run({ maxTraces, growth })
  return answer()
}
