import type { SearchEnd, SearchEvent, SearchQuery, SpanSet, TraceSummary } from '../../contract.ts'
import { encodeCursor } from '../../local/read/cursor.ts'
import { comparePositions } from '../../local/read/order.ts'
import { SearchOutput } from '../../local/read/output.ts'
import { Page } from '../../local/read/page.ts'
import { planOf, setOf, type Plan } from '../../local/read/plan.ts'
import { SummaryCache } from '../../local/read/summary-cache.ts'
import { TraceMatcher } from '../../local/read/trace-matcher.ts'
import { traceWords } from '../../local/read/trace-parts.ts'
import type { Query } from '../query.ts'
import type { Candidate } from '../sql/candidates.ts'
import { totalSql } from '../sql/counted.ts'
import { tracesSql } from '../sql/spans.ts'
import type { Tables } from '../tables.ts'
import { CandidateQueue } from './candidate-queue.ts'
import { Blocks, blocksOf } from './fetch.ts'

/** Orders in which a trace's place is known before it is looked at. */
const EXACT_ORDERS = ['newest', 'oldest']
/** Traces that are fetched together, and their spans, where these are more than one trace. */
const LEAST_TRACES = 20
const MAX_TRACES = 300
const MAX_SPANS = 20_000

/**
 * Finds traces that may match with SQL, in the order of the earliest place that each can have, and asks their spans themselves, so that the answer is the one that
 * every engine gives; it stops as soon as nothing that is left can matter.
 */
export async function search(
  query: Query,
  tables: Tables,
  asked: SearchQuery,
  tell: (event: SearchEvent) => void,
): Promise<SearchEnd> {
  const { turn } = query
  const plan = planOf(asked, turn)
  const set = setOf(asked)
  const output = new SearchOutput(turn, tell)
  const page = new Page(plan, turn, output)
  const { from, to } = plan.range
  const candidates = new CandidateQueue(
    query,
    { table: tables.spans, set, from, to, order: plan.order, after: plan.cursor?.after },
    plan.limit,
  )
  const judge = new Judge(query, tables, plan, candidates)
  const outcome = await fill(page, candidates, judge, output, query)
  const next = candidates.first
  if (outcome === 'stopped') endEarly(page, plan, next)
  output.flush()
  const total = plan.totals ? await totalOf(query, tables, plan, set) : undefined
  const hasMore = outcome !== 'done'
  const hasAdvanced = page.last && (!plan.cursor || comparePositions(page.last, plan.cursor.after) > 0)
  return {
    next:
      hasMore && hasAdvanced
        ? encodeCursor({ order: plan.order, after: page.last!, stragglers: undefined })
        : undefined,
    complete: turn.complete,
    total: total ?? {
      traces: page.size + (page.left?.length ?? 0),
      exact: !hasMore && plan.cursor === undefined && turn.complete,
    },
    spansScanned: turn.spans,
    bytesRead: turn.bytesRead,
    elapsedMs: turn.elapsedMs,
  }
}

/**
 * Where a trace's place was known before it was looked at, the page has what comes before all that is left, and the next one goes on there: nothing is shown twice, or never. In other orders it has what
 * was found.
 */
function endEarly(page: Page, { order }: Plan, next: Candidate | undefined): void {
  if (!EXACT_ORDERS.includes(order)) return page.takeAll()
  if (!next) return
  const left = { key: next.bound, traceId: next.traceId }
  while (!page.isFull && page.next && comparePositions(page.next, left) < 0) page.take()
  if (!page.isFull) page.passTo(left.key)
}

async function fill(
  page: Page,
  candidates: CandidateQueue,
  judge: Judge,
  output: SearchOutput,
  query: Query,
): Promise<'more' | 'done' | 'stopped'> {
  const { turn } = query
  while (!(await turn.breathe())) {
    const candidate = await candidates.peek()
    if (query.isOver) continue
    const bound = candidate && { key: candidate.bound, traceId: candidate.traceId }
    if (page.next && (!bound || comparePositions(page.next, bound) < 0)) {
      if (page.isFull) return 'more'
      page.take()
    } else if (candidate) {
      const summary = await judge.judge(candidate)
      if (turn.stopped || query.isOver) continue
      candidates.shift()
      output.partsTotal = candidates.seen
      output.part()
      if (summary) page.add(summary)
    } else return turn.isCut ? 'stopped' : 'done'
  }
  return 'stopped'
}

/** How many traces match, on all pages. */
async function totalOf(
  query: Query,
  tables: Tables,
  plan: Plan,
  set: SpanSet | undefined,
): Promise<SearchEnd['total']> {
  const { turn } = query
  const { from, to } = plan.range
  const statement = totalSql(tables.spans, { set, from, to })
  if (statement) {
    const [traces = 0] = await query.all(statement, (row) => row.count(), 'counting traces')
    return { traces, exact: !query.isOver && turn.complete }
  }
  const candidates = new CandidateQueue(query, { table: tables.spans, set, from, to, order: 'newest' }, MAX_TRACES)
  const judge = new Judge(query, tables, { ...plan, matches: 0 }, candidates)
  let traces = 0
  while (!(await turn.breathe())) {
    const candidate = await candidates.peek()
    if (!candidate) break
    if (await judge.judge(candidate)) traces++
    candidates.shift()
  }
  return { traces, exact: !query.isOver && turn.complete }
}

/** Asks of traces, one after the other, whether they match; their spans are fetched for several at once. */
class Judge {
  readonly #query: Query
  readonly #tables: Tables
  readonly #plan: Plan
  readonly #candidates: CandidateQueue
  readonly #summaries = new SummaryCache()
  #fetched: ReadonlySet<string> = new Set()
  #blocks: Blocks
  #matcher: TraceMatcher
  #size: number

  constructor(query: Query, tables: Tables, plan: Plan, candidates: CandidateQueue) {
    this.#query = query
    this.#tables = tables
    this.#plan = plan
    this.#candidates = candidates
    this.#blocks = new Blocks(query.turn)
    this.#matcher = new TraceMatcher([], plan, this.#summaries, query.turn)
    this.#size = Math.min(Math.max(plan.limit + 1, LEAST_TRACES), MAX_TRACES)
  }

  async judge({ traceId, spans }: Candidate): Promise<TraceSummary | undefined> {
    const { turn } = this.#query
    if (!this.#fetched.has(traceId)) await this.#fetch()
    if (this.#query.isOver) return undefined
    turn.spans += spans
    const summary = await this.#matcher.match(traceWords(traceId), false)
    if (!summary || this.#namesMatches) return summary
    const { matched: _, ...rest } = summary
    return rest
  }

  /** Whether there is something to say of the spans that matched: also a trace's place may be theirs. */
  get #namesMatches(): boolean {
    return this.#plan.matches > 0 || this.#plan.order === 'longest_match'
  }

  /** The spans of the next traces. */
  async #fetch(): Promise<void> {
    const { turn } = this.#query
    this.#blocks.release()
    const next = this.#candidates.next(this.#size, MAX_SPANS)
    this.#size = Math.min(2 * this.#size, MAX_TRACES)
    const spans = this.#candidates.extentOf(next)
    this.#blocks = await blocksOf(this.#query, tracesSql(this.#tables, spans), 'reading traces')
    this.#fetched = new Set(spans.ids)
    this.#matcher = new TraceMatcher(this.#blocks.all, this.#plan, this.#summaries, turn)
  }
}
