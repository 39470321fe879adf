import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  createTestContext,
  createSink,
  OTHER_CERTIFICATE,
  OTHER_KEY,
  TEST_CERTIFICATE,
  TEST_KEY,
  tracesRequest,
} from '../../testkit/index.ts'
import { messagePrefix } from '../../otlp-protocol/grpc-message.ts'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { createConverter } from './conversion.ts'
import { http2Request, startReceiver, type Running } from './fixture.ts'
import { grpcServerKeys } from '../../receiver-helper/index.ts'
import { listen } from '../../receiver-helper/listener.ts'
import { openPort } from '../../receiver-helper/port.ts'
import {
  connectRaw,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  PREFACE,
  settings,
  type RawConnection,
} from './http2-frames.test.helper.ts'
import { otlpReceiver } from './index.ts'
import { portsOf } from './ports.ts'

const request = tracesRequest({ spans: 3 })
const message = Buffer.concat([messagePrefix(false, request.length), request])
const GRPC = { ':path': GRPC_PATHS.traces, 'content-type': 'application/grpc', te: 'trailers' }
const CALL = headerBlock({ ':method': 'POST', ':scheme': 'http', ':authority': 'localhost', ...GRPC })
const HTTP_HEAD = `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${request.length}\r\n\r\n`

/** The same numbers for the same seed; from 0 to below `limit`. */
function createRandom(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) % limit
  }
}

const connectionsOf = ({ context }: Running): number => context.value('spoor_receiver_connections')

/** After whatever was done: nobody is connected, nothing is held, and both ports take requests. */
async function expectSound(receiver: Running): Promise<void> {
  await vi.waitUntil(() => connectionsOf(receiver) === 0 && receiver.context.budget.used === 0, {
    timeout: 10_000,
    interval: 10,
  })
  const before = receiver.sink.items
  const response = await fetch(`http://${receiver.http}/v1/traces`, {
    method: 'POST',
    body: Buffer.from(request),
    headers: { 'content-type': 'application/x-protobuf', connection: 'close' },
  })
  expect(response.status).toBe(200)
  const call = await http2Request(receiver.grpc, GRPC, [message])
  expect(call.trailers['grpc-status']).toBe('0')
  expect(receiver.sink.items).toBe(before + 6)
}

/** Flips, drops, doubles and cuts pieces of the bytes. */
function mutate(bytes: Buffer, random: (limit: number) => number): Buffer {
  let result = Buffer.from(bytes)
  for (let i = random(8); i >= 0; i--) {
    const at = random(result.length)
    const length = random(20)
    const kind = random(5)
    if (kind === 0) result[at] = random(256)
    else if (kind === 1) result = Buffer.concat([result.subarray(0, at), result.subarray(at + length)])
    else if (kind === 2) result = Buffer.concat([result.subarray(0, at + length), result.subarray(at)])
    else if (kind === 3) result = result.subarray(0, at + 1)
    else result[at] = result[at]! ^ (1 << random(8))
    if (result.length === 0) return Buffer.from('x')
  }
  return result
}

const VALID: Readonly<Record<string, Buffer>> = {
  'HTTP/1': Buffer.concat([Buffer.from(HTTP_HEAD), request]),
  'HTTP/1 in chunks': Buffer.concat([
    Buffer.from(HTTP_HEAD.replace(/Content-Length.*\r\n\r\n/, 'Transfer-Encoding: chunked\r\n\r\n')),
    Buffer.from(`${request.length.toString(16)}\r\n`),
    request,
    Buffer.from('\r\n0\r\n\r\n'),
  ]),
  'HTTP/2': Buffer.concat([
    PREFACE,
    settings({ 3: 10, 4: 65_535 }),
    frame(FRAME.HEADERS, END_HEADERS, 1, CALL),
    frame(FRAME.DATA, 0, 1, message.subarray(0, 100)),
    frame(FRAME.PING, 0, 0, Buffer.alloc(8)),
    frame(FRAME.DATA, END_STREAM, 1, message.subarray(100)),
    frame(FRAME.HEADERS, 0, 3, CALL.subarray(0, 50)),
    frame(FRAME.CONTINUATION, END_HEADERS, 3, CALL.subarray(50)),
    frame(FRAME.WINDOW_UPDATE, 0, 3, Buffer.from([0, 0, 1, 0])),
    frame(FRAME.RST_STREAM, 0, 3, Buffer.from([0, 0, 0, 8])),
  ]),
}

