import http2 from 'node:http2'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import grpc from '@grpc/grpc-js'
import { expect, onTestFinished, test } from 'vitest'
import { createBudget } from '../../component/index.ts'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { TEST_CERTIFICATE, TEST_KEY, tracesRequest } from '../../testkit/index.ts'
import { exchange, http2Request, startReceiver } from './fixture.ts'
import { connectRaw, END_HEADERS, frame, FRAME, headerBlock, PREFACE, settings } from './http2-frames.test.helper.ts'

const request = tracesRequest({ spans: 3 })
const PROTOBUF = { 'content-type': 'application/x-protobuf' }

function post(address: string, body: Uint8Array = request, headers: Record<string, string> = PROTOBUF) {
  return fetch(`http://${address}/v1/traces`, { method: 'POST', body: Buffer.from(body), headers })
}

/** The error of a call with the official client, null when it was taken. */
function call(address: string, credentials = grpc.credentials.createInsecure(), body: Uint8Array = request) {
  const options = { 'grpc.ssl_target_name_override': 'localhost' }
  const client = new grpc.Client(address, credentials, options)
  onTestFinished(() => client.close())
  const same = (bytes: Buffer): Buffer => bytes
  return new Promise<grpc.ServiceError | null>((resolve) => {
    client.makeUnaryRequest(GRPC_PATHS.traces, same, same, Buffer.from(body), resolve)
  })
}

const warnings = (context: { logger: { lines: readonly { level: string; message: string }[] } }): string[] =>
  context.logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)

test('HTTP on the gRPC port is served, told once, and counted', async () => {
  const { grpc: address, context, sink } = await startReceiver()
  for (let index = 0; index < 3; index++) expect((await post(address)).status).toBe(200)
  expect(sink.items).toBe(9)
  expect(warnings(context)).toEqual([
    "HTTP came to the gRPC port. It is served here; the OpenTelemetry Collector would refuse it, so set the sender's port to that of OTLP/HTTP.",
  ])
  expect(context.value('spoor_receiver_other_protocol', { transport: 'grpc', protocol: 'http' })).toBeGreaterThan(0)
  expect(context.value('otelcol_receiver_accepted_spans', { transport: 'http' })).toBe(9)
})

test('gRPC on the HTTP port is served, told once, and counted', async () => {
  const { http: address, context, sink } = await startReceiver()
  for (let index = 0; index < 3; index++) expect(await call(address)).toBeNull()
  expect(sink.items).toBe(9)
  expect(warnings(context)).toEqual([expect.stringContaining('gRPC came to the HTTP port.') as string])
  expect(context.value('spoor_receiver_other_protocol', { transport: 'http', protocol: 'grpc' })).toBe(3)
})

test.each(['grpc', 'http'] as const)('OTLP/HTTP over HTTP/2 on the %s port', async (port) => {
  const { [port]: address, context, sink } = await startReceiver()
  const send = (headers: http2.OutgoingHttpHeaders, body = request) => http2Request(address, headers, [body])
  const answer = await send({ ':path': '/v1/traces', ...PROTOBUF })
  expect(answer.headers).toMatchObject({ ':status': 200, ...PROTOBUF })
  const json = await send({ ':path': '/v1/traces', 'content-type': 'application/json' }, Buffer.from('{}'))
  expect(json.body.toString()).toBe('{"partialSuccess":{}}')
  expect((await send({ ':path': '/v1/nothing', ...PROTOBUF })).headers[':status']).toBe(404)
  expect((await send({ ':path': '/v1/traces', ...PROTOBUF, 'content-encoding': 'br' })).headers[':status']).toBe(400)
  expect((await send({ ':path': '/v1/traces', ...PROTOBUF, ':authority': 'evil.example' })).headers[':status']).toBe(
    403,
  )
  expect((await send({ ':path': '/v1/traces', ...PROTOBUF }, Buffer.from('no protobuf'))).headers[':status']).toBe(400)
  expect(sink.items).toBe(3)
  expect(warnings(context).filter((message) => message.includes('came to'))).toHaveLength(port === 'grpc' ? 1 : 0)
})

