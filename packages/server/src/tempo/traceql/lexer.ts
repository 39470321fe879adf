import type { Scope } from './ast.ts'
import { TraceqlError } from './error.ts'

/** What begins at `at` and ends before `end`. */
interface Place {
  readonly at: number
  readonly end: number
}

export type Token = Place &
  (
    | { readonly type: 'sign'; readonly text: Sign }
    | { readonly type: 'word'; readonly text: string }
    | { readonly type: 'string'; readonly value: string }
    /** `unit`: whether it is a duration, in nanoseconds. */
    | { readonly type: 'number'; readonly value: number | bigint; readonly unit: boolean }
    | { readonly type: 'attribute'; readonly scope: Scope; readonly parent: boolean; readonly name: string }
    /** `span:name` and the like. */
    | { readonly type: 'scoped'; readonly scope: string; readonly name: string }
    | { readonly type: 'end' }
  )

/** The longer ones first. */
const SIGNS = [
  ...(['!>>', '!<<', '&>>', '&<<'] as const),
  ...(['!=', '!~', '!>', '!<', '&&', '&~', '&>', '&<', '=~', '||', '>=', '<=', '>>', '<<'] as const),
  ...(['{', '}', '(', ')', ',', '=', '>', '<', '~', '!', '|', '+', '-', '*', '/', '%', '^'] as const),
] as const
export type Sign = (typeof SIGNS)[number]
const SIGNS_OF = Map.groupBy(SIGNS, (sign) => sign.charAt(0))

const SCOPES: readonly string[] = ['span', 'resource', 'event', 'link', 'instrumentation', 'parent']
const WORD = /[A-Za-z_]\w*/y
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86_400e9,
  w: 7 * 86_400e9,
  y: 365 * 86_400e9,
}
const DURATION = /(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w|y))+/y
const PARTS = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w|y)/g
/** What ends the name of an attribute. */
const ENDS_NAME = /[\s{}()=~!<>&|^,]/
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}
const CODE = /x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}/y
const MAX_INT = 2n ** 63n - 1n

/** Cuts a text into tokens, in one pass. The last one is `end`. @throws TraceqlError */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const fail = (reason: string, position: number): TraceqlError => new TraceqlError(text, reason, position)

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }

  function quoted(start: number): string {
    let value = ''
    for (at++; at < text.length; at++) {
      const character = text[at]!
      if (character === '"') {
        at++
        return value
      }
      if (character === '\n') break
      value += character === '\\' ? escaped() : character
    }
    throw fail('the text in quotes is not closed: a " is missing', start)
  }

  /** Leaves `at` at the last character of the escape. */
  function escaped(): string {
    const start = at
    at++
    const known = ESCAPES[text[at] ?? '']
    if (known !== undefined) return known
    const code = take(CODE)
    if (code === undefined)
      throw fail(`"${text.slice(start, start + 2)}" is no escape; a backslash is written twice`, start)
    at--
    const point = /^[0-7]/.test(code) ? parseInt(code, 8) : parseInt(code.slice(1), 16)
    if (point > 0x10ffff) throw fail(`"\\${code}" is no character`, start)
    return String.fromCodePoint(point)
  }

  /** A name may have parts in quotes, where a backslash stands before a quote or another. */
  function attributeName(start: number): string {
    let name = ''
    while (at < text.length && !ENDS_NAME.test(text[at]!)) {
      if (text[at] !== '"') {
        name += text[at++]
        continue
      }
      const open = at++
      while (text[at] !== '"') {
        if (at >= text.length) throw fail('the name in quotes is not closed: a " is missing', open)
        if (text[at] === '\\' && text[++at] !== '"' && text[at] !== '\\')
          throw fail(String.raw`in the name of an attribute only \" and \\ are escapes`, at - 1)
        name += text[at++]
      }
      at++
    }
    if (name === '') throw fail(`the name of an attribute is missing after "${text.slice(start, at)}"`, at)
    return name
  }

  function attribute(start: number, word: string): void {
    at++
    let scope = word
    const parent = word === 'parent'
    if (parent) scope = ['span', 'resource'].find((each) => text.startsWith(`${each}.`, at)) ?? ''
    if (parent && scope !== '') at += scope.length + 1
    const name = attributeName(start)
    tokens.push({ type: 'attribute', scope: (scope || 'none') as Scope, parent, name, at: start, end: at })
  }

  function number(start: number): void {
    const duration = take(DURATION)
    const plain = duration ?? take(NUMBER)!
    if (/[\w.]/.test(text[at] ?? '')) {
      while (/[\w.]/.test(text[at] ?? '')) at++
      throw fail(`"${text.slice(start, at)}" is neither a number nor a duration, as 200ms or 1.5s`, start)
    }
    const value = duration === undefined ? numberOf(plain, start) : durationOf(plain)
    tokens.push({ type: 'number', value, unit: duration !== undefined, at: start, end: at })
  }

  function numberOf(digits: string, start: number): number | bigint {
    const value = Number(digits)
    if (!/^\d+$/.test(digits) || Number.isSafeInteger(value)) return value
    const whole = BigInt(digits)
    if (whole > MAX_INT) throw fail(`${digits} is more than 64 bits hold`, start)
    return whole
  }

  while (at < text.length) {
    const start = at
    const character = text[at]!
    if (/\s/.test(character)) {
      at++
      continue
    }
    if (character === '"') {
      tokens.push({ type: 'string', value: quoted(start), at: start, end: at })
      continue
    }
    if (character === '`') {
      const end = text.indexOf('`', at + 1)
      if (end < 0) throw fail('the text in quotes is not closed: a ` is missing', start)
      at = end + 1
      tokens.push({ type: 'string', value: text.slice(start + 1, end), at: start, end: at })
      continue
    }
    if (/\d/.test(character) || (character === '.' && /\d/.test(text[at + 1] ?? ''))) {
      number(start)
      continue
    }
    if (character === '.') {
      attribute(start, '')
      continue
    }
    const word = take(WORD)
    if (word !== undefined) {
      if (text[at] === '.' && SCOPES.includes(word)) attribute(start, word)
      else if (text[at] === ':') {
        at++
        const name = take(WORD) ?? ''
        tokens.push({ type: 'scoped', scope: word, name, at: start, end: at })
      } else tokens.push({ type: 'word', text: word, at: start, end: at })
      continue
    }
    const sign = SIGNS_OF.get(character)?.find((each) => text.startsWith(each, at))
    if (sign === undefined) throw fail(`"${String.fromCodePoint(text.codePointAt(at)!)}" has no meaning here`, start)
    at += sign.length
    tokens.push({ type: 'sign', text: sign, at: start, end: at })
  }
  tokens.push({ type: 'end', at: text.length, end: text.length })
  return tokens
}

/** Nanoseconds. */
function durationOf(text: string): number {
  let total = 0
  for (const [, count, unit] of text.matchAll(PARTS)) total += Number(count) * UNITS[unit!]!
  return Math.round(total)
}
