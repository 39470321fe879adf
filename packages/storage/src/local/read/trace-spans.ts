import { hashWords } from '../block/hash.ts'
import type { BlockRows } from '../block/rows.ts'
import { SEED, widened } from './trace-ids.ts'
import type { Turn } from './turn.ts'

const INITIAL = 256
/** Bytes of a span in all columns and tables. */
const SPAN_BYTES = 94

/**
 * The spans of one trace in flat arrays, in the order in which they came. Made once and used for one trace after the other: a search
 * summarizes thousands, most of them small.
 */
export class TraceSpans {
  count = 0
  capacity = INITIAL
  /** Two words each, as on the wire. */
  id = new Uint32Array(2 * INITIAL)
  parentId = new Uint32Array(2 * INITIAL)
  /** Nanoseconds from the start of the first span that came. */
  start = new Float64Array(INITIAL)
  end = new Float64Array(INITIAL)
  /** Numbers of the caller's. */
  operation = new Uint32Array(INITIAL)
  error = new Uint8Array(INITIAL)
  /** Entry of the parent; -1: there is none in the trace. Filled by {@link resolve}. */
  parent = new Int32Array(INITIAL)
  /** Which span each of those that came is, by what {@link dropTwins} left. */
  distinctOf = new Uint32Array(INITIAL)
  /** Nanoseconds in which no child span runs. Filled by {@link measure}. */
  self = new Float64Array(INITIAL)
  #covered = new Float64Array(INITIAL)
  #order = new Uint32Array(INITIAL)
  #spare = new Uint32Array(INITIAL)
  #slots = new Int32Array(2 * INITIAL)
  #baseHi = 0
  #baseLo = 0

  clear(): void {
    this.count = 0
  }