describe.each(['grpc', 'http'] as const)('damaged bytes to the port for %s', (port) => {
  test.each(Object.entries(VALID))(
    'that were %s: an answer or a cut connection, and nothing stays behind',
    { timeout: 60_000 },
    async (name, valid) => {
      const receiver = await startReceiver()
      const attack = async (seed: number): Promise<void> => {
        const random = createRandom(seed * 7919 + name.length)
        const bytes = mutate(valid, random)
        const { socket, closed } = connectRaw(receiver[port])
        for (let at = 0; at < bytes.length;) {
          const length = 1 + random(bytes.length)
          if (!socket.destroyed) socket.write(bytes.subarray(at, at + length))
          at += length
          if (random(2) === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        if (random(4) === 0) socket.destroy()
        else socket.end()
        await Promise.race([
          closed,
          new Promise((_, reject) =>
            setTimeout(
              () => reject(new Error(`seed ${seed} of ${name} hangs: ${bytes.toString('latin1')}`)),
              10_000,
            ).unref(),
          ),
        ])
      }
      for (let seed = 0; seed < 200; seed += 20) {
        await Promise.all(Array.from({ length: 20 }, (_, index) => attack(seed + index)))
      }
      await expectSound(receiver)
    },
  )
})

/** Resolves when the server has cut the connection, or has taken it all and nothing moves any more: it runs in this process, so what it is about to do is done between two looks. */
async function settled({ socket, closed }: RawConnection): Promise<void> {
  const cut = closed.then(() => true)
  let before = ''
  for (let quietLooks = 0; quietLooks < 6;) {
    if (await Promise.race([cut, new Promise<false>((resolve) => setTimeout(() => resolve(false), 50))])) return
    const now = `${socket.bytesRead} ${socket.bytesWritten} ${socket.writableLength}`
    quietLooks = now === before ? quietLooks + 1 : 0
    before = now
  }
  socket.destroy()
  await closed
}

describe('floods', { timeout: 60_000 }, () => {
  const headersOf = (id: number): Buffer => frame(FRAME.HEADERS, END_HEADERS, id, CALL)
  const many = (times: number, make: (index: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: times }, (_, index) => make(index)))

  test.each([
    [
      'calls that are reset at once',
      () =>
        many(5000, (i) =>
          Buffer.concat([headersOf(2 * i + 1), frame(FRAME.RST_STREAM, 0, 2 * i + 1, Buffer.from([0, 0, 0, 8]))]),
        ),
    ],
    ['calls without end', () => many(5000, (i) => headersOf(2 * i + 1))],
    [
      'CONTINUATION',
      () =>
        Buffer.concat([
          frame(FRAME.HEADERS, 0, 1, CALL),
          many(20_000, () => frame(FRAME.CONTINUATION, 0, 1, headerBlock({ a: 'b' }))),
        ]),
    ],
    ['PING', () => many(50_000, () => frame(FRAME.PING, 0, 0, Buffer.alloc(8)))],
    ['SETTINGS', () => many(50_000, () => settings({ 4: 1000 }))],
    ['empty DATA', () => Buffer.concat([headersOf(1), many(50_000, () => frame(FRAME.DATA, 0, 1))])],
    ['PRIORITY', () => many(20_000, (i) => frame(FRAME.PRIORITY, 0, 2 * i + 1, Buffer.from([0, 0, 0, 0, 1])))],
    [
      'WINDOW_UPDATE beyond all bounds',
      () => many(10, () => frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))),
    ],
    [
      'a header list without end',
      () =>
        Buffer.concat([
          frame(FRAME.HEADERS, 0, 1, CALL),
          many(100, () =>
            frame(
              FRAME.CONTINUATION,
              0,
              1,
              headerBlock(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'y'.repeat(100)]))),
            ),
          ),
        ]),
    ],
  ])('of %s, read or not: others are served meanwhile, and nothing stays behind', async (_, make) => {
    const receiver = await startReceiver()
    const floods = [true, false].map((isReading) => {
      const connection = connectRaw(receiver.grpc, isReading)
      connection.socket.write(Buffer.concat([PREFACE, settings(), make()]))
      return connection
    })
    const call = await http2Request(receiver.grpc, GRPC, [message])
    expect(call.trailers['grpc-status']).toBe('0')
    await Promise.all(floods.map(settled))
    await expectSound(receiver)
  })

  test('of HTTP/1 requests whose answers nobody reads', async () => {
    const receiver = await startReceiver()
    const connection = connectRaw(receiver.http, false)
    connection.socket.write('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20_000))
    await settled(connection)
    await expectSound(receiver)
  })
})

