import type { Collector } from '@spoor/collector'
import type { FastifyInstance } from 'fastify'
import type { PipelinesResponse, SendersResponse } from '../api.ts'
import { createFollower } from './collectors.ts'
import { type Query, RequestError } from './params.ts'

export interface CollectorRoutesOptions {
  readonly collector: Pick<Collector, 'pipelines' | 'senders' | 'config'>
  /** Whether the port is for this machine only. */
  readonly isLocal: boolean
}

/** How the pipelines are and who sends to them: the status API of this Spoor's own collector, and of those that send to it. */
export function collectorRoutes(app: FastifyInstance, { collector, isLocal }: CollectorRoutesOptions): void {
  const follow = createFollower(() => collector.senders())
  app.get('/pipelines', async (request, reply): Promise<PipelinesResponse> => {
    void reply.header('cache-control', 'no-store')
    const isOwn = (request.query as Query)['own'] !== undefined
    return { ...collector.pipelines(), collectors: isOwn ? [] : await follow() }
  })
  app.get('/senders', async (_, reply): Promise<SendersResponse> => {
    void reply.header('cache-control', 'no-store')
    return collector.senders()
  })
  app.get('/config', async (_, reply) => {
    if (!isLocal) {
      const message = 'the configuration is shown on this machine only, and this port is open to others'
      throw new RequestError(403, 'forbidden', message)
    }
    return reply.header('cache-control', 'no-store').send(collector.config() ?? {})
  })
}
