import type { HrTime, TimeInput } from '@opentelemetry/api'

/** Between the monotonic clock and that of the wall, milliseconds: what has to be added to `performance.now()`. */
let offset = performance.timeOrigin

/** Beyond it the clock of the wall was set, or has drifted. It counts whole milliseconds, so that less says nothing. */
const driftMs = 2

/**
 * What has to be added to this time of `performance.now()` for milliseconds since 1970, to a part of a millisecond. Follows the clock of
 * the wall where that is set anew.
 */
export function wallOffset(now: number): number {
  const wall = Date.now()
  if (Math.abs(wall - offset - now) > driftMs) offset = wall - now
  return offset
}

/** Milliseconds since 1970 as seconds and nanoseconds. */
export function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000)
  const nanoseconds = Math.round((ms - seconds * 1_000) * 1e6)
  return nanoseconds < 1e9 ? [seconds, nanoseconds] : [seconds + 1, 0]
}

/** So many milliseconds after a time. */
export function later(from: HrTime, ms: number): HrTime {
  const [seconds, nanoseconds] = hrTime(ms)
  const sum = from[1] + nanoseconds
  return sum < 1e9 ? [from[0] + seconds, sum] : [from[0] + seconds + 1, sum - 1e9]
}

/** From one time to another. */
export function between(from: HrTime, to: HrTime): HrTime {
  const nanoseconds = to[1] - from[1]
  return nanoseconds < 0 ? [to[0] - from[0] - 1, nanoseconds + 1e9] : [to[0] - from[0], nanoseconds]
}

/** A time as callers of the API give it: since 1970, of `performance.now()`, a date, or as it is kept. */
export function given(time: TimeInput, wall: number): HrTime {
  if (Array.isArray(time)) return time
  if (time instanceof Date) return hrTime(time.getTime())
  return hrTime(time <= performance.now() ? wall + time : time)
}
