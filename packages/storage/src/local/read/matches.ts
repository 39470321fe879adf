import type { BlockRows } from '../block/rows.ts'
import type { Block } from './block.ts'
import { mayMatch } from './filter/condition.ts'
import { NO, YES } from './filter/verdict.ts'
import { isInside, isReadable, startsIn, type Range } from './range.ts'
import type { Source } from './set/sources.ts'
import { SpanView } from './span-view.ts'
import type { TraceExtents } from './trace-extents.ts'
import type { Turn } from './turn.ts'

/** What of a block a source found. */
export interface Matches {
  readonly rows: BlockRows
  /** 1 for each trace, by its index in the block, that has a matching row. */
  readonly traces: Uint8Array
  /** 1 for each row that matches; where only traces were asked for, of each trace only some. */
  readonly matching: Uint8Array
}

/** What a block has of its traces, where all of them are in question and no row has to be looked at; undefined where rows are needed. */
export function wholeTraces(block: Block, { condition, anyTime }: Source, range: Range): TraceExtents | undefined {
  return !condition && (anyTime || isInside(block, range)) ? block.extents?.() : undefined
}

/**
 * Looks for a source's spans in a block; undefined when there are none. `everyRow`: tell of each row, and not only of some of each trace. Ends when `share`
 * of the query's time is over, with what it has.
 */
export function matchesIn(
  block: Block,
  source: Source,
  range: Range,
  everyRow: boolean,
  turn: Turn,
  share: number,
): Promise<Matches | undefined> {
  return turn.attemptAll(() => look(block, source, range, everyRow, turn, share))
}

/** The traces of a block, of which nothing was found in it. */
export function noMatches(block: Block, turn: Turn): Matches {
  const rows = block.rows()
  turn.spans += rows.count
  return { rows, traces: new Uint8Array(rows.traceCount), matching: new Uint8Array(0) }
}

async function look(
  block: Block,
  { condition, anyTime }: Source,
  range: Range,
  everyRow: boolean,
  turn: Turn,
  share: number,
): Promise<Matches | undefined> {
  if (condition && !mayMatch(condition, block)) return undefined
  const rows = block.rows()
  const verdicts = condition ? await condition.judge(block, rows, turn, share) : YES
  turn.spans += rows.count
  if (verdicts === NO) return undefined
  const whole = anyTime || isInside(block, range)
  const traces = new Uint8Array(rows.traceCount)
  const matching = new Uint8Array(rows.count)
  let found = false
  let view: SpanView | undefined
  for (let row = 0; row < rows.count; row++) {
    if (turn.work(10) && (await turn.breathe(share))) break
    const verdict = typeof verdicts === 'number' ? verdicts : verdicts[row]!
    if (verdict === NO) continue
    const trace = rows.trace[row]!
    if (!everyRow && traces[trace]) continue
    if (!whole && !startsIn(rows, row, range)) continue
    if (verdict !== YES) {
      view ??= new SpanView(block, rows)
      turn.work(300)
      if (!isReadable(view, row, turn) || !condition!.test(view, rows)) continue
    }
    traces[trace] = 1
    matching[row] = 1
    found = true
  }
  return found ? { rows, traces, matching } : undefined
}
