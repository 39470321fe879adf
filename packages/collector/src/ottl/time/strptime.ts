/** Times as texts of a format of directives, `%Y-%m-%d`; both ways. */
import { EvaluationError } from '../error.ts'
import { Time } from '../value.ts'
import { civilOf, nanosOf, offsetText, pad, type Civil } from './civil.ts'

const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const short = (names: readonly string[]): string[] => names.map((name) => name.slice(0, 3))

/** Directives that are others. */
const COMPOUND: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  R: '%H:%M',
  r: '%I:%M:%S %p',
  T: '%H:%M:%S',
  v: '%e-%b-%Y',
  X: '%H:%M:%S',
  x: '%m/%d/%y',
}

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
  epoch: bigint | undefined
}

interface Directive {
  readonly pattern: string
  readonly read: (text: string, parts: Parts) => void
  readonly write: (civil: Civil, nanos: bigint) => string
}

function number(
  pattern: string,
  key: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second',
  write: Directive['write'],
): Directive {
  return { pattern, read: (text, parts) => void (parts[key] = Number(text.trim())), write }
}

function names(
  all: readonly string[],
  read: (index: number, parts: Parts) => void,
  of: (civil: Civil) => number,
): Directive {
  return {
    pattern: all.join('|'),
    read: (text, parts) =>
      read(
        all.findIndex((name) => name.toLowerCase() === text.toLowerCase()),
        parts,
      ),
    write: (civil) => all[of(civil)]!,
  }
}

function fraction(digits: number): Directive {
  return {
    pattern: String.raw`\d{1,9}`,
    read: (text, parts) => void (parts.nanosecond = Number(text.padEnd(9, '0'))),
    write: ({ nanosecond }) => pad(nanosecond, 9).slice(0, digits),
  }
}

function zone(separator: string, pattern: string): Directive {
  return {
    pattern,
    read(text, parts) {
      const match = /^([-+])(\d\d):?(\d\d)?/.exec(text)
      const seconds = match ? Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60 : 0
      parts.offsetSeconds = match?.[1] === '-' ? -seconds : seconds
    },
    write: ({ offsetSeconds }) => offsetText(offsetSeconds, separator),
  }
}

const hour12 = ({ hour }: Civil): number => hour % 12 || 12

function half(am: string, pm: string): Directive {
  return {
    pattern: 'AM|PM',
    read: (text, parts) => void (parts.isAfternoon = text.toLowerCase() === 'pm'),
    write: ({ hour }) => (hour < 12 ? am : pm),
  }
}

const DIRECTIVES: Readonly<Record<string, Directive>> = {
  Y: number(String.raw`\d{4}`, 'year', ({ year }) => pad(year, 4)),
  y: {
    pattern: String.raw`\d{2}`,
    read: (text, parts) => void (parts.year = Number(text) + (Number(text) < 69 ? 2000 : 1900)),
    write: ({ year }) => pad(year % 100, 2),
  },
  m: number(String.raw`\d{2}`, 'month', ({ month }) => pad(month, 2)),
  o: number(String.raw` ?\d{1,2}`, 'month', ({ month }) => String(month).padStart(2)),
  q: number(String.raw`\d{1,2}`, 'month', ({ month }) => String(month)),
  d: number(String.raw`\d{2}`, 'day', ({ day }) => pad(day, 2)),
  e: number(String.raw` ?\d{1,2}`, 'day', ({ day }) => String(day).padStart(2)),
  g: number(String.raw`\d{1,2}`, 'day', ({ day }) => String(day)),
  H: number(String.raw`\d{2}`, 'hour', ({ hour }) => pad(hour, 2)),
  I: number(String.raw`\d{2}`, 'hour', (civil) => pad(hour12(civil), 2)),
  l: number(String.raw` ?\d{1,2}`, 'hour', (civil) => String(hour12(civil))),
  M: number(String.raw`\d{2}`, 'minute', ({ minute }) => pad(minute, 2)),
  S: number(String.raw`\d{2}`, 'second', ({ second }) => pad(second, 2)),
  L: fraction(3),
  f: fraction(6),
  s: {
    pattern: String.raw`\d+`,
    read: (text, parts) => void (parts.epoch = BigInt(text)),
    write: (_, nanos) => String(nanos / 1_000_000_000n),
  },
  B: names(
    MONTHS,
    (index, parts) => (parts.month = index + 1),
    ({ month }) => month - 1,
  ),
  b: names(
    short(MONTHS),
    (index, parts) => (parts.month = index + 1),
    ({ month }) => month - 1,
  ),
  h: names(
    short(MONTHS),
    (index, parts) => (parts.month = index + 1),
    ({ month }) => month - 1,
  ),
  A: names(
    DAYS,
    () => {},
    ({ weekday }) => weekday,
  ),
  a: names(
    short(DAYS),
    () => {},
    ({ weekday }) => weekday,
  ),
  p: half('AM', 'PM'),
  P: half('am', 'pm'),
  z: zone('', String.raw`Z|[-+]\d{4}`),
  i: zone('', String.raw`Z|[-+]\d\d(?:\d\d)?`),
  j: zone(':', String.raw`Z|[-+]\d\d:\d\d`),
  Z: {
    pattern: 'UTC|GMT',
    read: (_, parts) => void (parts.offsetSeconds = 0),
    write: ({ offsetSeconds }) => (offsetSeconds === 0 ? 'UTC' : offsetText(offsetSeconds)),
  },
}

