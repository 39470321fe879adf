import type { SearchQuery, SpanSet, TraceSummary } from '@spoor/storage'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { leavesPart } from '../api/failure.ts'
import { first, type Query } from '../api/params.ts'
import type { StoreQueries } from '../api/store-queries.ts'
import { callOf, type QueryCall } from '../http/query-call.ts'
import { anyValueJson, type KeyValueJson, valueJson } from './any-value.ts'
import { bad, secondsRange, wholeParam, withinDurations } from './params.ts'
import { tagsSet } from './tags-filter.ts'
import { TraceRoom } from './trace-room.ts'
import { readTraceSpans, type TraceReading, type TraceSpan } from './trace-spans.ts'
import {
  attributesAt,
  compileTraceql,
  evaluate,
  parseTraceql,
  shownTargets,
  type SpanGroup,
  type Target,
  type TraceFacts,
  type Traceql,
  TraceqlError,
  valuesOf,
} from './traceql/index.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 1_000
const DEFAULT_SPANS = 3
/** Spans of a set that are told of: as many as a store names. */
const MAX_SPANS = 100
/** Traces that are looked at again because the store has no words for a query. */
const MAX_CANDIDATES = 10_000
/** Spans of one trace that are read. */
const MAX_TRACE_SPANS = 200_000
/** ... of which all are decoded. */
const MAX_DECODED_SPANS = 20_000
/** Of a trace, and of each of its spans, in an answer. */
const ROW_BYTES = 600
/** What has to be known of a trace's other spans. */
const OF_TREE = /^(?:nestedSet|childCount)/

/** `SearchResponse` of Tempo, in JSON. */
export interface SearchAnswer {
  readonly traces: readonly TraceRow[]
  readonly metrics: SearchMetrics
}

/** What was looked at. Integers of 64 bits are text. */
export interface SearchMetrics {
  readonly inspectedTraces?: number
  readonly inspectedBytes: string
  readonly inspectedSpans: string
  readonly completedJobs?: number
  readonly totalJobs?: number
}

export interface TraceRow {
  readonly traceID: string
  readonly rootServiceName: string
  readonly rootTraceName: string
  readonly startTimeUnixNano: string
  readonly durationMs: number
  /** The first of `spanSets`. */
  readonly spanSet?: SpanSetRow
  readonly spanSets?: readonly SpanSetRow[]
  readonly serviceStats: Readonly<Record<string, { readonly spanCount: number; readonly errorCount?: number }>>
}

export interface SpanSetRow {
  readonly spans: readonly SpanRow[]
  readonly matched: number
  readonly attributes?: readonly KeyValueJson[]
}

export interface SpanRow {
  readonly spanID: string
  readonly name?: string
  readonly startTimeUnixNano?: string
  readonly durationNanos: string
  readonly attributes?: readonly KeyValueJson[]
}

/** What is asked for. */
interface Plan {
  readonly search: SearchQuery
  /** Undefined: what the store finds is all that is asked for. */
  readonly again: Traceql | undefined
  /** Whether the store may find too much. */
  readonly isExact: boolean
  readonly shown: readonly Target[]
  readonly limit: number
  readonly spans: number
}

/** `GET /api/search`. */
export function searchRoute(store: StoreQueries) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<SearchAnswer> => {
    const plan = planOf(request.query as Query)
    const search = new Search(store, plan, callOf(request))
    const answer = await search.run()
    // The answer has no place for it.
    if (!search.isComplete) void reply.header('x-spoor-incomplete', 'true')
    return answer
  }
}

