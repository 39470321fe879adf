import { MAX_DURATION_NS } from '../block/rows.ts'
import { Numbers } from './number-column.ts'
import { inPieces } from './pieces.ts'
import { setDifference } from './span-headers.ts'
import type { Source } from './source.ts'
import type { Hold } from './specimen.ts'
import type { TraceExtents } from '../read/trace-extents.ts'

/*
 * What a section knows of each of its traces, so that orders and bounds of traces look at no rows: what `TraceExtents` has.
 */

const WORD = 2 ** 32

/** Indexes in `TRACE_HEADERS`. */
const FACT = { rows: 0, errors: 1, start: 2, end: 3, over: 4, longest: 5, first: 6, root: 7 } as const

/** By trace; see `TRACE_HEADERS`. */
export interface TraceFacts {
  readonly rows: Numbers
  readonly errors: Numbers
  /** First start, nanoseconds after the section's. */
  readonly start: Numbers
  /** Last end, nanoseconds after its first start; how often 2^64 is to be added to it. */
  readonly end: Numbers
  readonly over: Numbers
  /** The longest duration of all spans, and of those that start first. */
  readonly longest: Numbers
  readonly first: Numbers
  /** The longest of those that start first and have no parent. 0: there is none, 1: it is `first`; else 2 more than it, or itself where it is 2^53 and more. */
  readonly root: Numbers
  /** Which span the request is, of those that start first, where that cannot be in doubt: 1 + 4 times its operation + its status; else 0. And its row, counted from the first of the trace. */
  readonly request: Numbers
  readonly requestRow: Numbers
}

/** Statuses that have a name. */
const STATUSES = 3

/** `hold`: see `specimen.ts`. */
export function traceFacts(source: Source, hold?: Hold): TraceFacts {
  const count = source.first.length - 1
  const numbers = (): Numbers => new Numbers(count)
  const facts = {
    rows: numbers(),
    errors: numbers(),
    start: numbers(),
    end: numbers(),
    over: numbers(),
    longest: numbers(),
    first: numbers(),
    root: numbers(),
    request: numbers(),
    requestRow: numbers(),
  }
  const [minLo, minHi] = earliest(source)
  const finder = new Facts(source, facts, minLo, minHi)
  inPieces(count, (from, to) => finder.put(from, to))
  hold?.(facts, finder)
  return facts
}

class Facts {
  readonly #source: Source
  readonly #facts: TraceFacts
  readonly #parents: Uint32Array
  readonly #ids: Uint32Array
  readonly #minLo: number
  readonly #minHi: number

  constructor(source: Source, facts: TraceFacts, minLo: number, minHi: number) {
    const { columns } = source
    this.#source = source
    this.#facts = facts
    this.#parents = new Uint32Array(columns.parentSpanId.buffer, columns.parentSpanId.byteOffset, 2 * columns.count)
    this.#ids = new Uint32Array(columns.spanId.buffer, columns.spanId.byteOffset, 2 * columns.count)
    this.#minLo = minLo
    this.#minHi = minHi
  }

  /** Those of some traces. */
  put(from: number, to: number): void {
    for (let trace = from; trace < to; trace++) this.#put(trace)
  }

