import { StatementError } from './error.ts'

/** `name`: letters, digits and underscores; a keyword is one, too. `sign`: all that is none of the others. */
export interface Token {
  readonly kind: 'name' | 'string' | 'int' | 'float' | 'bytes' | 'sign' | 'end'
  /** As it was written; of a string, what it stands for. */
  readonly text: string
  readonly at: number
}

const TOKEN =
  /\s+|(?<bytes>0x[a-fA-F0-9]+)|(?<float>(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?<int>\d+)|(?<string>"(?:\\[^]|[^\\"])*")|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<sign>==|!=|>=|<=|=>|[-+*/<>=(){}:,.[\]])/y

const KINDS = ['bytes', 'float', 'int', 'string', 'name', 'sign'] as const

/** More than anybody writes; the parser goes over some parts twice. */
const MAX_CHARACTERS = 100_000

/** The last of them is the end. Throws {@link StatementError}. */
export function readTokens(text: string): Token[] {
  if (text.length > MAX_CHARACTERS)
    throw new StatementError(0, `it has ${text.length} characters; at most ${MAX_CHARACTERS} are taken`)
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match) throw new StatementError(at, unreadable(text, at))
    const kind = KINDS.find((name) => match.groups![name] !== undefined)
    if (kind) tokens.push({ kind, text: kind === 'string' ? unquote(match[0], at) : match[0], at })
    at += match[0].length
  }
  tokens.push({ kind: 'end', text: '', at })
  return tokens
}

function unreadable(text: string, at: number): string {
  if (text[at] === '"') return 'a string begins here and has no end; write a quotation mark behind it'
  if (text[at] === "'") return 'a string has double quotation marks, like "GET"'
  return `unexpected ${JSON.stringify(text[at])}`
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

/** The escapes of Go. */
function unquote(quoted: string, at: number): string {
  const text = quoted.slice(1, -1)
  const line = text.indexOf('\n')
  if (line >= 0) throw new StatementError(at + 1 + line, String.raw`a string cannot have a line break in it; write \n`)
  if (!text.includes('\\')) return text
  const parts: Uint8Array[] = []
  const escape = /[^\\]+|\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/y
  while (escape.lastIndex < text.length) {
    const from = escape.lastIndex
    const match = escape.exec(text)!
    const [all, hex, octal, short, long, other] = match
    const code = short ?? long
    if (hex !== undefined) parts.push(Uint8Array.of(parseInt(hex, 16)))
    else if (octal !== undefined && parseInt(octal, 8) < 256) parts.push(Uint8Array.of(parseInt(octal, 8)))
    else if (code !== undefined && parseInt(code, 16) <= 0x10_ff_ff)
      parts.push(Buffer.from(String.fromCodePoint(parseInt(code, 16))))
    else if (all.startsWith('\\')) {
      const character = other === undefined ? undefined : ESCAPES[other]
      if (character === undefined) {
        const message = `"${all}" is no escape; write a backslash of a regular expression twice: "${String.raw`\\`}${all.slice(1)}"`
        throw new StatementError(at + 1 + from, message)
      }
      parts.push(Buffer.from(character))
    } else parts.push(Buffer.from(all))
  }
  return Buffer.concat(parts).toString()
}
