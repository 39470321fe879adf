/** How every service of the example listens, says so, and ends. */
import { once } from 'node:events'
import { createServer, IncomingMessage } from 'node:http'
import type { IncomingHttpHeaders, RequestListener, Server, ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
import { fault, happens } from './faults.ts'
import { tellGarbage } from './garbage.ts'

/** A service that is running. */
export interface Running {
  readonly url: string
  /** Takes no new request, lets the ones under way finish, then resolves. Safe to call twice. */
  stop(): Promise<void>
}

/** What a service is, for {@link serve}. */
export interface ServeOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Runs after the last request has been answered, such as work that goes on after an answer. */
  readonly drain?: () => Promise<void>
}

/** The address that services listen on: `SERVICE_HOST`, as `0.0.0.0` in a container, else 127.0.0.1. */
export function serviceHost(): string {
  return process.env['SERVICE_HOST'] || '127.0.0.1'
}

/** A request as it comes to a service, which may be broken: it does not tell of who calls. */
class ServiceRequest extends IncomingMessage {}
// Node reads them when they are asked for first: by instrumentation, before any handler and any event of the server.
Object.defineProperty(ServiceRequest.prototype, 'headers', {
  get(this: IncomingMessage) {
    const headers: IncomingHttpHeaders = Reflect.get(IncomingMessage.prototype, 'headers', this)
    if (fault('lost_context')) delete headers['traceparent']
    return headers
  },
  set(this: IncomingMessage, headers: IncomingHttpHeaders) {
    Reflect.set(IncomingMessage.prototype, 'headers', headers, this)
  },
})

/** The HTTP server of a service, for {@link serve}. */
export function createServiceServer(handle: RequestListener): Server {
  return createServer({ IncomingMessage: ServiceRequest }, handle)
}

/** Listens on {@link serviceHost}. @throws When the port is taken. */
export async function serve(server: Server, { port, drain }: ServeOptions): Promise<Running> {
  breakRequests(server)
  const letGo = closeKept(server)
  const host = serviceHost()
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    letGo()
    await closed
    await drain?.()
  }
  return { url: `http://${isIPv6(host) ? `[${host}]` : host}:${address.port}`, stop: () => (stopping ??= stop()) }
}

/**
 * Node closes a connection with the answer that is under way on it once its server is closed, but not where the head of
 * that answer had gone before: such a one would be kept, and take one request after the other.
 *
 * @returns From now on they are closed, too; those that are idle at once.
 */
function closeKept(server: Server): () => void {
  let closing = false
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.once('close', () => {
      if (closing) setImmediate(() => server.closeIdleConnections())
    })
  })
  return () => {
    closing = true
    server.closeIdleConnections()
  }
}

/** A fault that any service may have: requests that fail, after instrumentation has seen them, so that it is in their spans. */
function breakRequests(server: Server): void {
  const handlers = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    tellGarbage(response)
    const { percent = 0 } = fault('errors') ?? {}
    if (request.url === '/health' || !happens(percent)) {
      for (const handle of handlers) Reflect.apply(handle, server, [request, response])
      return
    }
    request.resume()
    response.writeHead(500, { 'content-type': 'application/json' })
    response.end('{"error":{"code":"failed","message":"the disk is full"}}')
  })
}

/**
 * Starts a service as this process's main thing: one line when it listens, a clear end with exit code 1 when it cannot,
 * and an orderly stop on SIGINT and SIGTERM. Ending the process is left to Node, once nothing is open any more.
 */
export async function runService(name: string, start: () => Promise<Running>): Promise<void> {
  try {
    const running = await start()
    console.log(`${name} listens on ${running.url}`)
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        running.stop().catch((error: unknown) => {
          console.error(`${name} did not stop in order: ${String(error)}`)
          process.exitCode = 1
        })
      })
  } catch (error) {
    console.error(`${name} cannot start: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
