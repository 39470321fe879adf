import { widened } from './trace-ids.ts'

/** A binary heap of the entry numbers of a table, 4 bytes each: `pop` gives what comes first by `compare`. */
export class IndexHeap {
  size = 0
  #entries = new Uint32Array(1 << 10)
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
    const entries = this.#entries
    let i = this.size++
    while (i > 0) {
      const up = (i - 1) >> 1
      if (this.#compare(entries[up]!, entry) <= 0) break
      entries[i] = entries[up]!
      i = up
    }
    entries[i] = entry
  }

  pop(): number | undefined {
    if (this.size === 0) return undefined
    const entries = this.#entries
    const top = entries[0]!
    const size = --this.size
    const entry = entries[size]!
    let i = 0
    for (;;) {
      let down = 2 * i + 1
      if (down >= size) break
      if (down + 1 < size && this.#compare(entries[down + 1]!, entries[down]!) < 0) down++
      if (this.#compare(entry, entries[down]!) <= 0) break
      entries[i] = entries[down]!
      i = down
    }
    entries[i] = entry
    return top
  }
}
