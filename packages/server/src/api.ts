import type { Attention, CollectorStatus, SendersStatus } from '@spoor/collector'

/**
 * The types of Spoor's own HTTP API, `/api/spoor/v1/*`, shared with the page and with anybody who writes a client.
 * Times are decimal strings of nanoseconds since 1970 (they do not fit a JSON number), durations are numbers of
 * nanoseconds.
 *
 * What each route takes is in `api/catalogue.ts`, by which requests are read, and in `GET openapi.json`, which is made of it.
 *
 * | route | answer |
 * |---|---|
 * | GET search | {@link SearchResponse}, or as it is found: {@link SearchLine} |
 * | GET tail | as it comes, as long as the client stays: {@link TailLine} |
 * | GET aggregate | {@link AggregateResponse} |
 * | GET heatmap | {@link HeatMapResponse} |
 * | GET error-groups | {@link ErrorGroupsResponse} |
 * | GET bottleneck | {@link BottleneckResponse} |
 * | GET flame | {@link FlameResponse} |
 * | GET compare | {@link CompareResponse} |
 * | GET traces/:id | `application/x-protobuf`: serialized `TracesData`, the store's bytes; 404 {@link ApiError}. `?format=json`: OTLP/JSON |
 * | POST traces | {@link StoredResponse}: the spans of the body, `application/x-protobuf`: a serialized `TracesData` of at most 16 MiB, are in the store |
 * | GET traces/:id/report | {@link TraceReportResponse} |
 * | GET pins | {@link PinsResponse} |
 * | PUT traces/:id/pin | {@link PinRow}: the trace is kept longer; 409 {@link ApiError} `not_kept` without `--keep pinned` |
 * | DELETE traces/:id/pin | {@link PinRow}: it was pinned; 404 {@link ApiError} where it was not |
 * | GET services | {@link ServicesResponse} |
 * | GET operations | {@link OperationsResponse} |
 * | GET attributes | {@link AttributesResponse} |
 * | GET attribute-values | {@link AttributeValuesResponse} |
 * | GET dependencies | {@link DependenciesResponse} |
 * | GET findings | {@link FindingsResponse}: what is to be mended, by the traces that came |
 * | GET status | {@link StatusResponse} |
 * | GET pipelines | {@link PipelinesResponse}; with `own` without the collectors that send here |
 * | GET senders | {@link SendersResponse}: who sends, what comes of it, and what is to be mended |
 * | GET tap | the edges of the collector's graph; with `edge` the next items there, as lines of OTLP/JSON; 403 as config |
 * | GET config | the collector's configuration without its secrets; 403 where the port is open to other machines |
 *
 * `aggregate` to `compare` are answered as they grow to who accepts that: {@link AnswerLine}.
 *
 * Every route that asks the store, but for `tail`, takes `timeout`, a Go duration of 1ms to 1m (default 10s): how long its query may take. What was found
 * until then is given where the answer can say `complete: false`, else 504 {@link ApiError} `timeout`. 503 says that the same
 * may be asked again, and after how many seconds (`Retry-After`).
 *
 * `from`, `to`: ns since 1970, or a time span back from now (`1h`, `2d`). Durations: Go form (`200ms`). Errors: HTTP status
 * and {@link ApiError}.
 *
 * `q` is the search bar's text: terms side by side are AND; `OR`, `NOT` or `-term`, parentheses. A term is `key:value`,
 * `key=value`, `key!=value`, `key>value`, `key>=value`, `key<value`, `key<=value`, `key~regex`, `key!~regex`,
 * `has:key`, or a bare word: part of the span's name or service, of any case, or the whole of an attribute's value, whatever its key, or an id.
 * Keys: service, name, kind, status,
 * duration, scope; anything else is an attribute, with an optional level (`resource.host.name`, `span.http.route`,
 * `event.exception.type`). Values with spaces are quoted; `value1,value2` is any of; a `*` in a value is a wildcard. A
 * text that is a trace id of 32 hex digits and nothing else finds that trace.
 *
 * Terms `trace.duration`, `trace.request` (the root span), `trace.tail` (what ran on after it), `trace.spans`, `trace.errors`, `root.service` and
 * `root.name` are of the whole trace.
 *
 * Sets of spans of one trace stand in braces: `{service:a status:error} > {service:b}` finds spans of b that are children of failed ones of a. Between
 * two sets: `>` child, `<` parent, `>>` descendant, `<<` ancestor, `~` sibling, each with `!` before it for "is not"; `&&` both are there, `||` one is;
 * `not {…}` none is; and after a set `| count() > 3`, or `min`, `max`, `sum`, `avg` of a key: `| max(duration) > 1s`.
 */
