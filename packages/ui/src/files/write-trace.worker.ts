import { splitSpans, tracesToJson } from '@spoor/otlp'
import { jaegerJsonOf } from '@spoor/trace/files'
import { answer, type AtWork, type Handed } from '../worker/answer.ts'

/** A trace that is to be written. */
export interface WriteRequest {
  /** A serialized `TracesData`. */
  readonly bytes: Uint8Array
  readonly traceId: string
  readonly form: 'otlp-json' | 'jaeger-json'
}

/** Spans that are text at a time: that of a million does not fit into one. */
const spansAtOnce = 5000

// Writes a trace as text off the page's thread.
answer(({ bytes, traceId, form }: WriteRequest, { alive }: AtWork): Handed<Blob> => {
  const parts: Blob[] = []
  for (const text of form === 'otlp-json' ? otlpJson(bytes) : jaegerJsonOf(bytes, traceId)) {
    parts.push(new Blob([text]))
    alive()
  }
  return { reply: new Blob(parts, { type: 'application/json' }) }
})

function* otlpJson(bytes: Uint8Array): Generator<string> {
  const [open, close] = ['{"resourceSpans":[', ']}'] as const
  let separator: string = open
  for (const part of splitSpans(bytes, spansAtOnce)) {
    const items = tracesToJson(part).slice(open.length, -close.length)
    if (items === '') continue
    yield separator + items
    separator = ','
  }
  yield separator === open ? open + close : close
}
