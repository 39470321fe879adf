import type { BlockRows } from '../../block/rows.ts'

const ERROR = 2

/** The span, or request, that is being counted; moved from one to the next. */
export class Counted {
  /** Four words from `traceAt` on, and two from `spanAt` on. */
  traceIds: Uint32Array = new Uint32Array(4)
  traceAt = 0
  spanIds: Uint32Array = new Uint32Array(2)
  spanAt = 0
  /** Nanoseconds since 1970, in two halves. */
  startHi = 0
  startLo = 0
  /** Nanoseconds, 0 or more. */
  durationNs = 0
  error = false

  moveTo(rows: BlockRows, row: number): void {
    this.traceIds = rows.traceIds
    this.traceAt = 4 * rows.trace[row]!
    this.spanIds = rows.spanId
    this.spanAt = 2 * row
    this.startHi = rows.startHi[row]!
    this.startLo = rows.startLo[row]!
    this.durationNs = Math.max(0, rows.durationNs[row]!)
    this.error = rows.status[row] === ERROR
  }
}
