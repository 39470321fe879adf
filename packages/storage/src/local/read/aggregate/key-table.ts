import { hashWords } from '../../block/hash.ts'
import { widened } from '../trace-ids.ts'

const INITIAL = 64

/** Numbers combinations of up to three whole numbers, 0, 1, 2 ... as they come, in flat arrays. */
export class KeyTable {
  size = 0
  /** Three words each. */
  #keys = new Uint32Array(3 * INITIAL)
  /** Number + 1 of each; at most half of them are taken. */
  #slots = new Int32Array(2 * INITIAL)

  /** -1 when it is not known. */
  find(a: number, b: number, c: number): number {
    return this.#slots[this.#slotOf(a, b, c)]! - 1
  }

  /** Of one that is not known. */
  add(a: number, b: number, c: number): number {
    if (3 * this.size === this.#keys.length) this.#grow()
    this.#keys[3 * this.size] = a
    this.#keys[3 * this.size + 1] = b
    this.#keys[3 * this.size + 2] = c
    this.#slots[this.#slotOf(a, b, c)] = ++this.size
    return this.size - 1
  }

  /** Where it is, or belongs. */
  #slotOf(a: number, b: number, c: number): number {
    const mask = this.#slots.length - 1
    const keys = this.#keys
    let slot = hashWords(a, b, c, 0) & mask
    for (let number = this.#slots[slot]! - 1; number >= 0; number = this.#slots[slot]! - 1) {
      if (keys[3 * number] === a && keys[3 * number + 1] === b && keys[3 * number + 2] === c) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const keys = this.#keys
    this.#keys = widened(keys, 2 * keys.length)
    this.#slots = new Int32Array(2 * this.#slots.length)
    for (let number = 0; number < this.size; number++)
      this.#slots[this.#slotOf(keys[3 * number]!, keys[3 * number + 1]!, keys[3 * number + 2]!)] = number + 1
  }
}
