import { MAX_SPANS, type Finding } from './finding.ts'
import type { SeenTrace } from './seen-trace.ts'

/** The spans that show a finding: how many, when, and some of them. */
export class Evidence {
  count = 0
  #firstMs = Infinity
  #lastMs = -Infinity
  readonly #spans: { traceId: string; spanId: string }[] = []

  add(seen: SeenTrace, row: number): void {
    this.count++
    const ms = seen.startMs(row)
    this.#firstMs = Math.min(this.#firstMs, ms)
    this.#lastMs = Math.max(this.#lastMs, ms)
    if (this.#spans.length < MAX_SPANS) this.#spans.push({ traceId: seen.trace.traceId, spanId: seen.spanId(row) })
  }

  report(): Pick<Finding, 'count' | 'firstSeenMs' | 'lastSeenMs' | 'spans'> {
    const [firstSeenMs, lastSeenMs] = [Math.round(this.#firstMs), Math.round(this.#lastMs)]
    return { count: this.count, firstSeenMs, lastSeenMs, spans: this.#spans }
  }
}
