/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import { collectSearch, type Filter, type SearchPage, type SearchQuery, type TraceSummary } from '@spoor/storage'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Failures } from '../api/failure.ts'
import { first, type Query, RequestError, tryDuration } from '../api/params.ts'
import type { StoreQueries } from '../api/store-queries.ts'
import { otlpJson } from '../api/trace-bytes.ts'
import { sendText } from '../http/answer-stream.ts'
import { answerNoRoute } from '../http/no-route.ts'
import { callOf } from '../http/query-call.ts'
import { operationsOf, otlpOf, readingTime, traceChunks } from './answers.ts'
import { parseBool, readTraceId } from './go-params.ts'
import { stringMap, tagFilter } from './search-params.ts'

/**
 * Jaeger's `/api/v3/*`: what today's Jaeger UI and Grafana's gRPC-style client call. Times are RFC 3339 with
 * nanoseconds; parameters are read in camelCase and in their older snake_case.
 *
 * Source: jaeger v2.20, `jaegerquery/internal/apiv3/http_gateway.go`.
 */
export function jaegerV3Api(store: StoreQueries, failures: Failures) {
  return async (app: FastifyInstance): Promise<void> => {
    const onFailure = (reply: FastifyReply, error: unknown): FastifyReply =>
      failures.answer(reply, error, ({ status, message }) => ({
        type: 'application/json; charset=utf-8',
        body: JSON.stringify({ error: { httpCode: status, message } }),
      }))
    app.setErrorHandler((error, _, reply) => onFailure(reply, error))
    answerNoRoute(app, {
      notFound: (_, reply) => reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n'),
      failed: onFailure,
    })
    const lists = { config: { lane: 'lists' } } as const
    const traces = { config: { lane: 'traces' } } as const
    const searches = { config: { lane: 'searches' } } as const
    const sendResult = (reply: FastifyReply, chunks: AsyncIterable<Uint8Array>): FastifyReply =>
      sendText(reply.type('application/json'), resultJson(chunks), (error) => failures.tell(reply, error))

    app.get('/services', lists, async (request) => ({ services: await store.services(callOf(request)) }))

    app.get('/operations', lists, async (request) => {
      const query = request.query as Query
      const kind = param(query, 'spanKind')
      const operations = await store.operations(param(query, 'service'), callOf(request))
      return { operations: operationsOf(operations, kind?.toLowerCase(), 'internal') }
    })

    app.get('/traces', searches, async (request, reply) => {
      const call = callOf(request)
      const query = request.query as Query
      const raw = boolean(query, 'query.rawTraces')
      const page = await collectSearch(store.search(searchQuery(query), call))
      if (page.traces.length === 0 && page.complete) throw new RequestError(404, 'not_found', 'No traces found')
      async function* all(): AsyncGenerator<Uint8Array> {
        const time = readingTime(call.timeoutMs)
        for (const { traceId } of page.traces)
          yield* time.reading(otlpOf(store, store.trace(traceId, call), traceId, raw, call))
      }
      tellIncomplete(reply, page)
      return sendResult(reply, all())
    })

    app.get<{ Params: { id: string } }>('/traces/:id', traces, async (request, reply) => {
      const id = readTraceId(request.params.id)
      if (id === undefined) throw malformed('trace_id', `"${request.params.id}" is not a trace id`)
      const query = request.query as Query
      const [from, to] = [timestamp(query, 'startTime'), timestamp(query, 'endTime')]
      if (from !== undefined && to !== undefined && from >= to)
        throw malformed('startTime', 'it must be before endTime')
      const raw = boolean(query, 'rawTraces')
      const call = callOf(request)
      return sendResult(reply, otlpOf(store, await traceChunks(store, id, call), id, raw, call))
    })

    app.get('/trace-summaries', searches, async (request, reply) => {
      const page = await collectSearch(store.search(searchQuery(request.query as Query), callOf(request)))
      tellIncomplete(reply, page)
      return { summaries: page.traces.map(summaryJson) }
    })
  }
}

/** This API's answers have no place for it. */
function tellIncomplete(reply: FastifyReply, page: SearchPage): void {
  if (!page.complete) void reply.header('x-spoor-incomplete', 'true')
}

async function* resultJson(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  yield '{"result":'
  yield* otlpJson(chunks)
  yield '}'
}

