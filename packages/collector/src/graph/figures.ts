/** The counters of the collector, by component and pipeline. */
import type { PipelineConfig } from '../config/index.ts'
import { ITEM_NAMES, type Figures, type Kind, type Sample } from '../component/index.ts'

/** Of a component in a pipeline; `samples`: all that is counted. */
export function figuresOf(
  samples: readonly Sample[],
  kind: Kind,
  id: string,
  { id: pipeline, signal }: PipelineConfig,
): Figures {
  const item = ITEM_NAMES[signal]
  const find = (name: string, labels: Readonly<Record<string, string>>): readonly Sample[] =>
    samples.filter((sample) => sample.name === name && matches(sample, labels))
  const sum = (name: string, labels: Readonly<Record<string, string>>): number | undefined => {
    const found = find(name, labels)
    return found.length === 0 ? undefined : found.reduce((total, { value }) => total + value, 0)
  }
  const reasons = (name: string, labels: Readonly<Record<string, string>>): Record<string, number> =>
    byReason(find(name, labels))
  // Between what fans out to several and this one.
  const branch = kind === 'receiver' ? { fanout: id, branch: pipeline } : { fanout: pipeline, branch: id }
  const kept = sum('otelcol_fanout_kept_items', branch)
  const dropped = reasons(`otelcol_fanout_dropped_${item}`, branch)

  switch (kind) {
    case 'receiver': {
      const own = { receiver: id }
      const out = sum(`otelcol_receiver_accepted_${item}`, own)
      const failed = {
        refused: sum(`otelcol_receiver_refused_${item}`, own) ?? 0,
        failed: sum(`otelcol_receiver_failed_${item}`, own) ?? 0,
      }
      const given = out === undefined ? undefined : out + failed.refused + failed.failed
      return figures({ in: given, out, failed: [failed, dropped], kept })
    }
    case 'processor': {
      const own = { processor: id, otel_signal: signal }
      return figures({
        in: sum('otelcol_processor_incoming_items', own),
        out: sum('otelcol_processor_outgoing_items', own),
        failed: [
          reasons('otelcol_processor_dropped_items', own),
          { refused: sum(`otelcol_processor_memory_limiter_refused_${item}`, { processor: id }) ?? 0 },
        ],
      })
    }
    case 'exporter': {
      const own = { exporter: id }
      const queue = { ...own, data_type: signal }
      const size = sum('otelcol_exporter_queue_size', queue)
      const capacity = sum('otelcol_exporter_queue_capacity', queue)
      return figures({
        out: sum(`otelcol_exporter_sent_${item}`, own),
        failed: [
          reasons(`otelcol_exporter_send_failed_${item}`, own),
          reasons(`otelcol_exporter_enqueue_failed_${item}`, own),
          dropped,
        ],
        queue: size === undefined || capacity === undefined ? undefined : { size, capacity },
        kept,
      })
    }
    default:
      return figures({ failed: [dropped, reasons(`spoor_connector_dropped_${item}`, { connector: id })], kept })
  }
}

function figures(given: {
  readonly in?: number | undefined
  readonly out?: number | undefined
  readonly failed: readonly Readonly<Record<string, number>>[]
  readonly queue?: Figures['queue'] | undefined
  readonly kept?: number | undefined
}): Figures {
  const failed: Record<string, number> = {}
  for (const reasons of given.failed)
    for (const [reason, items] of Object.entries(reasons)) if (items > 0) failed[reason] = (failed[reason] ?? 0) + items
  return {
    ...(given.in !== undefined && { in: given.in }),
    ...(given.out !== undefined && { out: given.out }),
    failed,
    ...(given.queue && { queue: given.queue }),
    ...(given.kept !== undefined && { kept: given.kept }),
  }
}

function matches({ labels }: Sample, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value)
}

function byReason(samples: readonly Sample[]): Record<string, number> {
  const reasons: Record<string, number> = {}
  for (const { labels, value } of samples) {
    const reason = labels['reason'] ?? 'failed'
    reasons[reason] = (reasons[reason] ?? 0) + value
  }
  return reasons
}
