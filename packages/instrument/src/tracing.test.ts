import { setTimeout as delay } from 'node:timers/promises'
import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { TracingOptions } from './options.ts'
import { getTracer, withSpan } from './spans.ts'
import { attributesOf, type Receiver, startGrpcReceiver, startHttpReceiver } from './testkit/receiver.ts'
import { startTracing, type Tracing } from './tracing.ts'

let receiver: Receiver
let tracing: Tracing | undefined
/** What was written to stderr. The lines are part of the interface, so the real stream is listened to. */
let lines: string[]

beforeEach(async () => {
  receiver = await startHttpReceiver()
  lines = []
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    lines.push(String(line))
    return true
  })
})

afterEach(async () => {
  await tracing?.shutdown()
  tracing = undefined
  vi.restoreAllMocks()
  await receiver.close()
})

function start(options: TracingOptions = {}): Tracing {
  tracing = startTracing({
    serviceName: 'unit',
    instrumentations: [],
    ...options,
    exporter: { url: receiver.url, ...options.exporter },
  })
  return tracing
}

describe('startTracing', () => {
  test('says on one line what it did', () => {
    start({ exclude: ['a', 'b'], batch: { maxExportBatchSize: 7, scheduledDelayMs: 1_500 } })
    expect(lines).toEqual([
      `spoor: tracing "unit" → http/protobuf ${receiver.url}/v1/traces · batch 7/1.5 s · sampler parentbased_always_on` +
        ' · propagators tracecontext, baggage · no instrumentations · 2 excluded\n',
    ])
  })

  test('says which sampler, propagators and headers are in force, and keeps secrets to itself', () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'traceidratio')
    vi.stubEnv('OTEL_TRACES_SAMPLER_ARG', '0.5')
    vi.stubEnv('OTEL_PROPAGATORS', 'b3,jaeger')
    start({ exporter: { headers: { Authorization: 'Bearer abcdefghijklmnop', 'x-tenant': 'blue' } } })
    vi.unstubAllEnvs()
    expect(lines[0]).toContain(
      ' · headers authorization: Bearer abc…, 16 characters, x-tenant: *** · batch 512/1 s · sampler traceidratio 0.5 · propagators b3, jaeger · ',
    )
  })

  test('keeps the password in the address to itself', async () => {
    const { flush } = start({ exporter: { url: receiver.url.replace('://', '://user:secret@') } })
    receiver.behaviour = 401
    withSpan('lost', () => {})
    await flush()
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line).toContain('//user:***@127.0.0.1')
  })

  test('delivers a span with all that it carries', async () => {
    const { tracer, flush, stats } = start({ serviceVersion: '1.0' })
    const span = tracer.startSpan('work', { attributes: { count: 3, tags: ['a', 'b'] } })
    span.addEvent('step', { n: 1.5 })
    span.end()
    await flush()
    const arrived = receiver.named('work')
    expect(attributesOf(arrived)).toMatchObject({ count: 3n })
    expect(arrived.events[0]?.name).toBe('step')
    expect(arrived.scopeName).toBe('unit')
    expect(arrived.resource).toMatchObject({ 'service.name': 'unit', 'service.version': '1.0' })
    expect(stats()).toEqual({
      ended: 1,
      exported: 1,
      failed: 0,
      dropped: 0,
      waiting: 0,
      excluded: 0,
      notSampled: 0,
      notSampledByCaller: 0,
      open: 0,
    })
  })

  test('the first spans do not wait for a long delay, so that what is wrong is told at once', async () => {
    start({ batch: { scheduledDelayMs: 3_600_000 } })
    withSpan('first', () => {})
    await vi.waitFor(() => receiver.named('first'), { timeout: 30_000 })
  })

  test('exports over gRPC', async () => {
    const grpc = await startGrpcReceiver()
    const { flush, stats } = start({
      exporter: { protocol: 'grpc', url: grpc.url, headers: { 'X-Tenant': 'blue' }, compression: 'gzip' },
    })
    withSpan('work', () => {})
    await flush()
    expect(grpc.named('work').resource['service.name']).toBe('unit')
    expect(grpc.requests[0]?.headers['x-tenant']).toBe('blue')
    expect(stats().exported).toBe(1)
    await tracing?.shutdown()
    await grpc.close()
  })

  test('a second call returns the first handle and says so', () => {
    const first = start()
    expect(startTracing()).toBe(first)
    expect(lines).toHaveLength(1)
    expect(startTracing({ serviceName: 'other' })).toBe(first)
    expect(lines.at(-1)).toBe(
      'spoor: startTracing was called again; the first call stays in force and these options are ignored\n',
    )
  })

  test('an SDK that was there before is noticed', async () => {
    const { TracerProvider } = await import('@opentelemetry/sdk-trace')
    trace.setGlobalTracerProvider(new TracerProvider())
    start()
    expect(lines.join('')).toContain('another OpenTelemetry SDK was started in this process before')
    await tracing?.shutdown()
    expect(trace.getTracer('theirs').startSpan('still theirs').isRecording()).toBe(true)
    trace.disable()
  })

  test('shutdown sends the rest, takes all back and can be called twice; then tracing can start anew', async () => {
    const { shutdown, stats } = start()
    const listeners = () =>
      ['exit', 'SIGTERM', 'newListener', 'uncaughtExceptionMonitor'].map((name) => process.listenerCount(name))
    const before = listeners()
    const late = getTracer().startSpan('late')
    withSpan('work', () => {})
    await Promise.all([shutdown(), shutdown()])
    expect(receiver.spans.map((span) => span.name)).toEqual(['work'])
    expect(listeners()).toEqual(before.map((count) => count - 1))
    late.end()
    expect(stats()).toMatchObject({ ended: 2, exported: 1, dropped: 1, waiting: 0 })
    expect(getTracer().startSpan('nothing').isRecording()).toBe(false)

    const again = start()
    withSpan('again', () => {})
    await again.flush()
    expect(receiver.named('again').parentSpanId).toBe('')
  })

  test('W3C trace context and baggage travel', () => {
    start()
    const carrier: Record<string, string> = {}
    withSpan('work', (span) => {
      const baggage = propagation.createBaggage({ user: { value: '7' } })
      propagation.inject(propagation.setBaggage(context.active(), baggage), carrier)
      const { traceId, spanId } = span.spanContext()
      expect(carrier).toEqual({ traceparent: `00-${traceId}-${spanId}-01`, baggage: 'user=7' })
    })
  })
})

