import type { Tracer } from '@opentelemetry/api'
import type { PageTrace } from './page-trace.ts'

interface Shift extends PerformanceEntry {
  readonly value: number
  readonly hadRecentInput: boolean
}
interface Interaction extends PerformanceEntry {
  readonly interactionId: number
}

/** Slowest interactions that are kept; INP leaves out one of each fifty. */
const SLOWEST = 10

/**
 * Largest contentful paint, layout shift and interaction to next paint, as web.dev defines them, in one span of the document’s trace. They are known when
 * the page is left first: so the span is made by what this returns.
 */
export function watchWebVitals(tracer: Tracer, page: PageTrace): () => void {
  let lcp: number | undefined
  let [cls, shift, first, last] = [0, 0, 0, 0]
  const slowest = new Map<number, number>()
  let isTold = false

  observe('largest-contentful-paint', (entry) => (lcp = entry.startTime))
  observe('layout-shift', (entry) => {
    const { value, hadRecentInput, startTime } = entry as Shift
    if (hadRecentInput) return
    // A window of shifts less than a second apart, of five seconds at most.
    const isSame = startTime - last < 1_000 && startTime - first < 5_000
    shift = isSame ? shift + value : value
    if (!isSame) first = startTime
    last = startTime
    cls = Math.max(cls, shift)
  })
  observe('event', (entry) => {
    const { interactionId, duration } = entry as Interaction
    if (!interactionId) return
    slowest.set(interactionId, Math.max(duration, slowest.get(interactionId) ?? 0))
    if (slowest.size <= SLOWEST) return
    const [fastest] = [...slowest].reduce((a, b) => (b[1] < a[1] ? b : a))
    slowest.delete(fastest)
  })

  return () => {
    if (isTold || lcp === undefined) return
    isTold = true
    const span = tracer.startSpan('web vitals', { startTime: 0 }, page.load)
    const all = [...slowest.values()].sort((a, b) => b - a)
    const { interactionCount = all.length } = performance as { interactionCount?: number }
    const inp = all[Math.min(all.length - 1, Math.floor(interactionCount / 50))]
    span.setAttributes({ 'browser.web_vital.lcp': lcp, 'browser.web_vital.cls': cls })
    if (inp !== undefined) span.setAttribute('browser.web_vital.inp', inp)
    span.end(lcp)
  }
}

function observe(type: string, note: (entry: PerformanceEntry) => void): void {
  if (!PerformanceObserver.supportedEntryTypes.includes(type)) return
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) note(entry)
  })
  observer.observe({ type, buffered: true, durationThreshold: 40 } as PerformanceObserverInit)
}