  #put(trace: number): void {
    const { first, order, columns } = this.#source
    const { startLo, startHi, durationNs, status } = columns
    const parents = this.#parents
    const facts = this.#facts
    const start = first[trace]!
    const end = first[trace + 1]!
    const opening = order[start]!
    const lo = startLo[opening]!
    const hi = startHi[opening]!
    let errors = 0
    let longest = 0
    let earliest = 0
    let request = -1
    let root = -Infinity
    let isOnly = true
    let endLo = 0
    let endHi = 0
    for (let place = start; place < end; place++) {
      const row = order[place]!
      const signed = Math.max(-MAX_DURATION_NS, Math.min(MAX_DURATION_NS, durationNs[row]!))
      const duration = Math.max(0, signed)
      if (status[row] === 2) errors++
      if (duration > longest) longest = duration
      const durationHi = Math.floor(duration / WORD)
      const low = startLo[row]! - lo + (duration - durationHi * WORD)
      const carry = Math.floor(low / WORD)
      const high = startHi[row]! - hi + durationHi + carry
      if (high > endHi || (high === endHi && low - carry * WORD > endLo)) {
        endHi = high
        endLo = low - carry * WORD
      }
      // They come by their start.
      if (startLo[row] !== lo || startHi[row] !== hi) continue
      if (duration > earliest) earliest = duration
      if ((parents[2 * row]! | parents[2 * row + 1]!) !== 0) continue
      if (signed === root) isOnly = false
      if (signed > root) {
        request = place
        root = signed
        isOnly = true
      }
    }
    setDifference(facts.start, trace, lo, hi, this.#minLo, this.#minHi)
    facts.rows.value[trace] = end - start
    facts.errors.value[trace] = errors
    facts.over.value[trace] = Math.floor(endHi / WORD)
    facts.end.set(trace, endLo, endHi % WORD)
    setWhole(facts.longest, trace, longest)
    setWhole(facts.first, trace, earliest)
    if (request < 0) return
    setWhole(facts.root, trace, rootCode(Math.max(0, root), earliest))
    if (isOnly) this.#putRequest(trace, request)
  }

  #putRequest(trace: number, place: number): void {
    const { first, order, columns, operation } = this.#source
    const row = order[place]!
    if (columns.status[row]! >= STATUSES || !isAlone(order, first, trace, place, this.#ids)) return
    this.#facts.request.value[trace] = 1 + 4 * operation[row]! + columns.status[row]!
    this.#facts.requestRow.value[trace] = place - first[trace]!
  }
}

/** See {@link TraceFacts.root}. */
function rootCode(root: number, first: number): number {
  if (root === first) return 1
  return root < Number.MAX_SAFE_INTEGER - 2 ? root + 2 : root
}

/** Whether no other span of its trace has its id. A span that was sent twice is not alone, nor one whose client has the same. */
function isAlone(order: Uint32Array, first: Uint32Array, trace: number, place: number, ids: Uint32Array): boolean {
  const own = order[place]!
  for (let other = first[trace]!; other < first[trace + 1]!; other++) {
    const row = order[other]!
    if (row !== own && ids[2 * row] === ids[2 * own] && ids[2 * row + 1] === ids[2 * own + 1]) return false
  }
  return true
}

function setWhole(numbers: Numbers, index: number, value: number): void {
  numbers.set(index, value % WORD, Math.floor(value / WORD))
}

function earliest({ first, order, columns }: Source): readonly [lo: number, hi: number] {
  const { startLo, startHi } = columns
  let lo = 0
  let hi = Infinity
  for (let trace = 0; trace < first.length - 1; trace++) {
    const row = order[first[trace]!]!
    if (startHi[row]! > hi || (startHi[row] === hi && startLo[row]! >= lo)) continue
    lo = startLo[row]!
    hi = startHi[row]!
  }
  return [lo, hi]
}

/** Reads a number of each trace. `index`: in `TRACE_HEADERS`. */
export type FactReader = (index: number) => Numbers

/** The extents of traces from what {@link traceFacts} had. Each column is read when it is first touched, and throws then what its reader throws. */
export class SealedExtents implements TraceExtents {
  readonly traceCount: number
  readonly #read: FactReader
  readonly #readIds: () => Uint32Array
  readonly #readRequests: () => Numbers | undefined
  readonly #minLo: number
  readonly #minHi: number
  readonly #values = new Map<string, unknown>()

  /** `readRequests`: {@link TraceFacts.request}, undefined where an earlier version wrote the section; `minStart`: of the section. */
  constructor(
    traceCount: number,
    read: FactReader,
    readIds: () => Uint32Array,
    readRequests: () => Numbers | undefined,
    minStart: bigint,
  ) {
    this.traceCount = traceCount
    this.#read = read
    this.#readIds = readIds
    this.#readRequests = readRequests
    this.#minLo = Number(minStart & 0xffff_ffffn)
    this.#minHi = Number(minStart >> 32n)
  }

