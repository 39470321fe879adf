import { decodeTraces, splitSpans } from '@spoor/otlp'
import { createProcesses, jaegerSpanOf, shortTraceId } from './jaeger-write.ts'

/** Spans that are objects at a time. */
const SPANS_AT_ONCE = 5000

/**
 * Pieces of the text of a trace as Jaeger's query service answers with it and its page takes it from a file. `bytes`: a serialized `TracesData` of that
 * trace.
 */
export function* jaegerJsonOf(bytes: Uint8Array, traceId: string): Generator<string> {
  const processes = createProcesses()
  yield `{"data":[{"traceID":"${shortTraceId(traceId)}","spans":[`
  let separator = ''
  for (const part of splitSpans(bytes, SPANS_AT_ONCE)) {
    const spans = decodeTraces(part).resourceSpans.flatMap(({ resource, scopeSpans }) => {
      const process = processes.numberOf(resource)
      return scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => jaegerSpanOf(span, scope, process, [])))
    })
    if (spans.length === 0) continue
    yield separator + JSON.stringify(spans).slice(1, -1)
    separator = ','
  }
  yield `],"processes":${JSON.stringify(processes.byName)},"warnings":null}],"total":0,"limit":0,"offset":0,"errors":null}`
}
