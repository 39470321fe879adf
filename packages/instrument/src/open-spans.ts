import type { Span as ApiSpan } from '@opentelemetry/api'
import type { ReadableSpan, Span } from '@opentelemetry/sdk-trace'

/** Spans that are remembered while they are open. A program that never ends its spans must not be kept in memory by them. */
const maxOpen = 10_000

/** A kind of span that was started and never ended. */
export interface NeverEnded {
  readonly name: string
  readonly scope: string
  readonly count: number
}

/** The spans that have started and not ended, the oldest first. */
export class OpenSpans {
  readonly #spans = new Set<ReadableSpan>()
  #forgotten = 0

  add(span: Span): void {
    if (this.#spans.size >= maxOpen) {
      for (const oldest of this.#spans) {
        this.#spans.delete(oldest)
        this.#forgotten++
        break
      }
    }
    this.#spans.add(span)
  }

  delete(span: ReadableSpan): void {
    if (!this.#spans.delete(span) && this.#forgotten > 0) this.#forgotten--
  }

  get size(): number {
    return this.#spans.size + this.#forgotten
  }

  /** The parent of a span of this process, while both are open. */
  parentOf(span: ApiSpan): ApiSpan | undefined {
    const id = (span as unknown as ReadableSpan).parentSpanContext?.spanId
    if (id === undefined) return undefined
    for (const other of this.#spans) if (other.spanContext().spanId === id) return other as unknown as Span
    return undefined
  }

  /** By name and scope, the most frequent first. */
  kinds(): NeverEnded[] {
    const counts = new Map<string, NeverEnded>()
    for (const { name, instrumentationScope } of this.#spans) {
      const scope = instrumentationScope.name
      const key = `${name}\n${scope}`
      counts.set(key, { name, scope, count: (counts.get(key)?.count ?? 0) + 1 })
    }
    return [...counts.values()].sort((a, b) => b.count - a.count)
  }
}
