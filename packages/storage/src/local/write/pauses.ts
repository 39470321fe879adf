import type { Clock } from '../runtime.ts'

/** From one try to the next, when the disk refuses it; doubled from try to try. */
const FIRST_MS = 1_000
const MAX_MS = 30_000

/** When what the disk has refused may be tried again. */
export class Pauses {
  readonly #clock: Clock
  #nextMs = FIRST_MS
  #dueMs = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#dueMs
  }

  failed(): void {
    this.#dueMs = this.#clock.monotonicMs() + this.#nextMs
    this.#nextMs = Math.min(2 * this.#nextMs, MAX_MS)
  }

  worked(): void {
    this.#nextMs = FIRST_MS
  }
}
