/** Decisions about traces that are remembered, those that were asked for least lately forgotten first. */
import { NONE, TraceTable } from '../../processor-helper/index.ts'

export class DecisionCache {
  readonly #maxTraces: number
  readonly #table = new TraceTable()
  readonly #forgotten: (mark: number) => void

  /** `maxTraces`: how many are remembered; 0 and more. `forgotten` hears of the mark of what is not remembered any more. */
  constructor(maxTraces: number, forgotten: (mark: number) => void) {
    this.#maxTraces = maxTraces
    this.#forgotten = forgotten
  }

  get isOn(): boolean {
    return this.#maxTraces > 0
  }

  /** What was put with it; undefined where it is not known (any more). */
  get(words: Uint32Array, at: number): number | undefined {
    const row = this.#table.find(words, at)
    if (row === NONE) return undefined
    const note = this.#table.note[row]!
    const mark = this.#table.due[row]!
    this.#table.remove(row)
    this.#add(words, at, note, mark)
    return note
  }

  put(words: Uint32Array, at: number, note: number, mark: number): void {
    const row = this.#table.find(words, at)
    if (row !== NONE) this.#forget(row)
    else if (this.#table.size >= this.#maxTraces) this.#forget(this.#table.oldest)
    this.#add(words, at, note, mark)
  }

  #forget(row: number): void {
    this.#forgotten(this.#table.due[row]!)
    this.#table.remove(row)
  }

  #add(words: Uint32Array, at: number, note: number, mark: number): void {
    // First the row: adding it may put larger arrays in the place of these.
    const row = this.#table.add(words, at, 0)
    this.#table.note[row] = note
    this.#table.due[row] = mark
  }
}
