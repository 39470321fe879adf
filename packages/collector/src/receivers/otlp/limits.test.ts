import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import zlib from 'node:zlib'
import {
  decodeExportResponse,
  decodeStatus,
  decodeTraces,
  encodeTraces,
  tracesToJson,
  type TracesData,
} from '@spoor/otlp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createBudget } from '../../component/index.ts'
import { messagePrefix } from '../../otlp-protocol/grpc-message.ts'
import { GRPC_PATHS } from '../../otlp-protocol/services.ts'
import { tracesRequest } from '../../testkit/index.ts'
import { exchange, http2Request, startReceiver, type Http2Answer, type Running } from './fixture.ts'

const request = tracesRequest({ spans: 20, services: 2 })
const GRPC = { ':path': GRPC_PATHS.traces, 'content-type': 'application/grpc', te: 'trailers' }
const PROTOBUF = { 'content-type': 'application/x-protobuf' }

const framed = (message: Uint8Array, compressed = false): Buffer =>
  Buffer.concat([messagePrefix(compressed, message.length), message])
const grpcStatus = ({ headers, trailers }: Http2Answer): number => Number({ ...headers, ...trailers }['grpc-status'])

async function post(
  address: string,
  body: Uint8Array | string,
  headers: Record<string, string> = PROTOBUF,
): Promise<{ status: number; headers: Headers; body: Buffer }> {
  const response = await fetch(`http://${address}/v1/traces`, {
    method: 'POST',
    body: typeof body === 'string' ? body : Buffer.from(body),
    headers,
  })
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) }
}

/** Makes the sink wait until the returned function is called. */
function holdSink(sink: Running['sink']): () => void {
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  sink.intercept = () => released
  onTestFinished(release)
  return release
}

const until = (condition: () => boolean): Promise<void> =>
  vi.waitUntil(condition, { timeout: 10_000, interval: 5 }) as Promise<unknown> as Promise<void>

describe('spans without a valid id', () => {
  const data = decodeTraces(request)
  /** Every span of the second service loses its trace id, and one of the first its span id. */
  const broken: TracesData = {
    resourceSpans: data.resourceSpans.map((resource, r) => ({
      ...resource,
      scopeSpans: resource.scopeSpans.map((scope) => ({
        ...scope,
        spans: scope.spans.map((span, s) => ({
          ...span,
          traceId: r === 1 ? '' : span.traceId,
          spanId: r === 0 && s === 3 ? '' : span.spanId,
        })),
      })),
    })),
  }
  const kept = {
    resourceSpans: [
      {
        ...data.resourceSpans[0]!,
        scopeSpans: data.resourceSpans[0]!.scopeSpans.map((scope) => ({
          ...scope,
          spans: scope.spans.filter((_, s) => s !== 3),
        })),
      },
    ],
  }
  const message = expect.stringMatching(
    /^11 of 20 spans were not taken, .* the first: resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[3\] \(".+" of service "service-0"\): span_id is (absent|empty)$/,
  ) as string

  function expectKept({ sink, context }: Running): void {
    expect(decodeTraces(sink.bytes())).toEqual(kept)
    expect(sink.items).toBe(9)
    expect(context.value('otelcol_receiver_accepted_spans')).toBe(9)
    expect(context.value('otelcol_receiver_refused_spans')).toBe(11)
    expect(context.value('spoor_receiver_rejected_spans', { reason: 'invalid_id' })).toBe(11)
    const told = { level: 'warn', message: 'Took a part of a request.' }
    expect(context.logger.lines).toContainEqual(expect.objectContaining(told))
    expect(context.logger.lines.map(({ fields }) => fields['error'])).toContainEqual(message)
    expect(context.budget.used).toBe(0)
  }

  test.each([
    ['plain', (bytes: Uint8Array) => bytes, {}],
    ['gzip', zlib.gzipSync, { 'content-encoding': 'gzip' }],
    ['zstd', zlib.zstdCompressSync, { 'content-encoding': 'zstd' }],
  ] as const)('over HTTP, %s: refused one by one, the others are kept', async (_, encode, headers) => {
    const receiver = await startReceiver()
    const response = await post(receiver.http, encode(encodeTraces(broken)), { ...PROTOBUF, ...headers })
    expect(response.status).toBe(200)
    expect(decodeExportResponse(response.body)).toEqual({ rejected: 11, message })
    expectKept(receiver)
    // What the sender compressed has the spans that were refused.
    expect(receiver.sink.batches[0]?.chunks[0]?.compressed).toBeUndefined()
  })

  test('over gRPC', async () => {
    const receiver = await startReceiver()
    const answer = await http2Request(receiver.grpc, GRPC, [framed(encodeTraces(broken))])
    expect(grpcStatus(answer)).toBe(0)
    expect(decodeExportResponse(answer.body.subarray(5))).toEqual({ rejected: 11, message })
    expectKept(receiver)
  })

  test('as JSON, small and large', async () => {
    for (const repeat of [1, 40]) {
      const { http: address, sink } = await startReceiver()
      const json = JSON.parse(tracesToJson(encodeTraces(broken))) as { resourceSpans: object[] }
      const body = JSON.stringify({ resourceSpans: Array.from({ length: repeat }, () => json.resourceSpans).flat() })
      if (repeat > 1) expect(body.length).toBeGreaterThan(256 * 1024)
      const response = await post(address, body, { 'content-type': 'application/json' })
      const answer = JSON.parse(response.body.toString()) as object
      expect(answer).toMatchObject({
        partialSuccess: {
          rejectedSpans: String(11 * repeat),
          errorMessage: expect.stringContaining('spans[3]') as string,
        },
      })
      expect(sink.items).toBe(9 * repeat)
    }
  })

  test('none of them valid: all are refused, and nothing goes to the pipeline', async () => {
    const { http: address, sink } = await startReceiver()
    const response = await post(
      address,
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'W47/95gDgQPSabYzgT/GDA==' }, {}] }] }] }),
      {
        'content-type': 'application/json',
      },
    )
    expect(response.status).toBe(200)
    expect(JSON.parse(response.body.toString())).toMatchObject({
      partialSuccess: {
        rejectedSpans: '2',
        errorMessage: expect.stringContaining(
          'spans[0].traceId: expected 32 hex digits, got "W47/95gDgQPSabYzgT/GDA=="',
        ) as string,
      },
    })
    expect(sink.batches.length).toBe(0)
  })
})

