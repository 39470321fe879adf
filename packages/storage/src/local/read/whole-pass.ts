import type { Order } from '../../contract.ts'
import { traceHash, type Block } from './block.ts'
import { IndexHeap } from './index-heap.ts'
import { Page } from './page.ts'
import {
  comparePositions,
  hasDuration,
  isInRange,
  isWanted,
  matchesIn,
  positionOf,
  type Found,
  type Plan,
  type Position,
} from './plan.ts'
import { Summarizer } from './summary.ts'
import { gatherTrace } from './trace-parts.ts'
import { TraceTable } from './trace-table.ts'
import type { Turn } from './turn.ts'

/** The shares of the time after which no further match is looked for, and no further extent: the rest is for the summaries. */
const MATCHING_SHARE = 0.5
const EXTENTS_SHARE = 0.85
/** Traces up to which each is looked for in a block's filter before the block is read for their extents. */
const FEW_TRACES = 64

/**
 * For every order but `newest`: first all traces with a matching span, then their extents over all blocks, then summaries for those that
 * come first. The extents order traces as their summaries do, but for spans that were sent twice, which count once there: so an extent
 * is a bound, and what comes out with its summary is before all that is left.
 */
export async function wholePass(blocks: readonly Block[], plan: Plan, turn: Turn): Promise<Found> {
  const table = new TraceTable(turn)
  for (const block of blocks) {
    if (await turn.breathe(MATCHING_SHARE)) break
    if (!isInRange(block, plan, turn)) continue
    const found = await matchesIn(block, plan, turn, MATCHING_SHARE)
    if (found && !(await table.addMarked(found.rows, found.matched))) break
  }
  if (table.ids.size > 0) await addExtents(table, blocks, turn)
  const queue = await queueOf(table, plan, turn)
  const summarizer = new Summarizer(turn)
  const page = new Page(plan, turn)
  while (!(await turn.breathe())) {
    const entry = queue.first
    const bound = entry === undefined ? undefined : boundOf(table, entry, plan.order)
    if (page.next && (!bound || comparePositions(page.next, bound) < 0)) {
      if (page.isFull) return { traces: page.traces, more: true }
      page.take()
    } else if (bound) {
      queue.pop()
      if (isBefore(bound, plan)) continue
      const parts = await gatherTrace(blocks, table.ids.words(entry!), turn)
      const summary = parts && (await summarizer.summarize(parts))
      if (summary && isWanted(summary, plan)) page.add(summary)
    } else return { traces: page.traces, more: false }
  }
  page.takeAll()
  return { traces: page.traces, more: queue.size > 0 }
}

async function addExtents(table: TraceTable, blocks: readonly Block[], turn: Turn): Promise<void> {
  const { ids } = table
  const hashes = ids.size > FEW_TRACES ? undefined : Array.from({ length: ids.size }, (_, i) => traceHash(ids.words(i)))
  for (const block of blocks) {
    if (await turn.breathe(EXTENTS_SHARE)) return
    const rows = turn.attempt(() =>
      hashes && !hashes.some((hash) => block.mayHaveTrace(hash)) ? undefined : block.rows(),
    )
    if (rows) await table.addExtents(rows)
  }
}

/** The traces in question, best first. Beyond the deadline some have no extent yet, and are left out. */
async function queueOf(table: TraceTable, plan: Plan, turn: Turn): Promise<IndexHeap> {
  const compare = COMPARE[plan.order]!
  const queue = new IndexHeap((a, b) => compare(table, a, b) || table.ids.compare(a, b))
  for (let entry = 0; entry < table.ids.size; entry++) {
    if (turn.work(100) && (await turn.breathe())) break
    if (table.spans(entry) > 0 && hasDuration({ durationNs: table.durationNs(entry) }, plan)) queue.push(entry)
  }
  return queue
}

const COMPARE: Readonly<Partial<Record<Order, (table: TraceTable, a: number, b: number) => number>>> = {
  newest: (table, a, b) => table.compareStarts(b, a),
  oldest: (table, a, b) => table.compareStarts(a, b),
  longest: (table, a, b) => table.durationNs(b) - table.durationNs(a),
  shortest: (table, a, b) => table.durationNs(a) - table.durationNs(b),
  most_spans: (table, a, b) => table.spans(b) - table.spans(a),
  most_errors: (table, a, b) => table.errors(b) - table.errors(a),
}

function boundOf(table: TraceTable, entry: number, order: Order): Position {
  const extent = {
    traceId: table.ids.hex(entry),
    start: table.start(entry),
    durationNs: table.durationNs(entry),
    spans: table.spans(entry),
    errors: table.errors(entry),
  }
  return positionOf(extent, order)
}

/** Whether the extent alone tells that the trace is on an earlier page: its start and duration are exact. */
function isBefore(position: Position, { after, order }: Plan): boolean {
  return (
    after !== undefined && order !== 'most_spans' && order !== 'most_errors' && comparePositions(position, after) <= 0
  )
}