test('with TLS, over whatever protocol the client and the port agree on', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-tls-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const tls = { cert_file: join(directory, 'cert.pem'), key_file: join(directory, 'key.pem') }
  writeFileSync(tls.cert_file, TEST_CERTIFICATE)
  writeFileSync(tls.key_file, TEST_KEY)
  const { grpc: grpcAddress, http: httpAddress, sink } = await startReceiver({ grpc: { tls }, http: { tls } })
  const ca = Buffer.from(TEST_CERTIFICATE)
  for (const address of [httpAddress, grpcAddress]) {
    const session = http2.connect(`https://${address}`, { ca, servername: 'localhost' })
    onTestFinished(() => session.destroy())
    const answer = await http2Request(session, { ':path': '/v1/traces', ...PROTOBUF }, [request])
    expect(answer.headers[':status']).toBe(200)
    expect(await call(address, grpc.credentials.createSsl(ca))).toBeNull()
  }
  expect(sink.items).toBe(12)
})

test('limits are those of the port that a request came to', async () => {
  const { grpc: grpcAddress, http: httpAddress } = await startReceiver({
    grpc: { max_recv_msg_size_mib: 1 },
    http: { max_request_body_size: 2 * 1024 * 1024 },
  })
  const larger = tracesRequest({ spans: 3000 })
  expect(larger.length).toBeGreaterThan(1024 * 1024)
  expect(larger.length).toBeLessThan(2 * 1024 * 1024)
  expect((await post(grpcAddress, larger)).status).toBe(413)
  expect((await post(httpAddress, larger)).status).toBe(200)
  expect(await call(httpAddress, undefined, larger)).toBeNull()
  expect(await call(grpcAddress, undefined, larger)).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED })
})

test('browsers are let in where CORS is configured only', async () => {
  const cors = { allowed_origins: ['http://localhost:3000'] }
  const { grpc: grpcAddress, http: httpAddress } = await startReceiver({ http: { cors } })
  const headers = { ...PROTOBUF, origin: 'http://localhost:3000' }
  expect((await post(httpAddress, request, headers)).headers.get('access-control-allow-origin')).toBe(headers.origin)
  expect((await post(grpcAddress, request, headers)).headers.has('access-control-allow-origin')).toBe(false)
})

test.each(['resets its stream', 'cuts its connection'])(
  'over HTTP/2, what a client has sent of a body when it %s is not taken for the whole, and not held',
  async (how) => {
    const budget = createBudget(1024 * 1024)
    const { http: address, sink, context } = await startReceiver({ budget })
    const { socket, closed } = connectRaw(address)
    const pseudo = { ':method': 'POST', ':scheme': 'http', ':authority': 'localhost', ':path': '/v1/traces' }
    const headers = { ...pseudo, ...PROTOBUF }
    socket.write(Buffer.concat([PREFACE, settings(), frame(FRAME.HEADERS, END_HEADERS, 1, headerBlock(headers))]))
    // As far as it goes it is a valid message.
    socket.write(frame(FRAME.DATA, 0, 1, request))
    while (budget.used < request.length) await new Promise((resolve) => setTimeout(resolve, 2))
    if (how === 'resets its stream') socket.write(frame(FRAME.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])))
    else socket.destroy()
    while (budget.used > 0) await new Promise((resolve) => setTimeout(resolve, 2))
    expect((await post(address)).status).toBe(200)
    expect(sink.items).toBe(3)
    expect(context.value('otelcol_receiver_requests')).toBe(1)
    socket.destroy()
    await closed
  },
)

