/**
 * A server of gRPC on bare node:http2: which calls are taken, and by whom. An error on one stream is answered on that stream and never
 * touches the connection. Sources: grpc/doc/PROTOCOL-HTTP2.md, opentelemetry-proto docs/specification.md.
 */
import http2 from 'node:http2'
import type { Signal } from '@spoor/otlp'
import {
  ANNOUNCEMENT_HEADER,
  CollectorError,
  GRPC,
  REPORT_HEADER,
  timerMs,
  type AuthData,
  type RefusalFacts,
  type SenderAccount,
} from '../component/index.ts'
import { admit, credentialsOf, schemeOf, type Admission } from './admit.ts'
import {
  encodingOf,
  receiveCall,
  respondError,
  RESPONSE_HEADERS,
  type GrpcTimeouts,
  type Order,
  type UnaryHandler,
  isAnswerable,
} from './grpc-call.ts'
import { serveStream, type StreamHandler } from './grpc-stream.ts'
import { parseGrpcTimeout } from './grpc-timeout.ts'
import { checkHost } from './host-check.ts'
import { endWhenIdle } from './idle-sessions.ts'
import type { Intake } from './intake.ts'
import { metadataOf } from './metadata.ts'
import type { SizeLimit } from './request-body.ts'

const MIB = 1024 * 1024
const DEFAULT_CONCURRENT_STREAMS = 128
/** Not `application/grpc-web` and not `+json`, which have other messages. */
const GRPC_CONTENT_TYPE = /^application\/grpc(\+proto)?($|;)/
const TIMEOUTS: GrpcTimeouts = { stallMs: 60_000, messageMs: 300_000 }

/** Why there is no handler. `reason`: what the refusal is counted by. */
export interface NoMethod {
  readonly error: CollectorError
  readonly reason: string
  /** Which one would take it if the pipelines were others. */
  readonly signal?: Signal | undefined
}

export interface GrpcServerOptions {
  /** 0: 128. */
  readonly maxConcurrentStreams: number
  /** When a connection without a call is closed. Milliseconds; 0: never. */
  readonly maxConnectionIdleMs: number
  readonly intake: Intake
  /** Of a message, before and after decompression each. */
  readonly limit: SizeLimit
  readonly includeMetadata: boolean
  /** The address that is listened on, without port. */
  readonly listenHost: () => string
  /** What the port speaks, for errors: `OTLP/gRPC`. */
  readonly speaks: string
  /** The key that opens the port to others, for the error. */
  readonly endpointSetting: string
  /** The handler of a method, as `/package.Service/Method`. */
  readonly method: (path: string) => UnaryHandler | NoMethod
  /** Those of gRPC's own services, by path. */
  readonly streams: ReadonlyMap<string, StreamHandler>
  readonly admission: Admission | undefined
  /** Hears of each call that is over: its method, the code of its status, and milliseconds. */
  readonly observe?: ((path: string, code: number, durationMs: number) => void) | undefined
  /** Called for each connection that is closed as nobody uses it. */
  readonly onIdle: () => void
  /** Called for each call of gRPC that comes. */
  readonly onCall: () => void
  /** Gets requests that are none of gRPC. */
  readonly otherwise: (
    stream: http2.ServerHttp2Stream,
    headers: http2.IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ) => void
  readonly timeouts?: GrpcTimeouts
}

