/**
 * OTLP/HTTP on bare node:http: protobuf and JSON, with the status codes of the specification and of the OpenTelemetry
 * Collector's receiver. One deviation: a body over the limit is answered with 413, which says what is wrong, where the
 * Collector says 400; both are final for a client.
 */
import http from 'node:http'
import type { Http2ServerRequest, Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import {
  encodeExportResponse,
  encodeStatus,
  exportResponseToJson,
  statusToJson,
  type ExportResponse,
  type Signal,
} from '@spoor/otlp'
import {
  ANNOUNCEMENT_HEADER,
  CollectorError,
  freeBody,
  freeBytes,
  statusOf,
  type SenderAccount,
} from '../../component/index.ts'
import { BodyBuffer } from '../../otlp-protocol/body-buffer.ts'
import { decompress, type ContentCoding } from '../../otlp-protocol/decompress.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { refuseConnection } from './bad-request.ts'
import { tooSlow, type Call } from './call.ts'
import { createCors } from './cors.ts'
import type { HttpConfig } from './config.ts'
import { checkHost } from './host-check.ts'
import type { Body, Intake } from './intake.ts'
import type { Encoding } from '../../otlp-protocol/message.ts'
import { metadataOf } from './metadata.ts'

const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}
const CODINGS: Readonly<Record<string, ContentCoding | 'identity'>> = {
  '': 'identity',
  identity: 'identity',
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  zlib: 'deflate',
  zstd: 'zstd',
}
const SIZE_SETTING = 'max_request_body_size'
/** What a sender chose is told in so many characters. */
const MAX_ABOUT_CHARS = 100
/**
 * How much more of a refused body is read, in body limits, so that the client gets to read the answer before the
 * connection is cut.
 */
const REFUSED_READ_FACTOR = 4
/** A request's headers must be there by then, and the whole of it. Milliseconds. */
const HEADERS_TIMEOUT_MS = 60_000
const REQUEST_TIMEOUT_MS = 300_000
const TIMEOUTS_CHECK_MS = 5_000
/** A connection that stands still for so long in the middle of a request or of its answer is cut. */
const STALL_TIMEOUT_MS = 60_000

/**
 * Serves connections that it is handed (`server.emit('connection', socket)`); it does not listen itself. `listenHost`:
 * the address that is listened on. `stallTimeoutMs`: see {@link STALL_TIMEOUT_MS}.
 */
