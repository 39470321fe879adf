/**
 * One port of a receiver. It may speak two protocols, whichever it is named after, so that a sender with the wrong port of the two loses nothing: the
 * first bytes tell HTTP/1.1 from HTTP/2, and on HTTP/2 each request's content type tells gRPC from HTTP. TLS and limits are those
 * of the port. That it is the other protocol is counted by connection or call, and told once.
 */
import http2, { type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ProtoFile, Signal } from '@spoor/otlp'
import {
  CollectorError,
  DOCTOR_ALPN,
  httpMetrics,
  rpcMetrics,
  type Consumer,
  type Context,
  type Endpoint,
  type PortTraits,
  type RefusalFacts,
} from '../component/index.ts'
import type { Admission } from './admit.ts'
import type { AuthConfig, CorsConfig, Keepalive, Network, ServerTls } from './config.ts'
import { createGrpcServer, type GrpcServerOptions } from './grpc.ts'
import type { GrpcTimeouts } from './grpc-call.ts'
import { createHealth, HEALTH_SERVICE, healthProtoFile } from './health.ts'
import { createHttpServer, type HttpBehaviour, type HttpService } from './http.ts'
import { createIntake, type Intake, type Transport } from './intake.ts'
import { listen, type Handlers, type Listener } from './listener.ts'
import { reflectionHandlers } from './reflection.ts'
import type { SizeLimit } from './request-body.ts'

export interface Port {
  readonly transport: Transport
  readonly listener: Listener
  /** Requests that are being worked on. */
  readonly active: number
  /** Refuses requests from now on. Resolves when those that are being worked on are answered. */
  close(): Promise<void>
  /** Leaves its address to a successor, and lets the clients that there are come once more at most on the connections that they have. */
  yield(): void
  /** Tells the connections to finish: no further request after those that are under way. */
  goAway(): void
}

/** What holds on a port, whatever is spoken there. */
export interface PortRules {
  /** What the port is named after. */
  readonly transport: Transport
  /** `host:port`, or the path of a socket. */
  readonly endpoint: string
  readonly network: Network
  /** The key of `endpoint`, for errors. */
  readonly endpointSetting: string
  readonly tls: ServerTls | undefined
  readonly auth: AuthConfig | undefined
  /** Of a message or body, before and after decompression each. */
  readonly limit: SizeLimit
  readonly includeMetadata: boolean
}

export interface GrpcSettings {
  readonly maxConcurrentStreams: number
  readonly keepalive: Keepalive
  /** What it is called in errors: `OTLP/gRPC`. */
  readonly speaks: string
  readonly methods: (intake: Intake) => GrpcServerOptions['method']
  /** Full names of the services that take calls, for those who ask. */
  readonly services: (intake: Intake) => readonly string[]
  /** What describes them. */
  readonly protoFiles: () => readonly ProtoFile[]
}

/** A port, and the protocols that are spoken there. */
export interface PortSettings extends PortRules {
  /** Undefined for a port that speaks HTTP alone. */
  readonly grpc?: GrpcSettings
  readonly http: {
    readonly cors: CorsConfig | undefined
    readonly behaviour: HttpBehaviour
    /** What it is called in errors: `OTLP/HTTP`. */
    readonly speaks: string
    /** Where traces are sent to, where one path is for them. */
    readonly tracesPath?: string
    readonly service: (intake: Intake) => HttpService
  }
}

const NAMES: Readonly<Record<Transport, string>> = { grpc: 'gRPC', http: 'HTTP' }

const TLS_TO_PLAIN = 'a client speaks TLS to a port without TLS; set tls in the receiver, or insecure in the client'
const PLAIN_TEXT = 'a client speaks plain text to a port with TLS; set tls in the client'
/** What OpenSSL makes of plain text. */
const PLAIN_TO_TLS = /HTTP_REQUEST|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/

