import type { Block } from './block.ts'
import type { Matches } from './matches.ts'
import { IndexHeap } from './index-heap.ts'
import type { TraceExtents } from './trace-extents.ts'
import { TraceIds, widened } from './trace-ids.ts'
import type { Turn } from './turn.ts'

/** What orders traces, by the columns of their rows: the greatest comes first. */
export interface RowKey {
  /** Of a trace's rows in all blocks that were looked into: the least key or the greatest bounds that of the trace. */
  readonly takes: 'least' | 'greatest'
  /** Whether only rows that match count. */
  readonly matchingOnly: boolean
  columns(rows: Matches['rows']): KeyColumns
  /** The same by trace, for those that all count. */
  extents(extents: TraceExtents): KeyColumns
}

interface KeyColumns {
  readonly hi: Uint32Array | Float64Array
  readonly lo: Uint32Array | undefined
}

/** What a bound says of a trace: it may be next, or not before a block bounds it by one that is `due`, or it has been dealt with. */
export type Duty = 'due' | 'aside' | 'done'

/** Of an entry: it has been dealt with (and is in the set only in order not to be added again), or waits in the queue, or aside. */
const DONE = 0
const DUE = 1
const ASIDE = 2
/** The bound of what no block has told of: before all others, of those that take the least. */
const NOWHERE = 0xffff_ffff

/** Traces that were found, by the bound on the key of each, the greatest first. 57 bytes a trace. */
export class SeenTraces {
  readonly ids: TraceIds
  readonly #turn: Turn
  readonly #key: RowKey
  #hi: Float64Array
  #lo: Uint32Array
  /** The last of the bounds by the blocks in which the trace was found. */
  #foundHi: Float64Array
  #foundLo: Uint32Array
  #state: Uint8Array
  /** Those that are aside, and some that were. */
  #aside: number[] = []
  readonly #dutyOf: (hi: number, lo: number) => Duty
  readonly #queue: IndexHeap

  constructor(key: RowKey, turn: Turn, dutyOf: (hi: number, lo: number) => Duty) {
    this.#key = key
    this.#turn = turn
    this.#dutyOf = dutyOf
    this.ids = new TraceIds(turn, 33, (capacity) => {
      this.#hi = widened(this.#hi, capacity)
      this.#lo = widened(this.#lo, capacity)
      this.#foundHi = widened(this.#foundHi, capacity)
      this.#foundLo = widened(this.#foundLo, capacity)
      this.#state = widened(this.#state, capacity)
    })
    this.#hi = new Float64Array(this.ids.capacity)
    this.#lo = new Uint32Array(this.ids.capacity)
    this.#foundHi = new Float64Array(this.ids.capacity)
    this.#foundLo = new Uint32Array(this.ids.capacity)
    this.#state = new Uint8Array(this.ids.capacity)
    this.#queue = new IndexHeap(
      (a, b) => this.#hi[b]! - this.#hi[a]! || this.#lo[b]! - this.#lo[a]! || this.ids.compare(a, b),
    )
  }

  get first(): number | undefined {
    return this.#queue.first
  }

  pop(): void {
    this.#state[this.#queue.pop()!] = DONE
  }

  hi(entry: number): number {
    return this.#hi[entry]!
  }

  lo(entry: number): number {
    return this.#lo[entry]!
  }

  /**
   * Adds the traces that have a match in a block and are not done by their bound, and corrects the bounds of those that wait already. False when there is
   * no memory for more.
   */
  async add({ rows, traces, matching }: Matches): Promise<boolean> {
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
      if (!this.#meet(rows.traceIds, 4 * index, traces[index] === 1, hi[row]!, lo ? lo[row]! : 0)) return false
    }
    return true
  }

  /** The same of a block that tells of its traces without a look at its rows, and of which all are in question. */
  async addAll(extents: TraceExtents): Promise<boolean> {
    const turn = this.#turn
    const { hi, lo } = this.#key.extents(extents)
    const { traceIds } = extents
    for (let index = 0; index < extents.traceCount; index++) {
      if (turn.work(100) && (await turn.breathe())) return false
      if (!this.#meet(traceIds, 4 * index, true, hi[index]!, lo ? lo[index]! : 0)) return false
    }
    return true
  }

  /** A block has the trace, and bounds it so. False when there is no memory for it. */
  #meet(ids: Uint32Array, at: number, isFound: boolean, hi: number, lo: number): boolean {
    const known = this.ids.find(ids, at)
    if (known >= 0) {
      if (isFound && this.#compare(hi, lo, this.#foundHi[known]!, this.#foundLo[known]!) > 0) {
        this.#foundHi[known] = hi
        this.#foundLo[known] = lo
      }
      this.#correct(known, hi, lo)
      return true
    }
    const duty = isFound ? this.#dutyOf(hi, lo) : 'done'
    return duty === 'done' || this.#insert(ids, at, hi, lo, duty)
  }

  #insert(ids: Uint32Array, at: number, hi: number, lo: number, duty: 'due' | 'aside'): boolean {
    const entry = this.ids.add(ids, at)
    if (entry < 0) return false
    this.#hi[entry] = this.#foundHi[entry] = hi
    this.#lo[entry] = this.#foundLo[entry] = lo
    if (duty === 'due') this.#enqueue(entry)
    else {
      this.#state[entry] = ASIDE
      this.#aside.push(entry)
    }
    return true
  }

  /** A trace that is aside, of which no block has told yet. False when there is no memory for it. */
  putAside(id: Uint32Array): boolean {
    return this.ids.find(id, 0) >= 0 || this.#insert(id, 0, NOWHERE, NOWHERE, 'aside')
  }

  /** Whether a block was found in which the trace has a match. */
  isFound(entry: number): boolean {
    return this.#foundHi[entry] !== NOWHERE
  }

  /** Whether a block in which nothing was found may bound one that is aside. True also when the turn ended. */
  async awaits(block: Block): Promise<boolean> {
    this.#aside = this.#aside.filter((entry) => this.#state[entry] === ASIDE)
    for (const entry of this.#aside) {
      if (this.#turn.work(50) && (await this.#turn.breathe())) return true
      if (block.mayHaveTrace(this.ids.hash(entry))) return true
    }
    return false
  }

  /** All that is aside is due now: no other block will bound it. */
  releaseAside(): void {
    for (const entry of this.#aside.splice(0)) if (this.#state[entry] === ASIDE) this.#enqueue(entry)
  }

  /** Ids of those that are not done, and would not be found again if only bounds that are `due` were looked at in each block. */
  *left(isDue: (hi: number, lo: number) => boolean): Generator<string> {
    for (let entry = 0; entry < this.ids.size; entry++) {
      if (this.#state[entry] !== DONE && !isDue(this.#foundHi[entry]!, this.#foundLo[entry]!)) yield this.ids.hex(entry)
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
    const state = this.#state[entry]!
    if (state === DONE || this.#compare(hi, lo, this.#hi[entry]!, this.#lo[entry]!) <= 0) return
    this.#hi[entry] = hi
    this.#lo[entry] = lo
    if (state === DUE) this.#queue.update(entry)
    else if (this.#dutyOf(hi, lo) === 'due') this.#enqueue(entry)
  }

  #enqueue(entry: number): void {
    this.#state[entry] = DUE
    this.#queue.push(entry)
  }

  /** Greater than 0: the first says more of a trace than the second. */
  #compare(hi: number, lo: number, otherHi: number, otherLo: number): number {
    const difference = hi - otherHi || lo - otherLo
    return this.#key.takes === 'least' ? -difference : difference
  }
}
