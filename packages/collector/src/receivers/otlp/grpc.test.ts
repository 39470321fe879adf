import http2 from 'node:http2'
import zlib from 'node:zlib'
import grpc from '@grpc/grpc-js'
import { decodeStatus } from '@spoor/otlp'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CollectorError } from '../../component/index.ts'
import { decodeGrpcMessage, messagePrefix } from '../../otlp-protocol/grpc-message.ts'
import { packSnappy, packSnappyStream } from '../../otlp-protocol/snappy.test.helper.ts'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { logsRequest, metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { http2Request, startReceiver, type Http2Answer } from './fixture.ts'

const request = tracesRequest({ spans: 20 })
const HEADERS = { ':path': GRPC_PATHS.traces, 'content-type': 'application/grpc', te: 'trailers' }

/** A grpc-js client; rejects with its ServiceError. */
function createClient(
  address: string,
  options: grpc.ClientOptions = {},
): (path: string, body: Uint8Array) => Promise<Buffer> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), options)
  onTestFinished(() => client.close())
  const same = (bytes: Buffer): Buffer => bytes
  return (path, body) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, Buffer.from(body), (error, response) => {
        if (error) reject(error)
        else resolve(response ?? Buffer.alloc(0))
      })
    })
}

function framed(message: Uint8Array, compressed = false): Buffer {
  return Buffer.concat([messagePrefix(compressed, message.length), message])
}

/** Status and message of an answer, wherever they were. */
function statusOf({ headers, trailers }: Http2Answer): [number, string] {
  const { 'grpc-status': code, 'grpc-message': message } = { ...headers, ...trailers }
  return [Number(code), decodeGrpcMessage(String(message ?? ''))]
}

describe('grpc-js as client', () => {
  test.each([
    ['traces', request, 20],
    ['metrics', metricsRequest(7), 7],
    ['logs', logsRequest(9), 9],
  ] as const)('%s', async (signal, body, items) => {
    const { grpc: address, sink, context } = await startReceiver()
    expect((await createClient(address)(GRPC_PATHS[signal], body)).length).toBe(0)
    expect(sink.batches).toMatchObject([{ signal, items }])
    expect(Buffer.from(sink.bytes()).equals(body)).toBe(true)
    expect(context.value('otelcol_receiver_requests', { transport: 'grpc', outcome: 'success' })).toBe(1)
  })

  test('gzip, kept as it came', async () => {
    const { grpc: address, sink } = await startReceiver()
    await createClient(address, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip })(
      GRPC_PATHS.traces,
      request,
    )
    const [chunk] = sink.batches[0]!.chunks
    expect(Buffer.from(chunk!.bytes).equals(request)).toBe(true)
    expect(zlib.gunzipSync(chunk!.compressed!.bytes).equals(request)).toBe(true)
  })

  test('many calls on one connection, one of them bad', async () => {
    const { grpc: address, sink } = await startReceiver()
    const call = createClient(address)
    const calls = Array.from({ length: 200 }, async (_, index) =>
      call(GRPC_PATHS.traces, index === 100 ? request.subarray(0, 50) : request),
    )
    const results = await Promise.allSettled(calls)
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(199)
    expect(results[100]).toMatchObject({ reason: { code: grpc.status.INVALID_ARGUMENT } })
    expect(sink.items).toBe(199 * 20)
  })

  test('a message over the limit, sizes and setting named, and then a proper one', async () => {
    const { grpc: address, sink } = await startReceiver({ grpc: { max_recv_msg_size_mib: 1 } })
    const call = createClient(address)
    const large = tracesRequest({ spans: 4000 })
    await expect(call(GRPC_PATHS.traces, large)).rejects.toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: `received message larger than max (${large.length} vs. 1048576 bytes); send smaller batches or raise protocols.grpc.max_recv_msg_size_mib`,
    })
    await call(GRPC_PATHS.traces, request)
    expect(sink.items).toBe(20)
  })

  test('a gzip bomb', async () => {
    const { grpc: address } = await startReceiver()
    const call = createClient(address, { 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip })
    await expect(call(GRPC_PATHS.traces, Buffer.alloc(60 * 1024 * 1024))).rejects.toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: expect.stringContaining('more than 4194304 bytes decompressed') as string,
    })
  })

  test('a signal that no pipeline takes, and a method that is none', async () => {
    const { grpc: address } = await startReceiver({ signals: ['traces'] })
    const call = createClient(address)
    await expect(call(GRPC_PATHS.logs, logsRequest(1))).rejects.toMatchObject({
      code: grpc.status.UNIMPLEMENTED,
      details:
        'no pipeline takes logs from this receiver: nothing here keeps them; set OTEL_LOGS_EXPORTER=none in the sender',
    })
    await expect(call('/jaeger.api_v2.CollectorService/PostSpans', request)).rejects.toMatchObject({
      code: grpc.status.UNIMPLEMENTED,
      details: expect.stringContaining(
        'unknown method /jaeger.api_v2.CollectorService/PostSpans; this port has ',
      ) as string,
    })
  })

  test('a full pipeline: UNAVAILABLE with RetryInfo', async () => {
    const { grpc: address, sink } = await startReceiver()
    sink.intercept = () => {
      throw new CollectorError('overloaded', 'sending queue is full (50%)', { retryAfterMs: 250 })
    }
    const error = (await createClient(address)(GRPC_PATHS.traces, request).catch(
      (thrown: unknown) => thrown,
    )) as grpc.ServiceError
    expect(error).toMatchObject({ code: grpc.status.UNAVAILABLE, details: 'sending queue is full (50%)' })
    const [details] = error.metadata.get('grpc-status-details-bin')
    expect(decodeStatus(details as Buffer)).toEqual({
      code: 14,
      message: 'sending queue is full (50%)',
      retryAfterMs: 250,
    })
  })
})

