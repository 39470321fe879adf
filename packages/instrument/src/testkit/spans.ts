import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, ParentBasedSampler, type ReadableSpan, type Sampler } from '@opentelemetry/sdk-trace'
import { TracerProvider } from '../trace/tracer.ts'

/** A provider, and where its spans are put as they end. */
export function collectSpans(sampler: Sampler = new ParentBasedSampler({ root: new AlwaysOnSampler() })): {
  readonly tracerProvider: TracerProvider
  readonly ended: ReadableSpan[]
} {
  const ended: ReadableSpan[] = []
  const processor = {
    onStart: () => {},
    onEnd: (span: ReadableSpan) => void ended.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
  const tracerProvider = new TracerProvider({
    resource: resourceFromAttributes({}),
    sampler,
    spanLimits: {},
    processor,
  })
  return { tracerProvider, ended }
}

/** A server on a free port of this machine; `close` ends its connections, too. */
export async function listen(
  handler: http.RequestListener,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = http.createServer(handler)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}
