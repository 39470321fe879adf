/** What became of requests in a configuration that was tried: stage by stage, what each let through, and why not the rest. */
import type { Trial } from '@spoor/collector'
import { requestToJson, type Signal } from '@spoor/otlp'
import type { EdgeRecord, Recorder } from './recorder.ts'
import { changesOf, spansIn, type SeenSpan, type SeenTrace, tracesOf } from './spans.ts'

/** A processor, or what is at the end of a pipeline. */
export interface StageOutcome {
  readonly component: string
  readonly type: string
  /** Items that came to it, and of spans how many traces they are of. */
  readonly in: number
  readonly traces?: number
  /** Of a processor: what it handed on. */
  readonly out?: number
  /** Why it did not hand on the rest, with how many items, as far as that is counted. */
  readonly dropped?: Readonly<Record<string, number>>
  /** OTTL conditions that were true, with how many items. */
  readonly conditions?: Readonly<Record<string, number>>
  /** Of a processor that samples by policies: of each, how many traces it would have kept. */
  readonly policies?: Readonly<Record<string, PolicyOutcome>>
  /** Spans that it has changed, and in what. */
  readonly changed?: { readonly spans: number; readonly what: readonly string[] }
  /** How long it kept the first, milliseconds. */
  readonly waitedMs?: number
  /** Of an exporter: requests that it got, and when the first came, milliseconds from the start. */
  readonly requests?: number
  readonly atMs?: number
}

export interface PipelineOutcome {
  readonly id: string
  readonly signal: Signal
  readonly receivers: readonly string[]
  readonly processors: readonly StageOutcome[]
  readonly exporters: readonly StageOutcome[]
}

export interface TraceOutcome extends SeenTrace {
  /** Exporters that got spans of it, with the pipeline: `traces:otlp_grpc`. */
  readonly kept: readonly string[]
  /** Where none did: the last components that got any. */
  readonly endedAt: readonly string[]
}

export interface Outcome {
  readonly pipelines: readonly PipelineOutcome[]
  readonly traces: readonly TraceOutcome[]
  /** What a sender would have heard, of requests that were refused. */
  readonly refused: readonly string[]
  /** What each exporter got, OTLP/JSON, by `PIPELINE:EXPORTER`. */
  readonly output: Readonly<Record<string, readonly object[]>>
}

export function outcomeOf(trial: Trial, recorder: Recorder, refused: readonly string[]): Outcome {
  const samples = trial.snapshot()
  const recordOf = (pipeline: string, id: string): EdgeRecord | undefined => recorder.at(pipeline, id)
  const spans = new Map<EdgeRecord, Map<string, SeenSpan>>()
  const spansOf = (record: EdgeRecord | undefined): Map<string, SeenSpan> => {
    if (!record || record.edge.signal !== 'traces') return new Map()
    let found = spans.get(record)
    if (!found) spans.set(record, (found = spansIn(record.requests)))
    return found
  }
  const traceIds = new Map<EdgeRecord, ReadonlySet<string>>()
  const traceIdsOf = (record: EdgeRecord): ReadonlySet<string> => {
    let found = traceIds.get(record)
    if (!found) {
      found = new Set([...spansOf(record).values()].map(({ span }) => span.traceId))
      traceIds.set(record, found)
    }
    return found
  }
  const tracesIn = (record: EdgeRecord | undefined): { traces?: number } =>
    record?.edge.signal === 'traces' ? { traces: traceIdsOf(record).size } : {}

  const pipelines = trial.pipelines.map(({ id, signal, receivers, processors, exporters }): PipelineOutcome => {
    const behind = (index: number): readonly (EdgeRecord | undefined)[] =>
      (processors[index + 1] === undefined ? exporters : [processors[index + 1]!]).map((name) => recordOf(id, name))
    return {
      id,
      signal,
      receivers,
      processors: processors.map((component, index) => {
        const before = recordOf(id, component)
        // Several exporters get the same.
        const after = behind(index).reduce(
          (most, each) => ((each?.items ?? 0) > (most?.items ?? 0) ? each : most),
          undefined,
        )
        const own = { processor: component }
        const counted = (
          name: string,
          label: string,
          labels: Readonly<Record<string, string>>,
        ): Record<string, number> => {
          const found: Record<string, number> = {}
          for (const sample of samples) {
            const isIt =
              sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
            if (isIt && sample.value > 0)
              found[sample.labels[label]!] = (found[sample.labels[label]!] ?? 0) + sample.value
          }
          return found
        }
        const dropped = counted('otelcol_processor_dropped_items', 'reason', { ...own, otel_signal: signal })
        const policies = policiesOf(samples, component)
        const changed = signal === 'traces' ? changedIn(spansOf(before), spansOf(after)) : undefined
        const waitedMs =
          before?.firstMs !== undefined && after?.firstMs !== undefined ? after.firstMs - before.firstMs : 0
        return {
          component,
          type: trial.types.get(component) ?? '',
          in: before?.items ?? 0,
          ...tracesIn(before),
          out: after?.items ?? 0,
          ...(Object.keys(dropped).length > 0 && { dropped }),
          ...(before && before.conditions.size > 0 && { conditions: Object.fromEntries(before.conditions) }),
          ...(Object.keys(policies).length > 0 && { policies }),
          ...(changed && changed.spans > 0 && { changed }),
          ...(waitedMs > 0 && { waitedMs }),
        }
      }),
      exporters: exporters.map((component) => {
        const record = recordOf(id, component)
        return {
          component,
          type: trial.types.get(component) ?? '',
          in: record?.items ?? 0,
          ...tracesIn(record),
          requests: record?.requests.length ?? 0,
          ...(record?.firstMs !== undefined && { atMs: record.firstMs }),
          ...(record && record.conditions.size > 0 && { conditions: Object.fromEntries(record.conditions) }),
        }
      }),
    }
  })
  const ends = trial.pipelines.flatMap(({ id, exporters }) =>
    exporters.filter((name) => !trial.connectors.has(name)).map((name) => `${id}:${name}`),
  )
  return {
    pipelines,
    traces: tracesOf(spansIn(recorder.input)).map((trace) => ({
      ...trace,
      ...fateOf(trial, recorder, (record) => traceIdsOf(record).has(trace.traceId)),
    })),
    refused,
    output: Object.fromEntries(
      ends.map((end) => {
        const record = recorder.byId.get(end)
        return [end, (record?.requests ?? []).map((bytes) => requestToJson(record!.edge.signal, bytes))]
      }),
    ),
  }
}

