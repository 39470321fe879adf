import type { Matches } from './matches.ts'
import { addEnd, addStart, type TraceExtents } from './trace-extents.ts'
import { TraceIds, widened } from './trace-ids.ts'
import type { Turn } from './turn.ts'

/** What of traces is kept; the request, which needs their start too. */
export type Part = 'start' | 'end' | 'spans' | 'errors' | 'request' | 'match'

/** Bytes of each, a trace. */
const BYTES: Readonly<Record<Part, number>> = { start: 8, end: 12, spans: 4, errors: 4, request: 24, match: 8 }

interface Columns {
  readonly spans: Uint32Array | undefined
  readonly errors: Uint32Array | undefined
  readonly ends: { readonly hi: Float64Array; readonly lo: Uint32Array } | undefined
  readonly starts: { readonly hi: Uint32Array; readonly lo: Uint32Array } | undefined
  readonly requests: Pick<TraceExtents, 'requestNs' | 'firstNs' | 'rootNs'> | undefined
}

/**
 * Traces by id with what is asked of their extent over all blocks, in flat arrays: 25 bytes a trace and those of what is asked, so that a search that has to
 * weigh two million traces fits into its memory. Times are exact 64-bit nanoseconds in two halves.
 */
export class TraceTable {
  readonly ids: TraceIds
  readonly #turn: Turn
  readonly #parts: ReadonlySet<Part>
  /** 1: a block has told of the trace. */
  #isKnown = new Uint8Array(0)
  #spans = new Uint32Array(0)
  #errors = new Uint32Array(0)
  #starts = { startHi: new Uint32Array(0), startLo: new Uint32Array(0) }
  #ends = { endHi: new Float64Array(0), endLo: new Uint32Array(0) }
  /** With the same starts. */
  #requests = {
    ...this.#starts,
    requestNs: new Float64Array(0),
    firstNs: new Float64Array(0),
    rootNs: new Float64Array(0),
  }
  /** Of the longest span that matched. */
  #matchNs = new Float64Array(0)

  constructor(parts: readonly Part[], turn: Turn) {
    this.#parts = new Set(parts)
    this.#turn = turn
    const bytes = [...this.#parts].reduce((sum, part) => sum + BYTES[part], 1)
    this.ids = new TraceIds(turn, bytes, (capacity) => this.#grow(capacity))
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
      if (entry === before && this.#parts.has('match')) this.#matchNs[entry] = -Infinity
      entries[index] = entry + 1
    }
    for (let row = 0; row < rows.count && this.#parts.has('match'); row++) {
      if (this.#turn.work(5) && (await this.#turn.breathe())) return true
      if (!matching[row]) continue
      const entry = entries[rows.trace[row]!]! - 1
      if (rows.durationNs[row]! > this.#matchNs[entry]!) this.#matchNs[entry] = rows.durationNs[row]!
    }
    return true
  }

  /** Extends the traces that are in the table by what the block has of them. `all`: adds those that are not; false when there is no room for more. */
  async addExtents(block: TraceExtents, all = false): Promise<boolean> {
    const columns = this.#columnsOf(block)
    const { traceIds, spans } = block
    for (let index = 0; index < block.traceCount; index++) {
      if (this.#turn.work(60) && (await this.#turn.breathe())) return true
      if (spans[index] === 0) continue
      const entry = all ? this.ids.add(traceIds, 4 * index) : this.ids.find(traceIds, 4 * index)
      if (entry >= 0) this.#extend(entry, columns, index)
      else if (all) return false
    }
    return true
  }

  /** What is asked of a block, of which some columns are read when they are first touched. */
  #columnsOf(block: TraceExtents): Columns {
    const parts = this.#parts
    return {
      spans: parts.has('spans') ? block.spans : undefined,
      errors: parts.has('errors') ? block.errors : undefined,
      ends: parts.has('end') ? { hi: block.endHi, lo: block.endLo } : undefined,
      starts: parts.has('start') || parts.has('request') ? { hi: block.startHi, lo: block.startLo } : undefined,
      requests: parts.has('request')
        ? { requestNs: block.requestNs, firstNs: block.firstNs, rootNs: block.rootNs }
        : undefined,
    }
  }

  /** Whether a block has told of the trace. */
  isKnown(entry: number): boolean {
    return this.#isKnown[entry] === 1
  }

  start(entry: number): bigint {
    const { startHi, startLo } = this.#starts
    return (BigInt(startHi[entry]!) << 32n) | BigInt(startLo[entry]!)
  }

  /** By their starts. */
  compareStarts(a: number, b: number): number {
    const { startHi, startLo } = this.#starts
    return startHi[a]! - startHi[b]! || startLo[a]! - startLo[b]!
  }

  /** Needs start and end. */
  durationNs(entry: number): number {
    const { startHi, startLo } = this.#starts
    const { endHi, endLo } = this.#ends
    return (endHi[entry]! - startHi[entry]!) * 2 ** 32 + (endLo[entry]! - startLo[entry]!)
  }

  /** At the most, and at the least. */
  requestMaxNs(entry: number): number {
    return this.#requests.requestNs[entry]!
  }

  requestMinNs(entry: number): number {
    return Math.max(0, this.#requests.rootNs[entry]!)
  }

  /** At the most. Needs end and request. */
  tailNs(entry: number): number {
    return this.durationNs(entry) - this.requestMinNs(entry)
  }

  matchNs(entry: number): number {
    return this.#matchNs[entry]!
  }

  /** Spans and errors, those that were sent twice counted twice. */
  spans(entry: number): number {
    return this.#spans[entry]!
  }

  errors(entry: number): number {
    return this.#errors[entry]!
  }

  #extend(entry: number, { spans, errors, ends, starts, requests }: Columns, index: number): void {
    const isFirst = this.#isKnown[entry] === 0
    this.#isKnown[entry] = 1
    if (spans) this.#spans[entry]! += spans[index]!
    if (errors) this.#errors[entry]! += errors[index]!
    if (ends) addEnd(this.#ends, entry, isFirst, ends.hi[index]!, ends.lo[index]!)
    if (!starts) return
    const [hi, lo] = [starts.hi[index]!, starts.lo[index]!]
    if (requests) {
      const own = this.#requests
      addStart(own, entry, isFirst, hi, lo, requests.firstNs[index]!, requests.rootNs[index]!)
      if (requests.requestNs[index]! > own.requestNs[entry]!) own.requestNs[entry] = requests.requestNs[index]!
    } else this.#addStart(entry, isFirst, hi, lo)
  }

  #addStart(entry: number, isFirst: boolean, hi: number, lo: number): void {
    const { startHi, startLo } = this.#starts
    if (!isFirst && (hi - startHi[entry]! || lo - startLo[entry]!) >= 0) return
    startHi[entry] = hi
    startLo[entry] = lo
  }

  #grow(capacity: number): void {
    const has = (part: Part): number => (this.#parts.has(part) ? capacity : 0)
    const startCapacity = Math.max(has('start'), has('request'))
    this.#isKnown = widened(this.#isKnown, capacity)
    this.#spans = widened(this.#spans, has('spans'))
    this.#errors = widened(this.#errors, has('errors'))
    this.#starts = {
      startHi: widened(this.#starts.startHi, startCapacity),
      startLo: widened(this.#starts.startLo, startCapacity),
    }
    this.#ends = { endHi: widened(this.#ends.endHi, has('end')), endLo: widened(this.#ends.endLo, has('end')) }
    this.#requests = {
      ...this.#starts,
      requestNs: widened(this.#requests.requestNs, has('request')),
      firstNs: widened(this.#requests.firstNs, has('request')),
      rootNs: widened(this.#requests.rootNs, has('request')),
    }
    this.#matchNs = widened(this.#matchNs, has('match'))
  }
}
