/**
 * A server of HTTP on bare node:http, up to the handler of a path: what every receiver that takes data over HTTP does with a
 * request, in the order of the OpenTelemetry Collector's confighttp.
 */
import type http from 'node:http'
import type { Http2ServerRequest, Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Signal } from '@spoor/otlp'
import {
  ANNOUNCEMENT_HEADER,
  REPORT_HEADER,
  REPORTS_HEADER,
  REPORTS_VERSION,
  CollectorError,
  statusOf,
  type AuthData,
  type SenderAccount,
  type HttpFigures,
  type RefusalFacts,
} from '../component/index.ts'
import { admit, credentialsOf, schemeOf, type Admission } from './admit.ts'
import { refuseConnection } from './bad-request.ts'
import type { CorsConfig, HttpServerConfig } from './config.ts'
import { createCors, isPreflight } from './cors.ts'
import { checkHost } from './host-check.ts'
import type { Intake } from './intake.ts'

/** A request's headers must be there by then, and the whole of it. Milliseconds. */
const HEADERS_TIMEOUT_MS = 60_000
const REQUEST_TIMEOUT_MS = 300_000
/** How often it is looked for those that are not: often, so that of thousands few are refused in one turn. */
const TIMEOUTS_CHECK_MS = 250
/** A connection that stands still for so long in the middle of a request or of its answer is cut. */
const STALL_TIMEOUT_MS = 60_000
/** What a sender chose is told in so many characters. */
const MAX_ABOUT_CHARS = 100
const NO_ORIGIN = 'browsers of this origin may not send; add it to cors.allowed_origins of the receiver'

/** A request over HTTP, of whichever version, and its answer. */
export interface Exchange {
  readonly request: http.IncomingMessage
  readonly response: http.ServerResponse
  readonly sender: SenderAccount
  /** Whether it is of a page whose origin may send: what a browser sends without asking first has nothing else that says so. */
  readonly isOfAllowedOrigin: boolean
  /** Who sent it, where that is asked for. */
  auth: AuthData | undefined
  /** Bytes of the body that have come, compressed as they may be. */
  received: number
  /** The whole body must be there by then: milliseconds, as `performance.now()`. */
  readonly readBy: number
}

/** Answers a POST to its path. */
export type HttpHandler = (exchange: Exchange) => void

/** What a receiver has at its paths; each without a slash at its end: with one it is the same. */
export interface HttpService {
  readonly handlers: ReadonlyMap<string, HttpHandler>
  /** Paths that would be served if the pipelines were others: of which signal, and what is then to be told. */
  readonly unused: ReadonlyMap<string, { readonly signal: Signal; readonly text: string }>
}

/** What of its config the server itself heeds. */
export type HttpBehaviour = Pick<
  HttpServerConfig,
  'idle_timeout' | 'keepalive' | 'keep_alives_enabled' | 'read_header_timeout' | 'read_timeout' | 'response_headers'
>

export interface HttpServerOptions {
  readonly cors: CorsConfig | undefined
  readonly behaviour: HttpBehaviour
  readonly intake: Intake
  /** The address that is listened on, without port. */
  readonly listenHost: () => string
  /** What the port speaks, for errors: `OTLP/HTTP`. */
  readonly speaks: string
  /** The key that opens the port to others, for the error. */
  readonly endpointSetting: string
  readonly service: HttpService
  /** Hears of each request that has its answer, or is cut. */
  readonly observe?: ((figures: HttpFigures) => void) | undefined
  readonly admission: Admission | undefined
  /** Whether no further request is to come on the connection of one that is answered now. */
  readonly isLast: () => boolean
  /** See {@link STALL_TIMEOUT_MS}. */
  readonly stallTimeoutMs?: number
}

