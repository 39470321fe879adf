import type { TraceSummary } from '../../contract.ts'
import type { SearchOutput } from './output.ts'
import { comparePositions, positionOf, type Position } from './order.ts'
import type { Plan } from './plan.ts'
import type { Turn } from './turn.ts'

/** Bytes of a summary in memory, about, and of each of its services and named spans. */
const SUMMARY_BYTES = 600
const SHARE_BYTES = 100
/** Comes before all ids that a trace may have. */
const NO_TRACE = '0'.repeat(32)
/** Ids of traces that come later: more than a cursor carries. */
const MAX_LEFT = 1_000

/**
 * A page in the making. What gets its place is told at once. Of those that wait for their place only as many are kept as there can be on the
 * page, and one that tells that there is more.
 */
export class Page {
  /** Traces on the page. */
  size = 0
  /** The place of the last one on the page, or up to where there is no other, or where the page before ended. */
  last: Position | undefined
  /** Up to here all was dealt with before, on an earlier page or another way. */
  after: Position | undefined
  readonly #plan: Plan
  readonly #turn: Turn
  readonly #output: SearchOutput
  readonly #waiting: { readonly position: Position; readonly summary: TraceSummary }[] = []
  readonly #left: string[] = []

  constructor(plan: Plan, turn: Turn, output: SearchOutput) {
    this.#plan = plan
    this.#turn = turn
    this.#output = output
    this.last = this.after = plan.cursor?.after
  }

  get isFull(): boolean {
    return this.size === this.#plan.limit
  }

  /** The place of the best that waits. */
  get next(): Position | undefined {
    return this.#waiting[0]?.position
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Ids of all that were found and are not on the page; undefined when these were too many. */
  get left(): readonly string[] | undefined {
    if (this.#left.length > MAX_LEFT) return undefined
    return [...this.#waiting.map(({ position }) => position.traceId), ...this.#left]
  }

  /** All that comes before this key has been dealt with. */
  passTo(key: bigint): void {
    if (!this.last || this.last.key < key) this.last = { key, traceId: NO_TRACE }
  }

  /** What is known of another trace that comes later. */
  leave(traceId: string): void {
    if (this.#left.length <= MAX_LEFT) this.#left.push(traceId)
  }

  /** One that was on an earlier page, or for which there is no memory, is left out. */
  add(summary: TraceSummary): void {
    const position = positionOf(summary, this.#plan.order)
    if (this.after && comparePositions(position, this.after) <= 0) return
    if (!this.#turn.reserve(bytesOf(summary))) return
    const waiting = this.#waiting
    let low = 0
    let high = waiting.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (comparePositions(waiting[middle]!.position, position) <= 0) low = middle + 1
      else high = middle
    }
    waiting.splice(low, 0, { position, summary })
    if (waiting.length > this.#plan.limit - this.size + 1) this.#drop()
  }

  /** The best that waits gets its place on the page; the last place stays where it was for one that is found late, as what came in between two pages may be. */
  take(): void {
    const best = this.#waiting.shift()
    if (!best) return
    this.size++
    if (!this.last || comparePositions(best.position, this.last) > 0) this.last = best.position
    this.#output.trace(best.summary)
    this.#turn.release(bytesOf(best.summary))
  }

  /** All that waits gets a place, as far as there are some: nothing better will come. */
  takeAll(): void {
    while (!this.isFull && this.next) this.take()
  }

  /** What waits is found again, in another way. */
  forget(): void {
    while (this.#waiting.length > 0) this.#drop()
    this.#left.length = 0
    this.after = this.last
  }

  #drop(): void {
    const { summary, position } = this.#waiting.pop()!
    this.#turn.release(bytesOf(summary))
    this.leave(position.traceId)
  }
}

function bytesOf({ services, matched }: TraceSummary): number {
  return SUMMARY_BYTES + SHARE_BYTES * (services.length + (matched?.first.length ?? 0))
}
