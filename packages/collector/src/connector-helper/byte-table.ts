/**
 * Numbers for keys that are bytes: the first key is 0, the next 1, and so on. A key is put together, then looked up, and nothing is made on the
 * way: for what is looked up for each span. It is kept and compared in words of four bytes, of which each part has a whole number.
 */
import { randomInt } from 'node:crypto'

/** Buckets for so many keys at first; a power of two. */
const FIRST_SLOTS = 1024
const WORD_BYTES = 4

export class ByteTable {
  size = 0
  #key = new Int32Array(64)
  /** Words of it. */
  #length = 0
  #hash = 0
  /** The keys, one behind the other; `#ends` says where each ends. */
  #arena = new Int32Array(4 * 1024)
  #ends = new Uint32Array(FIRST_SLOTS)
  #hashes = new Int32Array(FIRST_SLOTS)
  /** The number of a key, and 1; 0 for none. */
  #slots = new Int32Array(FIRST_SLOTS * 2)
  /** So that nobody who sends keys can choose ones that collide. */
  readonly #seed = randomInt(2 ** 31)

  /** Bytes of memory that its keys take, about. */
  get byteLength(): number {
    return WORD_BYTES * this.#start(this.size) + 16 * this.size
  }

  /** Begins a key. */
  begin(): void {
    this.#length = 0
    this.#hash = this.#seed
  }

  /** Adds a whole number of 32 bits. */
  number(value: number): void {
    this.#reserve(1)
    this.#key[this.#length++] = value
    this.#hash = mixed(this.#hash, value)
  }

  /** Adds bytes, and how many these are. */
  range(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(1 + ((end - start + 3) >>> 2))
    const key = this.#key
    let at = this.#length
    key[at++] = end - start
    let hash = mixed(this.#hash, end - start)
    let i = start
    for (; i + 3 < end; i += WORD_BYTES) {
      const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
      key[at++] = word
      hash = mixed(hash, word)
    }
    if (i < end) {
      let word = 0
      for (let shift = 0; i < end; shift += 8) word |= bytes[i++]! << shift
      key[at++] = word
      hash = mixed(hash, word)
    }
    this.#length = at
    this.#hash = hash
  }

  /** The number of the key that was put together, -1 where it has none. */
  find(): number {
    const hash = this.#hashOfKey()
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
      const arena = new Int32Array(Math.max(end, this.#arena.length * 2))
      arena.set(this.#arena)
      this.#arena = arena
    }
    this.#arena.set(this.#key.subarray(0, this.#length), start)
    this.#ends[id] = end
    this.#hashes[id] = this.#hashOfKey()
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

  #hashOfKey(): number {
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

  #reserve(words: number): void {
    if (this.#length + words <= this.#key.length) return
    const key = new Int32Array(Math.max(this.#length + words, this.#key.length * 2))
    key.set(this.#key)
    this.#key = key
  }
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1)
  return product ^ (product >>> 15)
}