/** The two servers with a stall timeout that a test can wait for. */
async function startImpatient(
  stallTimeoutMs: number,
  { messageMs = 60_000, idle = '0s', read = '0s' } = {},
): Promise<{
  http: string
  grpc: string
  connections: () => number
  used: () => number
  idled: () => number
  requests: (outcome: string) => number
  sink: ReturnType<typeof createSink>
}> {
  const context = createTestContext('otlp')
  const sink = createSink()
  const parsed = otlpReceiver.config.safeParse({
    protocols: {
      grpc: { endpoint: '127.0.0.1:0', keepalive: { server_parameters: { max_connection_idle: idle } } },
      http: { idle_timeout: '0s', read_timeout: read },
    },
  })
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const converter = createConverter()
  const [settings] = portsOf(parsed.data, converter)
  const next = new Map([['traces' as const, sink]])
  const timeouts = { stallMs: stallTimeoutMs, messageMs }
  const { listener } = await openPort(context, next, settings!, undefined, {}, timeouts)
  onTestFinished(async () => {
    listener.stop()
    listener.destroy()
    await converter.close()
  })
  return {
    http: listener.address,
    grpc: listener.address,
    connections: () => listener.connections,
    used: () => context.budget.used,
    idled: () => context.value('spoor_receiver_dropped_connections', { reason: 'idle' }),
    requests: (outcome) => context.value('otelcol_receiver_requests', { outcome }),
    sink,
  }
}

