import { totalmem } from 'node:os'
import type { ProcessorFactory } from '../../component/index.ts'
import { SIGNALS } from '../../otlp-protocol/services.ts'
import { limitsOf, memoryLimiterConfig, type MemoryLimiterConfig } from './config.ts'
import { MemoryLimiter } from './memory-limiter.ts'

/** Refuses data while too much memory is in use. */
export const memoryLimiterProcessor: ProcessorFactory<MemoryLimiterConfig> = {
  kind: 'processor',
  type: 'memory_limiter',
  config: memoryLimiterConfig,
  signals: SIGNALS,
  create(context, config, next, signal) {
    const limits = limitsOf(config, totalBytes())
    return new MemoryLimiter(context, { limits, checkIntervalMs: config.check_interval, usedBytes }, next, signal)
  },
}

/** What the container may have, else the machine. */
function totalBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}

/** On this thread. What is outside of the heap has the buffers in it. */
function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
