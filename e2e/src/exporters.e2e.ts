import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, createTraceState, trace } from '@opentelemetry/api'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { type KeyValue, type Span, type TracesData, decodeTraces } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningSpoor, startSpoor } from './spoor.ts'

let spoor: RunningSpoor
beforeAll(async () => {
  spoor = await startSpoor()
})
afterAll(async () => {
  await spoor.remove()
})

/** The official exporters take their compression as a string enum; these are its values. */
const compressions = ['none', 'gzip'] as const
type Compression = (typeof compressions)[number]

const exporters: Record<string, (compression: Compression) => SpanExporter> = {
  'http/protobuf': (compression) =>
    new ProtoExporter({ url: `${spoor.http}/v1/traces`, compression: compression as never }),
  'http/json': (compression) => new JsonExporter({ url: `${spoor.http}/v1/traces`, compression: compression as never }),
  grpc: (compression) => new GrpcExporter({ url: `http://${spoor.grpc}`, compression: compression as never }),
}

async function stored(traceId: string): Promise<TracesData> {
  const response = await fetch(`${spoor.page}/api/spoor/v1/traces/${traceId}`)
  expect(response.status).toBe(200)
  return decodeTraces(new Uint8Array(await response.arrayBuffer()))
}

const spansOf = (data: TracesData): Span[] =>
  data.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans))

/** Attributes as a plain object, values as `type:value` text, so that a wrong type is seen. */
const plain = (attributes: readonly KeyValue[]): Record<string, string> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)),
    ]),
  )

describe.each(Object.keys(exporters))('the official %s exporter', (protocol) => {
  it.each(compressions)('stores every field as sent (compression %s)', async (compression) => {
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': `shop-${protocol}`, 'host.cores': 8 }),
      spanProcessors: [new BatchSpanProcessor({ exporter: exporters[protocol]!(compression) })],
    })
    const tracer = provider.getTracer('e2e', '1.2.3', { schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' })
    const remote = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: TraceFlags.SAMPLED,
      traceState: createTraceState('vendor=value,other=1'),
      isRemote: true,
    }
    // Each run needs a trace of its own; the remote parent gives it its id and state.
    remote.traceId = crypto.randomUUID().replaceAll('-', '')
    const parentContext = trace.setSpanContext(ROOT_CONTEXT, remote)
    const start = 1_760_000_000_123
    const parent = tracer.startSpan(
      'GET /cart/:id',
      {
        kind: SpanKind.SERVER,
        startTime: start,
        attributes: {
          'http.request.method': 'GET',
          ok: true,
          answer: 42,
          ratio: 0.25,
          tags: ['a', 'b'],
          sizes: [1, 2, 3],
        },
        links: [
          {
            context: { traceId: 'f'.repeat(32), spanId: 'e'.repeat(16), traceFlags: TraceFlags.SAMPLED },
            attributes: { why: 'batch' },
          },
        ],
      },
      parentContext,
    )
    const child = tracer.startSpan(
      'SELECT cart',
      { kind: SpanKind.CLIENT, startTime: start + 1 },
      trace.setSpan(parentContext, parent),
    )
    child.addEvent('cache.miss', { key: 'cart:7' }, start + 2)
    child.recordException(new RangeError('no such cart'), start + 3)
    child.setStatus({ code: SpanStatusCode.ERROR, message: 'no such cart' })
    child.end(start + 5)
    parent.end(start + 9)
    await provider.forceFlush()
    await provider.shutdown()

    const data = await stored(remote.traceId)
    const resource = data.resourceSpans[0]!
    expect(plain(resource.resource.attributes)).toMatchObject({
      'service.name': `{"type":"string","value":"shop-${protocol}"}`,
      'host.cores': '{"type":"int","value":"8n"}',
    })
    expect(resource.scopeSpans[0]!.scope).toMatchObject({ name: 'e2e', version: '1.2.3' })
    expect(resource.scopeSpans[0]!.schemaUrl).toBe('https://opentelemetry.io/schemas/1.30.0')
    const spans = spansOf(data)
    expect(spans).toHaveLength(2)
    const server = spans.find((span) => span.kind === 2)!
    const client = spans.find((span) => span.kind === 3)!
    expect(server).toMatchObject({
      traceId: remote.traceId,
      parentSpanId: remote.spanId,
      name: 'GET /cart/:id',
      traceState: 'vendor=value,other=1',
      startTimeUnixNano: BigInt(start) * 1_000_000n,
      endTimeUnixNano: BigInt(start + 9) * 1_000_000n,
    })
    expect(server.flags & 0xff).toBe(1)
    expect(plain(server.attributes)).toEqual({
      'http.request.method': '{"type":"string","value":"GET"}',
      ok: '{"type":"bool","value":true}',
      answer: '{"type":"int","value":"42n"}',
      ratio: '{"type":"double","value":0.25}',
      tags: '{"type":"array","value":[{"type":"string","value":"a"},{"type":"string","value":"b"}]}',
      sizes:
        '{"type":"array","value":[{"type":"int","value":"1n"},{"type":"int","value":"2n"},{"type":"int","value":"3n"}]}',
    })
    expect(server.links).toHaveLength(1)
    expect(server.links[0]).toMatchObject({ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16) })
    expect(plain(server.links[0]!.attributes)).toEqual({ why: '{"type":"string","value":"batch"}' })
    expect(client.parentSpanId).toBe(server.spanId)
    expect(client.status).toEqual({ code: 2, message: 'no such cart' })
    expect(client.events.map((event) => event.name)).toEqual(['cache.miss', 'exception'])
    expect(client.events[0]!.timeUnixNano).toBe(BigInt(start + 2) * 1_000_000n)
    expect(plain(client.events[1]!.attributes)).toMatchObject({
      'exception.type': '{"type":"string","value":"RangeError"}',
      'exception.message': '{"type":"string","value":"no such cart"}',
    })
  })
})

