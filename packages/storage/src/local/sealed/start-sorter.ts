import type { SpanColumns } from '@spoor/otlp'

/** Spans that are put into their order one by one, at most. */
const FEW = 64

/** Puts the spans of a trace in the order of their starts; those that start together stay in theirs. */
export class StartSorter {
  readonly #startHi: Uint32Array
  readonly #startLo: Uint32Array
  readonly #order: Uint32Array
  /** Room for the first of two runs. */
  #run = new Uint32Array(2 * FEW)

  constructor({ startHi, startLo }: SpanColumns, order: Uint32Array) {
    this.#startHi = startHi
    this.#startLo = startLo
    this.#order = order
  }

  /** The spans of the traces `[from, to)`; `first` has where each begins, and one more. */
  sort(first: Uint32Array, from: number, to: number): void {
    for (let trace = from; trace < to; trace++) this.#sort(first[trace]!, first[trace + 1]!)
  }

  #sort(start: number, end: number): void {
    for (let from = start; from < end; from += FEW) this.#insert(from, Math.min(from + FEW, end))
    for (let length = FEW; length < end - start; length *= 2)
      for (let from = start; from + length < end; from += 2 * length)
        this.#merge(from, from + length, Math.min(from + 2 * length, end))
  }

  #insert(start: number, end: number): void {
    const order = this.#order
    for (let k = start + 1; k < end; k++) {
      const one = order[k]!
      let at = k
      for (; at > start && this.#isLater(order[at - 1]!, one); at--) order[at] = order[at - 1]!
      order[at] = one
    }
  }

  /** Two runs, of which each is in its order. */
  #merge(start: number, middle: number, end: number): void {
    const order = this.#order
    const length = middle - start
    if (!this.#isLater(order[middle - 1]!, order[middle]!)) return
    if (length > this.#run.length) this.#run = new Uint32Array(2 * length)
    const run = this.#run
    for (let i = 0; i < length; i++) run[i] = order[start + i]!
    let left = 0
    let right = middle
    for (let at = start; left < length; at++) {
      if (right < end && this.#isLater(run[left]!, order[right]!)) order[at] = order[right++]!
      else order[at] = run[left++]!
    }
  }

  #isLater(a: number, b: number): boolean {
    const startHi = this.#startHi
    const startLo = this.#startLo
    return startHi[a]! > startHi[b]! || (startHi[a] === startHi[b] && startLo[a]! > startLo[b]!)
  }
}
