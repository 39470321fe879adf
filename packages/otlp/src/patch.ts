/**
 * Changes of a message as a list of ranges of its bytes and what comes in their place, in the order of the bytes; the new message is then written
 * from its beginning to its end. For editors that know beforehand what they write.
 */
import { doubled } from './doubled.ts'

/** What comes in the place of a range. From {@link BYTES} on it is the index of prepared bytes, plus that. */
const SAME = 0
const LENGTH = 1
const BYTES = 2

export class Patch {
  /** By how much the message grows. */
  growth = 0
  /** Start, end, kind and a number of each. */
  #list = new Int32Array(4 * 512)
  #length = 0

  /** Forgets all. */
  clear(): void {
    this.growth = 0
    this.#length = 0
  }

  /** In the place of `[start, end)` come the bytes with that index in what {@link apply} is given; `size`: how many these are. */
  replace(start: number, end: number, index: number, size: number): void {
    this.growth += size - (end - start)
    this.#add(start, end, BYTES + index, 0)
  }

  /** A length lies in `[start, end)` that may change with what is within it; returns where it is for {@link setLength}. */
  reserveLength(start: number, end: number): number {
    this.#add(start, end, SAME, 0)
    return this.#length - 4
  }

  /** What was reserved is this length. */
  setLength(at: number, length: number): void {
    this.growth += lengthSize(length) - (this.#list[at + 1]! - this.#list[at]!)
    this.#list[at + 2] = LENGTH
    this.#list[at + 3] = length
  }

  /** Forgets what was reserved where nothing was added since, and says whether that is so. */
  release(at: number): boolean {
    if (this.#length !== at + 4) return false
    this.#length = at
    return true
  }

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /** The message with the changes; `prepared`: bytes by their index. */
  apply(bytes: Uint8Array, prepared: readonly Uint8Array[]): Uint8Array {
    const list = this.#list
    const out = new Uint8Array(bytes.length + this.growth)
    let read = 0
    let write = 0
    for (let i = 0; i < this.#length; i += 4) {
      const kind = list[i + 2]!
      if (kind === SAME) continue
      const start = list[i]!
      copy(bytes, read, start, out, write)
      write += start - read
      read = list[i + 1]!
      if (kind === LENGTH) write = putLength(out, write, list[i + 3]!)
      else {
        const put = prepared[kind - BYTES]!
        out.set(put, write)
        write += put.length
      }
    }
    copy(bytes, read, bytes.length, out, write)
    return out
  }

  #add(start: number, end: number, kind: number, value: number): void {
    const at = this.#length
    if (at === this.#list.length) this.#list = doubled(this.#list)
    const list = this.#list
    list[at] = start
    list[at + 1] = end
    list[at + 2] = kind
    list[at + 3] = value
    this.#length = at + 4
  }
}

/** Bytes of a length as a varint. */
function lengthSize(length: number): number {
  let size = 1
  for (let rest = length; rest > 127; rest >>>= 7) size++
  return size
}

/** Writes it at `p`, and gives what is behind. */
function putLength(out: Uint8Array, p: number, length: number): number {
  let rest = length
  for (; rest > 127; rest >>>= 7) out[p++] = (rest & 127) | 128
  out[p] = rest
  return p + 1
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  // A call of set() costs as much as copying some dozen bytes.
  if (end - start > 32) to.set(from.subarray(start, end), at)
  else for (let i = start; i < end; i++) to[at++] = from[i]!
}
