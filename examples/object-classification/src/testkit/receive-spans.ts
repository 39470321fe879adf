/** A receiver of OTLP/JSON for tests, which keeps all spans that it gets. */
import { createServer } from 'node:http'
import { serve } from '../service/serve.ts'
import type { Running } from '../service/serve.ts'

/** The parts of a span in OTLP/JSON that are looked at. */
export interface JsonSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly status: { readonly code?: number; readonly message?: string }
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
        const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as JsonRequest
        for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    }),
    { port: 0 },
  )
  return { ...running, spans }
}
