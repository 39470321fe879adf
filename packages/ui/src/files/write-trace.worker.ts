import { jaegerJsonOf } from '@spoor/trace/files'
import { answer, type AtWork, type Handed } from '../worker/answer.ts'
import { otlpJson } from './otlp-json.ts'

/** A trace that is to be written. */
export interface WriteRequest {
  /** A serialized `TracesData`. */
  readonly bytes: Uint8Array
  readonly traceId: string
  readonly form: 'otlp-json' | 'jaeger-json'
}

// Writes a trace as text off the page's thread.
answer(({ bytes, traceId, form }: WriteRequest, { alive }: AtWork): Handed<Blob> => {
  const parts: Blob[] = []
  for (const text of form === 'otlp-json' ? otlpJson(bytes) : jaegerJsonOf(bytes, traceId)) {
    parts.push(new Blob([text]))
    alive()
  }
  return { reply: new Blob(parts, { type: 'application/json' }) }
})