test('a refusal names the limit of the port that the message came to', async () => {
  const limits = { grpc: { max_recv_msg_size_mib: 1 }, http: { max_request_body_size: 100_000 } }
  const running = await startReceiver(limits)
  const large = tracesRequest({ spans: 4000 })
  const overHttp = await (await post(running.grpc, large)).text()
  expect(overHttp).toContain('at most 1048576); send smaller batches or raise protocols.grpc.max_recv_msg_size_mib')
  const overGrpc = await call(running.http, grpc.credentials.createInsecure(), large)
  expect(overGrpc?.details).toContain(
    'vs. 100000 bytes); send smaller batches or raise protocols.http.max_request_body_size',
  )
})

test('many large bodies at a time on one connection of HTTP/2 arrive as they were sent', async () => {
  const { http: address, sink } = await startReceiver()
  const session = http2.connect(`http://${address}`)
  onTestFinished(() => session.destroy())
  const bodies = Array.from({ length: 20 }, (_, seed) => tracesRequest({ spans: 500 + seed, seed }))
  const headers = { ':path': '/v1/traces', ...PROTOBUF }
  const answers = await Promise.all(bodies.map((body) => http2Request(session, headers, [body])))
  expect(answers.map((answer) => answer.headers[':status'])).toEqual(bodies.map(() => 200))
  const sums = (all: readonly Uint8Array[]): number[] => all.map((bytes) => crc32(bytes)).sort((a, b) => a - b)
  const arrived = sink.batches.map(({ chunks }) => chunks[0]!.bytes)
  expect(sums(arrived)).toEqual(sums(bodies))
})

test.each(['grpc', 'http'] as const)('a stop waits for the other protocol on the %s port, too', async (port) => {
  const { [port]: address, sink, stop } = await startReceiver()
  const taking = Promise.withResolvers<void>()
  const come = Promise.withResolvers<void>()
  sink.intercept = () => {
    come.resolve()
    return taking.promise
  }
  const answer = port === 'grpc' ? post(address).then(({ status }) => status) : call(address)
  await come.promise
  const stopped = stop()
  // Longer than connections linger whose requests are answered.
  await new Promise((resolve) => setTimeout(resolve, 250))
  taking.resolve()
  expect(await answer).toBe(port === 'grpc' ? 200 : null)
  await stopped
})

test('TLS on ports without it is closed and told on the log', async () => {
  const { grpc: address, http, context } = await startReceiver()
  const clientHello = Buffer.from('16030100050100000100', 'hex')
  expect(await exchange(address, clientHello)).toBe('')
  expect(await exchange(http, clientHello)).toBe('')
  expect(await exchange(http, clientHello)).toBe('')
  const error = expect.stringContaining('a client speaks TLS') as string
  const lines = context.logger.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields)
  expect(lines).toMatchObject([
    { transport: 'grpc', reason: 'tls_to_plain_port', peer: '127.0.0.1', error },
    { transport: 'http', reason: 'tls_to_plain_port', peer: '127.0.0.1', error },
  ])
  expect(context.value('otelcol_receiver_requests', { outcome: 'tls_to_plain_port' })).toBe(3)
})

test('garbage', async () => {
  const { grpc: address } = await startReceiver()
  expect(await exchange(address, 'hello there\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*not a valid HTTP\/1.1 request/s)
  expect(await exchange(address, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot a frame at all, really')).not.toContain('HTTP/1')
  expect(await exchange(address, 'PRI * HTTP')).toBe('')
  const answer = await http2Request(address, { ':path': GRPC_PATHS.traces, 'content-type': 'application/grpc' }, [
    Buffer.alloc(5),
  ])
  expect(answer.trailers['grpc-status']).toBe('0')
})

test('a preface that arrives byte by byte is still HTTP/2', async () => {
  const { grpc: address } = await startReceiver()
  const socket = net.connect(Number(address.split(':')[1]), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const settings = new Promise<Buffer>((resolve) => socket.once('data', resolve))
  for (const byte of Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')) {
    socket.write(Buffer.from([byte]))
    await new Promise((resolve) => setImmediate(resolve))
  }
  // A SETTINGS frame of the server.
  expect((await settings)[3]).toBe(4)
})
