/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import { byGravity } from '@spoor/collector'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type {
  AttributesResponse,
  AttributeValuesResponse,
  DependenciesResponse,
  FindingsResponse,
  OperationsResponse,
  PinRow,
  PinsResponse,
  ServicesResponse,
  StatusResponse,
} from '../api.ts'
import type { FindingsDesk } from '../findings/desk.ts'
import { sendBytes, sendText } from '../http/answer-stream.ts'
import { answerNoRoute } from '../http/no-route.ts'
import { callOf } from '../http/query-call.ts'
import type { Reports } from '../report/reports.ts'
import {
  aggregateRoute,
  bottleneckRoute,
  compareRoute,
  errorGroupsRoute,
  flameRoute,
  heatMapRoute,
} from './aggregates.ts'
import { collectorRoutes, type CollectorRoutesOptions } from './collector-routes.ts'
import { apiError, type Failures } from './failure.ts'
import {
  API,
  attributes,
  attributeValues,
  dependencies,
  findings as findingsParameters,
  operations,
  trace as traceParameters,
} from './catalogue.ts'
import { openApiDocument, parametersOf } from './openapi.ts'
import { refuseUnknown } from './parameters.ts'
import { normalizeTraceId, nowNs, type Query, RequestError } from './params.ts'
import { at } from './route.ts'
import { searchRoute } from './search.ts'
import { storeSpansRoute } from './store-spans.ts'
import type { Limits, StoreQueries } from './store-queries.ts'
import { tailRoute } from './tail.ts'
import { otlpJson, startedTrace } from './trace-bytes.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

export interface SpoorApiOptions extends CollectorRoutesOptions {
  readonly store: StoreQueries
  readonly reports: Reports
  readonly findings: FindingsDesk
  readonly status: () => Promise<StatusResponse>
  readonly failures: Failures
}

