import { homedir } from 'node:os'
import { SpoorError } from './error.ts'
import { timeSpanNs } from './time-span.ts'

/** Values of options as cac hands them on: text, a number where it looks like one, true where the value is missing, a list of these where it is repeated. */
export type OptionValue = string | number | boolean | undefined | readonly (string | number | boolean)[]

const bad = (option: string, value: OptionValue, want: string) =>
  new SpoorError('option', `--${option}: "${String(value)}" is not ${want}`)

/** A TCP port, 0 for a free one. */
export function portOf(option: string, value: OptionValue): number | undefined {
  if (value === undefined) return undefined
  const port = Number(value)
  if (typeof value === 'boolean' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw bad(option, value, 'a port: 0 to 65535')
  }
  return port
}

/** A whole number from 1 on. */
export function countOf(option: string, value: OptionValue, max: number): number | undefined {
  if (value === undefined) return undefined
  const count = Number(value)
  if (typeof value === 'boolean' || !Number.isInteger(count) || count < 1 || count > max) {
    throw bad(option, value, `a number from 1 to ${max}`)
  }
  return count
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
}

/** A size: `500MB`, `20 GB`, `2GiB`, or a plain number of bytes. */
export function bytesOf(option: string, value: OptionValue): number | undefined {
  if (value === undefined) return undefined
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?$/i.exec(String(value))
  const bytes = match ? Math.round(Number(match[1]) * UNITS[(match[2] ?? '').toLowerCase()]!) : 0
  if (!(bytes > 0)) throw bad(option, value, 'a size: a number with a unit, as 500MB or 20GB')
  return bytes
}

/** A number of spans: `300000`, `300k` or `10M`. */
export function amountOf(option: string, value: OptionValue): number | undefined {
  const text = textOf(option, value)
  if (text === undefined) return undefined
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([kM]?)$/.exec(text) ?? []
  const amount = Number(digits) * ({ k: 1e3, M: 1e6 }[unit] ?? 1)
  if (!(amount >= 1))
    throw new SpoorError('option', `--${option}: "${text}" is not a number of spans, as 500, 20k or 10M`)
  return amount
}

/** A time span in milliseconds, as {@link timeSpanNs} reads it. */
export function ageOf(option: string, value: OptionValue): number | undefined {
  if (value === undefined) return undefined
  const ms = (timeSpanNs(String(value)) ?? 0) / 1e6
  if (!(ms > 0) || !Number.isFinite(ms)) throw bad(option, value, 'a time: a number with a unit, as 14d, 2w or 36h')
  return ms
}

/** A time as {@link ageOf} reads it, which may be none: `0` or `0s`. */
export function waitOf(option: string, value: OptionValue): number | undefined {
  return /^0s?$/.test(String(value)) ? 0 : ageOf(option, value)
}

/** Nanoseconds since 1970: an ISO 8601 time, or a time span back from now as {@link ageOf} reads it. */
export function timeOf(option: string, value: OptionValue): bigint | undefined {
  if (value === undefined) return undefined
  const text = String(value)
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return BigInt(at) * 1_000_000n
  try {
    return BigInt(Math.round(Date.now() - ageOf(option, value)!)) * 1_000_000n
  } catch {
    throw bad(option, value, 'a time: as 2026-05-09T12:00:00Z, or 24h for that long ago')
  }
}

export function choiceOf<T extends string>(option: string, value: OptionValue, choices: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  const choice = choices.find((each) => each === value)
  if (choice === undefined) throw bad(option, value, `one of ${choices.join(', ')}`)
  return choice
}

export function textOf(option: string, value: OptionValue): string | undefined {
  if (value === undefined) return undefined
  const [text, ...more] = textsOf(option, value)
  if (more.length > 0) throw new SpoorError('option', `--${option} is given ${more.length + 1} times; give it once`)
  return text
}

/** Of an option that may be repeated. */
export function textsOf(option: string, value: OptionValue): string[] {
  if (value === undefined) return []
  return (Array.isArray(value) ? value : [value]).map((each: unknown) => {
    if (typeof each === 'boolean' || each === '') throw new SpoorError('option', `--${option} needs a value`)
    return String(each)
  })
}

/** Origins of pages, as a browser says them: a scheme, a name and a port where it is not the usual one; `*` stands for any run of characters. Undefined where there is none. */
export function originsOf(option: string, value: OptionValue): string[] | undefined {
  if (value === undefined) return undefined
  return textsOf(option, value).map((text) => {
    const origin = text.replace(/\/$/, '').toLowerCase()
    if (origin !== '*' && !/^[a-z*][a-z0-9+.*-]*:\/\/(?:[a-z0-9.*-]+|\[[0-9a-f:.]+\])(?::[\d*]+)?$/.test(origin)) {
      throw bad(option, text, 'an origin: as https://shop.example, http://10.0.0.7:3000 or https://*.shop.example')
    }
    return origin
  })
}

/** A path as a person would write it: `~/…` for what is under the home directory. */
export function shortPath(path: string): string {
  const home = homedir()
  return path === home || path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
}

/** `0 B`, `812 B`, `1.2 MB`: decimal units. */
export function formatBytes(bytes: number): string {
  let value = bytes
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < 999.5) return `${unit === 'B' || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${unit}`
    value /= 1000
  }
  return `${value.toFixed(1)} TB`
}
