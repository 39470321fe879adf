/** What the ledger says of those who send to real ports. */
import http from 'node:http'
import http2 from 'node:http2'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CollectorError, type SenderReport } from '../../component/index.ts'
import { messagePrefix } from '../../otlp-protocol/grpc-message.ts'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { TEST_CERTIFICATE, TEST_KEY, tracesRequest } from '../../testkit/index.ts'
import { exchange, http2Request, startReceiver, type Running } from './fixture.ts'

const request = tracesRequest({ spans: 4, services: 2 })
const PROTOBUF = { 'content-type': 'application/x-protobuf' }
const AGENT = { 'user-agent': 'shop/1.0' }

interface Sent {
  readonly path?: string
  readonly method?: string
  readonly body?: Uint8Array | string
  readonly headers?: http.OutgoingHttpHeaders
}

async function send(address: string, { path = '/v1/traces', method = 'POST', body = request, headers }: Sent = {}) {
  return new Promise<number | undefined>((resolve, reject) => {
    const all = { ...PROTOBUF, ...AGENT, ...headers }
    const outgoing = http.request(`http://${address}${path}`, { method, headers: all, agent: false }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    outgoing.on('error', reject).end(method === 'POST' ? body : undefined)
  })
}

const sendersOf = ({ context }: Running): readonly SenderReport[] => context.ledger.report().senders

async function outcomeOf(running: Running, reason: string): Promise<{ count: number; detail: string } | undefined> {
  const find = () => sendersOf(running).map((sender) => sender.outcomes[reason])
  await expect.poll(() => find().some((outcome) => outcome !== undefined)).toBe(true)
  return find().find((outcome) => outcome !== undefined)
}

test('one sender for each port, peer and user agent; what it sends and says of itself', async () => {
  const running = await startReceiver()
  for (let index = 0; index < 3; index++) await send(running.http)
  await send(running.http, { headers: { 'user-agent': 'cart/2.0' } })
  const [cart, shop, ...others] = sendersOf(running)
  expect(others).toEqual([])
  expect(shop).toMatchObject({
    receiver: 'otlp',
    transport: 'http',
    peer: '127.0.0.1',
    userAgent: 'shop/1.0',
    ok: 3,
    items: 12,
    itemsPerMinute: 12,
    outcomes: {},
    sampled: { requests: 3, items: 12 },
  })
  expect(shop!.sampled.resources.map(({ service, language }) => [service, language])).toEqual([
    ['service-0', 'nodejs'],
    ['service-1', 'nodejs'],
  ])
  expect(shop!.sampled.scopes.length).toBeGreaterThan(0)
  expect(cart).toMatchObject({ userAgent: 'cart/2.0', ok: 1 })
  expect(shop!.lastSeenMs).toBeGreaterThanOrEqual(shop!.firstSeenMs)
})

test('over HTTP/2 the requests of a session are of one sender', async () => {
  const running = await startReceiver()
  const session = http2.connect(`http://${running.grpc}`)
  onTestFinished(() => session.destroy())
  const headers = { ':path': GRPC_PATHS.traces, 'content-type': 'application/grpc', 'user-agent': 'grpc-go/1.7' }
  for (let index = 0; index < 5; index++)
    await http2Request(session, headers, [messagePrefix(false, request.length), request])
  expect(sendersOf(running)).toMatchObject([{ transport: 'grpc', userAgent: 'grpc-go/1.7', ok: 5, items: 20 }])
})

test.each<[reason: string, sent: Sent, status: number, detail: RegExp]>([
  ['not_found', { path: '/v1/trace' }, 404, /^\/v1\/trace: page not found; this port has \/v1\/traces$/],
  ['no_pipeline', { path: '/v1/logs' }, 404, /^\/v1\/logs: no pipeline takes logs/],
  ['method_not_allowed', { method: 'PUT' }, 405, /^PUT \/v1\/traces: /],
  ['unsupported_media_type', { headers: { 'content-type': 'text/csv' } }, 415, /^text\/csv: /],
  ['invalid_data', { body: Buffer.from([0x0a, 0x7f]) }, 400, /byte 1/],
  ['too_large', { body: Buffer.alloc(2000) }, 413, /request body too large/],
  ['permission_denied', { headers: { host: 'evil.example' } }, 403, /evil\.example/],
  [
    'preflight_refused',
    { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } },
    204,
    /^https:\/\/evil\.example: .*cors\.allowed_origins/,
  ],
])('%s', async (reason, sent, status, detail) => {
  const cors = { allowed_origins: ['https://shop.example'] }
  const running = await startReceiver({ signals: ['traces'], http: { max_request_body_size: 1500, cors } })
  expect(await send(running.http, sent)).toBe(status)
  expect(await send(running.http, sent)).toBe(status)
  const outcome = await outcomeOf(running, reason)
  expect(outcome).toMatchObject({ count: 2, detail: expect.stringMatching(detail) as string })
  expect(running.context.value('otelcol_receiver_requests', { transport: 'http', outcome: reason })).toBe(2)
  const lines = running.context.logger.lines.filter(({ level }) => level === 'warn')
  expect(lines).toMatchObject([
    {
      level: 'warn',
      message: 'Refused a request.',
      fields: {
        component: 'otlp',
        transport: 'http',
        reason,
        error: outcome!.detail,
        mend: expect.any(String) as string,
        peer: '127.0.0.1',
        user_agent: 'shop/1.0',
      },
    },
  ])
  expect(sendersOf(running)).toMatchObject([{ ok: 0, items: 0 }])
})