/** Spoor's own API; see `api.ts` for its routes, parameters and answers. */
export function spoorApi({ store, reports, findings, status, failures, ...ofCollector }: SpoorApiOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    const onFailure = (reply: FastifyReply, error: unknown): FastifyReply =>
      failures.answer(reply, error, (failure) => ({ type: JSON_TYPE, body: JSON.stringify(apiError(failure)) }))
    app.setErrorHandler((error, _, reply) => onFailure(reply, error))
    answerNoRoute(app, {
      notFound(request, reply) {
        const message = `no route ${request.method} ${request.url.split('?')[0]}`
        return reply.code(404).send(apiError({ code: 'not_found', message }))
      },
      failed: onFailure,
    })
    const stopping = new AbortController()
    app.addHook('preClose', () => stopping.abort())
    app.addHook('preValidation', async ({ query, routeOptions: { config } }) => {
      if (config.route) refuseUnknown(query as Query, parametersOf(config.route), config.route.path)
    })

    app.get(...at(API.search), searchRoute(store, reports, failures))
    // Fastify would answer HEAD by reading what has no end.
    app.get(API.tail.path, { ...at(API.tail)[1], exposeHeadRoute: false }, tailRoute(store, failures, stopping.signal))
    app.get(...at(API.aggregate), aggregateRoute(store, failures))
    app.get(...at(API.heatMap), heatMapRoute(store, failures))
    app.get(...at(API.compare), compareRoute(store, failures))
    app.get(...at(API.bottleneck), bottleneckRoute(store, failures))
    app.get(...at(API.flame), flameRoute(store, failures))
    app.get(...at(API.errorGroups), errorGroupsRoute(store, failures))

    app.get<{ Params: { id: string } }>(...at(API.trace), async (request, reply) => {
      const id = traceIdParam(request.params.id)
      const format = traceParameters.format.of(request.query as Query) ?? 'protobuf'
      const chunks = await startedTrace(store.trace(id, callOf(request)))
      if (chunks === undefined) throw notFound(id)
      void reply.header('cache-control', 'no-cache')
      await tellPin(reply, store, id, callOf(request))
      const failed = (error: unknown) => failures.tell(reply, error)
      if (format === 'json') return sendText(reply.type(JSON_TYPE), otlpJson(chunks), failed)
      return sendBytes(reply.type('application/x-protobuf'), chunks, failed)
    })

    storeSpansRoute(app, store)

    app.get<{ Params: { id: string } }>(...at(API.report), async (request, reply) => {
      const id = traceIdParam(request.params.id)
      const call = callOf(request)
      const report = await reports.make('report', id, store.trace(id, call), call)
      if (report === undefined) throw notFound(id)
      await tellPin(reply, store, id, call)
      return reply.header('cache-control', 'no-cache').type(JSON_TYPE).send(report)
    })

    app.get(...at(API.pins), async (request): Promise<PinsResponse> => {
      return { kept: store.hasPins, pins: await store.pins(callOf(request)) }
    })

    app.put<{ Params: { id: string } }>(...at(API.pin), async (request): Promise<PinRow> => {
      const id = traceIdParam(request.params.id)
      const call = callOf(request)
      if (!store.hasPins) throw new RequestError(409, 'not_kept', NO_PINS)
      const chunks = await startedTrace(store.trace(id, call))
      if (chunks === undefined) throw notFound(id)
      await chunks.return(undefined)
      return store.pin(id, call)
    })

    app.delete<{ Params: { id: string } }>(...at(API.unpin), async (request): Promise<PinRow> => {
      const id = traceIdParam(request.params.id)
      const call = callOf(request)
      const pin = (await store.pins(call)).find(({ traceId }) => traceId === id)
      if (!pin || !(await store.unpin(id, call))) throw new RequestError(404, 'not_found', `trace ${id} is not pinned`)
      return pin
    })

    app.get(...at(API.services), async (request): Promise<ServicesResponse> => {
      return { services: await store.services(callOf(request)) }
    })

    app.get(...at(API.operations), async (request): Promise<OperationsResponse> => {
      const found = await store.operations(operations.service.of(request.query as Query), callOf(request))
      return { operations: found.map(({ name, kind }) => ({ name, kind })) }
    })

    app.get(...at(API.attributes), async (request): Promise<AttributesResponse> => {
      const limit = attributes.limit.of(request.query as Query)
      return { keys: await store.attributeKeys(limit, callOf(request)) }
    })

    app.get(...at(API.attributeValues), async (request): Promise<AttributeValuesResponse> => {
      const query = request.query as Query
      const limit = attributeValues.limit.of(query)
      return { values: await store.attributeValues(attributeValues.key.of(query), limit, callOf(request)) }
    })

    app.get(...at(API.dependencies), async (request): Promise<DependenciesResponse> => {
      const query = request.query as Query
      const now = nowNs()
      const to = dependencies.to.of(query)(now) ?? now
      const from = dependencies.from.of(query)(now) ?? to - 86_400_000_000_000n
      return store.dependencies(from, to, true, callOf(request))
    })

    app.get(...at(API.findings), async (request): Promise<FindingsResponse> => {
      const query = request.query as Query
      const now = nowNs()
      const asked = {
        service: findingsParameters.service.of(query),
        from: findingsParameters.from.of(query)(now),
        to: findingsParameters.to.of(query)(now),
      }
      return { findings: (await findings.ask(asked, callOf(request))).sort(byGravity) }
    })

    app.get(...at(API.status), status)
    collectorRoutes(app, ofCollector)
    app.get(...at(API.openApi), () => openApiDocument())
  }
}

function traceIdParam(text: string): string {
  const id = normalizeTraceId(text)
  if (id === undefined) throw new RequestError(400, 'bad_parameter', `"${text}" is not a trace id: 32 hex digits`)
  return id
}

const NO_PINS =
  'this Spoor keeps no trace longer for being pinned; start it with --keep pinned, or --keep errors,slow,pinned'

/** Of a trace that is pinned, since when: the header `spoor-pinned`, an ISO 8601 time. */
async function tellPin(reply: FastifyReply, store: StoreQueries, id: string, call: Limits): Promise<void> {
  if (!store.hasPins) return
  // The trace is given whether or not that can be told.
  const pins = await store.pins(call).catch(() => [])
  const pin = pins.find(({ traceId }) => traceId === id)
  if (pin) void reply.header('spoor-pinned', new Date(pin.pinnedMs).toISOString())
}

const notFound = (id: string) => new RequestError(404, 'not_found', `trace ${id} is not in the store`)
