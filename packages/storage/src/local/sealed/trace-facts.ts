import { MAX_DURATION_NS } from '../block/rows.ts'
import { Numbers } from './number-column.ts'
import { setDifference } from './span-headers.ts'
import type { Source } from './source.ts'
import { createExtents, type TraceExtents } from '../read/trace-extents.ts'

/*
 * What a section knows of each of its traces, so that orders and bounds of traces look at no rows: what `TraceExtents` has.
 */

const WORD = 2 ** 32

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
}

export function traceFacts(source: Source): TraceFacts {
  const { first, order, columns } = source
  const [minLo, minHi] = earliest(source)
  const count = first.length - 1
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
  }
  const { startLo, startHi, durationNs, status } = columns
  const parents = new Uint32Array(columns.parentSpanId.buffer, columns.parentSpanId.byteOffset, 2 * columns.count)
  for (let trace = 0; trace < count; trace++) {
    const opening = order[first[trace]!]!
    const [lo, hi] = [startLo[opening]!, startHi[opening]!]
    let errors = 0
    let longest = 0
    let earliest = 0
    let root = -1
    let [endLo, endHi] = [0, 0]
    for (let place = first[trace]!; place < first[trace + 1]!; place++) {
      const row = order[place]!
      const duration = Math.max(0, Math.min(MAX_DURATION_NS, durationNs[row]!))
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
      if ((parents[2 * row]! | parents[2 * row + 1]!) === 0 && duration > root) root = duration
    }
    setDifference(facts.start, trace, lo, hi, minLo, minHi)
    facts.rows.value[trace] = first[trace + 1]! - first[trace]!
    facts.errors.value[trace] = errors
    facts.over.value[trace] = Math.floor(endHi / WORD)
    facts.end.set(trace, endLo, endHi % WORD)
    setWhole(facts.longest, trace, longest)
    setWhole(facts.first, trace, earliest)
    if (root >= 0)
      setWhole(facts.root, trace, root === earliest ? 1 : root < Number.MAX_SAFE_INTEGER - 2 ? root + 2 : root)
  }
  return facts
}

function setWhole(numbers: Numbers, index: number, value: number): void {
  numbers.set(index, value % WORD, Math.floor(value / WORD))
}

function earliest({ first, order, columns }: Source): readonly [lo: number, hi: number] {
  let [lo, hi] = [0, Infinity]
  for (let trace = 0; trace < first.length - 1; trace++) {
    const row = order[first[trace]!]!
    if (columns.startHi[row]! > hi || (columns.startHi[row] === hi && columns.startLo[row]! >= lo)) continue
    lo = columns.startLo[row]!
    hi = columns.startHi[row]!
  }
  return [lo, hi]
}

/** The extents of traces from what {@link traceFacts} had. `minStart`: of the section. */
export function extentsFrom(facts: TraceFacts, traceIds: Uint32Array, minStart: bigint): TraceExtents {
  const traceCount = facts.rows.length
  const [minLo, minHi] = [Number(minStart & 0xffff_ffffn), Number(minStart >> 32n)]
  const extents = createExtents({ traceCount, traceIds })
  extents.spans.set(facts.rows.value)
  extents.errors.set(facts.errors.value)
  for (let trace = 0; trace < traceCount; trace++) {
    const lo = minLo + facts.start.lo(trace)
    const startLo = lo % WORD
    const startHi = minHi + facts.start.hi(trace) + (lo >= WORD ? 1 : 0)
    const endLo = startLo + facts.end.lo(trace)
    extents.startLo[trace] = startLo
    extents.startHi[trace] = startHi
    extents.endLo[trace] = endLo
    extents.endHi[trace] = startHi + facts.end.hi(trace) + (endLo >= WORD ? 1 : 0) + WORD * facts.over.value[trace]!
    extents.longestNs[trace] = whole(facts.longest, trace)
    extents.firstNs[trace] = whole(facts.first, trace)
    const root = facts.root.value[trace]!
    extents.rootNs[trace] =
      root === 0 ? -1 : root === 1 ? extents.firstNs[trace]! : root > 1 ? root - 2 : whole(facts.root, trace)
  }
  return extents
}

function whole(numbers: Numbers, index: number): number {
  const value = numbers.value[index]!
  return value < 0 ? numbers.hi(index) * WORD + numbers.lo(index) : value
}
