import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import zlib from 'node:zlib'
import grpc from '@grpc/grpc-js'
import { encodeExportResponse, encodeStatus } from '@spoor/otlp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { decompressNow } from '../../otlp-protocol/decompress.ts'
import { messagePrefix } from '../../otlp-protocol/grpc-message.ts'
import { packSnappyStream } from '../../otlp-protocol/snappy.test.helper.ts'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { logsRequest, metricsRequest, TEST_CERTIFICATE, TEST_KEY, tracesRequest } from '../../testkit/index.ts'
import { batchOf, DIRECT, isThere, ownedBatchOf, startExporter } from '../fixture.ts'
import { otlpGrpcExporter } from './index.ts'
import { EMPTY_CONTEXT } from '../../component/index.ts'

const INSECURE = { tls: { insecure: true }, ...DIRECT }
const request = tracesRequest({ spans: 30 })

type Handler = (bytes: Buffer, metadata: grpc.Metadata, path: string) => Buffer | Partial<grpc.ServiceError>

/** A grpc-js server with the three Export methods. */
async function startServer(
  handler: Handler,
  options: { credentials?: grpc.ServerCredentials; port?: number; socket?: string } = {},
): Promise<{ address: string; server: grpc.Server }> {
  const server = new grpc.Server()
  const same = (bytes: Buffer): Buffer => bytes
  const method = {
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
  for (const path of Object.values(GRPC_PATHS)) {
    server.addService(
      { Export: { ...method, path } },
      {
        Export: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
          const answer = handler(call.request, call.metadata, path)
          if (Buffer.isBuffer(answer)) callback(null, answer)
          else callback(answer)
        },
      },
    )
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      options.socket === undefined ? `127.0.0.1:${options.port ?? 0}` : `unix:${options.socket}`,
      options.credentials ?? grpc.ServerCredentials.createInsecure(),
      (error, bound) => (error ? reject(error) : resolve(bound)),
    )
  })
  onTestFinished(() => server.forceShutdown())
  return { address: `127.0.0.1:${port}`, server }
}

