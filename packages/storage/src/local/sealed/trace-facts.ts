import { Numbers } from './number-column.ts'
import type { SpanHeaders } from './span-headers.ts'
import type { Source } from './source.ts'

/** What a section knows of each of its traces: partials, which can be put together with those of other sections. By trace. */
export interface TraceFacts {
  readonly rows: Numbers
  /** First start, nanoseconds after the section's. */
  readonly start: Numbers
  /** Last end - first start. */
  readonly extent: Numbers
}

export function traceFacts(source: Source, headers: SpanHeaders): TraceFacts {
  const { first, order, columns } = source
  const minStart = earliest(source)
  const count = first.length - 1
  const facts = { rows: new Numbers(count), start: new Numbers(count), extent: new Numbers(count) }
  for (let trace = 0; trace < count; trace++) {
    const row = order[first[trace]!]!
    const lo = columns.startLo[row]! - minStart[0]
    facts.start.set(trace, lo >>> 0, columns.startHi[row]! - minStart[1] - (lo < 0 ? 1 : 0))
    facts.rows.value[trace] = first[trace + 1]! - first[trace]!
    let at = 0
    let extent = 0
    for (let place = first[trace]!; place < first[trace + 1]!; place++) {
      at += Math.max(0, headers.start.value[place]!)
      extent = Math.max(extent, at + Math.max(0, columns.durationNs[order[place]!]!))
    }
    facts.extent.value[trace] = Math.min(extent, Number.MAX_SAFE_INTEGER)
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