/** Serves connections that it is handed (`server.emit('connection', socket)`); it does not listen itself. */
export function createHttpServer(options: HttpServerOptions): http.Server {
  const { intake, listenHost, endpointSetting, admission } = options
  const { handlers, unused } = options.service
  const cors = createCors(options.cors)
  const { behaviour } = options
  const { idle_timeout: idleMs, enabled: isKept } = behaviour.keepalive ?? {
    idle_timeout: behaviour.idle_timeout,
    enabled: behaviour.keep_alives_enabled,
  }
  const responseHeaders = Object.entries(behaviour.response_headers)
  const requestMs = behaviour.read_timeout || REQUEST_TIMEOUT_MS
  const timeouts: http.ServerOptions = {
    keepAliveTimeout: idleMs,
    headersTimeout: Math.min(behaviour.read_header_timeout || HEADERS_TIMEOUT_MS, requestMs),
    requestTimeout: requestMs,
    connectionsCheckingInterval: TIMEOUTS_CHECK_MS,
  }
  // An import would evaluate all that node:http exports, fetch and WebSocket as well: a tenth of a start.
  const server = process.getBuiltinModule('node:http').createServer(timeouts, (request, response) => {
    for (const [name, value] of responseHeaders) response.setHeader(name, value)
    if ((!isKept || options.isLast()) && request.httpVersionMajor < 2) response.setHeader('connection', 'close')
    const sender = intake.sender(connectionOf(request), request.headers['user-agent'])
    try {
      checkHost(hostOf(request), listenHost(), endpointSetting)
    } catch (error) {
      return refuseText(
        request,
        response,
        403,
        `403 ${intake.refuse(error, sender, undefined, factsOf(request)).message}`,
      )
    }
    const { origin = '' } = request.headers
    const crossing = cors(request, response)
    if (crossing === 'preflight_allowed') return sender.preflight(origin)
    if (crossing === 'preflight_refused') {
      const error = new CollectorError('permission_denied', `${origin}: ${NO_ORIGIN}`)
      intake.refuse(error, sender, 'preflight_refused', factsOf(request))
      return
    }
    const exchange: Exchange = {
      request,
      response,
      sender,
      isOfAllowedOrigin: crossing === 'may_send',
      auth: undefined,
      received: 0,
      readBy: performance.now() + requestMs,
    }
    if (options.observe) observe(exchange, handlers, options.observe)
    if (!admission) return serve(exchange, origin)
    admit(
      admission,
      credentialsOf(request.headers, request.url ?? '', admission.requestParams),
      (auth) => {
        exchange.auth = auth
        serve(exchange, origin)
      },
      (thrown) => {
        const error = intake.refuse(thrown, sender, undefined, factsOf(request))
        const status = refusalStatus(response, error)
        if (status === 401) response.setHeader('www-authenticate', admission.authenticator.challenge)
        refuseText(request, response, status, `${status} ${error.message}`)
      },
    )
  })
  const serve = (exchange: Exchange, origin: string): void => {
    const { request, response, sender } = exchange
    // The client may have left while it was looked at who it is.
    if (response.destroyed) return
    const announced = request.headers[ANNOUNCEMENT_HEADER]
    if (typeof announced === 'string') sender.announced(announced)
    const path = pathOf(request.url ?? '')
    const handler = handlers.get(path)
    if (!handler) {
      const known = [...handlers.keys()].join(', ')
      const why = unused.get(path)
      return why === undefined
        ? refuseRequest(exchange, intake, 404, 'not_found', `page not found; this port has ${known}`, path)
        : refuseRequest(exchange, intake, 404, 'no_pipeline', `${why.text}; it takes ${known}`, path, why.signal)
    }
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      const text = 'method not allowed, supported: [POST]'
      if (isPreflight(request))
        return refuseRequest(exchange, intake, 405, 'preflight_refused', `${text}; ${NO_ORIGIN}`, origin)
      return refuseRequest(exchange, intake, 405, 'method_not_allowed', text, `${request.method} ${path}`)
    }
    const report = request.headers[REPORT_HEADER]
    if (typeof report === 'string') sender.reported(report)
    response.setHeader(REPORTS_HEADER, REPORTS_VERSION)
    handler(exchange)
  }
  // It is handed its connections, and its timeouts for slow requests begin with this event only.
  server.emit('listening')
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') socket.destroy()
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      refuseConnection(socket, 408, 'the request did not come in time')
    else {
      const text = `not a valid HTTP/1.1 request (${error.code}); this port speaks ${options.speaks}`
      intake.refuse(new CollectorError('invalid_data', text), intake.sender(socket as Socket), 'wrong_protocol')
      refuseConnection(socket, 400, text)
    }
  })
  cutStalled(server, options.stallTimeoutMs ?? STALL_TIMEOUT_MS)
  return server
}

