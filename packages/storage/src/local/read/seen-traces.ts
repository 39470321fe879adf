import type { Matches } from './matches.ts'
import { IndexHeap } from './index-heap.ts'
import { TraceIds, widened } from './trace-ids.ts'
import type { Turn } from './turn.ts'

/** What orders traces, by the columns of their rows: the greatest comes first. */
export interface RowKey {
  /** Of a trace's rows in all blocks that were looked into: the least key or the greatest bounds that of the trace. */
  readonly takes: 'least' | 'greatest'
  /** Whether only rows that match count. */
  readonly matchingOnly: boolean
  columns(rows: Matches['rows']): { readonly hi: Uint32Array | Float64Array; readonly lo: Uint32Array | undefined }
}

/** Traces that were found, by the bound on the key of each, the greatest first. 56 bytes a trace. */
export class SeenTraces {
  readonly ids: TraceIds
  readonly #turn: Turn
  readonly #key: RowKey
  #hi: Float64Array
  #lo: Uint32Array
  /** The bound by the block in which the trace was found. */
  #foundHi: Float64Array
  #foundLo: Uint32Array
  readonly #queue: IndexHeap

  constructor(key: RowKey, turn: Turn) {
    this.#key = key
    this.#turn = turn
    this.ids = new TraceIds(turn, 32, (capacity) => {
      this.#hi = widened(this.#hi, capacity)
      this.#lo = widened(this.#lo, capacity)
      this.#foundHi = widened(this.#foundHi, capacity)
      this.#foundLo = widened(this.#foundLo, capacity)
    })
    this.#hi = new Float64Array(this.ids.capacity)
    this.#lo = new Uint32Array(this.ids.capacity)
    this.#foundHi = new Float64Array(this.ids.capacity)
    this.#foundLo = new Uint32Array(this.ids.capacity)
    this.#queue = new IndexHeap(
      (a, b) => this.#hi[b]! - this.#hi[a]! || this.#lo[b]! - this.#lo[a]! || this.ids.compare(a, b),
    )
  }

  get first(): number | undefined {
    return this.#queue.first
  }

  pop(): void {
    this.#queue.pop()
  }

  hi(entry: number): number {
    return this.#hi[entry]!
  }

  lo(entry: number): number {
    return this.#lo[entry]!
  }

  /**
   * Adds the traces that have a match in a block and are `wanted` by their bound, and corrects the bounds of those that wait already. False when there is no
   * memory for more.
   */
  async add({ rows, traces, matching }: Matches, wanted: (hi: number, lo: number) => boolean): Promise<boolean> {
    const turn = this.#turn
    const { takes, matchingOnly } = this.#key
    const { hi, lo } = this.#key.columns(rows)
    const best = new Int32Array(rows.traceCount).fill(-1)
    for (let row = 0; row < rows.count; row++) {
      if (turn.work(20) && (await turn.breathe())) return false
      if (matchingOnly && !matching[row]) continue
      const index = rows.trace[row]!
      const other = best[index]!
      const difference = other < 0 ? 0 : hi[row]! - hi[other]! || (lo ? lo[row]! - lo[other]! : 0)
      if (other < 0 || (takes === 'least' ? difference < 0 : difference > 0)) best[index] = row
    }
    for (let index = 0; index < best.length; index++) {
      const row = best[index]!
      if (row < 0) continue
      if (turn.work(100) && (await turn.breathe())) return false
      const known = this.ids.find(rows.traceIds, 4 * index)
      if (known >= 0) this.#correct(known, hi[row]!, lo ? lo[row]! : 0)
      else if (traces[index] && wanted(hi[row]!, lo ? lo[row]! : 0)) {
        const entry = this.ids.add(rows.traceIds, 4 * index)
        if (entry < 0) return false
        this.#hi[entry] = this.#foundHi[entry] = hi[row]!
        this.#lo[entry] = this.#foundLo[entry] = lo ? lo[row]! : 0
        this.#queue.push(entry)
      }
    }
    return true
  }

  /** Ids of those that wait, and would not be found again if only bounds that are `wanted` were looked at in each block. */
  *waiting(wanted: (hi: number, lo: number) => boolean): Generator<string> {
    for (let entry = 0; entry < this.ids.size; entry++) {
      if (this.#queue.has(entry) && !wanted(this.#foundHi[entry]!, this.#foundLo[entry]!)) yield this.ids.hex(entry)
    }
  }

  /** The trace has been dealt with: it is not added any more. */
  forget(id: Uint32Array): void {
    this.ids.add(id, 0)
  }

  /** Corrects the bound of a trace; false when it is not known yet. */
  correct(id: Uint32Array, hi: number, lo: number): boolean {
    const entry = this.ids.find(id, 0)
    if (entry >= 0) this.#correct(entry, hi, lo)
    return entry >= 0
  }

  #correct(entry: number, hi: number, lo: number): void {
    if (!this.#queue.has(entry)) return
    const difference = hi - this.#hi[entry]! || lo - this.#lo[entry]!
    if (this.#key.takes === 'least' ? difference >= 0 : difference <= 0) return
    this.#hi[entry] = hi
    this.#lo[entry] = lo
    this.#queue.update(entry)
  }
}
