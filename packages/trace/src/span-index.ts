import type { SpanTable } from './span-table.ts'

/**
 * How many spans of one id are looked at before the rest are passed over; keeps a trace in which all share one id
 * linear.
 */
const MAX_SAME_ID = 64
/** Spans that are filled in between two chances to pause. */
const STEP = 512
/** Spans from which they are not all near at hand, in the processor's caches. */
const FROM_MEMORY = 1 << 15

/**
 * Spans of a table by their id, as positions in an order; spans of one id are visited in that order. Spans without an id are
 * not in it. It works in the table's own memory.
 */
export class SpanIndex {
  readonly #ids: Uint32Array
  readonly #order: Uint32Array
  readonly #size: number
  readonly #heads: Int32Array
  readonly #nextSame: Int32Array
  readonly #mask: number
  /** What {@link touch} saw: reads of which nothing is kept are left out by the compiler. */
  touched = 0

  constructor(table: SpanTable, order: Uint32Array, size: number) {
    this.#ids = table.spanId
    this.#order = order
    this.#size = size
    let slots = 16
    while (slots < 2 * size) slots *= 2
    this.#heads = table.scratch.slots.length >= slots ? table.scratch.slots.subarray(0, slots) : new Int32Array(slots)
    this.#nextSame = table.scratch.nextSame
    this.#mask = slots - 1
  }

  /** Yields now and then about how many nanoseconds it took. `shared` hears of each position whose id is that of others, once or more. */
  *fill(shared: (position: number) => void): Generator<number, void, void> {
    this.#heads.fill(-1)
    // From last to first, each put before those already there, leaves the spans of one id in order.
    for (let end = this.#size; end > 0; end -= STEP) {
      const from = Math.max(0, end - STEP)
      this.touch(this.#ids, from, end)
      for (let position = end - 1; position >= from; position--) {
        const at = 2 * this.#order[position]!
        const [lo, hi] = [this.#ids[at]!, this.#ids[at + 1]!]
        if (lo === 0 && hi === 0) continue
        const slot = this.#slotOf(lo, hi)
        const next = this.#heads[slot]!
        if (next !== -1) {
          shared(position)
          shared(next)
        }
        this.#nextSame[position] = next
        this.#heads[slot] = position
      }
      yield 30 * STEP
    }
  }

  /**
   * Looks at where the ids of these positions stand, `ids` being their own or those of their parents. All together they come out of memory in a
   * third of the time that they take one after the other, when each is waited for.
   */
  touch(ids: Uint32Array, from: number, end: number): void {
    if (this.#size < FROM_MEMORY) return
    const heads = this.#heads
    const order = this.#order
    const mask = this.#mask
    let seen = 0
    for (let position = from; position < end; position++) {
      const at = 2 * order[position]!
      const head = heads[hashOf(ids[at]!, ids[at + 1]!) & mask]!
      if (head !== -1) seen ^= this.#ids[2 * order[head]!]!
    }
    this.touched = seen
  }

  /** The first position with the id, or -1. */
  first(lo: number, hi: number): number {
    return this.#heads[this.#slotOf(lo, hi)]!
  }

  /** The next position with the same id, or -1. */
  next(position: number): number {
    return this.#nextSame[position]!
  }

  /** The first position of the id's spans for which `accept` holds, or -1. Looks at no more than 64. */
  find(first: number, accept: (position: number) => boolean): number {
    let left = MAX_SAME_ID
    for (let position = first; position !== -1 && left > 0; position = this.#nextSame[position]!, left--) {
      if (accept(position)) return position
    }
    return -1
  }

  #slotOf(lo: number, hi: number): number {
    const mask = this.#mask
    let slot = hashOf(lo, hi) & mask
    for (let head = this.#heads[slot]!; head !== -1; head = this.#heads[slot]!) {
      const at = 2 * this.#order[head]!
      if (this.#ids[at] === lo && this.#ids[at + 1] === hi) break
      slot = (slot + 1) & mask
    }
    return slot
  }
}

function hashOf(lo: number, hi: number): number {
  return Math.imul(lo ^ (hi >>> 15), 0x9e3779b1) ^ Math.imul(hi, 0x85ebca6b)
}
