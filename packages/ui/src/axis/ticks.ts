/** A mark on an axis: where it is, in the axis' own unit, and what stands there. */
export interface Tick {
  readonly at: number
  readonly label: string
}

interface Unit {
  readonly name: string
  readonly ns: number
}

const units: readonly Unit[] = [
  { name: 'ns', ns: 1 },
  { name: 'µs', ns: 1e3 },
  { name: 'ms', ns: 1e6 },
  { name: 's', ns: 1e9 },
  { name: 'min', ns: 60e9 },
  { name: 'h', ns: 3600e9 },
]

/** Steps that are round to a reader from a minute up, where decimal steps are not. Nanoseconds. */
const longSteps = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 7200, 14400].map(
  (minutes) => minutes * 60e9,
)

/**
 * Ticks for offsets within a trace, both ends in nanoseconds from its start. At most `maxCount`, at multiples of a round step. All are in one unit; only the
 * first and the last say which.
 *
 *     0 ms          50            100           150           200 ms
 */
export function offsetTicks(from: number, to: number, maxCount: number): Tick[] {
  const span = to - from
  if (!(span > 0) || maxCount < 1) return []
  const step = offsetStep(span / maxCount)
  const unit = unitFor(Math.max(Math.abs(from), Math.abs(to)), step)
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step / unit.ns) + 1e-9)))
  const first = Math.ceil(from / step - 1e-9)
  const last = Math.floor(to / step + 1e-9)
  const ticks: Tick[] = []
  for (let index = first; index <= last; index++) {
    const value = ((index * step) / unit.ns).toFixed(digits)
    const label = index === first || index === last ? `${value} ${unit.name}` : value
    ticks.push({ at: index * step, label })
  }
  return ticks
}

function offsetStep(least: number): number {
  if (least > 30e9) return longSteps.find((step) => step >= least) ?? Math.ceil(least / 86400e9) * 86400e9
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9)) ?? power * 10
  return step > 30e9 ? 60e9 : Math.max(1, step)
}

/** The largest unit in which the far end is at least 1 and a step is not awkward (a step of 10 s is not written in minutes). */
function unitFor(far: number, step: number): Unit {
  const fitting = units.filter((unit) => far >= unit.ns && (unit.ns < 60e9 || step >= unit.ns))
  return fitting.at(-1) ?? units[0]!
}

/** Decades of a logarithmic duration axis between two durations in nanoseconds: `1 ms`, `10 ms`, `100 ms`; with 2 and 5 between where there are few. */
export function decadeTicks(fromNs: number, toNs: number): Tick[] {
  const factors = toNs / fromNs < 60 ? [1, 2, 5] : [1]
  const ticks: Tick[] = []
  for (let power = Math.floor(Math.log10(fromNs)); power <= Math.log10(toNs); power++) {
    for (const factor of factors) {
      const at = factor * 10 ** power
      if (at < fromNs || at > toNs) continue
      const unit = units.filter((unit) => unit.ns <= at && unit.ns <= 1e9).at(-1) ?? units[0]!
      ticks.push({ at, label: `${Math.round(at / unit.ns).toLocaleString('en')} ${unit.name}` })
    }
  }
  return ticks
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const clockSteps = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14, 30].map((count) => count * day),
]

/**
 * Ticks for times of day, both ends in milliseconds since 1970, at most `maxCount`. `utcOffsetMs` is what local time is ahead of UTC (0 for UTC), so
 * that steps of hours and days fall on the reader's own. A midnight shows its date.
 */
export function clockTicks(fromMs: number, toMs: number, maxCount: number, utcOffsetMs: number): Tick[] {
  const span = toMs - fromMs
  if (!(span > 0) || maxCount < 1) return []
  const step = clockSteps.find((step) => step >= span / maxCount) ?? Math.ceil(span / maxCount / day) * day
  const ticks: Tick[] = []
  for (let local = Math.ceil((fromMs + utcOffsetMs) / step) * step; local - utcOffsetMs <= toMs; local += step) {
    ticks.push({ at: local - utcOffsetMs, label: clockLabel(local, step) })
  }
  return ticks
}

function clockLabel(localMs: number, step: number): string {
  const iso = new Date(Math.round(localMs)).toISOString()
  if (localMs % day === 0 && step >= minute) return iso.slice(5, 10)
  if (step >= minute) return iso.slice(11, 16)
  return step >= second ? iso.slice(11, 19) : iso.slice(14, 23)
}
