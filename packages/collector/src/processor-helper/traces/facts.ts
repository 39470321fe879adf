/**
 * What policies ask most of the spans of a trace, taken down when these come: then nothing of a trace that is not kept has to be read again. Times are
 * distances from a point of the trace's own, in nanoseconds, which are exact below 2^52 (52 days); where one is not, or a span has none, nothing is
 * known and the spans are to be read.
 */
import type { SpanColumns } from '@spoor/otlp'
import { grown } from './grown.ts'

/** Bits of {@link Facts.statuses}: one for each code, and one where a span cannot be told by these. */
const KNOWN_CODES = 3
const UNKNOWN = 1 << 7
const MOST_NS = 2 ** 52
/** The upper half of a time from which on no sum here can be 0, which stands for no time. */
const LEAST_HI = 2 ** 20

/** Of each row of a table, or group of spans, what is known. */
export class Facts {
  /** Bit n: a span has status code n. 0: there were no spans. */
  statuses: Uint8Array
  /** The point that times are measured from, nanoseconds since 1970 in two halves. */
  baseHi: Uint32Array
  baseLo: Uint32Array
  /** The first start and the last end. */
  first: Float64Array
  last: Float64Array

  constructor(capacity: number) {
    this.statuses = new Uint8Array(capacity)
    this.baseHi = new Uint32Array(capacity)
    this.baseLo = new Uint32Array(capacity)
    this.first = new Float64Array(capacity)
    this.last = new Float64Array(capacity)
  }

  grow(capacity: number): void {
    this.statuses = grown(this.statuses, capacity)
    this.baseHi = grown(this.baseHi, capacity)
    this.baseLo = grown(this.baseLo, capacity)
    this.first = grown(this.first, capacity)
    this.last = grown(this.last, capacity)
  }

  clear(row: number): void {
    this.statuses[row] = 0
  }

  /** There are spans of which nothing is known. */
  forget(row: number): void {
    this.statuses[row]! |= UNKNOWN
  }

  isKnown(row: number): boolean {
    return this.statuses[row]! < UNKNOWN
  }

  /** Takes down a span. */
  addSpan(row: number, { status, startHi, startLo, durationNs }: SpanColumns, span: number): void {
    const code = status[span]!
    const hi = startHi[span]!
    const duration = durationNs[span]!
    const isTold = code < KNOWN_CODES && hi >= LEAST_HI && Math.abs(duration) < MOST_NS
    if (!isTold) return this.forget(row)
    this.#add(row, 1 << code, hi, startLo[span]!, 0, duration)
  }

  /** Takes over what is known of the spans of a row of others. */
  addAll(row: number, others: Facts, other: number): void {
    const { statuses, baseHi, baseLo, first, last } = others
    if (!others.isKnown(other)) return this.forget(row)
    this.#add(row, statuses[other]!, baseHi[other]!, baseLo[other]!, first[other]!, last[other]!)
  }

  #add(row: number, statuses: number, hi: number, lo: number, first: number, last: number): void {
    if (this.statuses[row] === 0) {
      this.baseHi[row] = hi
      this.baseLo[row] = lo
      this.first[row] = first
      this.last[row] = last
    } else {
      const distance = (hi - this.baseHi[row]!) * 2 ** 32 + (lo - this.baseLo[row]!)
      if (Math.abs(distance) >= MOST_NS) return this.forget(row)
      if (distance + first < this.first[row]!) this.first[row] = distance + first
      if (distance + last > this.last[row]!) this.last[row] = distance + last
    }
    this.statuses[row]! |= statuses
  }
}
