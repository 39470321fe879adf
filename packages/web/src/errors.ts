import { type Context, context, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'
import { shownUrl } from './redact.ts'
import { exceptionAttributes } from './span.ts'

/** Of one page: one that throws in each frame is told often enough by them. */
const MAX_ERRORS = 20

/** Errors that nobody caught, and rejections that nobody handled, each a span with the exception as its event. Returns what ends it. */
export function watchErrors(tracer: Tracer, parent: () => Context): () => void {
  let count = 0
  const note = (thrown: unknown, place: Record<string, string | number>): void => {
    if (++count > MAX_ERRORS) return
    const attributes = exceptionAttributes(thrown)
    const span = tracer.startSpan(
      String(attributes['exception.type']),
      { attributes: { 'url.full': shownUrl(new URL(location.href)), ...place } },
      trace.getSpan(context.active()) ? context.active() : parent(),
    )
    span.addEvent('exception', { ...attributes, 'exception.escaped': true })
    span.setAttribute('error.type', String(attributes['exception.type']))
    span.setStatus({ code: SpanStatusCode.ERROR, message: String(attributes['exception.message']) })
    span.end()
  }
  const onError = ({ error, message, filename, lineno, colno }: ErrorEvent): void =>
    note(error ?? message, {
      ...(filename ? { 'code.file.path': filename } : {}),
      ...(lineno ? { 'code.line.number': lineno, 'code.column.number': colno } : {}),
    })
  const onRejection = ({ reason }: PromiseRejectionEvent): void => note(reason, {})
  addEventListener('error', onError)
  addEventListener('unhandledrejection', onRejection)
  return () => {
    removeEventListener('error', onError)
    removeEventListener('unhandledrejection', onRejection)
  }
}
