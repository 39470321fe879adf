import type { BlockRows } from '../block/rows.ts'
import { freePlaces, type Block } from './block.ts'
import { mayMatch, type Condition } from './filter/condition.ts'
import { NO, YES } from './filter/verdict.ts'
import { NO_HITS } from './kept-hits.ts'
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
  source: Source,
  range: Range,
  everyRow: boolean,
  turn: Turn,
  share: number,
): Promise<Matches | undefined> {
  const hits = source.anyTime || isInside(block, range) ? source.hits : undefined
  const known = hits?.find(block)
  if (known) return known === NO_HITS ? undefined : matchesAt(block, known, turn)
  const { result, isWhole } = await turn.wholly(() => lookAnew(block, source, range, everyRow, turn, share))
  if (isWhole) hits?.keep(block, result?.matching)
  return result
}

/** The rows that were found before. */
function matchesAt(block: Block, found: Uint32Array, turn: Turn): Matches {
  const rows = block.rows()
  const traces = new Uint8Array(rows.traceCount)
  const matching = new Uint8Array(rows.count)
  turn.spans += found.length
  turn.work(10 * found.length)
  for (const row of found) traces[rows.trace[row]!] = matching[row] = 1
  return { rows, traces, matching }
}

async function lookAnew(
  block: Block,
  { condition, anyTime }: Source,
  range: Range,
  everyRow: boolean,
  turn: Turn,
  share: number,
): Promise<Matches | undefined> {
  if (condition && !mayMatch(condition, block)) return undefined
  const whole = anyTime || isInside(block, range)
  const first = whole && condition ? await firstByBytes(block, condition, turn, share) : 0
  turn.spans += block.spans
  if (first === undefined) return undefined
  const rows = block.rows()
  const verdicts = condition ? await condition.judge(block, rows, turn, share) : YES
  if (verdicts === NO) return undefined
  const traces = new Uint8Array(rows.traceCount)
  const matching = new Uint8Array(rows.count)
  let found = false
  const view = new SpanView(block, rows, true)
  for (let row = first; row < rows.count; row++) {
    if (turn.work(10) && (await turn.breathe(share))) break
    const verdict = typeof verdicts === 'number' ? verdicts : verdicts[row]!
    if (verdict === NO) continue
    const trace = rows.trace[row]!
    if (!everyRow && traces[trace]) continue
    if (!whole && !startsIn(rows, row, range)) continue
    if (verdict !== YES) {
      turn.work(300)
      if (!isReadable(view, row, turn) || !condition!.test(view, rows)) continue
    }
    traces[trace] = 1
    matching[row] = 1
    found = true
  }
  view.end()
  return found ? { rows, traces, matching } : undefined
}

/**
 * The first row of which a condition is true that asks bytes alone, of a block whose columns are not at hand: of most blocks there is none, and no column is needed. Undefined:
 * there is none, or the turn ended; 0 also where it is not known.
 */
async function firstByBytes(
  block: Block,
  condition: Condition,
  turn: Turn,
  share: number,
): Promise<number | undefined> {
  const rows = condition.ofBytes ? block.places?.() : undefined
  if (!rows) return 0
  const view = new SpanView(block, rows, true)
  try {
    for (let row = 0; row < rows.count; row++) {
      turn.work(300)
      if (turn.work(10) && (await turn.breathe(share))) return undefined
      if (isReadable(view, row, turn) && condition.test(view, rows)) return row
    }
    return undefined
  } finally {
    view.end()
    freePlaces(rows)
  }
}
