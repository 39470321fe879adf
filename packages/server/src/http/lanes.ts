import type { Counters } from '@spoor/collector'
import { RequestError } from '../api/params.ts'

/**
 * Kinds of queries that do not wait for each other. `lists`: names of services and the like, from what the store has at hand;
 * `traces`: one trace by its id; `searches`: what may have to look at much; `tails`: what comes, as long as the client stays.
 */
export type LaneName = 'lists' | 'traces' | 'searches' | 'tails'

interface LaneLimits {
  /** Queries that are answered at a time. An answer that is still being sent counts. */
  readonly running: number
  /** Queries that wait for their turn; beyond it one is refused. */
  readonly waiting: number
}

export const LANE_LIMITS: Readonly<Record<LaneName, LaneLimits>> = {
  lists: { running: 64, waiting: 512 },
  traces: { running: 16, waiting: 128 },
  searches: { running: 4, waiting: 64 },
  // None of these ends soon.
  tails: { running: 16, waiting: 0 },
}

export type Lanes = Readonly<Record<LaneName, Lane>>

export function createLanes(counters: Counters, limits = LANE_LIMITS): Lanes {
  const lane = (name: LaneName) => new Lane(name, limits[name], counters)
  return { lists: lane('lists'), traces: lane('traces'), searches: lane('searches'), tails: lane('tails') }
}

/** A bounded number of places, and a bounded queue before them, first come first served. */
export class Lane {
  readonly #name: LaneName
  readonly #limits: LaneLimits
  readonly #counters: Counters
  readonly #answered: { value: number }
  #running = 0
  readonly #waiting = new Set<() => void>()

  constructor(name: LaneName, limits: LaneLimits, counters: Counters) {
    this.#name = name
    this.#limits = limits
    this.#counters = counters
    this.#answered = counters.counter('spoor_queries', { lane: name })
    counters.gauge('spoor_queries_running', { lane: name }, () => this.#running)
    counters.gauge('spoor_queries_waiting', { lane: name }, () => this.#waiting.size)
  }

  /**
   * Resolves with the function that gives the place back; calling it again does nothing. Rejects with RequestError `busy` (503) when
   * the queue is full or `waitMs` milliseconds are over, and when the signal aborts.
   */
  async enter(waitMs: number, signal: AbortSignal): Promise<() => void> {
    if (this.#running >= this.#limits.running) {
      if (this.#waiting.size >= this.#limits.waiting) throw this.#refusal('queue_full')
      await this.#turn(waitMs, signal)
    } else this.#running++
    this.#answered.value++
    let isIn = true
    return () => {
      if (isIn) this.#leave()
      isIn = false
    }
  }

  /** The place is handed on: `#running` stays as it is. */
  #turn(waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', left)
        this.#waiting.delete(admit)
      }
      const admit = (): void => {
        done()
        resolve()
      }
      const left = (): void => {
        done()
        reject(this.#refusal('client_left'))
      }
      const timer = setTimeout(() => {
        done()
        reject(this.#refusal('waited_too_long'))
      }, waitMs)
      this.#waiting.add(admit)
      if (signal.aborted) left()
      else signal.addEventListener('abort', left, { once: true })
    })
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next) next()
    else this.#running--
  }

  #refusal(reason: 'queue_full' | 'waited_too_long' | 'client_left'): RequestError {
    this.#counters.counter('spoor_queries_refused', { lane: this.#name, reason }).value++
    const message = `too many ${this.#name} at once: ${this.#running} are being answered and ${this.#waiting.size} wait; try again, or ask for less at a time`
    return new RequestError(503, 'busy', message)
  }
}