/** Tells of the request once it is over. */
function observe(
  exchange: Exchange,
  handlers: HttpService['handlers'],
  tell: NonNullable<HttpServerOptions['observe']>,
): void {
  const { request, response } = exchange
  const beganMs = performance.now()
  const path = pathOf(request.url ?? '')
  response.once('close', () =>
    tell({
      method: request.method ?? '',
      outcome: response.headersSent ? response.statusCode : 'canceled',
      route: handlers.has(path) ? path : undefined,
      version: request.httpVersion,
      durationMs: performance.now() - beganMs,
      requestBytes: exchange.received,
      responseBytes: Number(response.getHeader('content-length') ?? 0),
    }),
  )
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

/** What its sender chose, for whoever tells it how to do better. */
export function factsOf(request: http.IncomingMessage): RefusalFacts {
  const { origin, authorization, 'content-type': contentType, 'content-encoding': contentEncoding } = request.headers
  return {
    method: request.method,
    path: pathOf(request.url ?? ''),
    authority: hostOf(request),
    origin,
    contentType,
    contentEncoding,
    credentials: schemeOf(authorization),
  }
}

/** What the request is for, over HTTP/1.1 or HTTP/2. */
function hostOf({ headers }: http.IncomingMessage): string | undefined {
  return headers.host ?? (headers as Record<string, string | undefined>)[':authority']
}

/** What its sender is known by: over HTTP/2 the session, as the socket of each request is another object. */
function connectionOf(request: http.IncomingMessage): Socket | Http2Session | undefined {
  return 'stream' in request ? (request as unknown as Http2ServerRequest).stream.session : request.socket
}

/** Without the query and a slash at its end. */
function pathOf(url: string): string {
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  return path.endsWith('/') && path.length > 1 ? path.slice(0, -1) : path
}

/** Answers, where the client is still there. */
export function respond(response: http.ServerResponse, status: number, contentType: string, body: Uint8Array): void {
  if (response.destroyed || response.headersSent) return
  response.writeHead(status, { 'content-type': contentType, 'content-length': body.length })
  response.end(body)
}

/** The HTTP status of a refusal; sets `Retry-After` where the client may come again. */
export function refusalStatus(response: http.ServerResponse, error: CollectorError): number {
  const { http: status } = statusOf(error)
  if (error.retryAfterMs !== undefined && (status === 429 || status === 503) && !response.headersSent) {
    response.setHeader('retry-after', Math.max(1, Math.ceil(error.retryAfterMs / 1000)))
  }
  return status
}

/** Refuses with a line of text, and accounts for it. `about`: what the sender chose, for the ledger. */
export function refuseRequest(
  { request, response, sender }: Exchange,
  intake: Intake,
  status: number,
  reason: string,
  text: string,
  about: string,
  signal?: Signal,
): void {
  const error = new CollectorError('unimplemented', `${about.slice(0, MAX_ABOUT_CHARS)}: ${text}`)
  intake.refuse(error, sender, reason, { ...factsOf(request), signal })
  refuseText(request, response, status, `${status} ${text}`)
}

function refuseText(request: http.IncomingMessage, response: http.ServerResponse, status: number, text: string): void {
  request.resume()
  respond(response, status, 'text/plain; charset=utf-8', Buffer.from(`${text}\n`))
}
