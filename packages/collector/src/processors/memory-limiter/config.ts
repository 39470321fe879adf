/** The config of the `memory_limiter` processor; keys and defaults as in the OpenTelemetry Collector's. */
import { z } from 'zod'
import { count, durationMs, section, withoutEffect } from '../../component/index.ts'

const GC = 'garbage is collected as often as memory is looked at while there is too much of it'
const percentage = z.int().min(0).max(100)

export const memoryLimiterConfig = section({
  check_interval: durationMs.prefault('0s').describe('How often memory is looked at. **Required**; usually 1s.'),
  limit_mib: count
    .default(0)
    .describe(
      'The hard limit in MiB of what the process has allocated on its main thread: heap, and buffers outside of it.',
    ),
  spike_limit_mib: count
    .default(0)
    .describe('By how much the soft limit, from which on data is refused, is below the hard one. 0: a fifth of it.'),
  limit_percentage: percentage
    .default(0)
    .describe(
      'The hard limit as a share of the memory that the container, or the machine, has. Where `limit_mib` is 0.',
    ),
  spike_limit_percentage: percentage.default(0),
  min_gc_interval_when_soft_limited: withoutEffect(durationMs.optional(), GC),
  min_gc_interval_when_hard_limited: withoutEffect(durationMs.optional(), GC),
  max_gc_interval_when_soft_limited: withoutEffect(durationMs.optional(), GC),
  max_gc_interval_when_hard_limited: withoutEffect(durationMs.optional(), GC),
})
  .refine((config) => config.check_interval > 0, {
    message: "'check_interval' must be greater than zero; write check_interval: 1s",
    path: ['check_interval'],
  })
  .refine((config) => config.limit_mib > 0 || config.limit_percentage > 0, {
    message: "'limit_mib' or 'limit_percentage' must be greater than zero",
  })
  .refine((config) => config.limit_mib === 0 || config.spike_limit_mib < config.limit_mib, {
    message: "'spike_limit_mib' must be smaller than 'limit_mib'",
    path: ['spike_limit_mib'],
  })
  .refine((config) => config.limit_percentage === 0 || config.spike_limit_percentage < config.limit_percentage, {
    message: "'spike_limit_percentage' must be smaller than 'limit_percentage'",
    path: ['spike_limit_percentage'],
  })

export type MemoryLimiterConfig = z.infer<typeof memoryLimiterConfig>

/** Bytes. */
export interface Limits {
  /** From here on data is refused. */
  readonly soft: number
  /** From here on all garbage is collected at once. */
  readonly hard: number
}

const MIB = 1024 * 1024
const DEFAULT_SPIKE_SHARE = 0.2

/** `totalBytes`: the memory that there is. */
export function limitsOf(config: MemoryLimiterConfig, totalBytes: number): Limits {
  const isAbsolute = config.limit_mib > 0
  const hard = isAbsolute ? config.limit_mib * MIB : (totalBytes * config.limit_percentage) / 100
  const spike = isAbsolute ? config.spike_limit_mib * MIB : (totalBytes * config.spike_limit_percentage) / 100
  return { hard, soft: hard - (spike || hard * DEFAULT_SPIKE_SHARE) }
}
