import type { Socket } from 'node:net'
import {
  type Collector,
  createLogLimiter,
  PROMETHEUS_TYPE,
  prometheusText,
  type Counters,
  type Logger,
} from '@spoor/collector'
import { StorageError, type TraceStore } from '@spoor/storage'
import { type ConnectionError, fastify, type FastifyInstance } from 'fastify'
import { createFailures } from '../api/failure.ts'
import type { CollectorRoutesOptions } from '../api/collector-routes.ts'
import { RequestError } from '../api/params.ts'
import { spoorApi } from '../api/routes.ts'
import { createStoreQueries } from '../api/store-queries.ts'
import type { StatusResponse } from '../api.ts'
import { createProbes, type Probes } from '../doctor/hidden-probes.ts'
import { createFindingsDesk, type FindingsDesk } from '../findings/desk.ts'
import type { Vitals } from '../health.ts'
import { createQueryGrpc } from '../jaeger/grpc/server.ts'
import { jaegerApi } from '../jaeger/routes.ts'
import { jaegerV3Api } from '../jaeger/v3.ts'
import { Reports } from '../report/reports.ts'
import { tempoApi } from '../tempo/routes.ts'
import { createAnswerBudget, type SharedBudget } from './answer-budget.ts'
import { compressForRemote } from './compress.ts'
import { healthRoutes } from './health-routes.ts'
import { hostAllowed, isLoopback } from './host-check.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { METRICS } from './metric-catalogue.ts'
import { createMisdirected } from './misdirected.ts'
import { servePage } from './page.ts'
import { limitQueries } from './query-call.ts'

export interface QueryServerOptions {
  /** The host that is listened on; decides which `Host` headers are answered. */
  readonly host: string
  readonly vitals: () => Vitals
  /** Asked by every query; undefined until the store is open. */
  readonly store: () => TraceStore | undefined
  readonly counters: Counters
  readonly logger: Logger
  readonly status: () => Promise<StatusResponse>
  readonly collector: CollectorRoutesOptions['collector'] & Pick<Collector, 'door'>
  /** Where the built page is. Default: `page/` of this package. */
  readonly pageFolder?: string
  /** What answers take their bytes from, besides this server's own bound of 128 MiB: the collector's budget. Default: that bound alone. */
  readonly budget?: SharedBudget
  /** A client must have sent its headers so long after it connected, in milliseconds. Default 10,000. */
  readonly headersTimeoutMs?: number
  /** Jaeger's query services over gRPC: the port, 0 for a free one; `listening` hears of the address. Default: none. */
  readonly grpc?: { readonly port: number; readonly listening: (address: string) => void } | undefined
  /** Whether the doctor has sent something. Default: what is in the store. */
  readonly probes?: Probes
  /** What traces show together; closed by whoever made it. Default: one of this server's own, that looks when it is asked. */
  readonly findings?: FindingsDesk
  /** How many queries are answered at a time. Default: those of `lanes.ts`. */
  readonly lanes?: Lanes
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
 * Everything on the page's port: the page, Spoor's API, Jaeger's APIs, Tempo's below `/tempo`, `/metrics`, `/health` and `/ready`. No CORS: pages of other sites get
 * nothing. It may listen before the store is open: queries are answered with 503 until then.
 */
export async function createQueryServer(options: QueryServerOptions): Promise<FastifyInstance> {
  const { host, vitals, counters, logger, status, headersTimeoutMs = HEADERS_TIMEOUT_MS } = options
  const { collector } = options
  const misdirected = createMisdirected(collector.door('page', 'http'))
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
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 },
    clientErrorHandler(error, socket) {
      misdirected.connection(error, socket)
      answerBadRequest(error, socket)
    },
  })

  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) misdirected.request(request.raw)
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
    return undefined
  })
  app.addHook('onSend', compressForRemote)
  const lanes = options.lanes ?? createLanes(counters)
  const budget = createAnswerBudget(undefined, options.budget)
  limitQueries(app, lanes, budget)

  const store = createStoreQueries(() => openStore(vitals(), options.store()), options.probes ?? createProbes())
  const failures = createFailures(logger)
  const reports = new Reports()
  app.addHook('onClose', () => reports.close())
  const findings = options.findings ?? createFindingsDesk({ store, spansSoFar: () => undefined, counters })
  if (!options.findings) app.addHook('onClose', () => findings.close())
  app.setErrorHandler((error, _, reply) =>
    failures.answer(reply, error, ({ message }) => ({ type: 'text/plain; charset=utf-8', body: `${message}\n` })),
  )
  const api = spoorApi({ store, reports, findings, status, failures, collector, isLocal: isLoopback(host) })
  await app.register(api, { prefix: '/api/spoor/v1' })
  await app.register(jaegerV3Api(store, failures), { prefix: '/api/v3' })
  await app.register(jaegerApi(store, failures), { prefix: '/api' })
  const isReady = (): boolean => vitals().phase === 'running'
  await app.register(tempoApi({ store, failures, isReady }), { prefix: '/tempo' })
  if (options.grpc) {
    const { port, listening } = options.grpc
    const door = collector.door('queries', 'grpc')
    const grpc = createQueryGrpc({ host, port, store, failures, lanes, budget, isReady, door })
    app.addHook('onReady', async () => {
      await grpc.start()
      listening(grpc.address)
    })
    app.addHook('preClose', () => grpc.stop())
  }
  healthRoutes(app, vitals)
  app.get('/metrics', async (_, reply) =>
    reply.type(PROMETHEUS_TYPE).send(await prometheusText(counters, { catalogue: METRICS })),
  )
  const page = await servePage(app, options.pageFolder)
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!
    // A missing file must be an error: an old page that gets HTML for its script fails without a word.
    const isPage =
      (request.method === 'GET' || request.method === 'HEAD') &&
      !/^\/(?:assets|api|analytics)\/|\.(?:js|css|map|json|svg|png|ico|woff2?)$/.test(path)
    return isPage ? page.send(reply) : reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n')
  })
  const limited = createLogLimiter(logger, 10_000)
  app.server.on('drop', () => limited.warn('drop', {}, 'connections to the page’s port are dropped: too many are open'))
  return app
}

function openStore({ phase }: Vitals, store: TraceStore | undefined): TraceStore {
  if (store) return store
  const message =
    phase === 'starting' ? 'Spoor is starting: the store is being opened; try again soon' : 'the store is not open'
  throw new StorageError('closed', message)
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
