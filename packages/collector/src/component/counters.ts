/**
 * The collector's own figures. A counter is a plain object with a number, so that counting on a hot path is one addition.
 * Names follow the OpenTelemetry Collector's internal telemetry (`otelcol_receiver_accepted_spans`,
 * `otelcol_exporter_send_failed_spans`, ...), so that existing dashboards and alerts read them. Every drop has a counter with a `reason` label.
 */
export interface Counter {
  value: number
}

export interface Counters {
  /** The counter of that name and those labels, made at the first call. Keep the result; do not call this on a hot path. */
  counter(name: string, labels: Readonly<Record<string, string>>): Counter
  /** A gauge that is read when somebody asks: queue sizes and the like. */
  gauge(name: string, labels: Readonly<Record<string, string>>, read: () => number): void
  /** All values now, in the order in which they were made. */
  snapshot(): readonly { name: string; labels: Readonly<Record<string, string>>; value: number }[]
}