export interface SearchResponse {
  readonly traces: readonly TraceRow[]
  readonly next?: string
  /** False: it took too long, or a part is damaged; there may be more. */
  readonly complete: boolean
  /** Traces that match on all pages: so many, or at least so many. `totals=true` has all counted, as far as the time goes. */
  readonly total: { readonly traces: number; readonly exact: boolean }
  readonly spansScanned: number
  /** From disk. */
  readonly bytesRead: number
  readonly elapsedMs: number
  /** Where nothing was found: names of the query that are not known, and what may be meant. */
  readonly didYouMean?: readonly Suggestion[]
}

export interface Suggestion {
  readonly kind: 'service' | 'operation' | 'attribute'
  /** As the query has it. */
  readonly name: string
  readonly instead: string
  /** The whole query with it. */
  readonly q: string
}

/**
 * A search with `Accept: application/x-ndjson` is answered as it goes on, a line of JSON each: traces in their order as they are found, how far it is, and at
 * last `end`, or `error` when it failed on the way.
 */
export type SearchLine =
  | { readonly type: 'traces'; readonly traces: readonly TraceRow[] }
  | {
      readonly type: 'progress'
      /** Parts of the store. */
      readonly partsDone: number
      readonly partsTotal: number
      readonly spansScanned: number
      readonly bytesRead: number
    }
  | ({ readonly type: 'end' } & Omit<SearchResponse, 'traces'>)
  | ({ readonly type: 'error' } & ApiError)

/**
 * What `q` matches of all that is stored from now on (`q`, `minTraceDuration`, `maxTraceDuration` as in a search, at whatever time spans start), told twice a second: a line of JSON each, or with `Accept: text/event-stream` a
 * server-sent event each, its data the same. A client that does not take what it is sent is waited for with nothing but the next line in memory; what came meanwhile beyond 100,000 spans, or a second's work, is missed.
 * 16 clients at a time; beyond it 503.
 */
export type TailLine =
  /**
   * Traces with new spans, as they are now. One that was told before comes again when it has more, also where those do not match: what it was before it is not any more. Of a query with one filter that is so of the last
   * 4,096 that were told. `limit`: at a time at most so many, 1-500, default 100.
   */
  | { readonly type: 'traces'; readonly traces: readonly TraceRow[] }
  /** At the beginning, when some were missed, and every ten seconds: how many spans came since the beginning, and how many of these were not looked at, or are of traces that may match and were not told. */
  | { readonly type: 'progress'; readonly spans: number; readonly missed: number }
  /** Spoor stops. */
  | { readonly type: 'end' }
  | ({ readonly type: 'error' } & ApiError)

/**
 * `aggregate`, `heatmap`, `error-groups`, `bottleneck`, `flame` and `compare` with `Accept: application/x-ndjson` are answered as they are counted, a line of JSON each: some times a second what there is so far, of parts of the
 * store, and at last the answer, or what went wrong on the way.
 */
export type AnswerLine<T> =
  | { readonly type: 'partial'; readonly partsDone: number; readonly partsTotal: number; readonly answer: T }
  | { readonly type: 'end'; readonly answer: T }
  | ({ readonly type: 'error' } & ApiError)

