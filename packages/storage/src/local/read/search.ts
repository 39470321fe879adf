import { StorageError, type Order, type SearchPage, type SearchQuery, type TraceSummary } from '../../contract.ts'
import type { Block } from './catalog.ts'
import { compileFilter, NO, UNKNOWN, YES, type CompiledFilter } from './filter.ts'
import { Heap } from './heap.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import { SpanView } from './span-view.ts'
import { findTrace, summarize, traceHex, traceWords } from './summary.ts'
import { TraceTable } from './trace-table.ts'
import type { Turn } from './turn.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 10_000
/** Rows between two looks at the clock. */
const STRIDE = 1024
/** Matching traces (160 MB of extents) beyond which an order other than `newest` gives up and says that it is not complete. */
const MAX_TRACES = 3_000_000

/** A query that has been checked. */
interface Plan {
  readonly filter: CompiledFilter | undefined
  readonly from: bigint
  readonly to: bigint
  readonly minDuration: number
  readonly maxDuration: number
  readonly order: Order
  readonly limit: number
  /** Only traces after this one, in the order. */
  readonly after: Position | undefined
}

/** What of a summary decides its place. */
type Extent = Pick<TraceSummary, 'start' | 'durationNs' | 'spans' | 'errors'>

/** A trace's place in the order: its key, then its id. */
interface Position {
  readonly key: bigint
  readonly traceId: string
}

/**
 * Searches the blocks. `newest` goes from the newest block backwards and stops as soon as no older one can matter; every other order
 * needs the summary of each trace that matches, so its cost grows with the time range.
 */
export async function search(blocks: readonly Block[], query: SearchQuery, turn: Turn): Promise<SearchPage> {
  const plan = planOf(query)
  const found = plan.order === 'newest' ? await newestFirst(blocks, plan, turn) : await wholePass(blocks, plan, turn)
  const last = found.traces.at(-1)
  return {
    traces: found.traces,
    next: found.more && last ? encodeCursor(plan.order, positionOf(last, plan.order)) : undefined,
    complete: !turn.stopped && !turn.incomplete,
    spansScanned: turn.spans,
    elapsedMs: turn.elapsedMs,
  }
}

function planOf(query: SearchQuery): Plan {
  const order = query.order ?? 'newest'
  if (!Object.hasOwn(KEYS, order))
    throw new StorageError('bad_query', `order is ${order}; one of ${Object.keys(KEYS).join(', ')}`)
  const limit = query.limit ?? DEFAULT_LIMIT
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new StorageError('bad_query', `limit is ${limit}; a whole number from 1 to ${MAX_LIMIT}`)
  }
  return {
    filter: query.filter && compileFilter(query.filter),
    from: query.from ?? 0n,
    to: query.to ?? (1n << 64n) - 1n,
    minDuration: query.minTraceDurationNs ?? -Infinity,
    maxDuration: query.maxTraceDurationNs ?? Infinity,
    order,
    limit,
    after: query.cursor === undefined ? undefined : decodeCursor(query.cursor, order),
  }
}

/** Smaller keys come first. */
function positionOf(trace: TraceSummary, order: Order): Position {
  return { key: keyOf(trace, order), traceId: trace.traceId }
}

function keyOf(extent: Extent, order: Order): bigint {
  return KEYS[order](extent)
}

const KEYS: Readonly<Record<Order, (extent: Extent) => bigint>> = {
  newest: ({ start }) => -start,
  oldest: ({ start }) => start,
  longest: ({ durationNs }) => -BigInt(durationNs),
  shortest: ({ durationNs }) => BigInt(durationNs),
  most_spans: ({ spans }) => -BigInt(spans),
  most_errors: ({ errors }) => -BigInt(errors),
}

function comparePositions(a: Position, b: Position): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : a.traceId < b.traceId ? -1 : a.traceId > b.traceId ? 1 : 0
}

