import type { Matches } from './matches.ts'
import { addEnd, addStart, type TraceExtents } from './trace-extents.ts'
import { TraceIds, widened } from './trace-ids.ts'
import type { Turn } from './turn.ts'

/**
 * Traces by id with their extent over all blocks, in flat arrays: 84 bytes a trace, so that a search that has to weigh a million traces
 * fits into its memory. Times are exact 64-bit nanoseconds in two halves.
 */
export class TraceTable {
  readonly ids: TraceIds
  readonly #turn: Turn
  readonly #extents = {
    spans: new Uint32Array(0),
    errors: new Uint32Array(0),
    startHi: new Uint32Array(0),
    startLo: new Uint32Array(0),
    endHi: new Float64Array(0),
    endLo: new Uint32Array(0),
    longestNs: new Float64Array(0),
    firstNs: new Float64Array(0),
    rootNs: new Float64Array(0),
  }
  /** Of the longest span that matched. */
  #matchNs = new Float64Array(0)

  constructor(turn: Turn) {
    this.#turn = turn
    this.ids = new TraceIds(turn, 60, (capacity) => this.#grow(capacity))
    this.#grow(this.ids.capacity)
  }

  /** Adds the traces of a block that have a match; false when there is no room for more. */
  async addMatches({ rows, traces, matching }: Matches): Promise<boolean> {
    const entries = new Int32Array(rows.traceCount)
    for (let index = 0; index < rows.traceCount; index++) {
      if (this.#turn.work(20) && (await this.#turn.breathe())) return true
      if (!traces[index]) continue
      const before = this.ids.size
      const entry = this.ids.add(rows.traceIds, 4 * index)
      if (entry < 0) return false
      if (entry === before) this.#matchNs[entry] = -Infinity
      entries[index] = entry + 1
    }
    for (let row = 0; row < rows.count; row++) {
      if (this.#turn.work(5) && (await this.#turn.breathe())) return true
      if (!matching[row]) continue
      const entry = entries[rows.trace[row]!]! - 1
      if (rows.durationNs[row]! > this.#matchNs[entry]!) this.#matchNs[entry] = rows.durationNs[row]!
    }
    return true
  }

  /** Extends the traces that are in the table by what the block has of them. */
  async addExtents(block: TraceExtents): Promise<void> {
    for (let index = 0; index < block.traceCount; index++) {
      if (this.#turn.work(60) && (await this.#turn.breathe())) return
      if (block.spans[index] === 0) continue
      const entry = this.ids.find(block.traceIds, 4 * index)
      if (entry >= 0) this.#extend(entry, block, index)
    }
  }

  start(entry: number): bigint {
    return (BigInt(this.#extents.startHi[entry]!) << 32n) | BigInt(this.#extents.startLo[entry]!)
  }

  /** By their starts. */
  compareStarts(a: number, b: number): number {
    const { startHi, startLo } = this.#extents
    return startHi[a]! - startHi[b]! || startLo[a]! - startLo[b]!
  }

  durationNs(entry: number): number {
    const { startHi, startLo, endHi, endLo } = this.#extents
    return (endHi[entry]! - startHi[entry]!) * 2 ** 32 + (endLo[entry]! - startLo[entry]!)
  }

  /** At the most, and at the least. */
  requestMaxNs(entry: number): number {
    const { rootNs, firstNs, longestNs } = this.#extents
    return rootNs[entry]! < 0 ? longestNs[entry]! : firstNs[entry]!
  }

  requestMinNs(entry: number): number {
    return Math.max(0, this.#extents.rootNs[entry]!)
  }

  /** At the most. */
  tailNs(entry: number): number {
    return this.durationNs(entry) - this.requestMinNs(entry)
  }

  matchNs(entry: number): number {
    return this.#matchNs[entry]!
  }

  /** Spans and errors, those that were sent twice counted twice. */
  spans(entry: number): number {
    return this.#extents.spans[entry]!
  }

  errors(entry: number): number {
    return this.#extents.errors[entry]!
  }

  #extend(entry: number, block: TraceExtents, index: number): void {
    const own = this.#extents
    const isFirst = own.spans[entry] === 0
    own.spans[entry]! += block.spans[index]!
    own.errors[entry]! += block.errors[index]!
    addEnd(own, entry, isFirst, block.endHi[index]!, block.endLo[index]!)
    const { startHi, startLo, firstNs, rootNs, longestNs } = block
    addStart(own, entry, isFirst, startHi[index]!, startLo[index]!, firstNs[index]!, rootNs[index]!)
    if (longestNs[index]! > own.longestNs[entry]!) own.longestNs[entry] = longestNs[index]!
  }

  #grow(capacity: number): void {
    const own = this.#extents as Record<string, Uint32Array | Float64Array>
    for (const [name, column] of Object.entries(own)) own[name] = widened(column, capacity)
    this.#matchNs = widened(this.#matchNs, capacity)
  }
}
