import type { OnPartial } from '../../../contract.ts'
import type { PartCount } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'

/** How often what there is so far is told. Milliseconds. */
const EVERY_MS = 250
/** Telling it takes at most this share of the time. */
const SHARE = 0.1

/** Tells while something is being counted how far that is, and what it has come to. Who does not listen pays nothing. */
export class Growth<T extends object> implements PartCount {
  readonly #turn: Turn
  readonly #partsTotal: number
  readonly #answer: () => T
  readonly #tell: OnPartial<T> | undefined
  #partsDone = 0
  #nextMs = EVERY_MS

  /** `answer`: what there is so far; it is told as not complete. */
  constructor(turn: Turn, partsTotal: number, answer: () => T, tell: OnPartial<T> | undefined) {
    this.#turn = turn
    this.#partsTotal = partsTotal
    this.#answer = answer
    this.#tell = tell
  }

  /** A part has been dealt with. */
  part(): void {
    this.#partsDone++
    if (!this.#tell) return
    const beganMs = this.#turn.elapsedMs
    if (beganMs < this.#nextMs) return
    this.#tell({
      partsDone: this.#partsDone,
      partsTotal: this.#partsTotal,
      answer: { ...this.#answer(), complete: false },
    })
    const endedMs = this.#turn.elapsedMs
    this.#nextMs = endedMs + Math.max(EVERY_MS, (endedMs - beganMs) / SHARE)
  }
}
