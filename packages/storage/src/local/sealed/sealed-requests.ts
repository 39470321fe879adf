import type { BlockRows, Frame, OperationKey } from '../block/rows.ts'
import type { TraceExtents } from '../read/trace-extents.ts'
import type { Numbers } from './number-column.ts'
import type { SealedRows } from './sealed-rows.ts'

const NONE = new Uint32Array()

/**
 * The requests of a section's traces, a row each: header columns that are asked of a request, from what the section has of each trace. No row of a span is looked at, but for its id. A
 * trace whose request the section does not tell by itself has a row that means nothing.
 */
export class SealedRequests implements BlockRows {
  readonly count: number
  readonly trace: Uint32Array
  readonly traceCount: number
  readonly group = NONE
  readonly parentId = NONE
  readonly spanStart = NONE
  readonly spanEnd = NONE
  readonly groupCount = 0
  readonly groups = NONE
  readonly frames: Frame[] = []
  readonly #rows: SealedRows
  readonly #extents: TraceExtents
  readonly #request: Numbers
  readonly #row: Numbers
  readonly #values = new Map<string, unknown>()

  /** `rows`: all of the section. `request`, `row`: see `trace-facts.ts`. */
  constructor(rows: SealedRows, extents: TraceExtents, request: Numbers, row: Numbers) {
    this.#rows = rows
    this.#extents = extents
    this.#request = request
    this.#row = row
    this.count = this.traceCount = rows.traceCount
    this.trace = new Uint32Array(this.count)
    for (let trace = 0; trace < this.count; trace++) this.trace[trace] = trace
  }

  isKnown(trace: number): boolean {
    return this.#request.value[trace]! > 0
  }

  get traceIds(): Uint32Array {
    return this.#rows.traceIds
  }

  get operations(): OperationKey[] {
    return this.#rows.operations
  }

  get operation(): Uint32Array {
    return this.#once('operation', () => {
      const { value } = this.#request
      const operation = new Uint32Array(this.count)
      for (let trace = 0; trace < this.count; trace++) operation[trace] = (value[trace]! - 1) / 4
      return operation
    })
  }

  get status(): Uint8Array {
    return this.#once('status', () => {
      const { value } = this.#request
      const status = new Uint8Array(this.count)
      for (let trace = 0; trace < this.count; trace++) status[trace] = (value[trace]! - 1) % 4
      return status
    })
  }

  get startHi(): Uint32Array {
    return this.#extents.startHi
  }

  get startLo(): Uint32Array {
    return this.#extents.startLo
  }

  get durationNs(): Float64Array {
    return this.#extents.rootNs
  }

  get spanId(): Uint32Array {
    return this.#once('spanId', () => {
      const { spanId, first } = this.#rows
      const ids = new Uint32Array(2 * this.count)
      for (let trace = 0; trace < this.count; trace++) {
        const row = first[trace]! + this.#row.value[trace]!
        ids[2 * trace] = spanId[2 * row]!
        ids[2 * trace + 1] = spanId[2 * row + 1]!
      }
      return ids
    })
  }

  #once<T>(name: string, load: () => T): T {
    let value = this.#values.get(name) as T | undefined
    if (value === undefined) this.#values.set(name, (value = load()))
    return value
  }
}
