import { context, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'
import { matches, type Settings } from './options.ts'
import { type PageTrace, sizesOf } from './page-trace.ts'
import { headersOf, mayCarry } from './propagation.ts'
import { shownUrl } from './redact.ts'
import { now } from './time.ts'

/** How long the end of a body is waited for after its headers; then the call ends where they came. */
const BODY_MS = 10_000

/** A call of the page, and its span. */
export interface Call {
  /** To be sent with it; none where they may not be. */
  readonly headers: Readonly<Record<string, string>>
  /** Headers came. The span ends with the body, as the browser tells it. */
  answered(status: number): void
  /** All of it came. */
  done(status: number): void
  failed(type: string, message?: string): void
}

export type StartCall = (method: string, address: string | URL) => Call | undefined

interface Awaited {
  readonly href: string
  readonly start: number
  readonly finish: (entry?: PerformanceResourceTiming) => void
}

export function createCalls(tracer: Tracer, page: PageTrace, settings: Settings): StartCall {
  const awaited = new Set<Awaited>()
  const observe = (entries: readonly PerformanceEntry[]): void => {
    for (const entry of entries as readonly PerformanceResourceTiming[]) {
      const call = [...awaited].find(({ href, start }) => href === entry.name && entry.startTime >= start - 1)
      if (call && entry.responseEnd > 0) call.finish(entry)
    }
  }
  new PerformanceObserver((list) => observe(list.getEntries())).observe({ type: 'resource' })

  return (method, address) => {
    if (!URL.canParse(address, document.baseURI)) return undefined
    const url = new URL(address, document.baseURI)
    if (!/^https?:$/.test(url.protocol) || matches(url.href, settings.ignore)) return undefined
    const isBelowSpan = trace.getSpan(context.active()) !== undefined
    const parent = isBelowSpan ? context.active() : page.parent()
    const isOfPage = parent === page.load
    const name = /^[A-Z]{1,20}$/.test(method) ? method : 'HTTP'
    const span = tracer.startSpan(
      name,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          'http.request.method': name === 'HTTP' ? '_OTHER' : name,
          'url.full': shownUrl(url),
          'server.address': url.hostname,
          'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
        },
      },
      parent,
    )
    if (isOfPage) page.began()
    let isOver = false
    const end = (at?: number): void => {
      if (isOver) return
      isOver = true
      if (isOfPage) page.ended()
      span.end(at)
    }
    return {
      headers: mayCarry(url, settings) ? headersOf(span.spanContext()) : {},
      answered(status) {
        setStatus(span, status)
        const at = now()
        url.hash = ''
        const one: Awaited = {
          href: url.href,
          start: 'start' in span ? (span.start as number) : at,
          finish(entry) {
            awaited.delete(one)
            clearTimeout(timer)
            if (entry) span.setAttributes(sizesOf(entry))
            end(entry ? Math.max(at, entry.responseEnd) : at)
          },
        }
        const timer = setTimeout(one.finish, BODY_MS)
        awaited.add(one)
      },
      done(status) {
        setStatus(span, status)
        end()
      },
      failed(type, message) {
        span.setAttribute('error.type', type)
        // Who ends a call by intent has no error.
        if (type !== 'AbortError') span.setStatus({ code: SpanStatusCode.ERROR, ...(message ? { message } : {}) })
        end()
      },
    }
  }
}

function setStatus(span: Span, status: number): void {
  if (status > 0) span.setAttribute('http.response.status_code', status)
  if (status >= 400) span.setAttribute('error.type', String(status)).setStatus({ code: SpanStatusCode.ERROR })
}
