import { widened } from './trace-ids.ts'

/** A binary heap of the entry numbers of a table, 8 bytes each: `pop` gives what comes first by `compare`. */
export class IndexHeap {
  size = 0
  #entries = new Uint32Array(1 << 10)
  /** Entry -> its place + 1; 0: it is not in the heap. */
  #places = new Uint32Array(1 << 10)
  readonly #compare: (a: number, b: number) => number

  constructor(compare: (a: number, b: number) => number) {
    this.#compare = compare
  }

  /** What `pop` would give; undefined when it is empty. */
  get first(): number | undefined {
    return this.size === 0 ? undefined : this.#entries[0]
  }

  push(entry: number): void {
    if (this.size === this.#entries.length) this.#entries = widened(this.#entries, 2 * this.size)
    if (entry >= this.#places.length) this.#places = widened(this.#places, Math.max(entry + 1, 2 * this.#places.length))
    this.#rise(entry, this.size++)
  }

  /** What `compare` says of an entry in the heap has changed. */
  update(entry: number): void {
    this.#rise(entry, this.#places[entry]! - 1)
    this.#sink(entry, this.#places[entry]! - 1)
  }

  pop(): number | undefined {
    if (this.size === 0) return undefined
    const top = this.#entries[0]!
    this.#places[top] = 0
    const last = this.#entries[--this.size]!
    if (this.size > 0) this.#sink(last, 0)
    return top
  }

  #rise(entry: number, from: number): void {
    const entries = this.#entries
    let i = from
    while (i > 0) {
      const up = (i - 1) >> 1
      if (this.#compare(entries[up]!, entry) <= 0) break
      this.#put(entries[up]!, i)
      i = up
    }
    this.#put(entry, i)
  }

  #sink(entry: number, from: number): void {
    const entries = this.#entries
    const { size } = this
    let i = from
    for (;;) {
      let down = 2 * i + 1
      if (down >= size) break
      if (down + 1 < size && this.#compare(entries[down + 1]!, entries[down]!) < 0) down++
      if (this.#compare(entry, entries[down]!) <= 0) break
      this.#put(entries[down]!, i)
      i = down
    }
    this.#put(entry, i)
  }

  #put(entry: number, place: number): void {
    this.#entries[place] = entry
    this.#places[entry] = place + 1
  }
}
