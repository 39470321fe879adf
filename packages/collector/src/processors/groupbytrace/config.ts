/** The config of the `groupbytrace` processor; keys and defaults as in the OpenTelemetry Collector's groupbytraceprocessor. */
import { z } from 'zod'
import { durationMs, section, withoutEffect } from '../../component/index.ts'
import { holderKeys } from '../../processor-helper/index.ts'

const notThere = (instead: string) =>
  z
    .literal(false, { error: `not supported, as in the Collector; ${instead}` })
    .default(false)
    .describe('Not supported, as in the Collector.')

export const groupByTraceConfig = section({
  wait_duration: durationMs.prefault('1s').describe('How long a trace is gathered, from its first span on.'),
  num_traces: z
    .int()
    .min(1)
    .default(1_000_000)
    .describe(
      'Traces that are gathered at a time. Of more, the oldest is dropped (`otelcol_processor_groupbytrace_traces_evicted`).',
    ),
  num_workers: withoutEffect(z.int().min(1).default(1), 'one thread gathers, and num_traces holds for all'),
  discard_orphans: notThere('remove it'),
  store_on_disk: notThere('write storage with the id of a file_storage extension'),
  ...holderKeys('handed on', 'handed on early'),
})

export type GroupByTraceConfig = z.infer<typeof groupByTraceConfig>
