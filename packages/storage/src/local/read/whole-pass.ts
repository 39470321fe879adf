import type { Order } from '../../contract.ts'
import type { Outcome } from './best-first.ts'
import { traceHash, type Block } from './block.ts'
import { IndexHeap } from './index-heap.ts'
import { matchesIn, wholeTraces } from './matches.ts'
import { comparePositions, positionOf, type Position } from './order.ts'
import type { SearchOutput } from './output.ts'
import type { Page } from './page.ts'
import type { Plan } from './plan.ts'
import { isInside } from './range.ts'
import { mayHold, necessaryOfTrace, partsOfField } from './set/necessary.ts'
import { isAsked, type Source } from './set/sources.ts'
import { extentsOf } from './trace-extents.ts'
import type { TraceMatcher } from './trace-matcher.ts'
import { TraceTable, type Part } from './trace-table.ts'
import type { Turn } from './turn.ts'

/** The shares of the time after which no further match is looked for, and no further extent: the rest is for the summaries. */
const MATCHING_SHARE = 0.5
const EXTENTS_SHARE = 0.85
/** Traces up to which each is looked for in a block's filter before the block is read for their extents. */
const FEW_TRACES = 64

/**
 * For every order: first all traces with a matching span, then their extents over all blocks, then summaries for those that
 * come first. An extent is a bound on a trace's place (spans that were sent twice count once in its summary, and only there it is certain which one
 * is the root), so what comes out with its summary is before all that is left.
 */
export async function wholePass(
  blocks: readonly Block[],
  plan: Plan,
  source: Source,
  matcher: TraceMatcher,
  page: Page,
  output: SearchOutput,
  turn: Turn,
): Promise<Outcome> {
  const table = new TraceTable(partsFor(plan), turn)
  /** Blocks whose extents are in the table. */
  const done = new Set<Block>()
  const asked = blocks.filter((block) => isAsked(source, block, plan.range, turn))
  // Where there is not time for all, what comes first is more likely to be in these.
  if (plan.order !== 'oldest') asked.reverse()
  output.partsTotal = asked.length + blocks.length
  for (const block of asked) {
    if (await turn.breathe(MATCHING_SHARE)) break
    const extents = plan.order === 'longest_match' ? undefined : wholeTraces(block, source, plan.range)
    if (extents) {
      turn.spans += extents.traceCount
      if ((await turn.attemptAll(() => table.addExtents(extents, true))) === false) break
      done.add(block)
      output.part()
      continue
    }
    const found = await matchesIn(block, source, plan.range, plan.order === 'longest_match', turn, MATCHING_SHARE)
    if (found && (await turn.attemptAll(() => table.addMatches(found))) === false) break
    // All of its traces are in the table: it need not be read a second time for what they are there.
    if (found && !source.condition && isInside(block, plan.range) && (await addExtents(table, block, turn)))
      done.add(block)
    output.part()
  }
  if (table.ids.size > 0) await addAllExtents(table, blocks, done, output, turn)
  const queue = await queueOf(table, plan, turn)
  while (!(await turn.breathe())) {
    const entry = queue.first
    const bound = entry === undefined ? undefined : boundOf(table, entry, plan.order)
    if (page.next && (!bound || comparePositions(page.next, bound) < 0)) {
      if (page.isFull) return 'more'
      page.take()
    } else if (bound) {
      queue.pop()
      if (isBefore(bound, page.after, plan.order)) continue
      const summary = await matcher.match(table.ids.words(entry!), !source.anyTime)
      if (summary) page.add(summary)
    } else return turn.isCut ? 'stopped' : 'done'
  }
  page.takeAll()
  return queue.size > 0 || page.next ? 'stopped' : 'done'
}

