/** The waits between retries: exponential with a random part, as the OpenTelemetry Collector draws them. */
import type { RetryConfig } from './config.ts'

export interface Backoff {
  /**
   * Milliseconds to wait before the next try, at least what the peer asked for; undefined when the time for retries
   * would be over by then.
   */
  next(retryAfterMs: number | undefined): number | undefined
}

export function createBackoff(config: RetryConfig): Backoff {
  const startedAt = performance.now()
  let interval = config.initial_interval
  return {
    next(retryAfterMs) {
      if (!config.enabled) return undefined
      const spread = config.randomization_factor * interval
      const drawn = interval - spread + Math.random() * 2 * spread
      interval = Math.min(interval * config.multiplier, config.max_interval)
      const delay = Math.max(drawn, retryAfterMs ?? 0)
      const elapsed = performance.now() - startedAt
      return config.max_elapsed_time > 0 && elapsed + delay > config.max_elapsed_time ? undefined : delay
    },
  }
}
