import { hash } from 'node:crypto'
import { createSpanColumns, scanSpans, type SpanColumns } from '@spoor/otlp'
import { Fields } from '../write/fields.ts'

/** ResourceSpans.scope_spans and ScopeSpans.spans. */
const SECOND = 0x12
const HOUR_NS = 3_600_000_000_000n
const HOUR = Number(HOUR_NS)
const WORD = 2 ** 32
/** What a time of 64 bits may be off by as a number. Nanoseconds. */
const INEXACT = 4_096

/**
 * What stands for a span where two stores are compared: the first 64 bits of the MD5 of what belongs to its resource, of what belongs to its scope, and of its own bytes, one after the other. In
 * SQL it is {@link DIGEST_SQL}. Not against who wants two of them to be alike.
 */
export const DIGEST_SQL = 'reinterpretAsUInt64(substring(MD5(concat(SpoorResource, SpoorScope, SpoorSpan)), 1, 8))'
/** The hour of a span's start, counted from 1970. */
export const HOUR_SQL = `intDiv(SpoorStart, ${HOUR_NS})`

/** Reads the spans of a message one after the other. */
export class SpanDigests {
  columns: SpanColumns = createSpanColumns(1024)
  readonly lo: number[] = []
  readonly hi: number[] = []
  readonly hours: number[] = []
  readonly #fields = new Fields()
  #scratch = Buffer.alloc(1 << 16)

  /** Fills {@link columns}, {@link lo}, {@link hi} and {@link hours}, and tells how many. Throws OtlpError for malformed bytes. */
  read(bytes: Uint8Array): number {
    const columns = this.columns
    columns.count = 0
    scanSpans(bytes, columns)
    let scope = -1
    let envelope = 0
    for (let i = 0; i < columns.count; i++) {
      if (columns.scopeStart[i] !== scope) {
        scope = columns.scopeStart[i]!
        envelope = this.#others(bytes, columns.resourceStart[i]!, columns.resourceEnd[i]!, 0)
        envelope = this.#others(bytes, scope, columns.scopeEnd[i]!, envelope)
      }
      const end = this.#put(bytes, columns.spanStart[i]!, columns.spanEnd[i]!, envelope)
      const digest = hash('md5', this.#scratch.subarray(0, end), 'buffer')
      this.lo[i] = digest.readUInt32LE(0)
      this.hi[i] = digest.readUInt32LE(4)
      this.hours[i] = hourOf(columns.startLo[i]!, columns.startHi[i]!)
    }
    return columns.count
  }

  #others(bytes: Uint8Array, start: number, end: number, at: number): number {
    const fields = this.#fields
    let to = at
    fields.open(bytes, start, end)
    while (fields.next()) if (fields.tag !== SECOND) to = this.#put(bytes, fields.fieldStart, fields.end, to)
    return to
  }

  #put(bytes: Uint8Array, start: number, end: number, at: number): number {
    const needed = at + end - start
    if (needed > this.#scratch.length) {
      const larger = Buffer.alloc(2 * needed)
      larger.set(this.#scratch.subarray(0, at))
      this.#scratch = larger
    }
    this.#scratch.set(bytes.subarray(start, end), at)
    return needed
  }
}

export function hourOf(lo: number, hi: number): number {
  const ns = hi * WORD + lo
  const hour = Math.floor(ns / HOUR)
  const rest = ns - hour * HOUR
  if (rest > INEXACT && rest < HOUR - INEXACT) return hour
  return Number(((BigInt(hi) << 32n) | BigInt(lo)) / HOUR_NS)
}

/** Nanoseconds since 1970. */
export function startOfHour(hour: number): bigint {
  return BigInt(hour) * HOUR_NS
}

/** How many spans, and the sum of their digests without what is above 64 bits. */
export interface HourSum {
  count: number
  lo: number
  hi: number
}

/** By hour. */
export class HourSums {
  readonly of = new Map<number, HourSum>()
  #hour = -1
  #last: HourSum = { count: 0, lo: 0, hi: 0 }

  add(hour: number, lo: number, hi: number): void {
    if (hour !== this.#hour) {
      this.#hour = hour
      let sum = this.of.get(hour)
      if (!sum) this.of.set(hour, (sum = { count: 0, lo: 0, hi: 0 }))
      this.#last = sum
    }
    const sum = this.#last
    sum.count++
    sum.lo += lo
    sum.hi += hi
    if (sum.lo >= WORD) {
      sum.lo -= WORD
      sum.hi++
    }
    sum.hi %= WORD
  }

  get spans(): number {
    let spans = 0
    for (const { count } of this.of.values()) spans += count
    return spans
  }
}

export function isSame(a: HourSum | undefined, b: HourSum | undefined): boolean {
  return (a?.count ?? 0) === (b?.count ?? 0) && (a?.lo ?? 0) === (b?.lo ?? 0) && (a?.hi ?? 0) === (b?.hi ?? 0)
}
