import { decodeTraces, encodeTraces, OtlpError, type ResourceSpans, type Span, tracesFromJson } from '@spoor/otlp'
import { RequestError } from '../api/params.ts'
import { type JaegerTraceReader, readJaegerTrace } from './trace-json.ts'

/** What is turned at once, on the thread that answers everybody: some 50 ms. Bytes. */
export const MAX_TRANSFORM_BYTES = 1024 * 1024

/**
 * The traces of an OTLP/JSON request, in the order in which they begin in it, as they came: without Jaeger's adjusters.
 *
 * @throws RequestError 400 with the place, when it is none
 */
export function* transformed(body: string): Generator<JaegerTraceReader> {
  for (const [traceId, resourceSpans] of byTrace(read(body))) {
    const chunks = one(encodeTraces({ resourceSpans }))
    yield readJaegerTrace(chunks, traceId, { raw: true, again: () => chunks })
  }
}

function read(body: string): readonly ResourceSpans[] {
  try {
    return decodeTraces(tracesFromJson(body)).resourceSpans
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error
    throw new RequestError(400, 'bad_body', `cannot unmarshal OTLP : ${error.message}`)
  }
}

function byTrace(resourceSpans: readonly ResourceSpans[]): Map<string, ResourceSpans[]> {
  const traces = new Map<string, ResourceSpans[]>()
  for (const resource of resourceSpans)
    for (const scope of resource.scopeSpans)
      for (const [traceId, spans] of Map.groupBy(scope.spans, (span: Span) => span.traceId)) {
        const parts = traces.get(traceId) ?? []
        parts.push({ ...resource, scopeSpans: [{ ...scope, spans }] })
        traces.set(traceId, parts)
      }
  return traces
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