export interface TraceRow {
  readonly traceId: string
  readonly rootService: string
  readonly rootName: string
  /** First start of any span. ns since 1970, decimal. */
  readonly start: string
  /** Of the whole trace: last end - first start. */
  readonly durationNs: number
  /** The request is the root span. ns since 1970, decimal. */
  readonly requestStart: string
  readonly requestDurationNs: number
  /** What ran on after the request: last end of any span - the request's end, at least 0. */
  readonly tailNs: number
  readonly spans: number
  readonly errors: number
  readonly orphans: number
  readonly services: readonly { name: string; spans: number; errors: number; selfTimeNs: number }[]
  /** Spans for which the search found the trace; absent where every span is one. `matches` (0-100, default 3) are named. */
  readonly matched?: {
    readonly spans: number
    /** False: at least so many. */
    readonly exact: boolean
    readonly longestNs: number
    /** By their start. `key`: where a bare word was found. */
    readonly first: readonly { readonly spanId: string; readonly durationNs: number; readonly key?: string }[]
  }
}

/**
 * How many, how fast, how often they fail: of all spans that `q` finds (`of=spans`, the default), or of the requests of all traces that it finds, each
 * by its root span (`of=requests`). What was sent twice counts once.
 *
 * `groupBy`: at most 3 keys as in `q`, with commas in between: `service`, `name`, `kind`, `status`, or an attribute's key, with a level before it or without: then the first
 * of span, resource, scope, event and link that has it. `percentiles`: at most 10 shares (default `0.5,0.95,0.99`). `order`: of the groups, the greatest first: `count` (default),
 * `errors`, `sum` (of durations), `max`, `percentile` (the last one). `limit`: of the groups (1-10,000, default 20); all others are `rest`. `buckets`: parts of
 * equal length into which the time is cut (0-1,000, default 0; times `limit` at most 100,000). `exemplars`: the longest of each group (0-10, default 1).
 */
export interface AggregateResponse extends AggregateEndRow {
  readonly total: MeasuresRow
  /** `key`: values of `groupBy`, null where there is none. Empty without `groupBy`. */
  readonly groups: readonly (MeasuresRow & { readonly key: readonly (string | null)[] })[]
  /** All other groups as one. */
  readonly rest?: MeasuresRow & { readonly groups: number }
}

/** Durations are nanoseconds; a negative one counts as 0. */
export interface MeasuresRow {
  readonly count: number
  /** How many have status error; of requests, their root. */
  readonly errors: number
  readonly perSecond: number
  readonly sumNs: number
  readonly minNs: number
  readonly maxNs: number
  /** For each of `percentiles`, within 0.54 %. 0 where nothing is counted. */
  readonly percentilesNs: readonly number[]
  readonly exemplars: readonly ExemplarRow[]
  /** The first begins at `bucketsFrom`; each is `bucketNs` long. */
  readonly buckets?: readonly {
    readonly count: number
    readonly errors: number
    readonly sumNs: number
    readonly minNs: number
    readonly maxNs: number
    readonly percentilesNs: readonly number[]
  }[]
}

export interface ExemplarRow {
  readonly traceId: string
  readonly spanId: string
  readonly durationNs: number
  readonly error: boolean
}

/**
 * How many by time and duration, of what `aggregate` counts. `timeBins`: 1-1,000, default 120, each `bucketNs` long from `bucketsFrom` on; at most so many where they are `aligned`. `durationBins`: at most so many, 1-100,
 * default 24.
 */
export interface HeatMapResponse extends AggregateEndRow {
  /** Bin d has the durations from `edgesNs[d]` up to and without `edgesNs[d + 1]`. */
  readonly edgesNs: readonly number[]
  /** Bin (t, d) is at `t * (edgesNs.length - 1) + d`. */
  readonly counts: readonly number[]
  readonly errors: readonly number[]
  /** The longest of each bin that is not empty. */
  readonly exemplars: readonly (ExemplarRow & { readonly bin: number })[]
}

/**
 * Which errors there are among the spans that `q` finds, the same ones together: with one type, one message but for numbers and ids, and one place where it was thrown. A span tells
 * of an error when its status is error or it has recorded an exception. `order`: `count` (default), `first_seen` (the newest error first) or `last_seen`. `limit`: 1-1,000, default
 * 50. `buckets`: 0-1,000, default 0; at most so many where they are `aligned`. `exemplars`: the latest of each (0-10, default 3).
 */
export interface ErrorGroupsResponse extends AggregateEndRow {
  /** Spans that tell of an error; one may tell of several. */
  readonly spans: number
  readonly groups: readonly ErrorGroupRow[]
  /** Groups beside these. */
  readonly moreGroups: number
}