export function createHttpServer(
  config: HttpConfig,
  intake: Intake,
  listenHost: () => string,
  stallTimeoutMs = STALL_TIMEOUT_MS,
): http.Server {
  const maxBytes = config.max_request_body_size
  const paths: Readonly<Record<Signal, string>> = {
    traces: config.traces_url_path,
    metrics: config.metrics_url_path,
    logs: config.logs_url_path,
  }
  const signals = new Map(SIGNALS.filter((signal) => intake.has(signal)).map((signal) => [paths[signal], signal]))
  const cors = createCors(config.cors)
  const options: http.ServerOptions = {
    keepAliveTimeout: config.idle_timeout,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUTS_CHECK_MS,
  }
  const server = http.createServer(options, (request, response) => {
    const sender = intake.sender(connectionOf(request), request.headers['user-agent'])
    /** `about`: what the sender chose, for the ledger. */
    const refuseWith = (status: number, reason: string, text: string, about: string): void => {
      intake.refuse(new CollectorError('unimplemented', `${about.slice(0, MAX_ABOUT_CHARS)}: ${text}`), sender, reason)
      refuseText(request, response, status, `${status} ${text}`)
    }
    try {
      checkHost(hostOf(request), listenHost(), 'protocols.http.endpoint')
    } catch (error) {
      return refuseText(request, response, 403, `403 ${intake.refuse(error, sender).message}`)
    }
    const { origin = '', [ANNOUNCEMENT_HEADER]: announced } = request.headers
    if (typeof announced === 'string') sender.announced(announced)
    const preflight = cors(request, response)
    if (preflight === 'allowed') return sender.preflight(origin)
    const noOrigin = 'browsers of this origin may not send; add it to cors.allowed_origins of the receiver'
    if (preflight === 'refused') {
      intake.refuse(new CollectorError('permission_denied', `${origin}: ${noOrigin}`), sender, 'preflight_refused')
      return
    }
    const path = pathOf(request.url ?? '')
    const signal = signals.get(path)
    if (!signal) {
      const known = [...signals.keys()].join(', ')
      const unused = SIGNALS.find((each) => paths[each] === path)
      return unused
        ? refuseWith(404, 'no_pipeline', `no pipeline takes ${unused} from this receiver; it takes ${known}`, path)
        : refuseWith(404, 'not_found', `page not found; this port has ${known}`, path)
    }
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      const isPreflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined
      const text = 'method not allowed, supported: [POST]'
      if (isPreflight) return refuseWith(405, 'preflight_refused', `${text}; ${noOrigin}`, origin)
      return refuseWith(405, 'method_not_allowed', text, `${request.method} ${path}`)
    }
    const encoding = encodingOf(request.headers['content-type'])
    if (!encoding) {
      const text = 'unsupported media type, supported: [application/json, application/x-protobuf]'
      return refuseWith(415, 'unsupported_media_type', text, request.headers['content-type'] ?? 'no content-type')
    }
    const refuse = (thrown: unknown): void => {
      request.resume()
      respondError(response, encoding, intake.refuse(thrown, sender))
    }
    try {
      intake.checkOpen()
      const coding = CODINGS[request.headers['content-encoding']?.toLowerCase() ?? '']
      if (!coding) {
        const name = request.headers['content-encoding']
        throw new CollectorError(
          'invalid_data',
          `unsupported Content-Encoding: ${name}; use gzip, zstd, deflate or none`,
        )
      }
      readBody(request, maxBytes, intake, sender, refuse, (bytes, call) => {
        if (config.include_metadata) call.metadata = metadataOf(request.rawHeaders)
        // A client that leaves now still has what it sent worked on, as far as that cannot be stopped.
        response.once('close', () => call.leave())
        exportBody({ encoding, bytes }, signal, coding, maxBytes, intake, call).then(
          (answer) => respond(response, 200, CONTENT_TYPES[encoding], encodeAnswer(signal, encoding, answer)),
          refuse,
        )
      })
    } catch (error) {
      refuse(error)
    }
  })
  // It is handed its connections, and its timeouts for slow requests begin with this event only.
  server.emit('listening')
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') socket.destroy()
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      refuseConnection(socket, 408, 'the request did not come in time')
    else {
      const text = `not a valid HTTP/1.1 request (${error.code}); this port speaks OTLP/HTTP`
      intake.refuse(new CollectorError('invalid_data', text), intake.sender(socket as Socket), 'wrong_protocol')
      refuseConnection(socket, 400, text)
    }
  })
  cutStalled(server, stallTimeoutMs)
  return server
}

/**
 * Cuts connections on which nothing moves though something should: a body that does not go on, an answer that nobody
 * reads. One that waits for the pipelines, or for its next request where `idle_timeout` is not set, stays.
 */
function cutStalled(server: http.Server, stallTimeoutMs: number): void {
  const exchanges = new WeakMap<Socket, { request: http.IncomingMessage; response: http.ServerResponse }>()
  server.timeout = stallTimeoutMs
  server.on('request', (request, response) => exchanges.set(request.socket, { request, response }))
  server.on('timeout', (socket) => {
    const last = exchanges.get(socket)
    const isAnswered = last?.response.writableEnded ?? true
    if (last?.request.complete === false || socket.writableLength > 0 || (isAnswered && server.keepAliveTimeout > 0)) {
      socket.destroy()
    }
  })
}

async function exportBody(
  { encoding, bytes }: Body,
  signal: Signal,
  coding: ContentCoding | 'identity',
  maxBytes: number,
  intake: Intake,
  call: Call,
): Promise<Partial<ExportResponse>> {
  if (coding === 'identity') return intake.take(signal, { encoding, bytes }, call)
  try {
    const { budget, lease } = call
    const options = { maxBytes, setting: SIZE_SETTING, budget, lease, cancelled: () => call.left }
    const result = decompress(coding, bytes, options)
    const { bytes: message, singleMember } = result instanceof Promise ? await result : result
    if (!singleMember) return await intake.take(signal, { encoding, bytes: message }, call)
    if (encoding === 'protobuf') {
      return await intake.take(signal, { encoding, bytes: message, compressed: { coding: 'gzip', bytes } }, call)
    }
    call.lease.shrink(bytes.length)
    freeBody(bytes)
    return await intake.take(signal, { encoding, bytes: message }, call)
  } finally {
    call.lease.release()
  }
}