  get traceIds(): Uint32Array {
    return this.#once('traceIds', this.#readIds)
  }

  get spans(): Uint32Array {
    return this.#once('spans', () => Uint32Array.from(this.#numbers(FACT.rows).value))
  }

  get errors(): Uint32Array {
    return this.#once('errors', () => Uint32Array.from(this.#numbers(FACT.errors).value))
  }

  get startHi(): Uint32Array {
    return this.#starts.hi
  }

  get startLo(): Uint32Array {
    return this.#starts.lo
  }

  get endHi(): Float64Array {
    return this.#ends.hi
  }

  get endLo(): Uint32Array {
    return this.#ends.lo
  }

  get longestNs(): Float64Array {
    return this.#once('longestNs', () => this.#wholes(FACT.longest))
  }

  get requestNs(): Float64Array {
    return this.#once('requestNs', () => {
      const { longestNs, isRequestLoose } = this
      if (!isRequestLoose.includes(0)) return longestNs
      const { rootNs } = this
      return longestNs.map((longest, i) => (isRequestLoose[i] ? longest : rootNs[i]!))
    })
  }

  get isRequestLoose(): Uint32Array {
    return this.#once('isRequestLoose', () => {
      const request = this.#readRequests()
      return new Uint32Array(this.traceCount).map((_, i) => (request && request.value[i]! > 0 ? 0 : 1))
    })
  }

  get firstNs(): Float64Array {
    return this.#once('firstNs', () => this.#wholes(FACT.first))
  }

  get rootNs(): Float64Array {
    return this.#once('rootNs', () => {
      const { firstNs } = this
      const { value } = this.#numbers(FACT.root)
      const known = (root: number, i: number): number => (root === 0 ? -1 : root === 1 ? firstNs[i]! : root - 2)
      return this.#wholes(FACT.root).map((root, i) => (value[i]! < 0 ? root : known(root, i)))
    })
  }

  get #starts(): { readonly hi: Uint32Array; readonly lo: Uint32Array } {
    return this.#once('starts', () => {
      const start = this.#numbers(FACT.start)
      const [hi, lo] = [new Uint32Array(this.traceCount), new Uint32Array(this.traceCount)]
      for (let trace = 0; trace < this.traceCount; trace++) {
        const low = this.#minLo + start.lo(trace)
        lo[trace] = low % WORD
        hi[trace] = this.#minHi + start.hi(trace) + (low >= WORD ? 1 : 0)
      }
      return { hi, lo }
    })
  }

  get #ends(): { readonly hi: Float64Array; readonly lo: Uint32Array } {
    return this.#once('ends', () => {
      const { startHi, startLo } = this
      const [end, over] = [this.#numbers(FACT.end), this.#numbers(FACT.over)]
      const [hi, lo] = [new Float64Array(this.traceCount), new Uint32Array(this.traceCount)]
      for (let trace = 0; trace < this.traceCount; trace++) {
        const low = startLo[trace]! + end.lo(trace)
        lo[trace] = low
        hi[trace] = startHi[trace]! + end.hi(trace) + (low >= WORD ? 1 : 0) + WORD * over.value[trace]!
      }
      return { hi, lo }
    })
  }

  /** Whole numbers of 64 bits, as doubles. */
  #wholes(index: number): Float64Array {
    const numbers = this.#numbers(index)
    return numbers.value.map((value, i) => (value < 0 ? numbers.hi(i) * WORD + numbers.lo(i) : value))
  }

  #numbers(index: number): Numbers {
    return this.#once(`${index}`, () => this.#read(index))
  }

  #once<T>(name: string, load: () => T): T {
    let value = this.#values.get(name) as T | undefined
    if (value === undefined) this.#values.set(name, (value = load()))
    return value
  }
}
