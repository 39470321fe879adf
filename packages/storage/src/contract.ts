import type { TelemetryBatch } from '@spoor/otlp'
import type { StoreHealth } from './events.ts'
import type {
  AggregateQuery,
  Aggregates,
  Bottleneck,
  BottleneckQuery,
  CompareQuery,
  Differences,
  ErrorGroups,
  ErrorGroupsQuery,
  HeatMap,
  HeatMapQuery,
  OnPartial,
} from './aggregates.ts'
import type { Flame, FlameQuery } from './flame.ts'
import type { Filter, Level, SpanSet } from './span-set.ts'
import type { TailEvent, TailQuery } from './tail.ts'

export * from './aggregates.ts'
export { DURATION_ERROR } from './duration-bins.ts'
export type * from './flame.ts'
export type * from './span-set.ts'
export type * from './tail.ts'

/**
 * What a trace store promises. Every engine passes the same conformance suite (`@spoor/storage/conformance`).
 *
 * Times are nanoseconds since 1970 as bigint, ranges are `[from, to)` unless said otherwise, durations are nanoseconds.
 * What a method hands out is the caller's to keep.
 */
export interface TraceStore {
  /** What this engine can do; it is the same for as long as the store is open. */
  readonly capabilities: Capabilities

  /**
   * Resolves when the spans are durable (they survive `kill -9` and power loss) and can be found by `trace` and `search`.
   * Rejects with a {@link StorageError}; then none of the batch is acknowledged, though some of it may be found. Spans whose trace or
   * span id is not valid are the caller's to refuse beforehand.
   */
  append(batch: TelemetryBatch): Promise<void>

  /**
   * The spans of a trace as serialized `TracesData` chunks whose concatenation is one valid message: each span with its own bytes, under its own resource and
   * scope, as it came. An unknown id gives no chunk. `id` is 32 hex digits, lower case. Where a part is damaged all that can be read is given,
   * and then it rejects with `corrupt` or `io`, naming the place.
   */
  trace(id: string, options?: CallOptions): AsyncIterable<Uint8Array>

  /**
   * Traces in the order that is asked for, as they are found, with word of how far the search is, and `end` as the last event. Throws StorageError
   * `bad_query` before the first event for what is no query, or asks for what the engine cannot do. Out of time or memory, or cancelled
   * by `signal`, it ends with what it has, and says so. Who does not read on to the end gives the search up. {@link collectSearch} makes one page of it.
   */
  search(query: SearchQuery): AsyncIterable<SearchEvent>

  /** Names of all services that have spans, sorted; `unknown_service` for spans whose resource has none. */
  services(options?: CallOptions): Promise<string[]>
  /** Operations (span names with their kinds) of a service, sorted by name then kind; of all services when `service` is undefined. */
  operations(service: string | undefined, kind?: number, options?: CallOptions): Promise<Operation[]>
  /** Attribute keys seen, most frequent first; at most `limit` (default 200). `level`: of what there is at that level alone, default `any`. */
  attributeKeys(limit?: number, options?: CallOptions & { readonly level?: Level }): Promise<string[]>
  /**
   * Values seen of one attribute key, most frequent first; at most `limit` (default 100). Sampled from the newest blocks. Keys and values of
   * more than 1,024 characters are left out.
   */
  attributeValues(key: string, limit?: number, options?: CallOptions): Promise<string[]>

  /**
   * Calls between services: for each span whose parent span is of another service, one call parent -> child, over spans that start in `[from, to)`. From a span of
   * kind producer to one of kind consumer it is messaging, also where the consumer only links to the producer: one for each producer span that it links to, but for its
   * own parent. Edges within one service are left out. A span that was sent twice counts once, unless very much came between; where several spans of a trace have the
   * id of the parent, or of what is linked to, one of them counts; a span that is its own parent has none. Parents and producers may start at any time, but an engine may
   * bound how far outside of the range it looks for them. What was found within the limits is given, and said not to be complete.
   */
  dependencies(from: bigint, to: bigint, options?: DependenciesOptions): Promise<Dependencies>