/**
 * Reads the whole body. `refuse` is called when it is not taken, and then nothing is held any more; `done` with the
 * bytes and the call that holds them.
 */
function readBody(
  request: http.IncomingMessage,
  maxBytes: number,
  intake: Intake,
  sender: SenderAccount,
  refuse: (error: unknown) => void,
  done: (body: Uint8Array, call: Call) => void,
): void {
  const header = request.headers['content-length']
  const announced = header === undefined ? undefined : Number(header)
  let length = 0
  let over = false
  const giveUp = (error?: unknown): void => {
    if (over) return
    over = true
    body.free()
    call.lease.release()
    if (error !== undefined) refuse(error)
  }
  const call = intake.open(() => giveUp(tooSlow()), sender, request.socket)
  const body = new BodyBuffer(announced, call)
  const tooLarge = (size: string): CollectorError =>
    new CollectorError(
      'too_large',
      `request body too large (${size} bytes, at most ${maxBytes}); send smaller batches or raise ${SIZE_SETTING}`,
    )
  if (announced !== undefined && announced > maxBytes) giveUp(tooLarge(String(announced)))
  request.on('data', (data: Buffer) => {
    length += data.length
    if (over) {
      if (length > maxBytes * REFUSED_READ_FACTOR) request.socket.destroy()
    } else if (length > maxBytes) giveUp(tooLarge(`more than ${maxBytes}`))
    else {
      try {
        body.add(data)
      } catch (error) {
        giveUp(error)
      }
    }
    freeBytes(data)
  })
  request.on('end', () => {
    if (over) return
    over = true
    call.lease.move('body')
    done(body.end(), call)
  })
  // The client went away in the middle of its body: there is nobody to answer.
  request.on('error', () => giveUp())
}

/** What the request is for, over HTTP/1.1 or HTTP/2. */
function hostOf({ headers }: http.IncomingMessage): string | undefined {
  return headers.host ?? (headers as Record<string, string | undefined>)[':authority']
}

/** What its sender is known by: over HTTP/2 the session, as the socket of each request is another object. */
function connectionOf(request: http.IncomingMessage): Socket | Http2Session | undefined {
  return 'stream' in request ? (request as unknown as Http2ServerRequest).stream.session : request.socket
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function encodingOf(contentType: string | undefined): Encoding | undefined {
  if (contentType === undefined) return undefined
  const parameters = contentType.indexOf(';')
  const type = (parameters < 0 ? contentType : contentType.slice(0, parameters)).trim().toLowerCase()
  if (type === CONTENT_TYPES.protobuf) return 'protobuf'
  return type === CONTENT_TYPES.json ? 'json' : undefined
}

function encodeAnswer(signal: Signal, encoding: Encoding, answer: Partial<ExportResponse>): Uint8Array {
  return encoding === 'json' ? Buffer.from(exportResponseToJson(signal, answer)) : encodeExportResponse(answer)
}

function respond(response: http.ServerResponse, status: number, contentType: string, body: Uint8Array): void {
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, { 'content-type': contentType, 'content-length': body.length })
  response.end(body)
}

function respondError(response: http.ServerResponse, encoding: Encoding, error: CollectorError): void {
  const status = statusOf(error)
  const body = {
    code: status.grpc,
    message: error.message,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  }
  if (error.retryAfterMs !== undefined && (status.http === 429 || status.http === 503)) {
    response.setHeader('retry-after', Math.max(1, Math.ceil(error.retryAfterMs / 1000)))
  }
  respond(
    response,
    status.http,
    CONTENT_TYPES[encoding],
    encoding === 'json' ? Buffer.from(statusToJson(body)) : Buffer.from(encodeStatus(body)),
  )
}

function refuseText(request: http.IncomingMessage, response: http.ServerResponse, status: number, text: string): void {
  request.resume()
  respond(response, status, 'text/plain; charset=utf-8', Buffer.from(`${text}\n`))
}
