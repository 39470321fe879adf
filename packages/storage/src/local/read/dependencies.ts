import type { Dependencies, DependencyEdge } from '../../contract.ts'
import { hashWords } from '../block/hash.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import { traceHash, type Block } from './block.ts'
import { SEED } from './trace-ids.ts'
import { RecentSpans } from './recent-spans.ts'
import type { Turn } from './turn.ts'
import { WaitingCalls } from './waiting-calls.ts'

/** Blocks outside of the range that are read for parents; 2 million spans at most. */
export const MAX_BLOCKS_OUTSIDE = 256
/** Bytes of an edge between two services, and of a service, about. */
const EDGE_BYTES = 100
/** A service that there was no memory for: its calls are left out. */
const NO_SERVICE = 2 ** 26 - 1
/** What asking one filter for a trace costs, against what reading a block and each of its rows does. */
const FILTER_UNITS = 100
const BLOCK_UNITS = 200_000
const ROW_UNITS = 80
/** ... and seeing whether a call is known. */
const CALL_UNITS = 200

/**
 * Calls between services over spans that start in `[from, to)`. First each block resolves the parents that are in itself, which
 * are most; those that are left are then looked for in other blocks whose filter says that they may have the trace, those of the range
 * first and then what is nearest to it, as a parent may have come earlier, later, or started before the range.
 */
export async function dependencies(
  blocks: readonly Block[],
  from: bigint,
  to: bigint,
  turn: Turn,
): Promise<Dependencies> {
  const edges = new Edges(turn)
  const waiting = new WaitingCalls(turn)
  const recent = new RecentSpans(turn)
  for (const block of blocks) {
    if (await turn.breathe()) break
    if (block.maxStart < from || block.minStart >= to) continue
    if (block.damaged) turn.incomplete = true
    if (block.spans === 0) continue
    const resolve = (): Promise<boolean> => resolveInBlock(block.rows(), from, to, waiting, recent, edges, turn)
    if ((await turn.attemptAll(resolve)) === false) break
  }
  await resolveElsewhere(nearestFirst(blocks, from, to), waiting, edges, turn)
  return { edges: edges.sorted(), complete: turn.complete }
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
async function resolveInBlock(
  rows: BlockRows,
  from: bigint,
  to: bigint,
  waiting: WaitingCalls,
  recent: RecentSpans,
  edges: Edges,
  turn: Turn,
): Promise<boolean> {
  const { count, spanId, parentId, trace, operation, status } = rows
  const services = edges.numbersOf(rows)
  // Row + 1 of the first span with a trace and span id, in one open-addressing table.
  const mask = 2 ** Math.ceil(Math.log2(2 * count + 1)) - 1
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
  for (let row = 0; row < count; row++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return false
    const slot = slotOf(trace[row]!, spanId[2 * row]!, spanId[2 * row + 1]!)
    if (table[slot] === 0) table[slot] = row + 1
  }
  let hasRoom = true
  for (let row = 0; row < count && hasRoom; row++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return false
    const lo = parentId[2 * row]!
    const hi = parentId[2 * row + 1]!
    if ((lo === 0 && hi === 0) || (lo === spanId[2 * row] && hi === spanId[2 * row + 1])) continue
    const start = startOf(rows, row)
    if (start < from || start >= to) continue
    const child = services[operation[row]!]!
    const error = status[row] === 2 ? 1 : 0
    const parent = table[slotOf(trace[row]!, lo, hi)]! - 1
    if (parent >= 0 && services[operation[parent]!] === child) continue
    if (turn.work(CALL_UNITS) && (await turn.breathe())) return false
    if (!recent.isNew(rows, row)) continue
    hasRoom =
      parent >= 0 ? edges.count(services[operation[parent]!]!, child, 1, error) : waiting.add(rows, row, child, error)
  }
  turn.release(4 * mask)
  return hasRoom
}

async function resolveElsewhere(
  blocks: readonly { readonly block: Block; readonly distance: bigint }[],
  waiting: WaitingCalls,
  edges: Edges,
  turn: Turn,
): Promise<void> {
  let outside = 0
  for (const { block, distance } of blocks) {
    if (waiting.size === 0 || (await turn.breathe())) return
    if (!(await mayHaveParents(block, waiting, turn))) continue
    if (distance > 0n && ++outside > MAX_BLOCKS_OUTSIDE) {
      turn.incomplete = true
      return
    }
    await turn.attemptAll(() => resolveIn(block.rows(), waiting, edges, turn))
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

async function resolveIn(rows: BlockRows, waiting: WaitingCalls, edges: Edges, turn: Turn): Promise<void> {
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
    waiting.resolve(trace, rows.spanId[2 * row]!, rows.spanId[2 * row + 1]!, (child, calls, errors) =>
      edges.count(parent, child, calls, errors),
    )
  }
}

/** Calls by parent and child, services being numbered as they come. */
class Edges {
  readonly #turn: Turn
  readonly #names: string[] = []
  readonly #numbers = new Map<string, number>()
  readonly #edges = new Map<
    number,
    { readonly parent: number; readonly child: number; calls: number; errors: number }
  >()

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** The service of each operation of a block. */
  numbersOf({ operations }: BlockRows): Uint32Array {
    return Uint32Array.from(operations, ({ service }) => {
      let number = this.#numbers.get(service)
      if (number === undefined) {
        if (!this.#turn.reserve(EDGE_BYTES + 2 * service.length)) return NO_SERVICE
        this.#numbers.set(service, (number = this.#names.push(service) - 1))
      }
      return number
    })
  }

  /** False when there is no memory for another edge. */
  count(parent: number, child: number, calls: number, errors: number): boolean {
    if (parent === child || parent === NO_SERVICE || child === NO_SERVICE) return true
    const key = parent * 2 ** 26 + child
    const edge = this.#edges.get(key)
    if (edge) {
      edge.calls += calls
      edge.errors += errors
    } else {
      if (!this.#turn.reserve(EDGE_BYTES)) return false
      this.#edges.set(key, { parent, child, calls, errors })
    }
    return true
  }

  sorted(): DependencyEdge[] {
    return [...this.#edges.values()]
      .map(({ parent, child, calls, errors }) => ({
        parent: this.#names[parent]!,
        child: this.#names[child]!,
        calls,
        errors,
      }))
      .sort((a, b) => (a.parent === b.parent ? (a.child < b.child ? -1 : 1) : a.parent < b.parent ? -1 : 1))
  }
}
