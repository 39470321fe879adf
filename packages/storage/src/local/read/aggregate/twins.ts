import type { BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import { RecentSpans } from '../recent-spans.ts'
import { TraceIds, widened } from '../trace-ids.ts'
import { Attempt, type Turn } from '../turn.ts'
import { isSameOperation } from './own-twins.ts'

/** What a trace costs, and asking whether a span is known, in units of {@link Turn.work}. */
const TRACE_UNITS = 60
const SEEN_UNITS = 150
/** Spans of a trace that start at once, of which each is compared with all others. */
const MAX_COMPARED = 16
/** Traces that are told apart: 50 MiB. Where there are more, all spans have to be known by their headers. */
const MAX_TRACES = 1 << 21

/**
 * Finds spans that were sent twice, so that they count once. Those of a trace that is in one block alone, where its rows follow one another by their start, are held against those that start with them;
 * all others have to be known by their headers.
 */
export class Twins {
  readonly #turn: Turn
  readonly #recent: RecentSpans
  #ids: TraceIds | undefined
  /** By trace: whether it is in several blocks. */
  #isShared = new Uint8Array(0)

  constructor(turn: Turn) {
    this.#turn = turn
    this.#recent = new RecentSpans(turn)
  }

  /**
   * Looks which traces are in several of the blocks in question. Worth it where each of their spans counts. Without it, or where there is no time or memory for it, all spans have to be known by their
   * headers.
   */
  async survey(blocks: readonly Block[], isInQuestion: (block: Block) => boolean): Promise<void> {
    if (!blocks.some((block) => 'extents' in block)) return
    const memory = new Attempt(this.#turn)
    const ids = new TraceIds(memory, 1, (capacity) => (this.#isShared = widened(this.#isShared, capacity)))
    this.#isShared = new Uint8Array(ids.capacity)
    for (const block of blocks) {
      // Of what is damaged nothing counts.
      const isDone =
        !(await this.#turn.breathe()) &&
        (!isInQuestion(block) || (await this.#turn.attemptAll(() => this.#add(ids, block))) !== false)
      if (!isDone) return memory.end()
    }
    this.#ids = ids
  }

  /** Takes from `wanted` what was there before. False when the turn ended. */
  async remove(rows: BlockRows, wanted: Uint8Array): Promise<boolean> {
    const { first } = rows
    const ids = this.#ids
    if (!ids || !first) return this.#removeKnown(rows, wanted, 0, rows.count)
    const alone = new TraceRows(rows)
    for (let trace = 0; trace < rows.traceCount; trace++) {
      if (this.#turn.work(TRACE_UNITS) && (await this.#turn.breathe())) return false
      const [from, to] = [first[trace]! - first[0]!, first[trace + 1]! - first[0]!]
      const entry = ids.find(rows.traceIds, 4 * trace)
      if (entry >= 0 && !this.#isShared[entry] && alone.remove(from, to, wanted)) continue
      if (!(await this.#removeKnown(rows, wanted, from, to))) return false
    }
    return true
  }

  async #removeKnown(rows: BlockRows, wanted: Uint8Array, from: number, to: number): Promise<boolean> {
    for (let row = from; row < to; row++) {
      if (!wanted[row]) continue
      if (this.#turn.work(SEEN_UNITS) && (await this.#turn.breathe())) return false
      if (!this.#recent.isNew(rows, row)) wanted[row] = 0
    }
    return true
  }

  /** False when the turn ended, or there are too many. */
  async #add(ids: TraceIds, block: Block): Promise<boolean> {
    const { traceIds, traceCount } = block.extents?.() ?? block.rows()
    for (let trace = 0; trace < traceCount; trace++) {
      if (this.#turn.work(TRACE_UNITS) && (await this.#turn.breathe())) return false
      const before = ids.size
      const entry = before < MAX_TRACES ? ids.add(traceIds, 4 * trace) : -1
      if (entry < 0) return false
      if (ids.size === before) this.#isShared[entry] = 1
    }
    return true
  }
}

/** Rows of traces that are all in one block, where they follow one another by their start. */
export class TraceRows {
  readonly #rows: Pick<BlockRows, 'startHi' | 'startLo' | 'durationNs' | 'status' | 'operation'>
  readonly #all: BlockRows

  constructor(rows: BlockRows) {
    const { startHi, startLo, durationNs, status, operation } = rows
    this.#rows = { startHi, startLo, durationNs, status, operation }
    this.#all = rows
  }

  /** Takes from `wanted` which of a trace's rows is there before it. False, and nothing is taken, where too many of them start at once. */
  remove(from: number, to: number, wanted: Uint8Array): boolean {
    const { startHi, startLo } = this.#rows
    let begin = from
    for (let row = from + 1; row < to; row++) {
      if (startLo[row] !== startLo[row - 1] || startHi[row] !== startHi[row - 1]) begin = row
      else if (row - begin >= MAX_COMPARED) return false
    }
    for (let row = from + 1; row < to; row++)
      for (
        let before = row - 1;
        before >= from && startLo[row] === startLo[before] && startHi[row] === startHi[before];
        before--
      )
        if (this.#isSame(row, before)) wanted[row] = 0
    return true
  }

  #isSame(a: number, b: number): boolean {
    const { durationNs, status, operation } = this.#rows
    if (durationNs[a] !== durationNs[b] || status[a] !== status[b]) return false
    const { spanId, parentId, operations } = this.#all
    return (
      [spanId, parentId].every((ids) => ids[2 * a] === ids[2 * b] && ids[2 * a + 1] === ids[2 * b + 1]) &&
      isSameOperation(operations[operation[a]!]!, operations[operation[b]!]!)
    )
  }
}
