/**
 * The config sections that every exporter shares; keys and defaults as in the OpenTelemetry Collector's exporterhelper.
 */
import { z } from 'zod'
import { count, durationMs, section } from '../component/index.ts'

export const sendingQueueConfig = section({
  enabled: z.boolean().default(true),
  /** How many batches are sent at a time. */
  num_consumers: z.int().min(1).default(10),
  /** How much the queue holds, what is being sent included, in the unit that `sizer` names. */
  queue_size: z.int().min(1).default(1000),
  sizer: z.enum(['requests', 'items', 'bytes']).default('requests'),
  /** When full: wait for room instead of refusing. */
  block_on_overflow: z.boolean().default(false),
  /** Answer the stage before only when the batch was sent, not when it was queued. */
  wait_for_result: z.boolean().default(false),
  /**
   * Bound on the queue's memory in bytes, whatever the sizer; 0 for none. An extension: a thousand requests may be
   * gigabytes.
   */
  max_bytes: count.default(128 * 1024 * 1024),
})

export const retryConfig = section({
  enabled: z.boolean().default(true),
  /** Wait before the first retry. */
  initial_interval: durationMs.prefault('5s'),
  /** Each wait is drawn from interval ± this share of it. 0-1. */
  randomization_factor: z.number().min(0).max(1).default(0.5),
  /** By how much the wait grows from retry to retry. */
  multiplier: z.number().min(1).default(1.5),
  max_interval: durationMs.prefault('30s'),
  /** Time from the first attempt after which a batch is given up. 0: never. */
  max_elapsed_time: durationMs.prefault('5m'),
})

/** The keys themselves, for an exporter's own section. */
export const exporterHelperKeys = {
  sending_queue: sendingQueueConfig.prefault({}),
  retry_on_failure: retryConfig.prefault({}),
}

export type SendingQueueConfig = z.infer<typeof sendingQueueConfig>
export type RetryConfig = z.infer<typeof retryConfig>
