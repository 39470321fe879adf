/** The inference service, traced by hand: the seven steps, with OpenTelemetry's own SDK and nothing else. */
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { runInference } from './program.ts'

await runInference((serviceName) => {
  // 1. Who is it? Most backends need a name.
  const resource = resourceFromAttributes({ 'service.name': serviceName })
  // 2. Where do spans go? Over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318.
  const exporter = new OTLPTraceExporter()
  // 3. How are they gathered? In batches: one request for many spans.
  const processor = new BatchSpanProcessor({ exporter })
  // 4. The provider makes tracers of these.
  const provider = new TracerProvider({ resource, spanProcessors: [processor] })
  // 5. For the whole process: who is the parent across await, how it goes into headers, and whose tracers they are.
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  // 6. Libraries, before they are loaded.
  const instrumentations = [new HttpInstrumentation({ ignoreIncomingRequestHook: ({ url = '' }) => url === '/health' })]
  registerInstrumentations({ tracerProvider: provider, instrumentations })
  // 7. A tracer for spans by hand is had by trace.getTracer(name): in service.ts, see withSpan. What is still gathered at
  // the end has to be sent.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void provider.forceFlush())
})
