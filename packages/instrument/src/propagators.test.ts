import { defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import type { propagatorNames } from './propagators.ts'
import { createPropagator } from './propagators.ts'

const spanContext = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  traceFlags: TraceFlags.SAMPLED,
}

function inject(name: (typeof propagatorNames)[number]): Record<string, string> {
  const carrier: Record<string, string> = {}
  createPropagator([name]).inject(trace.setSpanContext(ROOT_CONTEXT, spanContext), carrier, defaultTextMapSetter)
  return carrier
}

test.each([
  ['tracecontext', { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }],
  ['b3', { b3: '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1' }],
  ['b3multi', { 'x-b3-traceid': spanContext.traceId, 'x-b3-spanid': spanContext.spanId, 'x-b3-sampled': '1' }],
  ['jaeger', { 'uber-trace-id': '4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:01' }],
  ['xray', { 'x-amzn-trace-id': 'Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1' }],
] as const)('%s carries the context there and back', (name, headers) => {
  const carrier = inject(name)
  expect(carrier).toEqual(headers)
  const context = createPropagator([name]).extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)
  expect(trace.getSpanContext(context)).toMatchObject({ ...spanContext, isRemote: true })
})

test('of several forms the one is taken that a request has', () => {
  const propagator = createPropagator(['tracecontext', 'b3', 'jaeger', 'xray'])
  for (const name of ['tracecontext', 'b3multi', 'jaeger', 'xray'] as const) {
    const context = propagator.extract(ROOT_CONTEXT, inject(name), defaultTextMapGetter)
    expect(trace.getSpanContext(context), name).toMatchObject(spanContext)
  }
})

test.each([
  ['zeros that were left out', '7b34da6a3ce929d0e0e4736:f067aa0ba902b7:0:1', '0000000007b34da6a3ce929d0e0e4736', 1],
  ['colons that were encoded', '4bf92f3577b34da6a3ce929d0e0e4736%3A00f067aa0ba902b7%3A0%3A0', spanContext.traceId, 0],
])('jaeger: %s', (_, header, traceId, traceFlags) => {
  const context = createPropagator(['jaeger']).extract(ROOT_CONTEXT, { 'uber-trace-id': header }, defaultTextMapGetter)
  expect(trace.getSpanContext(context)).toMatchObject({ traceId, spanId: spanContext.spanId, traceFlags })
})

test.each(['', 'x', '0:0:0:1', '4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7'])(
  'jaeger: "%s" is none',
  (header) => {
    const context = createPropagator(['jaeger']).extract(
      ROOT_CONTEXT,
      { 'uber-trace-id': header },
      defaultTextMapGetter,
    )
    expect(trace.getSpanContext(context)).toBeUndefined()
  },
)