  /**
   * How many spans, or requests, a query matches, how fast they are and how often they fail, by groups. Rejects with StorageError `bad_query`, naming the place, for what
   * is no query; where there is no time or memory for all, the answer says that it is not complete. `onPartial` hears of it as it grows, until then.
   */
  aggregate(query: AggregateQuery, onPartial?: OnPartial<Aggregates>): Promise<Aggregates>
  /** How many a query matches by time and duration. As {@link aggregate}. */
  heatMap(query: HeatMapQuery, onPartial?: OnPartial<HeatMap>): Promise<HeatMap>
  /** Which errors there are among the spans that a query matches, the same ones together. As {@link aggregate}. */
  errorGroups(query: ErrorGroupsQuery, onPartial?: OnPartial<ErrorGroups>): Promise<ErrorGroups>
  /** Which services and operations the requests of the traces that a query matches waited for. As {@link aggregate}. */
  bottleneck(query: BottleneckQuery, onPartial?: OnPartial<Bottleneck>): Promise<Bottleneck>
  /** The call paths of the traces that a query matches, folded into one. As {@link aggregate}. */
  flame(query: FlameQuery, onPartial?: OnPartial<Flame>): Promise<Flame>
  /** What is different in one set of spans, or requests, from another. As {@link aggregate}. */
  compare(query: CompareQuery, onPartial?: OnPartial<Differences>): Promise<Differences>

  /**
   * What a query matches of all that is stored from now on, as it comes, soon after it is acknowledged; see `tail.ts`. Begins with `progress`, ends when `signal` aborts or who reads leaves. Throws
   * StorageError `bad_query` before the first event for what is no query.
   */
  tail(query: TailQuery): AsyncIterable<TailEvent>

  /**
   * Has a trace kept longer than retention would, be it stored or not; durable when it resolves. One that is pinned already keeps its time. `traceId`: 32
   * hex digits, lower case. Rejects with StorageError `bad_query` for what is none, where there are too many pins, or where the engine keeps nothing for
   * it ({@link Capabilities.pins}).
   */
  pin(traceId: string): Promise<Pin>
  /** Takes the pin from a trace. False: it had none. Rejects as {@link pin}. */
  unpin(traceId: string): Promise<boolean>
  /** All pins, the latest first; also of traces that are not there any more. */
  pins(): Promise<Pin[]>

  stats(options?: CallOptions): Promise<StoreStats>

  /** How the store is, at once, whatever hangs. */
  health(): StoreHealth

  /** Resolves when the store cannot be used any more, with what ended it; it should then be closed and the program end. */
  readonly failed: Promise<StorageError>

  /**
   * Drains what was appended and closes. Appending afterwards rejects with `closed`. What is not done after `deadlineMs` milliseconds
   * (default 10,000) is given up, counted and rejected, whatever hangs; then `close` rejects with `timeout`.
   */
  close(deadlineMs?: number): Promise<void>
}

/** Limits of one query. */
export interface CallOptions {
  /**
   * Milliseconds after which the query stops: with what it has and `complete: false` where its answer can say so, else with a
   * StorageError `timeout`. For a trace: of all its chunks together, without the time in which nobody asks for the next. Default 10,000.
   */
  readonly timeoutMs?: number
  /**
   * Bytes that the query may hold while it is at work, beside what the engine keeps for all; beyond it, it stops as it does at its deadline. Default,
   * and at most: what the engine gives a query.
   */
  readonly maxBytes?: number
  /** The caller is not interested any more: the query stops, and rejects with `cancelled` where its answer cannot say that it is not complete. */
  readonly signal?: AbortSignal
  /** Reserved for whose spans are asked for. */
  readonly tenant?: never
  /** Reserved for other signals than traces. */
  readonly telemetry?: never
}

/** What an engine can do. What it cannot do it refuses with `bad_query`. */
export interface Capabilities {
  /** Whether a span comes back with the very bytes that it came with, or with others that mean the same. */
  readonly bytes: 'own' | 'rebuilt'
  /** Whether sets can be {@link SpanSet} `related`. */
  readonly structure: boolean
  readonly orders: readonly Order[]
  /** What `end` says of the number of all matching traces when `totals` is asked for. */
  readonly totals: 'exact' | 'at_least'
  /** How spans go: `retention` by age and bytes, `traces` one by one. */
  readonly deletion: readonly ('retention' | 'traces')[]
  /** Whether traces that are pinned are kept longer than others. */
  readonly pins: boolean
  /** `aggregate` and `heatMap`. */
  readonly aggregates: boolean
  readonly compare: boolean
  readonly errorGroups: boolean
  readonly tail: boolean
}

