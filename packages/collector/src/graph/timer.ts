/** How long processors take, for who asks for metrics in detail: nobody else pays for the clock. */
import type { Consumer, Counters } from '../component/index.ts'

/** Seconds. */
const BOUNDS: readonly number[] = [
  1e-6, 1e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1,
]

/**
 * Times a processor from `consume` until it hands on to what is behind it, which is not counted, or until it returns, where it keeps the
 * batch. Time that a batch waits in it is not in it. `before` goes in front of it, `after` behind it.
 */
export function timer(
  counters: Counters,
  labels: Readonly<Record<string, string>>,
  next: Consumer,
): { readonly after: Consumer; readonly before: (processor: Consumer) => Consumer } {
  const histogram = counters.histogram('otelcol_processor_internal_duration', labels, BOUNDS)
  let startedAt = 0
  const stop = (): void => {
    if (startedAt > 0) histogram.record((performance.now() - startedAt) / 1000)
    startedAt = 0
  }
  return {
    after: {
      durable: next.durable === true,
      consume(batch, context) {
        stop()
        return next.consume(batch, context)
      },
    },
    before: (processor) => ({
      async consume(batch, context) {
        startedAt = performance.now()
        const taken = processor.consume(batch, context)
        stop()
        return taken
      },
    }),
  }
}
