/**
 * Traces by their id, each a row of typed arrays: a million of them are some 100 MB, and nothing for the collector of garbage to look at.
 * A row is used again once its trace is removed. Rows are in a list from the oldest to the newest, as they were added.
 */
import { Facts } from './facts.ts'
import { grown } from './grown.ts'
import { hashOf, isSameId } from './trace-id.ts'

/** No row. */
export const NONE = -1

const FIRST_CAPACITY = 256

export class TraceTable {
  /** Rows that have a trace. */
  size = 0
  /** The ends of the list; {@link NONE} where it is empty. */
  oldest = NONE
  newest = NONE
  /** Four words of each row. */
  ids = new Uint32Array(4 * FIRST_CAPACITY)
  /** What the owner says of the trace: 0 at first. */
  state = new Uint8Array(FIRST_CAPACITY)
  spans = new Uint32Array(FIRST_CAPACITY)
  /** Bytes of its spans, all that came. */
  bytes = new Float64Array(FIRST_CAPACITY)
  /** When it came and when it was decided, milliseconds on the clock of `performance.now()`. */
  arrived = new Float64Array(FIRST_CAPACITY)
  decided = new Float64Array(FIRST_CAPACITY)
  /** Two numbers for the owner. */
  due = new Float64Array(FIRST_CAPACITY)
  note = new Int32Array(FIRST_CAPACITY)
  /** What is known of its spans. */
  readonly facts = new Facts(FIRST_CAPACITY)
  /** First and last of its fragments. */
  head = new Int32Array(FIRST_CAPACITY)
  tail = new Int32Array(FIRST_CAPACITY)
  #older = new Int32Array(FIRST_CAPACITY)
  /** Of a row that has no trace: the next such. */
  #newer = new Int32Array(FIRST_CAPACITY)
  #free = NONE
  #used = 0
  /** Rows by the hash of their ids, plus one; 0 is free. */
  #slots = new Uint32Array(2 * FIRST_CAPACITY)

  /** The row of the id in four words from `at` on; {@link NONE} where it has none. */
  find(words: Uint32Array, at: number): number {
    return this.#slots[this.#slotOf(words, at)]! - 1
  }

  /** A new row, as the newest, for an id that has none. */
  add(words: Uint32Array, at: number, now: number): number {
    if (this.#free === NONE && this.#used === this.state.length) this.#grow()
    const row = this.#free === NONE ? this.#used++ : this.#free
    if (row === this.#free) this.#free = this.#newer[row]!
    for (let i = 0; i < 4; i++) this.ids[4 * row + i] = words[at + i]!
    this.state[row] = this.spans[row] = this.bytes[row] = this.due[row] = this.note[row] = 0
    this.facts.clear(row)
    this.arrived[row] = this.decided[row] = now
    this.head[row] = this.tail[row] = NONE
    this.#older[row] = this.newest
    this.#newer[row] = NONE
    if (this.newest === NONE) this.oldest = row
    else this.#newer[this.newest] = row
    this.newest = row
    this.#slots[this.#slotOf(words, at)] = row + 1
    this.size++
    return row
  }

  /** The one that was added after it. */
  newerThan(row: number): number {
    return this.#newer[row]!
  }

  remove(row: number): void {
    const [older, newer] = [this.#older[row]!, this.#newer[row]!]
    if (older === NONE) this.oldest = newer
    else this.#newer[older] = newer
    if (newer === NONE) this.newest = older
    else this.#older[newer] = older
    this.#vacate(this.#slotOf(this.ids, 4 * row))
    this.#newer[row] = this.#free
    this.#free = row
    this.size--
  }

  /** Where the id is, or where it would be. */
  #slotOf(words: Uint32Array, at: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hashOf(words, at) & mask
    while (slots[slot] !== 0 && !isSameId(this.ids, 4 * (slots[slot]! - 1), words, at)) slot = (slot + 1) & mask
    return slot
  }

  /** What is behind a slot that becomes free moves up, as far as it could not be where it belongs. */
  #vacate(slot: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let hole = slot
    for (let i = (slot + 1) & mask; slots[i] !== 0; i = (i + 1) & mask) {
      const home = hashOf(this.ids, 4 * (slots[i]! - 1)) & mask
      if (((i - home) & mask) < ((i - hole) & mask)) continue
      slots[hole] = slots[i]!
      hole = i
    }
    slots[hole] = 0
  }

  #grow(): void {
    const capacity = 2 * this.state.length
    this.ids = grown(this.ids, 4 * capacity)
    this.state = grown(this.state, capacity)
    this.spans = grown(this.spans, capacity)
    this.bytes = grown(this.bytes, capacity)
    this.arrived = grown(this.arrived, capacity)
    this.decided = grown(this.decided, capacity)
    this.due = grown(this.due, capacity)
    this.note = grown(this.note, capacity)
    this.facts.grow(capacity)
    this.head = grown(this.head, capacity)
    this.tail = grown(this.tail, capacity)
    this.#older = grown(this.#older, capacity)
    this.#newer = grown(this.#newer, capacity)
    this.#slots = new Uint32Array(2 * capacity)
    for (let row = 0; row < this.#used; row++) this.#slots[this.#slotOf(this.ids, 4 * row)] = row + 1
  }
}
