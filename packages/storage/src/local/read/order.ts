import type { Order, TraceSummary } from '../../contract.ts'

/** A trace's place in the order: its key, then its id. Smaller ones come first. */
export interface Position {
  readonly key: bigint
  readonly traceId: string
}

/** What decides a trace's place. */
export type Ranked = Pick<TraceSummary, 'start' | 'requestDurationNs' | 'tailNs' | 'spans' | 'errors' | 'matched'>

const KEYS: Readonly<Record<Order, (trace: Ranked) => bigint>> = {
  newest: ({ start }) => -start,
  oldest: ({ start }) => start,
  longest: ({ requestDurationNs }) => -BigInt(requestDurationNs),
  shortest: ({ requestDurationNs }) => BigInt(requestDurationNs),
  longest_tail: ({ tailNs }) => -BigInt(tailNs),
  longest_match: ({ matched }) => -BigInt(matched?.longestNs ?? 0),
  most_spans: ({ spans }) => -BigInt(spans),
  most_errors: ({ errors }) => -BigInt(errors),
}

export function positionOf(trace: Ranked & { readonly traceId: string }, order: Order): Position {
  return { key: KEYS[order](trace), traceId: trace.traceId }
}

export function comparePositions(a: Position, b: Position): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : a.traceId < b.traceId ? -1 : a.traceId > b.traceId ? 1 : 0
}
