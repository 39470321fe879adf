import type { CallOptions, TraceSummary } from './contract.ts'
import type { Filter, SpanSet } from './span-set.ts'

/*
 * What comes in, as it comes. A look at the store, every so often, finds the spans that were stored since the last one, and of each of their traces whether the query matches it as
 * it is now. Nothing is looked at while whoever listens does not read on: what has come meanwhile is looked at then, the newest of it, and the rest is counted as missed. So
 * a slow listener costs no memory and holds up nobody.
 */

/** Which traces are told, at whatever time their spans start. */
export interface TailQuery extends Pick<CallOptions, 'signal' | 'maxBytes'> {
  /** As in a search. Default: every trace. */
  readonly spans?: SpanSet
  /** Short for `spans` with this filter alone; not together with it. */
  readonly filter?: Filter
  /** As in a search: 0-100, default 3. */
  readonly matchesPerTrace?: number
  /** Traces that one look tells of: 1-500, default 100. The spans of others are missed. */
  readonly limit?: number
  /** Between two looks, milliseconds: 10-60,000, default 500. */
  readonly everyMs?: number
}

export type TailEvent =
  /**
   * Traces that match and have new spans, in the order in which these came: each as it is now, with all of its spans. One that was told before comes again when it has more, also where the query
   * does not find that; of a query that is one filter, as long as it is among the last 4,096 that were told.
   */
  | { readonly type: 'traces'; readonly traces: readonly TraceSummary[] }
  /** After each look, and once at the beginning: what is stored from then on is told. */
  | ({ readonly type: 'progress' } & TailProgress)

/** Since the beginning. */
export interface TailProgress {
  /** Spans that were stored. */
  readonly spans: number
  /** How many of these were not looked at, or belong to a trace that was not told though it may match: there was no time, or there were too many. */
  readonly missed: number
}