describe('the host that a request is for', () => {
  const asHttp = (address: string, host: string | undefined): Promise<string> =>
    exchange(
      address,
      `POST /v1/traces HTTP/1.${host === undefined ? 0 : 1}\r\n${host === undefined ? '' : `Host: ${host}\r\n`}Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    )

  test.each([
    'localhost',
    'localhost:4318',
    '127.0.0.1:4318',
    '127.1.2.3',
    '[::1]:4318',
    'spoor.localhost',
    'host.docker.internal:4318',
    'host.containers.internal',
    undefined,
  ])('%s is this machine', async (host) => {
    const { http: address } = await startReceiver()
    expect(await asHttp(address, host)).toMatch(/^HTTP\/1\.1 200/)
  })

  test.each([
    'evil.example',
    'evil.example:4318',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evilhost.docker.internal.example',
    '10.0.0.1',
  ])('%s is not, and the request is refused', async (host) => {
    const { http: address, sink, context } = await startReceiver()
    const answer = await asHttp(address, host)
    expect(answer).toMatch(/^HTTP\/1\.1 403/)
    expect(answer).toContain(
      `the request is for host "${host}"; send to localhost, or open the port with protocols.http.endpoint`,
    )
    const call = await http2Request(await startReceiver().then(({ grpc }) => grpc), { ...GRPC, ':authority': host }, [
      framed(request),
    ])
    expect(grpcStatus(call)).toBe(7)
    expect(sink.batches.length).toBe(0)
    expect(context.value('otelcol_receiver_requests', { outcome: 'permission_denied' })).toBe(1)
  })

  test('a browser is not told that it may send', async () => {
    const { http: address } = await startReceiver({ http: { cors: { allowed_origins: ['*'] } } })
    const answer = await exchange(
      address,
      'OPTIONS /v1/traces HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 403/)
    expect(answer).not.toContain('access-control-allow-origin')
  })

  test('a port that is open to others answers to any name', async () => {
    const { http: address } = await startReceiver({ http: { endpoint: '0.0.0.0:0' } })
    expect(await asHttp(address.replace('0.0.0.0', '127.0.0.1'), 'collector.monitoring.svc')).toMatch(/^HTTP\/1\.1 200/)
  })
})

describe('grpc-timeout', () => {
  test('a call that waits longer gets DEADLINE_EXCEEDED, and is told that it may be taken yet', async () => {
    const { grpc, sink, context } = await startReceiver()
    const release = holdSink(sink)
    const answer = await http2Request(grpc, { ...GRPC, 'grpc-timeout': '50m' }, [framed(request)])
    expect(grpcStatus(answer)).toBe(4)
    expect(answer.headers['grpc-message']).toContain('it may yet be taken, and twice if it is sent again')
    // The pipelines have the bytes until they are done with them.
    expect(context.budget.used).toBe(request.length)
    release()
    await until(() => sink.items === 20 && context.budget.used === 0)
  })

  test('a message that is not there in time', async () => {
    const { grpc, context } = await startReceiver()
    const session = http2.connect(`http://${grpc}`)
    onTestFinished(() => session.destroy())
    const stream = session.request({ ...GRPC, ':method': 'POST', 'grpc-timeout': '50m' })
    stream.write(framed(request).subarray(0, 100))
    const headers = await new Promise<http2.IncomingHttpHeaders>((resolve) => stream.once('response', resolve))
    expect(headers['grpc-status']).toBe('4')
    expect(context.budget.used).toBe(0)
  })

  test('one that is enough, none at all, and one that has passed', async () => {
    const { grpc, sink } = await startReceiver()
    expect(grpcStatus(await http2Request(grpc, { ...GRPC, 'grpc-timeout': '1H' }, [framed(request)]))).toBe(0)
    expect(grpcStatus(await http2Request(grpc, { ...GRPC, 'grpc-timeout': '0n' }, [framed(request)]))).toBe(4)
    expect(grpcStatus(await http2Request(grpc, { ...GRPC, 'grpc-timeout': 'soon' }, [framed(request)]))).toBe(3)
    expect(sink.items).toBe(20)
  })
})

