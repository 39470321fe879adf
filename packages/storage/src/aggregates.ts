import type { CallOptions } from './contract.ts'
import type { Filter, Level, SpanSet } from './span-set.ts'

/*
 * Questions about many requests: how many, how fast, how often they fail, by what, and when.
 *
 * **What counts** is what a search with the same `spans`, `from` and `to` finds: with `of: 'spans'` each span that is in the set of its trace, with
 * `of: 'requests'` each trace whose set is not empty, once, as its request: the root span, with its service, name, start, duration and status, as
 * the list of a search shows them. So a total equals what a search counts.
 *
 * **A span that was sent twice**, the same in every field of its header, counts once. Where very much came between, an engine may have forgotten the first of them:
 * the local one knows the last million spans that matched.
 *
 * **A duration** that is negative counts as 0.
 */

/** An answer while it is being made: what has been counted so far, of so many parts of the engine's own making. */
export interface PartialAnswer<T> {
  readonly partsDone: number
  readonly partsTotal: number
  /** Its `complete` is false. */
  readonly answer: T
}
/** Hears some times a second, of a question that takes so long, how far its answer is. What is heard last is less than the answer. */
export type OnPartial<T> = (partial: PartialAnswer<T>) => void

/** What is asked about. */
export interface AggregateScope extends CallOptions {
  /** As in a search. */
  readonly spans?: SpanSet
  /** Short for `spans` with this filter alone; not together with it. */
  readonly filter?: Filter
  /**
   * Both inclusive, nanoseconds since 1970; see {@link SearchQuery.from}. Default: the first and the last start of all spans in the store. A request that starts
   * outside, though a span of its set is inside, is told of as if it started at that end.
   */
  readonly from?: bigint
  readonly to?: bigint
  /** What is counted. Default `spans`. */
  readonly of?: 'spans' | 'requests'
}

/** Fields that can be grouped by. */
export const GROUP_FIELDS = ['service', 'name', 'kind', 'status'] as const

/**
 * What is grouped by: a field, or an attribute by the text form of its value (see {@link Filter}). Of an attribute that is there at several levels, the first of span,
 * resource, scope, event and link counts, of several values at that level the least by code units. Of a request: what its root span has.
 */
export type GroupKey =
  | { readonly field: (typeof GROUP_FIELDS)[number] }
  | { readonly attribute: string; readonly level?: Level }

/** By what groups are ordered, the greatest first: how many, how many failed, the time that they took together, the longest, or the last of `percentiles`. */
export const GROUP_ORDERS = ['count', 'errors', 'sum', 'max', 'percentile'] as const
export type GroupOrder = (typeof GROUP_ORDERS)[number]

export interface AggregateQuery extends AggregateScope {
  /** At most 3. Default: none, everything is in one group. */
  readonly groupBy?: readonly GroupKey[]
  /** Each greater than 0 and at most 1; at most 10. Default 0.5, 0.95, 0.99. */
  readonly percentiles?: readonly number[]
  /** Default `count`. Ties are broken by the values of the keys. */
  readonly order?: GroupOrder
  /** How many groups are told of; all others are told of as one. 1-10,000, default 20. */
  readonly limit?: number
  /** Into how many parts of equal length the time is cut, for what each group did in each. 0-1,000, default 0: not at all. With `limit`: at most 100,000 together. */
  readonly buckets?: number
  /**
   * Buckets begin at whole multiples, since 1970, of a step that clocks have: there are at most `buckets`, and the first and the last may be cut by the range. Who asks again as time passes gets the
   * same buckets, and an engine may know what they are. Default false.
   */
  readonly aligned?: boolean
  /** Longest spans, or requests, that are named for each group. 0-10, default 1. */
  readonly exemplars?: number
}

export interface Aggregates extends AggregateEnd {
  readonly total: Measures
  /** In the order that was asked for, at most `limit`. */
  readonly groups: readonly AggregateGroup[]
  /** All groups that are not in `groups`, as one; undefined where there is none. */
  readonly rest: (Measures & { readonly groups: number }) | undefined
}

export interface AggregateGroup extends Measures {
  /** Values of `groupBy`, in its order; undefined: there is none. Kind and status are named as in a {@link Filter}. */
  readonly key: readonly (string | undefined)[]
}

