/** Points and lengths of time. */
import { EvaluationError } from '../error.ts'
import { defineConverter, defineFunction, type FunctionDefinition } from '../function.ts'
import { duration, int, optional, string, time, writtenString } from '../parameters.ts'
import { civilOf, type Civil } from '../time/civil.ts'
import { parseDuration } from '../time/duration.ts'
import { timeFormatter, timeParser } from '../time/strptime.ts'
import { Duration, Time } from '../value.ts'

const SECOND = 1_000_000_000n

function part(name: string, of: (civil: Civil) => number): FunctionDefinition {
  return defineConverter(name, { time }, (value) => BigInt(of(civilOf(value))))
}

function since1970(name: string, unit: bigint): FunctionDefinition {
  return defineConverter(name, { time }, ({ nanos }) => floor(nanos, unit))
}

function floor(value: bigint, unit: bigint): bigint {
  return (value - (((value % unit) + unit) % unit)) / unit
}

/** A length with its fraction. */
function lengthIn(name: string, unit: bigint): FunctionDefinition {
  return defineConverter(name, { duration }, ({ nanos }) => Number(nanos / unit) + Number(nanos % unit) / Number(unit))
}

/** A length without its fraction. */
function wholeIn(name: string, unit: bigint): FunctionDefinition {
  return defineConverter(name, { duration }, ({ nanos }) => nanos / unit)
}

export const TIMES = [
  defineFunction('Now', {}, () => () => new Time(BigInt(Date.now()) * 1_000_000n)),
  defineFunction(
    'Time',
    { time: string, format: writtenString, location: optional(writtenString), locale: optional(writtenString) },
    ({ time, format, location, locale }) => {
      if (locale !== undefined && !/^en\b/.test(locale))
        throw new EvaluationError(`the locale ${JSON.stringify(locale)} is not supported; known: en`)
      const parse = timeParser(format, location)
      return (item) => parse(time.get(item))
    },
  ),
  defineFunction('FormatTime', { time, format: writtenString }, ({ time, format }) => {
    const write = timeFormatter(format)
    return (item) => write(time.get(item))
  }),
  defineFunction(
    'Unix',
    { seconds: int, nanoseconds: optional(int) },
    ({ seconds, nanoseconds }) =>
      (item) =>
        new Time(seconds.get(item) * SECOND + (nanoseconds?.get(item) ?? 0n)),
  ),
  defineFunction('TruncateTime', { time, duration }, ({ time, duration }) => (item) => {
    const { nanos, offsetSeconds } = time.get(item)
    const unit = duration.get(item).nanos
    // Counted from the year 1, as Go counts.
    const since = nanos + 62_135_596_800n * SECOND
    return new Time(unit <= 0n ? nanos : nanos - (since % unit), offsetSeconds)
  }),
  since1970('UnixNano', 1n),
  since1970('UnixMicro', 1_000n),
  since1970('UnixMilli', 1_000_000n),
  since1970('UnixSeconds', SECOND),
  part('Year', ({ year }) => year),
  part('Month', ({ month }) => month),
  part('Day', ({ day }) => day),
  part('Hour', ({ hour }) => hour),
  part('Minute', ({ minute }) => minute),
  part('Second', ({ second }) => second),
  part('Nanosecond', ({ nanosecond }) => nanosecond),
  part('Weekday', ({ weekday }) => weekday),
  defineConverter('Duration', { duration: string }, (text) => new Duration(parseDuration(text))),
  lengthIn('Hours', 3600n * SECOND),
  lengthIn('Minutes', 60n * SECOND),
  lengthIn('Seconds', SECOND),
  wholeIn('Milliseconds', 1_000_000n),
  wholeIn('Microseconds', 1_000n),
  wholeIn('Nanoseconds', 1n),
]
