/** What goes with a batch beside its data, from the socket to the next stage. */
import http from 'node:http'
import http2 from 'node:http2'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { DeliveryContext } from '../../component/index.ts'
import { messagePrefix } from '../../otlp-protocol/grpc-message.ts'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { postTraces, tracesRequest, type Sink } from '../../testkit/index.ts'
import { startReceiver } from './fixture.ts'

const request = tracesRequest({ spans: 3 })
const PROTOBUF = { 'content-type': 'application/x-protobuf' }
const GRPC = { ':method': 'POST', ':path': GRPC_PATHS.traces, 'content-type': 'application/grpc', te: 'trailers' }

/** The context of the next batch, which the sink does not answer before `release` is called. */
function hold(sink: Sink): { readonly arrived: Promise<DeliveryContext>; readonly release: () => void } {
  const arrived = Promise.withResolvers<DeliveryContext>()
  const released = Promise.withResolvers<void>()
  sink.intercept = async (_, context) => {
    arrived.resolve(context)
    await released.promise
  }
  return { arrived: arrived.promise, release: () => released.resolve() }
}

function connect(address: string): http2.ClientHttp2Session {
  const session = http2.connect(`http://${address}`)
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  return session
}

function call(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders = {}): http2.ClientHttp2Stream {
  const stream = session.request({ ...GRPC, ...headers })
  stream.on('error', () => {})
  stream.resume()
  stream.end(Buffer.concat([messagePrefix(false, request.length), request]))
  return stream
}

async function leaving({ signal }: DeliveryContext): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal?.aborted) resolve()
    signal?.addEventListener('abort', () => resolve())
  })
}

test('gRPC: where the client is, its deadline, and that it leaves', async () => {
  const { grpc: address, sink } = await startReceiver()
  const { arrived, release } = hold(sink)
  const session = connect(address)
  const before = performance.now()
  const stream = call(session, { 'grpc-timeout': '100S' })
  const context = await arrived
  expect(context.peer).toBe(`127.0.0.1:${session.socket?.localPort}`)
  expect(context.deadline).toBeGreaterThan(before + 99_000)
  expect(context.deadline).toBeLessThan(performance.now() + 100_000)
  expect(context.signal?.aborted).toBe(false)
  stream.close(http2.constants.NGHTTP2_CANCEL)
  await leaving(context)
  session.destroy()
  await vi.waitFor(() => expect(context.peer).toBeUndefined())
  release()
})

test('gRPC: the signal aborts at the deadline', async () => {
  const { grpc: address, sink } = await startReceiver()
  const { arrived, release } = hold(sink)
  call(connect(address), { 'grpc-timeout': '200m' })
  await leaving(await arrived)
  release()
})

test('HTTP: where the client is, and that it leaves', async () => {
  const { http: address, sink } = await startReceiver()
  const { arrived, release } = hold(sink)
  const client = http.request(`http://${address}/v1/traces`, { method: 'POST', headers: PROTOBUF })
  client.on('error', () => {})
  client.end(request)
  const context = await arrived
  expect(context.peer).toBe(`127.0.0.1:${client.socket?.localPort}`)
  expect(context.deadline).toBeUndefined()
  client.destroy()
  await leaving(context)
  release()
})

test('after the answer nobody leaves, and nothing is due any more', async () => {
  const { grpc: address, sink } = await startReceiver()
  const session = connect(address)
  const signals: (AbortSignal | undefined)[] = []
  sink.intercept = (_, { signal }) => void signals.push(signal)
  const stream = call(session, { 'grpc-timeout': '100S' })
  await new Promise((resolve) => stream.once('close', resolve))
  session.destroy()
  await postTraces(address, request)
  expect(sink.contexts).toMatchObject([{ deadline: undefined }, { deadline: undefined }])
  expect(signals.map((signal) => signal?.aborted)).toEqual([false, false])
})

test.each([true, false])('include_metadata: %s', async (included) => {
  const metadataIncluded = { include_metadata: included }
  const { grpc, http: address, sink } = await startReceiver({ grpc: metadataIncluded, http: metadataIncluded })
  const one = { ':method': 'POST', 'X-Tenant': 'acme', 'x-note': ['one', 'two'] }
  await new Promise((resolve) => call(connect(grpc), one).once('close', resolve))
  const overHttp2 = { ...one, ...PROTOBUF, ':path': '/v1/traces' }
  const stream = connect(address).request(overHttp2).resume()
  stream.end(request)
  await new Promise((resolve) => stream.once('close', resolve))
  const client = http.request(`http://${address}/v1/traces`, { method: 'POST', headers: PROTOBUF })
  client.setHeader('X-Tenant', 'acme')
  client.setHeader('x-note', ['one', 'two'])
  client.end(request)
  await new Promise<void>((resolve) => client.once('response', (response) => resolve(void response.resume())))
  const seen = sink.contexts.map(({ metadata }) => ['x-tenant', 'x-note', 'host'].map((name) => metadata.get(name)))
  const expected = (host: string): unknown =>
    [['acme'], ['one', 'two'], [host]].map((one) => (included ? one : undefined))
  expect(seen).toEqual([expected(grpc), expected(address), expected(address)])
  const names = sink.contexts.flatMap(({ metadata }) => [...metadata.keys()])
  expect(names.filter((name) => name.startsWith(':') && name !== ':authority')).toEqual([])
})

test('include_metadata is that of the port that a request came by', async () => {
  const { grpc, http: address, sink } = await startReceiver({ grpc: { include_metadata: true } })
  await postTraces(grpc, request)
  await new Promise((resolve) => call(connect(address)).once('close', resolve))
  expect(sink.contexts.map(({ metadata }) => metadata.has('host'))).toEqual([true, false])
})