export interface Measures {
  /** Spans, or requests. */
  readonly count: number
  /** Of these, how many have status error. */
  readonly errors: number
  /** Count by the seconds of the range. */
  readonly perSecond: number
  /** Of the durations, nanoseconds: sum, shortest and longest; 0 where nothing is counted. */
  readonly sumNs: number
  readonly minNs: number
  readonly maxNs: number
  /**
   * For each of `percentiles`, nanoseconds: the duration that so large a share of all has, or less (the nearest rank: of 10, 0.95 is the longest), give or
   * take {@link DURATION_ERROR} of it. 0 where nothing is counted.
   */
  readonly percentilesNs: readonly number[]
  /** The longest first; of two the same, by trace id and span id. */
  readonly exemplars: readonly Exemplar[]
  /** By time, where `buckets` were asked for. */
  readonly buckets?: readonly AggregateBucket[]
}

export interface AggregateBucket {
  readonly count: number
  readonly errors: number
  /** As in {@link Measures}. */
  readonly sumNs: number
  readonly minNs: number
  readonly maxNs: number
  readonly percentilesNs: readonly number[]
}

export interface Exemplar {
  /** 32 and 16 hex digits. */
  readonly traceId: string
  readonly spanId: string
  readonly durationNs: number
  readonly error: boolean
}

/** How an aggregate ended. */
export interface AggregateEnd {
  /** What was asked about, both inclusive. */
  readonly from: bigint
  readonly to: bigint
  /** Where the first bucket begins: at `from`, or, where they are aligned, perhaps before it. Without buckets `from`. */
  readonly bucketsFrom: bigint
  /** Nanoseconds of a bucket; the last may end after `to`. 0 without buckets. */
  readonly bucketNs: bigint
  /**
   * Whether all that is in question was looked at. False: stopped by time, by `signal` or by the memory that queries may use, or a part is
   * damaged: the numbers are too small.
   */
  readonly complete: boolean
  /** As in {@link SearchEnd}. */
  readonly spansScanned: number
  readonly bytesRead: number
  readonly elapsedMs: number
}

export interface HeatMapQuery extends AggregateScope {
  /** 1-1,000, default 120. */
  readonly timeBins?: number
  /** As in {@link AggregateQuery}, of bins of time. Default false. */
  readonly aligned?: boolean
  /** At most so many: 1-100, default 24. */
  readonly durationBins?: number
}

/** How many by time and duration. */
export interface HeatMap extends AggregateEnd {
  /** Whole nanoseconds, ascending: bin d has the durations from `edgesNs[d]` up to and without `edgesNs[d + 1]`. Each spans the same ratio, but where whole numbers are far apart. */
  readonly edgesNs: readonly number[]
  /** Of all bins, those of the first time first: bin (t, d) is at `t * (edgesNs.length - 1) + d`. */
  readonly counts: Uint32Array
  readonly errors: Uint32Array
  /** Bins that are not empty, in the order of `counts`: the longest of each. */
  readonly exemplars: readonly (Exemplar & { readonly bin: number })[]
}

/** By what groups of errors are ordered: the most frequent first, the one that was first seen last, or the one that was seen last. */
export const ERROR_ORDERS = ['count', 'first_seen', 'last_seen'] as const
export type ErrorOrder = (typeof ERROR_ORDERS)[number]

/** Of the spans that are in the set, those that tell of an error. */
export interface ErrorGroupsQuery extends Omit<AggregateScope, 'of'> {
  /** Default `count`. Ties are broken by type, message and frame. */
  readonly order?: ErrorOrder
  /** 1-1,000, default 50. */
  readonly limit?: number
  /** As in {@link AggregateQuery}. */
  readonly buckets?: number
  readonly aligned?: boolean
  /** Latest spans that are named for each group. 0-10, default 3. */
  readonly exemplars?: number
}

/**
 * Errors that are the same (see `errorKindOf` of `@spoor/trace`), together. A span tells of an error when its status is error, or when it has recorded an exception: an event with
 * `exception.type` or `exception.message`. What it is, each of its exceptions tells; of a span without, its attribute `error.type` and the message of its status. A span that has recorded
 * several that are the same counts once, and in each group that one of them is of.
 */
export interface ErrorGroups extends AggregateEnd {
  /** Spans that tell of an error. */
  readonly spans: number
  readonly groups: readonly ErrorGroup[]
  /** How many groups there are beside these. */
  readonly moreGroups: number
}

