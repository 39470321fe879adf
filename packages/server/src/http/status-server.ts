/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import type { Collector } from '@spoor/collector'
import type { FastifyInstance } from 'fastify'
import { API } from '../api/catalogue.ts'
import { type CollectorRoutesOptions, collectorRoutes } from '../api/collector-routes.ts'
import { apiError, createFailures } from '../api/failure.ts'
import { at } from '../api/route.ts'
import type { StatusResponse } from '../api.ts'
import { type BaseServerOptions, createBaseServer } from './base-server.ts'
import { isLoopback } from './host-check.ts'

export interface StatusServerOptions extends BaseServerOptions {
  readonly status: () => Promise<StatusResponse>
  readonly collector: CollectorRoutesOptions['collector'] & Pick<Collector, 'door'>
}

const NOTHING_ELSE =
  'this is spoor ingest, which has no page and answers no queries: ask a spoor query. Here are /health, /ready, /metrics, and below /api/spoor/v1: status, pipelines, senders, tap, config\n'

/**
 * How a program is that has no page: `/health`, `/ready`, `/metrics`, and of Spoor's API what tells of the program itself and of its collector. Anything else is answered with 404
 * that says where the page is.
 */
export async function createStatusServer(options: StatusServerOptions): Promise<FastifyInstance> {
  const { host, logger, status, collector } = options
  const app = createBaseServer(options, 'status')
  const failures = createFailures(logger)
  await app.register(
    async (api) => {
      api.setErrorHandler((error, _, reply) =>
        failures.answer(reply, error, (failure) => ({
          type: 'application/json; charset=utf-8',
          body: JSON.stringify(apiError(failure)),
        })),
      )
      api.get(...at(API.status), status)
      collectorRoutes(api, { collector, isLocal: isLoopback(host) })
    },
    { prefix: '/api/spoor/v1' },
  )
  app.setNotFoundHandler((_, reply) => reply.code(404).type('text/plain; charset=utf-8').send(NOTHING_ELSE))
  return app
}
