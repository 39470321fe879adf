/** What `Format` makes of values: the verbs of Go's `fmt` for what statements compute with. */
import { bytesToHex } from '@spoor/otlp'
import { EvaluationError } from './error.ts'
import { twoDigits } from './text.ts'
import { scalarText, valueText } from '../processor-helper/index.ts'
import { Duration, Id, isList, isMap, entriesOf, fromAny, Time, toAny, type Value } from './value.ts'
import { durationText } from './time/duration.ts'
import { rfc3339 } from './time/civil.ts'

/** Of a number, what the runtime writes at most. */
const MAX_DIGITS = 100
/** As in Go. */
const MAX_WIDTH = 1_000_000
const MAX_CODE_POINT = 0x10_ff_ffn
const ID_TYPES: Readonly<Record<Id['kind'], string>> = {
  trace: 'pcommon.TraceID',
  span: 'pcommon.SpanID',
  profile: 'pprofile.ProfileID',
}

const VERB = /%([-+# 0]*)(\d+)?(?:\.(\d*))?([a-zA-Z%])/g

/** A value that is missing, or that no verb stands for, is told in the text, as Go does. Throws {@link EvaluationError} for too many digits. */
export function format(template: string, values: readonly Value[]): string {
  let next = 0
  const text = template.replace(
    VERB,
    (_, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%'
      if (next >= values.length) return `%!${verb}(MISSING)`
      const value = values[next++]
      const digits = precision === undefined ? undefined : Number(precision)
      const body = verbText(verb, value, flags, digits) ?? `%!${verb}(${typed(value)})`
      return padded(body, flags, Number(width ?? 0))
    },
  )
  const extra = values.slice(next)
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.map(typed).join(', ')})`
}

function padded(text: string, flags: string, width: number): string {
  const length = Array.from(text).length
  if (width > MAX_WIDTH) throw new EvaluationError(`a width of ${width}: at most ${MAX_WIDTH} are taken`)
  if (length >= width) return text
  if (flags.includes('-')) return text + ' '.repeat(width - length)
  if (!flags.includes('0')) return ' '.repeat(width - length) + text
  const sign = /^[-+]/.exec(text)?.[0] ?? ''
  return sign + '0'.repeat(width - length) + text.slice(sign.length)
}

function verbText(verb: string, value: Value, flags: string, digits: number | undefined): string | undefined {
  if (/[efg]/i.test(verb) && digits !== undefined && digits > MAX_DIGITS)
    throw new EvaluationError(`${digits} digits of a number: at most ${MAX_DIGITS} are written`)
  const plus = (text: string): string => (flags.includes('+') && !/^[-+]/.test(text) ? `+${text}` : text)
  switch (verb) {
    case 'v':
      return typeof value === 'bigint' || typeof value === 'number' ? plus(plain(value)) : plain(value)
    case 's':
      if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean' || value === undefined)
        return undefined
      return digits === undefined ? plain(value) : Array.from(plain(value)).slice(0, digits).join('')
    case 'q':
      return typeof value === 'string' ? JSON.stringify(value) : undefined
    case 't':
      return typeof value === 'boolean' ? String(value) : undefined
    case 'T':
      return goType(value)
    case 'd':
      return typeof value === 'bigint' ? plus(String(value)) : undefined
    case 'b':
    case 'o':
      return typeof value === 'bigint' ? plus(value.toString(verb === 'b' ? 2 : 8)) : undefined
    case 'x':
    case 'X': {
      const text =
        typeof value === 'bigint'
          ? value.toString(16)
          : typeof value === 'string'
            ? Buffer.from(value).toString('hex')
            : value instanceof Uint8Array
              ? bytesToHex(value)
              : value instanceof Id
                ? value.hex
                : undefined
      return verb === 'X' ? text?.toUpperCase() : text
    }
    case 'c':
      if (typeof value !== 'bigint') return undefined
      return value < 0n || value > MAX_CODE_POINT ? '\ufffd' : String.fromCodePoint(Number(value))
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G': {
      if (typeof value !== 'number') return undefined
      const text = plus(Number.isFinite(value) ? floatText(verb.toLowerCase(), value, digits) : double(value))
      return verb === 'E' || verb === 'G' ? text.toUpperCase() : text
    }
    default:
      return undefined
  }
}

function floatText(verb: string, value: number, digits: number | undefined): string {
  if (verb === 'f') return value.toFixed(digits ?? 6)
  if (verb === 'e') return twoDigits(value.toExponential(digits ?? 6))
  return digits === undefined ? double(value) : general(value, digits)
}

/** With an exponent below -4 and from 21 on. */
function double(value: number): string {
  const text = value.toExponential()
  const exponent = exponentIn(text)
  const isLong = Number.isFinite(value) && (exponent < -4 || exponent >= 21)
  return isLong ? twoDigits(text) : scalarText({ type: 'double', value })!
}

function general(value: number, digits: number): string {
  const precision = Math.max(1, digits)
  const long = value.toExponential(precision - 1)
  const exponent = exponentIn(long)
  const text = exponent < -4 || exponent >= precision ? long : value.toPrecision(precision)
  return twoDigits(text.replace(/\.?0+(?=e|$)/, (zeros) => (text.includes('.') ? '' : zeros)))
}

function exponentIn(text: string): number {
  return Number(text.slice(text.indexOf('e') + 1))
}

function plain(value: Value): string {
  if (value === undefined) return '<nil>'
  if (typeof value === 'number') return double(value)
  if (typeof value === 'object') {
    if (value instanceof Uint8Array) return `[${[...value].join(' ')}]`
    if (value instanceof Time) return timeText(value)
    if (value instanceof Duration) return durationText(value.nanos)
    if (value instanceof Id) return value.hex
    if (isMap(value)) {
      const entries = entriesOf(value).toSorted((a, b) => (a.key < b.key ? -1 : 1))
      return `map[${entries.map((entry) => `${entry.key}:${plain(fromAny(entry.value))}`).join(' ')}]`
    }
    if (isList(value)) return `[${value.value.map((each) => plain(fromAny(each))).join(' ')}]`
    const any = toAny(value)
    return any ? valueText(any) : ''
  }
  return String(value)
}

/** As Go shows a time: `2024-01-02 03:04:05.678 +0000 UTC`. */
function timeText(time: Time): string {
  const text = rfc3339(time).replace('T', ' ')
  return text.endsWith('Z') ? `${text.slice(0, -1)} +0000 UTC` : text.replace(/([-+]\d\d):(\d\d)$/, ' $1$2 $1$2')
}

/** As Go shows a value that its verb is not for. */
function typed(value: Value): string {
  return value === undefined ? '<nil>' : `${goType(value)}=${plain(value)}`
}

function goType(value: Value): string {
  switch (typeof value) {
    case 'undefined':
      return '<nil>'
    case 'bigint':
      return 'int64'
    case 'number':
      return 'float64'
    case 'boolean':
      return 'bool'
    case 'string':
      return 'string'
    default:
      if (value instanceof Uint8Array) return '[]uint8'
      if (value instanceof Time) return 'time.Time'
      if (value instanceof Duration) return 'time.Duration'
      if (value instanceof Id) return ID_TYPES[value.kind]
      return isMap(value) ? 'pcommon.Map' : 'pcommon.Slice'
  }
}
