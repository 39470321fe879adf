import type { Collector } from '@spoor/collector'
import { StorageError, type TraceStore } from '@spoor/storage'
import type { FastifyInstance } from 'fastify'
import { createFailures } from '../api/failure.ts'
import type { CollectorRoutesOptions } from '../api/collector-routes.ts'
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
import { type BaseServerOptions, createBaseServer } from './base-server.ts'
import { compressForRemote } from './compress.ts'
import { isLoopback } from './host-check.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { servePage } from './page.ts'
import { limitQueries } from './query-call.ts'

export interface QueryServerOptions extends BaseServerOptions {
  /** Asked by every query; undefined until the store is open. */
  readonly store: () => TraceStore | undefined
  readonly status: () => Promise<StatusResponse>
  readonly collector: CollectorRoutesOptions['collector'] & Pick<Collector, 'door'>
  /** Where the built page is. Default: `page/` of this package. */
  readonly pageFolder?: string
  /** What answers take their bytes from, besides this server's own bound of 128 MiB: the collector's budget. Default: that bound alone. */
  readonly budget?: SharedBudget
  /** Jaeger's query services over gRPC: the port, 0 for a free one; `listening` hears of the address. Default: none. */
  readonly grpc?: { readonly port: number; readonly listening: (address: string) => void } | undefined
  /** Whether the doctor has sent something. Default: what is in the store. */
  readonly probes?: Probes
  /** What traces show together; closed by whoever made it. Default: one of this server's own, that looks when it is asked. */
  readonly findings?: FindingsDesk
  /** How many queries are answered at a time. Default: those of `lanes.ts`. */
  readonly lanes?: Lanes
}

/**
 * Everything on the page's port: the page, Spoor's API, Jaeger's APIs, Tempo's below `/tempo`, `/metrics`, `/health` and `/ready`. No CORS: pages of other sites get
 * nothing. It may listen before the store is open: queries are answered with 503 until then.
 */
export async function createQueryServer(options: QueryServerOptions): Promise<FastifyInstance> {
  const { host, vitals, counters, logger, status, collector } = options
  const app = createBaseServer(options, 'page')
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
  const page = await servePage(app, options.pageFolder)
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!
    // A missing file must be an error: an old page that gets HTML for its script fails without a word.
    const isPage =
      (request.method === 'GET' || request.method === 'HEAD') &&
      !/^\/(?:assets|api|analytics)\/|\.(?:js|css|map|json|svg|png|ico|woff2?)$/.test(path)
    return isPage ? page.send(reply) : reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n')
  })
  return app
}

function openStore({ phase }: Vitals, store: TraceStore | undefined): TraceStore {
  if (store) return store
  const message =
    phase === 'starting' ? 'Spoor is starting: the store is being opened; try again soon' : 'the store is not open'
  throw new StorageError('closed', message)
}
