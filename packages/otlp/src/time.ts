/** A duration, in nanoseconds. Times since 1970 do not fit a number exactly: they are bigint, or lo/hi halves. */
export type Nanoseconds = number & { readonly __unit?: 'ns' }

/** Nanoseconds in each unit that Go's `time.ParseDuration` knows. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

const GO_DURATION = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/
const GO_PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g

/**
 * A duration as the Collector's YAML has it: `200ms`, `1h30m`, `-1.5s`, `0`. Throws `RangeError`.
 * Source: Go's `time.ParseDuration`.
 */
export function parseGoDuration(text: string): Nanoseconds {
  if (/^[+-]?0$/.test(text)) return 0
  const match = GO_DURATION.exec(text)
  if (!match) throw new RangeError(`"${text}" is not a duration: a number with a unit, such as 200ms, 1.5s or 1h30m`)
  let total = 0
  for (const [, number, unit] of match[2]!.matchAll(GO_PART)) total += Number(number) * UNITS[unit!]!
  if (total > Number.MAX_SAFE_INTEGER) throw new RangeError(`"${text}" is too long: at most 2501h (104 days)`)
  return Math.round(match[1] === '-' ? -total : total) + 0
}

/** As Go prints a duration: `0s`, `1.5ms`, `2m0s`, `1h0m0.25s`. {@link parseGoDuration} reads it back. */
export function formatGoDuration(ns: Nanoseconds): string {
  if (ns === 0) return '0s'
  const sign = ns < 0 ? '-' : ''
  const value = Math.abs(ns)
  if (value < 1e3) return `${sign}${value}ns`
  if (value < 1e6) return `${sign}${value / 1e3}µs`
  if (value < 1e9) return `${sign}${value / 1e6}ms`
  const hours = Math.floor(value / 3600e9)
  const minutes = Math.floor(value / 60e9) % 60
  const seconds = `${(value % 60e9) / 1e9}s`
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`
}

/**
 * A duration for people, with three sensible digits: `0 ns`, `812 ns`, `4.61 µs`, `46.1 ms`, `143 ms`, `1.20 s`,
 * `75.0 s`, `2 m 05 s`, `3 h 07 m`.
 */
export function formatDuration(ns: Nanoseconds): string {
  const sign = ns < 0 ? '-' : ''
  const value = Math.abs(ns)
  if (value < 999.5) return `${sign}${Math.round(value)} ns`
  if (value < 999.5e3) return `${sign}${threeDigits(value / 1e3)} µs`
  if (value < 999.5e6) return `${sign}${threeDigits(value / 1e6)} ms`
  if (value < 119.95e9) return `${sign}${threeDigits(value / 1e9)} s`
  const seconds = Math.round(value / 1e9)
  if (seconds < 3600) return `${sign}${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`
  const minutes = Math.round(value / 60e9)
  return `${sign}${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`
}

function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
}