describe('clients that stand still', () => {
  const within = { timeout: 10_000, interval: 20 }

  test('in the middle of an HTTP body: the connection is cut', async () => {
    const { http, connections, used } = await startImpatient(200)
    const { closed, socket } = connectRaw(http)
    socket.write(HTTP_HEAD)
    socket.write(request.subarray(0, 100))
    await closed
    await vi.waitUntil(() => connections() === 0 && used() === 0, within)
  })

  test('before they read their HTTP answers', async () => {
    const { http, connections } = await startImpatient(200)
    const { socket } = connectRaw(http, false)
    socket.write('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(100_000))
    await vi.waitUntil(() => connections() === 1, within)
    // As many answers have to be made as the system takes for a client that does not read.
    await vi.waitUntil(() => connections() === 0, { timeout: 60_000 })
    socket.destroy()
  }, 70_000)

  test('in the middle of a gRPC message: the call is cut, and the connection stays', async () => {
    const { grpc, used } = await startImpatient(200)
    const session = http2.connect(`http://${grpc}`)
    onTestFinished(() => session.destroy())
    const stream = session.request({ ...GRPC, ':method': 'POST' })
    stream.on('error', () => {})
    stream.write(message.subarray(0, 100))
    await new Promise((resolve) => stream.once('close', resolve))
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_CANCEL)
    await vi.waitUntil(() => used() === 0, within)
    expect((await http2Request(session, GRPC, [message])).trailers['grpc-status']).toBe('0')
  })

  test('nearly, in a gRPC message of which a byte comes now and then: the call is refused in time', async () => {
    const { grpc, used, requests } = await startImpatient(10_000, { messageMs: 300 })
    const session = http2.connect(`http://${grpc}`)
    onTestFinished(() => session.destroy())
    const stream = session.request({ ...GRPC, ':method': 'POST' })
    stream.write(messagePrefix(false, 100))
    const trickle = setInterval(() => stream.write(Buffer.of(0)), 50)
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => void stream.once('response', resolve))
    clearInterval(trickle)
    expect([headers['grpc-status'], headers['grpc-message']]).toEqual(['4', 'the message was not there within 0.3 s'])
    await vi.waitUntil(() => used() === 0, within)
    expect(requests('timeout')).toBe(1)
    stream.destroy()
  })

  test('nearly, in a body over HTTP/2 of which a byte comes now and then: it is refused in time, too', async () => {
    const { http, used, requests } = await startImpatient(10_000, { read: '300ms' })
    const session = http2.connect(`http://${http}`)
    onTestFinished(() => session.destroy())
    const stream = session.request({
      ':path': '/v1/traces',
      ':method': 'POST',
      'content-type': 'application/x-protobuf',
    })
    stream.write(Buffer.of(0))
    const trickle = setInterval(() => stream.write(Buffer.of(0)), 50)
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => void stream.once('response', resolve))
    clearInterval(trickle)
    expect(headers[':status']).toBe(503)
    await vi.waitUntil(() => used() === 0, within)
    expect(requests('timeout')).toBe(1)
    stream.destroy()
  })

  test('with a window of nothing for the answer: the call is cut', async () => {
    const { grpc, sink } = await startImpatient(300)
    const { socket, received } = connectRaw(grpc)
    onTestFinished(() => void socket.destroy())
    socket.write(
      Buffer.concat([
        PREFACE,
        settings({ 4: 0 }),
        frame(FRAME.SETTINGS, 1, 0),
        frame(FRAME.HEADERS, END_HEADERS, 1, CALL),
        frame(FRAME.DATA, END_STREAM, 1, message),
      ]),
    )
    const reset = frame(FRAME.RST_STREAM, 0, 1, Buffer.from([0, 0, 0, http2.constants.NGHTTP2_CANCEL]))
    await vi.waitUntil(() => received().includes(reset), within)
    expect(sink.items).toBe(3)
  })

  test('while their request waits for the pipelines: they are let wait', async () => {
    const { http, grpc, sink } = await startImpatient(100)
    sink.intercept = () => new Promise((resolve) => setTimeout(resolve, 500))
    const response = fetch(`http://${http}/v1/traces`, {
      method: 'POST',
      body: Buffer.from(request),
      headers: { 'content-type': 'application/x-protobuf' },
    })
    const call = http2Request(grpc, GRPC, [message])
    expect([(await response).status, (await call).trailers['grpc-status']]).toEqual([200, '0'])
  })

  test('half-closed, with a request that is whole: the answer comes', async () => {
    const { http } = await startImpatient(1000)
    const { hostname, port } = new URL(`http://${http}`)
    const socket = net.connect({ port: Number(port), host: hostname, allowHalfOpen: true })
    let answer = ''
    socket.on('data', (data) => (answer += data.toString()))
    socket.end(Buffer.concat([Buffer.from(HTTP_HEAD), request]))
    await new Promise((resolve) => socket.once('close', resolve))
    expect(answer).toMatch(/^HTTP\/1\.1 200/)
  })
})

describe('HTTP/2 connections without a call', () => {
  const IDLE = { idle: '300ms' }

  test.each([
    ['that say nothing', () => Buffer.alloc(0)],
    ['that ping', () => frame(FRAME.PING, 0, 0, Buffer.alloc(8))],
    [
      'whose headers do not end',
      (turn: number) => (turn === 0 ? frame(FRAME.HEADERS, 0, 1, CALL) : frame(FRAME.CONTINUATION, 0, 1)),
    ],
    ['that send a frame byte by byte', () => Buffer.of(0)],
  ])('%s are told to go, and closed; that is counted', async (_, next) => {
    const { grpc, idled, connections } = await startImpatient(10_000, IDLE)
    const { socket, closed, received } = connectRaw(grpc)
    socket.write(Buffer.concat([PREFACE, settings()]))
    let turn = 0
    const saying = setInterval(() => socket.write(next(turn++)), 50)
    await closed
    clearInterval(saying)
    expect(received().includes(Buffer.from([FRAME.GOAWAY, 0, 0, 0, 0, 0]))).toBe(true)
    expect(idled()).toBe(1)
    await vi.waitUntil(() => connections() === 0)
  })

  test('are closed where the client does not close its side', async () => {
    const { grpc, connections } = await startImpatient(10_000, IDLE)
    const { hostname, port } = new URL(`http://${grpc}`)
    const socket = net.connect({ port: Number(port), host: hostname, allowHalfOpen: true })
    onTestFinished(() => void socket.destroy())
    socket.resume().write(Buffer.concat([PREFACE, settings()]))
    await vi.waitUntil(() => connections() === 1)
    await vi.waitUntil(() => connections() === 0, { timeout: 5_000, interval: 20 })
  })

  test('a call keeps its connection, and one that comes in time another while', async () => {
    const { grpc, idled, sink } = await startImpatient(10_000, IDLE)
    const session = http2.connect(`http://${grpc}`)
    onTestFinished(() => session.destroy())
    sink.intercept = () => new Promise((resolve) => setTimeout(resolve, 850))
    expect((await http2Request(session, GRPC, [message])).trailers['grpc-status']).toBe('0')
    const ended = performance.now()
    expect([session.closed, idled()]).toEqual([false, 0])
    await vi.waitUntil(() => idled() === 1, { timeout: 5_000, interval: 5 })
    // The time counts from the end of the call; its client hears of that a little later.
    expect(performance.now() - ended).toBeGreaterThan(150)
    await vi.waitUntil(() => session.closed, { timeout: 5_000 })
  })
})

