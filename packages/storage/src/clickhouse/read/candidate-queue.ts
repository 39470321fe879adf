import type { Query } from '../query.ts'
import { candidatesSql, decodeCandidate, type Candidate, type CandidateQuery } from '../sql/candidates.ts'

/** How many are asked for first, for each that is wanted; and how many times as many each time after that. */
const FIRST = 4
const MORE = 4
const LEAST = 100
const MOST = 100_000

/** Traces that may match, in order. They are asked for in parts, as seldom many are needed. */
export class CandidateQueue {
  /** How many there were so far. */
  seen = 0
  readonly #query: Query
  readonly #asked: Omit<CandidateQuery, 'limit' | 'beyond'>
  #limit: number
  #queue: Candidate[] = []
  #at = 0
  #isEnd = false

  constructor(query: Query, asked: Omit<CandidateQuery, 'limit' | 'beyond'>, wanted: number) {
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

  async #more(): Promise<void> {
    const beyond = this.#queue.at(-1)
    const statement = candidatesSql({ ...this.#asked, beyond, limit: this.#limit })
    const found = await this.#query.all(statement, decodeCandidate, 'searching')
    if (this.#query.isOver) return
    this.#isEnd = found.length < this.#limit
    this.#queue = found
    this.#at = 0
    this.seen += found.length
    this.#limit = Math.min(MOST, MORE * this.#limit)
  }
}

/** The ids of some traces, and where they are in the table's own time. */
export function extentOf(candidates: readonly Candidate[]): { ids: string[]; first: bigint; last: bigint } {
  const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
  return {
    ids: candidates.map(({ traceId }) => traceId),
    first: candidates.map(({ first }) => first).reduce(least),
    last: -candidates.map(({ last }) => -last).reduce(least),
  }
}
