import { SpanKind, SpanStatusCode, TraceFlags, trace, ROOT_CONTEXT } from '@opentelemetry/api'
import { TraceState } from '@opentelemetry/core'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { decodeTraces, tracesFromJson } from '@spoor/otlp'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createJsonEncoder, createProtobufEncoder } from './batch-encoder.ts'

const resource = resourceFromAttributes({ 'service.name': 'shop', 'process.pid': 7 })

/** Spans as the SDK makes them. */
function record(make: (provider: TracerProvider) => void): ReadableSpan[] {
  const exporter = new InMemorySpanExporter()
  make(new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter })] }))
  return exporter.getFinishedSpans()
}

/** What the SDK's own serializer makes of them. */
function oracle(spans: ReadableSpan[]): unknown {
  return decodeTraces(ProtobufTraceSerializer.serializeRequest(spans)!)
}

function ours(spans: ReadableSpan[]): { protobuf: unknown; json: unknown } {
  const encoders = [createProtobufEncoder(resource), createJsonEncoder(resource)] as const
  for (const encoder of encoders) for (const span of spans) encoder.add(span)
  const [protobuf, json] = encoders.map((encoder) => encoder.take().body) as [Uint8Array, Uint8Array]
  return { protobuf: decodeTraces(protobuf), json: decodeTraces(tracesFromJson(json)) }
}

test('all that a span may carry is what the SDK makes of it, as protobuf and as JSON', () => {
  const remote = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
    traceState: new TraceState('a=1,b=2'),
  }
  const spans = record((provider) => {
    const tracer = provider.getTracer('lib', '1.2', { schemaUrl: 'https://example.com/1' })
    const span = tracer.startSpan(
      'GET /größe/:id 🐾',
      {
        kind: SpanKind.SERVER,
        startTime: [1_790_000_000, 123_456_789],
        links: [{ context: remote, attributes: { why: 'batch' } }, { context: { ...remote, isRemote: false } }],
      },
      trace.setSpanContext(ROOT_CONTEXT, remote),
    )
    span.setAttributes({ text: 'x'.repeat(20_000), 'http.response.status_code': 200, ratio: 0.25, ok: true, no: false })
    span.setAttributes({ list: ['a', 'b'], numbers: [1, 2.5, -3], empty: '', nothing: [], far: -9_007_199_254_740_991 })
    span.addEvent('step', { n: 1, umlaut: 'ä'.repeat(60) }, [1_790_000_000, 1])
    span.addEvent('bare', [1_790_000_001, 0])
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'went wrong' })
    span.end([1_790_000_002, 999_999_999])
    provider.getTracer('other').startSpan('root').end()
    tracer.startSpan('second of the scope').end()
  })
  const { protobuf, json } = ours(spans)
  expect(protobuf).toEqual(oracle(spans))
  expect(json).toEqual(oracle(spans))
})

test('any attributes are what the SDK makes of them', () => {
  const scalar = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.string({ maxLength: 50 }),
    fc.maxSafeInteger().filter((value) => !Object.is(value, -0)),
    fc.double({ noNaN: true, noInteger: true }).filter(Number.isFinite),
    fc.boolean(),
  )
  const value = fc.oneof(scalar, fc.array(fc.string()), fc.array(fc.boolean()))
  const attributes = fc.dictionary(fc.string({ minLength: 1, unit: 'grapheme' }), value, { maxKeys: 12 })
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), attributes, (name, given) => {
      const spans = record((provider) => {
        provider.getTracer('lib').startSpan(name, { attributes: given }).end()
      })
      const { protobuf, json } = ours(spans)
      const expected = oracle(spans)
      expect(protobuf).toEqual(expected)
      expect(json).toEqual(expected)
    }),
    { numRuns: 100 },
  )
})

test('values that the SDK has no field for', () => {
  const given = {
    bytes: Uint8Array.of(1, 2, 255),
    none: null,
    inner: { a: 1, deep: { b: 'c' } },
    big: 1e300,
    minus: -0,
  }
  const spans = record((provider) => {
    provider.getTracer('lib').startSpan('x', { attributes: given }).end()
  })
  const { protobuf, json } = ours(spans)
  expect(json).toEqual(protobuf)
  const { attributes } = (protobuf as ReturnType<typeof decodeTraces>).resourceSpans[0]!.scopeSpans[0]!.spans[0]!
  expect(Object.fromEntries(attributes.map(({ key, value }) => [key, value]))).toMatchObject({
    bytes: { value: Uint8Array.of(1, 2, 255) },
    big: { value: 1e300 },
    minus: { value: -0 },
  })
})

test('a batch is taken once, and what it takes is known before', () => {
  const [span] = record((provider) => provider.getTracer('lib').startSpan('x').end()) as [ReadableSpan]
  for (const encoder of [createProtobufEncoder(resource), createJsonEncoder(resource)]) {
    encoder.add(span)
    encoder.add(span)
    expect(encoder.spans).toBe(2)
    const { bytes } = encoder
    const batch = encoder.take()
    expect(batch.spans).toBe(2)
    expect(batch.body.length).toBeGreaterThan(bytes)
    expect(batch.body.length).toBeLessThan(bytes + 400)
    expect(encoder).toMatchObject({ spans: 0, bytes: 0 })
  }
})
