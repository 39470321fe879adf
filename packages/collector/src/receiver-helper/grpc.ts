/**
 * A server of gRPC on bare node:http2, for unary calls. An error on one stream is
 * answered on that stream and never touches the connection. Sources: grpc/doc/PROTOCOL-HTTP2.md, opentelemetry-proto
 * docs/specification.md.
 */
import http2 from 'node:http2'
import { encodeStatus } from '@spoor/otlp'
import {
  ANNOUNCEMENT_HEADER,
  CollectorError,
  GRPC,
  statusOf,
  timerMs,
  type AuthData,
  type Metadata,
  type SenderAccount,
} from '../component/index.ts'
import type { ContentCoding } from '../otlp-protocol/decompress.ts'
import { encodeGrpcMessage, MessageReader } from '../otlp-protocol/grpc-message.ts'
import { admit, credentialsOf, type Admission } from './admit.ts'
import { tooSlow, type Call } from './call.ts'
import { serveStream, type StreamHandler } from './grpc-stream.ts'
import { parseGrpcTimeout } from './grpc-timeout.ts'
import { checkHost } from './host-check.ts'
import { endWhenIdle } from './idle-sessions.ts'
import type { Intake } from './intake.ts'
import { metadataOf } from './metadata.ts'
import { REFUSED_READ_FACTOR, useBody, type RequestBody, type SizeLimit } from './request-body.ts'

const MIB = 1024 * 1024
const DEFAULT_CONCURRENT_STREAMS = 128
/** Not `application/grpc-web` and not `+json`, which have other messages. */
const GRPC_CONTENT_TYPE = /^application\/grpc(\+proto)?($|;)/
/** The content codings that there are, by gRPC's names. */
const CODINGS: Readonly<Record<string, ContentCoding | 'identity'>> = {
  identity: 'identity',
  gzip: 'gzip',
  deflate: 'deflate',
  zstd: 'zstd',
  snappy: 'snappy',
}
const ACCEPTED_ENCODINGS = Object.keys(CODINGS).join(',')
/** Milliseconds. */
export interface GrpcTimeouts {
  /** A call whose message does not go on for so long is cut, and one whose answer is not taken. */
  readonly stallMs: number
  /** A message must be there by then, however it goes on. */
  readonly messageMs: number
}

const TIMEOUTS: GrpcTimeouts = { stallMs: 60_000, messageMs: 300_000 }

const RESPONSE_HEADERS: http2.OutgoingHttpHeaders = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-accept-encoding': ACCEPTED_ENCODINGS,
}

/** Why there is no handler. `reason`: what the refusal is counted by. */
export interface NoMethod {
  readonly error: CollectorError
  readonly reason: string
}

/** Resolves with the answer's message, with its prefix. The call's lease is for the body, and is released afterwards. */
export type UnaryHandler = (body: RequestBody, call: Call) => Promise<Uint8Array>

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
    // Not while a message waits for the pipelines: then it is off, see `receive`.
    stream.setTimeout(timeouts.stallMs, () => stream.close(http2.constants.NGHTTP2_CANCEL))
    const sender = intake.sender(stream.session, headers['user-agent'])
    const contentType = headers['content-type'] ?? ''
    if (!GRPC_CONTENT_TYPE.test(contentType)) {
      if (!contentType.startsWith('application/grpc')) return options.otherwise(stream, headers, rawHeaders)
      const text = `this port speaks ${options.speaks} (content-type application/grpc), not ${contentType}`
      intake.refuse(new CollectorError('unimplemented', text), sender, 'unsupported_media_type')
      respondOtherGrpc(stream, text)
      return
    }
    options.onCall()
    let reason: string | undefined
    try {
      checkHost(headers[':authority'], listenHost(), options.endpointSetting)
      const own = options.streams.get(headers[':path'] ?? '')
      if (own) return letIn(() => serveStream(stream, headers, RESPONSE_HEADERS, own), stream, headers, sender)
      intake.checkOpen()
      const handler = options.method(headers[':path'] ?? '')
      if ('error' in handler) {
        reason = handler.reason
        throw handler.error
      }
      const name = String(headers['grpc-encoding'] ?? 'identity')
      const encoding = CODINGS[name]
      if (!encoding) {
        throw new CollectorError(
          'unimplemented',
          `grpc-encoding ${name} is not supported; use one of ${ACCEPTED_ENCODINGS}`,
        )
      }
      const timeoutMs = parseGrpcTimeout(headers['grpc-timeout'] as string | undefined)
      const metadata = options.includeMetadata ? metadataOf(rawHeaders) : undefined
      const order: Order = { handler, encoding, limit: options.limit, timeoutMs, timeouts, metadata, sender }
      if (admission) letIn((auth) => accept(stream, headers, order, auth, intake), stream, headers, sender)
      else accept(stream, headers, order, undefined, intake)
    } catch (error) {
      refuse(stream, intake, sender, error, reason)
    }
  })
  const letIn = (
    go: (auth: AuthData | undefined) => void,
    stream: http2.ServerHttp2Stream,
    headers: http2.IncomingHttpHeaders,
    sender: SenderAccount,
  ): void => {
    if (!admission) return go(undefined)
    admit(admission, credentialsOf(headers, '', []), go, (error) => refuse(stream, intake, sender, error))
  }
  return server
}

