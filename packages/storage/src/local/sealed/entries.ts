import { hashBytes, viewOf } from '../block/hash.ts'
import { freeMemory } from '../block/memory.ts'

/** Words of an entry: hash, column, start, end, uses, place. */
const WIDTH = 6
const INITIAL = 1 << 14

/** The distinct values of all columns, as ranges of the bytes that they stand in; each belongs to one column. */
export class Entries {
  count = 0
  /** Of what is added. */
  place = 0
  readonly bytes: Uint8Array
  readonly view: DataView
  /** All of an entry in one place, as whoever looks for it needs most of it. */
  #words = new Int32Array(WIDTH * INITIAL)
  #slots = new Int32Array(2 * INITIAL).fill(-1)

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = viewOf(bytes)
  }

  /** Of the value, without its column. */
  hash(entry: number): number {
    return this.#words[WIDTH * entry]!
  }

  column(entry: number): number {
    return this.#words[WIDTH * entry + 1]!
  }

  start(entry: number): number {
    return this.#words[WIDTH * entry + 2]!
  }

  end(entry: number): number {
    return this.#words[WIDTH * entry + 3]!
  }

  /** How often it was added. */
  uses(entry: number): number {
    return this.#words[WIDTH * entry + 4]!
  }

  /** The same of several together. */
  usesOf(entries: Uint32Array): number {
    const words = this.#words
    let uses = 0
    for (let i = 0; i < entries.length; i++) uses += words[WIDTH * entries[i]! + 4]!
    return uses
  }

  /** Bytes of several together. */
  lengthOf(entries: Uint32Array): number {
    const words = this.#words
    let length = 0
    for (let i = 0; i < entries.length; i++) length += words[WIDTH * entries[i]! + 3]! - words[WIDTH * entries[i]! + 2]!
    return length
  }

  /** Puts the numbers of the entries `[from, to)`, and where the one is that added each first. */
  readPlaces(from: number, to: number, entries: Uint32Array, places: Uint32Array): void {
    const words = this.#words
    for (let entry = from; entry < to; entry++) {
      entries[entry] = entry
      places[entry] = words[WIDTH * entry + 5]!
    }
  }

  /** Puts the columns of the entries in `[from, to)` of a list. */
  readColumns(entries: Uint32Array, from: number, to: number, columns: Uint32Array): void {
    const words = this.#words
    for (let i = from; i < to; i++) columns[i] = words[WIDTH * entries[i]! + 1]!
  }

  /** The number of a value. */
  add(column: number, start: number, end: number): number {
    const hash = hashBytes(this.view, start, end)
    const words = this.#words
    const mask = this.#slots.length - 1
    const length = end - start
    let slot = mix(hash, column) & mask
    for (let entry = this.#slots[slot]!; entry >= 0; entry = this.#slots[slot]!) {
      const at = WIDTH * entry
      if (words[at] === hash && words[at + 1] === column && length === words[at + 3]! - words[at + 2]!) {
        if (this.#equals(words[at + 2]!, start, length)) {
          words[at + 4]!++
          return entry
        }
      }
      slot = (slot + 1) & mask
    }
    if (WIDTH * this.count === words.length) {
      this.#grow()
      return this.add(column, start, end)
    }
    const entry = this.count++
    this.#slots[slot] = entry
    const at = WIDTH * entry
    words[at] = hash
    words[at + 1] = column
    words[at + 2] = start
    words[at + 3] = end
    words[at + 4] = 1
    words[at + 5] = this.place
    return entry
  }

  /** Whether a value is this entry, of whose column it is; then it is added once more. */
  repeats(entry: number, start: number, end: number): boolean {
    const at = WIDTH * entry
    const from = this.#words[at + 2]!
    if (this.#words[at + 3]! - from !== end - start || !this.#equals(from, start, end - start)) return false
    this.#words[at + 4]!++
    return true
  }

  #equals(a: number, b: number, length: number): boolean {
    const { view } = this
    let i = 0
    for (; i + 4 <= length; i += 4) if (view.getInt32(a + i, true) !== view.getInt32(b + i, true)) return false
    for (; i < length; i++) if (view.getUint8(a + i) !== view.getUint8(b + i)) return false
    return true
  }

  #grow(): void {
    this.#words = grown(this.#words, 2 * this.#words.length)
    const { length } = this.#slots
    freeMemory(this.#slots)
    this.#slots = new Int32Array(2 * length).fill(-1)
    const mask = this.#slots.length - 1
    for (let entry = 0; entry < this.count; entry++) {
      let slot = mix(this.hash(entry), this.column(entry)) & mask
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask
      this.#slots[slot] = entry
    }
  }
}

function mix(hash: number, column: number): number {
  const mixed = hash ^ Math.imul(column, 0x9e3779b1)
  return mixed ^ (mixed >>> 16)
}

/** A longer copy, in whose place the array is gone. */
export function grown<T extends Uint8Array | Uint32Array | Int32Array | Float64Array>(array: T, length: number): T {
  const copy = new (array.constructor as new (length: number) => T)(length)
  copy.set(array)
  freeMemory(array)
  return copy
}
