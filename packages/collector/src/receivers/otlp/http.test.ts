import zlib from 'node:zlib'
import { decodeStatus, decodeTraces, tracesToJson } from '@spoor/otlp'
import { describe, expect, test } from 'vitest'
import { CollectorError } from '../../component/index.ts'
import { logsRequest, metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { packLz4 } from '../../otlp-protocol/lz4.ts'
import { packSnappy, packSnappyStream } from '../../otlp-protocol/snappy.test.helper.ts'
import { exchange, startReceiver } from './fixture.ts'

const PROTOBUF = { 'content-type': 'application/x-protobuf' }
const JSON_TYPE = { 'content-type': 'application/json' }
const request = tracesRequest({ spans: 20, services: 2, rich: true })

async function post(
  url: string,
  body: Uint8Array | string,
  headers: Record<string, string> = PROTOBUF,
): Promise<{ status: number; headers: Headers; body: Buffer }> {
  const response = await fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : Buffer.from(body),
    headers,
  })
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) }
}

describe('what is taken', () => {
  test.each([
    ['traces', request, 20],
    ['metrics', metricsRequest(7), 7],
    ['logs', logsRequest(9), 9],
  ] as const)('%s as protobuf, the bytes as they came', async (signal, body, items) => {
    const { http, sink, context } = await startReceiver()
    const response = await post(`http://${http}/v1/${signal}`, body)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/x-protobuf')
    expect(response.body.length).toBe(0)
    expect(sink.batches).toMatchObject([{ signal, items, byteLength: body.length }])
    expect(Buffer.from(sink.bytes()).equals(body)).toBe(true)
    const name = { traces: 'spans', metrics: 'metric_points', logs: 'log_records' }[signal]
    expect(context.value(`otelcol_receiver_accepted_${name}`, { transport: 'http' })).toBe(items)
  })

  test('JSON', async () => {
    const { http, sink } = await startReceiver()
    const response = await post(`http://${http}/v1/traces`, tracesToJson(request), {
      'content-type': 'application/json; charset=utf-8',
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(response.body.toString())).toEqual({ partialSuccess: {} })
    expect(decodeTraces(sink.bytes())).toEqual(decodeTraces(request))
  })

  test.each([
    ['gzip', zlib.gzipSync],
    ['deflate', zlib.deflateSync],
    ['zstd', zlib.zstdCompressSync],
    ['zlib', zlib.deflateSync],
    ['snappy', packSnappy],
    ['snappy', packSnappyStream],
    ['x-snappy-framed', packSnappyStream],
    ['lz4', (bytes: Uint8Array): Uint8Array => packLz4(bytes).next().value as Uint8Array],
  ] as const)('%s', async (coding, compress) => {
    const { http, sink } = await startReceiver()
    const body = compress(request)
    const response = await post(`http://${http}/v1/traces`, body, { ...PROTOBUF, 'content-encoding': coding })
    expect(response.status).toBe(200)
    const [chunk] = sink.batches[0]!.chunks
    expect(Buffer.from(chunk!.bytes).equals(request)).toBe(true)
    if (coding === 'gzip') expect(Buffer.from(chunk!.compressed!.bytes).equals(body)).toBe(true)
    else expect(chunk!.compressed).toBeUndefined()
  })

  test('a body of unknown length, in chunks', async () => {
    const { http, sink } = await startReceiver()
    const [head, tail] = [request.subarray(0, 100), request.subarray(100)]
    const chunk = (part: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')])
    const answer = await exchange(
      http,
      Buffer.concat([
        Buffer.from(
          'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
        ),
        chunk(head),
        chunk(tail),
        Buffer.from('0\r\n\r\n'),
      ]),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200/)
    expect(Buffer.from(sink.bytes()).equals(request)).toBe(true)
  })

  test('an empty request, without troubling the pipeline', async () => {
    const { http, sink } = await startReceiver()
    expect((await post(`http://${http}/v1/traces`, '')).status).toBe(200)
    expect((await post(`http://${http}/v1/traces`, '{}', JSON_TYPE)).status).toBe(200)
    expect(sink.batches.length).toBe(0)
  })

  test('paths of the config', async () => {
    const { http, sink } = await startReceiver({ http: { traces_url_path: '/otlp/traces' } })
    expect((await post(`http://${http}/otlp/traces?x=1`, request)).status).toBe(200)
    expect((await post(`http://${http}/v1/traces`, request)).status).toBe(404)
    expect(sink.items).toBe(20)
  })

  test.each([
    ['/v1/traces', '/v1/traces/'],
    ['otlp/traces', '/otlp/traces'],
    ['/otlp/traces/', '/otlp/traces'],
  ])('a slash more or less: %s takes %s', async (path, sent) => {
    const { http, sink } = await startReceiver({ http: { traces_url_path: path } })
    expect((await post(`http://${http}${sent}`, request)).status).toBe(200)
    expect(sink.items).toBe(20)
  })

  test('compression_algorithms says which codings are taken', async () => {
    const { http, sink } = await startReceiver({ http: { compression_algorithms: ['gzip'] } })
    const send = (body: Uint8Array, coding?: string) =>
      post(
        `http://${http}/v1/traces`,
        body,
        coding === undefined ? PROTOBUF : { ...PROTOBUF, 'content-encoding': coding },
      )
    expect((await send(zlib.gzipSync(request), 'gzip')).status).toBe(200)
    const refused = await send(zlib.zstdCompressSync(request), 'zstd')
    expect(refused.status).toBe(400)
    expect(decodeStatus(refused.body).message).toBe('unsupported Content-Encoding: zstd; use one of gzip')
    expect((await send(request)).status).toBe(400)
    expect(sink.items).toBe(20)
  })

  test.each([{ keep_alives_enabled: false }, { keepalive: { enabled: false } }])(
    'response_headers are on each answer; with %o each is the last of its connection',
    async (settings) => {
      const { http } = await startReceiver({
        http: { response_headers: { 'X-Served-By': 'a' }, ...settings },
      })
      for (const path of ['/v1/traces', '/nothing']) {
        const { headers } = await post(`http://${http}${path}`, request)
        expect([headers.get('x-served-by'), headers.get('connection')]).toEqual(['a', 'close'])
      }
    },
  )

  test('the answer comes only when the pipeline has taken it', async () => {
    const { http, sink } = await startReceiver()
    let release: () => void = () => {}
    let reached: () => void = () => {}
    const inPipeline = new Promise<void>((resolve) => (reached = resolve))
    sink.intercept = async () => {
      reached()
      await new Promise<void>((resolve) => (release = resolve))
    }
    let answered = false
    const response = post(`http://${http}/v1/traces`, request).then((result) => {
      answered = true
      return result
    })
    await inPipeline
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(answered).toBe(false)
    release()
    expect((await response).status).toBe(200)
  })
})

describe('what is refused', () => {
  test.each([
    ['another method', 'GET', '/v1/traces', {}, 405, '405 method not allowed, supported: [POST]\n'],
    [
      'another path',
      'POST',
      '/v1/trace',
      PROTOBUF,
      404,
      '404 page not found; this port has /v1/traces, /v1/metrics, /v1/logs\n',
    ],
    [
      'no content-type',
      'POST',
      '/v1/traces',
      {},
      415,
      '415 unsupported media type, supported: [application/json, application/x-protobuf]\n',
    ],
    [
      'another content-type',
      'POST',
      '/v1/traces',
      { 'content-type': 'text/plain' },
      415,
      '415 unsupported media type, supported: [application/json, application/x-protobuf]\n',
    ],
  ])('%s', async (_, method, path, headers, status, text) => {
    const { http, sink } = await startReceiver()
    const response = await fetch(`http://${http}${path}`, { method, headers })
    expect(response.status).toBe(status)
    expect(await response.text()).toBe(text)
    expect(sink.batches.length).toBe(0)
  })

  test('a signal that no pipeline takes', async () => {
    const { http } = await startReceiver({ signals: ['traces'] })
    const response = await post(`http://${http}/v1/logs`, logsRequest(1))
    expect(response).toMatchObject({ status: 404 })
    expect(response.body.toString()).toBe(
      '404 no pipeline takes logs from this receiver: nothing here keeps them; set OTEL_LOGS_EXPORTER=none in the sender; it takes /v1/traces\n',
    )
  })

  test.each([
    ['garbage', Buffer.from('\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff'), PROTOBUF],
    ['truncated', request.subarray(0, request.length - 3), PROTOBUF],
    ['another message', Buffer.from([0x08, 0x01]), PROTOBUF],
    ['not gzip', Buffer.from('not gzip at all'), { ...PROTOBUF, 'content-encoding': 'gzip' }],
    ['truncated gzip', zlib.gzipSync(request).subarray(0, 200), { ...PROTOBUF, 'content-encoding': 'gzip' }],
    ['an unknown coding', request, { ...PROTOBUF, 'content-encoding': 'br' }],
  ])('%s: 400, and the next request works', async (_, body, headers) => {
    const { http, sink, context } = await startReceiver()
    const response = await post(`http://${http}/v1/traces`, body, headers)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/x-protobuf')
    const status = decodeStatus(response.body)
    expect(status.code).toBe(3)
    expect(status.message.length).toBeGreaterThan(10)
    expect(context.value('otelcol_receiver_requests', { outcome: 'invalid_data' })).toBe(1)
    expect((await post(`http://${http}/v1/traces`, request)).status).toBe(200)
    expect(sink.items).toBe(20)
  })

  test('the message names what is wrong and where', async () => {
    const { http } = await startReceiver()
    const response = await post(`http://${http}/v1/traces`, Buffer.from([0x0a, 0x05, 0x00]))
    expect(decodeStatus(response.body).message).toMatch(/^not a valid OTLP message \(truncated\): .*byte 1/)
  })

  test('JSON that is none is answered in JSON', async () => {
    const { http } = await startReceiver()
    const response = await post(
      `http://${http}/v1/traces`,
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":5}]}]}]}',
      JSON_TYPE,
    )
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(JSON.parse(response.body.toString())).toMatchObject({
      code: 3,
      message: expect.stringContaining('resourceSpans[0].scopeSpans[0].spans[0].name') as string,
    })
  })

  test('a body over the limit: 413, announced or not, and the next request on the connection works', async () => {
    const { http, sink } = await startReceiver({ http: { max_request_body_size: 20_000 } })
    const large = tracesRequest({ spans: 100 })
    const response = await post(`http://${http}/v1/traces`, large)
    expect(response.status).toBe(413)
    expect(decodeStatus(response.body)).toMatchObject({
      code: 8,
      message: `request body too large (${large.length} bytes, at most 20000); send smaller batches or raise protocols.http.max_request_body_size`,
    })
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(large)
        controller.close()
      },
    })
    const chunked = await fetch(`http://${http}/v1/traces`, {
      method: 'POST',
      headers: PROTOBUF,
      body: stream,
      duplex: 'half',
    })
    expect(chunked.status).toBe(413)
    expect((await post(`http://${http}/v1/traces`, request)).status).toBe(200)
    expect(sink.items).toBe(20)
  })

  test('a gzip bomb: 413 without its memory', async () => {
    const { http } = await startReceiver()
    const bomb = zlib.gzipSync(Buffer.alloc(100 * 1024 * 1024))
    const before = process.memoryUsage().rss
    const response = await post(`http://${http}/v1/traces`, bomb, { ...PROTOBUF, 'content-encoding': 'gzip' })
    expect(response.status).toBe(413)
    expect(process.memoryUsage().rss - before).toBeLessThan(90 * 1024 * 1024)
  })

  test('a pipeline that is full: 503 with Retry-After and RetryInfo', async () => {
    const { http, sink, context } = await startReceiver()
    sink.intercept = () => {
      throw new CollectorError('overloaded', 'sending queue is full', { retryAfterMs: 1500 })
    }
    const response = await post(`http://${http}/v1/traces`, request)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('2')
    expect(decodeStatus(response.body)).toEqual({ code: 14, message: 'sending queue is full', retryAfterMs: 1500 })
    expect(context.value('otelcol_receiver_refused_spans')).toBe(20)
    const json = await post(`http://${http}/v1/traces`, tracesToJson(request), JSON_TYPE)
    expect(JSON.parse(json.body.toString())).toMatchObject({ code: 14, details: [{ retryDelay: '1.5s' }] })
  })

  test('a defect of ours is 500, counted as failed', async () => {
    const { http, sink, context } = await startReceiver()
    sink.intercept = () => {
      throw new TypeError('cannot read x of undefined')
    }
    expect((await post(`http://${http}/v1/traces`, request)).status).toBe(500)
    expect(context.value('otelcol_receiver_failed_spans')).toBe(20)
  })

  test('bytes that are no HTTP', async () => {
    const { http } = await startReceiver()
    expect(await exchange(http, Buffer.from('\0\x01\x02 garbage\r\n\r\n'))).toMatch(
      /^HTTP\/1\.1 400 .*this port speaks OTLP\/HTTP/s,
    )
    expect((await post(`http://${http}/v1/traces`, request)).status).toBe(200)
  })
})