describe('the budget', () => {
  test('a request beyond it is refused with the time to come again, and the connection works on', async () => {
    const budget = createBudget(request.length * 3)
    const { http: address, grpc, sink, context } = await startReceiver({ budget })
    const others = budget.take(request.length * 3 - 100, 'queue')!
    const response = await post(address, request)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(decodeStatus(response.body)).toMatchObject({ code: 14, retryAfterMs: 1000 })
    const session = http2.connect(`http://${grpc}`)
    onTestFinished(() => session.destroy())
    const refused = await http2Request(session, GRPC, [framed(request)])
    expect(grpcStatus(refused)).toBe(14)
    expect(refused.headers['grpc-status-details-bin']).toBeDefined()
    expect(context.value('otelcol_receiver_requests', { outcome: 'overloaded' })).toBe(2)
    others.release()
    expect(grpcStatus(await http2Request(session, GRPC, [framed(request)]))).toBe(0)
    expect((await post(address, request)).status).toBe(200)
    expect([sink.items, budget.used]).toEqual([40, 0])
  })

  test.each(['gzip', 'deflate', 'zstd'] as const)('%s counts with what comes out of it', async (coding) => {
    const compress = { gzip: zlib.gzipSync, deflate: zlib.deflateSync, zstd: zlib.zstdCompressSync }[coding]
    const budget = createBudget(4 * 1024 * 1024)
    const { http: address } = await startReceiver({ budget })
    const headers = { ...PROTOBUF, 'content-encoding': coding }
    const held = budget.take(4 * 1024 * 1024 - request.length, 'queue')!
    expect((await post(address, compress(request), headers)).status).toBe(503)
    held.release()
    expect((await post(address, compress(request), headers)).status).toBe(200)
    // More than there is in all: no use to come again.
    expect((await post(address, compress(Buffer.alloc(8 * 1024 * 1024)), headers)).status).toBe(413)
    expect(budget.used).toBe(0)
  })

  test('a client that leaves in the middle of its body frees it', async () => {
    const { http: address, grpc, context } = await startReceiver()
    const { port } = new URL(`http://${address}`)
    const socket = net.connect(Number(port), '127.0.0.1')
    socket.write(
      `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(5000)}`,
    )
    await until(() => context.budget.used >= 5000)
    socket.destroy()
    await until(() => context.budget.used === 0)
    const session = http2.connect(`http://${grpc}`)
    const stream = session.request({ ...GRPC, ':method': 'POST' })
    stream.on('error', () => {})
    stream.write(framed(request).subarray(0, 3000))
    await until(() => context.budget.used >= 2995)
    session.destroy()
    await until(() => context.budget.used === 0)
  })

  test('a client that leaves while its request waits: nothing is left of it when the pipelines are done', async () => {
    const { http: address, sink, context } = await startReceiver()
    const release = holdSink(sink)
    const client = http.request(`http://${address}/v1/traces`, { method: 'POST', headers: PROTOBUF })
    client.on('error', () => {})
    client.end(request)
    await until(() => context.budget.used === request.length)
    client.destroy()
    release()
    await until(() => context.budget.used === 0)
  })
})
