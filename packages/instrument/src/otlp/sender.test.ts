import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { runInThisContext } from 'node:vm'
import { gunzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { createSender, type Sender, type SenderSettings } from './sender.ts'

const body = Buffer.from('a request')
const cleanUps: (() => void)[] = []

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function sender(url: string, settings: Partial<SenderSettings> = {}): Sender {
  const created = createSender({
    protocol: 'http/protobuf',
    url,
    headers: {},
    compression: 'none',
    timeoutMs: 5_000,
    tls: {},
    ...settings,
  })
  cleanUps.push(created.close)
  return created
}

async function post(answer: RequestListener, settings: Partial<SenderSettings> = {}) {
  const url = await listen(createHttpServer(answer))
  return sender(`${url}/v1/traces`, settings).send(body)
}

/** A gRPC server that answers each call in this way. */
async function call(answer: (stream: ServerHttp2Stream) => void, settings: Partial<SenderSettings> = {}) {
  const server = createHttp2Server()
  server.on('stream', answer)
  const url = await listen(server)
  return sender(url, { protocol: 'grpc', ...settings }).send(body)
}

function answerWith(message: Uint8Array, trailers: Record<string, string>) {
  return (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    stream.end(Buffer.concat([Uint8Array.of(0, 0, 0, 0, message.length), message]))
  }
}

/** partial_success { rejected_spans: 300, error_message: "too old" } */
const partial = Uint8Array.of(0x0a, 12, 0x08, 0xac, 0x02, 0x12, 7, ...Buffer.from('too old'))

test.each([
  ['nothing', (_, response) => response.end(), {}],
  ['an empty message', (_, response) => response.setHeader('content-type', 'application/x-protobuf').end(), {}],
  [
    'a partial success',
    (_, response) => response.setHeader('content-type', 'application/x-protobuf').end(partial),
    { rejected: 300, words: 'too old' },
  ],
  [
    'a partial success as JSON',
    (_, response) =>
      response
        .setHeader('content-type', 'application/json')
        .end('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}'),
    { rejected: 3, words: 'too old' },
  ],
  [
    'what cannot be understood',
    (_, response) => response.setHeader('content-type', 'application/x-protobuf').end('no protobuf'),
    {},
  ],
] as [string, RequestListener, object][])('over HTTP, an answer with %s', async (_, answer, result) => {
  expect(await post(answer)).toEqual(result)
})

test.each([
  [400, false],
  [401, false],
  [404, false],
  [429, true],
  [500, false],
  [502, true],
  [503, true],
  [504, true],
])('HTTP %i may be repeated: %s', async (status, retryable) => {
  const { failure } = await post((_, response) => response.writeHead(status, { 'retry-after': '2' }).end('busy'))
  expect(failure).toMatchObject({ code: status, words: 'busy', retryable, retryAfterMs: 2_000 })
})

test('a page is no answer to a request', async () => {
  const { failure } = await post((_, response) => response.setHeader('content-type', 'text/html').end('<p>hello'))
  expect(failure).toEqual({ code: 'NOT_OTLP', words: '<p>hello', contentType: 'text/html', retryable: false })
})

test('a request is what it was told to be', async () => {
  let seen: unknown
  await post(
    (request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        seen = { ...request.headers, method: request.method, body: gunzipSync(Buffer.concat(parts)).toString() }
        response.end()
      })
    },
    { protocol: 'http/json', compression: 'gzip', headers: { 'x-tenant': 'blue' } },
  )
  expect(seen).toMatchObject({
    method: 'POST',
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    'x-tenant': 'blue',
    body: 'a request',
  })
})

test.each(['http/protobuf', 'grpc'] as const)('%s: an answer that does not come', async (protocol) => {
  const silent = protocol === 'grpc' ? call(() => {}, { protocol, timeoutMs: 30 }) : post(() => {}, { timeoutMs: 30 })
  expect(await silent).toEqual({ failure: { code: 'TIMEOUT', words: 'no answer within 30 ms', retryable: true } })
})

test.each(['http/protobuf', 'grpc'] as const)('%s: a port where nothing listens', async (protocol) => {
  const { failure } = await sender('http://127.0.0.1:9/v1/traces', { protocol }).send(body)
  expect(failure).toMatchObject({ code: 'ECONNREFUSED', retryable: true })
  expect(failure?.words).toContain('127.0.0.1:9')
})

test('a name with two addresses, and nothing at either', async () => {
  const { failure } = await sender('http://localhost:9/v1/traces').send(body)
  expect(failure).toMatchObject({ code: 'ECONNREFUSED', retryable: true })
})

test('a connection that was closed while it was kept is not a failure', async () => {
  let count = 0
  const server = createHttpServer((request, response) => {
    count++
    request.resume()
    // As a receiver that restarts: the next request finds the connection gone.
    response.end(() => request.socket.destroy())
  })
  const { send } = sender(`${await listen(server)}/v1/traces`)
  for (let i = 0; i < 5; i++) expect(await send(body)).toEqual({})
  expect(count).toBe(5)
})

test('gRPC: what is taken, and a part of it', async () => {
  expect(await call(answerWith(Uint8Array.of(), { 'grpc-status': '0' }))).toEqual({})
  expect(await call(answerWith(partial, { 'grpc-status': '0' }))).toEqual({ rejected: 300, words: 'too old' })
})

test.each([
  ['14', true],
  ['8', true],
  ['16', false],
  ['3', false],
])('gRPC status %s may be repeated: %s', async (status, retryable) => {
  const answer = answerWith(Uint8Array.of(), { 'grpc-status': status, 'grpc-message': 'not%20now' })
  expect(await call(answer)).toEqual({ failure: { code: Number(status), words: 'not now', retryable } })
})

test('gRPC: a server that speaks HTTP/2 and no gRPC', async () => {
  const { failure } = await call((stream) => {
    stream.respond({ ':status': 404, 'content-type': 'text/plain' })
    stream.end('nothing here')
  })
  expect(failure).toMatchObject({ code: 'NOT_GRPC', words: 'HTTP 404 nothing here', retryable: false })
})

test('gRPC to a port for HTTP/1', async () => {
  const url = await listen(createHttpServer((_, response) => response.end()))
  const { failure } = await sender(url, { protocol: 'grpc' }).send(body)
  expect(failure?.code).toMatch(/^ERR_HTTP2|^ECONNRESET|^NOT_GRPC/)
})

test('gRPC: a connection that the server has ended is replaced', async () => {
  const server = createHttp2Server()
  server.on('stream', answerWith(Uint8Array.of(), { 'grpc-status': '0' }))
  server.on('session', (session) => session.on('stream', () => setImmediate(() => session.close())))
  const { send } = sender(await listen(server), { protocol: 'grpc' })
  for (let i = 0; i < 3; i++) expect(await send(body)).toEqual({})
})

test('refers to nothing outside itself, as it runs in a thread without this module', () => {
  const copy = runInThisContext(`(${createSender.toString()})`) as typeof createSender
  copy({ protocol: 'grpc', url: 'http://h', headers: {}, compression: 'none', timeoutMs: 1, tls: {} }).close()
})