describe('bare HTTP/2', () => {
  test('the prefix split over DATA frames', async () => {
    const { grpc: address, sink } = await startReceiver()
    const bytes = framed(request)
    const answer = await http2Request(address, HEADERS, [
      bytes.subarray(0, 1),
      bytes.subarray(1, 4),
      bytes.subarray(4, 7),
      bytes.subarray(7),
    ])
    expect(answer.headers[':status']).toBe(200)
    expect(answer.trailers['grpc-status']).toBe('0')
    expect(answer.body.equals(framed(Buffer.alloc(0)))).toBe(true)
    expect(sink.items).toBe(20)
  })

  test.each([
    ['no message', [], 'truncated message: the stream ended after 0 of a 5-byte prefix bytes'],
    ['half a prefix', [Buffer.from([0, 0])], 'truncated message: the stream ended after 2 of a 5-byte prefix bytes'],
    [
      'half a message',
      [framed(request).subarray(0, 105)],
      `truncated message: the stream ended after 100 of ${request.length} bytes`,
    ],
    ['two messages', [framed(request), framed(request)], 'more bytes than one message: a unary call has exactly one'],
    ['a wrong flag', [Buffer.from([7, 0, 0, 0, 0])], 'compressed flag is 7; it must be 0 or 1'],
    [
      'compressed without a coding',
      [framed(zlib.gzipSync(request), true)],
      'the message is flagged as compressed, but the call has no grpc-encoding',
    ],
  ])('%s: INVALID_ARGUMENT, and the connection lives', async (_, parts, message) => {
    const { grpc: address, sink } = await startReceiver()
    const session = http2.connect(`http://${address}`)
    onTestFinished(() => session.destroy())
    expect(statusOf(await http2Request(session, HEADERS, parts))).toEqual([3, message])
    expect(statusOf(await http2Request(session, HEADERS, [framed(request)]))).toEqual([0, ''])
    expect(sink.items).toBe(20)
  })

  test.each([
    ['gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['zstd', zlib.zstdCompressSync],
    ['snappy', packSnappyStream],
    ['snappy', packSnappy],
  ] as const)('grpc-encoding %s', async (coding, compress) => {
    const { grpc: address, sink } = await startReceiver()
    const answer = await http2Request(address, { ...HEADERS, 'grpc-encoding': coding }, [
      framed(compress(request), true),
    ])
    expect(statusOf(answer)).toEqual([0, ''])
    expect(Buffer.from(sink.bytes()).equals(request)).toBe(true)
  })

  test.each(['br', 'constructor'])('an unknown grpc-encoding: %s', async (coding) => {
    const { grpc: address } = await startReceiver()
    const answer = await http2Request(address, { ...HEADERS, 'grpc-encoding': coding }, [framed(request, true)])
    expect(statusOf(answer)).toEqual([
      12,
      `grpc-encoding ${coding} is not supported; use one of identity,gzip,deflate,zstd,snappy`,
    ])
    expect(answer.headers['grpc-accept-encoding']).toBe('identity,gzip,deflate,zstd,snappy')
  })

  test('a client that resets its stream does not hurt the others', async () => {
    const { grpc: address, sink } = await startReceiver()
    const session = http2.connect(`http://${address}`)
    onTestFinished(() => session.destroy())
    for (let index = 0; index < 20; index++) {
      const stream = session.request({ ':method': 'POST', ...HEADERS })
      stream.on('error', () => {})
      stream.write(framed(request).subarray(0, 50))
      stream.close(http2.constants.NGHTTP2_CANCEL)
    }
    expect(statusOf(await http2Request(session, HEADERS, [framed(request)]))).toEqual([0, ''])
    expect(sink.items).toBe(20)
  })

  test.each([
    ['application/json', 404, '/v1/traces'],
    ['application/grpc-web+proto', 415, 'this port speaks OTLP/gRPC'],
    ['application/grpc+json', 415, 'this port speaks OTLP/gRPC'],
  ])('%s is not gRPC', async (contentType, status, text) => {
    const { grpc: address } = await startReceiver()
    const answer = await http2Request(address, { ':path': GRPC_PATHS.traces, 'content-type': contentType }, [
      framed(request),
    ])
    expect(answer.headers[':status']).toBe(status)
    expect(answer.body.toString()).toContain(text)
  })
})
