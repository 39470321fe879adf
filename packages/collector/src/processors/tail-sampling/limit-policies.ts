/** Policies whose answer depends on what they have kept before: limits over time. */
import { keepWhere, type Decision, type Policy, type Trace } from './policy.ts'

/** A bucket of tokens that fills up with time; `burst` of them at first and at most. `clock` gives milliseconds. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  readonly #clock: () => number
  #tokens: number
  #at: number

  constructor(perSecond: number, burst: number, clock: () => number) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#clock = clock
    this.#tokens = burst
    this.#at = clock()
  }

  /** Takes that many, or none. */
  take(tokens: number): boolean {
    const now = this.#clock()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs)
    this.#at = now
    if (tokens > this.#tokens) return false
    this.#tokens -= tokens
    return true
  }
}

interface Limit {
  readonly perSecond: number
  readonly burst: number
  readonly clock: () => number
}

export function limiting({ perSecond, burst, clock }: Limit, costOf: (trace: Trace) => number): Policy {
  const bucket = new TokenBucket(perSecond, burst > 0 ? burst : 2 * perSecond, clock)
  return { decide: (trace) => keepWhere(bucket.take(costOf(trace))) }
}

export interface SubPolicy {
  readonly policy: Policy
  /** Spans that it may keep in a second. */
  readonly maxSpans: number
}

/** The first that keeps a trace counts, within its spans and those of all for each second of the clock. */
export function composite(all: readonly SubPolicy[], maxTotal: number, clock: () => number): Policy {
  const kept = all.map(() => 0)
  let second = 0
  return {
    decide(trace): Decision {
      const now = Math.floor(clock() / 1000)
      if (now !== second) {
        second = now
        kept.fill(0)
      }
      const index = all.findIndex(({ policy }) => policy.decide(trace) === 'sampled')
      if (index < 0) return 'not_sampled'
      const spans = kept[index]! + trace.spans
      if (spans > all[index]!.maxSpans || spans > maxTotal) return 'not_sampled'
      kept[index] = spans
      return 'sampled'
    },
  }
}
