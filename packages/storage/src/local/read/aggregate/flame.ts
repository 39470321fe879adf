import type { Flame, FlameQuery, OnPartial } from '../../../contract.ts'
import type { Block } from '../block.ts'
import { whole } from '../plan.ts'
import { newestFirst } from '../range.ts'
import { SWEEP_STAGES, TraceSweep } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import { endOf } from './aggregate.ts'
import { Frames } from './frames.ts'
import { Growth } from './growth.ts'
import { scopeOf } from './plan.ts'
import { TimeBins } from './time-bins.ts'

/** Folds the call paths of all traces that match, from header columns. Out of time or memory, what was folded is told. */
export async function flame(
  blocks: readonly Block[],
  query: FlameQuery,
  turn: Turn,
  tell?: OnPartial<Flame>,
): Promise<Flame> {
  const maxTraces = whole(query.traces ?? 10_000, 'traces', 1, 1_000_000)
  const limit = whole(query.limit ?? 1_000, 'limit', 1, 10_000)
  const exemplars = whole(query.exemplars ?? 1, 'exemplars', 0, 10)
  const scope = scopeOf({ ...query, of: 'requests' }, blocks, turn)
  const frames = new Frames(exemplars, turn)
  const time = new TimeBins(scope.from, scope.to, 0)
  const answer = (): Flame => ({
    ...frames.answer(limit),
    sampled: sweep.hasLeft,
    ...endOf(scope, time, turn),
  })
  const growth = new Growth(turn, SWEEP_STAGES * blocks.length, answer, tell)
  const sweep = new TraceSweep(
    newestFirst(blocks),
    scope,
    turn,
    (trace) => {
      frames.add(trace)
      return []
    },
    () => Promise.resolve(),
    { maxTraces, growth },
  )
  await sweep.run()
  return answer()
}