export interface ErrorGroupRow {
  /** The same for the same error, for ever. */
  readonly id: string
  /** '' where nothing is known. */
  readonly type: string
  /** `<n>` and `<id>` stand for numbers that are no codes, and for ids. */
  readonly message: string
  /** `function (file)`. */
  readonly frame: string
  /** Spans. */
  readonly count: number
  /** In the range that was asked for; without `from`, the first ever. ns since 1970, decimal. */
  readonly firstSeen: string
  readonly lastSeen: string
  readonly services: readonly { readonly name: string; readonly spans: number }[]
  readonly exemplars: readonly (ExemplarRow & { readonly start: string })[]
  /** Spans by time. */
  readonly buckets?: readonly number[]
}

/**
 * Where the time of all traces that `q` finds went, over all of their spans. `limit`: services and operations, 1-1,000, default 50. `traces`: of how many traces at most, 1-1,000,000, newer ones rather than older; default:
 * all.
 */
export interface BottleneckResponse extends AggregateEndRow {
  readonly traces: number
  /** Sum of the durations of their requests: what all critical paths add up to. */
  readonly requestNs: number
  /** Whether there may be more than the `traces` that were asked for. */
  readonly sampled: boolean
  /** Most time on critical paths first. */
  readonly services: readonly TimeShareRow[]
  readonly operations: readonly (TimeShareRow & { readonly name: string })[]
}

/** Durations are sums, in nanoseconds. */
export interface TimeShareRow {
  readonly service: string
  readonly spans: number
  readonly traces: number
  readonly errors: number
  /** Time in none of a span's children, whether somebody waited for it or not. */
  readonly selfNs: number
  /** Time that requests waited for, and would be shorter without. */
  readonly criticalNs: number
  readonly criticalTraces: number
  /** The trace with most of it. */
  readonly exemplar?: { readonly traceId: string; readonly criticalNs: number }
}

/**
 * The call paths of the traces that `q` finds, folded into one: spans of one service and name that are below the same frame are one frame. `traces`: as in `bottleneck`, default 10,000. `limit`: frames that are told one by
 * one, 1-10,000, default 1,000. `exemplars`: 0-10, default 1.
 */
export interface FlameResponse extends AggregateEndRow {
  readonly traces: number
  /** Sum of the durations of their requests: what all `criticalNs` add up to. */
  readonly requestNs: number
  /** As in {@link BottleneckResponse}. */
  readonly sampled: boolean
  /** Each after the one that it is below; below one, most total time first. */
  readonly frames: readonly (FlameTimesRow & {
    /** Where in `frames` the one is that it is below; -1: none. */
    readonly parent: number
    readonly service: string
    readonly name: string
    /** Traces that have such a span, and those that have most of the total time. */
    readonly traces: number
    readonly exemplars: readonly { readonly traceId: string; readonly totalNs: number }[]
    readonly others?: FlameOthersRow
  })[]
  /** Frames at the top that are not told one by one. */
  readonly others?: FlameOthersRow
}

/** Durations are sums, in nanoseconds. */
interface FlameTimesRow {
  /** Spans, and those of them with status error. */
  readonly calls: number
  readonly errors: number
  /** Of the spans: where children run beside each other, more than their parent has. */
  readonly totalNs: number
  /** As in {@link TimeShareRow}. */
  readonly selfNs: number
  readonly criticalNs: number
}

/** All frames below one that are not told one by one: beyond `limit`, more than 128 deep, or more than there is memory for. `totalNs`: of the uppermost of them. */
interface FlameOthersRow extends FlameTimesRow {
  /** At least so many. */
  readonly frames: number
}

/**
 * What is different in what the query `b` finds from what the query `a` does: both as `q`, in the range `from` to `to`, or each in its own (`aFrom`, `bTo`, …). With `rest=true` from what is in `a` and not in `b`, which has to be a part of it. `keys`: at most 100, as
 * `groupBy`; default `service`, `name`, `kind`, `status` and the 50 most frequent attributes. `limit`: 1-1,000, default 50.
 */
