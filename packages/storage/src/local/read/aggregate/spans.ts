import type { Block } from '../block.ts'
import { matchesIn } from '../matches.ts'
import { meets } from '../range.ts'
import { RecentSpans } from '../recent-spans.ts'
import { coverOf } from '../set/sources.ts'
import { TraceSweep, type SweptTrace, type TakeRows } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'
import type { ScopePlan } from './plan.ts'

/** What asking whether a span is known costs, in units of {@link Turn.work}. */
const SEEN_UNITS = 150

/** Tells of all rows that count, by blocks: spans of the set, or roots of traces that match, each once. */
export async function eachCounted(
  blocks: readonly Block[],
  scope: ScopePlan,
  turn: Turn,
  take: TakeRows,
): Promise<void> {
  const { set, of } = scope
  if (of === 'requests') return new TraceSweep(blocks, scope, turn, ({ rootRow }) => [rootRow], take).run()
  if (set && set.root.op !== 'spans') return new TraceSweep(blocks, scope, turn, firstOfEach, take).run()
  return eachSpan(blocks, scope, turn, take)
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
): Promise<void> {
  const source = coverOf(set)
  const recent = new RecentSpans(turn)
  for (const block of blocks) {
    if (await turn.breathe()) return
    if (!meets(block, range, turn)) continue
    const found = await matchesIn(block, source, range, true, turn, 1)
    if (!found) continue
    const { rows, matching } = found
    await turn.attemptAll(async () => {
      for (let row = 0; row < rows.count; row++) {
        if (!matching[row]) continue
        if (turn.work(SEEN_UNITS) && (await turn.breathe())) return
        if (!recent.isNew(rows, row)) matching[row] = 0
      }
      await take(block, rows, matching)
    })
  }
}
