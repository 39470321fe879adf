import type { BlockRows } from '../block/rows.ts'
import { TraceIds, widened } from './trace-ids.ts'
import type { Turn } from './turn.ts'

/**
 * Traces by id with their extent over all blocks, in flat arrays: 56 bytes a trace, so that a search that has to weigh a million traces
 * fits into its memory. Times are exact 64-bit nanoseconds in two halves.
 */
export class TraceTable {
  readonly ids: TraceIds
  readonly #turn: Turn
  #startHi: Uint32Array
  #startLo: Uint32Array
  /** An end may lie before 1970 and after 2554. */
  #endHi: Float64Array
  #endLo: Uint32Array
  #spans: Uint32Array
  #errors: Uint32Array

  constructor(turn: Turn) {
    this.#turn = turn
    this.ids = new TraceIds(turn, 32, (capacity) => this.#grow(capacity))
    const { capacity } = this.ids
    this.#startHi = new Uint32Array(capacity)
    this.#startLo = new Uint32Array(capacity)
    this.#endHi = new Float64Array(capacity)
    this.#endLo = new Uint32Array(capacity)
    this.#spans = new Uint32Array(capacity)
    this.#errors = new Uint32Array(capacity)
  }

  /** Adds the traces of a block whose index is marked; false when there is no room for more. */
  async addMarked(rows: BlockRows, marked: Uint8Array): Promise<boolean> {
    for (let index = 0; index < rows.traceCount; index++) {
      if (this.#turn.work(20) && (await this.#turn.breathe())) return true
      if (marked[index] && this.ids.add(rows.traceIds, 4 * index) < 0) return false
    }
    return true
  }

  /** Extends the traces that are in the table by what the block has of them. */
  async addExtents(rows: BlockRows): Promise<void> {
    const entries = new Int32Array(rows.traceCount)
    for (let index = 0; index < rows.traceCount; index++) {
      if (this.#turn.work(20) && (await this.#turn.breathe())) return
      entries[index] = this.ids.find(rows.traceIds, 4 * index)
    }
    for (let row = 0; row < rows.count; row++) {
      if (this.#turn.work(50) && (await this.#turn.breathe())) return
      const entry = entries[rows.trace[row]!]!
      if (entry >= 0) this.#extend(entry, rows, row)
    }
  }

  start(entry: number): bigint {
    return (BigInt(this.#startHi[entry]!) << 32n) | BigInt(this.#startLo[entry]!)
  }

  durationNs(entry: number): number {
    return (this.#endHi[entry]! - this.#startHi[entry]!) * 2 ** 32 + (this.#endLo[entry]! - this.#startLo[entry]!)
  }

  /** By their starts. */
  compareStarts(a: number, b: number): number {
    return this.#startHi[a]! - this.#startHi[b]! || this.#startLo[a]! - this.#startLo[b]!
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
    // A clock that was set back counts as no time, as in the definition of a trace.
    const duration = Math.max(0, rows.durationNs[row]!)
    const durationHi = Math.floor(duration / 2 ** 32)
    const low = lo + (duration - durationHi * 2 ** 32)
    const carry = low >= 2 ** 32 ? 1 : 0
    const endHi = hi + durationHi + carry
    const endLo = low - carry * 2 ** 32
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

  #grow(capacity: number): void {
    this.#startHi = widened(this.#startHi, capacity)
    this.#startLo = widened(this.#startLo, capacity)
    this.#endHi = widened(this.#endHi, capacity)
    this.#endLo = widened(this.#endLo, capacity)
    this.#spans = widened(this.#spans, capacity)
    this.#errors = widened(this.#errors, capacity)
  }
}
