/**
 * A server of HTTP on bare node:http, up to the handler of a path: what every receiver that takes data over HTTP does with a
 * request, in the order of the OpenTelemetry Collector's confighttp.
 */
import http from 'node:http'
import type { Socket } from 'node:net'
import { statusOf, type CollectorError } from '../component/index.ts'
import { refuseConnection } from './bad-request.ts'
import type { CorsConfig } from './config.ts'
import { createCors } from './cors.ts'
import { checkHost } from './host-check.ts'
import type { Intake } from './intake.ts'

/** A request's headers must be there by then, and the whole of it. Milliseconds. */
const HEADERS_TIMEOUT_MS = 60_000
const REQUEST_TIMEOUT_MS = 300_000
const TIMEOUTS_CHECK_MS = 5_000
/** A connection that stands still for so long in the middle of a request or of its answer is cut. */
const STALL_TIMEOUT_MS = 60_000

/** Answers a POST to its path. */
export type HttpHandler = (request: http.IncomingMessage, response: http.ServerResponse) => void

export interface HttpServerOptions {
  readonly cors: CorsConfig | undefined
  /** Milliseconds; 0: without limit. */
  readonly idleTimeoutMs: number
  readonly intake: Intake
  /** The address that is listened on, without port. */
  readonly listenHost: () => string
  /** What the port speaks, for errors: `OTLP/HTTP`. */
  readonly speaks: string
  /** The key that opens the port to others, for the error. */
  readonly endpointSetting: string
  /** By path, without a slash at its end: one more there is taken as well. */
  readonly handlers: ReadonlyMap<string, HttpHandler>
  /** See {@link STALL_TIMEOUT_MS}. */
  readonly stallTimeoutMs?: number
}

/** Serves connections that it is handed (`server.emit('connection', socket)`); it does not listen itself. */
export function createHttpServer(options: HttpServerOptions): http.Server {
  const { intake, listenHost, endpointSetting, handlers } = options
  const cors = createCors(options.cors)
  const timeouts: http.ServerOptions = {
    keepAliveTimeout: options.idleTimeoutMs,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUTS_CHECK_MS,
  }
  const server = http.createServer(timeouts, (request, response) => {
    try {
      checkHost(hostOf(request), listenHost(), endpointSetting)
    } catch (error) {
      return refuseText(request, response, 403, `403 ${intake.refuse(error).message}`)
    }
    if (cors(request, response)) return
    const path = pathOf(request.url ?? '')
    const handler = handlers.get(path) ?? handlers.get(path.replace(/\/+$/, ''))
    if (!handler) {
      return refuseText(request, response, 404, `404 page not found; this port has ${[...handlers.keys()].join(', ')}`)
    }
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      return refuseText(request, response, 405, '405 method not allowed, supported: [POST]')
    }
    handler(request, response)
  })
  // It is handed its connections, and its timeouts for slow requests begin with this event only.
  server.emit('listening')
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') socket.destroy()
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      refuseConnection(socket, 408, 'the request did not come in time')
    else
      refuseConnection(socket, 400, `not a valid HTTP/1.1 request (${error.code}); this port speaks ${options.speaks}`)
  })
  cutStalled(server, options.stallTimeoutMs ?? STALL_TIMEOUT_MS)
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

/** What the request is for, over HTTP/1.1 or HTTP/2. */
function hostOf({ headers }: http.IncomingMessage): string | undefined {
  return headers.host ?? (headers as Record<string, string | undefined>)[':authority']
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
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

/** Answers with a line of text, and reads no further than it must. */
export function refuseText(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  status: number,
  text: string,
): void {
  request.resume()
  respond(response, status, 'text/plain; charset=utf-8', Buffer.from(`${text}\n`))
}
