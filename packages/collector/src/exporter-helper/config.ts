/**
 * The config sections that every exporter shares; keys and defaults as in the OpenTelemetry Collector's exporterhelper.
 */
import { z } from 'zod'
import { count, durationMs, extensionId, section } from '../component/index.ts'

export const sendingQueueConfig = section({
  enabled: z.boolean().default(true),
  num_consumers: z.int().min(1).default(10).describe('How many batches are sent at a time.'),
  queue_size: z
    .int()
    .min(1)
    .default(1000)
    .describe('How much the queue holds, what is being sent included, in the unit that `sizer` names.'),
  sizer: z.enum(['requests', 'items', 'bytes']).default('requests'),
  block_on_overflow: z.boolean().default(false).describe('When full: wait for room instead of refusing.'),
  wait_for_result: z
    .boolean()
    .default(false)
    .describe('Answer the stage before only when the batch was sent, not when it was queued.'),
  max_bytes: count
    .default(64 * 1024 * 1024)
    .describe(
      "Bound on the queue's memory in bytes, whatever the sizer; 0 for none. An extension: a thousand requests may be gigabytes.",
    ),
  storage: extensionId('storage')
    .optional()
    .describe(
      'The id of an extension that keeps the queue, as `file_storage`: what is in it survives the end of the process and is sent after the next start, and a batch that a peer refuses for now stays in it beyond `max_elapsed_time`.',
    ),
}).refine((queue) => queue.storage === undefined || !queue.wait_for_result, {
  message: 'wait_for_result is not supported with a persistent queue; remove it, or storage',
  path: ['wait_for_result'],
})

export const retryConfig = section({
  enabled: z.boolean().default(true),
  initial_interval: durationMs.prefault('5s').describe('Wait before the first retry.'),
  randomization_factor: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Each wait is drawn from interval ± this share of it. 0-1.'),
  multiplier: z.number().min(1).default(1.5).describe('By how much the wait grows from retry to retry.'),
  max_interval: durationMs.prefault('30s'),
  max_elapsed_time: durationMs
    .prefault('5m')
    .describe('Time from the first attempt after which a batch is given up. 0: never.'),
})

/** The keys themselves, for an exporter's own section. */
export const exporterHelperKeys = {
  sending_queue: sendingQueueConfig.prefault({}),
  retry_on_failure: retryConfig.prefault({}),
}

export type SendingQueueConfig = z.infer<typeof sendingQueueConfig>
export type RetryConfig = z.infer<typeof retryConfig>
