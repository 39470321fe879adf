import { type Span, type SpanOptions, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'

let defaultScope: { name: string; version: string | undefined } = { name: 'app', version: undefined }

/** The scope of spans made by hand, unless `getTracer` is given another: the service itself. */
export function setDefaultScope(name: string, version: string | undefined): void {
  defaultScope = { name, version }
}

/** A tracer for spans made by hand. The name tells who made them; default the service's name and version. */
export function getTracer(name?: string, version?: string): Tracer {
  return name === undefined ? trace.getTracer(defaultScope.name, defaultScope.version) : trace.getTracer(name, version)
}

/**
 * Runs `fn` in a new span, which is the active one in it and ends when `fn` returns or when its promise settles. When
 * it throws or rejects, the span gets status ERROR and the exception, and the error goes on to the caller.
 *
 *     const label = await withSpan('classify', { attributes: { 'model.name': name } }, async (span) => { … })
 */
export function withSpan<T>(name: string, fn: (span: Span) => T): T
export function withSpan<T>(name: string, options: SpanOptions, fn: (span: Span) => T): T
export function withSpan<T>(
  name: string,
  ...rest: [fn: (span: Span) => T] | [options: SpanOptions, fn: (span: Span) => T]
): T {
  const [options, fn] = rest.length === 1 ? [{}, rest[0]] : rest
  return getTracer().startActiveSpan(name, options, (span) => {
    let result: T
    try {
      result = fn(span)
    } catch (error) {
      endWithError(span, error)
      throw error
    }
    if (!isThenable(result)) {
      span.end()
      return result
    }
    return result.then(
      (value) => {
        span.end()
        return value
      },
      (error: unknown) => {
        endWithError(span, error)
        throw error
      },
    ) as T
  })
}

function endWithError(span: Span, error: unknown): void {
  const exception = error instanceof Error ? error : String(error)
  span.recordException(exception)
  span.setStatus({ code: SpanStatusCode.ERROR, message: exception instanceof Error ? exception.message : exception })
  span.end()
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
