/** A gRPC server for calls whose requests are small, without TLS: for probes of this machine or cluster, and queries. */
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import {
  CollectorError,
  formatHostPort,
  listenError,
  parseHostPort,
  toCollectorError,
  type RefusalFacts,
} from '../component/index.ts'
import { respondError, RESPONSE_HEADERS } from '../receiver-helper/grpc-call.ts'
import { serveStream, type StreamHandler } from '../receiver-helper/grpc-stream.ts'
import { checkHost } from '../receiver-helper/host-check.ts'
import type { HttpEndpoint } from './http-endpoint.ts'

/** A call whose message does not come is cut. Milliseconds. */
const STALL_MS = 5_000
/** What a call may take to end when the endpoint stops. Milliseconds. */
const LINGER_MS = 200

/**
 * `endpoint`: `host:port`. `handlers`: by path; others are UNIMPLEMENTED. Other hosts than this machine's are refused where it listens on loopback;
 * `setting` opens it to others. `refused` hears of calls that there are not, and of connections that are none of HTTP/2.
 */
export function createGrpcEndpoint(
  endpoint: string,
  handlers: ReadonlyMap<string, StreamHandler>,
  setting = 'endpoint',
  refused: (session: http2.Http2Session, facts: RefusalFacts, userAgent?: string) => void = () => {},
): Omit<HttpEndpoint, 'refresh'> {
  const { host, port } = parseHostPort(endpoint)
  const listenHost = host === 'localhost' ? '127.0.0.1' : host
  const sessions = new Set<http2.ServerHttp2Session>()
  const server = http2.createServer()
  let address = ''
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {
      refused(session, { wants: 'http' })
      session.destroy()
    })
    session.once('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    // The client's resets; there is nobody left to answer.
    stream.on('error', () => {})
    stream.setTimeout(STALL_MS, () => stream.close(http2.constants.NGHTTP2_CANCEL))
    const path = headers[':path'] ?? ''
    try {
      checkHost(headers[':authority'], listenHost, setting)
      const handler = handlers.get(path)
      if (!handler) {
        if (stream.session)
          refused(stream.session, { path, authority: headers[':authority'], wants: 'grpc' }, headers['user-agent'])
        throw new CollectorError(
          'unimplemented',
          `unknown method ${path}; there are ${[...handlers.keys()].join(', ')}`,
        )
      }
      serveStream(stream, headers, RESPONSE_HEADERS, handler)
    } catch (error) {
      stream.resume()
      respondError(stream, toCollectorError(error))
    }
  })
  return {
    get address() {
      return address
    },
    async start() {
      await new Promise<void>((resolve, reject) => {
        // Also later, when a connection cannot be taken: it is the client's then, and no end of the process.
        server.on('error', (error: NodeJS.ErrnoException) => reject(listenError(endpoint, error)))
        server.listen({ port, ...(listenHost === '' ? {} : { host: listenHost }) }, resolve)
      })
      const bound = server.address() as AddressInfo
      address = formatHostPort(bound.address, bound.port)
    },
    async stop() {
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const session of sessions) session.close()
      const timer = setTimeout(() => sessions.forEach((session) => session.destroy()), LINGER_MS)
      await closed
      clearTimeout(timer)
    },
  }
}
