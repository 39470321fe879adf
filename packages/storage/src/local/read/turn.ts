import { setImmediate } from 'node:timers/promises'

/** How long a query runs before it lets the thread's other work have its turn, in milliseconds. */
const TURN_MS = 8

/** A query's time: it gives way to others now and then, and stops at its deadline or when nobody waits for it any more. */
export class Turn {
  /** Spans looked at so far. */
  spans = 0
  /** Something was left out, or could not be read. */
  incomplete = false
  #stopped = false
  #turnEnds: number
  readonly #timeoutMs: number
  readonly #deadline: number

  constructor(timeoutMs: number) {
    const now = performance.now()
    this.#timeoutMs = timeoutMs
    this.#deadline = now + timeoutMs
    this.#turnEnds = Math.min(now + TURN_MS, this.#deadline)
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** The share of its time that is over, 0 to 1. */
  get used(): number {
    return 1 - (this.#deadline - performance.now()) / this.#timeoutMs
  }

  stop(): void {
    this.#stopped = true
  }

  /** To be awaited between pieces of work; true means: end with what there is. */
  breathe(): boolean | Promise<boolean> {
    if (this.#stopped) return true
    const now = performance.now()
    if (now < this.#turnEnds) return false
    if (now >= this.#deadline) {
      this.#stopped = true
      return true
    }
    return this.#giveWay()
  }

  async #giveWay(): Promise<boolean> {
    await setImmediate()
    this.#turnEnds = performance.now() + TURN_MS
    return this.#stopped
  }
}
