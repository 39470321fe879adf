import dgram from 'node:dgram'
import zlib from 'node:zlib'
import grpc from '@grpc/grpc-js'
import { decodeTraces } from '@spoor/otlp'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CollectorError, createBudget, NO_OVERVIEW, type Budget, type Host } from '../../component/index.ts'
import { POST_SPANS } from '../../jaeger-helper/index.ts'
import { createSink, createTestContext, freePort } from '../../testkit/index.ts'
import { binaryBatch, binaryCall, compactCall, protoRequest, type Batch } from './encode.test.helper.ts'
import { jaegerReceiver } from './index.ts'

const HOST: Host = { extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW }
const THRIFT = 'application/x-thrift'

const SPAN = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', name: 'get' }
const ONE: Batch = { process: { serviceName: 'shop' }, spans: [SPAN] }

interface Options {
  readonly protocols?: Readonly<Record<string, object>>
  readonly budget?: Budget
}

/** On free ports, but for those that are given. */
function create({ protocols = {}, budget }: Options = {}) {
  const context = createTestContext('jaeger', budget)
  const sink = createSink()
  const all = ['grpc', 'thrift_http', 'thrift_compact', 'thrift_binary']
  const config = Object.fromEntries(all.map((name) => [name, { endpoint: '127.0.0.1:0', ...protocols[name] }]))
  const parsed = jaegerReceiver.config.safeParse({ protocols: config })
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const receiver = jaegerReceiver.create(context, parsed.data, new Map([['traces', sink]]))
  return { context, sink, receiver }
}

async function start(options?: Options) {
  const created = create(options)
  const { receiver } = created
  await receiver.start(HOST)
  const stop = (deadlineMs = 1000): Promise<void> => receiver.shutdown(AbortSignal.timeout(deadlineMs))
  onTestFinished(() => stop(0))
  const addressOf = (protocol: string): string =>
    receiver.listening!().find((listening) => listening.protocol === protocol)!.address
  return { ...created, stop, addressOf }
}

function call(address: string, path: string, body: Uint8Array, options: grpc.ClientOptions = {}): Promise<Buffer> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), options)
  onTestFinished(() => client.close())
  const same = (bytes: Buffer): Buffer => bytes
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, Buffer.from(body), (error, response) => {
      if (error) reject(error)
      else resolve(response ?? Buffer.alloc(1))
    })
  })
}

function post(address: string, body: Uint8Array, headers: Record<string, string> = { 'content-type': THRIFT }) {
  return fetch(`http://${address}/api/traces?format=jaeger.thrift`, {
    method: 'POST',
    body: Buffer.from(body),
    headers,
  })
}

/** Sends all of them before anything else happens in this process. */
async function send(address: string, packets: readonly Uint8Array[]): Promise<void> {
  const [host, port] = address.split(':') as [string, string]
  const socket = dgram.createSocket('udp4')
  onTestFinished(() => void socket.close())
  await new Promise<void>((resolve) => socket.connect(Number(port), host, resolve))
  for (const packet of packets) socket.send(packet)
}

