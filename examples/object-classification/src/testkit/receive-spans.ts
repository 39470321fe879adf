/** A receiver of OTLP over HTTP for tests, as JSON or protobuf, which keeps all spans that it gets. */
import { createServer } from 'node:http'
import { tracesToJson } from '@spoor/otlp'
import { serve } from '../service/serve.ts'
import type { Running } from '../service/serve.ts'

/** The parts of a span in OTLP/JSON that are looked at. */
export interface JsonSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind?: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status?: { readonly code?: number; readonly message?: string }
  readonly attributes?: readonly { readonly key: string; readonly value: { readonly intValue?: string | number } }[]
  readonly events?: readonly { readonly name: string }[]
  readonly links?: readonly { readonly spanId: string }[]
}
interface JsonRequest {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly JsonSpan[] }[] }[]
}

/** A receiver that runs. */
export interface SpanReceiver extends Running {
  readonly spans: readonly JsonSpan[]
}

/** Listens on a free port. */
export async function receiveSpans(): Promise<SpanReceiver> {
  const spans: JsonSpan[] = []
  const running = await serve(
    createServer((request, response) => {
      void request.toArray().then((chunks: Buffer[]) => {
        const body = Buffer.concat(chunks)
        const isJson = request.headers['content-type'] === 'application/json'
        const { resourceSpans } = JSON.parse(isJson ? body.toString() : tracesToJson(body)) as JsonRequest
        for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans)
        response.writeHead(200, { 'content-type': request.headers['content-type'] }).end(isJson ? '{}' : '')
      })
    }),
    { port: 0 },
  )
  return { ...running, spans }
}
