import type { TailQuery, TraceSummary } from '../../contract.ts'
import type { BlockRows } from '../block/rows.ts'
import type { Block } from './block.ts'
import { mayMatch, type Condition } from './filter/condition.ts'
import { NO, UNKNOWN, YES, type Verdicts } from './filter/verdict.ts'
import { planOf, whole, type Plan } from './plan.ts'
import { isReadable } from './range.ts'
import { SpanView } from './span-view.ts'
import type { SummaryCache } from './summary-cache.ts'
import { TraceIds } from './trace-ids.ts'
import { TraceMatcher } from './trace-matcher.ts'
import type { Turn } from './turn.ts'

/** New spans that one look goes through, the newest of them. */
const MAX_SPANS = 100_000
/** Traces of which it is known that they were told. */
export const MAX_TOLD = 4_096
const DEFAULT_TRACES = 100
const MAX_TRACES = 500
/** What a row and the bytes of a span cost, in units of {@link Turn.work}. */
const ROW_UNITS = 60
const BYTES_UNITS = 300

/** A segment's blocks, in the order in which they came. */
export interface SegmentBlocks {
  readonly id: number
  /** Whether rows are in that order, too: of a sealed segment they are by trace. */
  readonly isInOrder: boolean
  /** Whether all blocks that there are, or can be read, are known. */
  readonly isKnown: boolean
  readonly blocks: readonly Block[]
}

/** Up to where spans have been looked at, and what is to be known for the next look: all that there is of a listener, whichever reader looks. */
export interface TailPosition {
  readonly segment: number
  /** Of that segment. */
  readonly rows: number
  /** Ids of the traces that were told last, four words each; none where each trace with a new span is asked about. */
  readonly told: Uint32Array
}

/** What a look found. */
export interface Arrivals {
  /** Undefined: it is not known yet where the store ends. */
  readonly position: TailPosition | undefined
  readonly traces: readonly TraceSummary[]
  /** Spans since the position before, and how many of them were missed; see {@link TailProgress}. */
  readonly spans: number
  readonly missed: number
  readonly complete: boolean
}

/** Rows of a block from `from` on. */
interface NewRows {
  readonly block: Block
  readonly from: number
}

/** Looks at what came after `before`; without it, only where the store ends now. Costs what has come, whatever is stored. Out of time or memory, the rest is missed. */
export async function arrivals(
  segments: readonly SegmentBlocks[],
  query: TailQuery,
  before: TailPosition | undefined,
  summaries: SummaryCache,
  turn: Turn,
): Promise<Arrivals> {
  const limit = whole(query.limit ?? DEFAULT_TRACES, 'limit', 1, MAX_TRACES)
  const plan = planOf({ ...query, limit }, turn)
  const since = segments.filter(({ id }, i) => (before ? id >= before.segment : i === segments.length - 1))
  if (!since.every(({ isKnown }) => isKnown)) return nothing(before, turn)
  const end = endOf(since, before)
  if (!before) return nothing({ ...end, told: new Uint32Array() }, turn)
  const { parts, spans } = newRows(since, before)
  if (spans === 0) return nothing({ ...end, told: before.told }, turn)
  const look = new Look(plan, before.told, turn)
  for (const part of parts) {
    if (await turn.breathe()) break
    await turn.attemptAll(() => look.at(part))
  }
  const matcher = new TraceMatcher(
    segments.flatMap(({ blocks }) => blocks),
    plan,
    summaries,
    turn,
  )
  const { traces, told } = await look.tell(matcher)
  return { position: { ...end, told }, traces, spans, missed: spans - look.seen, complete: turn.complete }
}

function nothing(position: TailPosition | undefined, turn: Turn): Arrivals {
  return { position, traces: [], spans: 0, missed: 0, complete: turn.complete }
}

function endOf(segments: readonly SegmentBlocks[], before: TailPosition | undefined): Omit<TailPosition, 'told'> {
  const last = segments.at(-1)
  if (!last) return { segment: before?.segment ?? 0, rows: before?.rows ?? 0 }
  return { segment: last.id, rows: last.blocks.reduce((sum, { spans }) => sum + spans, 0) }
}

/** How many spans are new, and those of them that can be looked at: which of a sealed segment are new cannot be told. */
function newRows(segments: readonly SegmentBlocks[], before: TailPosition): { parts: NewRows[]; spans: number } {
  const parts: NewRows[] = []
  let spans = 0
  for (const { id, isInOrder, blocks } of segments) {
    let known = id === before.segment ? before.rows : 0
    for (const block of blocks) {
      const from = Math.min(known, block.spans)
      known -= from
      spans += block.spans - from
      if (isInOrder && from < block.spans) parts.push({ block, from })
    }
  }
  let left = MAX_SPANS
  const newest: NewRows[] = []
  for (const { block, from } of parts.reverse()) {
    if (left === 0) break
    const first = Math.max(from, block.spans - left)
    left -= block.spans - first
    newest.unshift({ block, from: first })
  }
  return { parts: newest, spans }
}

