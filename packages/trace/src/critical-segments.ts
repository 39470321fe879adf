import type { CriticalSegment } from './model.ts'

/**
 * The segments of a critical path as columns: of a trace of a million spans there are two million, and as many objects would take longer to make and to collect than the path to
 * find. The first `length` of each column count; offsets in nanoseconds, see {@link CriticalSegment}.
 */
export class CriticalPath implements Iterable<CriticalSegment> {
  length = 0
  row = new Uint32Array(64)
  startNs = new Float64Array(64)
  endNs = new Float64Array(64)
  aheadNs = new Float64Array(64)

  static of(segments: Iterable<CriticalSegment>): CriticalPath {
    const path = new CriticalPath()
    for (const { row, startNs, endNs, aheadNs } of segments) path.add(row, startNs, endNs, aheadNs)
    return path
  }

  add(row: number, startNs: number, endNs: number, aheadNs: number): void {
    const at = this.length++
    if (at === this.row.length) this.#grow()
    this.row[at] = row
    this.startNs[at] = startNs
    this.endNs[at] = endNs
    this.aheadNs[at] = aheadNs
  }

  /** Turns the order of the segments round. Returns this. */
  reverse(): this {
    for (const column of [this.row, this.startNs, this.endNs, this.aheadNs]) column.subarray(0, this.length).reverse()
    return this
  }

  *[Symbol.iterator](): Generator<CriticalSegment, void, void> {
    for (let at = 0; at < this.length; at++) {
      yield { row: this.row[at]!, startNs: this.startNs[at]!, endNs: this.endNs[at]!, aheadNs: this.aheadNs[at]! }
    }
  }

  #grow(): void {
    const capacity = 2 * this.row.length
    const row = new Uint32Array(capacity)
    row.set(this.row)
    this.row = row
    this.startNs = widened(this.startNs, capacity)
    this.endNs = widened(this.endNs, capacity)
    this.aheadNs = widened(this.aheadNs, capacity)
  }
}

function widened(column: Float64Array<ArrayBuffer>, capacity: number): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(capacity)
  wider.set(column)
  return wider
}