function planOf(query: Query): Plan {
  const [text, tags] = [first(query, 'q'), first(query, 'tags')]
  if (text !== undefined && tags !== undefined) throw bad("invalid request: can't specify tags and q in the same query")
  const limit = wholeParam(query, 'limit', DEFAULT_LIMIT, [1, MAX_LIMIT])
  const spss = wholeParam(query, 'spss', DEFAULT_SPANS, [0, MAX_SPANS])
  const spans = spss === 0 ? MAX_SPANS : spss
  const range = secondsRange(query)
  const asked = text === undefined ? undefined : parseTraceql(text)
  if (asked?.series)
    throw new TraceqlError(
      text!,
      'numbers over time are asked for at /api/metrics/query_range; a search is for traces',
      asked.series.at,
    )
  const compiled = asked && compileTraceql(asked.stages, text!)
  const isExact = compiled?.inexactAt === undefined
  const isSimple = isExact && !compiled?.isGrouped && !asked?.stages.some(({ op }) => op === 'scalar')
  const set: SpanSet | undefined = compiled ? compiled.set : tags === undefined ? undefined : tagsSet(tags)
  const within = withinDurations(query, set)
  return {
    search: {
      ...(within && { spans: within }),
      ...range,
      order: 'newest',
      limit: isExact ? limit : MAX_CANDIDATES,
      matchesPerTrace: spans,
    },
    again: isSimple ? undefined : asked,
    isExact,
    shown: asked ? shownTargets(asked) : [],
    limit,
    spans,
  }
}

class Search {
  isComplete = true
  readonly #store: StoreQueries
  readonly #plan: Plan
  readonly #call: QueryCall
  readonly #endMs: number
  readonly #rows: TraceRow[] = []
  #inspected = 0
  readonly #room: TraceRoom

  constructor(store: StoreQueries, plan: Plan, call: QueryCall) {
    this.#store = store
    this.#plan = plan
    this.#call = call
    this.#room = new TraceRoom(call)
    this.#endMs = performance.now() + call.timeoutMs
  }