export interface CompareResponse {
  /** Spans, or requests, of each. */
  readonly a: number
  readonly b: number
  /** The most surprising first; none that may be chance. */
  readonly differences: readonly {
    /** One of these two. */
    readonly field?: 'service' | 'name' | 'kind' | 'status'
    readonly attribute?: string
    readonly level?: string
    /** null: that there is none. */
    readonly value: string | null
    /** How many of each have it. */
    readonly a: number
    readonly b: number
    /** By how much the share differs at the least, with a confidence of 95 %: more than 0, at most 1. */
    readonly surprise: number
  }[]
  readonly complete: boolean
  readonly spansScanned: number
  readonly bytesRead: number
  readonly elapsedMs: number
}

interface AggregateEndRow {
  /** What was asked about, both inclusive; where there was no `from` or `to`, from the first or to the last span of the store. ns since 1970, decimal. */
  readonly from: string
  readonly to: string
  /** Where the first part of the time begins: at `from`, or, where they are `aligned`, perhaps before it. */
  readonly bucketsFrom: string
  readonly bucketNs: number
  /** False: it took too long, or a part is damaged; the numbers are too small. */
  readonly complete: boolean
  readonly spansScanned: number
  readonly bytesRead: number
  readonly elapsedMs: number
}

/** What there is to say of a trace: its row, what is wrong with it in words, and what its answer waited for. */
export interface TraceReportResponse {
  readonly trace: TraceRow
  readonly problems: readonly {
    /** Stable, kebab-case: `error`, `orphan`, `async-tail`, `clock-skew`, ... */
    readonly code: string
    readonly severity: 'error' | 'warning' | 'info'
    readonly text: string
    /** Ids of the spans that it is about, at most 20. */
    readonly spans: readonly string[]
  }[]
  /** In the order of time; `startNs` is an offset from the trace's start. The durations add up to the root span's. */
  readonly criticalPath: readonly {
    readonly spanId: string
    readonly service: string
    readonly name: string
    readonly startNs: number
    readonly durationNs: number
  }[]
}

/** A trace that is pinned. The answers of `traces/:id` and its report have the time as the header `spoor-pinned`, in ISO 8601. */
export interface PinRow {
  readonly traceId: string
  /** Milliseconds since 1970. */
  readonly pinnedMs: number
}

export interface PinsResponse {
  /** Whether pinned traces are kept longer: what `--keep` says. */
  readonly kept: boolean
  /** The latest first; also of traces that are not there any more. */
  readonly pins: readonly PinRow[]
}

export interface ServicesResponse {
  readonly services: readonly string[]
}
export interface OperationsResponse {
  readonly operations: readonly { name: string; kind: number }[]
}
export interface AttributesResponse {
  readonly keys: readonly string[]
}
export interface AttributeValuesResponse {
  readonly values: readonly string[]
}
export interface DependenciesResponse {
  /** Sorted by parent, child, kind. Percentiles are those of the child spans' durations. */
  readonly edges: readonly {
    readonly parent: string
    readonly child: string
    /** `messaging`: from a producer to a consumer, by parent or by link. */
    readonly kind: 'call' | 'messaging'
    readonly calls: number
    readonly errors: number
    readonly perSecond: number
    readonly p50Ns: number
    readonly p95Ns: number
    readonly p99Ns: number
  }[]
  /** False: it took too long, or a part is damaged; there may be more. */
  readonly complete: boolean
}

/** The answer of `/health` and `/ready`: 200 with `ok`, or 503 with the reasons. */
export interface HealthResponse {
  readonly status: 'ok' | 'unavailable'
  readonly reasons: readonly string[]
}

/** Something that the store told of itself. */
export interface StoreEventRow {
  /** Milliseconds since 1970. */
  readonly atMs: number
  /** `damaged`, `dropped`, `failing`, ... */
  readonly code: string
  readonly severity: 'info' | 'warn' | 'error'
  /** In words: the thing, the place and, where there is one, the way out. */
  readonly text: string
}