/** A trace that has new spans and may be told. */
interface Candidate {
  /** Whether one of them matches, and that is enough. */
  isKnown: boolean
  /** New spans that count as missed where it is not told. */
  spans: number
}

/** One look at new spans, and then at their traces. */
class Look {
  /** New spans that were looked at, without those of traces that may match and were not told. */
  seen = 0
  readonly #plan: Plan
  readonly #turn: Turn
  /** What one span must be for its trace to match, where that is all that is asked. */
  readonly #condition: Condition | undefined
  /** Whether each trace with a new span is asked about. */
  readonly #asksAll: boolean
  readonly #before: Uint32Array
  readonly #told: TraceIds
  readonly #ids: TraceIds
  readonly #candidates: Candidate[] = []

  constructor(plan: Plan, told: Uint32Array, turn: Turn) {
    const { set } = plan
    this.#plan = plan
    this.#turn = turn
    this.#condition =
      set?.root.op === 'spans' && set.root.leaf !== undefined ? set.leaves[set.root.leaf]!.condition : undefined
    this.#asksAll = !this.#condition
    this.#before = told
    this.#told = new TraceIds(turn, 0, () => {})
    for (let at = 0; at < told.length; at += 4) this.#told.add(told, at)
    this.#ids = new TraceIds(turn, 40, () => {})
  }

  /** Finds the traces of new rows. Ends early where there is no time or memory. */
  async at({ block, from }: NewRows): Promise<void> {
    const turn = this.#turn
    const condition = this.#condition
    const rows = block.rows()
    let verdicts: Verdicts = YES
    if (condition) verdicts = mayMatch(condition, block) ? await condition.judge(block, rows, turn, 1) : NO
    if (turn.stopped) return
    const view = new SpanView(block, rows)
    for (let row = from; row < rows.count; row++) {
      if (turn.work(ROW_UNITS) && (await turn.breathe())) return
      const at = 4 * rows.trace[row]!
      const known = this.#candidates[this.#ids.find(rows.traceIds, at)]
      const isKnown = known?.isKnown === true || (!this.#asksAll && this.#matches(verdicts, view, row, rows))
      if (known) {
        known.isKnown = isKnown
        known.spans++
      } else if (isKnown || this.#asksAll || this.#told.find(rows.traceIds, at) >= 0) {
        const entry = this.#ids.add(rows.traceIds, at)
        if (entry < 0) return
        this.#candidates[entry] = { isKnown, spans: 1 }
      }
      turn.spans++
      this.seen++
    }
  }

  #matches(verdicts: Verdicts, view: SpanView, row: number, rows: BlockRows): boolean {
    const verdict = typeof verdicts === 'number' ? verdicts : verdicts[row]!
    if (verdict !== UNKNOWN) return verdict === YES
    this.#turn.work(BYTES_UNITS)
    return isReadable(view, row, this.#turn) && this.#condition!.test(view, rows)
  }

  /** The traces that match, as they are now, and those that are known as told from now on. */
  async tell(matcher: TraceMatcher): Promise<{ traces: TraceSummary[]; told: Uint32Array }> {
    const turn = this.#turn
    const traces: TraceSummary[] = []
    const told: number[] = []
    for (const [entry, { isKnown, spans }] of this.#candidates.entries()) {
      const isOver = traces.length === this.#plan.limit || (await turn.breathe())
      const summary = isOver ? undefined : await matcher.match(this.#ids.words(entry), isKnown)
      if (summary) {
        traces.push(summary)
        told.push(entry)
      } else if (isOver || turn.isCut) this.seen -= spans
    }
    return { traces, told: this.#asksAll ? new Uint32Array() : this.#lastTold(told) }
  }

  #lastTold(entries: readonly number[]): Uint32Array {
    const now = new Set(entries)
    const before = this.#before
    const words: Uint32Array[] = []
    for (let at = 0; at < before.length; at += 4)
      if (!now.has(this.#ids.find(before, at))) words.push(before.subarray(at, at + 4))
    for (const entry of entries) words.push(this.#ids.words(entry))
    const last = words.slice(-MAX_TOLD)
    const told = new Uint32Array(4 * last.length)
    for (const [i, id] of last.entries()) told.set(id, 4 * i)
    return told
  }
}
