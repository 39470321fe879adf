import type { Dependencies } from '../../contract.ts'
import { hashWords } from '../block/hash.ts'
import { NO_PARENT, NOT_HERE, type BlockRows } from '../block/rows.ts'
import { bytesOfPart } from './aggregate/part-form.ts'
import type { SectionCounts } from './aggregate/section-counts.ts'
import { eachKept, type CountedBlock, type PartCounter } from './aggregate/kept-spans.ts'
import { traceHash, type Block } from './block.ts'
import { callOf, CONSUMER_KIND, DependencyEdges, type EdgesPart } from './dependency-edges.ts'
import { KeptParts } from './kept-parts.ts'
import { boundsOf, isReadable, rangeOf } from './range.ts'
import { spanLinks } from './span-links.ts'
import { SpanView } from './span-view.ts'
import { SEED } from './trace-ids.ts'
import type { TakeRows } from './trace-sweep.ts'
import type { Turn } from './turn.ts'
import { CALL_WORDS, WaitingCalls } from './waiting-calls.ts'

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
interface Count {
  readonly links: boolean
  readonly edges: DependencyEdges
  readonly waiting: WaitingCalls
  readonly turn: Turn
}

/** Calls of one block that wait, beyond which it is counted anew. */
const MAX_WAITING = 1_024

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
  kept = new KeptParts(0),
): Promise<Dependencies> {
  const { from, to, links } = query
  const count: Count = { links, edges: new DependencyEdges(turn), waiting: new WaitingCalls(turn), turn }
  if (to > from) {
    const scope = { set: undefined, range: rangeOf(from, to - 1n), from, to: to - 1n, of: 'spans' } as const
    const take: TakeRows = (block, rows, spans) => resolveInBlock(block, rows, spans, count)
    await eachKept(blocks, scope, turn, take, { part() {} }, { parts: kept, counter: new CallParts(count) })
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

/** What the calls of whole blocks come to, as far as these tell by themselves. */
class CallParts implements PartCounter {
  readonly key: string
  readonly #count: Count

  constructor(count: Count) {
    this.key = `calls ${count.links}`
    this.#count = count
  }

  suits(): boolean {
    return true
  }

  async count(block: Block, rows: BlockRows, spans: Uint8Array): Promise<CountedBlock> {
    const { turn, links } = this.#count
    return turn.withPart(async (own) => {
      const part = await callsIn(block, rows, spans, links, own)
      return { part, bytes: bytesOf(part), isAll: isSmall(part) && own.complete }
    })
  }

  /** There links were not followed. */
  async fromCounts({ operations }: Block, { calls }: SectionCounts): Promise<CountedBlock | undefined> {
    const mayLink = this.#count.links && (operations?.some(({ kind }) => kind === CONSUMER_KIND) ?? true)
    return calls && !mayLink ? { part: calls, bytes: bytesOf(calls), isAll: true } : undefined
  }

  add(part: unknown): void {
    this.#count.edges.addPart(part as EdgesPart, this.#count.waiting)
  }
}

/** What the calls of a block come to, as far as it tells by itself: of `spans`, 1 for each row that counts. Without `block` no links are followed. */
export async function callsIn(
  block: Block | undefined,
  rows: BlockRows,
  spans: Uint8Array,
  links: boolean,
  turn: Turn,
): Promise<EdgesPart> {
  const count: Count = { links, edges: new DependencyEdges(turn), waiting: new WaitingCalls(turn), turn }
  await resolveInBlock(block, rows, spans, count)
  return count.edges.part(count.waiting)
}

/** Whether few enough wait for it to be kept. */
export function isSmall({ waiting }: EdgesPart): boolean {
  return waiting.length <= CALL_WORDS * MAX_WAITING
}

function bytesOf({ names, edges, waiting }: EdgesPart): number {
  return bytesOfPart(edges) + waiting.byteLength + 8 * names.length + 400
}

/** Of `spans`, 1 for each row that counts. Ends when there is no more time or memory. */
async function resolveInBlock(
  block: Block | undefined,
  rows: BlockRows,
  spans: Uint8Array,
  count: Count,
): Promise<void> {
  const { edges, waiting, turn } = count
  const parents = rows.parentRow ?? (await parentRows(rows, turn))
  if (!parents) return
  const services = edges.numbersOf(rows)
  const wanted = await mayBeCalls(rows, spans, parents, services, count)
  if (!wanted) return
  const { trace, traceIds, operation, operations } = rows
  const view = block && new SpanView(block, rows)
  let hasRoom = true
  for (let row = wanted.indexOf(1); row >= 0 && hasRoom; row = wanted.indexOf(1, row + 1)) {
    if (turn.work(CALL_UNITS) && (await turn.breathe())) return
    const child = services[operation[row]!]!
    const parent = parents[row]!
    if (parent >= 0 && services[operation[parent]!] !== child && !isOwnParent(rows, row, parent)) {
      const { kind } = operations[operation[parent]!]!
      hasRoom = edges.count(services[operation[parent]!]!, kind, child, callOf(rows, row, false))
    } else if (parent === NOT_HERE) {
      const { parentId } = rows
      const call = callOf(rows, row, false)
      hasRoom = waiting.add(traceIds, 4 * trace[row]!, parentId[2 * row]!, parentId[2 * row + 1]!, child, call)
    }
    if (!view || !hasRoom || !mayLink(rows, row, count)) continue
    if (turn.work(READ_UNITS) && (await turn.breathe())) return
    if (isReadable(view, row, turn)) hasRoom = addLinks(view, rows, row, child, count)
  }
  if (!rows.parentRow) turn.release(4 * rows.count)
}

/** 1 for each of these that may be a call: its parent is not here or of another service, or it may link to one. Undefined when the turn ended. */
async function mayBeCalls(
  rows: BlockRows,
  spans: Uint8Array,
  parents: Int32Array,
  services: Uint32Array,
  count: Count,
): Promise<Uint8Array | undefined> {
  const { turn } = count
  const { operation } = rows
  const wanted = new Uint8Array(rows.count)
  for (let row = 0; row < rows.count; row++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return undefined
    const parent = parents[row]!
    const isCall = parent === NOT_HERE || (parent >= 0 && services[operation[parent]!] !== services[operation[row]!])
    if (isCall || mayLink(rows, row, count)) wanted[row] = spans[row]!
  }
  return wanted
}

function mayLink({ operations, operation }: BlockRows, row: number, { links }: Count): boolean {
  return links && operations[operation[row]!]!.kind === CONSUMER_KIND
}

/** Whether a span is told to be its own parent, as which it may be found by another one that has its id. */
function isOwnParent({ spanId }: BlockRows, row: number, parent: number): boolean {
  return spanId[2 * row] === spanId[2 * parent] && spanId[2 * row + 1] === spanId[2 * parent + 1]
}

/** As {@link BlockRows.parentRow}, for which the turn's memory is taken. Undefined when the turn ended or has none. */
async function parentRows(rows: BlockRows, turn: Turn): Promise<Int32Array | undefined> {
  const { count, spanId, parentId, trace } = rows
  // Row + 1 of the first span with a trace and span id, in one open-addressing table.
  const mask = 2 ** Math.ceil(Math.log2(2 * count + 1)) - 1
  if (!turn.reserve(4 * (mask + count))) return undefined
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
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return undefined
    const slot = slotOf(trace[row]!, spanId[2 * row]!, spanId[2 * row + 1]!)
    if (table[slot] === 0) table[slot] = row + 1
  }
  const parents = new Int32Array(count).fill(NO_PARENT)
  for (let row = 0; row < count; row++) {
    if (turn.work(ROW_UNITS) && (await turn.breathe())) return undefined
    const [lo, hi] = [parentId[2 * row]!, parentId[2 * row + 1]!]
    if (lo === 0 && hi === 0) continue
    const found = table[slotOf(trace[row]!, lo, hi)]! - 1
    parents[row] = found < 0 ? NOT_HERE : found
  }
  turn.release(4 * mask)
  return parents
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
