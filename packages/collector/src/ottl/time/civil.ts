/** Points in time as a clock and a calendar show them. */
import { EvaluationError } from '../error.ts'
import type { Time } from '../value.ts'

const SECOND = 1_000_000_000n

export interface Civil {
  readonly year: number
  /** From 1. */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nanosecond: number
  /** 0 is a Sunday. */
  readonly weekday: number
  readonly offsetSeconds: number
}

/** Throws {@link EvaluationError} for one that is some hundred thousand years away. */
export function civilOf({ nanos, offsetSeconds }: Time): Civil {
  const nanosecond = BigInt.asUintN(64, ((nanos % SECOND) + SECOND) % SECOND)
  const seconds = (nanos - nanosecond) / SECOND + BigInt(offsetSeconds)
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) throw new EvaluationError(`no calendar has ${seconds} seconds from 1970`)
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    nanosecond: Number(nanosecond),
    weekday: date.getUTCDay(),
    offsetSeconds,
  }
}

/** Nanoseconds since 1970 of what a clock shows that is `offsetSeconds` before UTC. */
export function nanosOf(civil: Omit<Civil, 'weekday'>): bigint {
  const date = new Date(0)
  date.setUTCFullYear(civil.year, civil.month - 1, civil.day)
  date.setUTCHours(civil.hour, civil.minute, civil.second)
  return (BigInt(date.getTime()) / 1000n - BigInt(civil.offsetSeconds)) * SECOND + BigInt(civil.nanosecond)
}

export function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}

/** `+0100`, or with the separator between. */
export function offsetText(offsetSeconds: number, separator = ''): string {
  const minutes = Math.floor(Math.abs(offsetSeconds) / 60)
  return `${offsetSeconds < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60), 2)}${separator}${pad(minutes % 60, 2)}`
}

/** `2024-01-02T03:04:05.678Z`, with as many digits of the second as it has. */
export function rfc3339(time: Time): string {
  const { year, month, day, hour, minute, second, nanosecond, offsetSeconds } = civilOf(time)
  const fraction = nanosecond === 0 ? '' : `.${pad(nanosecond, 9).replace(/0+$/, '')}`
  const zone = offsetSeconds === 0 ? 'Z' : offsetText(offsetSeconds, ':')
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}${fraction}${zone}`
}
