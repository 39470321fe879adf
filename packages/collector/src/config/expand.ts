/**
 * References in config values: to the environment as `${env:NAME}`, `${NAME}`, `${env:NAME:-default}`, to files as `${file:NAME}`, to
 * YAML on the spot as `${yaml:TEXT}`; `$$` is a literal `$`. A reference may be nested in another and its value may hold references
 * again. A bare `$NAME` stays as it is. Source: the OpenTelemetry Collector's confmap.
 */
import { parse } from 'yaml'
import { refusalOf } from './guard.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What references are expanded from. */
export interface References {
  readonly env: Environment
  /** The text of a file. Throws an Error that says why it cannot be read. */
  readonly readFile: (file: string) => string
}

export type Expanded =
  | { readonly type: 'text'; readonly text: string }
  /** The whole value was one reference to the environment: its text is read as YAML (`8192` is a number). */
  | { readonly type: 'value'; readonly text: string }
  /** The whole value was one reference to a variable that is not set and has no default: the value is null. */
  | { readonly type: 'unset' }
  /** The whole value was one reference to a text that is read as YAML, and may have references of its own. */
  | { readonly type: 'document'; readonly uri: string; readonly text: string }

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/
const MAX_DEPTH = 100
/** References, and characters that come of them, in a whole configuration: variables that name each other grow without end. */
const MAX_REFERENCES = 10_000
const MAX_CHARS = 1024 * 1024

/** Expanding has come to a limit; nothing more should be expanded. */
export class ExpansionLimitError extends Error {
  override readonly name = 'ExpansionLimitError'
}

/** Expands the values of one configuration, which share its limits. `warn` hears of variables that are not set. */
export class Expander {
  readonly #from: References
  #warn: (message: string) => void = () => {}
  #references = 0
  #chars = 0

  constructor(from: References) {
    this.#from = from
  }

  /**
   * Undefined when the text has no reference or escape in it. Throws an Error that says what is wrong with a reference, an
   * {@link ExpansionLimitError} at a limit.
   */
  expand(text: string, warn: (message: string) => void): Expanded | undefined {
    if (!text.includes('$')) return undefined
    this.#warn = warn
    const end = text.startsWith('${') ? closingBraces(text).get(0) : undefined
    if (end === text.length - 1) {
      const { scheme, body } = this.#open(text.slice(2, -1), 0)
      if (scheme !== 'env') return { type: 'document', uri: `${scheme}:${body}`, text: this.#retrieve(scheme, body) }
      const value = this.#variable(body, 0)
      return value === undefined ? { type: 'unset' } : { type: 'value', text: value }
    }
    return { type: 'text', text: this.#text(text, 0) }
  }

  #text(text: string, depth: number): string {
    if (depth > MAX_DEPTH) throw new Error('too many recursive expansions')
    const closing = closingBraces(text)
    let result = ''
    let position = 0
    for (;;) {
      const dollar = text.indexOf('$', position)
      if (dollar < 0) return result + text.slice(position)
      result += text.slice(position, dollar)
      if (text[dollar + 1] === '$') {
        result += '$'
        position = dollar + 2
        continue
      }
      const end = closing.get(dollar)
      if (end === undefined) {
        result += '$'
        position = dollar + 1
        continue
      }
      result += this.#reference(text.slice(dollar + 2, end), depth) ?? ''
      position = end + 1
    }
  }

  /** The text of what is between `${` and `}`; undefined when it is not set and has no default. */
  #reference(inner: string, depth: number): string | undefined {
    const { scheme, body } = this.#open(inner, depth)
    return scheme === 'env' ? this.#variable(body, depth) : scalarOf(`${scheme}:${body}`, this.#retrieve(scheme, body))
  }

  #open(inner: string, depth: number): { scheme: Scheme; body: string } {
    this.#count(inner)
    const reference = inner.includes('${') ? this.#text(inner, depth + 1) : inner
    const scheme = SCHEME.exec(reference)?.[1]
    if (scheme === undefined) return { scheme: 'env', body: reference }
    if (!isScheme(scheme)) throw new Error(`\${${inner}}: ${unsupported(scheme)}`)
    return { scheme, body: reference.slice(scheme.length + 1) }
  }

  #variable(body: string, depth: number): string | undefined {
    const separator = body.indexOf(':-')
    const name = separator < 0 ? body : body.slice(0, separator)
    const value = readVariable(this.#from.env, name) ?? (separator < 0 ? undefined : body.slice(separator + 2))
    if (value === undefined) {
      this.#warn(`environment variable ${name} is not set; write \${env:${name}:-default} to give it a default`)
      return undefined
    }
    this.#chars += value.length
    return value.includes('${') ? this.#text(value, depth + 1) : value
  }

  #retrieve(scheme: 'file' | 'yaml', body: string): string {
    const text = scheme === 'yaml' ? body : this.#from.readFile(body)
    this.#chars += text.length
    return text
  }

  #count(inner: string): void {
    this.#chars += inner.length
    if (++this.#references > MAX_REFERENCES || this.#chars > MAX_CHARS) {
      const limits = `at most ${MAX_REFERENCES} references and ${MAX_CHARS} characters`
      throw new ExpansionLimitError(`the references expand to too much (${limits} in a configuration)`)
    }
  }
}

/** For each `${` that is closed: where it begins, and where the `}` is that closes it. */
function closingBraces(text: string): ReadonlyMap<number, number> {
  const closing = new Map<number, number>()
  const open: number[] = []
  for (let index = text.indexOf('${'); index >= 0 && index < text.length; index++) {
    if (text[index] === '$' && text[index + 1] === '{') open.push(index)
    else if (text[index] === '}') {
      const start = open.pop()
      if (start !== undefined) closing.set(start, index)
    }
  }
  return closing
}

const SCHEMES = ['env', 'file', 'yaml'] as const
export type Scheme = (typeof SCHEMES)[number]
/** What may come before the first colon: at least two characters, as `C:` is a drive. Not that of `:-`. */
export const SCHEME = /^([a-zA-Z][a-zA-Z0-9+.-]+):(?!-)/

export function isScheme(scheme: string): scheme is Scheme {
  return SCHEMES.some((known) => known === scheme)
}

export function unsupported(scheme: string): string {
  return `scheme "${scheme}" is not supported; use env:NAME, file:NAME or yaml:TEXT`
}

/** Throws an Error for a name that no variable can have. */
export function readVariable(env: Environment, name: string): string | undefined {
  if (!NAME.test(name)) {
    throw new Error(`environment variable ${JSON.stringify(name)} has invalid name: must match regex ${NAME.source}`)
  }
  return env[name]
}

/** A text that stands in a text is one value: a secret in a file of its own, whose last line break is not part of it. */
function scalarOf(uri: string, text: string): string {
  const trimmed = text.replace(/[\r\n]+$/, '')
  const refusal = refusalOf(trimmed)
  if (refusal) throw new Error(`${uri} is ${refusal.message}`)
  let value: unknown
  try {
    value = parse(trimmed)
  } catch {
    return trimmed
  }
  if (typeof value === 'object' && value !== null)
    throw new Error(`${uri} is not one value, which it must be in a text`)
  return trimmed
}