test('a preflight that is allowed is counted, and no refusal', async () => {
  const running = await startReceiver({ http: { cors: { allowed_origins: ['https://shop.example'] } } })
  const headers = { origin: 'https://shop.example', 'access-control-request-method': 'POST' }
  expect(await send(running.http, { method: 'OPTIONS', headers })).toBe(204)
  expect(await outcomeOf(running, 'preflight')).toMatchObject({ count: 1, detail: 'https://shop.example' })
  expect(running.context.logger.lines.filter(({ level }) => level === 'warn')).toEqual([])
})

test('a preflight where CORS is off', async () => {
  const running = await startReceiver()
  const headers = { origin: 'https://shop.example', 'access-control-request-method': 'POST' }
  expect(await send(running.http, { method: 'OPTIONS', headers })).toBe(405)
  expect((await outcomeOf(running, 'preflight_refused'))?.detail).toContain('https://shop.example')
})

test('gRPC: an unknown method, no pipeline, another kind of gRPC, a pipeline that refuses', async () => {
  const running = await startReceiver({ signals: ['traces'] })
  const call = (path: string, contentType = 'application/grpc') =>
    http2Request(running.grpc, { ':path': path, 'content-type': contentType }, [
      messagePrefix(false, request.length),
      request,
    ])
  await call('/opentelemetry.Nothing/Export')
  expect((await outcomeOf(running, 'not_found'))?.detail).toContain('/opentelemetry.Nothing/Export')
  await call(GRPC_PATHS.logs)
  expect(await outcomeOf(running, 'no_pipeline')).toBeDefined()
  await call(GRPC_PATHS.traces, 'application/grpc-web')
  expect((await outcomeOf(running, 'unsupported_media_type'))?.detail).toContain('application/grpc-web')
  running.sink.intercept = () => {
    throw new CollectorError('overloaded', 'the queue is full')
  }
  await call(GRPC_PATHS.traces)
  expect(await outcomeOf(running, 'overloaded')).toMatchObject({ count: 1, detail: 'the queue is full' })
  expect(sendersOf(running)).toHaveLength(1)
})

test('the wrong protocol: TLS on a port without it, plain text on a port with it, garbage', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-ledger-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const files = { cert_file: join(directory, 'cert.pem'), key_file: join(directory, 'key.pem') }
  writeFileSync(files.cert_file, TEST_CERTIFICATE)
  writeFileSync(files.key_file, TEST_KEY)
  const running = await startReceiver({ http: { tls: files } })
  await exchange(running.grpc, Buffer.from('16030100050100000100', 'hex'))
  expect((await outcomeOf(running, 'tls_to_plain_port'))?.count).toBe(1)
  await exchange(running.http, 'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await exchange(running.http, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  await expect.poll(async () => (await outcomeOf(running, 'plain_to_tls_port'))?.count).toBe(2)
  await exchange(running.grpc, 'hello there\r\n\r\n')
  expect((await outcomeOf(running, 'wrong_protocol'))?.detail).toContain('not a valid HTTP/1.1 request')
  expect(sendersOf(running).every(({ peer }) => peer === '127.0.0.1')).toBe(true)
})

test('answers of both protocols say that reports of processes are welcome, and what one says is in the ledger', async () => {
  const running = await startReceiver()
  const report = (id: string) =>
    Buffer.from(JSON.stringify({ id, service: 'shop', pid: 7, ended: 1 })).toString('base64url')
  const sent = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const headers = { ...PROTOBUF, 'spoor-process': report('over-http') }
    http
      .request(`http://${running.http}/v1/traces`, { method: 'POST', headers, agent: false }, resolve)
      .on('error', reject)
      // Without spans.
      .end()
  })
  sent.resume()
  expect([sent.statusCode, sent.headers['spoor-takes-reports']]).toEqual([200, '1'])
  const session = http2.connect(`http://${running.grpc}`)
  onTestFinished(() => session.destroy())
  const headers = await new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': GRPC_PATHS.traces,
      'content-type': 'application/grpc',
      te: 'trailers',
      'spoor-process': report('over-grpc'),
    })
    stream.on('response', resolve).on('error', reject).resume()
    stream.end(messagePrefix(false, 0))
  })
  expect(headers['spoor-takes-reports']).toBe('1')
  const { processes } = running.context.ledger.report()
  expect(processes.map(({ id, service, state }) => [id, service, state])).toEqual([
    ['over-grpc', 'shop', 'running'],
    ['over-http', 'shop', 'running'],
  ])
})
