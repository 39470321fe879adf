/**
 * The collector's own figures. A counter is a plain object with a number, so that counting on a hot path is one
 * addition. Names follow the OpenTelemetry Collector's internal telemetry (`otelcol_receiver_accepted_spans`,
 * `otelcol_exporter_send_failed_spans`, ...), so that existing dashboards and alerts read them. Every drop has a
 * counter with a `reason` label.
 */
import type { Signal } from '@spoor/otlp'

export interface Counter {
  value: number
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Counters {
  /**
   * The counter of that name and those labels, made at the first call. Keep the result; do not call this on a hot path.
   */
  counter(name: string, labels: Readonly<Record<string, string>>): Counter
  /**
   * A gauge that is read when somebody asks: queue sizes and the like. Registering it again replaces its reader. Gives the
   * function that removes it, which does nothing once another reader has its place.
   */
  gauge(name: string, labels: Readonly<Record<string, string>>, read: () => number): () => void
  /** All values now, in the order in which they were made. */
  snapshot(): readonly Sample[]
}

/** What one item of a signal is called in the names of counters: `otelcol_receiver_accepted_spans` and so on. */
export const ITEM_NAMES: Readonly<Record<Signal, string>> = {
  traces: 'spans',
  metrics: 'metric_points',
  logs: 'log_records',
}

export function createCounters(): Counters {
  const series = new Map<string, { name: string; labels: Readonly<Record<string, string>>; read: () => number }>()
  const counters = new Map<string, Counter>()
  const keyOf = (name: string, labels: Readonly<Record<string, string>>): string =>
    JSON.stringify([name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])
  return {
    counter(name, labels) {
      const key = keyOf(name, labels)
      let counter = counters.get(key)
      if (!counter) {
        const made: Counter = { value: 0 }
        counters.set(key, (counter = made))
        series.set(key, { name, labels: { ...labels }, read: () => made.value })
      }
      return counter
    },
    gauge(name, labels, read) {
      const key = keyOf(name, labels)
      const made = { name, labels: { ...labels }, read }
      series.set(key, made)
      return () => {
        if (series.get(key) === made) series.delete(key)
      }
    },
    snapshot() {
      return [...series.values()].map(({ name, labels, read }) => ({ name, labels, value: read() }))
    },
  }
}

/** One counter per signal: `name` with the signal's item name at its end. */
export function signalCounters(
  counters: Counters,
  name: string,
  labels: Readonly<Record<string, string>>,
): Readonly<Record<Signal, Counter>> {
  const of = (signal: Signal): Counter => counters.counter(`${name}_${ITEM_NAMES[signal]}`, labels)
  return { traces: of('traces'), metrics: of('metrics'), logs: of('logs') }
}
