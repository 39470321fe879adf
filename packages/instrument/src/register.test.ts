import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  attributesOf,
  type Receiver,
  type ReceivedSpan,
  startGrpcReceiver,
  startHttpReceiver,
} from './testkit/receiver.ts'
import { runApp } from './testkit/run-app.ts'

const server = 2
const client = 3

let http: Receiver
let grpc: Receiver

beforeAll(async () => {
  http = await startHttpReceiver()
  grpc = await startGrpcReceiver()
})

afterAll(async () => {
  await http.close()
  await grpc.close()
})

/** The spans of one run, told from others on the same receiver by the service's name. */
function spansOf(receiver: Receiver, service: string): ReceivedSpan[] {
  return receiver.spans.filter((span) => span.resource['service.name'] === service)
}

describe.concurrent('node --import @spoor/instrument/register', () => {
  test.each(['web.mjs', 'web.cjs'])('instruments http, fetch and express in %s, as one trace', async (file) => {
    const service = `shop ${file}`
    const run = await runApp(file, {
      env: {
        OTEL_SERVICE_NAME: service,
        OTEL_EXPORTER_OTLP_ENDPOINT: http.url,
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test%20bench,service.version=1.2',
        SPOOR_EXCLUDE: 'GET /health',
      },
    })
    expect(run.code).toBe(0)
    // On a slow machine another line follows, about what was patched since.
    expect(run.stderr.split('\n', 1)[0]).toBe(
      `spoor: tracing "${service}" → http/protobuf ${http.url}/v1/traces · batch 512/1 s · sampler parentbased_always_on` +
        ' · propagators tracecontext, baggage · patched http, undici, fastify; express, koa, hono when loaded · 1 excluded',
    )

    const spans = spansOf(http, service)
    expect(new Set(spans.map((span) => span.traceId)).size).toBe(1)
    const [root] = spans.filter((span) => span.parentSpanId === '')
    expect(root).toMatchObject({ name: 'GET', kind: client })
    const order = spans.find((span) => span.name === 'GET /order/:id' && span.kind === server)
    expect(order?.parentSpanId).toBe(root?.spanId)
    const stocks = spans.filter((span) => span.name === 'GET /stock/:id' && span.kind === server)
    const callers = stocks.map((stock) => spans.find((span) => span.spanId === stock.parentSpanId))
    expect(callers.map((caller) => caller?.scopeName)).toEqual([
      '@opentelemetry/instrumentation-undici',
      '@spoor/instrument/http',
    ])
    expect(spans.filter((span) => span.scopeName === '@spoor/instrument/express')).toHaveLength(3)
    expect(
      spans.filter((span) => Object.values(attributesOf(span)).some((value) => String(value).includes('/health'))),
    ).toEqual([])
    expect(root?.resource).toMatchObject({
      'service.name': service,
      'service.version': '1.2',
      'deployment.environment.name': 'test bench',
      'telemetry.sdk.language': 'nodejs',
      'process.runtime.name': 'nodejs',
    })
  })

  test.each([
    ['http/json', 'gzip', 'application/json'],
    ['http/protobuf', 'gzip', 'application/x-protobuf'],
    ['grpc', 'gzip', 'application/grpc'],
  ])('sends %s with compression %s, also when the batch waits until the exit', async (protocol, compression, type) => {
    const receiver = protocol === 'grpc' ? grpc : http
    const service = `${protocol} ${compression}`
    const run = await runApp('exit.mjs', {
      args: ['exit'],
      env: {
        OTEL_SERVICE_NAME: service,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION: compression,
        OTEL_EXPORTER_OTLP_HEADERS: `X-Run=${encodeURIComponent(service)}`,
      },
    })
    expect(run.stderr).toContain(`${protocol} ${receiver.url}`)
    expect(run.code).toBe(3)
    expect(spansOf(receiver, service).map((span) => span.name)).toEqual(['work'])
    const request = receiver.requests.find(({ headers }) => headers['x-run'] === service)
    expect(request?.contentType).toBe(type)
    if (protocol !== 'grpc') expect(request?.encoding).toBe(compression)
  })

  test('says what was imported too early, and instruments node:http all the same', async () => {
    const run = await runApp('late.mjs', { register: false, env: { OTEL_EXPORTER_OTLP_ENDPOINT: http.url } })
    expect(run.code).toBe(0)
    expect(run.stderr).toMatch(
      /^spoor: express was imported before tracing started .*--import @spoor\/instrument\/register$/m,
    )
    const spans = spansOf(http, 'late')
    expect(spans.map((span) => span.kind)).toEqual([server, client])
    expect(new Set(spans.map((span) => span.traceId)).size).toBe(1)
  })

  test('a worker thread is traced too, and says nothing of it', async () => {
    const run = await runApp('worker.mjs', {
      env: { OTEL_SERVICE_NAME: 'threads', OTEL_EXPORTER_OTLP_ENDPOINT: http.url },
    })
    expect(run.stdout).toBe('worker left with 9\n')
    expect(run.stderr.match(/^spoor: /gm)).toHaveLength(1)
    expect(
      spansOf(http, 'threads')
        .map((span) => span.name)
        .sort((a, b) => a.localeCompare(b)),
    ).toEqual(['in main', 'in worker'])
  })

  test('OTEL_SDK_DISABLED records nothing', async () => {
    const run = await runApp('exit.mjs', {
      args: ['exit'],
      env: { OTEL_SERVICE_NAME: 'disabled', OTEL_EXPORTER_OTLP_ENDPOINT: http.url, OTEL_SDK_DISABLED: 'true' },
    })
    expect(run).toMatchObject({ code: 3, stderr: 'spoor: tracing is off: OTEL_SDK_DISABLED is true\n' })
    expect(spansOf(http, 'disabled')).toEqual([])
  })

  test('SPOOR_QUIET=1 leaves stderr to the application', async () => {
    const run = await runApp('exit.mjs', {
      args: ['end'],
      env: { OTEL_SERVICE_NAME: 'quiet', OTEL_EXPORTER_OTLP_ENDPOINT: http.url, SPOOR_QUIET: '1' },
    })
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(spansOf(http, 'quiet')).toHaveLength(1)
  })
})
