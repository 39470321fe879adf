/** 32-bit hashes of byte ranges and attributes. They are written into index files: a change needs a new format version. */

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Reads a view, not the array: whole words at any offset. Two lanes, as one would wait for its own multiplications. */
export function hashBytes(view: DataView, start: number, end: number): number {
  let h = (end - start) ^ 0x9747b28c
  let g = 0x3c6ef372
  let i = start
  for (const last = end - 7; i < last; i += 8) {
    h = Math.imul(h ^ view.getInt32(i, true), 0x5bd1e995)
    g = Math.imul(g ^ view.getInt32(i + 4, true), 0x1b873593)
    h ^= h >>> 15
    g ^= g >>> 13
  }
  if (i + 4 <= end) {
    h = Math.imul(h ^ view.getInt32(i, true), 0x5bd1e995)
    h ^= h >>> 15
    i += 4
  }
  for (; i < end; i++) h = Math.imul(h ^ view.getUint8(i), 0x01000193)
  h = Math.imul(h ^ g ^ (h >>> 13), 0x5bd1e995)
  return h ^ (h >>> 15)
}

export function hashArray(bytes: Uint8Array): number {
  return hashBytes(viewOf(bytes), 0, bytes.length)
}

export function hashWords(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ 0x9747b28c, 0x5bd1e995)
  h = Math.imul(h ^ (h >>> 15) ^ b, 0x5bd1e995)
  h = Math.imul(h ^ (h >>> 15) ^ c, 0x5bd1e995)
  h = Math.imul(h ^ (h >>> 15) ^ d, 0x5bd1e995)
  h = Math.imul(h ^ (h >>> 13), 0x5bd1e995)
  return h ^ (h >>> 15)
}

/** The hash of an attribute from those of its key and of its serialized `AnyValue`. */
export function pairHash(keyHash: number, valueHash: number): number {
  return Math.imul(keyHash, 0x1b873593) ^ valueHash
}

/** A set of hashes in one flat table. 0 stands for an empty place, so the hash 0 is kept as 1. */
export class HashSet {
  size = 0
  #table: Int32Array
  readonly #limit: number

  /** `limit`: entries beyond which nothing more is taken and {@link overflowed} is true. */
  constructor(limit: number) {
    this.#table = new Int32Array(1 << 12)
    this.#limit = limit
  }

  get overflowed(): boolean {
    return this.size >= this.#limit
  }

  add(hash: number): void {
    const key = hash === 0 ? 1 : hash
    const table = this.#table
    const mask = table.length - 1
    let i = (key ^ (key >>> 16)) & mask
    for (let found = table[i]!; found !== 0; found = table[i]!) {
      if (found === key) return
      i = (i + 1) & mask
    }
    if (this.overflowed) return
    table[i] = key
    this.size++
    if (2 * this.size > table.length) this.#grow()
  }

  /** Adds the hash of an attribute's key, which is text from `start` to `end`. */
  addKey(hash: number, _bytes: Uint8Array, _start: number, _end: number): void {
    this.add(hash)
  }

  *[Symbol.iterator](): Iterator<number> {
    for (const key of this.#table) if (key !== 0) yield key
  }

  clear(): void {
    this.#table.fill(0)
    this.size = 0
  }

  #grow(): void {
    const old = this.#table
    const table = new Int32Array(2 * old.length)
    const mask = table.length - 1
    for (const key of old) {
      if (key === 0) continue
      let i = (key ^ (key >>> 16)) & mask
      while (table[i] !== 0) i = (i + 1) & mask
      table[i] = key
    }
    this.#table = table
  }
}
