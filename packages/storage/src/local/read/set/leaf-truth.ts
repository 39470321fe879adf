import type { Condition } from '../filter/condition.ts'
import { NO, YES } from '../filter/verdict.ts'
import { isReadable, startsIn, type Range } from '../range.ts'
import { SpanView } from '../span-view.ts'
import type { TraceParts } from '../trace-parts.ts'
import type { Turn } from '../turn.ts'

/** Rows of a trace whose bytes are read to tell how many match, where it is known already that one does. */
const FEW_BYTES = 2_000

/**
 * Of which of a trace's rows, over all its parts, a condition is true; only rows that start in the range. Columns are asked first, bytes where they
 * have to be. Undefined when the turn ended. `few`: look at no more bytes than tell enough, see {@link LeafTruth.isWhole}.
 */
export async function truthOf(
  condition: Condition | undefined,
  { parts }: TraceParts,
  range: Range,
  few: boolean,
  turn: Turn,
): Promise<LeafTruth | undefined> {
  const total = parts.reduce((sum, { rows }) => sum + rows.count, 0)
  const truth = new Uint8Array(total)
  let at = 0
  let read = 0
  let isWhole = true
  for (const { block, rows } of parts) {
    const verdicts = condition ? await condition.judge(block, rows, turn, 1) : YES
    let view: SpanView | undefined
    for (let row = 0; row < rows.count; row++) {
      if (turn.work(20) && (await turn.breathe())) return undefined
      const verdict = typeof verdicts === 'number' ? verdicts : verdicts[row]!
      if (verdict === NO || !startsIn(rows, row, range)) continue
      if (verdict === YES) truth[at + row] = 1
      else if (few && read >= FEW_BYTES) isWhole = false
      else {
        read++
        view ??= new SpanView(block, rows)
        if (isReadable(view, row, turn) && condition!.test(view, rows)) truth[at + row] = 1
      }
    }
    at += rows.count
  }
  return turn.stopped ? undefined : { truth, isWhole }
}

export interface LeafTruth {
  /** 1 for each row, counted over the parts, of which the condition is true. */
  readonly truth: Uint8Array
  /** False: not all rows were looked at; there may be more. */
  readonly isWhole: boolean
}