/** `next`: what the receiver feeds. `admission`: undefined where everybody is let in. Rejects with `listen` when the port cannot be had. */
export async function openPort(
  context: Context,
  next: ReadonlyMap<Signal, Consumer>,
  settings: PortSettings,
  admission: Admission | undefined,
  handlers: Pick<Handlers, 'acceptFailed' | 'tooMany' | 'tlsFilesChanged'>,
  timeouts?: GrpcTimeouts,
): Promise<Port> {
  const { transport, endpoint, network, endpointSetting, tls, limit, includeMetadata, grpc, http } = settings
  const traits: PortTraits = {
    named: transport,
    hasTls: tls !== undefined,
    certFile: tls?.cert_file,
    tracesPath: http.tracesPath,
  }
  const forHttp = createIntake(context, 'http', next, traits)
  const intakes = { grpc: grpc ? createIntake(context, 'grpc', next, traits) : forHttp, http: forHttp }
  const both = [...new Set(Object.values(intakes))]
  const labels = { receiver: context.id, transport }
  const idle = context.counters.counter('spoor_receiver_dropped_connections', { ...labels, reason: 'idle' })
  const note = createNote(context, settings)
  const listenHost = (): string => listener.address.slice(0, listener.address.lastIndexOf(':'))

  const refuse = (socket: Socket, reason: string, message: string, facts?: RefusalFacts): void => {
    const intake = intakes[transport]
    intake.refuse(new CollectorError('invalid_data', message), intake.sender(socket), reason, facts)
  }

  let isYielded = false
  const calls = grpc ? callsOf(grpc, intakes.grpc) : NO_CALLS
  const httpServer = createHttpServer({
    ...http,
    intake: intakes.http,
    listenHost,
    endpointSetting,
    service: http.service(intakes.http),
    admission,
    observe: httpMetrics(context, 'server', { ...serverOf(endpoint), url_scheme: tls ? 'https' : 'http' }),
    isLast: () => isYielded,
    ...(timeouts ? { stallTimeoutMs: timeouts.stallMs } : {}),
  })
  const grpcServer = createGrpcServer({
    maxConcurrentStreams: grpc?.maxConcurrentStreams ?? 0,
    maxConnectionIdleMs: grpc?.keepalive.server_parameters.max_connection_idle ?? 0,
    intake: intakes.grpc,
    limit,
    includeMetadata,
    listenHost,
    speaks: grpc ? `${grpc.speaks} and ${http.speaks}` : http.speaks,
    endpointSetting,
    method: calls.method,
    streams: calls.streams,
    admission,
    observe: rpcMetrics(context, 'server'),
    ...(timeouts ? { timeouts } : {}),
    onIdle: () => idle.value++,
    onCall: () => note('grpc'),
    otherwise(stream, headers, rawHeaders) {
      note('http')
      serveHttp2(httpServer, stream, headers, rawHeaders)
    },
  })
  const endSessions = trackSessions(grpcServer)
  const listener: Listener = await listen({ endpoint, network }, tls, {
    ...handlers,
    http1(socket) {
      note('http')
      httpServer.emit('connection', socket)
    },
    http2: (socket) => grpcServer.emit('connection', socket),
    tlsWithoutConfig(socket, hello) {
      if (hello.includes(DOCTOR_ALPN)) return
      refuse(socket, 'tls_to_plain_port', TLS_TO_PLAIN, { wants: wantedIn(hello) })
    },
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
      return both.reduce((sum, intake) => sum + intake.active, 0)
    },
    async close() {
      calls.stop()
      await Promise.all(both.map((intake) => intake.close()))
    },
    yield() {
      isYielded = true
      listener.yield()
      endSessions()
    },
    goAway() {
      httpServer.close()
      endSessions()
    },
  }
}

/**
 * What a TLS handshake's first message offers: HTTP/2 and nothing else, as most clients of gRPC do, or no HTTP/2. Undefined: both, as Go's and
 * Java's clients of HTTP do, and Java's of gRPC. Source: RFC 7301, section 3.1.
 */
function wantedIn(hello: Buffer): 'grpc' | 'http' | undefined {
  if (!hello.includes('\u0002h2')) return 'http'
  return hello.includes('http/1.1') ? undefined : 'grpc'
}

/** The calls of gRPC that a port has handlers for. */
interface Calls extends Pick<GrpcServerOptions, 'method' | 'streams'> {
  /** Those who ask whether it serves hear that it does not any more. */
  readonly stop: () => void
}

const NO_CALLS: Calls = {
  method: (path) => ({
    error: new CollectorError('unimplemented', `${path}: this port speaks no gRPC`),
    reason: 'not_found',
  }),
  streams: new Map(),
  stop: () => {},
}

/** Those of its services, and of gRPC's own. */
function callsOf(grpc: GrpcSettings, intake: Intake): Calls {
  const services = grpc.services(intake)
  const health = createHealth(
    (service) => (service === '' || services.includes(service) ? true : undefined),
    () => services,
  )
  return {
    method: grpc.methods(intake),
    streams: new Map([
      ...health.handlers,
      ...reflectionHandlers([...services, HEALTH_SERVICE], () => [...grpc.protoFiles(), healthProtoFile()]),
    ]),
    stop: () => health.stop('the receiver is shutting down'),
  }
}

/** As it is written: what a sender calls it is the sender's choice, and may be anything. */
function serverOf(endpoint: string): Endpoint {
  const colon = endpoint.lastIndexOf(':')
  return { server_address: endpoint.slice(0, colon), server_port: endpoint.slice(colon + 1) }
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
function createNote(
  { id, counters, logger }: Context,
  { transport, grpc, http }: PortSettings,
): (protocol: Transport) => void {
  if (!grpc) return () => {}
  const other = transport === 'grpc' ? 'http' : 'grpc'
  const labels = { receiver: id, transport, protocol: other }
  const counter = counters.counter('spoor_receiver_other_protocol', labels)
  const speaks = other === 'grpc' ? grpc.speaks : http.speaks
  return (protocol) => {
    if (protocol === transport) return
    if (counter.value++ > 0) return
    const message = `${NAMES[other]} came to the ${NAMES[transport]} port. It is served here; the OpenTelemetry Collector would refuse it, so set the sender's port to that of ${speaks}.`
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
