/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import { collectSearch } from '@spoor/storage'
import { shortTraceId } from '@spoor/trace/files'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Failures, leavesPart } from '../api/failure.ts'
import { all, first, nowNs, type Query, RequestError } from '../api/params.ts'
import type { StoreQueries } from '../api/store-queries.ts'
import { sendText } from '../http/answer-stream.ts'
import { answerNoRoute } from '../http/no-route.ts'
import { callOf } from '../http/query-call.ts'
import { archiveTrace, INCOMPLETE, operationsOf, pairsOf, readingTime, readTrace, traceNotFound } from './answers.ts'
import { booleanParam, readTraceId } from './go-params.ts'
import type { Envelope } from './model.ts'
import { MONITOR_METRICS, monitorMetric } from './monitor.ts'
import { searchParams, timeRange } from './search-params.ts'
import type { JaegerTraceReader } from './trace-json.ts'
import { tracesText } from './trace-text.ts'
import { MAX_TRANSFORM_BYTES, transformed } from './transform.ts'

type Errors = NonNullable<Envelope<unknown>['errors']>

/** Traces that one request may name. */
const MAX_TRACE_IDS = 1_000
const DAY_MS = 86_400_000
/** The smallest step of `metrics`. Milliseconds. */
const MIN_STEP_MS = 1

/**
 * Jaeger's query API as Grafana, Kiali and Jaeger UI call it, `/api/*`. The store answers; this is its translation. What an
 * answer lacks is told in its `errors`.
 *
 * Source: jaeger v2.20, `jaegerquery/internal/http_handler.go`.
 */
export function jaegerApi(store: StoreQueries, failures: Failures) {
  return async (app: FastifyInstance): Promise<void> => {
    const onFailure = (reply: FastifyReply, error: unknown): FastifyReply =>
      failures.answer(reply, error, ({ status, message }) => {
        const body = envelope(null, { errors: [{ code: status, msg: message }] })
        // Go's http.Error, which Jaeger uses, sends text/plain and ends with a line feed.
        return { type: 'text/plain; charset=utf-8', body: `${JSON.stringify(body)}\n` }
      })
    app.setErrorHandler((error, _, reply) => onFailure(reply, error))
    answerNoRoute(app, {
      notFound: (_, reply) => reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n'),
      failed: onFailure,
    })
    // OTLP/JSON is read by its own rules.
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) => done(null, body))

    const lists = { config: { lane: 'lists' } } as const
    const traces = { config: { lane: 'traces' } } as const
    const searches = { config: { lane: 'searches' } } as const

    app.get('/services', lists, async (request, reply) => {
      const services = await store.services(callOf(request))
      return send(reply, request.query as Query, envelope(services, { total: services.length }))
    })

    app.get<{ Params: { service: string } }>('/services/:service/operations', lists, async (request, reply) => {
      const operations = await store.operations(request.params.service, callOf(request))
      const names = [...new Set(operations.map(({ name }) => name))]
      return send(reply, request.query as Query, envelope(names, { total: names.length }))
    })

    app.get('/operations', lists, async (request, reply) => {
      const query = request.query as Query
      const service = first(query, 'service')
      if (service === undefined) throw new RequestError(400, 'bad_parameter', "parameter 'service' is required")
      const kind = first(query, 'spanKind')
      const operations = operationsOf(await store.operations(service, callOf(request)), kind, '')
      return send(reply, query, envelope(operations, { total: operations.length }))
    })

    app.get('/traces', searches, async (request, reply) => {
      const query = request.query as Query
      const raw = booleanParam(query, 'raw')
      const call = callOf(request)
      const wanted = wantedIds(query)
      const errors: Errors[number][] = []
      let ids = wanted.map(traceIdOf)
      timeRange(query)
      if (wanted.length === 0) {
        const page = await collectSearch(store.search(searchParams(query), call))
        ids = page.traces.map(({ traceId }) => traceId)
        if (!page.complete) errors.push({ msg: INCOMPLETE })
      }
      const time = readingTime(call.timeoutMs)
      async function* found(): AsyncGenerator<JaegerTraceReader> {
        for (const [index, id] of ids.entries()) {
          if (time.isOver) {
            errors.push({ msg: `${INCOMPLETE}: ${ids.length - index} traces were not read` })
            return
          }
          const asked = wanted[index]
          const read = () => readTrace(store, id, raw, call)
          const trace = await time.during(read).catch((error: unknown) => {
            if (!leavesPart(error)) throw error
            errors.push({ msg: `the trace cannot be read: ${error.message}`, traceID: shortTraceId(id) })
            return null
          })
          if (trace) yield trace
          // One that a search found a moment ago and that retention has dropped since is not told; one that was asked
          // for is.
          else if (trace === undefined && asked !== undefined)
            errors.push({ msg: 'trace not found', traceID: shortTraceId(id) })
        }
      }
      return sendTraces(reply, query, found(), errors)
    })

    app.get<{ Params: { id: string } }>('/traces/:id', traces, async (request, reply) => {
      const query = request.query as Query
      timeRange(query)
      const trace = await readTrace(store, traceIdOf(request.params.id), booleanParam(query, 'raw'), callOf(request))
      if (trace === undefined) throw traceNotFound()
      async function* one(): AsyncGenerator<JaegerTraceReader> {
        yield trace!
      }
      return sendTraces(reply, query, one(), [])
    })

    for (const metric of MONITOR_METRICS)
      app.get(`/metrics/${metric}`, searches, async (request, reply) => {
        const { family, complete } = await monitorMetric(store, metric, request.query as Query, callOf(request))
        // The answer has no place for it.
        if (!complete) void reply.header('x-spoor-incomplete', 'true')
        return family
      })
    app.get('/metrics/minstep', async (request, reply) =>
      send(reply, request.query as Query, envelope(MIN_STEP_MS, { total: 0 })),
    )

    app.post<{ Body: string }>('/transform', { ...traces, bodyLimit: MAX_TRANSFORM_BYTES }, async (request, reply) =>
      sendTraces(reply, request.query as Query, transformed(request.body), []),
    )

    app.post<{ Params: { id: string } }>('/archive/:id', traces, async (request) => {
      return archiveTrace(store, traceIdOf(request.params.id), callOf(request))
    })

    app.get('/dependencies', searches, async (request, reply) => {
      const query = request.query as Query
      const end = milliseconds(query, 'endTs') ?? nowNs()
      const lookback = milliseconds(query, 'lookback') ?? BigInt(DAY_MS) * 1_000_000n
      const service = first(query, 'service')
      const { edges: calls, complete } = await store.dependencies(end - lookback, end, false, callOf(request))
      const edges = pairsOf(calls).filter(
        ({ parent, child }) => service === undefined || parent === service || child === service,
      )
      return send(reply, query, envelope(edges, complete ? {} : { errors: [{ msg: INCOMPLETE }] }))
    })

    /** The traces in their envelope, made as they are sent. `errors` is read at the end. */
    function sendTraces(
      reply: FastifyReply,
      query: Query,
      traces: AsyncIterable<JaegerTraceReader> | Iterable<JaegerTraceReader>,
      errors: Errors,
    ): FastifyReply {
      const text = tracesText({ traces, pretty: isPretty(query), leavesPart, errors: () => errors })
      return sendText(reply.type('application/json'), text, (error) => failures.tell(reply, error))
    }
  }
}