function encodeCursor(order: Order, { key, traceId }: Position): string {
  return Buffer.from(`${order} ${key} ${traceId}`).toString('base64url')
}

function decodeCursor(cursor: string, order: Order): Position {
  const match = /^(\w+) (-?\d{1,40}) ([0-9a-f]{32})$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (!match || match[1] !== order) {
    throw new StorageError(
      'bad_query',
      `cursor: not one of an earlier page with order ${order}; start without a cursor`,
    )
  }
  return { key: BigInt(match[2]!), traceId: match[3]! }
}

interface Found {
  readonly traces: TraceSummary[]
  readonly more: boolean
}

/**
 * Best first. In the queue are blocks (bound: their latest start), traces seen with a matching span (bound: their earliest start in that
 * block, as the trace can only have begun earlier) and traces with their summary (exact). What comes out with its summary is later
 * than all that is left.
 */
async function newestFirst(blocks: readonly Block[], plan: Plan, turn: Turn): Promise<Found> {
  type Entry = { bound: bigint; id: string; block?: Block; summary?: TraceSummary }
  // Of equal bounds blocks come first, then traces without summary (their id may still be the smaller), then by id.
  const rank = ({ block, summary }: Entry): number => (block ? 0 : summary ? 2 : 1)
  const queue = new Heap<Entry>((a, b) =>
    a.bound !== b.bound ? (a.bound > b.bound ? -1 : 1) : rank(a) !== rank(b) ? rank(a) - rank(b) : a.id < b.id ? -1 : 1,
  )
  for (const block of blocks) if (mayMatch(block, plan)) queue.push({ bound: block.maxStart, id: '', block })
  const seen = new Set<string>()
  const traces: TraceSummary[] = []
  let late = 0
  for (let entry = queue.pop(); entry; entry = queue.pop()) {
    // Out of time: no further block is looked into, and of the traces that were found a page is shown.
    if ((await turn.breathe()) && (entry.block || late++ > 2 * plan.limit)) continue
    if (entry.summary) {
      if (traces.length === plan.limit) return { traces, more: true }
      traces.push(entry.summary)
    } else if (entry.block) {
      const matched = await matchesIn(entry.block, plan, turn)
      for (const [id, bound] of earliestStarts(entry.block.rows(), matched)) {
        if (!seen.has(id)) queue.push({ bound, id })
        seen.add(id)
      }
    } else {
      const summary = summaryIn(blocks, entry.id)
      if (isWanted(summary, plan)) queue.push({ bound: summary.start, id: entry.id, summary })
    }
  }
  return { traces, more: turn.stopped }
}

/**
 * First all traces with a matching span (in at most half the time), then their extents over all blocks, then summaries for those that come first. The extents
 * order traces as their summaries do, but for spans that were sent twice, which count once there: so an extent is a bound, and
 * what comes out with its summary is before all that is left.
 */
async function wholePass(blocks: readonly Block[], plan: Plan, turn: Turn): Promise<Found> {
  const table = new TraceTable()
  for (const block of blocks) {
    if (await turn.breathe()) break
    if (table.size > MAX_TRACES || turn.used > 0.5) {
      turn.incomplete = true
      break
    }
    if (mayMatch(block, plan)) table.addMarked(block.rows(), await matchesIn(block, plan, turn))
  }
  for (const block of blocks) {
    if (await turn.breathe()) break
    table.addExtents(block.rows())
  }
  type Entry = Position & { readonly summary?: TraceSummary }
  const queue = new Heap<Entry>((a, b) => comparePositions(a, b) || (a.summary ? 1 : -1))
  for (let entry = 0; entry < table.size; entry++) {
    const extent = {
      start: table.start(entry),
      durationNs: table.durationNs(entry),
      spans: table.spans(entry),
      errors: table.errors(entry),
    }
    // Beyond the deadline some traces have no extent yet.
    if (extent.spans > 0 && hasDuration(extent, plan))
      queue.push({ key: keyOf(extent, plan.order), traceId: table.id(entry) })
  }
  const traces: TraceSummary[] = []
  for (let entry = queue.pop(); entry; entry = queue.pop()) {
    if (entry.summary) {
      if (traces.length === plan.limit) return { traces, more: true }
      traces.push(entry.summary)
    } else if (!isBefore(entry, plan)) {
      const summary = summaryIn(blocks, entry.traceId)
      if (isWanted(summary, plan)) queue.push({ ...positionOf(summary, plan.order), summary })
    }
  }
  return { traces, more: false }
}