/**
 * By the trace: `newest` and `oldest` by its start, `longest` and `shortest` by its request's duration, `longest_tail` by its tail, `most_spans` and
 * `most_errors`. By its spans in the result: `longest_match` by the longest of them.
 */
export const ORDERS = [
  'newest',
  'oldest',
  'longest',
  'shortest',
  'longest_tail',
  'longest_match',
  'most_spans',
  'most_errors',
] as const
export type Order = (typeof ORDERS)[number]

export interface SearchQuery extends CallOptions {
  /** Which traces. Default: every trace with a span in the range. */
  readonly spans?: SpanSet
  /** Short for `spans` with this filter alone; not together with it. */
  readonly filter?: Filter
  /** Spans of a set start in `[from, to]`, both inclusive, as Jaeger has it. Default: all time. */
  readonly from?: bigint
  readonly to?: bigint
  /**
   * Default `newest`. Ties are broken by trace id, so that pages are stable. `newest` can stop early; the others may have to look at everything
   * in the range.
   */
  readonly order?: Order
  /** 1-10,000, default 20. */
  readonly limit?: number
  /** From an earlier page's `next`, of a search that was the same in all but its limit. */
  readonly cursor?: string
  /** Spans named in each {@link TraceSummary.matched}: 0-100, default 3. */
  readonly matchesPerTrace?: number
  /** Whether to go on after the page to tell how many traces match in all. Default false: as many as were seen. */
  readonly totals?: boolean
}

/** What a search tells, in this order: traces and progress as often as there is some, then one end. */
export type SearchEvent =
  /** The next traces of the page, in order. */
  | { readonly type: 'traces'; readonly traces: readonly TraceSummary[] }
  /** How far it is; figures only grow. */
  | ({ readonly type: 'progress' } & SearchProgress)
  | ({ readonly type: 'end' } & SearchEnd)

/** Of all that is in question: `done` of `total`, in parts of the engine's own making. */
export interface SearchProgress {
  readonly partsDone: number
  readonly partsTotal: number
  readonly spansScanned: number
  readonly bytesRead: number
}

export interface SearchEnd {
  /**
   * Where the next page starts; undefined at the end, and where there was no time for anything. Of a page that is not complete it may be where the search
   * goes on, also where nothing was found: ordered by `newest`, pages together have all and nothing twice.
   */
  readonly next: string | undefined
  /**
   * Whether all that is in question was looked at. False: stopped by time, by `signal` or by the memory that queries may use, or a part is
   * damaged; there may be more.
   */
  readonly complete: boolean
  /** Traces that match, on all pages: so many, or at least so many. */
  readonly total: { readonly traces: number; readonly exact: boolean }
  /** Spans looked at, bytes read from disk and milliseconds taken; shown to people. */
  readonly spansScanned: number
  readonly bytesRead: number
  readonly elapsedMs: number
}

/** A search's answer in one piece. */
export interface SearchPage extends SearchEnd {
  readonly traces: readonly TraceSummary[]
}

/** Reads a search to its end. Rejects as it does. */
export async function collectSearch(events: AsyncIterable<SearchEvent>): Promise<SearchPage> {
  const traces: TraceSummary[] = []
  for await (const event of events) {
    if (event.type === 'traces') traces.push(...event.traces)
    if (event.type !== 'end') continue
    const { type: _, ...end } = event
    return { traces, ...end }
  }
  throw new StorageError('io', 'the search ended without its end')
}

export interface ServiceShare {
  readonly name: string
  readonly spans: number
  readonly errors: number
  /** Sum of the self time of the service's spans: time in no child span. Nanoseconds. */
  readonly selfTimeNs: number
}

