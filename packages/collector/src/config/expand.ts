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

/**
 * Undefined when the text has no reference or escape in it. `warn` hears of variables that are not set.
 * Throws an Error that says what is wrong with a reference.
 */
export function expand(text: string, env: Environment, warn: (message: string) => void): Expanded | undefined {
  if (!text.includes('$')) return undefined
  const expander = new Expander(env, warn)
  const end = text.startsWith('${') ? closingBrace(text, 0) : -1
  if (end === text.length - 1) {
    const value = expander.reference(text.slice(2, -1), 0)
    return { text: value ?? '', whole: true, unset: value === undefined }
  }
  return { text: expander.text(text, 0), whole: false, unset: false }
}

class Expander {
  readonly #env: Environment
  readonly #warn: (message: string) => void

  constructor(env: Environment, warn: (message: string) => void) {
    this.#env = env
    this.#warn = warn
  }

  text(text: string, depth: number): string {
    if (depth > MAX_DEPTH) throw new Error('too many recursive expansions')
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
      const end = text[dollar + 1] === '{' ? closingBrace(text, dollar) : -1
      if (end < 0) {
        result += '$'
        position = dollar + 1
        continue
      }
      result += this.reference(text.slice(dollar + 2, end), depth) ?? ''
      position = end + 1
    }
  }

  /** The value of what is between `${` and `}`; undefined when it is not set and has no default. */
  reference(inner: string, depth: number): string | undefined {
    const reference = inner.includes('${') ? this.text(inner, depth + 1) : inner
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
    return value.includes('${') ? this.text(value, depth + 1) : value
  }
}

/** The index of the `}` that closes the `${` at `start`, or -1. */
function closingBrace(text: string, start: number): number {
  let depth = 0
  for (let index = start; index < text.length; index++) {
    if (text.startsWith('${', index)) depth++
    else if (text[index] === '}' && --depth === 0) return index
  }
  return -1
}
