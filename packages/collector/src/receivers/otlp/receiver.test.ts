import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import grpc from '@grpc/grpc-js'
import { SpanStatusCode } from '@opentelemetry/api'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { SimpleSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace'
import { decodeTraces } from '@spoor/otlp'
import { describe, expect, onTestFinished, test } from 'vitest'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { createSink, createTestContext, TEST_CERTIFICATE, TEST_KEY, tracesRequest } from '../../testkit/index.ts'
import { HOST, startReceiver, type Running } from './fixture.ts'
import { otlpReceiver } from './index.ts'

const request = tracesRequest({ spans: 4 })
const HEADERS = { 'content-type': 'application/x-protobuf' }

type Compression = NonNullable<NonNullable<ConstructorParameters<typeof ProtoExporter>[0]>['compression']>

describe("OpenTelemetry's own exporters", () => {
  const exporters: [string, (to: Running, compression: Compression) => SpanExporter][] = [
    ['http/protobuf', ({ http }, compression) => new ProtoExporter({ url: `http://${http}/v1/traces`, compression })],
    ['http/json', ({ http }, compression) => new JsonExporter({ url: `http://${http}/v1/traces`, compression })],
    ['grpc', ({ grpc: address }, compression) => new GrpcExporter({ url: `http://${address}`, compression })],
  ]
  const cases = exporters.flatMap(([name, create]) =>
    ['none', 'gzip'].map((compression) => [name, compression, create] as const),
  )

  test.each(cases)('%s, compression %s', async (_, compression, create) => {
    const receiver = await startReceiver()
    const provider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter: create(receiver, compression as Compression) })],
    })
    const span = provider
      .getTracer('test', '1.2')
      .startSpan('checkout', { attributes: { 'cart.size': 3, tags: ['a', 'b'] } })
    span.addEvent('paid', { amount: 9.5 })
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' })
    span.end()
    await provider.forceFlush()
    await receiver.sink.waitFor(1)
    await provider.shutdown()
    const [group] = decodeTraces(receiver.sink.bytes()).resourceSpans
    expect(group?.scopeSpans[0]).toMatchObject({
      scope: { name: 'test', version: '1.2' },
      spans: [
        {
          traceId: span.spanContext().traceId,
          spanId: span.spanContext().spanId,
          name: 'checkout',
          attributes: [
            { key: 'cart.size', value: { type: 'int', value: 3n } },
            { key: 'tags', value: { type: 'array' } },
          ],
          events: [{ name: 'paid', attributes: [{ key: 'amount', value: { type: 'double', value: 9.5 } }] }],
          status: { code: 2, message: 'declined' },
        },
      ],
    })
  })
})