  async run(): Promise<SearchAnswer> {
    let metrics: SearchMetrics = { inspectedBytes: '0', inspectedSpans: '0' }
    let jobs = {}
    const { limit, search } = this.#plan
    for await (const event of this.#store.search(search, this.#call)) {
      if (event.type === 'traces') {
        for (const summary of event.traces) if (this.#rows.length < limit) await this.#add(summary)
      } else {
        metrics = { inspectedBytes: String(event.bytesRead), inspectedSpans: String(event.spansScanned) }
        if (event.type === 'progress') jobs = { completedJobs: event.partsDone, totalJobs: event.partsTotal }
        else if (!event.complete) this.isComplete = false
      }
      if (this.#rows.length >= limit && !this.#plan.isExact) break
    }
    return { traces: this.#rows, metrics: { inspectedTraces: this.#inspected, ...metrics, ...jobs } }
  }

  async #add(summary: TraceSummary): Promise<void> {
    this.#inspected++
    const { again, isExact } = this.#plan
    const sets = again ? await this.#evaluated(again, summary) : undefined
    if (sets) {
      if (sets.length > 0) this.#push(summary, sets)
    } else if (isExact) this.#push(summary, [await this.#matched(summary)])
    else this.isComplete = false
  }

  #push(summary: TraceSummary, sets: readonly SpanSetRow[]): void {
    const spans = sets.reduce((sum, set) => sum + set.spans.length, 0)
    if (this.#call.room.grow(ROW_BYTES * (1 + spans))) this.#rows.push(traceRow(summary, sets))
    else this.isComplete = false
  }

  /** Undefined: the trace has too many spans, or there is no time or memory for it. */
  async #evaluated(again: Traceql, summary: TraceSummary): Promise<SpanSetRow[] | undefined> {
    const reading = await this.#read(summary, undefined, true)
    if (!reading?.isWhole) return undefined
    const { from = 0n, to = 2n ** 64n } = this.#plan.search
    const spans = reading.spans.filter(({ span: { startTimeUnixNano: start } }) => start >= from && start <= to)
    const facts = factsOf(summary)
    return evaluate(again.stages, spans, facts).map((group) => this.#groupRow(group, facts))
  }

  #groupRow({ spans, values }: SpanGroup, facts: TraceFacts): SpanSetRow {
    const attributes = [...values].map(([key, value]) => ({ key, value: valueJson(value) }))
    return {
      spans: spans.slice(0, this.#plan.spans).map((span) => spanRow(span, this.#plan.shown, facts)),
      matched: spans.length,
      ...(attributes.length > 0 && { attributes }),
    }
  }

  /** As the store names them, with what is in their bytes. */
  async #matched(summary: TraceSummary): Promise<SpanSetRow> {
    const { shown, spans, search } = this.#plan
    const withTree = shown.some(({ op, name }) => op === 'intrinsic' && OF_TREE.test(name))
    // Where every span is one, the store names none.
    const { matched } = summary
    const wanted = matched && new Set(matched.first.map(({ spanId }) => spanId))
    const reading = await this.#read(summary, wanted, withTree)
    if (!reading) {
      const rows = (matched?.first ?? []).map(({ spanId, durationNs }) => ({
        spanID: spanId,
        durationNanos: String(durationNs),
      }))
      return { spans: rows, matched: matched?.spans ?? summary.spans }
    }
    const { from = 0n, to = 2n ** 64n } = search
    const found = reading.spans.filter(({ span: { startTimeUnixNano: start } }) => start >= from && start <= to)
    const facts = factsOf(summary)
    return {
      spans: found.slice(0, spans).map((span) => spanRow(span, shown, facts)),
      matched: matched?.spans ?? (reading.isWhole ? found.length : summary.spans),
    }
  }

  async #read(
    { traceId }: TraceSummary,
    wanted: ReadonlySet<string> | undefined,
    withTree: boolean,
  ): Promise<TraceReading | undefined> {
    const timeoutMs = this.#endMs - performance.now()
    if (timeoutMs <= 0) {
      this.isComplete = false
      return undefined
    }
    const maxSpans = wanted ? MAX_TRACE_SPANS : MAX_DECODED_SPANS
    try {
      const chunks = this.#store.trace(traceId, { signal: this.#call.signal, timeoutMs })
      return await readTraceSpans(chunks, { wanted, withTree, maxSpans, grow: this.#room.forOne() })
    } catch (error) {
      if (!leavesPart(error)) throw error
      this.isComplete = false
      return undefined
    }
  }
}

export function factsOf({ traceId, rootName, rootService, durationNs }: TraceSummary): TraceFacts {
  return { traceId, rootName, rootService, durationNs }
}

function traceRow(summary: TraceSummary, sets: readonly SpanSetRow[]): TraceRow {
  const { traceId, rootService, rootName, start, durationNs, services } = summary
  return {
    traceID: traceId,
    rootServiceName: rootService,
    rootTraceName: rootName,
    startTimeUnixNano: start.toString(),
    durationMs: Math.floor(durationNs / 1e6),
    ...(sets[0] && { spanSet: sets[0] }),
    spanSets: sets,
    serviceStats: Object.fromEntries(
      services.map(({ name, spans, errors }) => [
        name,
        { spanCount: spans, ...(errors > 0 && { errorCount: errors }) },
      ]),
    ),
  }
}

function spanRow(own: TraceSpan, shown: readonly Target[], facts: TraceFacts): SpanRow {
  const { span } = own
  const attributes = shown.flatMap((target) => shownValue(target, own, facts))
  return {
    spanID: span.spanId,
    name: span.name,
    startTimeUnixNano: span.startTimeUnixNano.toString(),
    durationNanos: (span.endTimeUnixNano - span.startTimeUnixNano).toString(),
    ...(attributes.length > 0 && { attributes }),
  }
}

/** The first value; without its scope, as Tempo names it. */
function shownValue(target: Target, own: TraceSpan, facts: TraceFacts): KeyValueJson[] {
  const { name: key } = target
  if (target.op === 'attribute') {
    const [attribute] = attributesAt(target, own)
    return attribute ? [{ key, value: anyValueJson(attribute.value) }] : []
  }
  const [value] = valuesOf(target, own, facts)
  return value === undefined || value === '' ? [] : [{ key, value: valueJson(value) }]
}
