/* oxlint-disable oxc/no-async-endpoint-handlers -- that is Express; Fastify answers with what a handler rejects with */
import type { SearchEnd, SearchEvent, SearchQuery, SpanSet, TraceSummary } from '@spoor/storage'
import { collectSearch } from '@spoor/storage'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SearchLine, SearchResponse, Suggestion, TraceRow } from '../api.ts'
import { sendText } from '../http/answer-stream.ts'
import { callOf, type QueryCall } from '../http/query-call.ts'
import { parseQuery } from '../query/index.ts'
import type { Reports } from '../report/reports.ts'
import { q, search } from './catalogue.ts'
import { suggestionsFor } from './did-you-mean.ts'
import { apiError, type Failures } from './failure.ts'
import { acceptsLines, LINES_TYPE, lineOf, started } from './lines.ts'
import type { Query } from './params.ts'
import { scopeOf } from './scope.ts'
import type { StoreQueries } from './store-queries.ts'

/** `GET search`: one JSON answer, or lines as they are found for a client that accepts them; see `api.ts`. */
export function searchRoute(store: StoreQueries, reports: Reports, failures: Failures) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<SearchResponse | FastifyReply> => {
    const query = request.query as Query
    const call = callOf(request)
    const text = q.of(query) ?? ''
    const id = /^\s*([0-9a-f]{32})\s*$/i.exec(text)?.[1]
    const asked = searchQuery(query, id === undefined ? parseQuery(text) : undefined)
    const events = id === undefined ? store.search(asked, call) : searchById(store, reports, id.toLowerCase(), call)
    const suggest = (end: SearchEnd, found: boolean): Promise<readonly Suggestion[]> =>
      found || !end.complete || asked.cursor !== undefined || !asked.spans
        ? Promise.resolve([])
        : suggestionsFor(asked.spans, store, call)
    if (!acceptsLines(request)) {
      const { traces, ...end } = await collectSearch(events)
      return { traces: traces.map(traceRow), ...endOf(end, await suggest(end, traces.length > 0)) }
    }
    void reply.header('cache-control', 'no-cache').header('vary', 'accept').type(LINES_TYPE)
    const failed = (error: unknown): void => failures.tell(reply, error)
    return sendText(reply, lines(await started(events), suggest, failures, failed), failed, true)
  }
}

async function* lines(
  events: AsyncIterable<SearchEvent>,
  suggest: (end: SearchEnd, found: boolean) => Promise<readonly Suggestion[]>,
  failures: Failures,
  failed: (error: unknown) => void,
): AsyncGenerator<string> {
  let found = false
  try {
    for await (const event of events) {
      found ||= event.type === 'traces'
      yield lineOf((await read(event)) satisfies SearchLine)
    }
  } catch (error) {
    failed(error)
    yield lineOf({ type: 'error', ...apiError(failures.of(error)) } satisfies SearchLine)
  }

  async function read(event: SearchEvent): Promise<SearchLine> {
    if (event.type === 'traces') return { type: 'traces', traces: event.traces.map(traceRow) }
    if (event.type === 'progress') return event
    const { type, ...end } = event
    return { type, ...endOf(end, await suggest(end, found)) }
  }
}

function endOf(end: SearchEnd, didYouMean: readonly Suggestion[]): Omit<SearchResponse, 'traces'> {
  const { next, complete, total, spansScanned, bytesRead, elapsedMs } = end
  return {
    ...(next !== undefined && { next }),
    complete,
    total,
    spansScanned,
    bytesRead,
    elapsedMs,
    ...(didYouMean.length > 0 && { didYouMean }),
  }
}

/** A query that is a trace id and nothing else finds that trace, whatever the other parameters. */
async function* searchById(
  store: StoreQueries,
  reports: Reports,
  id: string,
  call: QueryCall,
): AsyncGenerator<SearchEvent> {
  const began = performance.now()
  const text = await reports.make('row', id, store.trace(id, call), call)
  const row = text && (JSON.parse(text.toString()) as TraceRow)
  if (row) {
    const summary = { ...row, start: BigInt(row.start), requestStart: BigInt(row.requestStart) }
    yield { type: 'traces', traces: [summary] }
  }
  yield {
    type: 'end',
    next: undefined,
    complete: true,
    total: { traces: row ? 1 : 0, exact: true },
    spansScanned: row?.spans ?? 0,
    bytesRead: 0,
    elapsedMs: performance.now() - began,
  }
}

function searchQuery(query: Query, set: SpanSet | undefined): SearchQuery {
  const order = search.order.of(query)
  const cursor = search.cursor.of(query)
  return {
    limit: search.limit.of(query),
    matchesPerTrace: search.matches.of(query),
    totals: search.totals.of(query) === 'true',
    ...scopeOf(query, set),
    ...(order && { order }),
    ...(cursor && { cursor }),
  }
}

export function traceRow(summary: TraceSummary): TraceRow {
  const { traceId, rootService, rootName, start, requestStart, services, matched } = summary
  return {
    traceId,
    rootService,
    rootName,
    start: start.toString(),
    durationNs: summary.durationNs,
    requestStart: requestStart.toString(),
    requestDurationNs: summary.requestDurationNs,
    tailNs: summary.tailNs,
    spans: summary.spans,
    errors: summary.errors,
    orphans: summary.orphans,
    services: services.map(({ name, spans, errors, selfTimeNs }) => ({ name, spans, errors, selfTimeNs })),
    ...(matched && { matched }),
  }
}
