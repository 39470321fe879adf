import type { Query } from '../query.ts'
import type { RowReader } from '../row-binary.ts'
import { candidatesSql, decodeCandidate, type Candidate, type CandidateQuery } from '../sql/candidates.ts'
import { timesSql } from '../sql/catalogue.ts'
import type { SpansOfTraces } from '../sql/spans.ts'
import { ALL_TIME, windowsBefore, type Window } from './windows.ts'

/** How many are asked for first, for each that is wanted; and how many times as many each time after that. */
const FIRST = 4
const MORE = 4
const LEAST = 100
const MOST = 100_000

type Asked = Omit<CandidateQuery, 'limit' | 'beyond' | 'window'>

/**
 * Traces that may match, in order. They are asked for in parts, as seldom many are needed; those that are newest also by stretches of time, where the range is long. A trace that began
 * before a stretch is met in it as if it began there: its place is a later one, and it is met once.
 */
export class CandidateQueue {
  /** How many there were so far. */
  seen = 0
  readonly #query: Query
  readonly #asked: Asked
  #limit: number
  #queue: Candidate[] = []
  #at = 0
  #windows: Iterator<Window, void> | undefined
  #window: Window | undefined
  #beyond: Candidate | undefined
  #isEnd = false
  /** Whether all spans of the traces in the queue were looked at. */
  #isOfWhole = false
  /** Of earlier stretches. */
  readonly #met = new Set<string>()

  constructor(query: Query, asked: Asked, wanted: number) {
    this.#query = query
    this.#asked = asked
    this.#limit = Math.min(MOST, Math.max(LEAST, FIRST * wanted))
  }

  /** The next one, of those that have come. */
  get first(): Candidate | undefined {
    return this.#queue[this.#at]
  }

  /** The next one; undefined when there is none, or the query is over. */
  async peek(): Promise<Candidate | undefined> {
    while (this.#at === this.#queue.length && !this.#isEnd && !this.#query.isOver) await this.#more()
    return this.#queue[this.#at]
  }

  shift(): void {
    this.#at++
  }

  /** The first ones: at most so many, and of so many spans, or one. */
  next(max: number, maxSpans: number): Candidate[] {
    let spans = 0
    let end = this.#at
    while (end < this.#queue.length && end - this.#at < max) {
      spans += this.#queue[end]!.spans
      if (spans > maxSpans && end > this.#at) break
      end++
    }
    return this.#queue.slice(this.#at, end)
  }

  /** The ids of some of them, and where their spans are in the table's own time, where that is known. */
  extentOf(candidates: readonly Candidate[]): SpansOfTraces {
    const ids = candidates.map(({ traceId }) => traceId)
    if (!this.#isOfWhole) return { ids }
    const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
    const first = candidates.map((each) => each.first).reduce(least)
    return { ids, first, last: -candidates.map((each) => -each.last).reduce(least) }
  }

  async #more(): Promise<void> {
    this.#windows ??= await this.#stretches()
    this.#window ??= this.#windows?.next().value ?? undefined
    if (!this.#window || this.#query.isOver) {
      this.#isEnd = true
      return
    }
    const limit = this.#limit
    const asked = { ...this.#asked, window: this.#window, beyond: this.#beyond, limit }
    const found = await this.#query.all(candidatesSql(asked), decodeCandidate, 'searching')
    if (this.#query.isOver) return
    const isLast = found.length < limit
    this.#queue = found.filter(({ traceId }) => !this.#met.has(traceId))
    this.#at = 0
    this.seen += this.#queue.length
    this.#isOfWhole = this.#window.from === ALL_TIME.from && this.#window.to === ALL_TIME.to
    if (!this.#isOfWhole) for (const { traceId } of this.#queue) this.#met.add(traceId)
    this.#beyond = isLast ? undefined : found.at(-1)
    this.#limit = Math.min(MOST, MORE * limit)
    if (isLast) this.#window = undefined
  }

  /** Undefined when the query is over. */
  async #stretches(): Promise<Iterator<Window, void> | undefined> {
    const { table, order, from, to, after } = this.#asked
    if (order !== 'newest') return [ALL_TIME][Symbol.iterator]()
    let [first, last] = [from, to]
    if (from === ALL_TIME.from || to === ALL_TIME.to) {
      const decode = (row: RowReader): Window => ({ from: row.int64(), to: row.int64() })
      const [times] = await this.#query.all(timesSql(table), decode, 'searching')
      if (!times) return undefined
      if (from === ALL_TIME.from) first = times.from
      if (to === ALL_TIME.to) last = times.to
    }
    const cursor = after ? -after.key : to
    return windowsBefore(cursor < to ? cursor : to, first, last)
  }
}
