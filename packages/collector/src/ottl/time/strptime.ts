/** Times as texts of a format of directives, `%Y-%m-%d`, both ways; as the Collector's `timeutils` has them. */
import { EvaluationError } from '../error.ts'
import { Time } from '../value.ts'
import { civilOf, nanosOf, offsetText, pad, type Civil } from './civil.ts'
import { zoneOf, type Zone } from './zone.ts'

const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
const short = (names: readonly string[]): string[] => names.map((name) => name.slice(0, 3))

interface Parts {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  nanosecond: number
  isAfternoon: boolean | undefined
  offsetSeconds: number | undefined
  zone: string | undefined
}

/** Part of a format. `pattern` has one group, whose text is read; undefined where that took no part. */
interface Piece {
  readonly pattern: string
  readonly read?: (text: string, parts: Parts) => void
  readonly write: (civil: Civil) => string
}

type NumberKey = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'

function number(digits: string, key: NumberKey, write: Piece['write']): Piece {
  return { pattern: ` *(${digits})`, read: (text, parts) => void (parts[key] = Number(text)), write }
}

const two = String.raw`\d{1,2}`

function names(all: readonly string[], of: (civil: Civil) => number, key?: 'month'): Piece {
  return {
    pattern: `((?i:${all.join('|')}))`,
    read(text, parts) {
      if (key) parts[key] = all.findIndex((name) => name.toLowerCase() === text.toLowerCase()) + 1
    },
    write: (civil) => all[of(civil)]!,
  }
}

function offset(pattern: string, write: (civil: Civil) => string): Piece {
  return {
    pattern: `(${pattern})`,
    read(text, parts) {
      const [hours = 0, minutes = 0, seconds = 0] = (text.match(/\d\d/g) ?? []).map(Number)
      parts.offsetSeconds = (text.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds)
    },
    write,
  }
}

function half(am: string, pm: string): Piece {
  return {
    pattern: `(${am}|${pm})`,
    read: (text, parts) => void (parts.isAfternoon = text === pm),
    write: ({ hour }) => (hour < 12 ? am : pm),
  }
}

const hour12 = ({ hour }: Civil): number => hour % 12 || 12
const year = number(String.raw`\d{4}`, 'year', (civil) => pad(civil.year, 4))
const shortYear: Piece = {
  pattern: String.raw` *(\d{2})`,
  read: (text, parts) => void (parts.year = Number(text) + (Number(text) < 69 ? 2000 : 1900)),
  write: (civil) => pad(civil.year % 100, 2),
}
/** Of the directive that is a whole date, which may have either. */
const eitherYear: Piece = {
  ...year,
  pattern: String.raw` *(\d{4}|\d{2})`,
  read: (text, parts) => (text.length === 4 ? year : shortYear).read!(text, parts),
}
const month = number(two, 'month', (civil) => pad(civil.month, 2))
const day = number(two, 'day', (civil) => pad(civil.day, 2))

const PIECES: Readonly<Record<string, Piece>> = {
  Y: year,
  y: shortYear,
  m: month,
  // That of Go has no such thing, and writes it as it is.
  o: { ...month, write: (civil) => `_${civil.month}` },
  q: { ...month, write: (civil) => String(civil.month) },
  d: day,
  e: { ...day, write: (civil) => String(civil.day).padStart(2) },
  g: { ...day, write: (civil) => String(civil.day) },
  H: number(two, 'hour', (civil) => pad(civil.hour, 2)),
  I: number(two, 'hour', (civil) => pad(hour12(civil), 2)),
  l: number(two, 'hour', (civil) => String(hour12(civil))),
  M: number(two, 'minute', (civil) => pad(civil.minute, 2)),
  S: number(two, 'second', (civil) => pad(civil.second, 2)),
  B: names(MONTHS, (civil) => civil.month - 1, 'month'),
  b: names(short(MONTHS), (civil) => civil.month - 1, 'month'),
  h: names(short(MONTHS), (civil) => civil.month - 1, 'month'),
  A: names(DAYS, ({ weekday }) => weekday),
  a: names(short(DAYS), ({ weekday }) => weekday),
  p: half('AM', 'PM'),
  P: half('am', 'pm'),
  z: offset(String.raw`Z|[-+]\d\d(?::?\d\d)?`, ({ offsetSeconds }) =>
    offsetSeconds === 0 ? 'Z' : offsetText(offsetSeconds),
  ),
  w: offset(String.raw`[-+]\d{6}`, ({ offsetSeconds }) => `${offsetText(offsetSeconds)}00`),
  i: offset(String.raw`[-+]\d\d`, ({ offsetSeconds }) => offsetText(offsetSeconds).slice(0, 3)),
  j: offset(String.raw`[-+]\d\d:\d\d`, ({ offsetSeconds }) => offsetText(offsetSeconds, ':')),
  k: offset(String.raw`[-+]\d\d:\d\d:\d\d`, ({ offsetSeconds }) => `${offsetText(offsetSeconds, ':')}:00`),
  Z: {
    pattern: '([A-Z]{3,4})',
    read: (text, parts) => void (parts.zone = text),
    write: ({ offsetSeconds }) => (offsetSeconds === 0 ? 'UTC' : offsetText(offsetSeconds).replace(/00$/, '')),
  },
}

/** Directives that are several. */
const COMPOUND: Readonly<Record<string, string>> = {
  c: '%a %b %d %H:%M:%S %Y',
  D: '%m/%d/%Y',
  x: '%m/%d/%Y',
  F: '%Y-%m-%d',
  T: '%H:%M:%S',
  X: '%H:%M:%S',
  r: '%I:%M:%S %P',
  R: '%H:%M',
}

