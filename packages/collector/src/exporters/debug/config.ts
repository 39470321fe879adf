/** The config of the `debug` exporter; keys and defaults as in the OpenTelemetry Collector's debugexporter. */
import { z } from 'zod'
import { count, section } from '../../component/index.ts'
import { exporterHelperKeys } from '../../exporter-helper/index.ts'

export const debugConfig = section({
  verbosity: z
    .enum(['basic', 'normal', 'detailed'])
    .default('basic')
    .describe('One line a batch, one line a span, or everything.'),
  sampling_initial: count
    .default(2)
    .describe('Batches shown in each second before sampling begins, and then every how many-th one.'),
  sampling_thereafter: z.int().min(1).default(1),
  use_internal_logger: z
    .boolean()
    .default(true)
    .describe("Write through the collector's log; else to standard output."),
  sending_queue: exporterHelperKeys.sending_queue.optional(),
})

export type DebugConfig = z.infer<typeof debugConfig>
