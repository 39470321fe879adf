import type { SpanColumns } from '@spoor/otlp'
import { kindsOf, OTHER_STATUS } from '../block/zones.ts'
import { inPieces } from './pieces.ts'
import type { SectionMeta } from './section-meta.ts'
import type { Source } from './source.ts'
import type { Hold } from './specimen.ts'

/** What is known of a section's spans without reading it. `hold`: see `specimen.ts`. */
export function metaOf(source: Source, hold?: Hold): Omit<SectionMeta, 'length' | 'head'> {
  const { columns, order, operations, first } = source
  const bounds = new Bounds(source)
  inPieces(order.length, (from, to) => bounds.add(from, to))
  hold?.(bounds)
  const { min, max, rawBytes, statuses, minDuration, maxDuration } = bounds
  const start = (place: number): string =>
    order.length === 0
      ? '0'
      : String((BigInt(columns.startHi[order[place]!]!) << 32n) | BigInt(columns.startLo[order[place]!]!))
  return {
    spans: order.length,
    traces: first.length - 1,
    rawBytes,
    minStart: start(min),
    maxStart: start(max),
    minDurationNs: order.length === 0 ? 0 : minDuration,
    maxDurationNs: order.length === 0 ? 0 : maxDuration,
    kinds: kindsOf(operations),
    statuses,
    operations,
  }
}

/** What the spans of a section are between. */
class Bounds {
  /** The places of the first and the last by start. */
  min = 0
  max = 0
  rawBytes = 0
  /** A bit a status. */
  statuses = 0
  minDuration = Infinity
  maxDuration = -Infinity
  readonly #source: Source

  constructor(source: Source) {
    this.#source = source
  }

  add(from: number, to: number): void {
    const { columns, order } = this.#source
    const { spanStart, spanEnd, durationNs, status } = columns
    for (let place = from; place < to; place++) {
      const row = order[place]!
      this.rawBytes += spanEnd[row]! - spanStart[row]!
      if (isBefore(columns, row, order[this.min]!)) this.min = place
      if (isBefore(columns, order[this.max]!, row)) this.max = place
      const duration = durationNs[row]!
      if (duration < this.minDuration) this.minDuration = duration
      if (duration > this.maxDuration) this.maxDuration = duration
      this.statuses |= 1 << Math.min(status[row]!, OTHER_STATUS)
    }
  }
}

function isBefore({ startHi, startLo }: SpanColumns, a: number, b: number): boolean {
  return startHi[a]! < startHi[b]! || (startHi[a] === startHi[b] && startLo[a]! < startLo[b]!)
}
