import { type Context, SpanKind } from '@opentelemetry/api'
import { getRPCMetadata, type RPCMetadata, RPCType } from '@opentelemetry/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

/** Requests that are remembered at most. */
const maxRequests = 2_000

/**
 * Gives the span of a request the route by which Next.js serves it, as the spans that Next.js makes itself tell it. Next.js tells it to the request's span, too,
 * but when the answer has often gone. Behind a `proxy.ts` it goes on in a context of its own, made of headers: there a request is known by the span that
 * they name, which may have ended.
 */
export class NextRoutes {
  /** By the ids of spans of Next.js, in the order of their start. */
  readonly #requests = new Map<string, RPCMetadata>()

  started(span: ReadableSpan, within: Context): void {
    if (span.instrumentationScope.name !== 'next.js') return
    const metadata = getRPCMetadata(within) ?? this.#requests.get(span.parentSpanContext?.spanId ?? '')
    if (metadata?.type !== RPCType.HTTP) return
    const route = span.attributes['next.route']
    if (typeof route === 'string') metadata.route = route
    if (span.kind !== SpanKind.SERVER) return
    this.#forget()
    this.#requests.set(span.spanContext().spanId, metadata)
  }

  /** The oldest requests, as far as they have been answered. */
  #forget(): void {
    for (const [spanId, { span }] of this.#requests) {
      if (span.isRecording() && this.#requests.size < maxRequests) return
      this.#requests.delete(spanId)
    }
  }
}