export interface StatusResponse {
  readonly version: string
  /** What of Spoor this is: `all`, or `query` (page and APIs alone) or `ingest` (no page). */
  readonly program: 'all' | 'query' | 'ingest'
  readonly phase: 'starting' | 'running' | 'stopping'
  readonly health: {
    /** What `/health` and `/ready` say. */
    readonly live: boolean
    readonly ready: boolean
    /** Why it is not ready; empty when it is. */
    readonly reasons: readonly string[]
    /** Since the store was opened. Damaged spans: at most. */
    readonly damagedPieces: number
    readonly damagedSpans: number
    readonly damagedBytes: number
    /** By reason: `size`, `age`, `space`, `request`; of what had been kept longer `kept_size`, `kept_age`. */
    readonly droppedSpans: Readonly<Record<string, number>>
    /** The latest first, at most 100. */
    readonly recent: readonly StoreEventRow[]
  }
  readonly uptimeSeconds: number
  /** Where senders report to, for the page's hints: `http://127.0.0.1:4318`, `127.0.0.1:4317`. */
  readonly endpoints: { readonly otlpHttp?: string; readonly otlpGrpc?: string }
  /** Totals since start; the page takes differences for rates. */
  readonly spansAccepted: number
  readonly spansRefused: number
  /** Why spans are refused right now; absent when they are not. */
  readonly refusing?: string
  /** What is to be mended now, of those who send and of what arrived: the gravest first, at most 100. */
  readonly attention: readonly AttentionRow[]
  readonly store: {
    /** True: the store did not answer in time, and these are figures from before (0 where there are none). */
    stale?: true
    spans: number
    diskBytes: number
    blocks: number
    segments: number
    oldest?: string
    newest?: string
    /** How far the sealing of older segments has got; bytes saved by it, and what is still to be sealed. */
    sealing?: { segments: number; savedBytes: number; waitingSegments: number; waitingBytes: number }
    /** With `--keep`: what is kept longer than the limits say, and of how many segments it is written already what will be. */
    keeping?: { segments: number; spans: number; bytes: number; maxBytes: number; readySegments: number }
  }
}

/** The collector in Spoor, and those that send to it. Times of these are numbers of milliseconds since 1970. */
export interface PipelinesResponse extends CollectorStatus {
  readonly collectors: readonly FollowedCollector[]
}

/**
 * Who sends to Spoor, what comes of it, and what is to be mended: `attention` of each sender, and of all together. Also whoever sends to the page's port by
 * mistake, as of the receiver `page`.
 */
export type SendersResponse = SendersStatus

/** What became of spans that were sent to be stored. */
export interface StoredResponse {
  /** That are in the store, as they are when the answer comes. */
  readonly spans: number
  /** That are not, as their ids are not valid, and what is wrong with the first. */
  readonly rejected: number
  readonly reason?: string
}

/** Something that somebody should know, and can mend: what, where, how, how often, since when. Times are milliseconds since 1970. */
export type AttentionRow = Attention

/** What traces that came show together, with spans that show it. */
export interface FindingRow extends Attention {
  readonly id: string
  /** Those that it is about. */
  readonly services: readonly string[]
  readonly spans: readonly { readonly traceId: string; readonly spanId: string }[]
}

/**
 * What 200 traces of the range show, half of them the newest and half the newest of those that are whole, and spans whose times cannot be, whenever they came. The gravest first.
 * Without a range: what was found so far, of what was seen within the last hour. `service`: what is about this one alone.
 */
export interface FindingsResponse {
  readonly findings: readonly FindingRow[]
}

/** A collector of this machine that sends to Spoor and has told where its status can be read. */
export interface FollowedCollector {
  /** `http://127.0.0.1:55680`. */
  readonly address: string
  readonly lastSeenMs: number
  /** One of these two: what it answered, or why not. */
  readonly status?: CollectorStatus
  readonly error?: string
  /** What is to be mended of those who send to it; absent where it does not say so. */
  readonly attention?: readonly AttentionRow[]
}

export interface ApiError {
  /** `code` is stable (`bad_query`, `not_found`, ...); `message` says what is wrong, where, and the way out. */
  readonly error: {
    readonly code: string
    readonly message: string
    /** Position in `q`, 0-based. */ readonly position?: number
  }
}