async function addAllExtents(
  table: TraceTable,
  blocks: readonly Block[],
  done: ReadonlySet<Block>,
  output: SearchOutput,
  turn: Turn,
): Promise<void> {
  const { ids } = table
  const hashes = ids.size > FEW_TRACES ? undefined : Array.from({ length: ids.size }, (_, i) => traceHash(ids.words(i)))
  for (const block of blocks) {
    if (await turn.breathe(EXTENTS_SHARE)) return
    output.part()
    if (done.has(block) || (hashes && !hashes.some((hash) => block.mayHaveTrace(hash)))) continue
    await addExtents(table, block, turn)
  }
}

/** False when the block could not be read, or the turn ended. */
async function addExtents(table: TraceTable, block: Block, turn: Turn): Promise<boolean> {
  const isAdded = await turn.attemptAll(async () => {
    const extents = block.extents?.() ?? (await extentsOf(block.rows(), turn))
    return extents && (await table.addExtents(extents))
  })
  return isAdded === true && !turn.stopped
}

/** What of the traces the order and the conditions ask for. */
function partsFor({ order, set }: Plan): Part[] {
  const conditions = set ? necessaryOfTrace(set.root) : []
  return [...PARTS[order], ...conditions.flatMap(({ field }) => partsOfField(field))]
}

const PARTS: Readonly<Record<Order, readonly Part[]>> = {
  newest: ['start'],
  oldest: ['start'],
  longest: ['request'],
  shortest: ['request'],
  longest_tail: ['end', 'request'],
  longest_match: ['match'],
  most_spans: ['spans'],
  most_errors: ['errors'],
}

/** The traces in question, best first. Beyond the deadline some have no extent yet, and are left out. */
async function queueOf(table: TraceTable, plan: Plan, turn: Turn): Promise<IndexHeap> {
  const compare = COMPARE[plan.order]
  const queue = new IndexHeap((a, b) => compare(table, a, b) || table.ids.compare(a, b))
  const conditions = plan.set ? necessaryOfTrace(plan.set.root) : []
  for (let entry = 0; entry < table.ids.size; entry++) {
    if (turn.work(100) && (await turn.breathe())) break
    if (table.isKnown(entry) && conditions.every((condition) => mayHold(condition, table, entry))) queue.push(entry)
  }
  return queue
}

const COMPARE: Readonly<Record<Order, (table: TraceTable, a: number, b: number) => number>> = {
  newest: (table, a, b) => table.compareStarts(b, a),
  oldest: (table, a, b) => table.compareStarts(a, b),
  longest: (table, a, b) => table.requestMaxNs(b) - table.requestMaxNs(a),
  shortest: (table, a, b) => table.requestMinNs(a) - table.requestMinNs(b),
  longest_tail: (table, a, b) => table.tailNs(b) - table.tailNs(a),
  longest_match: (table, a, b) => table.matchNs(b) - table.matchNs(a),
  most_spans: (table, a, b) => table.spans(b) - table.spans(a),
  most_errors: (table, a, b) => table.errors(b) - table.errors(a),
}

function boundOf(table: TraceTable, entry: number, order: Order): Position {
  const bound = {
    traceId: table.ids.hex(entry),
    start: order === 'newest' || order === 'oldest' ? table.start(entry) : 0n,
    requestDurationNs:
      order === 'shortest' ? table.requestMinNs(entry) : order === 'longest' ? table.requestMaxNs(entry) : 0,
    tailNs: order === 'longest_tail' ? table.tailNs(entry) : 0,
    spans: order === 'most_spans' ? table.spans(entry) : 0,
    errors: order === 'most_errors' ? table.errors(entry) : 0,
    ...(order === 'longest_match' && {
      matched: { spans: 0, exact: false, first: [], longestNs: table.matchNs(entry) },
    }),
  }
  return positionOf(bound, order)
}

/** Whether the extent alone tells that the trace is on an earlier page: its start is exact. */
function isBefore(position: Position, after: Position | undefined, order: Order): boolean {
  return after !== undefined && (order === 'newest' || order === 'oldest') && comparePositions(position, after) <= 0
}
