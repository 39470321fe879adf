import http from 'node:http'
import { createRequire } from 'node:module'
import { context, propagation, SpanKind, trace } from '@opentelemetry/api'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type Express from 'express'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { ContextManager } from '../context-manager.ts'
import { HttpSpans } from '../http/http.ts'
import { collectSpans, listen } from '../testkit/spans.ts'
import { ExpressRoutes } from './express.ts'

const require = createRequire(import.meta.url)
const patience = { timeout: 30_000 }

let express: typeof Express
let ended: ReadableSpan[]
let stop: () => void
let close: (() => Promise<void>) | undefined

beforeAll(() => {
  context.setGlobalContextManager(new ContextManager().enable())
  const collected = collectSpans()
  ;({ ended } = collected)
  const { tracerProvider } = collected
  stop = registerInstrumentations({ tracerProvider, instrumentations: [new HttpSpans(), new ExpressRoutes()] })
  express = require('express') as typeof Express
})

afterEach(async () => {
  await close?.()
  close = undefined
  ended.length = 0
})

afterAll(() => {
  stop()
  context.disable()
  propagation.disable()
})

/** Asks an application for paths, one after the other. Returns, for each: the span of its request, and those of handlers. */
async function asked(app: Express.Express, ...paths: readonly string[]) {
  const server = await listen(app)
  ;({ close } = server)
  const { port } = server
  const all: { name: string; status: unknown; handlers: string[]; spans: ReadableSpan[] }[] = []
  for (const path of paths) {
    ended.length = 0
    await new Promise<void>((resolve) => {
      http.get({ port, path, host: '127.0.0.1', agent: false }, (response) => response.resume().on('end', resolve))
    })
    await vi.waitFor(() => expect(ended.some(({ kind }) => kind === SpanKind.SERVER)).toBe(true), patience)
    const [request] = ended.filter(({ kind }) => kind === SpanKind.SERVER)
    const handlers = ended.filter(({ attributes }) => attributes['express.type'] !== undefined)
    all.push({
      name: request!.name,
      status: request!.attributes['http.response.status_code'],
      handlers: handlers.map(({ name }) => name),
      spans: [request!, ...handlers],
    })
  }
  return all
}

const named = (all: Awaited<ReturnType<typeof asked>>) => all.map(({ name, handlers }) => [name, ...handlers])

test('the route names the request, and its handlers have a span, whose parent is the request', async () => {
  const app = express()
  app.use((_request, _response, next) => next())
  app.use(express.json())
  let seen: string | undefined
  app.get('/orders/:id', (_request, response) => {
    seen = trace.getActiveSpan()?.spanContext().spanId
    response.json({})
  })
  const [one] = await asked(app, '/orders/7')
  expect(one).toMatchObject({ name: 'GET /orders/:id', handlers: ['request handler - /orders/:id'] })
  const [request, handler] = one!.spans
  expect(handler!.attributes).toEqual({
    'http.route': '/orders/:id',
    'express.name': '/orders/:id',
    'express.type': 'request_handler',
  })
  expect(handler!.parentSpanContext?.spanId).toBe(request!.spanContext().spanId)
  expect(seen).toBe(handler!.spanContext().spanId)
  // It is within the request.
  const end = ({ endTime: [seconds, nanoseconds] }: ReadableSpan): number => seconds * 1e9 + nanoseconds
  expect(end(handler!)).toBeLessThanOrEqual(end(request!))
})

test('routers below each other, and an application below another', async () => {
  const items = express.Router()
  items.get('/', (_request, response) => void response.send('all'))
  items.get('/:item', (_request, response) => void response.send('one'))
  const shops = express.Router({ mergeParams: true })
  shops.use('/:shop/items', (_request, _response, next) => next(), items)
  const inner = express()
  inner.get('/users', (_request, response) => void response.send('users'))
  const app = express()
  app.use('/shops', shops)
  app.use('/admin', inner)
  app.use('/files', (_request, response) => void response.send('file'))
  app.get(['/a', '/b'], (_request, response) => void response.send('either'))
  app.get('/any/{*rest}', (_request, response) => void response.send('any'))
  expect(
    named(
      await asked(app, '/shops/3/items/9', '/shops/3/items', '/admin/users', '/files/x', '/b', '/any/1/2', '/nothing'),
    ),
  ).toEqual([
    ['GET /shops/:shop/items/:item', 'request handler - /shops/:shop/items/:item'],
    ['GET /shops/:shop/items', 'request handler - /shops/:shop/items'],
    ['GET /admin/users', 'request handler - /admin/users'],
    ['GET /files'],
    ['GET /a,/b', 'request handler - /a,/b'],
    ['GET /any/{*rest}', 'request handler - /any/{*rest}'],
    ['GET'],
  ])
})

test('a router that hands a request on leaves its path behind', async () => {
  const first = express.Router()
  first.get('/:id', (_request, _response, next) => next())
  first.get('/:name', (_request, _response, next) => next('router'))
  const app = express()
  app.use('/v1', first)
  app.get('/v1/:last', (_request, response) => void response.send('here'))
  expect(named(await asked(app, '/v1/7', '/v1/7/8'))).toEqual([
    ['GET /v1/:last', 'request handler - /v1/:id', 'request handler - /v1/:name', 'request handler - /v1/:last'],
    ['GET'],
  ])
})

test.each([
  ['next', (_request: unknown, _response: unknown, next: (error: unknown) => void) => next(new TypeError('bad'))],
  [
    'throw',
    () => {
      throw new TypeError('bad')
    },
  ],
  ['rejection', () => Promise.reject(new TypeError('bad'))],
])('an error by %s is on the handler’s span, and the answer is what it was', async (_, handler) => {
  const app = express()
  app.get('/fails', handler as Express.RequestHandler)
  const handle: Express.ErrorRequestHandler = (_error, _request, response, _next) =>
    void response.status(503).send('sorry')
  app.use('/fails', handle)
  const [one] = await asked(app, '/fails')
  expect(one).toMatchObject({ name: 'GET /fails', status: 503, handlers: ['request handler - /fails'] })
  const [request, span] = one!.spans
  expect(span).toMatchObject({ status: { code: 2, message: 'bad' } })
  expect(span!.events.map((event) => event.attributes?.['exception.type'])).toEqual(['TypeError'])
  expect(request!.attributes['error.type']).toBe('503')
})

test('what others read of a router is there', () => {
  const inner = express.Router()
  inner.get('/x', () => {})
  const app = express()
  app.use('/in', inner)
  const [layer] = (app as unknown as { router: { stack: { handle: { stack?: unknown[] } }[] } }).router.stack
  expect(layer!.handle.stack).toHaveLength(1)
})
