import type { Block } from '../block.ts'
import { matchesIn } from '../matches.ts'
import { meets } from '../range.ts'
import { coverOf } from '../set/sources.ts'
import { SWEEP_STAGES, TraceSweep, type PartCount, type SweptTrace, type TakeRows } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import { eachPart, sizeOf, type Blocks, type PartWork } from './parts.ts'
import { eachKeptRequest } from './kept-requests.ts'
import { eachKept, isKept, type KeptCounts } from './kept-spans.ts'
import type { ScopePlan } from './plan.ts'
import { Twins } from './twins.ts'

/**
 * Tells of all rows that count, by blocks: spans of the set, or roots of traces that match, each once. `growth` hears {@link partsOf} times. `headerOnly`: of a request nothing is asked
 * but what {@link RequestRows} have. `kept`: where {@link isKept}, or {@link eachKeptRequest} can, what whole blocks come to is kept, and added from there.
 */
export async function eachCounted(
  blocks: Blocks,
  scope: ScopePlan,
  turn: Turn,
  take: TakeRows,
  growth: PartCount,
  {
    side,
    headerOnly = false,
    kept,
  }: { readonly side?: 'a' | 'b'; readonly headerOnly?: boolean; readonly kept?: KeptCounts | undefined } = {},
): Promise<void> {
  const isOfRequests = scope.of === 'requests'
  const visit = isOfRequests ? ({ rootRow }: SweptTrace) => [rootRow] : firstOfEach
  const requests = !isOfRequests ? undefined : headerOnly ? 'header' : 'rows'
  const count: PartWork = async (part, own, isPart) => {
    if (kept && !isPart && isKept(scope)) await eachKept(part, scope, own, take, growth, kept)
    else if (kept && !isPart && (await eachKeptRequest(part, scope, own, take, growth, kept))) return false
    else if (!needsTraces(scope)) await eachSpan(part, scope, own, take, growth)
    else await new TraceSweep(part, scope, own, visit, take, { growth, requests, isPart }).run()
    return false
  }
  return eachPart(blocks, turn, count, side)
}

/** How often {@link eachCounted} tells that a part is done, at most. */
export function partsOf(blocks: Blocks, scope: ScopePlan): number {
  return sizeOf(blocks) * (needsTraces(scope) ? SWEEP_STAGES : 1)
}

function needsTraces({ set, of }: ScopePlan): boolean {
  return of === 'requests' || (set !== undefined && set.root.op !== 'spans')
}

/** One row of each span that is in the set. */
function* firstOfEach({ members, distinctOf, rowCount }: SweptTrace): Generator<number> {
  const seen = new Uint8Array(members!.length)
  for (let row = 0; row < rowCount; row++) {
    const span = distinctOf[row]!
    if (!members![span] || seen[span]) continue
    seen[span] = 1
    yield row
  }
}

/** Spans of one filter: whose trace they are of does not matter. */
async function eachSpan(
  blocks: readonly Block[],
  { set, range }: ScopePlan,
  turn: Turn,
  take: TakeRows,
  growth: PartCount,
): Promise<void> {
  const source = coverOf(set)
  const twins = new Twins(turn)
  // With a condition, few spans of a trace may be left, and to know its id costs more than to know them.
  if (!source.condition) await twins.survey(blocks, (block) => meets(block, range, turn))
  for (const [i, block] of blocks.entries()) {
    if (await turn.breathe()) return
    if (i > 0) growth.part()
    if (!meets(block, range, turn)) continue
    const found = await matchesIn(block, source, range, true, turn, 1)
    if (!found) continue
    const { rows, matching } = found
    await turn.attemptAll(async () => {
      if (await twins.remove(rows, matching)) await take(block, rows, matching)
    })
  }
}
