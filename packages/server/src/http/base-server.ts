/** What is the same on every port of Spoor's own: limits of requests, names that are answered, health and metrics. */
import type { Socket } from 'node:net'
import {
  type Collector,
  createLogLimiter,
  PROMETHEUS_TYPE,
  prometheusText,
  type Counters,
  type Logger,
} from '@spoor/collector'
import { type ConnectionError, fastify, type FastifyInstance } from 'fastify'
import { RequestError } from '../api/params.ts'
import type { Vitals } from '../health.ts'
import { healthRoutes } from './health-routes.ts'
import { hostAllowed } from './host-check.ts'
import { METRICS } from './metric-catalogue.ts'
import { createMisdirected } from './misdirected.ts'
import { unrouted } from './no-route.ts'

export interface BaseServerOptions {
  /** The host that is listened on; decides which `Host` headers are answered. */
  readonly host: string
  readonly vitals: () => Vitals
  readonly counters: Counters
  readonly logger: Logger
  readonly collector: Pick<Collector, 'door'>
  /** A client must have sent its headers so long after it connected, in milliseconds. Default 10,000. */
  readonly headersTimeoutMs?: number
  /** Whether a metric is shown. Default: each is. */
  readonly hasMetric?: (name: string) => boolean
}

/** A request line and its headers together. Bytes; beyond it 431. */
const MAX_HEADER_BYTES = 16 * 1024
/** A client must have sent its headers, and its whole request, so many milliseconds after it connected or began; beyond it 408. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 15_000
/** How often it is looked for those who have not: often, so that of thousands few are closed in one turn. Milliseconds. */
const TIMEOUTS_CHECK_MS = 250
/** Every route but these is refused while Spoor stops. */
const ANSWERED_WHILE_STOPPING =
  /^\/(?:health|healthz|livez|ready|readyz|metrics|-\/(?:healthy|ready)|api\/spoor\/v1\/(?:status|pipelines))$/

/**
 * No route has a schema: what is asked is read by `api/parameters.ts`. Fastify would load what compiles schemas, and half of its own code is that, before the first
 * route is there.
 */
const NO_SCHEMAS = { compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema } }

function refuseSchema(): never {
  throw new Error('a route cannot have a schema here: the code for them is not loaded')
}

/** A server with `/health`, `/ready` and `/metrics`, and no route else. It listens when it is told to. */
export function createBaseServer(options: BaseServerOptions, name: string): FastifyInstance {
  const { host, vitals, counters, logger, collector, headersTimeoutMs = HEADERS_TIMEOUT_MS, hasMetric } = options
  const misdirected = createMisdirected(collector.door(name, 'http'))
  const app: FastifyInstance = fastify({
    // A connection that stays idle is closed so that stop() need not wait for it.
    keepAliveTimeout: 5_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: Math.min(TIMEOUTS_CHECK_MS, headersTimeoutMs / 5),
    },
    forceCloseConnections: 'idle',
    // Its answer would name neither Spoor nor the time to come again.
    return503OnClosing: false,
    schemaController: NO_SCHEMAS,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 },
    clientErrorHandler(error, socket) {
      misdirected.connection(error, socket)
      answerBadRequest(error, socket)
    },
  })

  app.addHook('onRequest', async (request, reply) => {
    const without = request.is404 ? unrouted(request) : undefined
    if (request.is404 && !without?.isKnownPath) misdirected.request(request.raw)
    if (!hostAllowed(request.headers.host, host)) {
      const message = `this Spoor answers only to the names of its own machine (localhost, 127.0.0.1), not to "${request.headers.host ?? ''}"; start it with --host to open it to others`
      return reply.code(421).type('text/plain; charset=utf-8').send(`${message}\n`)
    }
    reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'x-frame-options': 'SAMEORIGIN',
    })
    if (vitals().phase === 'stopping' && !ANSWERED_WHILE_STOPPING.test(request.url.split('?')[0]!)) {
      void reply.header('connection', 'close')
      throw new RequestError(503, 'stopping', 'Spoor is stopping and answers nothing any more; try again when it runs')
    }
    // Before a body is read.
    return without?.answer(reply)
  })
  healthRoutes(app, vitals)
  const shown: Counters = hasMetric
    ? { ...counters, snapshot: () => counters.snapshot().filter((sample) => hasMetric(sample.name)) }
    : counters
  app.get('/metrics', async (_, reply) =>
    reply.type(PROMETHEUS_TYPE).send(await prometheusText(shown, { catalogue: METRICS })),
  )
  const limited = createLogLimiter(logger, 10_000)
  app.server.on('drop', () =>
    limited.warn('drop', {}, `connections to the ${name}’s port are dropped: too many are open`),
  )
  return app
}

const BAD_REQUESTS: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    `the address and headers of the request are longer than ${MAX_HEADER_BYTES} bytes; ask with a shorter query`,
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request was not complete in time; send it at once'],
}

/** What cannot be read as a request is answered in words, on the socket itself: there is no request to answer. */
function answerBadRequest(error: ConnectionError, socket: Socket): void {
  // Who has said nothing is told nothing: an answer costs more than all else.
  if (error.code === 'ECONNRESET' || socket.bytesRead === 0 || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, message] = BAD_REQUESTS[error.code] ?? ['400 Bad Request', 'this is not an HTTP/1.1 request']
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(message) + 1}\r\nConnection: close\r\n\r\n`
  socket.end(`${head}${message}\n`, () => socket.destroy())
}
