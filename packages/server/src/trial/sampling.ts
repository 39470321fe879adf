/** What a configuration would have kept of real traffic: shares, and what was missed. */
import type { Trial } from '@spoor/collector'
import type { Traffic, TrafficTrace } from './traffic.ts'

export interface Kept {
  readonly traces: number
  readonly tracesKept: number
  readonly spans: number
  readonly spansKept: number
  readonly errors: number
  readonly errorsKept: number
  readonly slow: number
  readonly slowKept: number
}

export interface OperationKept extends Kept {
  readonly service: string
  readonly operation: string
}

export interface SamplingReport {
  /** Seconds of traffic. */
  readonly durationS: number
  readonly all: Kept
  /** By the service and the name of the root span, the ones with most spans first. */
  readonly operations: readonly OperationKept[]
  /** Traces that each policy would have kept by itself. */
  readonly policies: Readonly<Record<string, number>>
  /** Spans that were dropped, by processor and reason. */
  readonly dropped: readonly { readonly processor: string; readonly reason: string; readonly spans: number }[]
  readonly notes: readonly string[]
}

/** Traces of an operation below which none is called slow: of few, every one would be. */
const FEWEST = 20
/** The share of an operation's traces that is called slow. */
const SLOW_SHARE = 0.05

/** `keptSpans`: of each trace that was kept. `slowS`: what is slow, in seconds; undefined: the slowest twentieth of each operation. */
export function samplingReport(
  traffic: Traffic,
  keptSpans: ReadonlyMap<string, number>,
  samples: ReturnType<Trial['snapshot']>,
  slowS: number | undefined,
): SamplingReport {
  const byOperation = new Map<string, TrafficTrace[]>()
  for (const trace of traffic.traces.values()) {
    const key = `${trace.service}\0${trace.operation}`
    const traces = byOperation.get(key)
    if (traces) traces.push(trace)
    else byOperation.set(key, [trace])
  }
  const operations = Array.from(byOperation.values(), (traces): OperationKept => {
    const fromS = slowS ?? slowFrom(traces)
    const sum = none()
    for (const trace of traces) {
      const kept = keptSpans.get(trace.traceId) ?? 0
      const isSlow = trace.endS - trace.startS >= fromS
      count(sum, trace, kept, isSlow)
    }
    return { service: traces[0]!.service, operation: traces[0]!.operation, ...sum }
  }).toSorted((a, b) => b.spans - a.spans)
  const all = none()
  for (const each of operations) for (const key of Object.keys(all) as (keyof Kept)[]) all[key] += each[key]
  const policies: Record<string, number> = {}
  const dropped: { processor: string; reason: string; spans: number }[] = []
  for (const { name, labels, value } of samples) {
    if (name === 'otelcol_processor_tail_sampling_count_traces_sampled') {
      const policy = labels['policy']!
      policies[policy] = (policies[policy] ?? 0) + (labels['decision'] === 'sampled' ? value : 0)
    }
    if (name === 'otelcol_processor_dropped_items' && labels['otel_signal'] === 'traces' && value > 0)
      dropped.push({ processor: labels['processor']!, reason: labels['reason']!, spans: value })
  }
  return { durationS: traffic.durationS, all, operations, policies, dropped, notes: traffic.notes }
}

type Sum = { -readonly [K in keyof Kept]: number }

function none(): Sum {
  return { traces: 0, tracesKept: 0, spans: 0, spansKept: 0, errors: 0, errorsKept: 0, slow: 0, slowKept: 0 }
}

function count(sum: Sum, trace: TrafficTrace, kept: number, isSlow: boolean): void {
  const isKept = kept > 0 ? 1 : 0
  sum.traces++
  sum.tracesKept += isKept
  sum.spans += trace.spans
  sum.spansKept += kept
  if (trace.hasError) {
    sum.errors++
    sum.errorsKept += isKept
  }
  if (isSlow) {
    sum.slow++
    sum.slowKept += isKept
  }
}

/** How long the shortest of the slow ones takes; infinite where there are too few traces to call any slow. */
function slowFrom(traces: readonly TrafficTrace[]): number {
  if (traces.length < FEWEST) return Infinity
  const durations = traces.map(({ startS, endS }) => endS - startS).toSorted((a, b) => b - a)
  return durations[Math.floor(SLOW_SHARE * durations.length) - 1]!
}
