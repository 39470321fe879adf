/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type {
  AttributesResponse,
  AttributeValuesResponse,
  DependenciesResponse,
  OperationsResponse,
  ServicesResponse,
  StatusResponse,
} from '../api.ts'
import { sendBytes, sendText } from '../http/answer-stream.ts'
import { refuseOtherMethods } from '../http/other-methods.ts'
import { callOf } from '../http/query-call.ts'
import type { Reports } from '../report/reports.ts'
import { aggregateRoute, bottleneckRoute, compareRoute, errorGroupsRoute, heatMapRoute } from './aggregates.ts'
import { collectorRoutes, type CollectorRoutesOptions } from './collector-routes.ts'
import { apiError, type Failures } from './failure.ts'
import {
  choiceParam,
  countParam,
  first,
  normalizeTraceId,
  nowNs,
  type Query,
  RequestError,
  required,
  timeParam,
} from './params.ts'
import { searchRoute } from './search.ts'
import type { StoreQueries } from './store-queries.ts'
import { otlpJson, startedTrace } from './trace-bytes.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

export interface SpoorApiOptions extends CollectorRoutesOptions {
  readonly store: StoreQueries
  readonly reports: Reports
  readonly status: () => Promise<StatusResponse>
  readonly failures: Failures
}

/** Spoor's own API; see `api.ts` for its routes, parameters and answers. */
export function spoorApi({ store, reports, status, failures, ...ofCollector }: SpoorApiOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    const onFailure = (reply: FastifyReply, error: unknown): FastifyReply =>
      failures.answer(reply, error, (failure) => ({ type: JSON_TYPE, body: JSON.stringify(apiError(failure)) }))
    app.setErrorHandler((error, _, reply) => onFailure(reply, error))
    app.setNotFoundHandler((request, reply) => {
      const message = `no route ${request.method} ${request.url.split('?')[0]}`
      return reply.code(404).send(apiError({ code: 'not_found', message }))
    })
    const hasAllRoutes = refuseOtherMethods(app)

    const lists = { config: { lane: 'lists', takesTimeout: true } } as const
    const traces = { config: { lane: 'traces', takesTimeout: true } } as const
    const searches = { config: { lane: 'searches', takesTimeout: true } } as const

    app.get('/search', searches, searchRoute(store, reports, failures))
    app.get('/aggregate', searches, aggregateRoute(store))
    app.get('/heatmap', searches, heatMapRoute(store))
    app.get('/compare', searches, compareRoute(store))
    app.get('/bottleneck', searches, bottleneckRoute(store))
    app.get('/error-groups', searches, errorGroupsRoute(store))

    app.get<{ Params: { id: string } }>('/traces/:id', traces, async (request, reply) => {
      const id = traceIdParam(request.params.id)
      const format = choiceParam(request.query as Query, 'format', ['protobuf', 'json']) ?? 'protobuf'
      const chunks = await startedTrace(store.trace(id, callOf(request)))
      if (chunks === undefined) throw notFound(id)
      void reply.header('cache-control', 'no-cache')
      const failed = (error: unknown) => failures.tell(reply, error)
      if (format === 'json') return sendText(reply.type(JSON_TYPE), otlpJson(chunks), failed)
      return sendBytes(reply.type('application/x-protobuf'), chunks, failed)
    })

    app.get<{ Params: { id: string } }>('/traces/:id/report', searches, async (request, reply) => {
      const id = traceIdParam(request.params.id)
      const call = callOf(request)
      const report = await reports.make('report', id, store.trace(id, call), call)
      if (report === undefined) throw notFound(id)
      return reply.header('cache-control', 'no-cache').type(JSON_TYPE).send(report)
    })

    app.get('/services', lists, async (request): Promise<ServicesResponse> => {
      return { services: await store.services(callOf(request)) }
    })

    app.get('/operations', lists, async (request): Promise<OperationsResponse> => {
      const operations = await store.operations(first(request.query as Query, 'service'), callOf(request))
      return { operations: operations.map(({ name, kind }) => ({ name, kind })) }
    })

    app.get('/attributes', lists, async (request): Promise<AttributesResponse> => {
      const limit = countParam(request.query as Query, 'limit', 200, 1, 10_000)
      return { keys: await store.attributeKeys(limit, callOf(request)) }
    })

    app.get('/attribute-values', lists, async (request): Promise<AttributeValuesResponse> => {
      const query = request.query as Query
      const limit = countParam(query, 'limit', 100, 1, 10_000)
      return { values: await store.attributeValues(required(query, 'key'), limit, callOf(request)) }
    })

    app.get('/dependencies', searches, async (request): Promise<DependenciesResponse> => {
      const query = request.query as Query
      const now = nowNs()
      const to = timeParam(query, 'to', now) ?? now
      const from = timeParam(query, 'from', now) ?? to - 86_400_000_000_000n
      return store.dependencies(from, to, true, callOf(request))
    })

    app.get('/status', status)
    collectorRoutes(app, ofCollector)
    hasAllRoutes()
  }
}

function traceIdParam(text: string): string {
  const id = normalizeTraceId(text)
  if (id === undefined) throw new RequestError(400, 'bad_parameter', `"${text}" is not a trace id: 32 hex digits`)
  return id
}

const notFound = (id: string) => new RequestError(404, 'not_found', `trace ${id} is not in the store`)
