import { ROOT_CONTEXT, trace, type Attributes, SpanKind } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'
import { ExcludingSampler } from './exclude.ts'
import type { ExcludeRule } from './options.ts'

function record(rules: ExcludeRule[]) {
  const exporter = new InMemorySpanExporter()
  const sampler = new ExcludingSampler(new ParentBasedSampler({ root: new AlwaysOnSampler() }), rules)
  const provider = new TracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  return {
    tracer: provider.getTracer('test'),
    sampler,
    names: () => exporter.getFinishedSpans().map((span) => span.name),
  }
}

describe('rules', () => {
  const server = { 'http.request.method': 'GET', 'url.path': '/health' }
  const oldServer = { 'http.method': 'GET', 'http.target': '/health?deep=1' }
  const client = { 'http.request.method': 'GET', 'url.full': 'http://other:80/health?x=1' }

  test.each<[string, ExcludeRule, string, Attributes, boolean]>([
    ['a name', 'poll', 'poll', {}, true],
    ['a name is not a prefix', 'poll', 'polling', {}, false],
    ['a pattern', /^poll/, 'polling', {}, true],
    ['a pattern with state', /poll/g, 'poll', {}, true],
    ['a server request', 'GET /health', 'GET', server, true],
    ['another method', 'POST /health', 'GET', server, false],
    ['any method', '/health', 'GET', server, true],
    ['a longer path', 'GET /health', 'GET', { ...server, 'url.path': '/healthy' }, false],
    ['old conventions, without the query', 'GET /health', 'GET', oldServer, true],
    ['a client request', 'GET /health', 'GET', client, true],
    ['a pattern on the request', /\/health$/, 'GET', server, true],
    ['attributes', { attributes: { 'http.request.method': 'GET', 'url.path': /^\/hea/ } }, 'GET', server, true],
    [
      'one attribute differs',
      { attributes: { 'http.request.method': 'POST', 'url.path': /^\/hea/ } },
      'GET',
      server,
      false,
    ],
    ['a missing attribute', { attributes: { nothing: /undefined/ } }, 'GET', server, false],
    ['a number', { attributes: { 'server.port': 80 } }, 'x', { 'server.port': 80 }, true],
    ['name and attributes', { name: 'x', attributes: { a: 1 } }, 'y', { a: 1 }, false],
  ])('%s', (_, rule, name, attributes, excluded) => {
    const { tracer, sampler, names } = record([rule])
    // Twice, because a pattern must not remember its last match.
    for (let i = 0; i < 2; i++) tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }).end()
    expect(names()).toEqual(excluded ? [] : [name, name])
    expect(sampler.excluded).toBe(excluded ? 2 : 0)
  })

  test('a rule that matches nothing is refused with its place', () => {
    expect(() => record(['ok', {}])).toThrow('exclude[1]: {} matches nothing')
  })
})

test('what is beneath an excluded span vanishes too, what is beside it stays', () => {
  const { tracer, sampler, names } = record(['health'])
  const root = tracer.startSpan('request', {}, ROOT_CONTEXT)
  const excluded = tracer.startSpan('health', {}, trace.setSpan(ROOT_CONTEXT, root))
  const below = tracer.startSpan('query', {}, trace.setSpan(ROOT_CONTEXT, excluded))
  const beside = tracer.startSpan('work', {}, trace.setSpan(ROOT_CONTEXT, root))
  // What traceparent carries to the next service: same trace, not sampled.
  expect(below.spanContext()).toMatchObject({ traceId: root.spanContext().traceId, traceFlags: 0 })
  for (const span of [below, excluded, beside, root]) span.end()
  expect(names()).toEqual(['work', 'request'])
  expect(sampler.excluded).toBe(1)
})

test('what the sampler decides against is counted once a trace, and what callers have decided by itself', () => {
  let told = 0
  const sampler = new ExcludingSampler(new ParentBasedSampler({ root: new AlwaysOffSampler() }), [], () => told++)
  const tracer = new TracerProvider({ sampler }).getTracer('test')
  const root = tracer.startSpan('root', {}, ROOT_CONTEXT)
  tracer.startSpan('below', {}, trace.setSpan(ROOT_CONTEXT, root))
  const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', isRemote: true }
  tracer.startSpan('server', {}, trace.setSpanContext(ROOT_CONTEXT, { ...caller, traceFlags: 0 }))
  const sampled = tracer.startSpan('server', {}, trace.setSpanContext(ROOT_CONTEXT, { ...caller, traceFlags: 1 }))
  expect(sampled.isRecording()).toBe(true)
  expect(sampler).toMatchObject({ notSampled: 1, notSampledByCaller: 1, excluded: 0 })
  expect(told).toBe(1)
})