/** Counts of zero are left out, as proto JSON does. */
function summaryJson(summary: TraceSummary): object {
  const { traceId, rootService, rootName, start, durationNs, spans, errors, orphans, services } = summary
  return {
    traceId,
    rootServiceName: rootService,
    rootOperationName: rootName,
    minStartTimeUnixNano: start.toString(),
    maxEndTimeUnixNano: (start + BigInt(Math.round(durationNs))).toString(),
    spanCount: spans,
    ...(errors > 0 && { errorSpanCount: errors }),
    ...(orphans > 0 && { orphanSpanCount: orphans }),
    services: services.map(({ name, spans, errors }) => ({
      name,
      spanCount: spans,
      ...(errors > 0 && { errorSpanCount: errors }),
    })),
  }
}

const malformed = (name: string, why: string) =>
  new RequestError(400, 'bad_parameter', `malformed parameter ${name}: ${why}`)

/** A parameter by its name or its older one, `query.serviceName` or `query.service_name`, as it was given. */
function given(query: Query, name: string): { readonly name: string; readonly value: string } | undefined {
  const older = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  for (const each of [name, older]) {
    const value = first(query, each)
    if (value !== undefined) return { name: each, value }
  }
  return undefined
}

function param(query: Query, name: string): string | undefined {
  return given(query, name)?.value
}

/** The parameters of a search, which gRPC's are put into, too. */
export function searchQuery(query: Query): SearchQuery {
  const from = timestamp(query, 'query.startTimeMin')
  const to = timestamp(query, 'query.startTimeMax')
  if (from === undefined || to === undefined) {
    throw new RequestError(400, 'bad_parameter', 'query.startTimeMin and query.startTimeMax are required')
  }
  if (from >= to) throw new RequestError(400, 'bad_parameter', 'query.startTimeMin must be before query.startTimeMax')
  if (param(query, 'query.filter') !== undefined)
    throw malformed('query.filter', 'structured filters are not supported')
  boolean(query, 'query.rawTraces')
  const service = param(query, 'query.serviceName')
  const operation = param(query, 'query.operationName')
  const min = duration(query, 'query.durationMin')
  const max = duration(query, 'query.durationMax')
  const attributes = param(query, 'query.attributes')
  const filters: Filter[] = []
  if (service !== undefined) filters.push({ op: 'eq', target: { field: 'service' }, value: service })
  if (operation !== undefined) filters.push({ op: 'eq', target: { field: 'name' }, value: operation })
  if (min !== undefined) filters.push({ op: 'gte', target: { field: 'duration' }, value: min })
  if (max !== undefined) filters.push({ op: 'lte', target: { field: 'duration' }, value: max })
  if (attributes !== undefined) {
    for (const [key, value] of stringMap(attributes, 'malformed parameter query.attributes')) {
      filters.push(tagFilter(key, value))
    }
  }
  return {
    ...(filters.length > 0 && { filter: { op: 'and', args: filters } }),
    from,
    to,
    limit: depth(query),
    order: 'newest',
    matchesPerTrace: 0,
  }
}

/** False when it is absent. */
function boolean(query: Query, name: string): boolean {
  const found = given(query, name)
  if (!found) return false
  const is = parseBool(found.value)
  if (is === undefined) throw malformed(found.name, `"${found.value}" is not a boolean`)
  return is
}

function depth(query: Query): number {
  const found = given(query, 'query.searchDepth') ?? given(query, 'query.numTraces')
  if (!found) return 100
  const { name, value } = found
  if (!/^\d{1,9}$/.test(value) || Number(value) < 1) throw malformed(name, `"${value}" is not a number above 0`)
  return Math.min(10_000, Number(value))
}

function duration(query: Query, name: string): number | undefined {
  const found = given(query, name)
  if (!found) return undefined
  const duration = tryDuration(found.value)
  if (duration === undefined) throw malformed(found.name, `"${found.value}" is not a duration`)
  return duration
}

/** RFC 3339 with up to nine digits of a second, as nanoseconds since 1970. */
function timestamp(query: Query, name: string): bigint | undefined {
  const found = given(query, name)
  if (!found) return undefined
  const { value } = found
  const match = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/.exec(value)
  const seconds = match ? Date.parse(`${match[1]}${match[3]}`.toUpperCase()) : Number.NaN
  if (!match || Number.isNaN(seconds)) throw malformed(found.name, `"${value}" is not an RFC 3339 time`)
  return BigInt(seconds) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'))
}
