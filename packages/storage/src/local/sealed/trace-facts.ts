import { Numbers } from './number-column.ts'
import { setDifference } from './span-headers.ts'
import type { Source } from './source.ts'

/*
 * What a section knows of each of its traces: partials, which can be put together with those of other sections. Spans that were sent twice
 * count twice.
 */

/** By trace; see `TRACE_HEADERS`. */
export interface TraceFacts {
  readonly rows: Numbers
  readonly errors: Numbers
  /** First start, nanoseconds after the section's. */
  readonly start: Numbers
  /**
   * Last end, nanoseconds after its first start. A whole 64 bits where a number of the trace is negative or beyond 2^53: then its rows have to be asked, and
   * the following is not known.
   */
  readonly end: Numbers
  /** 0: no span is without a parent. Else 1 + the start of the earliest of these, nanoseconds after the trace's. */
  readonly root: Numbers
  /** The longest duration of the spans without a parent that start then; without such, of all spans. */
  readonly longest: Numbers
  /** By how much the shortest of these is shorter; without such, 0. */
  readonly spread: Numbers
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
    root: numbers(),
    longest: numbers(),
    spread: numbers(),
  }
  const parents = new Uint32Array(columns.parentSpanId.buffer, columns.parentSpanId.byteOffset, 2 * columns.count)
  for (let trace = 0; trace < count; trace++) {
    const opening = order[first[trace]!]!
    const [startLo, startHi] = [columns.startLo[opening]!, columns.startHi[opening]!]
    setDifference(facts.start, trace, startLo, startHi, minLo, minHi)
    facts.rows.value[trace] = first[trace + 1]! - first[trace]!
    let [errors, end, root] = [0, 0, -1]
    let [longest, max, min] = [0, 0, 0]
    let isPlain = true
    for (let place = first[trace]!; place < first[trace + 1]!; place++) {
      const row = order[place]!
      const after = (columns.startHi[row]! - startHi) * 2 ** 32 + (columns.startLo[row]! - startLo)
      const duration = columns.durationNs[row]!
      if (columns.status[row] === 2) errors++
      if (duration < 0 || after + duration > Number.MAX_SAFE_INTEGER) isPlain = false
      end = Math.max(end, after + duration)
      longest = Math.max(longest, duration)
      if ((parents[2 * row]! | parents[2 * row + 1]!) !== 0) continue
      // They come by their start.
      if (root < 0) [root, max, min] = [after, duration, duration]
      else if (after === root) [max, min] = [Math.max(max, duration), Math.min(min, duration)]
    }
    facts.errors.value[trace] = errors
    if (!isPlain) {
      facts.end.setRaw(trace, 0, 0)
      continue
    }
    facts.end.value[trace] = end
    facts.root.value[trace] = 1 + root
    facts.longest.value[trace] = root < 0 ? longest : max
    facts.spread.value[trace] = max - min
  }
  return facts
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