describe('to a grpc-js server', () => {
  test.each(['none', 'gzip'])('all signals, compression %s', async (compression) => {
    const received: [string, Buffer][] = []
    const { address } = await startServer((bytes, _, path) => {
      received.push([path, bytes])
      return Buffer.alloc(0)
    })
    const { exporter, context } = await startExporter(otlpGrpcExporter, { endpoint: address, compression, ...INSECURE })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    await exporter.consume(batchOf(metricsRequest(4), 4, 'metrics'), EMPTY_CONTEXT)
    await exporter.consume(batchOf(logsRequest(5), 5, 'logs'), EMPTY_CONTEXT)
    expect(received).toEqual([
      [GRPC_PATHS.traces, Buffer.from(request)],
      [GRPC_PATHS.metrics, Buffer.from(metricsRequest(4))],
      [GRPC_PATHS.logs, Buffer.from(logsRequest(5))],
    ])
    expect(context.value('otelcol_exporter_sent_spans')).toBe(30)
    expect(context.value('otelcol_exporter_sent_metric_points')).toBe(4)
    expect(context.value('otelcol_exporter_sent_log_records')).toBe(5)
  })

  test('headers', async () => {
    let seen: grpc.Metadata | undefined
    const { address } = await startServer((_, metadata) => {
      seen = metadata
      return Buffer.alloc(0)
    })
    const { exporter } = await startExporter(otlpGrpcExporter, {
      endpoint: `http://${address}`,
      headers: { 'X-Tenant': 'a' },
      ...DIRECT,
    })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(seen?.get('x-tenant')).toEqual(['a'])
    expect(seen?.get('user-agent')).toEqual(['spoor-collector'])
  })

  test.each([
    ['2s', '2000m'],
    ['30h', '108000S'],
    ['0s', undefined],
  ])('timeout %s is told to the server: grpc-timeout %s', async (timeout, expected) => {
    const seen: unknown[] = []
    const server = http2.createServer()
    server.on('stream', (stream, headers) => {
      seen.push(headers['grpc-timeout'])
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' }, { endStream: true })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const endpoint = `127.0.0.1:${(server.address() as net.AddressInfo).port}`
    const { exporter } = await startExporter(otlpGrpcExporter, { endpoint, timeout, ...INSECURE })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT).catch(() => {})
    await exporter.shutdown(AbortSignal.abort())
    expect(seen).toEqual([expected])
  })

  test('authority is the host that calls name', async () => {
    const seen: (string | undefined)[] = []
    const server = http2.createServer()
    server.on('stream', (stream, headers) => {
      seen.push(headers[':authority'])
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' }, { endStream: true })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const endpoint = `127.0.0.1:${(server.address() as net.AddressInfo).port}`
    for (const authority of ['collector.internal', '']) {
      const { exporter } = await startExporter(otlpGrpcExporter, { endpoint, authority, ...INSECURE })
      await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT).catch(() => {})
      await exporter.shutdown(AbortSignal.timeout(100))
    }
    expect(seen).toEqual(['collector.internal', endpoint])
  })

  test('partial success', async () => {
    const { address } = await startServer(() => Buffer.from(encodeExportResponse({ rejected: 10, message: 'too old' })))
    const { exporter, context } = await startExporter(otlpGrpcExporter, { endpoint: address, ...INSECURE })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(20)
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'partial_success' })).toBe(10)
  })

  test('a refusal, with the peer and its reason named', async () => {
    const { address } = await startServer(() => ({
      code: grpc.status.PERMISSION_DENIED,
      details: 'no such tenant: Größe',
    }))
    const { exporter } = await startExporter(otlpGrpcExporter, { endpoint: address, ...INSECURE })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'permission_denied',
      retryable: false,
      message: `${address} answered PERMISSION_DENIED: no such tenant: Größe`,
    })
  })

  test('RESOURCE_EXHAUSTED with and without RetryInfo', async () => {
    let details: Uint8Array | undefined
    const { address } = await startServer(() => {
      const metadata = new grpc.Metadata()
      if (details) metadata.set('grpc-status-details-bin', Buffer.from(details))
      return { code: grpc.status.RESOURCE_EXHAUSTED, details: 'rate limit', metadata }
    })
    const { exporter } = await startExporter(otlpGrpcExporter, { endpoint: address, ...INSECURE })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({ retryable: false })
    details = encodeStatus({ code: 8, message: '', retryAfterMs: 700 })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
      retryable: true,
      retryAfterMs: 700,
    })
  })

  test("the server's message limit: split in halves", async () => {
    let items = 0
    const { address } = await startServer((bytes) => {
      items += bytes.length
      return Buffer.alloc(0)
    })
    const { exporter, context } = await startExporter(otlpGrpcExporter, {
      endpoint: address,
      ...INSECURE,
      compression: 'none',
    })
    // grpc-js takes 4 MiB.
    const large = tracesRequest({ spans: 12_000 })
    expect(large.length).toBeGreaterThan(4 * 1024 * 1024)
    await exporter.consume(batchOf(large, 12_000), EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(12_000)
    expect(items).toBeGreaterThan(large.length - 1)
  })

  test('an answer in the coding of the request, as grpc-go gives it', async () => {
    const answer = zlib.gzipSync(encodeExportResponse({ rejected: 10, message: 'too old' }))
    const server = http2.createServer()
    server.on('stream', (stream) => {
      stream.resume()
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-encoding': 'gzip' },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.concat([messagePrefix(true, answer.length), answer]))
    })
    const { exporter, context } = await startExporter(otlpGrpcExporter, { endpoint: await listen(server), ...INSECURE })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(20)
  })

  test.each(['none', 'gzip'])('the memory of what was sent is free, compression %s', async (compression) => {
    const { address } = await startServer(() => Buffer.alloc(0))
    const { exporter } = await startExporter(otlpGrpcExporter, { endpoint: address, compression, ...INSECURE })
    const batch = ownedBatchOf(tracesRequest({ spans: 3000 }), 3000)
    await exporter.consume(batch, EMPTY_CONTEXT)
    expect(isThere(batch)).toBe(false)
  })

  test('the memory of what the peer answered before it had read it stays, as it may still be written', async () => {
    const server = http2.createServer()
    server.on('stream', (stream) => {
      stream.on('error', () => {})
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'grpc-status': '0' })
        // Only when the answer has left does its end reach the client without an error.
        setTimeout(() => stream.close(http2.constants.NGHTTP2_NO_ERROR), 50)
      })
      stream.end(messagePrefix(false, 0))
    })
    const { exporter } = await startExporter(otlpGrpcExporter, { endpoint: await listen(server), ...INSECURE })
    const batch = ownedBatchOf(tracesRequest({ spans: 3000 }), 3000)
    await exporter.consume(batch, EMPTY_CONTEXT)
    expect(isThere(batch)).toBe(true)
  })

  test('many calls at a time on one connection', async () => {
    const { address } = await startServer(() => Buffer.alloc(0))
    const { exporter, context } = await startExporter(otlpGrpcExporter, { endpoint: address, ...INSECURE })
    await Promise.all(Array.from({ length: 300 }, async () => exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)))
    expect(context.value('otelcol_exporter_sent_spans')).toBe(9000)
  })

  test('a server that goes away and comes back', async () => {
    const first = await startServer(() => Buffer.alloc(0))
    const { exporter, context } = await startExporter(otlpGrpcExporter, { endpoint: first.address, ...INSECURE })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    first.server.forceShutdown()
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    })
    await startServer(() => Buffer.alloc(0), { port: Number(first.address.split(':')[1]) })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(60)
  })

  test('TLS with the CA of the config, and refused without it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'spoor-tls-'))
    onTestFinished(async () => rm(directory, { recursive: true }))
    const ca = join(directory, 'ca.pem')
    await writeFile(ca, TEST_CERTIFICATE)
    const credentials = grpc.ServerCredentials.createSsl(null, [
      { cert_chain: Buffer.from(TEST_CERTIFICATE), private_key: Buffer.from(TEST_KEY) },
    ])
    const { address } = await startServer(() => Buffer.alloc(0), { credentials })
    const endpoint = `localhost:${address.split(':')[1]}`
    const trusted = await startExporter(otlpGrpcExporter, { endpoint, tls: { ca_file: ca }, ...DIRECT })
    await trusted.exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    const careless = await startExporter(otlpGrpcExporter, { endpoint, tls: { insecure_skip_verify: true }, ...DIRECT })
    await careless.exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    const untrusted = await startExporter(otlpGrpcExporter, { endpoint, ...DIRECT })
    await expect(untrusted.exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('self-signed certificate') as string,
    })
  })
})