function refuse(
  stream: http2.ServerHttp2Stream,
  intake: Intake,
  sender: SenderAccount,
  error: unknown,
  reason?: string,
): void {
  stream.resume()
  respondError(stream, intake.refuse(error, sender, reason))
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
  receive(stream, order, auth, intake)
}

interface Order {
  readonly handler: UnaryHandler
  readonly encoding: ContentCoding | 'identity'
  readonly limit: SizeLimit
  /** The call's deadline, from now. */
  readonly timeoutMs: number | undefined
  readonly timeouts: GrpcTimeouts
  readonly sender: SenderAccount
  readonly metadata: Metadata | undefined
}

function receive(stream: http2.ServerHttp2Stream, order: Order, auth: AuthData | undefined, intake: Intake): void {
  // The client may have left while it was looked at who it is.
  if (stream.destroyed) return
  const { limit, timeoutMs, metadata } = order
  const { stallMs, messageMs } = order.timeouts
  const beganMs = performance.now()
  let received = 0
  /** Whether the message is complete or not wanted any more; its bytes are somebody else's, or free. */
  let over = false
  let timer: NodeJS.Timeout | undefined
  const refuse = (error: unknown): void => {
    clearTimeout(timer)
    // Its client has been told why, or is gone.
    if (call.left) return
    stream.setTimeout(stallMs)
    respondError(stream, intake.refuse(error, order.sender))
  }
  const giveUp = (): void => {
    if (over) return
    over = true
    reader.free()
    call.lease.release()
  }
  const call = intake.open(
    () => {
      giveUp()
      refuse(tooSlow())
    },
    order.sender,
    stream.session?.socket,
  )
  call.auth = auth
  if (metadata) call.metadata = metadata
  const reader = new MessageReader(limit.bytes, limit.setting, call)
  if (timeoutMs !== undefined) {
    call.deadline = beganMs + timeoutMs
    const expire = (): void => {
      const waited = over
      giveUp()
      refuse(deadlineExceeded(waited))
      call.leave()
    }
    if (timeoutMs === 0) expire()
    else timer = setTimeout(expire, timeoutMs)
  }
  stream.on('data', (data: Buffer) => {
    received += data.length
    if (over) {
      if (received > limit.bytes * REFUSED_READ_FACTOR) stream.close(http2.constants.NGHTTP2_CANCEL)
      return
    }
    try {
      if (performance.now() - beganMs > messageMs) throw trickled(messageMs)
      reader.add(data)
    } catch (error) {
      giveUp()
      refuse(error)
    }
  })
  stream.on('end', () => {
    if (over || stream.aborted) return
    over = true
    call.lease.move('body')
    stream.setTimeout(0)
    useMessage(reader, order, call).then((answer) => {
      clearTimeout(timer)
      stream.setTimeout(stallMs)
      if (!call.left) respondSuccess(stream, answer)
    }, refuse)
  })
  stream.on('close', () => {
    clearTimeout(timer)
    giveUp()
    call.leave()
  })
}

function deadlineExceeded(waited: boolean): CollectorError {
  const message = waited
    ? "the call's deadline (grpc-timeout) passed while it waited for the pipelines; it may yet be taken, and twice if it is sent again"
    : "the call's deadline (grpc-timeout) passed before its message was there"
  return new CollectorError('timeout', message)
}

function trickled(messageMs: number): CollectorError {
  return new CollectorError('timeout', `the message was not there within ${messageMs / 1000} s`)
}

async function useMessage(reader: MessageReader, { handler, encoding, limit }: Order, call: Call): Promise<Uint8Array> {
  try {
    const { compressed, bytes } = reader.end()
    if (compressed && encoding === 'identity') {
      throw new CollectorError(
        'invalid_data',
        'the message is flagged as compressed, but the call has no grpc-encoding',
      )
    }
    return await useBody(compressed ? encoding : 'identity', bytes, call, { limit, keepsCompressed: true }, handler)
  } finally {
    call.lease.release()
  }
}

function respondSuccess(stream: http2.ServerHttp2Stream, answer: Uint8Array): void {
  if (stream.destroyed || stream.headersSent) return
  stream.respond(RESPONSE_HEADERS, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(answer)
}

/** "Trailers-Only": status and message in the one header block, nothing else. */
function respondError(stream: http2.ServerHttp2Stream, error: CollectorError): void {
  if (stream.destroyed || stream.headersSent) return
  const code = statusOf(error).grpc
  const headers: http2.OutgoingHttpHeaders = {
    ...RESPONSE_HEADERS,
    'grpc-status': String(code),
    'grpc-message': encodeGrpcMessage(error.message),
  }
  if (error.retryAfterMs !== undefined && code !== GRPC.OK) {
    const details = encodeStatus({ code, message: error.message, retryAfterMs: error.retryAfterMs })
    headers['grpc-status-details-bin'] = Buffer.from(details).toString('base64')
  }
  stream.respond(headers, { endStream: true })
}

/** For kinds of gRPC that have other messages. */
function respondOtherGrpc(stream: http2.ServerHttp2Stream, text: string): void {
  // A stream may be reset by the time that it is announced; answering it would throw.
  if (stream.destroyed || stream.headersSent) return
  stream.resume()
  stream.respond({ ':status': 415, 'content-type': 'text/plain; charset=utf-8' })
  stream.end(`415 ${text}\n`)
}