describe('withSpan', () => {
  test('returns what the function returns and nests, across await too', async () => {
    const { flush } = start()
    const result = await withSpan('outer', { attributes: { a: 1 } }, async () => {
      await Promise.resolve()
      return withSpan('inner', () => 42)
    })
    expect(result).toBe(42)
    await flush()
    expect(receiver.named('inner').parentSpanId).toBe(receiver.named('outer').spanId)
    expect(receiver.named('outer').status.code).toBe(0)
  })

  test.each([
    [
      'throws',
      () => {
        throw new TypeError('bad')
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('bad'))],
  ])('ends with ERROR and the exception when the function %s', async (_, fn: () => unknown) => {
    const { flush } = start()
    await expect(async () => withSpan('failing', fn)).rejects.toThrow(new TypeError('bad'))
    await flush()
    const { status, events } = receiver.named('failing')
    expect(status).toEqual({ code: 2, message: 'bad' })
    expect(events).toHaveLength(1)
    expect(attributesOf(events[0]!)).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'bad' })
  })

  test('runs the function when tracing was never started', () => {
    expect(withSpan('work', (span) => span.isRecording())).toBe(false)
  })
})

describe('what does not arrive is counted and said', () => {
  test('a receiver that refuses, and its return', async () => {
    const { flush, stats } = start()
    receiver.behaviour = 400
    withSpan('lost', () => {})
    await flush()
    withSpan('lost', () => {})
    await flush()
    expect(stats()).toMatchObject({ ended: 2, failed: 2, exported: 0, waiting: 0 })
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(
        /^spoor: cannot export to .*\/v1\/traces \(HTTP 400 Bad Request; .*\): 1 span lost, 0 waiting\n$/,
      ),
    ])
    receiver.behaviour = 200
    withSpan('arrives', () => {})
    await flush()
    expect(lines.at(-1)).toMatch(/^spoor: .*\/v1\/traces takes spans again after [\d.]+ m?s; 2 spans lost\n$/)
    expect(stats()).toMatchObject({ ended: 3, failed: 2, exported: 1 })
  })

  test('a queue that overflows', async () => {
    const { flush, stats } = start({ batch: { maxQueueSize: 4, maxExportBatchSize: 4 } })
    receiver.behaviour = 'hang'
    for (let i = 0; i < 11; i++) withSpan(`span ${i}`, () => {})
    // Four are on their way and four in the queue.
    expect(stats()).toMatchObject({ ended: 11, dropped: 3, waiting: 8 })
    expect(lines.at(-1)).toMatch(/^spoor: queue full \(4 spans\): 1 span dropped so far; raise batch\.maxQueueSize/)
    await receiver.close()
    receiver = await startHttpReceiver(Number(new URL(receiver.url).port))
    await flush()
    expect(stats()).toMatchObject({ ended: 11, exported: 8, dropped: 3, waiting: 0 })
  })

  test('a receiver that is not there yet', async () => {
    const port = Number(new URL(receiver.url).port)
    await receiver.close()
    const { flush, stats } = start()
    withSpan('patient', () => {})
    const flushed = flush()
    await vi.waitFor(() => expect(lines.at(-1)).toMatch(/: 1 span waiting, trying on\n$/), 5_000)
    expect(stats()).toMatchObject({ ended: 1, waiting: 1 })
    receiver = await startHttpReceiver(port)
    await flushed
    expect(receiver.named('patient').status.code).toBe(0)
    expect(lines.at(-1)).toMatch(/takes spans again after .*; none lost\n$/)
  })

  test('a receiver that hangs while tracing is shut down', async () => {
    const { shutdown, stats } = start({ exitDeadlineMs: 50 })
    receiver.behaviour = 'hang'
    withSpan('lost', () => {})
    await shutdown()
    expect(lines.at(-1)).toMatch(/^spoor: 1 span sent at the end and not acknowledged: .*: no answer within 50 ms\n$/)
    expect(stats()).toMatchObject({ ended: 1, failed: 1, waiting: 0 })
    // The request under way ends now, and is not booked once more.
    await receiver.close()
    await delay(50)
    expect(stats()).toMatchObject({ ended: 1, failed: 1, waiting: 0 })
  })

  test('a wrong path', async () => {
    const { flush } = start({ exporter: { url: `${receiver.url}/wrong` } })
    withSpan('lost', () => {})
    await flush()
    expect(lines.at(-1)).toContain('HTTP 404 Not Found; check the path, receivers expect /v1/traces')
  })

  test("a refusal with the receiver's own words, out of a serialized google.rpc.Status", async () => {
    const { flush } = start()
    receiver.behaviour = 400
    receiver.refusal = '\b\u0003\u0012\u001espan 3: the trace id is empty'
    withSpan('lost', () => {})
    await flush()
    expect(lines.at(-1)).toContain('(HTTP 400 Bad Request: span 3: the trace id is empty): 1 span lost')
  })

  test('a receiver that wants to know who sends: the header as it was sent, masked, and where it comes from', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer%20abcdefghijklmnop')
    const { flush } = start()
    vi.unstubAllEnvs()
    receiver.behaviour = 401
    receiver.refusal = '{"code":16,"message":"token is not known"}'
    withSpan('lost', () => {})
    await flush()
    expect(lines.at(-1)).toContain(
      '(HTTP 401 Unauthorized: token is not known; sent was authorization: Bearer abc…, 16 characters (OTEL_EXPORTER_OTLP_HEADERS)): 1 span lost',
    )
  })

  test('the first failure is told at once, and what it came to', async () => {
    // Long enough for a busy machine's first answer to leave time for a second try.
    const { flush } = start({ exporter: { timeoutMs: 3_000 } })
    receiver.behaviour = 503
    withSpan('lost', () => {})
    await flush()
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/\(HTTP 503 Service Unavailable\): 1 span waiting, trying on\n$/),
      expect.stringMatching(/\(HTTP 503 Service Unavailable\): 1 span lost, 0 waiting\n$/),
    ])
  })

  test('spans that a receiver has refused of a batch', async () => {
    const { flush, stats } = start()
    receiver.answer = '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no name"}}'
    withSpan('a', () => {})
    withSpan('b', () => {})
    await flush()
    expect(lines.at(-1)).toMatch(/\/v1\/traces refused 1 span of 2: no name\n$/)
    expect(stats()).toMatchObject({ ended: 2, exported: 1, failed: 1 })
  })

  test('something that answers and is no receiver', async () => {
    const { flush, stats } = start()
    receiver.answer = '<html><title>Welcome to nginx</title></html>'
    withSpan('lost', () => {})
    await flush()
    expect(lines.at(-1)).toMatch(
      /\(not OTLP: 127\.0\.0\.1:\d+ answered with text\/html \("Welcome to nginx"\); something else listens there\): 1 span lost/,
    )
    expect(stats()).toMatchObject({ exported: 0, failed: 1 })
  })

  test('a burst in one tick loses nothing', async () => {
    // Within the 64 MiB that may wait.
    const { flush, stats, tracer } = start({ exporter: { timeoutMs: 120_000 } })
    for (let i = 0; i < 50_000; i++) tracer.startSpan(`span ${i}`, { attributes: { i } }).end()
    expect(stats()).toMatchObject({ ended: 50_000, waiting: 50_000, dropped: 0 })
    await flush()
    expect(stats()).toMatchObject({ exported: 50_000, waiting: 0 })
    expect(new Set(receiver.spans.map(({ name }) => name)).size).toBe(50_000)
  })

  test('a queue that takes more memory than it may', async () => {
    const { stats } = start({ batch: { maxQueueBytes: 1_000 } })
    for (let i = 0; i < 20; i++) withSpan(`span ${i}`, (span) => span.setAttribute('text', 'x'.repeat(100)))
    const { dropped, waiting } = stats()
    expect(waiting).toBeGreaterThan(4)
    expect(waiting + dropped).toBe(20)
    expect(lines.at(-1)).toMatch(
      /^spoor: queue full \(\d+ spans in 1 KiB\): 1 span dropped so far; raise batch\.maxQueueBytes/,
    )
  })

  test('a span that cannot be serialized', () => {
    const { tracer, stats } = start()
    const traceState = {
      serialize: () => fail('no text'),
      get: () => undefined,
      set: () => traceState,
      unset: () => traceState,
    }
    const parent = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      traceState,
    }
    tracer.startSpan('odd', {}, trace.setSpanContext(ROOT_CONTEXT, parent)).end()
    withSpan('good', () => {})
    expect(lines.at(-1)).toBe('spoor: span "odd" dropped: no text\n')
    expect(stats()).toMatchObject({ ended: 2, dropped: 1, waiting: 1 })
  })

  test('at the end: what was not sampled, dropped or never ended', async () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off')
    const off = start()
    vi.unstubAllEnvs()
    withSpan('unseen', () => withSpan('below', () => {}))
    await off.shutdown()
    expect(lines.at(-1)).toBe('spoor: 0 spans exported; 1 trace not sampled (always_off)\n')

    const { shutdown, tracer } = start()
    tracer.startSpan('open')
    tracer.startSpan('open')
    trace.getTracer('a library').startSpan('query')
    withSpan('done', () => {})
    await shutdown()
    expect(lines.at(-1)).toBe('spoor: 1 span exported; 3 spans never ended: "open" of unit (2), "query" of a library\n')
  })

  test('diagnostics "none" is silent, the counts stay', async () => {
    const { flush, stats } = start({ diagnostics: 'none', exporter: { url: `${receiver.url}/wrong` } })
    withSpan('lost', () => {})
    await flush()
    expect(lines).toEqual([])
    expect(stats()).toMatchObject({ failed: 1 })
  })
})

function fail(message: string): never {
  throw new Error(message)
}
