/** The metrics of each resource, of a bounded number of them. */
import type { KeyValue } from '@spoor/otlp'
import type { Count, Durations, SeriesSet } from './series.ts'

export interface ResourceMetrics {
  readonly attributes: readonly KeyValue[]
  readonly calls: SeriesSet<Count>
  readonly durations: SeriesSet<Durations>
  readonly events: SeriesSet<Count>
  /** Milliseconds since 1970. */
  lastSeen: number
}

/**
 * Those that were used last. One that goes is kept until the next flush, which shows it once more, and comes back if a span of it comes before that,
 * as in the Collector.
 */
export class Resources {
  readonly #limit: number
  readonly #kept = new Map<string, ResourceMetrics>()
  readonly #leaving = new Map<string, ResourceMetrics>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: string): ResourceMetrics | undefined {
    const found = this.#kept.get(key) ?? this.#leaving.get(key)
    if (!found) return undefined
    this.#leaving.delete(key)
    this.#kept.delete(key)
    this.add(key, found)
    return found
  }

  add(key: string, metrics: ResourceMetrics): void {
    this.#kept.set(key, metrics)
    if (this.#kept.size <= this.#limit) return
    const [oldest] = this.#kept.keys()
    this.remove(oldest!)
  }

  /** Shows it once more, and no more. */
  remove(key: string): void {
    this.#leaving.set(key, this.#kept.get(key)!)
    this.#kept.delete(key)
  }

  get kept(): Iterable<[string, ResourceMetrics]> {
    return this.#kept
  }

  /** The one that was used last comes last, and behind it those that go. */
  get all(): readonly ResourceMetrics[] {
    return [...this.#kept.values(), ...this.#leaving.values()]
  }

  /** Forgets those that were shown once more; says whether there were any. */
  forget(): boolean {
    for (const metrics of this.#leaving.values()) drop(metrics)
    const some = this.#leaving.size > 0
    this.#leaving.clear()
    return some
  }

  clear(): void {
    for (const metrics of this.#kept.values()) drop(metrics)
    this.#kept.clear()
    this.forget()
  }
}

function drop({ calls, durations, events }: ResourceMetrics): void {
  calls.drop()
  durations.drop()
  events.drop()
}