function summaryIn(blocks: readonly Block[], id: string): TraceSummary {
  return summarize(id, findTrace(blocks, traceWords(id)))
}

function hasDuration({ durationNs }: { readonly durationNs: number }, plan: Plan): boolean {
  return durationNs >= plan.minDuration && durationNs <= plan.maxDuration
}

/** Whether the extent alone tells that the trace is on an earlier page: its start and duration are exact. */
function isBefore(position: Position, { after, order }: Plan): boolean {
  return (
    after !== undefined && order !== 'most_spans' && order !== 'most_errors' && comparePositions(position, after) <= 0
  )
}

function isWanted(trace: TraceSummary, plan: Plan): boolean {
  if (!hasDuration(trace, plan)) return false
  return plan.after === undefined || comparePositions(positionOf(trace, plan.order), plan.after) > 0
}

function mayMatch(block: Block, plan: Plan): boolean {
  if (block.spans === 0 || block.maxStart < plan.from || block.minStart > plan.to) return false
  return plan.filter === undefined || plan.filter.mayMatch(block)
}

/** Marks the block's traces that have a matching span in it. */
async function matchesIn(block: Block, plan: Plan, turn: Turn): Promise<Uint8Array> {
  const rows = block.rows()
  const judge = plan.filter?.judge(rows)
  const whole = block.minStart >= plan.from && block.maxStart <= plan.to
  const matched = new Uint8Array(rows.traceCount)
  let view: SpanView | undefined
  for (let row = 0; row < rows.count; row++) {
    if (row % STRIDE === 0) {
      turn.spans += Math.min(STRIDE, rows.count - row)
      if (await turn.breathe()) break
    }
    const trace = rows.trace[row]!
    if (matched[trace]) continue
    if (!whole && !startsIn(rows, row, plan)) continue
    const verdict = judge ? judge(row) : YES
    if (verdict === NO) continue
    if (verdict === UNKNOWN) {
      view ??= new SpanView(block, rows)
      if (!isReadable(view, row, turn) || !plan.filter!.test(view, rows)) continue
    }
    matched[trace] = 1
  }
  return matched
}

/** Damage of one frame must not take all others from the search; the answer says that it is not complete. */
function isReadable(view: SpanView, row: number, turn: Turn): boolean {
  try {
    view.moveTo(row)
    return true
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'corrupt') throw error
    turn.incomplete = true
    return false
  }
}

function startsIn(rows: BlockRows, row: number, { from, to }: Plan): boolean {
  const start = startOf(rows, row)
  return start >= from && start <= to
}

/** The marked traces, each with the earliest start of its spans in the block. */
function earliestStarts(rows: BlockRows, matched: Uint8Array): Map<string, bigint> {
  const first = new Int32Array(rows.traceCount).fill(-1)
  const { startHi, startLo, trace } = rows
  for (let row = 0; row < rows.count; row++) {
    const index = trace[row]!
    if (!matched[index]) continue
    const best = first[index]!
    if (
      best < 0 ||
      startHi[row]! < startHi[best]! ||
      (startHi[row] === startHi[best] && startLo[row]! < startLo[best]!)
    )
      first[index] = row
  }
  const starts = new Map<string, bigint>()
  for (const [index, row] of first.entries()) if (row >= 0) starts.set(traceHex(rows, index), startOf(rows, row))
  return starts
}
