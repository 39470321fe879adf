import type { Logger } from '@spoor/collector'
import type { TraceStore } from '@spoor/storage'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { failureOf } from '../api/failure.ts'
import { all, first, normalizeTraceId, nowNs, type Query, RequestError } from '../api/params.ts'
import { readAhead, traceBytes } from '../api/trace-bytes.ts'
import { jsonStream } from '../http/json-stream.ts'
import type { Envelope, JaegerTrace } from './model.ts'
import { searchParams } from './search-params.ts'
import { type JaegerTraceReader, readJaegerTrace, traceText, wholeTrace } from './trace-json.ts'

/** Kinds as Jaeger names them in lists of operations; unspecified is empty. */
const KIND_NAMES = ['', 'internal', 'server', 'client', 'producer', 'consumer']
/** Traces read from the store at a time while a search is answered. */
const PARALLEL_READS = 8
const DAY_MS = 86_400_000

/**
 * Jaeger's query API as Grafana, Kiali and Jaeger UI call it, `/api/*`. The store answers; this is its translation.
 *
 * Source: jaeger v2.20, `jaegerquery/internal/http_handler.go`.
 */
export function jaegerApi(store: TraceStore, logger: Logger) {
  return async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler((error, _, reply) => {
      const { status, message } = failureOf(error, logger)
      const body = envelope(null, { errors: [{ code: status, msg: message }] })
      // Go's http.Error, which Jaeger uses, sends text/plain and ends with a line feed.
      return reply
        .code(status)
        .type('text/plain; charset=utf-8')
        .send(`${JSON.stringify(body)}\n`)
    })
    app.setNotFoundHandler((_, reply) => reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n'))

    app.get('/services', async (request, reply) => {
      const services = await store.services()
      return send(reply, request.query as Query, envelope(services, { total: services.length }))
    })

    app.get<{ Params: { service: string } }>('/services/:service/operations', async (request, reply) => {
      const operations = await store.operations(request.params.service)
      const names = [...new Set(operations.map(({ name }) => name))]
      return send(reply, request.query as Query, envelope(names, { total: names.length }))
    })

    app.get('/operations', async (request, reply) => {
      const query = request.query as Query
      const service = first(query, 'service')
      if (service === undefined) throw new RequestError(400, 'bad_parameter', "parameter 'service' is required")
      const kind = first(query, 'spanKind')
      const operations = (await store.operations(service))
        .map(({ name, kind }) => ({ name, spanKind: KIND_NAMES[kind] ?? '' }))
        .filter(({ spanKind }) => kind === undefined || spanKind === kind)
      return send(reply, query, envelope(operations, { total: operations.length }))
    })

    app.get('/traces', async (request, reply) => {
      const query = request.query as Query
      const raw = isRaw(query)
      const wanted = all(query, 'traceID')
      const ids =
        wanted.length > 0
          ? wanted.map(traceIdOf)
          : (await store.search(searchParams(query))).traces.map(({ traceId }) => traceId)
      const missing: string[] = []
      async function* found(): AsyncGenerator<JaegerTraceReader> {
        const traces = readAhead(ids, PARALLEL_READS, (id) => readTrace(store, id, raw))
        let index = 0
        for await (const trace of traces) {
          const asked = wanted[index++]
          if (trace) yield trace
          // One that a search found a moment ago and that retention has dropped since is not told; one that was asked
          // for is.
          else if (asked !== undefined) missing.push(asked)
        }
      }
      return sendTraces(reply, query, found(), missing)
    })

    app.get<{ Params: { id: string } }>('/traces/:id', async (request, reply) => {
      const query = request.query as Query
      const trace = await readTrace(store, traceIdOf(request.params.id), isRaw(query))
      if (trace === undefined) throw new RequestError(404, 'not_found', 'trace not found')
      return sendTraces(reply, query, [trace])
    })

    app.get('/metrics/:name', async () => {
      const message = 'trace metrics are currently disabled - no metrics backend configured'
      throw new RequestError(501, 'not_implemented', message)
    })

    app.get('/dependencies', async (request, reply) => {
      const query = request.query as Query
      const end = milliseconds(query, 'endTs') ?? nowNs()
      const lookback = milliseconds(query, 'lookback') ?? BigInt(DAY_MS) * 1_000_000n
      const service = first(query, 'service')
      const { edges: calls } = await store.dependencies(end - lookback, end)
      const edges = calls
        .filter(({ parent, child }) => service === undefined || parent === service || child === service)
        .map(({ parent, child, calls }) => ({ parent, child, callCount: calls }))
      return send(reply, query, envelope(edges))
    })
  }
}

async function readTrace(store: TraceStore, id: string, raw: boolean): Promise<JaegerTraceReader | undefined> {
  const bytes = await traceBytes(store, id)
  return bytes && readJaegerTrace(bytes, id, raw)
}

type Readers = AsyncIterable<JaegerTraceReader> | Iterable<JaegerTraceReader>

/** The traces in their envelope, made as they are sent. `missing` is read at the end. */
async function sendTraces(
  reply: FastifyReply,
  query: Query,
  traces: Readers,
  missing: string[] = [],
): Promise<FastifyReply> {
  const errors = () => (missing.length > 0 ? missing.map((traceID) => ({ msg: 'trace not found', traceID })) : null)
  if (isPretty(query)) {
    // For a person's eyes, so not large; indenting wants the whole.
    const data: JaegerTrace[] = []
    for await (const trace of traces) data.push(wholeTrace(trace))
    return send(reply, query, envelope(data, { errors: errors() }))
  }
  async function* text(): AsyncGenerator<string> {
    yield '{"data":['
    let separator = ''
    for await (const trace of traces) {
      yield separator
      yield* traceText(trace)
      separator = ','
    }
    yield `],"total":0,"limit":0,"offset":0,"errors":${JSON.stringify(errors())}}`
  }
  return reply.type('application/json').send(jsonStream(text()))
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

/** Hex of up to 32 digits, or base64 (standard or URL, padded or not) of 16 bytes. */
function traceIdOf(text: string): string {
  const hex = normalizeTraceId(text)
  if (hex !== undefined) return hex
  if (/^[A-Za-z0-9+/_-]{22}(==)?$/.test(text)) return Buffer.from(text, 'base64').toString('hex')
  throw new RequestError(400, 'bad_parameter', `unable to parse param 'traceID': "${text}" is not a trace id`)
}

/** Go's ParseBool of `raw`. */
function isRaw(query: Query): boolean {
  const value = first(query, 'raw')
  if (value === undefined || /^(0|f|F|false|FALSE|False)$/.test(value)) return false
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true
  throw new RequestError(
    400,
    'bad_parameter',
    `unable to parse param 'raw': strconv.ParseBool: parsing "${value}": invalid syntax`,
  )
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