/** Serves one node:http or node:http2 server, or anything that listens. */
async function listen(server: net.Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`
}

test('a socket of this machine, with TLS and without, and one at which nobody is', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-socket-'))
  onTestFinished(async () => rm(directory, { recursive: true }))
  let taken = 0
  const take: Handler = () => {
    taken++
    return Buffer.alloc(0)
  }
  await startServer(take, { socket: join(directory, 'plain') })
  const credentials = grpc.ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(TEST_CERTIFICATE), private_key: Buffer.from(TEST_KEY) },
  ])
  await startServer(take, { socket: join(directory, 'tls'), credentials })
  for (const [endpoint, tls] of [
    [`unix://${directory}/plain`, { insecure: true }],
    [`unix:${directory}/plain`, { insecure: true }],
    [`unix://${directory}/tls`, { insecure_skip_verify: true }],
  ] as const) {
    const { exporter } = await startExporter(otlpGrpcExporter, { endpoint, tls, ...DIRECT })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
  }
  expect(taken).toBe(3)
  const endpoint = `unix://${directory}/none`
  const { exporter } = await startExporter(otlpGrpcExporter, { endpoint, ...INSECURE })
  await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^cannot send to unix:.*none: .*ENOENT/) as string,
  })
})

describe('peers that are not as they should be', () => {
  test('nobody there', async () => {
    const server = net.createServer()
    const address = await listen(server)
    await new Promise((resolve) => server.close(resolve))
    const { exporter } = await startExporter(otlpGrpcExporter, { endpoint: address, ...INSECURE })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^cannot send to 127\.0\.0\.1:\d+: .*ECONNREFUSED/) as string,
    })
  })

  test('an HTTP/1 server', async () => {
    const address = await listen(http.createServer((_, response) => response.end('hello')))
    const { exporter } = await startExporter(otlpGrpcExporter, { endpoint: address, ...INSECURE })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('does this port speak OTLP/gRPC') as string,
    })
  })

  test('a proxy that answers with an HTTP status', async () => {
    const server = http2.createServer((_, response) => {
      response.statusCode = 503
      response.end('no upstream')
    })
    const { exporter } = await startExporter(otlpGrpcExporter, { endpoint: await listen(server), ...INSECURE })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('HTTP status 503') as string,
    })
  })

  test('one that never answers: the timeout of the config', async () => {
    const server = http2.createServer(() => {})
    const { exporter } = await startExporter(otlpGrpcExporter, {
      endpoint: await listen(server),
      timeout: '30ms',
      ...INSECURE,
    })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'timeout',
      retryable: true,
      message: 'no answer within timeout: 30ms',
    })
  })

  test('GOAWAY: what is under way ends well, what comes next goes over a new connection', async () => {
    let sessions = 0
    const server = http2.createServer()
    server.on('session', () => sessions++)
    server.on('stream', (stream) => {
      stream.resume()
      stream.on('end', () => {
        stream.session?.goaway()
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.end(messagePrefix(false, 0))
      })
    })
    const { exporter, context } = await startExporter(otlpGrpcExporter, { endpoint: await listen(server), ...INSECURE })
    for (let index = 0; index < 3; index++) await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(90)
    expect(sessions).toBe(3)
  })

  test('a connection that died without a word is found by keepalive', async () => {
    const sockets: net.Socket[] = []
    // Takes the connection and never says anything, not even SETTINGS.
    const address = await listen(net.createServer((socket) => sockets.push(socket)))
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()))
    const keepalive = { time: '10ms', timeout: '10ms' }
    const { exporter } = await startExporter(otlpGrpcExporter, {
      endpoint: address,
      timeout: '10s',
      keepalive,
      ...INSECURE,
    })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('a connection that died without a word is given up for a new one, without keepalive too', async () => {
    const sockets: net.Socket[] = []
    const silent = net.createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket))
    const address = await listen(silent)
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()))
    const { exporter, context } = await startExporter(otlpGrpcExporter, {
      endpoint: address,
      timeout: '500ms',
      tls: { insecure: true },
      sending_queue: { enabled: false },
      retry_on_failure: { initial_interval: '10ms', max_interval: '10ms' },
    })
    const sent = exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    await vi.waitFor(() => expect(sockets.length).toBe(1))
    // The machine comes back; the old connection is not told.
    silent.close()
    await startServer(() => Buffer.alloc(0), { port: Number(address.split(':')[1]) })
    await sent
    expect(context.value('otelcol_exporter_sent_spans')).toBe(30)
  })

  test('one that is slow keeps its connection', async () => {
    let connections = 0
    const server = http2.createServer()
    server.on('session', () => connections++)
    server.on('stream', (stream) => stream.on('error', () => {}))
    const { exporter } = await startExporter(otlpGrpcExporter, {
      endpoint: await listen(server),
      timeout: '50ms',
      ...INSECURE,
    })
    // On a busy machine its time may be over before there is a connection, which is told in another way.
    await vi.waitFor(async () => {
      await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT).catch(() => {})
      expect(connections).toBe(1)
    })
    const begin = performance.now()
    while (performance.now() - begin < 2500) {
      await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'timeout' })
    }
    expect(connections).toBe(1)
  })
})

