import { hashWords } from '../block/hash.ts'
import type { BlockRows } from '../block/rows.ts'
import { SEED, TraceIds, widened } from './trace-ids.ts'
import type { Turn } from './turn.ts'

const INITIAL = 1 << 10
/** Of one entry in the columns and its two places in the table. */
const ENTRY_BYTES = 36

/**
 * Calls whose parent span has not been found: one entry for each trace, parent span id and calling service, 36 bytes, beside the ids
 * of the traces.
 */
export class WaitingCalls {
  /** Entries that still wait. */
  size = 0
  readonly traces: TraceIds
  /** Entries of each trace that still wait. */
  #ofTrace: Uint32Array
  #count = 0
  #trace = new Uint32Array(INITIAL)
  #parent = new Uint32Array(2 * INITIAL)
  #child = new Uint32Array(INITIAL)
  #calls = new Uint32Array(INITIAL)
  #errors = new Uint32Array(INITIAL)
  #slots = new Int32Array(2 * INITIAL)
  readonly #turn: Turn

  constructor(turn: Turn) {
    this.#turn = turn
    this.traces = new TraceIds(turn, 4, (capacity) => (this.#ofTrace = widened(this.#ofTrace, capacity)))
    this.#ofTrace = new Uint32Array(this.traces.capacity)
  }

  /** Whether a trace has calls that wait. */
  hasTrace(trace: number): boolean {
    return this.#ofTrace[trace]! > 0
  }

  /** False when there is no memory for it. */
  add(rows: BlockRows, row: number, child: number, error: number): boolean {
    const trace = this.traces.add(rows.traceIds, 4 * rows.trace[row]!)
    if (trace < 0) return false
    const lo = rows.parentId[2 * row]!
    const hi = rows.parentId[2 * row + 1]!
    for (let slot = this.#first(trace, lo, hi); ; slot = this.#next(slot)) {
      const entry = this.#slots[slot]! - 1
      if (entry < 0) return this.#insert(slot, trace, lo, hi, child, error)
      if (this.#is(entry, trace, lo, hi) && this.#child[entry] === child) {
        this.#calls[entry]!++
        this.#errors[entry]! += error
        return true
      }
    }
  }

  /** Hands the calls that wait for this span to `found`, and forgets them. */
  resolve(trace: number, lo: number, hi: number, found: (child: number, calls: number, errors: number) => void): void {
    for (let slot = this.#first(trace, lo, hi); ; slot = this.#next(slot)) {
      const entry = this.#slots[slot]! - 1
      if (entry < 0) return
      if (!this.#is(entry, trace, lo, hi) || this.#calls[entry] === 0) continue
      found(this.#child[entry]!, this.#calls[entry]!, this.#errors[entry]!)
      this.#calls[entry] = 0
      this.size--
      this.#ofTrace[trace]!--
    }
  }

  #is(entry: number, trace: number, lo: number, hi: number): boolean {
    return this.#trace[entry] === trace && this.#parent[2 * entry] === lo && this.#parent[2 * entry + 1] === hi
  }

  #first(trace: number, lo: number, hi: number): number {
    return hashWords(trace ^ SEED, lo, hi, 0) & (this.#slots.length - 1)
  }

  #next(slot: number): number {
    return (slot + 1) & (this.#slots.length - 1)
  }

  #insert(slot: number, trace: number, lo: number, hi: number, child: number, error: number): boolean {
    let free = slot
    if (this.#count === this.#calls.length) {
      if (!this.#grow()) return false
      free = this.#first(trace, lo, hi)
      while (this.#slots[free] !== 0) free = this.#next(free)
    }
    const entry = this.#count++
    this.#slots[free] = entry + 1
    this.#trace[entry] = trace
    this.#parent[2 * entry] = lo
    this.#parent[2 * entry + 1] = hi
    this.#child[entry] = child
    this.#calls[entry] = 1
    this.#errors[entry] = error
    this.size++
    this.#ofTrace[trace]!++
    return true
  }

  #grow(): boolean {
    const before = this.#calls.length
    const capacity = 2 * before
    if (!this.#turn.reserve(ENTRY_BYTES * before)) return false
    this.#trace = widened(this.#trace, capacity)
    this.#parent = widened(this.#parent, 2 * capacity)
    this.#child = widened(this.#child, capacity)
    this.#calls = widened(this.#calls, capacity)
    this.#errors = widened(this.#errors, capacity)
    this.#slots = new Int32Array(2 * capacity)
    for (let entry = 0; entry < this.#count; entry++) {
      let slot = this.#first(this.#trace[entry]!, this.#parent[2 * entry]!, this.#parent[2 * entry + 1]!)
      while (this.#slots[slot] !== 0) slot = this.#next(slot)
      this.#slots[slot] = entry + 1
    }
    return true
  }
}
