import type { Logger } from './logger.ts'

/** Lines that can come by the thousand, let through at most once in a while each. What was dropped is told by a drop log. */
export interface LogLimiter {
  /** Logs the warning, or counts it where one of the same key was logged less than the interval ago. */
  warn(key: string, fields: object, message: string): void
  /** The same for what is not wrong. */
  info(key: string, fields: object, message: string): void
}

/**
 * `intervalMs`: how long the same key stays quiet after a warning; how many were held back is told by the next one as
 * `suppressed`.
 */
export function createLogLimiter(logger: Logger, intervalMs: number): LogLimiter {
  const keys = new Map<string, { next: number; suppressed: number }>()
  const at =
    (level: 'info' | 'warn'): LogLimiter['warn'] =>
    (key, fields, message) => {
      const now = performance.now()
      let state = keys.get(key)
      if (!state) keys.set(key, (state = { next: 0, suppressed: 0 }))
      if (now < state.next) {
        state.suppressed++
        return
      }
      logger[level](state.suppressed === 0 ? fields : { ...fields, suppressed: state.suppressed }, message)
      state.next = now + intervalMs
      state.suppressed = 0
    }
  return { info: at('info'), warn: at('warn') }
}
