/** A running receiver and the means to talk to it, for the tests beside this file. */
import http2 from 'node:http2'
import net from 'node:net'
import type { Signal } from '@spoor/otlp'
import { onTestFinished } from 'vitest'
import { NO_OVERVIEW, type Budget, type Host } from '../../component/index.ts'
import { createSink, createTestContext, type Sink } from '../../testkit/index.ts'
import { otlpReceiver } from './index.ts'
import type { OtlpReceiverConfig } from './config.ts'

export const HOST: Host = {
  extension: () => undefined,
  fail: (id, cause) => {
    throw new Error(id, { cause })
  },
  overview: () => NO_OVERVIEW,
}

export interface Running {
  readonly grpc: string
  readonly http: string
  readonly sink: Sink
  readonly context: ReturnType<typeof createTestContext>
  readonly stop: (deadlineMs?: number) => Promise<void>
}

/** `protocols`: merged into grpc and http on free ports of the loopback. */
export async function startReceiver(
  options: { grpc?: object; http?: object; signals?: readonly Signal[]; budget?: Budget } = {},
): Promise<Running> {
  const context = createTestContext('otlp', options.budget)
  const sink = createSink()
  const parsed = otlpReceiver.config.safeParse({
    protocols: {
      grpc: { endpoint: '127.0.0.1:0', ...options.grpc },
      http: { endpoint: '127.0.0.1:0', ...options.http },
    },
  })
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const config: OtlpReceiverConfig = parsed.data
  const signals = options.signals ?? ['traces', 'metrics', 'logs']
  const receiver = otlpReceiver.create(context, config, new Map(signals.map((signal) => [signal, sink])))
  await receiver.start(HOST)
  const stop = async (deadlineMs = 1000): Promise<void> => receiver.shutdown(AbortSignal.timeout(deadlineMs))
  onTestFinished(async () => stop(0))
  const addressOf = (protocol: string): string =>
    receiver.listening?.().find((listening) => listening.protocol === protocol)?.address ?? ''
  return { grpc: addressOf('grpc'), http: addressOf('http'), sink, context, stop }
}

/** What comes back for these bytes on a bare connection, up to its end or until nothing has come for a while. */
export async function exchange(address: string, bytes: Uint8Array | string): Promise<string> {
  const { hostname, port } = new URL(`http://${address}`)
  const socket = net.connect(Number(port), hostname)
  socket.setTimeout(500, () => socket.destroy())
  let answer = ''
  socket.on('data', (data) => (answer += data.toString('latin1')))
  socket.on('error', () => {})
  socket.write(bytes)
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

export interface Http2Answer {
  readonly headers: http2.IncomingHttpHeaders
  readonly trailers: http2.IncomingHttpHeaders
  readonly body: Buffer
}

/** One HTTP/2 request with whatever headers and parts of a body, over a session of its own or one that is given. */
export async function http2Request(
  address: string | http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  parts: readonly Uint8Array[],
): Promise<Http2Answer> {
  const session = typeof address === 'string' ? http2.connect(`http://${address}`) : address
  // Once a session, however many requests it has.
  if (session.listenerCount('error') === 0) session.on('error', () => {})
  const stream = session.request({ ':method': 'POST', ...headers })
  const answer = new Promise<Http2Answer>((resolve, reject) => {
    let head: http2.IncomingHttpHeaders = {}
    let trailers: http2.IncomingHttpHeaders = {}
    const body: Buffer[] = []
    stream.on('response', (received) => (head = received))
    stream.on('trailers', (received) => (trailers = received))
    stream.on('data', (data: Buffer) => body.push(data))
    stream.on('error', reject)
    stream.on('close', () => resolve({ headers: head, trailers, body: Buffer.concat(body) }))
  })
  for (const part of parts) {
    stream.write(part)
    await new Promise((resolve) => setImmediate(resolve))
  }
  stream.end()
  try {
    return await answer
  } finally {
    if (typeof address === 'string') session.destroy()
  }
}
