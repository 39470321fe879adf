import type { Counters, Logger } from '@spoor/collector'
import type { TraceStore } from '@spoor/storage'
import { fastify, type FastifyInstance } from 'fastify'
import { spoorApi } from '../api/routes.ts'
import type { StatusResponse } from '../api.ts'
import { jaegerApi } from '../jaeger/routes.ts'
import { jaegerV3Api } from '../jaeger/v3.ts'
import { compressForRemote } from './compress.ts'
import { hostAllowed } from './host-check.ts'
import { prometheusText } from './metrics.ts'
import { servePage } from './page.ts'

export interface QueryServerOptions {
  /** The host that is listened on; decides which `Host` headers are answered. */
  readonly host: string
  readonly store: TraceStore
  readonly counters: Counters
  readonly logger: Logger
  readonly status: () => Promise<StatusResponse>
  /** Where the built page is looked for. Default: the package's own, then the workspace's. */
  readonly pagePlaces?: readonly string[]
}

/**
 * Everything on the page's port: the page, Spoor's API, Jaeger's APIs and `/metrics`. No CORS: pages of other sites get
 * nothing.
 */
export async function createQueryServer(options: QueryServerOptions): Promise<FastifyInstance> {
  const { host, store, counters, logger, status } = options
  const app: FastifyInstance = fastify({
    // Long searches are stopped by the store; a connection that stays idle is closed so that stop() need not wait for
    // it.
    keepAliveTimeout: 5_000,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 },
  })

  app.addHook('onRequest', async (request, reply) => {
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
    return undefined
  })

  app.addHook('onSend', compressForRemote)

  await app.register(spoorApi(store, status, logger), { prefix: '/api/spoor/v1' })
  await app.register(jaegerV3Api(store, logger), { prefix: '/api/v3' })
  await app.register(jaegerApi(store, logger), { prefix: '/api' })
  app.get('/metrics', (_, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(prometheusText(counters)),
  )
  const page = await servePage(app, options.pagePlaces)
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!
    // A missing file must be an error: an old page that gets HTML for its script fails without a word.
    const isPage =
      (request.method === 'GET' || request.method === 'HEAD') &&
      !/^\/(?:assets|api)\/|\.(?:js|css|map|json|svg|png|ico|woff2?)$/.test(path)
    return isPage ? page.send(reply) : reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n')
  })
  return app
}