function wantedIds(query: Query): readonly string[] {
  const wanted = all(query, 'traceID')
  if (wanted.length > MAX_TRACE_IDS) {
    const message = `${wanted.length} traces are asked for; at most ${MAX_TRACE_IDS} at once`
    throw new RequestError(400, 'bad_parameter', message)
  }
  return wanted
}

function isPretty(query: Query): boolean {
  const pretty = first(query, 'prettyPrint')
  return pretty !== undefined && pretty !== 'false'
}

function envelope<T>(data: T, rest: { total?: number; errors?: Envelope<T>['errors'] } = {}): Envelope<T> {
  return { data, total: rest.total ?? 0, limit: 0, offset: 0, errors: rest.errors ?? null }
}

function send(reply: FastifyReply, query: Query, body: Envelope<unknown>): FastifyReply {
  return reply.type('application/json').send(JSON.stringify(body, undefined, isPretty(query) ? 4 : undefined))
}

function traceIdOf(text: string): string {
  const id = readTraceId(text)
  if (id === undefined)
    throw new RequestError(400, 'bad_parameter', `unable to parse param 'traceID': "${text}" is not a trace id`)
  return id
}

/** A number of milliseconds, as nanoseconds. */
function milliseconds(query: Query, name: string): bigint | undefined {
  const value = first(query, name)
  if (value === undefined) return undefined
  if (!/^\d{1,14}$/.test(value)) {
    throw new RequestError(
      400,
      'bad_parameter',
      `unable to parse param '${name}': "${value}" is not a number of milliseconds`,
    )
  }
  return BigInt(value) * 1_000_000n
}
