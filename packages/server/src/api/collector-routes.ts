import { type Collector, type EdgesStatus, isForOtherSite } from '@spoor/collector'
import type { FastifyInstance } from 'fastify'
import type { PipelinesResponse, SendersResponse } from '../api.ts'
import { API } from './catalogue.ts'
import { createFollower } from './collectors.ts'
import { type Query, RequestError } from './params.ts'
import { at } from './route.ts'

export interface CollectorRoutesOptions {
  readonly collector: Pick<Collector, 'pipelines' | 'senders' | 'config' | 'tap'>
  /** Whether the port is for this machine only. */
  readonly isLocal: boolean
}

/** How the pipelines are and who sends to them: the status API of this Spoor's own collector, and of those that send to it. */
export function collectorRoutes(app: FastifyInstance, { collector, isLocal }: CollectorRoutesOptions): void {
  const follow = createFollower(() => collector.senders())
  app.get(...at(API.pipelines), async (request, reply): Promise<PipelinesResponse> => {
    void reply.header('cache-control', 'no-store')
    const isOwn = (request.query as Query)['own'] !== undefined
    return { ...collector.pipelines(), collectors: isOwn ? [] : await follow() }
  })
  app.get(...at(API.senders), async (_, reply): Promise<SendersResponse> => {
    void reply.header('cache-control', 'no-store')
    return collector.senders()
  })
  /** Where the port is open to others, it has no login. */
  function onlyLocal(what: string): void {
    if (!isLocal)
      throw new RequestError(403, 'forbidden', `${what} on this machine only, and this port is open to others`)
  }
  // Fastify would answer HEAD by reading the whole of it, for minutes.
  app.get(API.tap.path, { ...at(API.tap)[1], exposeHeadRoute: false }, async (request, reply) => {
    onlyLocal('what goes through is shown')
    if (isForOtherSite(request.headers))
      throw new RequestError(403, 'forbidden', 'this is not for pages of other sites')
    const answer = collector.tap(new URLSearchParams(request.url.split('?', 2)[1] ?? ''))
    if ('message' in answer) throw new RequestError(answer.status, 'bad_tap', answer.message)
    void reply.header('cache-control', 'no-store')
    if ('edges' in answer) return { edges: answer.edges } satisfies EdgesStatus
    return reply.type('application/x-ndjson').send(answer.items)
  })
  app.get(...at(API.config), async (_, reply) => {
    onlyLocal('the configuration is shown')
    return reply.header('cache-control', 'no-store').send(collector.config() ?? {})
  })
}
