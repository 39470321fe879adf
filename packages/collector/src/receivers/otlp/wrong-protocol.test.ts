import net from 'node:net'
import grpc from '@grpc/grpc-js'
import { expect, onTestFinished, test } from 'vitest'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { tracesRequest } from '../../testkit/index.ts'
import { exchange, http2Request, startReceiver } from './fixture.ts'

const request = tracesRequest({ spans: 3 })

test('HTTP on the gRPC port is told where HTTP is', async () => {
  const { grpc: address, http, context } = await startReceiver()
  for (let index = 0; index < 3; index++) {
    const response = await fetch(`http://${address}/v1/traces`, { method: 'POST', body: Buffer.from(request) })
    expect(response.status).toBe(400)
    expect(await response.text()).toBe(
      `400 this port speaks OTLP/gRPC (HTTP/2), and an HTTP/1 request came; OTLP/HTTP is at http://${http} (POST /v1/traces)\n`,
    )
  }
  expect(context.value('otelcol_receiver_requests', { transport: 'grpc', outcome: 'wrong_protocol' })).toBe(3)
  expect(context.logger.lines.filter(({ level }) => level === 'warn').length).toBe(1)
})

test('gRPC on the HTTP port is told where gRPC is', async () => {
  const { grpc: address, http, context, sink } = await startReceiver()
  const client = new grpc.Client(http, grpc.credentials.createInsecure())
  onTestFinished(() => client.close())
  const same = (bytes: Buffer): Buffer => bytes
  const error = await new Promise<grpc.ServiceError | null>((resolve) => {
    client.makeUnaryRequest(GRPC_PATHS.traces, same, same, Buffer.from(request), resolve)
  })
  expect(error).toMatchObject({
    code: grpc.status.UNIMPLEMENTED,
    details: `this port speaks OTLP/HTTP (HTTP/1.1), and a gRPC or HTTP/2 request came; OTLP/gRPC is at http://${address}`,
  })
  expect(context.value('otelcol_receiver_requests', { transport: 'http', outcome: 'wrong_protocol' })).toBe(1)
  const response = await fetch(`http://${http}/v1/traces`, {
    method: 'POST',
    body: Buffer.from(request),
    headers: { 'content-type': 'application/x-protobuf' },
  })
  expect(response.status).toBe(200)
  expect(sink.items).toBe(3)
})

test('other HTTP/2 on the HTTP port', async () => {
  const { http } = await startReceiver()
  const answer = await http2Request(http, { ':path': '/v1/traces', 'content-type': 'application/x-protobuf' }, [
    request,
  ])
  expect(answer.headers[':status']).toBe(400)
  expect(answer.body.toString()).toMatch(/^400 this port speaks OTLP\/HTTP/)
})

test('TLS on ports without it is closed and told on the log', async () => {
  const { grpc: address, http, context } = await startReceiver()
  const clientHello = Buffer.from('16030100050100000100', 'hex')
  expect(await exchange(address, clientHello)).toBe('')
  expect(await exchange(http, clientHello)).toBe('')
  expect(context.logger.lines.filter(({ message }) => message.includes('a client speaks TLS')).length).toBe(1)
  expect(context.value('otelcol_receiver_requests', { outcome: 'wrong_protocol' })).toBe(2)
})

test('garbage on the gRPC port', async () => {
  const { grpc: address } = await startReceiver()
  expect(await exchange(address, 'hello there\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*this port speaks OTLP\/gRPC/s)
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