type Piece = string | Directive

/** Throws {@link EvaluationError} for a directive that is not known. */
function piecesOf(format: string): Piece[] {
  if (format === '') throw new EvaluationError('a format has one character at least')
  const pieces: Piece[] = []
  for (const [all, name] of format.matchAll(/%([^])|[^%]+|%/g)) {
    if (name === undefined) pieces.push(all)
    else if (name === '%' || name === 'n' || name === 't') pieces.push({ '%': '%', n: '\n', t: '\t' }[name])
    else if (COMPOUND[name]) pieces.push(...piecesOf(COMPOUND[name]))
    else {
      const directive = DIRECTIVES[name]
      if (!directive)
        throw new EvaluationError(
          `the directive %${name} is not supported; known: %${Object.keys(DIRECTIVES).join(', %')}`,
        )
      pieces.push(directive)
    }
  }
  return pieces
}

/** Reads texts of the format. `offsetSeconds`: where a text without a zone is. */
export function timeParser(format: string, offsetSeconds: number): (text: string) => Time {
  const pieces = piecesOf(format)
  const directives = pieces.filter((piece) => typeof piece !== 'string')
  const source = pieces.map((piece) =>
    typeof piece === 'string' ? piece.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`) : `(${piece.pattern})`,
  )
  const pattern = new RegExp(`^${source.join('')}$`, 'i')
  return (text) => {
    const failure = (): EvaluationError =>
      new EvaluationError(`${JSON.stringify(text.slice(0, 100))} is not as ${JSON.stringify(format)} has it`)
    const match = text.length > 1000 ? null : pattern.exec(text)
    if (!match) throw failure()
    const parts: Parts = {
      year: new Date().getUTCFullYear(),
      month: 1,
      day: 1,
      hour: 0,
      minute: 0,
      second: 0,
      nanosecond: 0,
      isAfternoon: undefined,
      offsetSeconds: undefined,
      epoch: undefined,
    }
    if (!directives.includes(DIRECTIVES['Y']!) && !directives.includes(DIRECTIVES['y']!) && directives.length === 0)
      parts.year = 0
    directives.forEach((directive, index) => directive.read(match[index + 1]!, parts))
    if (parts.epoch !== undefined) return new Time(parts.epoch * 1_000_000_000n)
    if (parts.isAfternoon !== undefined) parts.hour = (parts.hour % 12) + (parts.isAfternoon ? 12 : 0)
    const days = new Date(Date.UTC(2000 + (parts.year % 400), parts.month, 0)).getUTCDate()
    const isValid =
      parts.month >= 1 &&
      parts.month <= 12 &&
      parts.day >= 1 &&
      parts.day <= days &&
      parts.hour < 24 &&
      parts.minute < 60 &&
      parts.second < 60
    if (!isValid) throw failure()
    const offset = parts.offsetSeconds ?? offsetSeconds
    return new Time(nanosOf({ ...parts, offsetSeconds: offset }), offset)
  }
}

export function timeFormatter(format: string): (time: Time) => string {
  const pieces = piecesOf(format)
  return (time) => {
    const civil = civilOf(time)
    return pieces.map((piece) => (typeof piece === 'string' ? piece : piece.write(civil, time.nanos))).join('')
  }
}
