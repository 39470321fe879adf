/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import { Readable } from 'node:stream'
import type { Logger } from '@spoor/collector'
import type { Order, SearchQuery, TraceStore, TraceSummary } from '@spoor/storage'
import { buildTrace } from '@spoor/trace'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type {
  ApiError,
  AttributesResponse,
  AttributeValuesResponse,
  DependenciesResponse,
  OperationsResponse,
  SearchResponse,
  ServicesResponse,
  StatusResponse,
  TraceReportResponse,
  TraceRow,
} from '../api.ts'
import { jsonStream } from '../http/json-stream.ts'
import { parseQuery } from '../query/index.ts'
import { type Failure, failureOf } from './failure.ts'
import {
  choiceParam,
  countParam,
  durationParam,
  first,
  normalizeTraceId,
  nowNs,
  type Query,
  RequestError,
  required,
  timeParam,
} from './params.ts'
import { reportOf, rowOfTrace } from './report.ts'
import { otlpJson, traceBytes, traceChunks } from './trace-bytes.ts'

const ORDERS: readonly Order[] = ['newest', 'oldest', 'longest', 'shortest', 'most_spans', 'most_errors']

/** Spoor's own API; see `api.ts` for its routes, parameters and answers. */
export function spoorApi(store: TraceStore, status: () => Promise<StatusResponse>, logger: Logger) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler((error, _, reply) => {
      const failure = failureOf(error, logger)
      return reply.code(failure.status).send(apiError(failure))
    })
    app.setNotFoundHandler((request, reply) => {
      const message = `no route ${request.method} ${request.url.split('?')[0]}`
      return reply.code(404).send(apiError({ code: 'not_found', message }))
    })

    app.get('/search', async (request, reply): Promise<SearchResponse> => {
      const id = /^\s*([0-9a-f]{32})\s*$/i.exec(first(request.query as Query, 'q') ?? '')?.[1]
      if (id !== undefined) return searchById(store, id.toLowerCase())
      const page = await store.search({ ...searchQuery(request.query as Query), signal: abortOf(reply) })
      return {
        traces: page.traces.map(traceRow),
        ...(page.next === undefined ? {} : { next: page.next }),
        complete: page.complete,
        spansScanned: page.spansScanned,
        elapsedMs: page.elapsedMs,
      }
    })

    app.get<{ Params: { id: string }; Querystring: Record<string, string> }>('/traces/:id', async (request, reply) => {
      const id = traceIdParam(request.params.id)
      const format = choiceParam(request.query, 'format', ['protobuf', 'json']) ?? 'protobuf'
      const chunks = await traceChunks(store, id)
      if (chunks === undefined) throw notFound(id)
      void reply.header('cache-control', 'no-cache')
      if (format === 'json') return reply.type('application/json; charset=utf-8').send(jsonStream(otlpJson(chunks)))
      return reply.type('application/x-protobuf').send(Readable.from(chunks, { objectMode: false }))
    })

    app.get<{ Params: { id: string } }>('/traces/:id/report', async (request, reply): Promise<TraceReportResponse> => {
      const id = traceIdParam(request.params.id)
      const bytes = await traceBytes(store, id)
      if (bytes === undefined) throw notFound(id)
      void reply.header('cache-control', 'no-cache')
      return reportOf(buildTrace(bytes, id))
    })

    app.get('/services', async (): Promise<ServicesResponse> => ({ services: await store.services() }))

    app.get('/operations', async (request): Promise<OperationsResponse> => {
      const operations = await store.operations(first(request.query as Query, 'service'))
      return { operations: operations.map(({ name, kind }) => ({ name, kind })) }
    })

    app.get('/attributes', async (request): Promise<AttributesResponse> => {
      return { keys: await store.attributeKeys(countParam(request.query as Query, 'limit', 200, 1, 10_000)) }
    })

    app.get('/attribute-values', async (request): Promise<AttributeValuesResponse> => {
      const query = request.query as Query
      return { values: await store.attributeValues(required(query, 'key'), countParam(query, 'limit', 100, 1, 10_000)) }
    })

    app.get('/dependencies', async (request): Promise<DependenciesResponse> => {
      const query = request.query as Query
      const now = nowNs()
      const to = timeParam(query, 'to', now) ?? now
      const from = timeParam(query, 'from', now) ?? to - 86_400_000_000_000n
      const { edges, complete } = await store.dependencies(from, to)
      return { edges: edges.map(({ parent, child, calls, errors }) => ({ parent, child, calls, errors })), complete }
    })

    app.get('/status', status)
  }
}

function traceIdParam(text: string): string {
  const id = normalizeTraceId(text)
  if (id === undefined) throw new RequestError(400, 'bad_parameter', `"${text}" is not a trace id: 32 hex digits`)
  return id
}

const notFound = (id: string) => new RequestError(404, 'not_found', `trace ${id} is not in the store`)

/** A query that is a trace id and nothing else finds that trace, whatever the other parameters. */
async function searchById(store: TraceStore, id: string): Promise<SearchResponse> {
  const started = performance.now()
  const bytes = await traceBytes(store, id)
  const traces = bytes ? [rowOfTrace(buildTrace(bytes, id))] : []
  return { traces, complete: true, spansScanned: traces[0]?.spans ?? 0, elapsedMs: performance.now() - started }
}

/** Aborts when the client goes away before it has its answer, so that nobody searches for nobody. */
function abortOf({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  raw.once('close', () => controller.abort())
  return controller.signal
}

function searchQuery(query: Query): SearchQuery {
  const now = nowNs()
  const filter = parseQuery(first(query, 'q') ?? '')
  const from = timeParam(query, 'from', now)
  const to = timeParam(query, 'to', now)
  const min = durationParam(query, 'minTraceDuration')
  const max = durationParam(query, 'maxTraceDuration')
  const order = choiceParam(query, 'order', ORDERS)
  const cursor = first(query, 'cursor')
  return {
    limit: countParam(query, 'limit', 20, 1, 10_000),
    ...(filter && { filter }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(min !== undefined && { minTraceDurationNs: min }),
    ...(max !== undefined && { maxTraceDurationNs: max }),
    ...(order && { order }),
    ...(cursor && { cursor }),
  }
}

function traceRow(summary: TraceSummary): TraceRow {
  const { traceId, rootService, rootName, start, durationNs, spans, errors, orphans, services } = summary
  return {
    traceId,
    rootService,
    rootName,
    start: start.toString(),
    durationNs,
    spans,
    errors,
    orphans,
    services: services.map(({ name, spans, errors, selfTimeNs }) => ({ name, spans, errors, selfTimeNs })),
  }
}

function apiError({ code, message, position }: Omit<Failure, 'status'>): ApiError {
  return { error: { code, message, ...(position !== undefined && { position }) } }
}
