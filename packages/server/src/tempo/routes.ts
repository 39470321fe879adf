/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Failures } from '../api/failure.ts'
import { first, normalizeTraceId, type Query, RequestError } from '../api/params.ts'
import type { Limits, StoreQueries } from '../api/store-queries.ts'
import { startedTrace } from '../api/trace-bytes.ts'
import { sendBytes, sendText } from '../http/answer-stream.ts'
import { answerNoRoute } from '../http/no-route.ts'
import { callOf } from '../http/query-call.ts'
import { version } from '../version.ts'
import { instantRoute, rangeRoute } from './metrics.ts'
import { bad, secondsRange } from './params.ts'
import { searchRoute } from './search.ts'
import { oldTagsRoute, oldValuesRoute, tagsRoute, valuesRoute } from './tags.ts'
import { framedTrace, tempoJson } from './trace-text.ts'

/** The version of Tempo whose API this is: clients look at it for what they may ask. */
const TEMPO_VERSION = '2.9.0'
const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'

export interface TempoApiOptions {
  readonly store: StoreQueries
  readonly failures: Failures
  /** Whether queries are answered. */
  readonly isReady: () => boolean
}

/**
 * Tempo's query API as Grafana's data source and Traces Drilldown call it. The store answers; this is its translation.
 *
 * Source: Tempo 2.9, its documentation of the API and `pkg/tempopb/tempo.proto`.
 */
export function tempoApi({ store, failures, isReady }: TempoApiOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    const onFailure = (reply: FastifyReply, error: unknown): FastifyReply =>
      failures.answer(reply, error, ({ message }) => ({ type: TEXT, body: `${message}\n` }))
    app.setErrorHandler((error, _, reply) => onFailure(reply, error))
    answerNoRoute(app, {
      notFound: (request, reply) =>
        reply
          .code(404)
          .type(TEXT)
          .send(`no route ${request.method} ${request.url.split('?')[0]}\n`),
      failed: onFailure,
    })
    const lists = { config: { lane: 'lists' } } as const
    const traces = { config: { lane: 'traces' } } as const
    const searches = { config: { lane: 'searches' } } as const

    app.get('/api/echo', (_, reply) => reply.type(TEXT).send('echo'))
    app.get('/ready', (_, reply) => {
      if (isReady()) return reply.type(TEXT).send('ready\n')
      throw new RequestError(503, 'closed', 'Spoor is not ready: the store is being opened, or it stops')
    })
    app.get('/api/status/buildinfo', () => ({
      version: TEMPO_VERSION,
      revision: `spoor ${version}`,
      branch: '',
      buildUser: '',
      buildDate: '',
      goVersion: '',
    }))

    app.get('/api/search', searches, searchRoute(store))
    app.get('/api/search/tags', lists, oldTagsRoute(store))
    app.get('/api/v2/search/tags', lists, tagsRoute(store))
    app.get<{ Params: { tag: string } }>('/api/search/tag/:tag/values', searches, oldValuesRoute(store))
    app.get<{ Params: { tag: string } }>('/api/v2/search/tag/:tag/values', searches, valuesRoute(store))
    app.get('/api/metrics/query_range', searches, rangeRoute(store))
    app.get('/api/metrics/query', searches, instantRoute(store))

    app.get<{ Params: { id: string } }>('/api/traces/:id', traces, async (request, reply) => {
      const chunks = await traceOf(request.params.id, request.query as Query, callOf(request))
      if (wantsProtobuf(request.headers.accept)) return sendTrace(reply, chunks)
      return sendJson(
        reply,
        tempoJson(chunks, '{"batches":[', () => ']}'),
      )
    })

    app.get<{ Params: { id: string } }>('/api/v2/traces/:id', traces, async (request, reply) => {
      const query = request.query as Query
      const q = first(query, 'q')
      if (q !== undefined && !/^\{\s*(?:true\s*)?\}$/.test(q.trim()))
        throw bad('parameter "q": a part of a trace is not supported; leave it out for the whole trace')
      const chunks = await traceOf(request.params.id, query, callOf(request))
      if (wantsProtobuf(request.headers.accept)) return sendTrace(reply, framedTrace(chunks))
      const after = (bytes: number): string => `]},"metrics":{"inspectedBytes":"${bytes}"}}`
      return sendJson(reply, tempoJson(chunks, '{"trace":{"resourceSpans":[', after))
    })

    /** The whole trace, whatever part of the time is asked for. */
    async function traceOf(text: string, query: Query, call: Limits): Promise<AsyncGenerator<Uint8Array>> {
      const id = normalizeTraceId(text)
      if (id === undefined) throw bad(`"${text}" is not a trace id: up to 32 hex digits`)
      secondsRange(query)
      const chunks = await startedTrace(store.trace(id, call))
      if (chunks === undefined) throw new RequestError(404, 'not_found', `trace ${id} not found`)
      return chunks
    }

    function sendTrace(reply: FastifyReply, chunks: AsyncIterable<Uint8Array>): FastifyReply {
      return sendBytes(reply.type('application/protobuf'), chunks, (error) => failures.tell(reply, error))
    }

    function sendJson(reply: FastifyReply, pieces: AsyncIterable<string>): FastifyReply {
      return sendText(reply.type(JSON_TYPE), pieces, (error) => failures.tell(reply, error))
    }
  }
}

function wantsProtobuf(accept: string | undefined): boolean {
  return accept?.includes('application/protobuf') === true
}
