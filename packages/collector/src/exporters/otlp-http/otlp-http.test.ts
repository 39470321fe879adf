import http from 'node:http'
import type { AddressInfo } from 'node:net'
import zlib from 'node:zlib'
import { createBatch, decodeTraces, encodeExportResponse, encodeStatus, joinBytes, tracesFromJson } from '@spoor/otlp'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { z } from 'zod'
import { logsRequest, metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { decompressNow } from '../../otlp-protocol/decompress.ts'
import { batchOf, DIRECT, startExporter } from '../fixture.ts'
import { otlpHttpExporter } from './index.ts'
import { EMPTY_CONTEXT } from '../../component/index.ts'

const request = tracesRequest({ spans: 30 })

interface Received {
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

/** A bare HTTP server that keeps what it gets and answers as it is told. */
async function startServer(
  answer: (response: http.ServerResponse) => void = (response) => response.end(),
): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = []
  const server = http.createServer((message, response) => {
    const parts: Buffer[] = []
    message.on('data', (data: Buffer) => parts.push(data))
    message.on('end', () => {
      received.push({ path: message.url ?? '', headers: message.headers, body: Buffer.concat(parts) })
      answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => server.closeAllConnections())
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

function unpackSnappyBody(body: Buffer): Buffer {
  return Buffer.from(decompressNow('snappy', body, 1024 * 1024).bytes)
}

describe('what is sent', () => {
  test('all signals, each to its path', async () => {
    const { url, received } = await startServer()
    const { exporter, context } = await startExporter(otlpHttpExporter, {
      endpoint: `${url}/`,
      compression: 'none',
      headers: { 'x-tenant': 'a' },
      ...DIRECT,
    })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    await exporter.consume(batchOf(metricsRequest(4), 4, 'metrics'), EMPTY_CONTEXT)
    await exporter.consume(batchOf(logsRequest(5), 5, 'logs'), EMPTY_CONTEXT)
    expect(received.map(({ path, body }) => [path, body])).toEqual([
      ['/v1/traces', Buffer.from(request)],
      ['/v1/metrics', Buffer.from(metricsRequest(4))],
      ['/v1/logs', Buffer.from(logsRequest(5))],
    ])
    expect(received[0]?.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'x-tenant': 'a',
      'content-length': String(request.length),
    })
    expect(context.value('otelcol_exporter_sent_spans')).toBe(30)
  })

  test.each([
    ['gzip', zlib.gunzipSync],
    ['zstd', zlib.zstdDecompressSync],
    ['zlib', zlib.inflateSync],
    ['deflate', zlib.inflateSync],
    ['snappy', unpackSnappyBody],
    ['x-snappy-framed', unpackSnappyBody],
    ['lz4', (body: Buffer): Buffer => Buffer.from(decompressNow('lz4', body, 1024 * 1024).bytes)],
  ] as const)('%s, several chunks as one message', async (compression, decompress) => {
    const { url, received } = await startServer()
    const { exporter } = await startExporter(otlpHttpExporter, { endpoint: url, compression, ...DIRECT })
    const chunks = [1, 2, 3].map((seed) => ({ bytes: tracesRequest({ spans: 50, seed }), items: 50 }))
    await exporter.consume(createBatch('traces', chunks), EMPTY_CONTEXT)
    expect(received[0]?.headers['content-encoding']).toBe(compression)
    if (compression === 'x-snappy-framed') expect(received[0]?.body.subarray(4, 10).toString()).toBe('sNaPpY')
    expect(decompress(received[0]!.body).equals(joinBytes(chunks.map(({ bytes }) => bytes)))).toBe(true)
  })

  test.each([
    ['gzip', 12, '12 is not a level of gzip; use 1 (fast) to 9 (small), -1 for 6 or -2 for Huffman coding only'],
    ['zlib', -3, '-3 is not a level of zlib'],
    ['snappy', 1, '1 is not a level of snappy; leave it out'],
    ['x-snappy-framed', 1, '1 is not a level of x-snappy-framed; leave it out'],
  ])('%s has no level %i', (compression, level, message) => {
    const parsed = otlpHttpExporter.config.safeParse({
      endpoint: 'http://a:4318',
      compression,
      compression_params: { level },
    })
    expect(parsed).toMatchObject({ success: false })
    expect((parsed as { error?: z.ZodError }).error?.issues).toMatchObject([
      { path: ['compression_params', 'level'], message: expect.stringContaining(message) as string },
    ])
  })

  test.each([
    ['gzip', -2],
    ['deflate', 9],
    ['zstd', 40],
    ['none', 12],
    ['snappy', 0],
  ])('%s has a level %i', (compression, level) => {
    const input = { endpoint: 'http://a:4318', compression, compression_params: { level } }
    expect(otlpHttpExporter.config.safeParse(input).success).toBe(true)
  })

  test('JSON', async () => {
    const { url, received } = await startServer((response) =>
      response.end('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}'),
    )
    const { exporter, context } = await startExporter(otlpHttpExporter, {
      endpoint: url,
      encoding: 'json',
      compression: 'none',
      ...DIRECT,
    })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(received[0]?.headers['content-type']).toBe('application/json')
    expect(decodeTraces(tracesFromJson(received[0]!.body))).toEqual(decodeTraces(request))
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'partial_success' })).toBe(3)
  })

  test('traces_endpoint is the whole URL; other signals have none', async () => {
    const { url, received } = await startServer()
    const { exporter } = await startExporter(otlpHttpExporter, {
      traces_endpoint: `${url}/ingest/otlp?key=1`,
      ...DIRECT,
    })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(received[0]?.path).toBe('/ingest/otlp?key=1')
    await expect(exporter.consume(batchOf(logsRequest(1), 1, 'logs'), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unimplemented',
      message: 'otlp_http has no endpoint for logs; set endpoint or logs_endpoint',
    })
  })
})

describe('what comes back', () => {
  const post = async (answer: (response: http.ServerResponse) => void, options: object = {}): Promise<unknown> => {
    const { url } = await startServer(answer)
    const { exporter } = await startExporter(otlpHttpExporter, { endpoint: url, ...DIRECT, ...options })
    return exporter.consume(batchOf(request, 30), EMPTY_CONTEXT).catch((error: unknown) => error)
  }

  test('partial success', async () => {
    const { url } = await startServer((response) => response.end(encodeExportResponse({ rejected: 7, message: 'old' })))
    const { exporter, context } = await startExporter(otlpHttpExporter, { endpoint: url, ...DIRECT })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(23)
  })

  test('503 with Retry-After in seconds, and as a date', async () => {
    expect(await post((response) => response.writeHead(503, { 'retry-after': '7' }).end())).toMatchObject({
      code: 'unavailable',
      retryable: true,
      retryAfterMs: 7000,
    })
    const inAMinute = new Date(Date.now() + 60_000).toUTCString()
    const error = (await post((response) => response.writeHead(429, { 'retry-after': inAMinute }).end())) as {
      retryAfterMs: number
    }
    expect(error.retryAfterMs).toBeGreaterThan(50_000)
    expect(error.retryAfterMs).toBeLessThan(61_000)
  })

  test('400 with a google.rpc.Status', async () => {
    const status = Buffer.from(encodeStatus({ code: 3, message: 'bad trace id' }))
    const error = await post((response) =>
      response.writeHead(400, { 'content-type': 'application/x-protobuf' }).end(status),
    )
    expect(error).toMatchObject({
      code: 'invalid_data',
      retryable: false,
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ answered HTTP 400: bad trace id$/) as string,
    })
  })

  test('a status in JSON, and plain text', async () => {
    expect(
      await post((response) =>
        response.writeHead(403, { 'content-type': 'application/json' }).end('{"code":7,"message":"no"}'),
      ),
    ).toMatchObject({ code: 'permission_denied', message: expect.stringMatching(/: no$/) as string })
    expect(await post((response) => response.writeHead(500).end('<h1>oops</h1>'))).toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/: <h1>oops<\/h1>$/) as string,
    })
  })

  test('413: split in halves until it fits', async () => {
    const { url, received } = await startServer((response) =>
      response.writeHead(received.at(-1)!.body.length > 6000 ? 413 : 200).end(),
    )
    const { exporter, context } = await startExporter(otlpHttpExporter, {
      endpoint: url,
      compression: 'none',
      ...DIRECT,
    })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(30)
    expect(received.filter(({ body }) => body.length <= 6000).length).toBe(4)
  })

  test('nothing: the timeout of the config', async () => {
    expect(await post(() => {}, { timeout: '30ms' })).toMatchObject({ code: 'timeout', retryable: true })
  })

  test('a redirect is not followed', async () => {
    expect(await post((response) => response.writeHead(307, { location: '/elsewhere' }).end())).toMatchObject({
      retryable: false,
    })
  })

  test('nobody there', async () => {
    const { exporter } = await startExporter(otlpHttpExporter, { endpoint: 'http://127.0.0.1:9', ...DIRECT })
    await expect(exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^cannot send to http:\/\/127\.0\.0\.1:9: .*ECONNREFUSED/) as string,
    })
  })
})

describe('connections', () => {
  test('go through a proxy where there is one', async () => {
    const proxy = await startServer()
    const { exporter } = await startExporter(otlpHttpExporter, {
      endpoint: 'http://collector.internal:4318',
      proxy_url: proxy.url,
      ...DIRECT,
    })
    await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
    expect(proxy.received.map(({ path }) => path)).toEqual(['http://collector.internal:4318/v1/traces'])
  })

  test.each([[{ disable_keep_alives: true }], [{ keepalive: { enabled: false } }]])(
    'with %o each request has one',
    async (settings) => {
      const ports = new Set<number | undefined>()
      const { url } = await startServer((response) => {
        ports.add(response.req.socket.remotePort)
        response.end()
      })
      const config = { endpoint: url, ...settings, ...DIRECT }
      const { exporter } = await startExporter(otlpHttpExporter, config)
      for (let i = 0; i < 3; i++) await exporter.consume(batchOf(request, 30), EMPTY_CONTEXT)
      expect(ports.size).toBe(3)
    },
  )
})
