import type { Dependencies } from '../../contract.ts'
import { hashWords } from '../block/hash.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import { traceHash, type Block } from './block.ts'
import { callOf, CONSUMER_KIND, DependencyEdges } from './dependency-edges.ts'
import { boundsOf, isReadable } from './range.ts'
import { RecentSpans } from './recent-spans.ts'
import { spanLinks } from './span-links.ts'
import { SpanView } from './span-view.ts'
import { SEED } from './trace-ids.ts'
import type { Turn } from './turn.ts'
import { WaitingCalls } from './waiting-calls.ts'

/** Blocks outside of the range that are read for parents; 2 million spans at most. */
export const MAX_BLOCKS_OUTSIDE = 256
/** What asking one filter for a trace costs, against what reading a block and each of its rows does. */
const FILTER_UNITS = 100
const BLOCK_UNITS = 200_000
const ROW_UNITS = 80
/** ... seeing whether a call is known, counting it, and reading a span for its links. */
const CALL_UNITS = 200
const COUNT_UNITS = 50
const READ_UNITS = 3_000

export interface DependenciesQuery {
  /** Starts of spans: `[from, to)`. */
  readonly from: bigint
  readonly to: bigint
  readonly links: boolean
}

/** What one count of calls has in hand. */
interface Count extends DependenciesQuery {
  readonly edges: DependencyEdges
  readonly waiting: WaitingCalls
  readonly recent: RecentSpans
  readonly turn: Turn
}

/**
 * Calls between services. First each block resolves the parents that are in itself, which
 * are most; those that are left, and what is linked to, are then looked for in other blocks whose filter says that they may have the trace, those of the range
 * first and then what is nearest to it, as a parent may have come earlier, later, or started before the range.
 *
 * Columns are all that is read, but for links: those are in no column, and spans of kind consumer in the range are read for them, and no others.
 */
export async function dependencies(
  blocks: readonly Block[],
  query: DependenciesQuery,
  turn: Turn,
): Promise<Dependencies> {
  const { from, to } = query
  const count: Count = {
    ...query,
    edges: new DependencyEdges(turn),
    waiting: new WaitingCalls(turn),
    recent: new RecentSpans(turn),
    turn,
  }
  for (const block of blocks) {
    if (await turn.breathe()) break
    if (block.maxStart < from || block.minStart >= to) continue
    if (block.damaged) turn.incomplete = true
    if (block.spans === 0) continue
    if ((await turn.attemptAll(() => resolveInBlock(block, count))) === false) break
  }
  await resolveElsewhere(nearestFirst(blocks, from, to), count)
  return { edges: count.edges.sorted(secondsOf(blocks, from, to)), complete: turn.complete }
}

/** Of the range, to the last span and, where it has no begin, from the first. */
function secondsOf(blocks: readonly Block[], from: bigint, to: bigint): number {
  const [first = 0n, last = 0n] = boundsOf(blocks)
  return Number((last < to ? last + 1n : to) - (from > 0n ? from : first)) / 1e9
}

/** Blocks with their distance to the range in nanoseconds, 0 for those in it. */
function nearestFirst(blocks: readonly Block[], from: bigint, to: bigint): { block: Block; distance: bigint }[] {
  return blocks
    .filter(({ spans }) => spans > 0)
    .map((block) => ({
      block,
      distance: block.maxStart < from ? from - block.maxStart : block.minStart >= to ? block.minStart - to + 1n : 0n,
    }))
    .sort((a, b) => (a.distance < b.distance ? -1 : a.distance > b.distance ? 1 : 0))
}

