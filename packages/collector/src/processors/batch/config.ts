/** The config of the `batch` processor; keys and defaults as in the OpenTelemetry Collector's batchprocessor. */
import { z } from 'zod'
import { count, durationMs, metadataKeys, section } from '../../component/index.ts'

export const batchConfig = section({
  timeout: durationMs
    .prefault('200ms')
    .describe('Time after which a batch is sent whatever its size, from its first item on. 0: at once.'),
  send_batch_size: count.default(8192).describe('Items at which a batch is sent. 0: at once.'),
  send_batch_max_size: count.default(0).describe('Items that a batch has at most; larger ones are split. 0: no limit.'),
  metadata_keys: metadataKeys
    .default([])
    .describe(
      'Headers of the senders (`include_metadata` of the receiver): what came with other values of them goes in batches of its own, and each batch has them with it.',
    ),
  metadata_cardinality_limit: count
    .default(1000)
    .describe(
      'Combinations of values of the `metadata_keys`, from the start on. What comes with another is refused for good. 0: no limit.',
    ),
  acknowledge: z
    .enum(['accepted', 'exported'])
    .default('accepted')
    .describe(
      "When a batch's sender is answered: `accepted`, once it is held here (it survives a graceful stop, not a crash), or `exported`, once the next stage has taken it. An extension.",
    ),
  max_held_bytes: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Bytes held here at most, waiting or on their way to the next stage; beyond that, senders wait. Default: a fifth of the memory for bytes in flight, 32 MiB. An extension.',
    ),
  max_wait: durationMs
    .prefault('5s')
    .describe(
      'How long senders wait for room, at most half of the time that they have; then they are told to come again. 0: they are told so at once. An extension.',
    ),
}).refine((config) => config.send_batch_max_size === 0 || config.send_batch_max_size >= config.send_batch_size, {
  message: 'send_batch_max_size must be greater or equal to send_batch_size',
  path: ['send_batch_max_size'],
})

export type BatchConfig = z.infer<typeof batchConfig>
