/** The config of the `debug` exporter; keys and defaults as in the OpenTelemetry Collector's debugexporter. */
import { z } from 'zod'
import { count, section } from '../../component/index.ts'
import { sendingQueueConfig } from '../../exporter-helper/index.ts'

export const debugConfig = section({
  verbosity: z
    .preprocess(
      (input) => (typeof input === 'string' ? input.toLowerCase() : input),
      z.enum(['basic', 'normal', 'detailed']),
    )
    .default('basic')
    .describe('One line a batch, one line a span, data point or log record, or everything.'),
  sampling_initial: count
    .default(2)
    .describe('Batches shown in each second before sampling begins, and then every how many-th one.'),
  sampling_thereafter: z.int().min(1).default(1),
  use_internal_logger: z
    .boolean()
    .default(true)
    .describe("Write to the collector's log, whatever its level; else to `output_paths`."),
  output_paths: z
    .array(z.string().min(1))
    .min(1, { message: 'must not be empty; remove it, or write [stdout]' })
    .optional()
    .describe(
      '`stdout` (the default), `stderr`, or files, which are added to; only where `use_internal_logger` is false.',
    ),
  sending_queue: sendingQueueConfig.optional().describe('Off unless it is written.'),
}).refine((config) => !config.use_internal_logger || config.output_paths === undefined, {
  message: 'output_paths requires use_internal_logger to be false',
  path: ['output_paths'],
})

export type DebugConfig = z.infer<typeof debugConfig>