export interface TraceSummary {
  /** 32 hex digits. */
  readonly traceId: string
  /** Of the root: the earliest span without a parent; where there is none, the earliest whose parent is not in the store. */
  readonly rootService: string
  readonly rootName: string
  /** First start of any span. */
  readonly start: bigint
  /** Of the whole trace: last end - first start. Nanoseconds. */
  readonly durationNs: number
  /** The request is the root span, from its start to its end: what the caller waited for. */
  readonly requestStart: bigint
  /** Nanoseconds; 0 where the root ends before it starts. */
  readonly requestDurationNs: number
  /** What ran on after the request: last end of any span - the request's end, at least 0. Nanoseconds. */
  readonly tailNs: number
  readonly spans: number
  /** Spans with status error. What was sent twice, the same in every header field, counts once, here and in `spans`. */
  readonly errors: number
  /** Spans whose parent is not in the store. */
  readonly orphans: number
  /** Sorted by name. */
  readonly services: readonly ServiceShare[]
  /** The spans for which the trace is in the result of a search; undefined where every span is, or the trace was asked for by its id. */
  readonly matched?: MatchedSpans
}

export interface MatchedSpans {
  /** How many: so many, or where `exact` is false at least so many, as in a trace of very many spans not all are looked at. */
  readonly spans: number
  readonly exact: boolean
  /** The first of them by their start, see {@link SearchQuery.matchesPerTrace}. */
  readonly first: readonly MatchedSpan[]
  /** Of the longest of them. Nanoseconds. */
  readonly longestNs: number
}

export interface MatchedSpan {
  /** 16 hex digits. */
  readonly spanId: string
  readonly durationNs: number
  /** Where a word of the query was found: an attribute's key, `name`, `service`, `spanId` or `traceId`. Undefined when none was looked for. */
  readonly key?: string
}

export interface Operation {
  readonly name: string
  /** 0-5, as on the wire. */
  readonly kind: number
}

export interface Pin {
  /** 32 hex digits, lower case. */
  readonly traceId: string
  /** When it was pinned: milliseconds since 1970, by the store's clock. */
  readonly pinnedMs: number
}

export interface DependenciesOptions extends CallOptions {
  /** Whether links count, too. Default true. Spans of kind consumer may have to be read for them. */
  readonly links?: boolean
}

export interface DependencyEdge {
  readonly parent: string
  readonly child: string
  /** `messaging`: from spans of kind producer to spans of kind consumer; `call`: all others. */
  readonly kind: 'call' | 'messaging'
  readonly calls: number
  /** Those whose child span has status error. */
  readonly errors: number
  /** Calls a second of the range, which ends at the last start of a span in the store and, with `from` 0, begins at the first. */
  readonly perSecond: number
  /** Durations of the child spans, one for each call, by the nearest rank; off by at most {@link DURATION_ERROR} of each. Nanoseconds. */
  readonly p50Ns: number
  readonly p95Ns: number
  readonly p99Ns: number
}

export interface Dependencies {
  /** Sorted by parent, then child, then kind. */
  readonly edges: readonly DependencyEdge[]
  /** Whether all that is in question was looked at, see {@link SearchPage.complete}. */
  readonly complete: boolean
}

export interface StoreStats {
  readonly spans: number
  readonly blocks: number
  readonly segments: number
  /** Bytes on disk, all files of the store. */
  readonly diskBytes: number
  /** Start of the earliest and latest span; undefined when empty. */
  readonly oldest: bigint | undefined
  readonly newest: bigint | undefined
  /** Spans appended since the store was opened. */
  readonly appended: number
  /** What recovery found at open: blocks indexed again, bytes of a torn tail cut off. */
  readonly recovered: { readonly blocks: number; readonly tornBytes: number }
}

export type StorageErrorCode =
  | 'closed'
  /** The disk has no room; it can be sent again when there is. */
  | 'disk_full'
  /** The disk, or a part of the store, fails; it can be sent again. */
  | 'io'
  /** What is stored cannot be read. */
  | 'corrupt'
  /** Another process has the directory. */
  | 'locked'
  /** The store was opened to be read only. */
  | 'read_only'
  /** A newer version of Spoor wrote the directory. */
  | 'newer_format'
  | 'bad_query'
  /** A query, or closing, took longer than it was given. */
  | 'timeout'
  /** The caller's signal ended the query. */
  | 'cancelled'
  /** More at once than the store takes; it can be sent again. */
  | 'overloaded'

export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  readonly retryable: boolean
  constructor(code: StorageErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = code === 'disk_full' || code === 'io' || code === 'overloaded'
  }
}
