/** Whether times are shown in the reader's zone or in UTC. */
export type Zone = 'local' | 'utc'

const two = (value: number) => String(value).padStart(2, '0')

interface Parts {
  readonly date: string
  readonly clock: string
}

/** Splits nanoseconds since 1970 into `2026-05-09` and `12:31:07` in the zone. */
function parts(ns: bigint, zone: Zone): Parts {
  const date = new Date(Number(ns / 1_000_000n))
  if (zone === 'utc') {
    const iso = date.toISOString()
    return { date: iso.slice(0, 10), clock: iso.slice(11, 19) }
  }
  return {
    date: `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    clock: `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
  }
}

/** `12:31:07.218`, with the date before it on another day than `now`: `05-08 12:31:07.218`; with the year in another year. */
export function formatStart(ns: bigint, zone: Zone, now: Date = new Date()): string {
  const at = parts(ns, zone)
  const today = parts(BigInt(now.getTime()) * 1_000_000n, zone).date
  const clock = `${at.clock}.${String((ns / 1_000_000n) % 1000n).padStart(3, '0')}`
  if (at.date === today) return clock
  return `${at.date.slice(0, 4) === today.slice(0, 4) ? at.date.slice(5) : at.date} ${clock}`
}

/** To the nanosecond, with date and zone: `2026-05-09 12:31:07.218043117 UTC`. */
export function formatInstant(ns: bigint, zone: Zone): string {
  const at = parts(ns, zone)
  const name = zone === 'utc' ? 'UTC' : zoneName(new Date(Number(ns / 1_000_000n)))
  return `${at.date} ${at.clock}.${String(ns % 1_000_000_000n).padStart(9, '0')} ${name}`
}

/** `+02:00`; what local time is ahead of UTC at that time. */
function zoneName(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

/** What the zone is ahead of UTC at a time in milliseconds since 1970, in milliseconds. */
export function utcOffsetMs(atMs: number, zone: Zone): number {
  return zone === 'utc' ? 0 : -new Date(atMs).getTimezoneOffset() * 60_000
}
