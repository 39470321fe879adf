/**
 * One port of the receiver. It speaks both protocols, whichever it is named after, so that a sender with the wrong port of the two loses nothing: the
 * first bytes tell HTTP/1.1 from HTTP/2, and on HTTP/2 each request's content type tells gRPC from OTLP/HTTP. TLS and limits are those
 * of the port. That it is the other protocol is counted by connection or call, and told once.
 */
import http2, { type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Signal } from '@spoor/otlp'
import { CollectorError, type Consumer, type Context } from '../../component/index.ts'
import type { GrpcConfig, HttpConfig } from './config.ts'
import type { Converter } from './conversion.ts'
import { createGrpcServer, isGrpc } from './grpc.ts'
import { createHttpServer } from './http.ts'
import { createIntake, type Transport } from './intake.ts'
import { listen, type Handlers, type Listener } from './listener.ts'

export interface Port {
  /** What it is named after. */
  readonly transport: Transport
  readonly listener: Listener
  /** Requests that are being worked on. */
  readonly active: number
  /** Refuses requests from now on. Resolves when those that are being worked on are answered. */
  close(): Promise<void>
  /** Tells the connections to finish: no further request after those that are under way. */
  goAway(): void
}

export interface PortOptions {
  readonly context: Context
  readonly transport: Transport
  /** Endpoint and TLS are those of the one that the port is named after. */
  readonly grpc: GrpcConfig
  readonly http: HttpConfig
  readonly next: ReadonlyMap<Signal, Consumer>
  readonly converter: Converter
  readonly handlers: Pick<Handlers, 'tooMany'>
}

const NAMES: Readonly<Record<Transport, string>> = { grpc: 'gRPC', http: 'HTTP' }

const TLS_TO_PLAIN = 'a client speaks TLS to a port without TLS; set tls in the receiver, or insecure in the client'
const PLAIN_TEXT = 'a client speaks plain text to a port with TLS; set tls in the client'
/** What OpenSSL makes of plain text. */
const PLAIN_TO_TLS = /HTTP_REQUEST|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/

export async function openPort(options: PortOptions): Promise<Port> {
  const { context, transport, grpc, http, next, converter, handlers } = options
  const intakes = {
    grpc: createIntake(context, 'grpc', next, converter),
    http: createIntake(context, 'http', next, converter),
  }
  const labels = { receiver: context.id, transport }
  const idle = context.counters.counter('spoor_receiver_dropped_connections', { ...labels, reason: 'idle' })
  const note = createNote(context, transport)
  const listenHost = (): string => listener.address.slice(0, listener.address.lastIndexOf(':'))

  const refuse = (socket: Socket, reason: string, message: string): void => {
    const intake = intakes[transport]
    intake.refuse(new CollectorError('invalid_data', message), intake.sender(socket), reason)
  }

  const httpServer = createHttpServer(http, intakes.http, listenHost)
  const grpcServer = createGrpcServer(
    grpc,
    intakes.grpc,
    listenHost,
    () => idle.value++,
    (stream, headers, rawHeaders) => {
      note('http')
      serveHttp2(httpServer, stream, headers, rawHeaders)
    },
  )
  grpcServer.on('stream', (_, headers) => {
    if (isGrpc(headers)) note('grpc')
  })
  const endSessions = trackSessions(grpcServer)
  const { endpoint, tls } = transport === 'grpc' ? grpc : http
  const listener: Listener = await listen(endpoint, tls, {
    ...handlers,
    http1(socket) {
      note('http')
      httpServer.emit('connection', socket)
    },
    http2: (socket) => grpcServer.emit('connection', socket),
    tlsWithoutConfig: (socket) => refuse(socket, 'tls_to_plain_port', TLS_TO_PLAIN),
    tlsFailed(error, socket) {
      // Whoever only looks whether the port is open leaves in the middle.
      if (error.code === 'ECONNRESET') return
      const isPlain = PLAIN_TO_TLS.test(error.code ?? '')
      refuse(socket, isPlain ? 'plain_to_tls_port' : 'tls_handshake', isPlain ? PLAIN_TEXT : error.message)
    },
  })
  return {
    transport,
    listener,
    get active() {
      return intakes.grpc.active + intakes.http.active
    },
    async close() {
      await Promise.all([intakes.grpc.close(), intakes.http.close()])
    },
    goAway() {
      httpServer.close()
      endSessions()
    },
  }
}

/** Hands the HTTP server a request that came over HTTP/2. */
function serveHttp2(
  server: Server,
  stream: ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  rawHeaders: readonly string[],
): void {
  const request = new http2.Http2ServerRequest(stream, headers, {}, rawHeaders)
  const response = new http2.Http2ServerResponse(stream)
  // Whoever reads a body listens for its end by this; a reset is told by another event on HTTP/2.
  request.on('error', () => {})
  stream.once('aborted', () => request.emit('error', new Error('the client left')))
  // From then on it waits for the pipelines, for as long as they take.
  request.once('end', () => stream.setTimeout(0))
  server.emit('request', request, response)
}

/** Tells once, and counts, that the port was spoken to in the other protocol. */
function createNote({ id, counters, logger }: Context, transport: Transport): (protocol: Transport) => void {
  const other = transport === 'grpc' ? 'http' : 'grpc'
  const labels = { receiver: id, transport, protocol: other }
  const counter = counters.counter('spoor_receiver_other_protocol', labels)
  return (protocol) => {
    if (protocol === transport) return
    if (counter.value++ > 0) return
    const message = `${NAMES[other]} came to the ${NAMES[transport]} port. It is served here; the OpenTelemetry Collector would refuse it, so set the sender's port to that of OTLP/${NAMES[other]}.`
    logger.warn({ component: id, transport }, message)
  }
}

/** GOAWAY for every session that is open when the returned function is called. */
function trackSessions(server: Http2Server): () => void {
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  return () => sessions.forEach((session) => session.close())
}
