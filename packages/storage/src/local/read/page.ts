import type { TraceSummary } from '../../contract.ts'
import { comparePositions, positionOf, type Plan, type Position } from './plan.ts'
import type { Turn } from './turn.ts'

/** Bytes of a summary in memory, about, and of each of its services. */
const SUMMARY_BYTES = 600
const SHARE_BYTES = 100

/**
 * The summaries of a page in the making, best first. Of those that wait for their place only as many are kept as there can be on the
 * page, and one that tells that there is more.
 */
export class Page {
  readonly traces: TraceSummary[] = []
  readonly #plan: Plan
  readonly #turn: Turn
  readonly #waiting: { readonly position: Position; readonly summary: TraceSummary }[] = []

  constructor(plan: Plan, turn: Turn) {
    this.#plan = plan
    this.#turn = turn
  }

  get isFull(): boolean {
    return this.traces.length === this.#plan.limit
  }

  /** The place of the best that waits. */
  get next(): Position | undefined {
    return this.#waiting[0]?.position
  }

  /** Without memory for it the summary is left out. */
  add(summary: TraceSummary): void {
    if (!this.#turn.reserve(bytesOf(summary))) return
    const position = positionOf(summary, this.#plan.order)
    const waiting = this.#waiting
    let low = 0
    let high = waiting.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (comparePositions(waiting[middle]!.position, position) <= 0) low = middle + 1
      else high = middle
    }
    waiting.splice(low, 0, { position, summary })
    if (waiting.length > this.#plan.limit - this.traces.length + 1) {
      this.#turn.release(bytesOf(waiting.pop()!.summary))
    }
  }

  /** The best that waits gets its place on the page. */
  take(): void {
    const best = this.#waiting.shift()
    if (best) this.traces.push(best.summary)
  }

  /** All that waits gets a place, as far as there are some: nothing better will come. */
  takeAll(): void {
    while (!this.isFull && this.next) this.take()
  }
}

function bytesOf({ services }: TraceSummary): number {
  return SUMMARY_BYTES + SHARE_BYTES * services.length
}
