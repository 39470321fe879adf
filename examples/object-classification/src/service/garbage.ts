/**
 * How long this process was stopped by its collector of garbage while a request was under way, on the request's span:
 * nothing else in a trace says why a service takes its time although it does nothing. The semantic conventions have that
 * as a metric (`v8js.gc.duration`), and none for spans.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import type { ServerResponse } from 'node:http'
import { trace } from '@opentelemetry/api'

/** Of the whole process up to now, ms. */
let stoppedMs = 0
let observer: PerformanceObserver | undefined

/** Says on the active span, once the answer is written, how long it was, as `runtime.gc_ms`. */
export function tellGarbage(response: ServerResponse): void {
  if (!observer) {
    observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) stoppedMs += duration
    })
    observer.observe({ entryTypes: ['gc'] })
  }
  const span = trace.getActiveSpan()
  const before = stoppedMs
  // The span ends with 'close', which comes after it.
  response.once('finish', () => span?.setAttribute('runtime.gc_ms', Math.round((stoppedMs - before) * 10) / 10))
}
