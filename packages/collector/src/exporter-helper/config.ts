/**
 * The config sections that every exporter shares; keys and defaults as in the OpenTelemetry Collector's exporterhelper.
 */
import { z } from 'zod'
import { count, durationMs, extensionId, metadataKeys, section } from '../component/index.ts'

const queueBatchConfig = section({
  flush_timeout: durationMs
    .prefault('200ms')
    .refine((ms) => ms > 0, { message: '`flush_timeout` must be positive; write it like 200ms' })
    .describe('How long a request waits for others at most.'),
  min_size: count.default(8192).describe('Size from which on a batch goes. 0: each request goes alone.'),
  max_size: count.default(0).describe('Size that a batch has at most; what is larger is split. 0: no limit.'),
  sizer: z
    .enum(['items', 'bytes'], {
      error: ({ input }) => `\`batch\` supports only \`items\` or \`bytes\` sizer, found ${JSON.stringify(input)}`,
    })
    .default('items')
    .describe("The unit of `min_size` and `max_size`. Default: the queue's `sizer` where one is written."),
  partition: section({
    metadata_keys: metadataKeys
      .default([])
      .describe(
        'Headers of the senders (`include_metadata` of the receiver): what came with other values of them goes in batches of its own.',
      ),
  }).prefault({}),
}).refine((batch) => batch.max_size === 0 || batch.max_size >= batch.min_size, {
  error: ({ input }) => {
    const { max_size: max, min_size: min } = input as { max_size: number; min_size: number }
    return `\`max_size\` (${max}) must be greater or equal to \`min_size\` (${min})`
  },
  path: ['max_size'],
})

const queueSection = section(
  {
    enabled: z.boolean().default(true),
    num_consumers: z.int().min(1).default(10).describe('How many batches of a signal are sent at a time.'),
    queue_size: z
      .int()
      .min(1)
      .default(1000)
      .describe(
        'How much the queue holds, what is being sent included, in the unit that `sizer` names. Each signal has a queue of its own, as in otelcol.',
      ),
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
    batch: queueBatchConfig
      .optional()
      .describe(
        'Joins requests of the queue until they have a size, and splits what is too large; a peer gets fewer requests. Off unless it is written; `batch:` alone takes all defaults.',
      ),
  },
  ['batch'],
)

const SIZES: readonly string[] = ['num_consumers', 'queue_size']

export const sendingQueueConfig = z
  .preprocess(withInheritedSizer, queueSection)
  .refine((queue) => queue.storage === undefined || !queue.wait_for_result, {
    message: '`wait_for_result` is not supported with a persistent queue; remove it, or `storage`',
    path: ['wait_for_result'],
  })
  .refine(({ batch, sizer, queue_size }) => batch?.sizer !== sizer || batch.min_size <= queue_size, {
    message: '`min_size` must be less than or equal to `queue_size`, as the queue could never hold a batch',
    path: ['batch', 'min_size'],
  })

/** Where the queue's sizer is written and the batch's is not, it is that of both. Of one that is off, sizes may be anything. */
function withInheritedSizer(input: unknown): unknown {
  const { enabled, sizer, batch } = (input ?? {}) as { enabled?: unknown; sizer?: unknown; batch?: unknown }
  if (enabled === false) {
    const isSize = (key: string, value: unknown): boolean => SIZES.includes(key) && typeof value === 'number'
    return Object.fromEntries(Object.entries(input as object).filter(([key, value]) => !isSize(key, value)))
  }
  if (typeof sizer !== 'string' || typeof batch !== 'object' || batch === null || 'sizer' in batch) return input
  return { ...(input as object), batch: { ...batch, sizer } }
}

export const retryConfig = section({
  enabled: z.boolean().default(true),
  initial_interval: durationMs.prefault('5s').describe('Wait before the first retry.'),
  randomization_factor: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Each wait is drawn from interval ± this share of it. 0-1.'),
  multiplier: z.number().min(0).default(1.5).describe('By how much the wait grows from retry to retry.'),
  max_interval: durationMs.prefault('30s'),
  max_elapsed_time: durationMs
    .prefault('5m')
    .describe('Time from the first attempt after which a batch is given up. 0: never.'),
}).superRefine((retry, context) => {
  if (!retry.enabled || retry.max_elapsed_time === 0) return
  for (const key of ['initial_interval', 'max_interval'] as const) {
    if (retry[key] <= retry.max_elapsed_time) continue
    const message = `must not be less than ${key} (${retry[key]}ms), as it would be given up within the first long wait; write more, or 0 for no limit`
    return context.addIssue({ code: 'custom', message, path: ['max_elapsed_time'] })
  }
})

/** The keys themselves, for an exporter's own section. */
export const exporterHelperKeys = {
  sending_queue: sendingQueueConfig.prefault({}),
  retry_on_failure: retryConfig.prefault({}),
}

export type SendingQueueConfig = z.infer<typeof sendingQueueConfig>
/** For an exporter that answers itself, and has neither key. */
export const NO_QUEUE: SendingQueueConfig = sendingQueueConfig.parse({ enabled: false })
export const NO_RETRY: RetryConfig = retryConfig.parse({ enabled: false })

export type QueueBatchConfig = z.infer<typeof queueBatchConfig>
export type RetryConfig = z.infer<typeof retryConfig>
