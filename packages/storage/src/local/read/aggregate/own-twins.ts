import type { BlockRows, OperationKey } from '../../block/rows.ts'
import { hashWords } from '../../block/hash.ts'
import { SEED } from '../trace-ids.ts'

/** Places that are looked at before the ids of spans are: of a trace, very many may start at once and be as long. */
const MAX_COMPARED = 16

/** Knows the spans of one block that were asked about, by all that their headers have: one that is there twice is new once. */
export class OwnTwins {
  readonly #rows: BlockRows
  readonly #trace: Uint32Array
  readonly #startLo: Uint32Array
  readonly #startHi: Uint32Array
  readonly #durationNs: Float64Array
  readonly #status: Uint8Array
  readonly #operation: Uint32Array
  /** Row + 1; at most half of the places are taken. */
  readonly #slots: Int32Array

  constructor(rows: BlockRows) {
    this.#rows = rows
    // What a sealed section has of them is looked up by name, each time that it is asked for.
    this.#trace = rows.trace
    this.#startLo = rows.startLo
    this.#startHi = rows.startHi
    this.#durationNs = rows.durationNs
    this.#status = rows.status
    this.#operation = rows.operation
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * rows.count + 2)))
  }

  isNew(row: number): boolean {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = this.#hash(row) & mask
    for (let looks = 1; slots[slot] !== 0; looks++) {
      if (this.#isSame(row, slots[slot]! - 1)) return false
      slot = (looks === MAX_COMPARED ? this.#hashOfId(row) : slot + 1) & mask
    }
    slots[slot] = row + 1
    return true
  }

  /** Of what most spans of a trace differ in, and no id of a span: those of a sealed section are only read for what this does not tell apart. */
  #hash(row: number): number {
    let hash = Math.imul(this.#startLo[row]! ^ SEED, 0x9e3779b1)
    hash = Math.imul((hash ^ (hash >>> 15)) + this.#trace[row]!, 0x85ebca77)
    hash = Math.imul((hash ^ (hash >>> 13)) + (this.#durationNs[row]! | 0), 0xc2b2ae3d)
    hash = Math.imul((hash ^ (hash >>> 16)) + this.#operation[row]!, 0x27d4eb2f)
    return hash ^ (hash >>> 15)
  }

  #hashOfId(row: number): number {
    const { spanId, parentId } = this.#rows
    return hashWords(spanId[2 * row]! ^ SEED, spanId[2 * row + 1]!, parentId[2 * row]!, parentId[2 * row + 1]!)
  }

  #isSame(a: number, b: number): boolean {
    if (
      this.#startLo[a] !== this.#startLo[b] ||
      this.#trace[a] !== this.#trace[b] ||
      this.#startHi[a] !== this.#startHi[b] ||
      this.#durationNs[a] !== this.#durationNs[b] ||
      this.#status[a] !== this.#status[b]
    )
      return false
    const { spanId, parentId, operations } = this.#rows
    return (
      [spanId, parentId].every((ids) => ids[2 * a] === ids[2 * b] && ids[2 * a + 1] === ids[2 * b + 1]) &&
      isSameOperation(operations[this.#operation[a]!]!, operations[this.#operation[b]!]!)
    )
  }
}

export function isSameOperation(a: OperationKey, b: OperationKey): boolean {
  return a === b || (a.service === b.service && a.name === b.name && a.kind === b.kind)
}
