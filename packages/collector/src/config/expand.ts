/**
 * References to the environment in config values: `${env:NAME}`, `${NAME}`, `${env:NAME:-default}`; `$$` is a literal
 * `$`. A reference may be nested in another and its value may hold references again. A bare `$NAME` stays as it is.
 * Source: the OpenTelemetry Collector's confmap.
 */
export type Environment = Readonly<Record<string, string | undefined>>

export interface Expanded {
  readonly text: string
  /** The whole value was one reference, so that its text is read as YAML (`8192` is a number). */
  readonly whole: boolean
  /** The one reference names a variable that is not set and has no default: the value is null. */
  readonly unset: boolean
}

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
  readonly #env: Environment
  #warn: (message: string) => void = () => {}
  #references = 0
  #chars = 0

  constructor(env: Environment) {
    this.#env = env
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
      const value = this.#reference(text.slice(2, -1), 0)
      return { text: value ?? '', whole: true, unset: value === undefined }
    }
    return { text: this.#text(text, 0), whole: false, unset: false }
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

  /** The value of what is between `${` and `}`; undefined when it is not set and has no default. */
  #reference(inner: string, depth: number): string | undefined {
    this.#count(inner)
    const reference = inner.includes('${') ? this.#text(inner, depth + 1) : inner
    const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]+):(?!-)/.exec(reference)?.[1]
    if (scheme !== undefined && scheme !== 'env') {
      throw new Error(`\${${inner}}: scheme "${scheme}" is not supported; use \${env:NAME}`)
    }
    const body = scheme === undefined ? reference : reference.slice('env:'.length)
    const separator = body.indexOf(':-')
    const name = separator < 0 ? body : body.slice(0, separator)
    if (!NAME.test(name)) {
      throw new Error(`environment variable ${JSON.stringify(name)} has invalid name: must match regex ${NAME.source}`)
    }
    const value = this.#env[name] ?? (separator < 0 ? undefined : body.slice(separator + 2))
    if (value === undefined) {
      this.#warn(`environment variable ${name} is not set; write \${env:${name}:-default} to give it a default`)
      return undefined
    }
    this.#chars += value.length
    return value.includes('${') ? this.#text(value, depth + 1) : value
  }

  #count(inner: string): void {
    this.#chars += inner.length
    if (++this.#references > MAX_REFERENCES || this.#chars > MAX_CHARS) {
      const limits = `at most ${MAX_REFERENCES} references and ${MAX_CHARS} characters`
      throw new ExpansionLimitError(`the environment variables expand to too much (${limits} in a configuration)`)
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
