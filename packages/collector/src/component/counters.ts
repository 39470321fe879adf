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

/** Counts values by size. Keep it; recording is a search in its bounds and three additions. */
export interface Histogram {
  record(value: number): void
}

export interface HistogramSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Upper bounds of the buckets, each itself within; the last bucket has none. */
  readonly bounds: readonly number[]
  /** Of each bucket alone; one more than there are bounds. */
  readonly counts: readonly number[]
  readonly count: number
  readonly sum: number
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
  /** The histogram of that name and those labels, made at the first call with these bounds, which ascend. */
  histogram(name: string, labels: Readonly<Record<string, string>>, bounds: readonly number[]): Histogram
  /** All values of counters and gauges now, in the order in which they were made. */
  snapshot(): readonly Sample[]
  /** All histograms now. */
  histograms(): readonly HistogramSample[]
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
  const histograms = new Map<string, PlainHistogram>()
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
    histogram(name, labels, bounds) {
      const key = keyOf(name, labels)
      let histogram = histograms.get(key)
      if (!histogram) histograms.set(key, (histogram = new PlainHistogram(name, { ...labels }, bounds)))
      return histogram
    },
    histograms: () => [...histograms.values()],
    snapshot() {
      return [...series.values()].map(({ name, labels, read }) => ({ name, labels, value: read() }))
    },
  }
}

class PlainHistogram implements Histogram, HistogramSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly bounds: readonly number[]
  readonly counts: number[]
  count = 0
  sum = 0

  constructor(name: string, labels: Readonly<Record<string, string>>, bounds: readonly number[]) {
    this.name = name
    this.labels = labels
    this.bounds = bounds
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  record(value: number): void {
    let low = 0
    let high = this.bounds.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (value <= this.bounds[middle]!) high = middle
      else low = middle + 1
    }
    this.counts[low]!++
    this.count++
    this.sum += value
  }
}

/** One counter per signal: `name` with the signal's item name at its end. `labels` may differ by signal. */
export function signalCounters(
  counters: Counters,
  name: string,
  labels: Readonly<Record<string, string>> | ((signal: Signal) => Readonly<Record<string, string>>),
): Readonly<Record<Signal, Counter>> {
  const of = (signal: Signal): Counter =>
    counters.counter(`${name}_${ITEM_NAMES[signal]}`, typeof labels === 'function' ? labels(signal) : labels)
  return { traces: of('traces'), metrics: of('metrics'), logs: of('logs') }
}

/** Bounds for the items of a batch, and for its bytes; those of the OpenTelemetry Collector. */
export const ITEM_BOUNDS: readonly number[] = [
  10, 25, 50, 75, 100, 250, 500, 750, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 20_000, 30_000,
  50_000, 100_000,
]
/** 128 bytes to 16 MiB. */
export const BYTE_BOUNDS: readonly number[] = Array.from({ length: 18 }, (_, index) => 128 * 2 ** index)
