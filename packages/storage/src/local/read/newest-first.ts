import type { BlockRows } from '../block/rows.ts'
import type { Block } from './block.ts'
import { IndexHeap } from './index-heap.ts'
import { Page } from './page.ts'
import { isInRange, isWanted, matchesIn, type Found, type Plan } from './plan.ts'
import { Summarizer } from './summary.ts'
import { TraceIds, widened } from './trace-ids.ts'
import { gatherTrace } from './trace-parts.ts'
import type { Turn } from './turn.ts'

/** The share of the time after which no further block is looked into, so that what was found can be shown. */
const LOOKING_SHARE = 0.8

/**
 * Best first. There are blocks (bound: their latest start), traces seen with a matching span (bound: their earliest start in that
 * block, as the trace can only have begun earlier) and traces with their summary (exact). The one with the latest bound is next; what comes
 * out with its summary is later than all that is left.
 */
export async function newestFirst(blocks: readonly Block[], plan: Plan, turn: Turn): Promise<Found> {
  const summarizer = new Summarizer(turn)
  const inRange = blocks.filter((block) => isInRange(block, plan, turn)).sort(byLatest)
  const seen = new SeenTraces(turn)
  const page = new Page(plan, turn)
  let looked = 0
  let late = false
  while (!(await turn.breathe())) {
    const block = inRange[looked]
    const trace = seen.first
    const bound = trace === undefined ? undefined : seen.start(trace)
    const exact = page.next && -page.next.key
    // Of equal bounds blocks come first, then traces without summary (their id may still be the smaller).
    if (block && (bound === undefined || block.maxStart >= bound) && (exact === undefined || block.maxStart >= exact)) {
      looked++
      // Late: the blocks that are left are not looked into, and of what was found a page is shown.
      late = (await turn.breathe(LOOKING_SHARE)) || !(await look(block, plan, turn, seen))
      if (late) looked = inRange.length
    } else if (trace !== undefined && (exact === undefined || bound! >= exact)) {
      seen.pop()
      const parts = await gatherTrace(blocks, seen.ids.words(trace), turn)
      const summary = parts && (await summarizer.summarize(parts))
      if (summary && isWanted(summary, plan)) page.add(summary)
    } else if (exact !== undefined) {
      if (page.isFull) return { traces: page.traces, more: true }
      page.take()
    } else return { traces: page.traces, more: late }
  }
  page.takeAll()
  return { traces: page.traces, more: true }
}

/** False when there is no memory for what the block has. */
async function look(block: Block, plan: Plan, turn: Turn, seen: SeenTraces): Promise<boolean> {
  const found = await matchesIn(block, plan, turn, LOOKING_SHARE)
  return found === undefined || seen.add(found.rows, found.matched)
}

function byLatest(a: Block, b: Block): number {
  return a.maxStart > b.maxStart ? -1 : a.maxStart < b.maxStart ? 1 : 0
}

/** Traces that were found, by the earliest start that is known of each, the latest first. 36 bytes a trace. */
class SeenTraces {
  readonly ids: TraceIds
  readonly #turn: Turn
  #startHi: Uint32Array
  #startLo: Uint32Array
  readonly #queue: IndexHeap

  constructor(turn: Turn) {
    this.#turn = turn
    this.ids = new TraceIds(turn, 12, (capacity) => {
      this.#startHi = widened(this.#startHi, capacity)
      this.#startLo = widened(this.#startLo, capacity)
    })
    this.#startHi = new Uint32Array(this.ids.capacity)
    this.#startLo = new Uint32Array(this.ids.capacity)
    this.#queue = new IndexHeap(
      (a, b) =>
        this.#startHi[b]! - this.#startHi[a]! || this.#startLo[b]! - this.#startLo[a]! || this.ids.compare(a, b),
    )
  }

  get first(): number | undefined {
    return this.#queue.first
  }

  pop(): void {
    this.#queue.pop()
  }

  start(entry: number): bigint {
    return (BigInt(this.#startHi[entry]!) << 32n) | BigInt(this.#startLo[entry]!)
  }

  /** Adds the marked traces, each with the earliest start of its spans in the block. False when there is no memory for more. */
  async add(rows: BlockRows, matched: Uint8Array): Promise<boolean> {
    const turn = this.#turn
    const earliest = new Int32Array(rows.traceCount).fill(-1)
    const { startHi, startLo, trace } = rows
    for (let row = 0; row < rows.count; row++) {
      if (turn.work(50) && (await turn.breathe())) return false
      const index = trace[row]!
      if (!matched[index]) continue
      const best = earliest[index]!
      if (
        best < 0 ||
        startHi[row]! < startHi[best]! ||
        (startHi[row] === startHi[best] && startLo[row]! < startLo[best]!)
      )
        earliest[index] = row
    }
    for (let index = 0; index < earliest.length; index++) {
      const row = earliest[index]!
      if (row < 0) continue
      if (turn.work(200) && (await turn.breathe())) return false
      const before = this.ids.size
      const entry = this.ids.add(rows.traceIds, 4 * index)
      if (entry < 0) return false
      if (entry < before) continue
      this.#startHi[entry] = startHi[row]!
      this.#startLo[entry] = startLo[row]!
      this.#queue.push(entry)
    }
    return true
  }
}