function fateOf(
  trial: Trial,
  recorder: Recorder,
  hasTrace: (record: EdgeRecord) => boolean,
): Pick<TraceOutcome, 'kept' | 'endedAt'> {
  const has = (record: EdgeRecord | undefined): record is EdgeRecord => record !== undefined && hasTrace(record)
  const kept: string[] = []
  const endedAt: string[] = []
  for (const { id, processors, exporters } of trial.pipelines) {
    const reached = exporters.filter((name) => has(recorder.at(id, name)))
    kept.push(...reached.filter((name) => !trial.connectors.has(name)).map((name) => `${id}:${name}`))
    const last = processors.findLast((name) => has(recorder.at(id, name)))
    if (reached.length > 0)
      endedAt.push(...reached.filter((name) => trial.connectors.has(name)).map((name) => `${id}:${name}`))
    else if (last !== undefined) endedAt.push(`${id}:${last}`)
  }
  return { kept, endedAt: kept.length > 0 ? [] : endedAt }
}

export interface PolicyOutcome {
  readonly sampled: number
  readonly asked: number
}

function policiesOf(samples: ReturnType<Trial['snapshot']>, processor: string): Record<string, PolicyOutcome> {
  const found: Record<string, PolicyOutcome> = {}
  for (const { name, labels, value } of samples) {
    if (name !== 'otelcol_processor_tail_sampling_count_traces_sampled' || labels['processor'] !== processor) continue
    const policy = labels['policy']!
    const before = found[policy] ?? { sampled: 0, asked: 0 }
    const isSampled = labels['decision'] === 'sampled'
    found[policy] = { sampled: before.sampled + (isSampled ? value : 0), asked: before.asked + value }
  }
  return found
}

/** Changes that are told, the most frequent first. */
const SHOWN_CHANGES = 12

function changedIn(
  before: ReadonlyMap<string, SeenSpan>,
  after: ReadonlyMap<string, SeenSpan>,
): { readonly spans: number; readonly what: readonly string[] } {
  const counts = new Map<string, number>()
  let spans = 0
  for (const [key, span] of after) {
    const was = before.get(key)
    const changes = was ? changesOf(was, span) : []
    if (changes.length > 0) spans++
    for (const change of changes) counts.set(change, (counts.get(change) ?? 0) + 1)
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]).map(([change]) => change)
  const hidden = sorted.length - SHOWN_CHANGES
  return { spans, what: hidden > 0 ? [...sorted.slice(0, SHOWN_CHANGES), `and ${hidden} more`] : sorted }
}
