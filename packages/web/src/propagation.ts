import {
  context,
  defaultTextMapSetter,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  type TextMapPropagator,
  trace,
  TraceFlags,
} from '@opentelemetry/api'
import { matches, type Settings } from './options.ts'

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** W3C trace context, the header `traceparent`. */
export const traceContext: TextMapPropagator = {
  inject(from, carrier, setter) {
    const span = trace.getSpanContext(from)
    if (!span || !isSpanContextValid(span)) return
    setter.set(carrier, 'traceparent', traceparentOf(span))
    if (span.traceState) setter.set(carrier, 'tracestate', span.traceState.serialize())
  },
  extract(into, carrier, getter) {
    const value = getter.get(carrier, 'traceparent')
    const span = typeof value === 'string' ? parseTraceparent(value) : undefined
    return span ? trace.setSpanContext(into, span) : into
  },
  fields: () => ['traceparent', 'tracestate'],
}

export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`
}

export function parseTraceparent(text: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text.trim()) ?? []
  if (traceId === undefined) return undefined
  const span = { traceId, spanId: spanId!, traceFlags: parseInt(flags!, 16) & TraceFlags.SAMPLED, isRemote: true }
  return isSpanContextValid(span) ? span : undefined
}

/** The headers that carry a span on, by the propagator that is set (of the application, where it has set one). */
export function headersOf(span: SpanContext): Record<string, string> {
  const carrier: Record<string, string> = {}
  propagation.inject(trace.setSpanContext(context.active() ?? ROOT_CONTEXT, span), carrier, defaultTextMapSetter)
  return carrier
}

/** Whether a call may carry it: to the page’s own origin, and where it is allowed. Elsewhere a header more makes the browser ask first, and be refused. */
export function mayCarry(url: URL, settings: Settings): boolean {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
  return (
    url.origin === location.origin ||
    settings.propagateTo.some((to) => (typeof to === 'string' ? url.origin === to : matches(url.href, [to])))
  )
}

/** What the server says of the trace that made this document: `<meta name="traceparent">`, or `Server-Timing: traceparent;desc="00-…"`. */
export function documentParent(navigation: PerformanceNavigationTiming | undefined): SpanContext | undefined {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="traceparent" i]')?.content
  const timing = navigation?.serverTiming?.find(({ name }) => name === 'traceparent')?.description
  for (const text of [meta, timing]) {
    const span = text === undefined ? undefined : parseTraceparent(text)
    if (span) return span
  }
  return undefined
}