describe('CORS', () => {
  const cors = {
    allowed_origins: ['https://*.example.com'],
    allowed_headers: ['x-tenant'],
    exposed_headers: ['x-id'],
    max_age: 60,
  }

  test('a preflight from an allowed origin', async () => {
    const { http } = await startReceiver({ http: { cors } })
    const response = await fetch(`http://${http}/v1/traces`, {
      method: 'OPTIONS',
      headers: { origin: 'https://shop.example.com', 'access-control-request-method': 'POST' },
    })
    expect(response.status).toBe(204)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': 'https://shop.example.com',
      'access-control-allow-headers': 'content-type, content-encoding, x-tenant',
      'access-control-max-age': '60',
    })
  })

  test('a request from an allowed origin and from another', async () => {
    const { http } = await startReceiver({ http: { cors } })
    const from = async (origin: string): Promise<string | null> =>
      (await post(`http://${http}/v1/traces`, request, { ...PROTOBUF, origin })).headers.get(
        'access-control-allow-origin',
      )
    expect(await from('https://shop.example.com')).toBe('https://shop.example.com')
    expect(await from('https://example.org')).toBeNull()
    expect(await from('https://shop.example.com.evil.org')).toBeNull()
  })

  test('JSON that a browser sends without asking is taken of an allowed origin, and of nobody else', async () => {
    const { http, sink } = await startReceiver({ http: { cors } })
    const from = async (headers: Record<string, string>): Promise<number> =>
      (
        await post(`http://${http}/v1/traces`, tracesToJson(request), {
          'content-type': 'text/plain;charset=UTF-8',
          ...headers,
        })
      ).status
    expect(await from({ origin: 'https://shop.example.com' })).toBe(200)
    expect(sink.batches.length).toBeGreaterThan(0)
    const taken = sink.batches.length
    expect(await from({ origin: 'https://example.org' })).toBe(415)
    expect(await from({ origin: 'null' })).toBe(415)
    expect(await from({})).toBe(415)
    expect(await from({ origin: 'https://shop.example.com', 'content-type': 'text/html' })).toBe(415)
    expect(sink.batches.length).toBe(taken)
  })

  test('off by default', async () => {
    const { http } = await startReceiver()
    const response = await fetch(`http://${http}/v1/traces`, {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
    })
    expect(response.status).toBe(405)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })
})
