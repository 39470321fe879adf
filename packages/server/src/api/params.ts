import { parseGoDuration } from '@spoor/otlp'
import { timeSpanNs } from '../time-span.ts'

/** A query string as fastify parses it: a repeated parameter is an array. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

/** A parameter that cannot be read, or a request that cannot be answered. `status` is the HTTP status. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const bad = (name: string, value: string, want: string) =>
  new RequestError(400, 'bad_parameter', `parameter "${name}": "${value}" is not ${want}`)

/** The first value of a parameter; undefined when it is absent or empty. */
export function first(query: Query, name: string): string | undefined {
  const value = query[name]
  const text = typeof value === 'string' ? value : value?.[0]
  return text === '' ? undefined : text
}

/** All values of a parameter that may be repeated. */
export function all(query: Query, name: string): readonly string[] {
  const value = query[name]
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}

export function required(query: Query, name: string): string {
  const value = first(query, name)
  if (value === undefined) throw new RequestError(400, 'bad_parameter', `parameter "${name}" is missing`)
  return value
}

/** Nanoseconds since 1970, or a time span back from `now` as {@link timeSpanNs} reads it. */
export function timeParam(query: Query, name: string, now: bigint): bigint | undefined {
  const value = first(query, name)
  if (value === undefined) return undefined
  if (/^\d{1,19}$/.test(value)) return BigInt(value)
  const back = timeSpanNs(value)
  if (back === undefined || !Number.isFinite(back))
    throw bad(name, value, 'a time: nanoseconds since 1970, or a time span back from now, as 1h or 2d')
  return now - BigInt(Math.round(back))
}

/** A Go duration, as nanoseconds. */
export function durationParam(query: Query, name: string): number | undefined {
  const value = first(query, name)
  if (value === undefined) return undefined
  const duration = tryDuration(value)
  if (duration === undefined || duration < 0)
    throw bad(name, value, 'a duration: a number with its unit, as 200ms or 1.5s')
  return duration
}

export function tryDuration(text: string): number | undefined {
  try {
    return parseGoDuration(text)
  } catch {
    return undefined
  }
}

/** A whole number from `min` to `max`, else `fallback` when absent. */
export function countParam(query: Query, name: string, fallback: number, min: number, max: number): number {
  const value = first(query, name)
  if (value === undefined) return fallback
  const number = Number(value)
  if (!Number.isInteger(number) || number < min || number > max)
    throw bad(name, value, `a whole number from ${min} to ${max}`)
  return number
}

export function choiceParam<T extends string>(query: Query, name: string, choices: readonly T[]): T | undefined {
  const value = first(query, name)
  if (value === undefined) return undefined
  const choice = choices.find((each) => each === value)
  if (choice === undefined) throw bad(name, value, `one of ${choices.join(', ')}`)
  return choice
}

/** Nanoseconds since 1970, now. */
export function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

/**
 * A trace id of up to 32 hex digits, of any case, leading zeros optional: as 32 lower-case digits. Undefined when it is
 * none.
 */
export function normalizeTraceId(text: string): string | undefined {
  return /^[0-9a-f]{1,32}$/i.test(text) ? text.toLowerCase().padStart(32, '0') : undefined
}
