/**
 * Answers for clients that came to the wrong port, each in its own protocol, naming what this port speaks and where the
 * other one is. Each is counted (`otelcol_receiver_requests` with outcome `wrong_protocol`), and logged once a minute
 * at most.
 */
import http from 'node:http'
import http2 from 'node:http2'
import { CollectorError, createLogLimiter, type Context } from '../../component/index.ts'
import { refuseConnection } from './bad-request.ts'
import type { Transport } from './intake.ts'
import { respondError, respondText } from './grpc.ts'

const LOG_INTERVAL_MS = 60_000

/** Tells of a client with the wrong protocol: counted always, logged once a minute at most. */
export type Report = (transport: Transport, message: string) => void

export function createReport(context: Context): Report {
  const log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
  return (transport, message) => {
    context.counters.counter('otelcol_receiver_requests', {
      receiver: context.id,
      transport,
      outcome: 'wrong_protocol',
    }).value++
    log.warn(message, { component: context.id, transport }, message)
  }
}

/** For the gRPC port: answers HTTP/1 requests with 400 and the right address. */
export function createHttp1Refusal(hint: () => string, report: Report): http.Server {
  const text = (): string => `this port speaks OTLP/gRPC (HTTP/2), and an HTTP/1 request came; ${hint()}`
  const server = http.createServer((request, response) => {
    report('grpc', text())
    request.resume()
    response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' }).end(`400 ${text()}\n`)
  })
  // As for the server proper: its timeouts begin with this event.
  server.emit('listening')
  server.on('clientError', (_error, socket) => {
    report('grpc', 'bytes that are neither HTTP/2 nor HTTP/1 came to the OTLP/gRPC port')
    refuseConnection(socket, 400, `this port speaks OTLP/gRPC (HTTP/2), and this is neither that nor HTTP/1; ${hint()}`)
  })
  return server
}

/** For the HTTP port: answers gRPC calls with UNIMPLEMENTED and the right address, other HTTP/2 requests with 400. */
export function createHttp2Refusal(hint: () => string, report: Report): http2.Http2Server {
  const server = http2.createServer()
  server.on('session', (session) => session.on('error', () => session.destroy()))
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    stream.resume()
    const text = `this port speaks OTLP/HTTP (HTTP/1.1), and a gRPC or HTTP/2 request came; ${hint()}`
    report('http', text)
    if (headers['content-type']?.startsWith('application/grpc')) {
      respondError(stream, new CollectorError('unimplemented', text))
    } else {
      respondText(stream, 400, text)
    }
  })
  return server
}
