/** The figures of a tail sampling processor; names are those of the Collector, where it has them. */
import type { Counter, Counters, Histogram } from '../../component/index.ts'
import { DECISION_LABELS } from './decider.ts'
import type { Decision } from './policy.ts'

const SECONDS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 1800, 3600]
const MILLISECONDS = [1, 2, 5, 10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 2000, 5000]

/** Why a trace is decided before its time. */
export type EarlyReason = 'held_bytes' | 'kept' | 'complete'
/** Why spans are dropped without a decision. */
export type DropReason = 'num_traces' | 'too_large' | 'shutdown' | 'damaged'

export interface TailSamplingFigures {
  readonly newTraces: Counter
  readonly decided: Readonly<Record<Decision, Counter>>
  /** Traces that were dropped without a decision to make room. */
  readonly droppedTooEarly: Counter
  readonly droppedTooLarge: Counter
  readonly decidedEarly: Readonly<Record<EarlyReason, Counter>>
  readonly fromCache: { readonly sampled: Counter; readonly notSampled: Counter }
  /** Spans of traces that are dropped. */
  readonly spansNotSampled: Counter
  /** Milliseconds. */
  readonly tickLatency: Histogram
  /** Seconds. */
  readonly lateAge: Histogram
  readonly removalAge: Histogram
}

export function createFigures(
  id: string,
  counters: Counters,
  gauges: Readonly<
    Record<'sampling_traces_on_memory' | 'waiting_traces' | 'held_bytes' | 'memory_bytes', () => number>
  >,
): TailSamplingFigures {
  const name = (end: string): string => `otelcol_processor_tail_sampling_${end}`
  const counter = (end: string, labels: object = {}): Counter =>
    counters.counter(name(end), { processor: id, ...labels })
  const histogram = (end: string, bounds: readonly number[]): Histogram =>
    counters.histogram(name(end), { processor: id }, bounds)
  for (const [end, read] of Object.entries(gauges)) counters.gauge(name(end), { processor: id }, read)
  const decided = (decision: Decision): Counter => counter('global_count_traces_sampled', DECISION_LABELS[decision])
  const early = (reason: EarlyReason): Counter => counter('early_decisions', { reason })
  return {
    newTraces: counter('new_trace_id_received'),
    decided: { sampled: decided('sampled'), not_sampled: decided('not_sampled'), dropped: decided('dropped') },
    droppedTooEarly: counter('sampling_trace_dropped_too_early'),
    droppedTooLarge: counter('traces_dropped_too_large'),
    decidedEarly: { held_bytes: early('held_bytes'), kept: early('kept'), complete: early('complete') },
    fromCache: {
      sampled: counter('early_releases_from_cache_decision', { sampled: 'true' }),
      notSampled: counter('early_releases_from_cache_decision', { sampled: 'false' }),
    },
    spansNotSampled: counters.counter('otelcol_processor_dropped_items', {
      processor: id,
      otel_signal: 'traces',
      reason: 'not_sampled',
    }),
    tickLatency: histogram('sampling_decision_timer_latency', MILLISECONDS),
    lateAge: histogram('sampling_late_span_age', SECONDS),
    removalAge: histogram('sampling_trace_removal_age', SECONDS),
  }
}
