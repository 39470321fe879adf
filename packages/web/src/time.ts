/**
 * Times are milliseconds since the page’s start (`performance.now()`), as all that the browser measures has them: the clock of the machine
 * may be set meanwhile, this one may not.
 */
export function now(): number {
  return performance.now()
}

/** Of a time of the API: `performance.now()`, milliseconds since 1970, a `Date`, or seconds and nanoseconds. */
export function fromInput(time: number | Date | readonly [number, number] | undefined): number {
  if (time === undefined) return now()
  if (typeof time === 'number') return time < performance.timeOrigin / 2 ? time : time - performance.timeOrigin
  if (time instanceof Date) return time.getTime() - performance.timeOrigin
  return time[0] * 1_000 + time[1] / 1e6 - performance.timeOrigin
}

/** Nanoseconds since 1970, in decimal, exact to the microsecond, which is more than browsers measure. */
export function toUnixNano(ms: number): string {
  const whole = Math.floor(performance.timeOrigin)
  const microseconds = Math.round((performance.timeOrigin - whole + ms) * 1_000)
  return String((BigInt(whole) * 1_000n + BigInt(microseconds)) * 1_000n)
}
