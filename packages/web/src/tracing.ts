import { type Attributes, context, propagation, trace, type Tracer, type TracerProvider } from '@opentelemetry/api'
import { createCalls } from './calls.ts'
import { watchErrors } from './errors.ts'
import { type Counts, createExporter } from './exporter.ts'
import { resolveOptions, type WebTracingOptions } from './options.ts'
import { startPageTrace } from './page-trace.ts'
import { patchFetch } from './patch-fetch.ts'
import { patchXhr } from './patch-xhr.ts'
import { traceContext } from './propagation.ts'
import { resourceOf } from './resource.ts'
import { createSession } from './session.ts'
import type { SpanOwner, WebSpan } from './span.ts'
import { createContextManager, createProvider } from './tracer.ts'
import { watchWebVitals } from './web-vitals.ts'

export interface WebTracing {
  /** For spans of the page’s own. `trace.getTracer()` of `@opentelemetry/api` gives the same kind. */
  readonly tracer: Tracer
  /** Sends what has ended. Resolves when it was answered, or given up for now. */
  flush(): Promise<void>
  counts(): Counts
  /** Takes the patches back, and sends what has ended. */
  stop(): Promise<void>
}

const SCOPE = '@spoor/web'
/** Where a page leaves to the next one of its tab how many spans it has lost. */
const LOST_KEY = 'spoor.lost'
let running: WebTracing | undefined

/** Starts tracing of this page. Called again it returns what runs already. Throws a `TypeError` for an option that cannot be meant. */
export function startTracing(options: WebTracingOptions): WebTracing {
  const settings = resolveOptions(options, location.href)
  if (running) return running
  const fetchOf = window.fetch.bind(window)
  const exporter = createExporter(settings, resourceOf(settings), fetchOf)
  const sessionId = settings.session ? createSession(() => sessionStorage) : undefined
  const open = new Set<WebSpan>()
  const owner: SpanOwner = {
    common: (): Attributes => (sessionId ? { 'session.id': sessionId() } : {}),
    began: (span) => void open.add(span),
    ended(span) {
      open.delete(span)
      exporter.add(span)
    },
  }
  const provider: TracerProvider = createProvider(owner, settings.sampleRatio)
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(createContextManager())
  propagation.setGlobalPropagator(traceContext)

  const tracer = provider.getTracer(SCOPE)
  const page = startPageTrace(tracer)
  tellLost(page.load)
  const startCall = createCalls(tracer, page, settings)
  const undo = [patchFetch(startCall, fetchOf), patchXhr(startCall)]
  if (settings.errors) undo.push(watchErrors(tracer, () => page.parent()))
  const vitals = settings.webVitals ? watchWebVitals(tracer, page) : () => {}

  const listen = (target: EventTarget, type: string, listener: (event: Event) => void): void => {
    target.addEventListener(type, listener)
    undo.push(() => target.removeEventListener(type, listener))
  }
  listen(document, 'visibilitychange', () => {
    if (document.visibilityState !== 'hidden') return
    vitals()
    exporter.hide()
  })
  listen(window, 'pagehide', () => {
    vitals()
    for (const span of open) {
      span.setAttribute('spoor.unfinished', true)
      span.end()
    }
    keepLost(exporter.leave())
  })
  listen(document, 'securitypolicyviolation', (event) => {
    const { blockedURI, effectiveDirective, disposition } = event as SecurityPolicyViolationEvent
    if (disposition === 'enforce' && effectiveDirective === 'connect-src' && isOurs(blockedURI, settings.url))
      exporter.forbid()
  })

  running = {
    tracer,
    flush: () => exporter.flush(),
    counts: () => exporter.counts(),
    async stop() {
      for (const one of undo) one()
      trace.disable()
      context.disable()
      propagation.disable()
      running = undefined
      await exporter.flush()
    },
  }
  return running
}

/** Browsers tell the whole address, or of another origin the origin alone. */
function isOurs(blocked: string, url: string): boolean {
  return blocked === url || blocked === new URL(url).origin
}

function keepLost(count: number): void {
  if (count === 0) return
  try {
    sessionStorage.setItem(LOST_KEY, String(count + Number(sessionStorage.getItem(LOST_KEY) ?? 0)))
  } catch {
    // A page that may not keep anything cannot tell.
  }
}

function tellLost(load: ReturnType<typeof context.active>): void {
  try {
    const lost = Number(sessionStorage.getItem(LOST_KEY) ?? 0)
    if (lost > 0) trace.getSpan(load)?.setAttribute('spoor.lost_spans', lost)
    sessionStorage.removeItem(LOST_KEY)
  } catch {
    // As above.
  }
}
