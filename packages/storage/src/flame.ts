import type { AggregateEnd, AggregateScope } from './aggregates.ts'

/**
 * Call paths of many traces, folded into one: spans of one service and name that are below the same frame are one frame, whichever traces they are of. Of all spans of each trace
 * that matches, whichever of them are in the set.
 */
export interface FlameQuery extends Omit<AggregateScope, 'of'> {
  /** As in {@link BottleneckQuery}. 1-1,000,000, default 10,000. */
  readonly traces?: number
  /** Frames that are told one by one: 1-10,000, default 1,000. All others are `others` of the frame that they are below. */
  readonly limit?: number
  /** Traces that are named for each frame: 0-10, default 1. */
  readonly exemplars?: number
}

export interface Flame extends AggregateEnd {
  /** Traces that were folded, and the sum of their requests' durations: what all `criticalNs` add up to. Nanoseconds. */
  readonly traces: number
  readonly requestNs: number
  /** See {@link BottleneckQuery.traces}. */
  readonly sampled: boolean
  /** Each after the frame that it is below; below one frame, most total time first, then by service and name. A frame is told before another one where it, or one below it, has more total time. */
  readonly frames: readonly FlameFrame[]
  /** Frames that are below none, and not told one by one; undefined where there are none. */
  readonly others: FlameOthers | undefined
}

/** What spans have together. Times are nanoseconds. */
interface FlameTimes {
  /** Distinct spans, and those of them with status error. */
  readonly calls: number
  readonly errors: number
  /** Sum of their durations: where children run beside each other, more than their parent has. */
  readonly totalNs: number
  /** See {@link TimeShare}. */
  readonly selfNs: number
  readonly criticalNs: number
}

export interface FlameFrame extends FlameTimes {
  /** Where in `frames` the frame is that it is below; -1: none. */
  readonly parent: number
  readonly service: string
  readonly name: string
  /** Traces that have such a span. */
  readonly traces: number
  /** Those in which it has most total time; of two the same, by trace id. */
  readonly exemplars: readonly { readonly traceId: string; readonly totalNs: number }[]
  /** What is below it and not told one by one; undefined where there is nothing. */
  readonly others: FlameOthers | undefined
}

/** Spans that are not in a frame of their own; `totalNs` is of those of them that are right below the frame that tells of them. */
export interface FlameOthers extends FlameTimes {
  /** At least so many frames: what is more than 128 deep, or beyond 100,000 frames, is not told apart while it is counted. */
  readonly frames: number
}
