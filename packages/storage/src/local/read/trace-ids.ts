import { hashWords } from '../block/hash.ts'
import type { Turn } from './turn.ts'

const INITIAL = 1 << 10
/** Drawn once a process, so that nobody can choose ids that all fall into one place. */
export const SEED = Math.floor(Math.random() * 2 ** 32)

/**
 * A set of trace ids in flat arrays, numbered 0, 1, 2 ... as they come, 24 bytes an id. Whoever keeps more of a trace has columns of his own
 * by that number, see {@link onGrow}.
 */
export class TraceIds {
  size = 0
  capacity = INITIAL
  /** Four words a trace. */
  #ids = new Uint32Array(4 * INITIAL)
  #slots = new Int32Array(2 * INITIAL)
  readonly #turn: Pick<Turn, 'reserve' | 'release'>
  readonly #bytesBeside: number
  readonly #onGrow: (capacity: number) => void

  /** `bytesBeside`: of the columns that `onGrow` makes longer, an id. */
  constructor(turn: Pick<Turn, 'reserve' | 'release'>, bytesBeside: number, onGrow: (capacity: number) => void) {
    this.#turn = turn
    this.#bytesBeside = bytesBeside
    this.#onGrow = onGrow
  }

  /** The number of an id, new or known; -1 when the query's memory has no room for it. */
  add(ids: Uint32Array, at: number): number {
    const slot = this.#slotOf(ids, at)
    const found = this.#slots[slot]! - 1
    if (found >= 0) return found
    if (this.size === this.capacity) {
      if (!this.#grow()) return -1
      return this.add(ids, at)
    }
    this.#ids.set(ids.subarray(at, at + 4), 4 * this.size)
    this.#slots[slot] = ++this.size
    return this.size - 1
  }

  /** -1 when it is not in the set. */
  find(ids: Uint32Array, at: number): number {
    return this.#slots[this.#slotOf(ids, at)]! - 1
  }

  words(entry: number): Uint32Array {
    return this.#ids.slice(4 * entry, 4 * entry + 4)
  }

  /** As {@link traceHash}. */
  hash(entry: number): number {
    const ids = this.#ids
    return hashWords(ids[4 * entry]!, ids[4 * entry + 1]!, ids[4 * entry + 2]!, ids[4 * entry + 3]!)
  }

  hex(entry: number): string {
    return Buffer.from(this.words(entry).buffer).toString('hex')
  }

  /** As their hex digits would be sorted. */
  compare(a: number, b: number): number {
    for (let i = 0; i < 4; i++) {
      const left = this.#ids[4 * a + i]!
      const right = this.#ids[4 * b + i]!
      if (left !== right) return bigEndian(left) < bigEndian(right) ? -1 : 1
    }
    return 0
  }

  /** The place of the id, or the free one where it belongs. */
  #slotOf(ids: Uint32Array, at: number): number {
    const mask = this.#slots.length - 1
    const own = this.#ids
    let slot = hashWords(ids[at]! ^ SEED, ids[at + 1]!, ids[at + 2]!, ids[at + 3]!) & mask
    for (let entry = this.#slots[slot]! - 1; entry >= 0; entry = this.#slots[slot]! - 1) {
      const i = 4 * entry
      if (own[i] === ids[at] && own[i + 1] === ids[at + 1] && own[i + 2] === ids[at + 2] && own[i + 3] === ids[at + 3])
        break
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): boolean {
    const before = this.capacity
    const capacity = 2 * before
    // One column at a time has both its lengths; the ids are the widest.
    if (!this.#turn.reserve((24 + this.#bytesBeside) * before + 16 * before)) return false
    this.#ids = widened(this.#ids, 4 * capacity)
    this.#slots = new Int32Array(2 * capacity)
    for (let entry = 0; entry < this.size; entry++) this.#slots[this.#slotOf(this.#ids, 4 * entry)] = entry + 1
    this.#onGrow(capacity)
    this.capacity = capacity
    this.#turn.release(16 * before)
    return true
  }
}

function bigEndian(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0
}

/** A longer copy. */
export function widened<T extends Uint32Array | Int32Array | Float64Array | Uint8Array>(from: T, length: number): T {
  const to = new (from.constructor as new (length: number) => T)(length)
  to.set(from)
  return to
}