  /** The first span's start, from which all times count. */
  get base(): bigint {
    return (BigInt(this.#baseHi) << 32n) | BigInt(this.#baseLo)
  }

  /** False when the query has no memory for more. */
  add(rows: BlockRows, row: number, operation: number, turn: Turn): boolean {
    if (this.count === this.capacity && !this.#grow(turn)) return false
    const i = this.count++
    if (i === 0) {
      this.#baseHi = rows.startHi[row]!
      this.#baseLo = rows.startLo[row]!
    }
    this.id[2 * i] = rows.spanId[2 * row]!
    this.id[2 * i + 1] = rows.spanId[2 * row + 1]!
    this.parentId[2 * i] = rows.parentId[2 * row]!
    this.parentId[2 * i + 1] = rows.parentId[2 * row + 1]!
    const start = (rows.startHi[row]! - this.#baseHi) * 2 ** 32 + (rows.startLo[row]! - this.#baseLo)
    this.start[i] = start
    this.end[i] = start + rows.durationNs[row]!
    this.operation[i] = operation
    this.error[i] = rows.status[row] === 2 ? 1 : 0
    return true
  }

  /** Leaves out spans that are the same in all columns as one before. */
  async dropTwins(turn: Turn): Promise<void> {
    const { id, parentId, start, end, operation, error, count } = this
    const slots = this.#emptySlots()
    const mask = slots.length - 1
    let kept = 0
    for (let i = 0; i < count; i++) {
      if (turn.work(60) && (await turn.breathe())) return
      const hash = hashWords(id[2 * i]! ^ SEED, id[2 * i + 1]! ^ operation[i]!, start[i]! | 0, (end[i]! / 1024) | 0)
      let slot = hash & mask
      let twin = slots[slot]! - 1
      while (twin >= 0) {
        if (
          id[2 * twin] === id[2 * i] &&
          id[2 * twin + 1] === id[2 * i + 1] &&
          parentId[2 * twin] === parentId[2 * i] &&
          parentId[2 * twin + 1] === parentId[2 * i + 1] &&
          start[twin] === start[i] &&
          end[twin] === end[i] &&
          operation[twin] === operation[i] &&
          error[twin] === error[i]
        )
          break
        slot = (slot + 1) & mask
        twin = slots[slot]! - 1
      }
      if (twin >= 0) {
        this.distinctOf[i] = twin
        continue
      }
      this.distinctOf[i] = kept
      if (kept < i) this.#move(i, kept)
      slots[slot] = ++kept
    }
    this.count = kept
  }

  /** Finds each span's parent: of several spans with its id the one that came first. */
  async resolve(turn: Turn): Promise<void> {
    const { id, parentId, parent, count } = this
    const slots = this.#emptySlots()
    const mask = slots.length - 1
    const slotOf = (lo: number, hi: number): number => {
      let slot = hashWords(lo ^ SEED, hi, 0, 0) & mask
      for (let i = slots[slot]! - 1; i >= 0; i = slots[slot]! - 1) {
        if (id[2 * i] === lo && id[2 * i + 1] === hi) break
        slot = (slot + 1) & mask
      }
      return slot
    }
    for (let i = 0; i < count; i++) {
      if (turn.work(20) && (await turn.breathe())) return
      const slot = slotOf(id[2 * i]!, id[2 * i + 1]!)
      if (slots[slot] === 0) slots[slot] = i + 1
    }
    for (let i = 0; i < count; i++) {
      if (turn.work(20) && (await turn.breathe())) return
      parent[i] = this.hasParent(i) ? slots[slotOf(parentId[2 * i]!, parentId[2 * i + 1]!)]! - 1 : -1
    }
  }

  hasParent(i: number): boolean {
    return this.parentId[2 * i] !== 0 || this.parentId[2 * i + 1] !== 0
  }

  /** Each span's time less the union of its children's, as far as they lie in it: children are gone through by their start. */
  async measure(turn: Turn): Promise<void> {
    const { start, end, parent, self, count } = this
    const covered = this.#covered
    for (let i = 0; i < count; i++) {
      if (turn.work(20) && (await turn.breathe())) return
      self[i] = Math.max(0, end[i]! - start[i]!)
      covered[i] = start[i]!
    }
    const order = await this.#byStart(turn)
    for (let k = 0; k < count; k++) {
      if (turn.work(30) && (await turn.breathe())) return
      const i = order[k]!
      const above = parent[i]!
      if (above < 0 || above === i) continue
      const from = Math.max(covered[above]!, start[i]!)
      const to = Math.min(end[above]!, end[i]!)
      if (to > from) {
        self[above]! -= to - from
        covered[above] = to
      }
    }
  }

  /** Merge sort from the bottom up: unlike the array's own it can be interrupted. */
  async #byStart(turn: Turn): Promise<Uint32Array> {
    const { start, count } = this
    let from = this.#order
    let to = this.#spare
    let sorted = true
    for (let i = 0; i < count; i++) {
      if (turn.work(20) && (await turn.breathe())) return from
      from[i] = i
      if (i > 0 && start[i]! < start[i - 1]!) sorted = false
    }
    if (sorted) return from
    for (let width = 1; width < count; width *= 2) {
      for (let low = 0; low < count; low += 2 * width) {
        const middle = Math.min(low + width, count)
        const high = Math.min(low + 2 * width, count)
        let left = low
        let right = middle
        for (let k = low; k < high; k++) {
          if (turn.work(30) && (await turn.breathe())) return from
          to[k] =
            right >= high || (left < middle && start[from[left]!]! <= start[from[right]!]!)
              ? from[left++]!
              : from[right++]!
        }
      }
      ;[from, to] = [to, from]
    }
    return from
  }

  #move(from: number, to: number): void {
    for (const words of [this.id, this.parentId]) {
      words[2 * to] = words[2 * from]!
      words[2 * to + 1] = words[2 * from + 1]!
    }
    for (const column of [this.start, this.end, this.operation, this.error]) column[to] = column[from]!
  }

  /** A table of at least twice the spans that there are. */
  #emptySlots(): Int32Array {
    let size = 64
    while (size < 2 * this.count) size *= 2
    return this.#slots.subarray(0, size).fill(0)
  }

  #grow(turn: Turn): boolean {
    const capacity = 2 * this.capacity
    if (!turn.reserve(SPAN_BYTES * this.capacity)) return false
    this.id = widened(this.id, 2 * capacity)
    this.parentId = widened(this.parentId, 2 * capacity)
    this.start = widened(this.start, capacity)
    this.end = widened(this.end, capacity)
    this.operation = widened(this.operation, capacity)
    this.error = widened(this.error, capacity)
    this.parent = new Int32Array(capacity)
    this.distinctOf = new Uint32Array(capacity)
    this.self = new Float64Array(capacity)
    this.#covered = new Float64Array(capacity)
    this.#order = new Uint32Array(capacity)
    this.#spare = new Uint32Array(capacity)
    this.#slots = new Int32Array(2 * capacity)
    this.capacity = capacity
    return true
  }
}
