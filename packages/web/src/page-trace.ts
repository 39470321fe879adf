import { type Context, context, trace, type Tracer } from '@opentelemetry/api'
import { documentParent } from './propagation.ts'
import { shownUrl } from './redact.ts'
import { now } from './time.ts'

/** After the load, a call still belongs to it when it follows another one of it within this time: what a page asks for in turn. */
const FOLLOWS_MS = 100
/** And no longer than this after its start. */
const MAX_MS = 30_000
/** Resources that become spans; what is beyond is counted. */
const MAX_RESOURCES = 150

/** The trace of the document: its load, and what it asks for until it is quiet. */
export interface PageTrace {
  /** The context for what has no span above it. */
  parent(): Context
  /** Of a call in this trace. */
  began(): void
  ended(): void
  /** The span of the load, from `performance.timeOrigin` on; a parent also when it is not recorded. */
  readonly load: Context
}

/** Starts it: its root is what the server says that the document belongs to, or a trace of its own. */
export function startPageTrace(tracer: Tracer): PageTrace {
  const navigation = performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming | undefined
  const parent = documentParent(navigation)
  const before = parent ? trace.setSpanContext(context.active(), parent) : context.active()
  const root = tracer.startSpan(
    'documentLoad',
    { startTime: 0, root: !parent, attributes: { 'url.full': here() } },
    before,
  )
  const load = trace.setSpan(context.active(), root)
  let isLoading = document.readyState !== 'complete'
  let open = 0
  let quietSince = now()

  const finish = (): void => {
    isLoading = false
    quietSince = now()
    const timing = performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming | undefined
    if (timing) describe(tracer, load, timing)
    root.end(timing && timing.loadEventEnd > 0 ? timing.loadEventEnd : now())
  }
  // Behind the other listeners: the load event has to have ended.
  const later = (): void => void setTimeout(finish)
  if (isLoading) addEventListener('load', later, { once: true })
  else later()

  return {
    load,
    parent() {
      const belongs = isLoading || ((open > 0 || now() - quietSince <= FOLLOWS_MS) && now() <= MAX_MS)
      return belongs ? load : context.active()
    },
    began: () => void open++,
    ended() {
      open--
      quietSince = now()
    },
  }
}

function here(): string {
  return shownUrl(new URL(location.href))
}

const STEPS = [
  'fetchStart',
  'domainLookupStart',
  'domainLookupEnd',
  'connectStart',
  'secureConnectionStart',
  'connectEnd',
  'requestStart',
  'responseStart',
  'responseEnd',
  'domInteractive',
  'domContentLoadedEventStart',
  'domContentLoadedEventEnd',
  'domComplete',
  'loadEventStart',
  'loadEventEnd',
] as const

function describe(tracer: Tracer, load: Context, timing: PerformanceNavigationTiming): void {
  const root = trace.getSpan(load)!
  root.setAttribute('browser.navigation.type', timing.type)
  for (const step of STEPS) if (timing[step] > 0) root.addEvent(step, timing[step])
  for (const { name, startTime } of performance.getEntriesByType('paint'))
    root.addEvent(name === 'first-paint' ? 'firstPaint' : 'firstContentfulPaint', startTime)
  if (timing.responseEnd > 0) {
    const document = tracer.startSpan(
      'documentFetch',
      { startTime: timing.fetchStart, attributes: { 'url.full': here(), ...sizesOf(timing) } },
      load,
    )
    document.end(timing.responseEnd)
  }
  const resources = performance
    .getEntriesByType('resource')
    .filter((entry) => !CALLS.has((entry as PerformanceResourceTiming).initiatorType)) as PerformanceResourceTiming[]
  if (resources.length > MAX_RESOURCES) root.setAttribute('spoor.dropped_resources', resources.length - MAX_RESOURCES)
  for (const entry of resources.slice(0, MAX_RESOURCES)) {
    const span = tracer.startSpan(
      'resourceFetch',
      {
        startTime: entry.startTime,
        attributes: { 'url.full': urlOf(entry), 'browser.resource.initiator': entry.initiatorType, ...sizesOf(entry) },
      },
      load,
    )
    span.end(entry.responseEnd)
  }
}

/** These have spans of their own, or are ours. */
const CALLS: ReadonlySet<string> = new Set(['fetch', 'xmlhttprequest', 'beacon'])

function urlOf({ name }: PerformanceEntry): string {
  return URL.canParse(name) ? shownUrl(new URL(name)) : name
}

export function sizesOf(entry: PerformanceResourceTiming): Record<string, number | string> {
  return {
    ...(entry.responseStatus > 0 ? { 'http.response.status_code': entry.responseStatus } : {}),
    ...(entry.encodedBodySize > 0 ? { 'http.response.body.size': entry.encodedBodySize } : {}),
    ...(entry.nextHopProtocol
      ? { 'network.protocol.version': entry.nextHopProtocol.replace(/^(?:h|http\/)/, '') }
      : {}),
  }
}
