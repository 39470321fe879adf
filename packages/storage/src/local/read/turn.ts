import type { Clock } from '../runtime.ts'

/** How long a query runs before it lets the thread's other work have its turn, in milliseconds. */
const TURN_MS = 8

/** A query's time: it gives way to others now and then, and stops at its deadline or when nobody waits for it any more. */
export class Turn {
  /** Spans looked at so far. */
  spans = 0
  /** Something was left out, or could not be read. */
  incomplete = false
  #stopped = false
  readonly #clock: Clock
  readonly #began: number
  #turnEnds: number
  readonly #timeoutMs: number
  readonly #deadline: number

  constructor(clock: Clock, timeoutMs: number) {
    const now = clock.monotonicMs()
    this.#clock = clock
    this.#began = now
    this.#timeoutMs = timeoutMs
    this.#deadline = now + timeoutMs
    this.#turnEnds = Math.min(now + TURN_MS, this.#deadline)
  }

  /** Milliseconds since it began. */
  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#began
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** The share of its time that is over, 0 to 1. */
  get used(): number {
    return 1 - (this.#deadline - this.#clock.monotonicMs()) / this.#timeoutMs
  }

  stop(): void {
    this.#stopped = true
  }

  /** To be awaited between pieces of work; true means: end with what there is. */
  breathe(): boolean | Promise<boolean> {
    if (this.#stopped) return true
    const now = this.#clock.monotonicMs()
    if (now < this.#turnEnds) return false
    if (now >= this.#deadline) {
      this.#stopped = true
      return true
    }
    return this.#giveWay()
  }

  async #giveWay(): Promise<boolean> {
    await this.#clock.turn()
    this.#turnEnds = this.#clock.monotonicMs() + TURN_MS
    return this.#stopped
  }
}