/** Digits of the second that are written at most, without zeros at the end. */
const FRACTIONS: Readonly<Record<string, number>> = { L: 3, f: 6, s: 9 }

function fraction(separator: string, digits: number): Piece {
  return {
    pattern: String.raw`(?:[.,](\d+))?`,
    read: (text, parts) => void (parts.nanosecond = Number(text.slice(0, 9).padEnd(9, '0'))),
    write({ nanosecond }) {
      const text = pad(nanosecond, 9).slice(0, digits).replace(/0+$/, '')
      return text === '' ? '' : separator + text
    },
  }
}

function literal(text: string): Piece {
  const pattern = text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`).replace(/ +/g, ' +')
  return { pattern, write: () => text }
}

/** Throws {@link EvaluationError} for a format that cannot be used. */
function piecesOf(format: string, date?: readonly Piece[]): Piece[] {
  if (format === '') throw new EvaluationError('a format has one character at least')
  if (/\d/.test(format)) throw new EvaluationError(`the format ${JSON.stringify(format)} has a digit in it`)
  const pieces: Piece[] = []
  for (const [all, separator, digits, name] of format.matchAll(/([.,])%([Lfs])|%([^])|[^%.,]+|[^]/g)) {
    if (digits !== undefined) pieces.push(fraction(separator!, FRACTIONS[digits]!))
    else if (name === undefined) pieces.push(literal(all))
    else if (name in FRACTIONS && pieces.length === 0) pieces.push(literal('9'.repeat(FRACTIONS[name]!)))
    else if (name in FRACTIONS)
      throw new EvaluationError(`%${name} is a part of a second; write a "." or "," before it`)
    else if (name === '%' || name === 'n' || name === 't') pieces.push(literal({ '%': '%', n: '\n', t: '\t' }[name]))
    else if (date && (name === 'D' || name === 'x')) pieces.push(...date)
    else if (COMPOUND[name]) pieces.push(...piecesOf(COMPOUND[name]))
    else {
      const piece = PIECES[name]
      const known = [...Object.keys(PIECES), ...Object.keys(COMPOUND), ...Object.keys(FRACTIONS)].join(', %')
      if (!piece) throw new EvaluationError(`unknown directive %${name}; known: %${known}`)
      pieces.push(piece)
    }
  }
  return pieces
}

/** A second may have a fraction that the format does not name. */
function forReading(format: string): Piece[] {
  const pieces = piecesOf(format, [month, literal('/'), day, literal('/'), eitherYear])
  return pieces.flatMap((piece, index) =>
    piece === PIECES['S'] && pieces[index + 1]?.pattern !== fraction('.', 9).pattern
      ? [piece, fraction('.', 9)]
      : [piece],
  )
}

/** Reads texts of the format. `location`: where a text without a zone is; undefined: at UTC. */
export function timeParser(format: string, location: string | undefined): (text: string) => Time {
  const readers = forReading(format)
  const pattern = new RegExp(`^${readers.map((piece) => piece.pattern).join('')}$`)
  const fields = readers.filter((piece) => piece.read)
  const zone = zoneOf(location ?? 'UTC')
  return (text) => {
    const match = text.length > 1000 ? null : pattern.exec(text)
    if (!match) throw new EvaluationError(mismatch(text, format))
    const parts: Parts = {
      ...ZERO,
      isAfternoon: undefined,
      offsetSeconds: undefined,
      zone: undefined,
    }
    fields.forEach((piece, index) => {
      const found = match[index + 1]
      if (found !== undefined) piece.read!(found, parts)
    })
    if (parts.isAfternoon !== undefined) {
      if (parts.hour > 12) throw new EvaluationError(mismatch(text, format))
      parts.hour = (parts.hour % 12) + (parts.isAfternoon ? 12 : 0)
    }
    if (!isValid(parts)) throw new EvaluationError(mismatch(text, format))
    return timeOf(parts, parts.zone === undefined ? zone : zoneOf(parts.zone))
  }
}

const ZERO = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanosecond: 0 }
const WEEK_NS = 7n * 86_400n * 1_000_000_000n

function timeOf(parts: Parts, zone: Zone): Time {
  const at = (year: number): Time => {
    const clock = { ...parts, year }
    const offsetSeconds = parts.offsetSeconds ?? zone(clock)
    return new Time(nanosOf({ ...clock, offsetSeconds }), offsetSeconds)
  }
  if (parts.year > 0) return at(parts.year)
  // Without a year it is of this one, and of the last where that would be in more than a week.
  const now = new Date()
  const time = at(now.getUTCFullYear())
  return time.nanos > BigInt(now.getTime()) * 1_000_000n + WEEK_NS ? at(now.getUTCFullYear() - 1) : time
}

function isValid({ year, month, day, hour, minute, second }: Parts): boolean {
  const days = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
  return month >= 1 && month <= 12 && day >= 1 && day <= days && hour < 24 && minute < 60 && second < 60
}

function mismatch(text: string, format: string): string {
  return `${JSON.stringify(text.slice(0, 100))} is not as ${JSON.stringify(format)} has it`
}

export function timeFormatter(format: string): (time: Time) => string {
  const pieces = piecesOf(format)
  return (time) => {
    const civil = civilOf(time)
    return pieces.map((piece) => piece.write(civil)).join('')
  }
}
