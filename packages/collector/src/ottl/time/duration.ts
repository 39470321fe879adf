/** Lengths of time as Go writes and reads them. */
import { EvaluationError } from '../error.ts'

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

/** Nanoseconds of `1h30m`, `-1.5s`. Throws {@link EvaluationError}. */
export function parseDuration(text: string): bigint {
  const failure = new EvaluationError(`${JSON.stringify(text)} is no duration, like 1h30m or 200ms`)
  const [, sign, rest = ''] = /^([-+]?)(.*)$/s.exec(text)!
  if (rest === '0') return 0n
  const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y
  let nanos = 0n
  let at = 0
  while (at < rest.length) {
    part.lastIndex = at
    const match = part.exec(rest)
    if (!match || (!match[1] && !match[2])) throw failure
    const unit = UNITS[match[3]!]!
    const fraction = (match[2] ?? '').slice(0, 18)
    nanos += BigInt(match[1] || 0) * unit + (BigInt(fraction || 0) * unit) / 10n ** BigInt(fraction.length)
    at = part.lastIndex
  }
  if (rest === '' || nanos > 2n ** 63n) throw failure
  return sign === '-' ? -nanos : nanos
}

/** `1h30m0s`, `1.5s`, `200ms`. */
export function durationText(nanos: bigint): string {
  if (nanos === 0n) return '0s'
  const sign = nanos < 0n ? '-' : ''
  const length = nanos < 0n ? -nanos : nanos
  for (const [unit, size] of [
    ['ns', 1n],
    ['µs', 1_000n],
    ['ms', 1_000_000n],
  ] as const)
    if (length < size * 1000n) return `${sign}${decimal(length, size)}${unit}`
  const hours = length / UNITS['h']!
  const minutes = (length / UNITS['m']!) % 60n
  const seconds = decimal(length % UNITS['m']!, UNITS['s']!)
  return `${sign}${hours > 0n ? `${hours}h` : ''}${hours > 0n || minutes > 0n ? `${minutes}m` : ''}${seconds}s`
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = String(value % unit)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '')
  return `${value / unit}${fraction === '' || unit === 1n ? '' : `.${fraction}`}`
}
