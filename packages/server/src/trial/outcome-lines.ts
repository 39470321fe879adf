/** An outcome for a person at a terminal. */
import { formatDuration } from '@spoor/otlp'
import { counted, type ToolOutput, toned } from '../tools/output.ts'
import type { Outcome, PipelineOutcome, StageOutcome, TraceOutcome } from './outcome.ts'

/** What is counted of each signal. */
export const ITEMS = { traces: 'span', metrics: 'data point', logs: 'log record' } as const
/** Traces that are shown, of those that were kept and of those that were not. */
const SHOWN_TRACES = 12
/** Conditions that are shown of a stage. */
const SHOWN_CONDITIONS = 8

export function outcomeLines(outcome: Outcome, output: ToolOutput): string[] {
  return [
    ...outcome.pipelines.flatMap((pipeline) => pipelineLines(pipeline, output)),
    ...outcome.refused.map((error) => `${toned(output, 'red', 'refused')} ${error}`),
    ...traceLines(outcome.traces, output),
  ]
}

function pipelineLines(
  { id, signal, receivers, processors, exporters }: PipelineOutcome,
  output: ToolOutput,
): string[] {
  const names = [receivers.join(', '), ...processors.map(({ component }) => component)]
  const ends = exporters.map(({ component }) => `→ ${component}`)
  const width = Math.max(...[...names, ...ends].map(({ length }) => length)) + 2
  const item = ITEMS[signal]
  const amount = (items: number, traces: number | undefined): string =>
    traces === undefined || items === 0
      ? counted(items, item)
      : `${counted(items, item)} of ${counted(traces, 'trace')}`
  const first = processors[0] ?? exporters[0]
  const head = `${id}  ${toned(output, 'gray', [receivers.join(', '), ...processors.map(({ component }) => component), exporters.map(({ component }) => component).join(', ')].join(' → '))}`
  if (!first || [...processors, ...exporters].every((stage) => stage.in === 0))
    return [head, `  ${toned(output, 'gray', 'nothing came here')}`, '']
  const lines = [head, `  ${receivers.join(', ').padEnd(width)}${amount(first.in, first.traces)}`]
  for (const [index, stage] of processors.entries()) {
    const after = processors[index + 1] ?? exporters.reduce((most, each) => (each.in > most.in ? each : most))
    lines.push(`  ${stage.component.padEnd(width)}${amount(stage.out!, after.traces)}${lossOf(stage, output)}`)
    lines.push(...detailLines(stage, width, output))
  }
  for (const stage of exporters) {
    const when =
      stage.atMs === undefined || stage.atMs === 0 ? '' : `, the first after ${formatDuration(stage.atMs * 1e6)}`
    const requests = stage.in === 0 ? '' : ` in ${counted(stage.requests!, 'request')}${when}`
    const tone = stage.in === 0 ? 'yellow' : 'green'
    lines.push(
      `  ${toned(output, tone, '→')} ${stage.component.padEnd(width - 2)}${amount(stage.in, stage.traces)}${requests}`,
    )
    lines.push(...detailLines(stage, width, output))
  }
  return [...lines, '']
}

/** `  −3  filter, after 31 s`. */
function lossOf(stage: StageOutcome, output: ToolOutput): string {
  const lost = stage.in - stage.out!
  const reasons = Object.keys(stage.dropped ?? {})
  const waited =
    stage.waitedMs === undefined ? '' : toned(output, 'gray', `  waited ${formatDuration(stage.waitedMs * 1e6)}`)
  if (lost === 0) return waited
  const more = `${lost > 0 ? '−' : '+'}${Math.abs(lost).toLocaleString('en')}`
  const why = lost > 0 ? (reasons.length > 0 ? reasons.join(', ') : 'not handed on') : ''
  return `  ${toned(output, lost > 0 ? 'red' : 'yellow', more)}  ${why}${waited}`
}

function detailLines(stage: StageOutcome, width: number, output: ToolOutput): string[] {
  const indent = ' '.repeat(width + 2)
  const conditions = Object.entries(stage.conditions ?? {})
  const policies = Object.entries(stage.policies ?? {})
  const policyWidth = Math.max(0, ...policies.map(([name]) => name.length)) + 2
  return [
    ...conditions.slice(0, SHOWN_CONDITIONS).map(([text, times]) => `${indent}${times} × ${text}`),
    ...(conditions.length > SHOWN_CONDITIONS
      ? [`${indent}and ${conditions.length - SHOWN_CONDITIONS} more conditions`]
      : []),
    ...policies.map(
      ([name, { sampled, asked }]) =>
        `${indent}${toned(output, sampled > 0 ? 'green' : 'gray', `${name.padEnd(policyWidth)}${sampled} of ${counted(asked, 'trace')}`)}`,
    ),
    ...(stage.changed
      ? [`${indent}${counted(stage.changed.spans, 'span')} changed: ${stage.changed.what.join(' ')}`]
      : []),
  ]
}

function traceLines(traces: readonly TraceOutcome[], output: ToolOutput): string[] {
  const kept = traces.filter((trace) => trace.kept.length > 0)
  const gone = traces.filter((trace) => trace.kept.length === 0)
  const width = Math.max(0, ...traces.map(({ root }) => root.length))
  const line = (trace: TraceOutcome): string => {
    const { traceId, root, spans, durationNs, hasError, endedAt } = trace
    const where = trace.kept.length > 0 ? trace.kept.join(', ') : `ended at ${endedAt.join(', ') || 'the receiver'}`
    const error = hasError ? toned(output, 'red', 'error') : '     '
    const figures = `${formatDuration(durationNs).padStart(9)}  ${counted(spans, 'span').padStart(9)}  ${error}`
    return `  ${toned(output, trace.kept.length > 0 ? 'green' : 'gray', trace.kept.length > 0 ? '●' : '○')} ${traceId.slice(0, 16)}  ${root.padEnd(width)}  ${figures}  ${toned(output, 'gray', where)}`
  }
  const some = (all: readonly TraceOutcome[]): string[] => [
    ...all.slice(0, SHOWN_TRACES).map(line),
    ...(all.length > SHOWN_TRACES ? [`    and ${(all.length - SHOWN_TRACES).toLocaleString('en')} more`] : []),
  ]
  if (traces.length === 0) return []
  return [`${counted(traces.length, 'trace')}, ${kept.length.toLocaleString('en')} kept`, ...some(kept), ...some(gone)]
}
