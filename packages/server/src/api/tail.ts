/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import type { TailEvent, TailQuery } from '@spoor/storage'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TailLine } from '../api.ts'
import { sendText } from '../http/answer-stream.ts'
import { callOf } from '../http/query-call.ts'
import { parseQuery } from '../query/index.ts'
import { q, search, tail } from './catalogue.ts'
import { apiError, type Failures } from './failure.ts'
import { LINES_TYPE, lineOf, started } from './lines.ts'
import type { Query } from './params.ts'
import { scopeOf } from './scope.ts'
import { traceRow } from './search.ts'
import type { StoreQueries } from './store-queries.ts'

const EVENTS_TYPE = 'text/event-stream; charset=utf-8'
/** After so long without a line there is one all the same, so that nobody in between takes the connection for dead. Milliseconds. */
const KEEP_ALIVE_MS = 10_000

/** `GET tail`: lines, or server-sent events to a client that accepts them, until it leaves or `stopping` aborts; see `api.ts`. */
export function tailRoute(store: StoreQueries, failures: Failures, stopping: AbortSignal) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const signal = AbortSignal.any([callOf(request).signal, stopping])
    const events = await started(store.tail(tailQuery(request.query as Query), { signal }))
    const isEvents = /\btext\/event-stream\b/i.test(request.headers.accept ?? '')
    // A proxy that gathers what it passes on would make it late.
    void reply.header('cache-control', 'no-store').header('vary', 'accept').header('x-accel-buffering', 'no')
    void reply.type(isEvents ? EVENTS_TYPE : LINES_TYPE)
    const failed = (error: unknown): void => failures.tell(reply, error)
    const told = lines(events, stopping, (error) => {
      failed(error)
      return { type: 'error', ...apiError(failures.of(error)) }
    })
    return sendText(reply, texts(told, isEvents ? eventOf : lineOf), failed, true)
  }
}

function tailQuery(query: Query): TailQuery {
  return {
    ...scopeOf(query, parseQuery(q.of(query) ?? '')),
    matchesPerTrace: search.matches.of(query),
    limit: tail.limit.of(query),
  }
}

async function* lines(
  events: AsyncIterable<TailEvent>,
  stopping: AbortSignal,
  errorLine: (error: unknown) => TailLine,
): AsyncGenerator<TailLine> {
  let toldMs = -Infinity
  let missed = 0
  try {
    for await (const event of events) {
      const now = performance.now()
      if (event.type === 'progress' && event.missed === missed && now - toldMs < KEEP_ALIVE_MS) continue
      toldMs = now
      if (event.type === 'progress') ({ missed } = event)
      yield event.type === 'traces' ? { type: 'traces', traces: event.traces.map(traceRow) } : event
    }
  } catch (error) {
    if (!stopping.aborted) yield errorLine(error)
  }
  if (stopping.aborted) yield { type: 'end' }
}

async function* texts(told: AsyncIterable<TailLine>, textOf: (line: TailLine) => string): AsyncGenerator<string> {
  for await (const line of told) yield textOf(line)
}

function eventOf(line: TailLine): string {
  return `data: ${JSON.stringify(line)}\n\n`
}
