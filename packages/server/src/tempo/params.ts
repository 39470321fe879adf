import type { SearchQuery, SpanSet } from '@spoor/storage'
import { first, nowNs, type Query, RequestError, tryDuration } from '../api/params.ts'
import { timeSpanNs } from '../time-span.ts'

const SECOND_NS = 1_000_000_000n
const HOUR_NS = 3_600_000_000_000n

export function bad(message: string): RequestError {
  return new RequestError(400, 'bad_parameter', message)
}

/** A whole number from `least` on; what is more than `most` is `most`. */
export function wholeParam(
  query: Query,
  name: string,
  fallback: number,
  [least, most]: readonly [number, number],
): number {
  const text = first(query, name)
  if (text === undefined) return fallback
  if (!/^\d{1,9}$/.test(text) || Number(text) < least)
    throw bad(`invalid ${name}: "${text}" is not a whole number from ${least}`)
  return Math.min(most, Number(text))
}

/** Nanoseconds. */
export function durationParam(query: Query, name: string): number | undefined {
  const text = first(query, name)
  if (text === undefined) return undefined
  const duration = tryDuration(text)
  if (duration === undefined) throw bad(`invalid ${name}: "${text}" is not a duration, as 200ms or 1.5s`)
  return duration
}

/** `start` and `end`, whole seconds since 1970, each with the whole of its second. */
export function secondsRange(query: Query): Pick<SearchQuery, 'from' | 'to'> {
  const [start, end] = (['start', 'end'] as const).map((name) => {
    const text = first(query, name)
    if (text === undefined || text === '0') return undefined
    if (!/^\d{1,10}$/.test(text)) throw bad(`invalid ${name}: "${text}" is not a number of seconds since 1970`)
    return BigInt(text)
  })
  if (start !== undefined && end !== undefined && end <= start)
    throw bad(`http parameter start must be before end. received start=${start} end=${end}`)
  return {
    ...(start !== undefined && { from: start * SECOND_NS }),
    ...(end !== undefined && { to: end * SECOND_NS + SECOND_NS - 1n }),
  }
}

/** `start` and `end` of numbers over time: seconds or nanoseconds since 1970, or RFC 3339; or `since`, a time span back from the end. Default: the last hour. Nanoseconds. */
export function timesRange(query: Query): { readonly start: bigint; readonly end: bigint } {
  const end = timeParam(query, 'end') ?? nowNs()
  const text = first(query, 'since')
  const since = text === undefined ? Number(HOUR_NS) : timeSpanNs(text)
  if (since === undefined || !(since > 0)) throw bad(`invalid since: "${text}" is not a time span, as 15m or 3h`)
  const start = timeParam(query, 'start') ?? end - BigInt(Math.round(since))
  if (end <= start) throw bad(`http parameter start must be before end. received start=${start} end=${end}`)
  if (start < 0n) throw bad('http parameter start is before 1970')
  return { start, end }
}

function timeParam(query: Query, name: string): bigint | undefined {
  const text = first(query, name)
  if (text === undefined) return undefined
  if (/^\d{11,19}$/.test(text)) return BigInt(text)
  if (/^\d{1,10}(?:\.\d+)?$/.test(text)) return BigInt(Math.round(Number(text) * 1e3)) * 1_000_000n
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isFinite(ms))
    throw bad(
      `invalid ${name}: "${text}" is neither seconds nor nanoseconds since 1970 nor a time as 2026-01-31T12:00:00Z`,
    )
  return BigInt(ms) * 1_000_000n
}

/** `minDuration` and `maxDuration` of a trace, beside what else is asked. */
export function withinDurations(query: Query, set: SpanSet | undefined): SpanSet | undefined {
  const [least, most] = [durationParam(query, 'minDuration'), durationParam(query, 'maxDuration')]
  if (least !== undefined && most !== undefined && most < least)
    throw bad('invalid maxDuration: must be greater than minDuration')
  let spans = set
  for (const [compare, value] of [
    ['gte', least],
    ['lte', most],
  ] as const)
    if (value !== undefined) spans = { op: 'trace', field: 'duration', compare, value, ...(spans && { among: spans }) }
  return spans
}
