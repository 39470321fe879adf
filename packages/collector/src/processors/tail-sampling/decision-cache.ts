/** Decisions about traces that are remembered, those that were asked for least lately forgotten first. */
import { NONE, TraceTable } from '../../processor-helper/index.ts'

export class DecisionCache {
  readonly #maxTraces: number
  readonly #table = new TraceTable()

  /** `maxTraces`: how many are remembered; 0 and more. */
  constructor(maxTraces: number) {
    this.#maxTraces = maxTraces
  }

  get isOn(): boolean {
    return this.#maxTraces > 0
  }

  /** What was put with it; undefined where it is not known (any more). */
  get(words: Uint32Array, at: number): number | undefined {
    const row = this.#table.find(words, at)
    if (row === NONE) return undefined
    const note = this.#table.note[row]!
    this.#table.remove(row)
    this.#add(words, at, note)
    return note
  }

  put(words: Uint32Array, at: number, note: number): void {
    const row = this.#table.find(words, at)
    if (row !== NONE) this.#table.remove(row)
    else if (this.#table.size >= this.#maxTraces) this.#table.remove(this.#table.oldest)
    this.#add(words, at, note)
  }

  #add(words: Uint32Array, at: number, note: number): void {
    // First the row: adding it may put larger arrays in the place of these.
    const row = this.#table.add(words, at, 0)
    this.#table.note[row] = note
  }
}