test('takes each form at its port', async () => {
  const { context, sink, addressOf } = await start()
  const http = addressOf('http')
  expect(await call(addressOf('grpc'), POST_SPANS, protoRequest(ONE))).toEqual(Buffer.alloc(0))
  const answers = [
    await post(http, binaryBatch(ONE)),
    await post(http, binaryBatch(ONE), { 'content-type': 'application/vnd.apache.thrift.binary; charset=x' }),
    await post(http, zlib.gzipSync(binaryBatch(ONE)), { 'content-type': THRIFT, 'content-encoding': 'gzip' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
  expect(await answers[0]!.text()).toBe('')
  await send(addressOf('udp_thrift_compact'), [compactCall(ONE)])
  await send(addressOf('udp_thrift_binary'), [binaryCall(ONE)])
  await sink.waitFor(6)
  for (const { chunks } of sink.batches) {
    const { resourceSpans } = decodeTraces(chunks[0]!.bytes)
    expect(resourceSpans[0]!.resource.attributes[0]!.value).toEqual({ type: 'string', value: 'shop' })
    expect(resourceSpans[0]!.scopeSpans[0]!.spans[0]).toMatchObject(SPAN)
  }
  const accepted = (transport: string): number =>
    context.value('otelcol_receiver_accepted_spans', { receiver: 'jaeger', transport })
  await expect
    .poll(() => ['grpc', 'http', 'udp_thrift_compact', 'udp_thrift_binary'].map(accepted))
    .toEqual([1, 3, 1, 1])
})

test('serves both protocols of TCP at either port', async () => {
  const { sink, addressOf } = await start()
  await call(addressOf('http'), POST_SPANS, protoRequest(ONE))
  expect((await post(addressOf('grpc'), binaryBatch(ONE))).status).toBe(202)
  expect(sink.items).toBe(2)
})

test('takes messages of gRPC that are compressed', async () => {
  const { context, sink, addressOf } = await start()
  const gzip = { 'grpc.default_compression_algorithm': 2 }
  const spans = Array.from({ length: 50 }, () => SPAN)
  await call(addressOf('grpc'), POST_SPANS, protoRequest({ ...ONE, spans }), gzip)
  expect(sink.items).toBe(50)
  expect(context.budget.used).toBe(0)
})

test('refuses what it cannot read or does not know, with what is wrong', async () => {
  const { context, sink, addressOf } = await start({ protocols: { thrift_http: { max_request_body_size: 1000 } } })
  const http = addressOf('http')
  const textOf = async (answer: Response): Promise<[number, string]> => [answer.status, await answer.text()]
  expect(await textOf(await post(http, Buffer.from('no batch')))).toEqual([
    400,
    expect.stringMatching(/^400 not a batch of Jaeger in Thrift: byte \d+: .*\n$/),
  ])
  expect(await textOf(await post(http, binaryBatch(ONE), { 'content-type': 'application/json' }))).toEqual([
    400,
    '400 content type application/json; send one of application/x-thrift, application/vnd.apache.thrift.binary\n',
  ])
  expect((await post(http, Buffer.alloc(1001))).status).toBe(413)
  expect((await fetch(`http://${http}/api/spans`, { method: 'POST' })).status).toBe(404)
  expect((await fetch(`http://${http}/api/traces`)).status).toBe(405)
  await expect(call(addressOf('grpc'), POST_SPANS, Buffer.from('no batch'))).rejects.toMatchObject({ code: 3 })
  await expect(
    call(addressOf('grpc'), '/jaeger.api_v2.SamplingManager/GetSamplingStrategy', protoRequest(ONE)),
  ).rejects.toMatchObject({
    code: 12,
    details: expect.stringContaining(POST_SPANS) as string,
  })
  expect(sink.batches).toEqual([])
  expect(context.budget.used).toBe(0)
})

test('leaves out spans without ids, counts them, and refuses a request that has no others', async () => {
  const { context, sink, addressOf } = await start()
  const bad = { name: 'bad' }
  expect((await post(addressOf('http'), binaryBatch({ ...ONE, spans: [SPAN, bad, bad] }))).status).toBe(202)
  expect(sink.items).toBe(1)
  const answer = await post(addressOf('http'), binaryBatch({ ...ONE, spans: [bad] }))
  const text =
    '400 1 of 1 spans were not taken, as an id of theirs is not valid; the first: span "bad": its trace id is zero\n'
  expect([answer.status, await answer.text()]).toEqual([400, text])
  expect(context.value('spoor_receiver_rejected_spans', { transport: 'http', reason: 'invalid_id' })).toBe(3)
  expect(context.value('otelcol_receiver_refused_spans', { transport: 'http' })).toBe(3)
})

test('says that a client may come again where the pipelines say so', async () => {
  const { sink, addressOf } = await start()
  sink.intercept = () => {
    throw new CollectorError('overloaded', 'full', { retryAfterMs: 3000 })
  }
  const answer = await post(addressOf('http'), binaryBatch(ONE))
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3'])
  await expect(call(addressOf('grpc'), POST_SPANS, protoRequest(ONE))).rejects.toMatchObject({ code: 14 })
})

describe('datagrams', () => {
  const lostOf = (context: ReturnType<typeof createTestContext>, reason: string): number =>
    context.value('spoor_receiver_dropped_packets', { receiver: 'jaeger', transport: 'udp_thrift_compact', reason })

  test('that cannot be read, or are too large, are counted and told', async () => {
    const { context, sink, addressOf } = await start({ protocols: { thrift_compact: { max_packet_size: 500 } } })
    const packet = compactCall(ONE)
    const large = compactCall({ ...ONE, spans: Array.from({ length: 20 }, () => SPAN) })
    await send(addressOf('udp_thrift_compact'), [packet.subarray(0, -3), Buffer.from('x'), large, packet])
    await sink.waitFor(1)
    expect([lostOf(context, 'invalid_data'), lostOf(context, 'too_large')]).toEqual([2, 1])
    const sender = () => context.ledger.report().senders.find(({ transport }) => transport === 'udp_thrift_compact')
    await expect.poll(() => sender()?.ok).toBe(1)
    expect(sender()).toMatchObject({
      peer: '127.0.0.1',
      ok: 1,
      outcomes: {
        invalid_data: { count: 2, detail: 'not a call of an agent in Thrift: a call of the unknown protocol 78' },
        too_large: {
          count: 1,
          detail: expect.stringContaining('raise protocols.thrift_compact.max_packet_size') as string,
        },
      },
    })
    expect(context.budget.used).toBe(0)
  })

  test('wait while the pipelines are busy, as many as queue_size says', async () => {
    const { context, sink, addressOf } = await start({ protocols: { thrift_compact: { workers: 1, queue_size: 2 } } })
    const taking = Promise.withResolvers<void>()
    sink.intercept = () => taking.promise
    await send(
      addressOf('udp_thrift_compact'),
      Array.from({ length: 5 }, () => compactCall(ONE)),
    )
    await expect.poll(() => lostOf(context, 'queue_full')).toBe(2)
    expect(context.budget.used).toBeGreaterThan(0)
    taking.resolve()
    await sink.waitFor(3)
    await expect.poll(() => context.budget.used).toBe(0)
    expect(lostOf(context, 'queue_full')).toBe(2)
  })

  test('are given to as many as there are workers', async () => {
    const { context, sink, addressOf } = await start({ protocols: { thrift_compact: { workers: 3, queue_size: 0 } } })
    const taking = Promise.withResolvers<void>()
    let taken = 0
    sink.intercept = () => {
      taken++
      return taking.promise
    }
    await send(
      addressOf('udp_thrift_compact'),
      Array.from({ length: 5 }, () => compactCall(ONE)),
    )
    await expect.poll(() => lostOf(context, 'queue_full')).toBe(2)
    expect(taken).toBe(3)
    taking.resolve()
    await sink.waitFor(3)
  })

  test('that there is no memory for are lost', async () => {
    const budget = createBudget(1000)
    const { context, sink, addressOf } = await start({ budget })
    const lease = budget.take(990, 'body')!
    await send(addressOf('udp_thrift_compact'), [compactCall(ONE)])
    await expect.poll(() => lostOf(context, 'overloaded')).toBe(1)
    lease.release()
    await send(addressOf('udp_thrift_compact'), [compactCall(ONE)])
    await sink.waitFor(1)
  })

  test('that the pipelines refuse are lost, by the reason', async () => {
    const { context, sink, addressOf } = await start()
    sink.intercept = () => {
      throw new CollectorError('overloaded', 'full')
    }
    await send(addressOf('udp_thrift_compact'), [compactCall(ONE)])
    await expect.poll(() => lostOf(context, 'overloaded')).toBe(1)
    expect(context.value('otelcol_receiver_refused_spans', { transport: 'udp_thrift_compact' })).toBe(1)
  })

  test('that the kernel has thrown away are counted, too', async () => {
    const { context, sink, addressOf } = await start({ protocols: { thrift_compact: { socket_buffer_size: 5000 } } })
    const sent = 100
    await send(
      addressOf('udp_thrift_compact'),
      Array.from({ length: sent }, () => compactCall(ONE)),
    )
    await expect.poll(() => sink.items + lostOf(context, 'socket_buffer')).toBe(sent)
    expect(sink.items).toBeGreaterThan(0)
    expect(sink.items).toBeLessThan(sent)
  })

  test('that have come are handed on before the receiver stops', async () => {
    const { context, sink, stop, addressOf } = await start({ protocols: { thrift_compact: { workers: 1 } } })
    const taking = Promise.withResolvers<void>()
    sink.intercept = () => taking.promise
    await send(addressOf('udp_thrift_compact'), [compactCall(ONE), compactCall(ONE)])
    await expect.poll(() => context.budget.used).toBeGreaterThan(compactCall(ONE).length)
    const stopped = stop()
    taking.resolve()
    await stopped
    expect(sink.items).toBe(2)
  })

  test('that are left at the deadline are counted', async () => {
    const { context, sink, stop, addressOf } = await start({ protocols: { thrift_compact: { workers: 1 } } })
    sink.intercept = () => new Promise(() => {})
    await send(addressOf('udp_thrift_compact'), [compactCall(ONE), compactCall(ONE)])
    await expect.poll(() => context.budget.used).toBeGreaterThan(compactCall(ONE).length)
    await stop(0)
    expect(lostOf(context, 'shutdown')).toBe(1)
  })

  test('go to a successor, and to nobody else, once that has started', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const protocols = { thrift_compact: { endpoint: address } }
    const first = await start({ protocols })
    const second = create({ protocols })
    await expect(second.receiver.start(HOST)).rejects.toMatchObject({ code: 'listen' })
    first.receiver.yieldPorts!()
    await send(address, [compactCall(ONE)])
    await first.sink.waitFor(1)
    await second.receiver.start(HOST)
    onTestFinished(() => second.receiver.shutdown(AbortSignal.abort()))
    await first.stop()
    await send(address, [compactCall(ONE)])
    await second.sink.waitFor(1)
    expect(first.sink.items).toBe(1)
  })

  test('come to a successor at another address of the same port', async () => {
    const port = await freePort()
    const first = await start({ protocols: { thrift_compact: { endpoint: `localhost:${port}` } } })
    first.receiver.yieldPorts!()
    const second = await start({ protocols: { thrift_compact: { endpoint: `0.0.0.0:${port}` } } })
    await first.stop()
    await send(`127.0.0.1:${port}`, [compactCall(ONE)])
    await second.sink.waitFor(1)
  })

  test('come over both versions of IP where there is no host', async () => {
    const { sink, receiver } = await start({ protocols: { thrift_compact: { endpoint: ':0' } } })
    const { address } = receiver.listening!().find(({ protocol }) => protocol === 'udp_thrift_compact')!
    await send(`127.0.0.1:${address.slice(address.lastIndexOf(':') + 1)}`, [compactCall(ONE)])
    await sink.waitFor(1)
  })
})

test('claims its ports, those of UDP as such', () => {
  const endpoint = (port: number): object => ({ endpoint: `localhost:${port}` })
  const protocols = {
    grpc: endpoint(1),
    thrift_http: endpoint(2),
    thrift_compact: endpoint(3),
    thrift_binary: endpoint(3),
  }
  expect(create({ protocols }).receiver.claims).toEqual(['tcp 1', 'tcp 2', 'udp 3', 'udp 3'])
})

describe('its config', () => {
  const parse = (config: unknown) => jaegerReceiver.config.safeParse(config)

  test('has the ports of the OpenTelemetry Collector', () => {
    const protocols = { grpc: null, thrift_http: null, thrift_compact: null, thrift_binary: null }
    const udp = { queue_size: 1000, max_packet_size: 65_000, workers: 10, socket_buffer_size: 0 }
    expect(parse({ protocols })).toMatchObject({
      data: {
        protocols: {
          grpc: { endpoint: 'localhost:14250' },
          thrift_http: { endpoint: 'localhost:14268' },
          thrift_compact: { endpoint: 'localhost:6831', ...udp },
          thrift_binary: { endpoint: 'localhost:6832', ...udp },
        },
      },
    })
  })

  test.each([
    [{}, 'must specify at least one protocol'],
    [{ protocols: { grpc: { enabled: false } } }, 'must specify at least one protocol'],
    [{ protocols: { thrift_compact: { workers: 0 } } }, 'expected number to be >=1'],
    [{ protocols: { thrift_compact: { endpoint: 'nowhere' } } }, 'not an endpoint'],
    [{ protocols: { grpc: null }, remote_sampling: { strategy_file: 'x' } }, 'sampling strategies are not served here'],
    [{ protocols: { thrift_udp: null } }, 'unknown key'],
  ])('%j is refused', (config, message) => {
    const parsed = parse(config)
    expect(parsed.success ? [] : parsed.error.issues.map((issue) => issue.message).join()).toContain(message)
  })
})