/** False when there is no more memory. */
async function resolveInBlock(block: Block, count: Count): Promise<boolean> {
  const { from, to, links, edges, waiting, recent, turn } = count
  const rows = block.rows()
  const { spanId, parentId, trace, traceIds, operation, operations } = rows
  const services = edges.numbersOf(rows)
  const view = new SpanView(block, rows)
  // Row + 1 of the first span with a trace and span id, in one open-addressing table.
  const mask = 2 ** Math.ceil(Math.log2(2 * rows.count + 1)) - 1
  if (!turn.reserve(4 * mask)) return false
  const table = new Int32Array(mask + 1)
  const slotOf = (traceIndex: number, lo: number, hi: number): number => {
    let slot = hashWords(traceIndex ^ SEED, lo, hi, 0) & mask
    for (let row = table[slot]! - 1; row >= 0; row = table[slot]! - 1) {
      if (trace[row] === traceIndex && spanId[2 * row] === lo && spanId[2 * row + 1] === hi) break
      slot = (slot + 1) & mask
    }
    return slot
  }
  for (let row = 0; row < rows.count; row++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return false
    const slot = slotOf(trace[row]!, spanId[2 * row]!, spanId[2 * row + 1]!)
    if (table[slot] === 0) table[slot] = row + 1
  }
  let hasRoom = true
  for (let row = 0; row < rows.count && hasRoom; row++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return false
    const lo = parentId[2 * row]!
    const hi = parentId[2 * row + 1]!
    const hasParent = (lo !== 0 || hi !== 0) && (lo !== spanId[2 * row] || hi !== spanId[2 * row + 1])
    const mayLink = links && operations[operation[row]!]!.kind === CONSUMER_KIND
    if (!hasParent && !mayLink) continue
    const start = startOf(rows, row)
    if (start < from || start >= to) continue
    const child = services[operation[row]!]!
    const parent = hasParent ? table[slotOf(trace[row]!, lo, hi)]! - 1 : -1
    const isCall = hasParent && (parent < 0 || services[operation[parent]!] !== child)
    if (!isCall && !mayLink) continue
    if (turn.work(CALL_UNITS) && (await turn.breathe())) return false
    if (!recent.isNew(rows, row)) continue
    if (isCall) {
      const call = callOf(rows, row, false)
      hasRoom =
        parent >= 0
          ? edges.count(services[operation[parent]!]!, operations[operation[parent]!]!.kind, child, call)
          : waiting.add(traceIds, 4 * trace[row]!, lo, hi, child, call)
    }
    if (!mayLink || !hasRoom) continue
    if (turn.work(READ_UNITS) && (await turn.breathe())) return false
    if (isReadable(view, row, turn)) hasRoom = addLinks(view, rows, row, child, count)
  }
  turn.release(4 * mask)
  return hasRoom
}

/** What the row's span links to is waited for, but for its parent. False when there is no memory for it. */
function addLinks(view: SpanView, rows: BlockRows, row: number, child: number, { waiting, turn }: Count): boolean {
  const call = callOf(rows, row, true)
  const own = [0, 1, 2, 3].map((i) => rows.traceIds[4 * rows.trace[row]! + i]!)
  const parent = [...own, rows.parentId[2 * row]!, rows.parentId[2 * row + 1]!]
  turn.values++
  for (const link of spanLinks(view)) {
    turn.work(CALL_UNITS)
    if (link.every((word, i) => word === parent[i])) continue
    if (!waiting.add(link, 0, link[4]!, link[5]!, child, call)) return false
  }
  return true
}

async function resolveElsewhere(
  blocks: readonly { readonly block: Block; readonly distance: bigint }[],
  count: Count,
): Promise<void> {
  const { waiting, turn } = count
  let outside = 0
  for (const { block, distance } of blocks) {
    if (waiting.size === 0 || (await turn.breathe())) return
    if (!(await mayHaveParents(block, waiting, turn))) continue
    if (distance > 0n && ++outside > MAX_BLOCKS_OUTSIDE) {
      turn.incomplete = true
      return
    }
    await turn.attemptAll(() => resolveIn(block.rows(), count))
  }
}

/** Asks the block's filter for each trace that waits, as long as that is less work than to read the block. */
async function mayHaveParents(block: Block, waiting: WaitingCalls, turn: Turn): Promise<boolean> {
  const { traces } = waiting
  if (traces.size * FILTER_UNITS > BLOCK_UNITS + block.spans * ROW_UNITS) return true
  for (let trace = 0; trace < traces.size; trace++) {
    if (!waiting.hasTrace(trace)) continue
    if (turn.work(FILTER_UNITS) && (await turn.breathe())) return false
    if (block.mayHaveTrace(traceHash(traces.words(trace)))) return true
  }
  return false
}

async function resolveIn(rows: BlockRows, { edges, waiting, turn }: Count): Promise<void> {
  const services = edges.numbersOf(rows)
  const traces = new Int32Array(rows.traceCount)
  for (let index = 0; index < rows.traceCount; index++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return
    traces[index] = waiting.traces.find(rows.traceIds, 4 * index)
  }
  for (let row = 0; row < rows.count; row++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return
    const trace = traces[rows.trace[row]!]!
    if (trace < 0 || !waiting.hasTrace(trace)) continue
    const parent = services[rows.operation[row]!]!
    const { kind } = rows.operations[rows.operation[row]!]!
    let call = waiting.take(trace, rows.spanId[2 * row]!, rows.spanId[2 * row + 1]!)
    for (; call >= 0; call = waiting.after(call)) {
      if (turn.work(COUNT_UNITS) && (await turn.breathe())) return
      edges.count(parent, kind, waiting.childOf(call), waiting.whatOf(call))
    }
  }
}