describe('shutdown', () => {
  test('requests that are under way get their answer, new ones are told to come again', async () => {
    const { http, grpc: address, sink, stop } = await startReceiver()
    let release: () => void = () => {}
    let reached: () => void = () => {}
    const inPipeline = new Promise<void>((resolve) => (reached = resolve))
    sink.intercept = async () => {
      reached()
      await new Promise<void>((resolve) => (release = resolve))
    }
    // A second connection that is open before the ports close.
    const client = new grpc.Client(address, grpc.credentials.createInsecure())
    onTestFinished(() => client.close())
    await new Promise<void>((resolve, reject) =>
      client.waitForReady(Date.now() + 5000, (error) => (error ? reject(error) : resolve())),
    )
    const underWay = fetch(`http://${http}/v1/traces`, { method: 'POST', headers: HEADERS, body: Buffer.from(request) })
    await inPipeline
    const stopped = stop(5000)
    const refused = await new Promise<grpc.ServiceError | null>((resolve) => {
      const same = (bytes: Buffer): Buffer => bytes
      client.makeUnaryRequest(GRPC_PATHS.traces, same, same, Buffer.from(request), resolve)
    })
    expect(refused?.code).toBe(grpc.status.UNAVAILABLE)
    release()
    expect((await underWay).status).toBe(200)
    await stopped
    expect(sink.items).toBe(4)
    await expect(fetch(`http://${http}/v1/traces`)).rejects.toThrow()
  })

  test('a request on a connection that is still open gets 503', async () => {
    const { http, sink, stop } = await startReceiver()
    let release: () => void = () => {}
    let reached: () => void = () => {}
    const inPipeline = new Promise<void>((resolve) => (reached = resolve))
    sink.intercept = async () => {
      reached()
      await new Promise<void>((resolve) => (release = resolve))
    }
    const underWay = fetch(`http://${http}/v1/traces`, { method: 'POST', headers: HEADERS, body: Buffer.from(request) })
    // Half a request, whose other half comes when the receiver is shutting down.
    const socket = net.connect(Number(http.split(':')[1]), '127.0.0.1')
    const head = `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${request.length}\r\n\r\n`
    await new Promise<void>((resolve) =>
      socket.write(Buffer.concat([Buffer.from(head), request.subarray(0, 10)]), () => resolve()),
    )
    await inPipeline
    const stopped = stop(5000)
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString('latin1'))))
    socket.write(request.subarray(10))
    expect(await answer).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1/s)
    release()
    await Promise.all([underWay, stopped])
    socket.destroy()
  })

  test('ends at its deadline even when the pipeline does not', async () => {
    const { http, sink, stop, context } = await startReceiver()
    let reached: () => void = () => {}
    const inPipeline = new Promise<void>((resolve) => (reached = resolve))
    sink.intercept = () => {
      reached()
      return new Promise<void>(() => {})
    }
    const underWay = fetch(`http://${http}/v1/traces`, { method: 'POST', headers: HEADERS, body: Buffer.from(request) })
    const cut = expect(underWay).rejects.toThrow()
    await inPipeline
    await stop(50)
    await cut
    expect(context.logger.lines.at(-1)).toMatchObject({ level: 'warn', fields: { requests: 1 } })
  })

  test('twice, and without start', async () => {
    const { stop } = await startReceiver()
    await stop()
    await stop()
    const config = otlpReceiver.config.safeParse({ protocols: { grpc: null } })
    if (!config.success) throw new Error('config')
    await otlpReceiver.create(createTestContext(), config.data, new Map()).shutdown(AbortSignal.timeout(10))
  })
})

test('a port that is taken is named, and the other one is given back', async () => {
  const { grpc: taken } = await startReceiver()
  const config = otlpReceiver.config.safeParse({
    protocols: { grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: taken } },
  })
  if (!config.success) throw new Error('config')
  const receiver = otlpReceiver.create(createTestContext(), config.data, new Map([['traces', createSink()]]))
  await expect(receiver.start(HOST)).rejects.toMatchObject({
    code: 'listen',
    message: `cannot listen on ${taken}: the address is taken by another process; stop that one or set another port`,
  })
  expect(receiver.listening?.()).toEqual([])
})

test('TLS on both ports', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-tls-'))
  onTestFinished(async () => rm(directory, { recursive: true }))
  const tls = { cert_file: join(directory, 'cert.pem'), key_file: join(directory, 'key.pem') }
  await writeFile(tls.cert_file, TEST_CERTIFICATE)
  await writeFile(tls.key_file, TEST_KEY)
  const { http, grpc: address, sink } = await startReceiver({ grpc: { tls }, http: { tls } })
  const exporter = new ProtoExporter({ url: `https://${http}/v1/traces`, httpAgentOptions: { ca: TEST_CERTIFICATE } })
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  provider.getTracer('test').startSpan('secret').end()
  await provider.forceFlush()
  await provider.shutdown()
  const client = new grpc.Client(
    `localhost:${address.split(':')[1]}`,
    grpc.credentials.createSsl(Buffer.from(TEST_CERTIFICATE)),
  )
  onTestFinished(() => client.close())
  const error = await new Promise<grpc.ServiceError | null>((resolve) => {
    const same = (bytes: Buffer): Buffer => bytes
    client.makeUnaryRequest(GRPC_PATHS.traces, same, same, Buffer.from(request), resolve)
  })
  expect(error).toBeNull()
  expect(sink.items).toBe(5)
})