/** Serves connections that it is handed (`server.emit('connection', socket)`); it does not listen itself. */
export function createGrpcServer(options: GrpcServerOptions): http2.Http2Server {
  const { intake, listenHost, admission, maxConnectionIdleMs: idleMs, timeouts = TIMEOUTS } = options
  const server = http2.createServer({
    // A session's share of memory in MB, for what waits to be sent; answers are small.
    maxSessionMemory: 64,
    settings: {
      maxConcurrentStreams: options.maxConcurrentStreams || DEFAULT_CONCURRENT_STREAMS,
      // Room for a usual message, so that a sender need not wait for window updates within it.
      initialWindowSize: MIB,
    },
  })
  server.on('session', (session) => {
    session.setLocalWindowSize(4 * MIB)
    session.on('error', () => session.destroy())
    if (idleMs > 0) endWhenIdle(session, timerMs(idleMs), options.onIdle)
  })
  server.on('stream', (stream, headers, _flags, rawHeaders: readonly string[]) => {
    // The client's resets; there is nobody left to answer.
    stream.on('error', () => {})
    // Not while a message waits for the pipelines: then it is off, see `receiveCall`.
    stream.setTimeout(timeouts.stallMs, () => stream.close(http2.constants.NGHTTP2_CANCEL))
    const sender = intake.sender(stream.session, headers['user-agent'])
    const contentType = headers['content-type'] ?? ''
    if (!GRPC_CONTENT_TYPE.test(contentType)) {
      if (!contentType.startsWith('application/grpc')) return options.otherwise(stream, headers, rawHeaders)
      const text = `this port speaks ${options.speaks} (content-type application/grpc), not ${contentType}`
      intake.refuse(new CollectorError('unimplemented', text), sender, 'unsupported_media_type', factsOf(headers))
      respondOtherGrpc(stream, text)
      return
    }
    options.onCall()
    if (options.observe) observe(stream, headers[':path'] ?? '', options)
    let unknown: NoMethod | undefined
    try {
      checkHost(headers[':authority'], listenHost(), options.endpointSetting)
      const own = options.streams.get(headers[':path'] ?? '')
      if (own) return letIn(() => serveStream(stream, headers, RESPONSE_HEADERS, own), stream, headers, sender)
      intake.checkOpen()
      const handler = options.method(headers[':path'] ?? '')
      if ('error' in handler) {
        unknown = handler
        throw handler.error
      }
      const encoding = encodingOf(headers)
      const timeoutMs = parseGrpcTimeout(headers['grpc-timeout'] as string | undefined)
      const metadata = options.includeMetadata ? metadataOf(rawHeaders) : undefined
      const order: Order = { handler, encoding, limit: options.limit, timeoutMs, timeouts, metadata, sender }
      if (admission) letIn((auth) => accept(stream, headers, order, auth, intake), stream, headers, sender)
      else accept(stream, headers, order, undefined, intake)
    } catch (error) {
      refuse(stream, headers, intake, sender, error, unknown)
    }
  })
  const letIn = (
    go: (auth: AuthData | undefined) => void,
    stream: http2.ServerHttp2Stream,
    headers: http2.IncomingHttpHeaders,
    sender: SenderAccount,
  ): void => {
    if (!admission) return go(undefined)
    admit(admission, credentialsOf(headers, '', []), go, (error) => refuse(stream, headers, intake, sender, error))
  }
  return server
}

function refuse(
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  intake: Intake,
  sender: SenderAccount,
  error: unknown,
  unknown?: NoMethod,
): void {
  stream.resume()
  const facts = { ...factsOf(headers), signal: unknown?.signal }
  respondError(stream, intake.refuse(error, sender, unknown?.reason, facts))
}

function factsOf(headers: http2.IncomingHttpHeaders): RefusalFacts {
  return {
    method: headers[':method'],
    path: headers[':path'],
    authority: headers[':authority'],
    origin: headers.origin,
    contentType: headers['content-type'],
    credentials: schemeOf(headers.authorization),
  }
}

/** Tells of the call once it is over. */
function observe(stream: http2.ServerHttp2Stream, path: string, options: GrpcServerOptions): void {
  const { streams, method, observe: tell } = options
  const beganMs = performance.now()
  const isKnown = streams.has(path) || !('error' in method(path))
  stream.once('close', () => {
    const { 'grpc-status': code = GRPC.CANCELLED } = stream.sentTrailers ?? stream.sentHeaders ?? {}
    tell?.(isKnown ? path : '/_OTHER', Number(code), performance.now() - beganMs)
  })
}

/** A call of somebody who is let in. */
function accept(
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  order: Order,
  auth: AuthData | undefined,
  intake: Intake,
): void {
  const announced = headers[ANNOUNCEMENT_HEADER]
  if (typeof announced === 'string') order.sender.announced(announced)
  const report = headers[REPORT_HEADER]
  if (typeof report === 'string') order.sender.reported(report)
  receiveCall(stream, order, auth, intake)
}

/** For kinds of gRPC that have other messages. */
function respondOtherGrpc(stream: http2.ServerHttp2Stream, text: string): void {
  if (!isAnswerable(stream)) return
  stream.resume()
  stream.respond({ ':status': 415, 'content-type': 'text/plain; charset=utf-8' })
  stream.end(`415 ${text}\n`)
}