export interface ErrorGroup {
  /** The same for the same error, for ever: 16 hex digits. */
  readonly id: string
  /** See `ErrorKind` of `@spoor/trace`; '' where nothing is known. */
  readonly type: string
  readonly message: string
  readonly frame: string
  /** Spans. */
  readonly count: number
  /** First and last start of these spans, in the range that was asked for: without `from`, the first ever. */
  readonly firstSeen: bigint
  readonly lastSeen: bigint
  /** Most spans first, then by name. */
  readonly services: readonly { readonly name: string; readonly spans: number }[]
  /** The latest first; of two at once, by trace id and span id. */
  readonly exemplars: readonly (Exemplar & { readonly start: bigint })[]
  /** Spans by time, where `buckets` were asked for. */
  readonly buckets?: readonly number[]
}

/** Where the time of many requests went. Of all spans of each trace that matches, whichever of them are in the set. */
export interface BottleneckQuery extends Omit<AggregateScope, 'of'> {
  /** Of services, and of operations. 1-1,000, default 50. */
  readonly limit?: number
  /**
   * Of how many traces, at most, 1-1,000,000: where more match, newer ones rather than older; which of them exactly is the engine's affair. Default: of all. So the cost of a question about the last ten thousand
   * of something follows these, and not the time that is asked about.
   */
  readonly traces?: number
}

export interface Bottleneck extends AggregateEnd {
  /** Traces, and the sum of their requests' durations: what their critical paths add up to. Nanoseconds. */
  readonly traces: number
  readonly requestNs: number
  /** Whether there may be more that match than the `traces` that were asked for. */
  readonly sampled: boolean
  /** Most time on critical paths first, then most self time, then by name; at most `limit`. */
  readonly services: readonly TimeShare[]
  readonly operations: readonly (TimeShare & { readonly name: string })[]
}

/** What a service, or one of its operations, has of the time. Times are nanoseconds. */
export interface TimeShare {
  readonly service: string
  /** Distinct spans, and traces that have one. */
  readonly spans: number
  readonly traces: number
  /** Spans with status error. */
  readonly errors: number
  /** Sum of the self times of its spans: time in none of their children, whether somebody waited for it or not. */
  readonly selfNs: number
  /** Sum of its time on the critical path of each trace (see `criticalPath` of `@spoor/trace`): what the request waited for, and would be shorter without. */
  readonly criticalNs: number
  /** Traces on whose critical path it is. */
  readonly criticalTraces: number
  /** The trace in which it has most of that time; undefined where it is on none. */
  readonly exemplar: { readonly traceId: string; readonly criticalNs: number } | undefined
}

/** One of two sets that are compared. */
export type CompareScope = Omit<AggregateScope, keyof CallOptions>

/** What is different in `b` from `a`: of what each of both finds, the shares of values. */
export interface CompareQuery extends CallOptions {
  readonly a: CompareScope
  readonly b: CompareScope
  /** Compares with what is in `a` and not in `b`: `b` has to be a part of `a`, as one hour is of a day. Default false. */
  readonly rest?: boolean
  /** At most 100. Default: service, name, kind, status and the 50 most frequent attributes. */
  readonly keys?: readonly GroupKey[]
  /** 1-1,000, default 50. */
  readonly limit?: number
}

export interface Differences extends Pick<AggregateEnd, 'complete' | 'spansScanned' | 'bytesRead' | 'elapsedMs'> {
  /** Spans, or requests, of each. */
  readonly a: number
  readonly b: number
  /** The most surprising first, then by the difference of the shares, the place of the key in `keys`, and value. None that is not surprising at all. */
  readonly differences: readonly Difference[]
}

export interface Difference {
  readonly key: GroupKey
  /** Undefined: that there is no value. Of a key with more than 10,000 values those that come later are left out: none of them has a share to speak of. */
  readonly value: string | undefined
  /** How many of each have it. */
  readonly a: number
  readonly b: number
  /**
   * By how much the share differs at the least, with a confidence of 95 %: between 0 and 1. The end of Newcombe's interval for the difference of two shares that is nearer to 0 (R. G. Newcombe,
   * Statistics in Medicine 17, 1998, method 10), so that what is rare, or of few, is no surprise.
   */
  readonly surprise: number
}