describe('codings that grpc-js has not', () => {
  /** Answers in the coding of the request, as servers of Go do. */
  async function startBare(): Promise<{ address: string; received: Buffer[] }> {
    const received: Buffer[] = []
    const server = http2.createServer()
    server.on('stream', (stream, headers) => {
      const coding = headers['grpc-encoding'] as 'snappy' | 'zstd'
      const parts: Buffer[] = []
      stream.on('data', (data: Buffer) => parts.push(data))
      stream.on('end', () => {
        const frame = Buffer.concat(parts)
        expect(frame[0]).toBe(1)
        expect(frame.readUInt32BE(1)).toBe(frame.length - 5)
        if (coding === 'snappy') expect(frame.subarray(9, 15).toString()).toBe('sNaPpY')
        received.push(Buffer.from(decompressNow(coding, frame.subarray(5), 1024 * 1024).bytes))
        const answer = encodeExportResponse({ rejected: 7, message: 'x' })
        const packed = coding === 'snappy' ? packSnappyStream(answer) : zlib.zstdCompressSync(answer)
        stream.respond({ ':status': 200, 'grpc-encoding': coding }, { waitForTrailers: true })
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.end(Buffer.concat([messagePrefix(true, packed.length), packed]))
      })
    })
    return { address: await listen(server), received }
  }

  test.each(['snappy', 'zstd'])('%s, both ways', async (compression) => {
    const { address, received } = await startBare()
    const { exporter, context } = await startExporter(otlpGrpcExporter, { endpoint: address, compression, ...INSECURE })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(received[0]?.equals(request)).toBe(true)
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'partial_success' })).toBe(7)
  })

  test('others are no compression of gRPC', () => {
    const { success } = otlpGrpcExporter.config.safeParse({ endpoint: 'a:4317', compression: 'deflate' })
    expect(success).toBe(false)
  })
})

test('what the sender compressed is what the peer gets', async () => {
  const compressed = zlib.gzipSync(request)
  let frame = Buffer.alloc(0)
  const server = http2.createServer()
  server.on('stream', (stream, headers) => {
    expect(headers['grpc-encoding']).toBe('gzip')
    stream.on('data', (data: Buffer) => (frame = Buffer.concat([frame, data])))
    stream.on('end', () => stream.respond({ ':status': 200, 'grpc-status': '0' }, { endStream: true }))
  })
  const { exporter } = await startExporter(otlpGrpcExporter, { endpoint: await listen(server), ...INSECURE })
  const chunk = { bytes: request, items: 30, compressed: { coding: 'gzip', bytes: compressed } } as const
  // A trailers-only OK has no message, which is against the protocol of a unary call.
  await expect(
    exporter.consume({ signal: 'traces', chunks: [chunk], items: 30, byteLength: request.length }, EMPTY_CONTEXT),
  ).rejects.toThrow('truncated message')
  expect(frame.equals(Buffer.concat([messagePrefix(true, compressed.length), compressed]))).toBe(true)
})
