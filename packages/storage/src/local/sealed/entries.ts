import { hashBytes, viewOf } from '../block/hash.ts'

/** The distinct values of all columns, as ranges of the bytes that they stand in; each belongs to one column. */
export class Entries {
  count = 0
  column = new Uint16Array(INITIAL)
  start = new Uint32Array(INITIAL)
  end = new Uint32Array(INITIAL)
  /** Of the value, without its column. */
  hash = new Int32Array(INITIAL)
  /** How often it was added. */
  uses = new Uint32Array(INITIAL)
  #slots = new Int32Array(2 * INITIAL).fill(-1)
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = viewOf(bytes)
  }

  /** The number of a value. */
  add(column: number, start: number, end: number): number {
    const hash = hashBytes(this.view, start, end)
    const mask = this.#slots.length - 1
    const length = end - start
    let slot = mix(hash, column) & mask
    for (let entry = this.#slots[slot]!; entry >= 0; entry = this.#slots[slot]!) {
      if (this.hash[entry] === hash && this.column[entry] === column && this.end[entry]! - this.start[entry]! === length) {
        if (this.#equals(this.start[entry]!, start, length)) {
          this.uses[entry]!++
          return entry
        }
      }
      slot = (slot + 1) & mask
    }
    if (this.count === this.hash.length) {
      this.#grow()
      return this.add(column, start, end)
    }
    const entry = this.count++
    this.#slots[slot] = entry
    this.column[entry] = column
    this.start[entry] = start
    this.end[entry] = end
    this.hash[entry] = hash
    this.uses[entry] = 1
    return entry
  }

  #equals(a: number, b: number, length: number): boolean {
    const { bytes } = this
    for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false
    return true
  }

  #grow(): void {
    const capacity = 2 * this.hash.length
    this.column = grown(this.column, capacity)
    this.start = grown(this.start, capacity)
    this.end = grown(this.end, capacity)
    this.hash = grown(this.hash, capacity)
    this.uses = grown(this.uses, capacity)
    this.#slots = new Int32Array(2 * capacity).fill(-1)
    const mask = this.#slots.length - 1
    for (let entry = 0; entry < this.count; entry++) {
      let slot = mix(this.hash[entry]!, this.column[entry]!) & mask
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & mask
      this.#slots[slot] = entry
    }
  }
}

const INITIAL = 1 << 14

function mix(hash: number, column: number): number {
  const mixed = hash ^ Math.imul(column, 0x9e3779b1)
  return mixed ^ (mixed >>> 16)
}

export function grown<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array>(array: T, length: number): T {
  const copy = new (array.constructor as new (length: number) => T)(length)
  copy.set(array)
  return copy
}
