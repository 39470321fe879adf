/** Sends the spans of ../interop/README.md with the official SDK of Node. */
import { ROOT_CONTEXT, type SpanContext, SpanStatusCode, TraceFlags, createTraceState, trace } from '@opentelemetry/api'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

const [protocol, prefix, t0, count, service] = process.argv.slice(2)

const remote = (traceId: string, spanId: string, state: string): SpanContext => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
  traceState: createTraceState(state),
  isRemote: true,
})

const exporters = { grpc: GrpcExporter, http: ProtoExporter, json: JsonExporter }
const provider = new TracerProvider({
  resource: resourceFromAttributes({ 'service.name': service!, 'host.cores': 8, 'resource.text': 'zwölf 🧭' }),
  spanProcessors: [new BatchSpanProcessor({ exporter: new exporters[protocol as keyof typeof exporters]() })],
})
const tracer = provider.getTracer('interop', '1.2.3', { schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' })

let parent = ROOT_CONTEXT
for (let i = 0; i < Number(count); i++) {
  if (i % 10 === 0) {
    const traceId = `${prefix}${String(i / 10).padStart(24, '0')}`
    parent = trace.setSpanContext(ROOT_CONTEXT, remote(traceId, 'b7ad6b7169203331', 'vendor=value,other=1'))
  }
  const ms = Number(t0) + i
  const at = (nanoseconds: number): [number, number] => [
    Math.floor(ms / 1000),
    (ms % 1000) * 1_000_000 + 123 + nanoseconds,
  ]
  const span = tracer.startSpan(
    `op-${i} ünï ✓ 日本`,
    {
      kind: i % 5,
      startTime: at(0),
      attributes: {
        i,
        big: 9_007_199_254_740_991,
        negative: -7,
        ratio: i + 0.5,
        ok: i % 2 === 0,
        text: `zwölf 🧭 ${i}`,
        empty: '',
        strings: ['a', 'ü'],
        ints: [1, 2, 3],
        doubles: [0.5, 1.5],
        bools: [true, false],
      },
      links: [{ context: remote(`a${'0'.repeat(31)}`, `b${'0'.repeat(15)}`, 'link=1'), attributes: { why: 'retry' } }],
    },
    parent,
  )
  span.addEvent('cache.miss', { key: `cart:${i}`, size: i }, at(1_000_000))
  span.addEvent('retry ✓', {}, at(2_000_000))
  if (i % 3 === 1) span.setStatus({ code: SpanStatusCode.OK })
  if (i % 3 === 2) span.setStatus({ code: SpanStatusCode.ERROR, message: 'failed ünï' })
  if (i % 10 === 0) parent = trace.setSpan(ROOT_CONTEXT, span)
  span.end(at(5_000_000 + i))
}
await provider.shutdown()
