import { hashWords } from '../block/hash.ts'
import type { BlockRows } from '../block/rows.ts'

const INITIAL = 1 << 12

/**
 * Traces by id with their extent over all blocks, in flat arrays: 56 bytes a trace, so that a search that has to weigh millions of traces
 * fits into memory. Times are exact 64-bit nanoseconds in two halves.
 */
export class TraceTable {
  size = 0
  #ids = new Uint32Array(4 * INITIAL)
  #slots = new Int32Array(2 * INITIAL)
  #startHi = new Uint32Array(INITIAL)
  #startLo = new Uint32Array(INITIAL)
  #endHi = new Int32Array(INITIAL)
  #endLo = new Uint32Array(INITIAL)
  #spans = new Uint32Array(INITIAL)
  #errors = new Uint32Array(INITIAL)

  /** Adds the traces of a block whose index is marked. */
  addMarked(rows: BlockRows, marked: Uint8Array): void {
    for (let index = 0; index < rows.traceCount; index++) if (marked[index]) this.#add(rows.traceIds, 4 * index)
  }

  /** Extends the traces that are in the table by what the block has of them. */
  addExtents(rows: BlockRows): void {
    const entries = new Int32Array(rows.traceCount)
    for (let index = 0; index < rows.traceCount; index++) entries[index] = this.#find(rows.traceIds, 4 * index)
    for (let row = 0; row < rows.count; row++) {
      const entry = entries[rows.trace[row]!]!
      if (entry >= 0) this.#extend(entry, rows, row)
    }
  }

  id(entry: number): string {
    return Buffer.from(this.#ids.slice(4 * entry, 4 * entry + 4).buffer).toString('hex')
  }

  start(entry: number): bigint {
    return (BigInt(this.#startHi[entry]!) << 32n) | BigInt(this.#startLo[entry]!)
  }

  durationNs(entry: number): number {
    return Number((BigInt(this.#endHi[entry]!) << 32n) + BigInt(this.#endLo[entry]!) - this.start(entry))
  }

  /** Spans and errors, those that were sent twice counted twice. */
  spans(entry: number): number {
    return this.#spans[entry]!
  }

  errors(entry: number): number {
    return this.#errors[entry]!
  }

  #extend(entry: number, rows: BlockRows, row: number): void {
    const hi = rows.startHi[row]!
    const lo = rows.startLo[row]!
    const end = lo + rows.durationNs[row]!
    const endHi = hi + Math.floor(end / 2 ** 32)
    const endLo = end - Math.floor(end / 2 ** 32) * 2 ** 32
    const first = this.#spans[entry] === 0
    if (first || hi < this.#startHi[entry]! || (hi === this.#startHi[entry] && lo < this.#startLo[entry]!)) {
      this.#startHi[entry] = hi
      this.#startLo[entry] = lo
    }
    if (first || endHi > this.#endHi[entry]! || (endHi === this.#endHi[entry] && endLo > this.#endLo[entry]!)) {
      this.#endHi[entry] = endHi
      this.#endLo[entry] = endLo
    }
    this.#spans[entry]!++
    if (rows.status[row] === 2) this.#errors[entry]!++
  }

  #find(ids: Uint32Array, at: number): number {
    return this.#slots[this.#slotOf(ids, at)]! - 1
  }

  #add(ids: Uint32Array, at: number): void {
    if (this.#find(ids, at) >= 0) return
    if (this.size === this.#spans.length) this.#grow()
    this.#ids.set(ids.subarray(at, at + 4), 4 * this.size)
    this.#slots[this.#slotOf(ids, at)] = ++this.size
  }

  /** The place of the trace, or the free one where it belongs. */
  #slotOf(ids: Uint32Array, at: number): number {
    const mask = this.#slots.length - 1
    const own = this.#ids
    let slot = hashWords(ids[at]!, ids[at + 1]!, ids[at + 2]!, ids[at + 3]!) & mask
    for (let entry = this.#slots[slot]! - 1; entry >= 0; entry = this.#slots[slot]! - 1) {
      const i = 4 * entry
      if (own[i] === ids[at] && own[i + 1] === ids[at + 1] && own[i + 2] === ids[at + 2] && own[i + 3] === ids[at + 3])
        break
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const capacity = 2 * this.#spans.length
    this.#ids = copied(this.#ids, new Uint32Array(4 * capacity))
    this.#startHi = copied(this.#startHi, new Uint32Array(capacity))
    this.#startLo = copied(this.#startLo, new Uint32Array(capacity))
    this.#endHi = copied(this.#endHi, new Int32Array(capacity))
    this.#endLo = copied(this.#endLo, new Uint32Array(capacity))
    this.#spans = copied(this.#spans, new Uint32Array(capacity))
    this.#errors = copied(this.#errors, new Uint32Array(capacity))
    this.#slots = new Int32Array(2 * capacity)
    for (let entry = 0; entry < this.size; entry++) this.#slots[this.#slotOf(this.#ids, 4 * entry)] = entry + 1
  }
}

function copied<T extends Uint32Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