describe('OTLP/JSON by hand', () => {
  it('keeps integers beyond 2^53, bytes, maps, nested arrays, flags, dropped counts and trace state', async () => {
    const traceId = crypto.randomUUID().replaceAll('-', '')
    const body = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hand"}}],"droppedAttributesCount":1},
      "scopeSpans":[{"scope":{"name":"s","attributes":[{"key":"sa","value":{"boolValue":true}}]},"spans":[{
      "traceId":"${traceId.toUpperCase()}","spanId":"00f067aa0ba902b7","traceState":"a=b","flags":257,"name":"n","kind":"SPAN_KIND_PRODUCER",
      "startTimeUnixNano":"1760000000000000001","endTimeUnixNano":1760000000000000007,
      "droppedAttributesCount":2,"droppedEventsCount":3,"droppedLinksCount":4,"unknownField":{"x":[1]},
      "attributes":[{"key":"big","value":{"intValue":"9007199254740993"}},{"key":"min","value":{"intValue":"-9223372036854775808"}},
      {"key":"bytes","value":{"bytesValue":"AP8="}},
      {"key":"map","value":{"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[{"doubleValue":1.5},{}]}}}]}}}],
      "links":[{"traceId":"${'a'.repeat(32)}","spanId":"${'b'.repeat(16)}","traceState":"l=1","flags":1,"droppedAttributesCount":5}],
      "events":[{"timeUnixNano":"1760000000000000002","name":"e","droppedAttributesCount":6}],"status":{"code":1}}]}]}]}`
    const answer = await fetch(`${spoor.http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect([answer.status, await answer.text()]).toEqual([200, '{"partialSuccess":{}}'])
    const data = await stored(traceId)
    expect(data.resourceSpans[0]!.resource.droppedAttributesCount).toBe(1)
    const [span] = spansOf(data)
    expect(span).toMatchObject({
      traceId,
      traceState: 'a=b',
      flags: 257,
      kind: 4,
      startTimeUnixNano: 1_760_000_000_000_000_001n,
      endTimeUnixNano: 1_760_000_000_000_000_007n,
      droppedAttributesCount: 2,
      droppedEventsCount: 3,
      droppedLinksCount: 4,
      status: { code: 1, message: '' },
      links: [
        { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceState: 'l=1', flags: 1, droppedAttributesCount: 5 },
      ],
      events: [{ timeUnixNano: 1_760_000_000_000_000_002n, name: 'e', droppedAttributesCount: 6 }],
      attributes: [
        { key: 'big', value: { type: 'int', value: 9_007_199_254_740_993n } },
        { key: 'min', value: { type: 'int', value: -9_223_372_036_854_775_808n } },
        { key: 'bytes', value: { type: 'bytes', value: new Uint8Array([0, 255]) } },
        {
          key: 'map',
          value: {
            type: 'map',
            value: [{ key: 'k', value: { type: 'array', value: [{ type: 'double', value: 1.5 }, { type: 'empty' }] } }],
          },
        },
      ],
    })
  })
})
