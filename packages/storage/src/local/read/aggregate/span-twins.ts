import type { BlockRows } from '../../block/rows.ts'
import { compareIds } from '../../sealed/trace-order.ts'
import type { Block } from '../block.ts'
import type { Turn } from '../turn.ts'

/** A look at a trace, and at a span of one that two blocks have, in units of {@link Turn.work}. */
const TRACE_UNITS = 40
const SPAN_UNITS = 20
/** Comparisons of spans of one trace, beyond which it is said that some may be the same. */
const MAX_COMPARED = 1 << 18
/** Blocks whose ids are remembered: most have much of their time in common with a few. */
const MAX_REMEMBERED = 4

/** The ids of a block: those of spans are read when they are first touched. */
type Ids = Pick<BlockRows, 'traceIds' | 'traceCount' | 'spanId' | 'trace' | 'count' | 'first'>

/** Tells whether a sealed block may have a span that another one has, by ids alone. */
export class SpanTwins {
  readonly #turn: Turn
  readonly #remembered = new Map<Block, Ids>()

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Whether a span of `block`, whose rows are in the order of their traces' ids, may be in one of the others. True as well when the turn ended. Throws as {@link Block.rows} does. */
  async mayBeIn(block: Block, others: readonly Block[]): Promise<boolean> {
    const own = this.#idsOf(block)
    if (!own.first) return true
    for (const other of others) {
      if (await this.#turn.breathe()) return true
      if (this.#haveCommon(own, this.#idsOf(other))) return true
    }
    return false
  }

  #idsOf(block: Block): Ids {
    const known = this.#remembered.get(block) ?? block.rows()
    this.#remembered.delete(block)
    this.#remembered.set(block, known)
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= MAX_REMEMBERED) break
      this.#remembered.delete(oldest)
    }
    return known
  }

  #haveCommon(own: Ids, other: Ids): boolean {
    this.#turn.work(TRACE_UNITS * (own.traceCount + other.traceCount))
    const shared = other.first ? sharedInOrder(own, other) : sharedWith(own, other)
    if (shared.size === 0) return false
    return other.first ? this.#inTraces(own, other, shared) : this.#inRows(own, other, shared)
  }

  /** `shared`: by the number of the trace there, that of the same here. */
  #inTraces(own: Ids, other: Ids, shared: ReadonlyMap<number, number>): boolean {
    for (const [theirs, ours] of shared) {
      const [from, to] = rowsOf(other, theirs)
      const [first, end] = rowsOf(own, ours)
      if ((to - from) * (end - first) > MAX_COMPARED) return true
      this.#turn.work(SPAN_UNITS * (to - from + end - first))
      for (let row = from; row < to; row++) if (has(own, first, end, other, row)) return true
    }
    return false
  }

  #inRows(own: Ids, other: Ids, shared: ReadonlyMap<number, number>): boolean {
    let compared = 0
    this.#turn.work(SPAN_UNITS * other.count)
    for (let row = 0; row < other.count; row++) {
      const ours = shared.get(other.trace[row]!)
      if (ours === undefined) continue
      const [first, end] = rowsOf(own, ours)
      compared += end - first
      if (compared > MAX_COMPARED || has(own, first, end, other, row)) return true
    }
    return false
  }
}

/** Of a trace of a block that has its rows together. */
function rowsOf({ first }: Ids, trace: number): readonly [from: number, to: number] {
  return [first![trace]! - first![0]!, first![trace + 1]! - first![0]!]
}

/** Whether one of these spans has the id of that one. */
function has({ spanId }: Ids, first: number, end: number, { spanId: theirs }: Ids, row: number): boolean {
  for (let own = first; own < end; own++)
    if (spanId[2 * own] === theirs[2 * row] && spanId[2 * own + 1] === theirs[2 * row + 1]) return true
  return false
}

/** Traces of both, which have them in the same order. */
function sharedInOrder(own: Ids, other: Ids): Map<number, number> {
  const shared = new Map<number, number>()
  for (let ours = 0, theirs = 0; ours < own.traceCount && theirs < other.traceCount;) {
    const order = compareIds(own.traceIds, 4 * ours, other.traceIds, 4 * theirs)
    if (order === 0) shared.set(theirs, ours)
    if (order <= 0) ours++
    if (order >= 0) theirs++
  }
  return shared
}

/** The same where the other one has them in any order. */
function sharedWith(own: Ids, other: Ids): Map<number, number> {
  const shared = new Map<number, number>()
  for (let theirs = 0; theirs < other.traceCount; theirs++) {
    let [low, high] = [0, own.traceCount - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareIds(own.traceIds, 4 * middle, other.traceIds, 4 * theirs) < 0) low = middle + 1
      else high = middle
    }
    if (compareIds(own.traceIds, 4 * low, other.traceIds, 4 * theirs) === 0) shared.set(theirs, low)
  }
  return shared
}
