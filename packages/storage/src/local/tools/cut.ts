import { createSpanColumns, scanSpans, spliceSpans } from '@spoor/otlp'
import type { TimeRange } from '../files/reindex.ts'
import type { SpanMatch } from './match.ts'

/** Takes the spans that match out of requests, and counts them. */
export class Cut {
  spans = 0
  range: TimeRange | undefined
  readonly #match: SpanMatch
  readonly #columns = createSpanColumns()

  constructor(match: SpanMatch) {
    this.#match = match
  }

  /** What is left: `raw` itself when all of it is. */
  from(raw: Uint8Array): Uint8Array {
    const columns = this.#columns
    columns.count = 0
    scanSpans(raw, columns)
    return spliceSpans(
      raw,
      (row) => {
        if (!this.#match(raw, columns, row)) return 'keep'
        this.spans++
        this.#extend((BigInt(columns.startHi[row]!) << 32n) | BigInt(columns.startLo[row]!))
        return 'drop'
      },
      columns,
    )
  }

  #extend(start: bigint): void {
    const [min, max] = this.range ?? [start, start]
    this.range = [start < min ? start : min, start > max ? start : max]
  }
}
