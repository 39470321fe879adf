import type { BlockRows } from '../../block/rows.ts'

const ERROR = 2
const NONE = new Uint32Array()

/** The span, or request, that is being counted; moved from one to the next. Ids are only read of those that are named. */
export class Counted {
  /** Nanoseconds since 1970, in two halves. */
  startHi = 0
  startLo = 0
  /** Nanoseconds, 0 or more. */
  durationNs = 0
  error = false
  #rows: BlockRows | undefined
  #row = 0
  // Columns of `#rows`: what a sealed section has of them is looked up by name, each time that it is asked for.
  #startHi: Uint32Array = NONE
  #startLo: Uint32Array = NONE
  #durationNs: Float64Array = new Float64Array()
  #status: Uint8Array = new Uint8Array()

  /** Four words from `4 * traceAt` on. */
  get traceIds(): Uint32Array {
    return this.#rows!.traceIds
  }

  get traceAt(): number {
    return this.#rows!.trace[this.#row]!
  }

  /** Two words from `2 * spanAt` on. */
  get spanIds(): Uint32Array {
    return this.#rows!.spanId
  }

  get spanAt(): number {
    return this.#row
  }

  moveTo(rows: BlockRows, row: number): void {
    if (rows !== this.#rows) this.#begin(rows)
    this.#row = row
    this.startHi = this.#startHi[row]!
    this.startLo = this.#startLo[row]!
    this.durationNs = Math.max(0, this.#durationNs[row]!)
    this.error = this.#status[row] === ERROR
  }

  #begin(rows: BlockRows): void {
    this.#startHi = rows.startHi
    this.#startLo = rows.startLo
    this.#durationNs = rows.durationNs
    this.#status = rows.status
    this.#rows = rows
  }
}
