/**
 * Numbers for keys that are bytes: the first key is 0, the next 1, and so on. A key is put together, then looked up, and nothing is made on the
 * way: for what is looked up for each span.
 */
import { randomInt } from 'node:crypto'

/** Buckets for so many keys at first; a power of two. */
const FIRST_SLOTS = 1024

export class ByteTable {
  size = 0
  #key = new Uint8Array(256)
  #length = 0
  #hash = 0
  /** The keys, one behind the other; `#ends` says where each ends. */
  #arena = new Uint8Array(16 * 1024)
  #ends = new Uint32Array(FIRST_SLOTS)
  #hashes = new Int32Array(FIRST_SLOTS)
  /** The number of a key, and 1; 0 for none. */
  #slots = new Int32Array(FIRST_SLOTS * 2)
  /** So that nobody who sends keys can choose ones that collide. */
  readonly #seed = randomInt(2 ** 31)

  /** Bytes of memory that its keys take, about. */
  get byteLength(): number {
    return this.#start(this.size) + 16 * this.size
  }

  /** Begins a key. */
  begin(): void {
    this.#length = 0
    this.#hash = this.#seed
  }

  /** Adds a whole number of 32 bits. */
  number(value: number): void {
    this.#reserve(4)
    const key = this.#key
    let at = this.#length
    key[at++] = value
    key[at++] = value >>> 8
    key[at++] = value >>> 16
    key[at++] = value >>> 24
    this.#length = at
    this.#hash = Math.imul(this.#hash ^ value, 0x9e3779b1)
    this.#hash ^= this.#hash >>> 15
  }

  /** Adds bytes, and how many these are. */
  range(bytes: Uint8Array, start: number, end: number): void {
    this.number(end - start)
    this.#reserve(end - start)
    const key = this.#key
    let at = this.#length
    let hash = this.#hash
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      key[at++] = byte
      hash = Math.imul(hash ^ byte, 0x01000193)
    }
    this.#length = at
    this.#hash = hash
  }

  /** The number of the key that was put together, -1 where it has none. */
  find(): number {
    const hash = this.#mixed()
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.#slots[slot]! - 1
      if (id < 0) return -1
      if (this.#hashes[id] === hash && this.#isSame(id)) return id
    }
  }

  /** Gives the key that was put together, and that has none, the next number. */
  add(): number {
    const id = this.size++
    if (this.size > this.#ends.length) this.#grow()
    const start = this.#start(id)
    const end = start + this.#length
    if (end > this.#arena.length) {
      const arena = new Uint8Array(Math.max(end, this.#arena.length * 2))
      arena.set(this.#arena)
      this.#arena = arena
    }
    this.#arena.set(this.#key.subarray(0, this.#length), start)
    this.#ends[id] = end
    this.#hashes[id] = this.#mixed()
    this.#place(id)
    return id
  }

  clear(): void {
    this.size = 0
    this.#slots.fill(0)
  }

  #start(id: number): number {
    return id === 0 ? 0 : this.#ends[id - 1]!
  }

  #mixed(): number {
    const hash = Math.imul(this.#hash ^ (this.#hash >>> 16), 0x85ebca6b)
    return hash ^ (hash >>> 13)
  }

  #isSame(id: number): boolean {
    const start = this.#start(id)
    const length = this.#ends[id]! - start
    if (length !== this.#length) return false
    const arena = this.#arena
    const key = this.#key
    for (let i = 0; i < length; i++) if (arena[start + i] !== key[i]) return false
    return true
  }

  #place(id: number): void {
    const mask = this.#slots.length - 1
    let slot = this.#hashes[id]! & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = id + 1
  }

  #grow(): void {
    const capacity = this.#ends.length * 2
    const ends = new Uint32Array(capacity)
    const hashes = new Int32Array(capacity)
    ends.set(this.#ends)
    hashes.set(this.#hashes)
    this.#ends = ends
    this.#hashes = hashes
    this.#slots = new Int32Array(capacity * 2)
    for (let id = 0; id < this.size - 1; id++) this.#place(id)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#key.length) return
    const key = new Uint8Array(Math.max(this.#length + bytes, this.#key.length * 2))
    key.set(this.#key)
    this.#key = key
  }
}
