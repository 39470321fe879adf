import type { Clock } from '../runtime.ts'

/** Between two tries of one segment; doubled from try to try. A try may read all of it, and the writer does nothing else meanwhile. */
const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 30_000

interface LeftOutSegment {
  /** Nothing had been written after it. */
  readonly wasLast: boolean
  readonly refusal: string
  readonly pauseMs: number
  /** Monotonic. */
  readonly dueMs: number
}

/** Segments that the file system did not give out when the store was opened, and when each is tried again. */
export class LeftOut {
  readonly #clock: Clock
  readonly #segments = new Map<number, LeftOutSegment>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** It was refused, for the first time or again. */
  refused(id: number, wasLast: boolean, refusal: string): void {
    const before = this.#segments.get(id)
    const pauseMs = before ? Math.min(2 * before.pauseMs, MAX_PAUSE_MS) : FIRST_PAUSE_MS
    this.#segments.set(id, { wasLast, refusal, pauseMs, dueMs: this.#clock.monotonicMs() + pauseMs })
  }

  /** It is not left out any more. The others are worth a try now. */
  taken(id: number): void {
    this.#segments.delete(id)
    for (const [other, segment] of this.#segments) this.#segments.set(other, { ...segment, dueMs: -Infinity })
  }

  /** Why the first of them is left out; undefined when none is. */
  get refusal(): string | undefined {
    return this.#segments.values().next().value?.refusal
  }

  /** The next one to be tried now. */
  get due(): { readonly id: number; readonly wasLast: boolean } | undefined {
    for (const [id, { wasLast, dueMs }] of this.#segments)
      if (dueMs <= this.#clock.monotonicMs()) return { id, wasLast }
    return undefined
  }
}