test('a connection that cannot be accepted is told, ends nothing, and is over with the next one', async () => {
  const create = vi.spyOn(net, 'createServer')
  onTestFinished(() => create.mockRestore())
  const { http: address, context } = await startReceiver()
  const servers = create.mock.results.map(({ value }) => value as net.Server)
  const server = servers.find((each) => address.endsWith(`:${(each.address() as net.AddressInfo | null)?.port}`))!
  context.status.to('ok')
  // As Node tells that the process has no more files.
  for (let index = 0; index < 2; index++) server.emit('error', new Error('accept EMFILE'))
  expect(context.status.event).toMatchObject({
    status: 'recoverable_error',
    message: 'connections to 127.0.0.1:0 cannot be accepted: accept EMFILE',
  })
  connectRaw(address)
  await vi.waitUntil(() => context.status.event.status === 'ok')
})

test('more connections than there may be: those beyond are cut at once, told of, and the others stay', async () => {
  const dropped: number[] = []
  const listener = await listen(
    { endpoint: '127.0.0.1:0', network: 'tcp' },
    undefined,
    {
      http1: () => {},
      http2: () => {},
      tlsWithoutConfig: () => {},
      tooMany: (connections) => void dropped.push(connections),
    },
    2,
  )
  onTestFinished(() => {
    listener.stop()
    listener.destroy()
  })
  const first = [connectRaw(listener.address), connectRaw(listener.address)]
  await vi.waitUntil(() => listener.connections === 2)
  await connectRaw(listener.address).closed
  await vi.waitUntil(() => dropped.length === 1)
  expect(dropped).toEqual([2])
  first[0]!.socket.destroy()
  await vi.waitUntil(() => listener.connections === 1)
  connectRaw(listener.address)
  await vi.waitUntil(() => listener.connections === 2)
  expect(dropped.length).toBe(1)
})

test('a port that cannot be had leaves nobody looking at the files of TLS', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-sockets-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const [cert_file, key_file] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const write = (certificate: string, key: string): void => {
    writeFileSync(cert_file, certificate)
    writeFileSync(key_file, key)
  }
  write(TEST_CERTIFICATE, TEST_KEY)
  const keys = grpcServerKeys('127.0.0.1:0').tls.parse({ cert_file, key_file, reload_interval: '5ms' })
  const looking = { taken: 0, refused: 0 }
  const handlers = (who: 'taken' | 'refused') => ({
    http1: () => {},
    http2: () => {},
    tlsWithoutConfig: () => {},
    tlsFilesChanged: () => void looking[who]++,
  })
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  onTestFinished(() => void taken.close())
  const { port } = taken.address() as net.AddressInfo
  const listening = listen({ endpoint: `127.0.0.1:${port}`, network: 'tcp' }, keys, handlers('refused'))
  await expect(listening).rejects.toMatchObject({ code: 'listen' })
  const listener = await listen({ endpoint: '127.0.0.1:0', network: 'tcp' }, keys, handlers('taken'))
  onTestFinished(() => listener.stop())
  write(OTHER_CERTIFICATE, OTHER_KEY)
  // Two looks of the one that came later.
  await vi.waitUntil(() => looking.taken > 0, { timeout: 10_000 })
  write(TEST_CERTIFICATE, TEST_KEY)
  const seen = looking.taken
  await vi.waitUntil(() => looking.taken > seen, { timeout: 10_000 })
  expect(looking.refused).toBe(0)
})
