import { createCounters } from '@spoor/collector'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLogger } from '../logging.ts'
import { createIntake } from '../storage-exporter.ts'
import { idleCollector } from '../testkit.ts'
import { createBaseServer } from './base-server.ts'
import { answerNoRoute } from './no-route.ts'

let app: FastifyInstance

/** An API that says its name with everything that it refuses. */
function api(name: string, routes: (app: FastifyInstance) => void) {
  return async (app: FastifyInstance): Promise<void> => {
    answerNoRoute(app, {
      notFound: ({ method }, reply) => reply.code(404).send(`${name}: no ${method}`),
      failed: (reply, error) => reply.code(405).send(`${name}: ${(error as Error).message}`),
    })
    routes(app)
  }
}

beforeEach(async () => {
  app = createBaseServer(
    {
      host: '127.0.0.1',
      vitals: () => ({ phase: 'running', store: undefined, intake: createIntake(), failure: undefined }),
      counters: createCounters(),
      logger: createLogger('silent'),
      collector: idleCollector(),
    },
    'page',
  )
  const answer = () => 'here'
  await app.register(
    api('long', (long) => {
      long.get('/things/:id/parts', answer)
      long.get('/endless', { exposeHeadRoute: false }, answer)
      long.put('/things/:id', answer)
      long.delete('/things/:id', answer)
    }),
    { prefix: '/api/v3' },
  )
  await app.register(
    api('short', (short) => short.post('/a.b', answer)),
    { prefix: '/api' },
  )
  app.setNotFoundHandler((_, reply) => reply.code(404).send('the page'))
  await app.ready()
})
afterEach(async () => app.close())

it.each([
  ['GET', '/api/v3/things/1/parts', 200, 'here', undefined],
  ['POST', '/api/v3/things/1/parts?x=/', 405, 'long: POST is not for /things/:id/parts; use GET, HEAD', 'GET, HEAD'],
  ['POST', '/api/v3/things/%2F/parts/', 405, 'long: POST is not for /things/:id/parts; use GET, HEAD', 'GET, HEAD'],
  ['HEAD', '/api/v3/endless', 405, '', 'GET'],
  ['GET', '/api/v3/things/1', 405, 'long: GET is not for /things/:id; use DELETE, PUT', 'DELETE, PUT'],
  ['GET', '/api/a.b', 405, 'short: GET is not for /a.b; use POST', 'POST'],
  ['GET', '/api/axb', 404, 'short: no GET', undefined],
  ['GET', '/api/v3/things/1/2/parts', 404, 'long: no GET', undefined],
  ['GET', '/api/v3', 404, 'long: no GET', undefined],
  ['GET', '/api/v30', 404, 'short: no GET', undefined],
  // Only of the usual methods it is known which a path has.
  ['OPTIONS', '/api/a.b', 404, 'short: no OPTIONS', undefined],
  ['GET', '/apis', 404, 'the page', undefined],
  ['GET', '/', 404, 'the page', undefined],
] as const)('%s %s: %i', async (method, url, status, body, allow) => {
  const answer = await app.inject({ method, url })
  expect([answer.statusCode, answer.body, answer.headers.allow]).toEqual([status, body, allow])
})

it('answers before it reads a body', async () => {
  const headers = { 'content-type': 'application/json' }
  const answer = (url: string) => app.inject({ method: 'POST', url, headers, body: '{' })
  expect((await answer('/api/v3/endless')).statusCode).toBe(405)
  expect((await answer('/api/nowhere')).body).toBe('short: no POST')
})

it('makes no routes for it', () => {
  expect(app.hasRoute({ method: 'POST', url: '/api/v3/endless' })).toBe(false)
  expect(app.hasRoute({ method: 'PUT', url: '/api/v3/things/:id' })).toBe(true)
})
