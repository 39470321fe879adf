/**
 * A look at a YAML text before it is parsed, in one pass over its tokens: what is too large or nested too deeply for any config
 * is refused at its place, in milliseconds. The parser calls itself for every level of nesting, and takes time and memory by
 * the token; a text that was made to hurt would otherwise cost a stack overflow, or seconds and gigabytes.
 */
import { Lexer } from 'yaml'

/** A file of this size is no config any more: what a ConfigMap of Kubernetes holds at most. Bytes, and characters of a text. */
export const MAX_TEXT_BYTES = 1024 * 1024
/** Levels of mappings and lists in each other. Configs have some ten. */
export const MAX_DEPTH = 64
/** Names, values, signs and line breaks; some 500 kB of a usual config. */
const MAX_TOKENS = 100_000

/** What the lexer marks with tokens that are not in the text: the start of a document, an error, a scalar that follows. */
const MARKS = new Set(['\u0002', '\u0018', '\u001F'])
const SCALAR_FOLLOWS = '\u001F'

export interface Refusal {
  readonly message: string
  /** Where in the text, in characters from its start. */
  readonly offset: number
}

/** Why the text cannot be a config, or undefined when it may be one. */
export function refusalOf(text: string): Refusal | undefined {
  if (text.length > MAX_TEXT_BYTES) return { message: TOO_LARGE, offset: MAX_TEXT_BYTES }
  const depth = new Depth()
  let offset = 0
  let tokens = 0
  let isScalar = false
  for (const token of new Lexer().lex(text)) {
    if (!isScalar && MARKS.has(token)) {
      isScalar = token === SCALAR_FOLLOWS
      continue
    }
    if (isScalar) depth.value(offset)
    else depth.token(token, offset)
    isScalar = false
    if (depth.levels > MAX_DEPTH) return { message: TOO_DEEP, offset }
    if (++tokens > MAX_TOKENS) return { message: `too long: more than ${MAX_TOKENS} tokens`, offset }
    offset += token.length
  }
  return undefined
}

export const TOO_DEEP = `nested too deeply (more than ${MAX_DEPTH} levels)`
export const TOO_LARGE = `too large: a configuration has at most ${MAX_TEXT_BYTES} bytes`

/** The line and column, both from 1, of a place in a text. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  let line = 1
  let start = 0
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++
    start = at + 1
  }
  return { line, column: offset - start + 1 }
}

/**
 * The levels at a place: the brackets that are open, and outside of brackets the columns at which something began that goes
 * on. `- - a` has two, `a:` with `b:` below and to the right of it has two.
 */
class Depth {
  #brackets = 0
  readonly #columns: number[] = []
  #lineStart = 0
  /** Nothing but signs of lists and keys so far in this line. */
  #atStart = true

  get levels(): number {
    return this.#brackets + this.#columns.length
  }

  value(offset: number): void {
    if (this.#atStart) this.#begin(offset)
    this.#atStart = false
  }

  token(token: string, offset: number): void {
    switch (token[0]) {
      case '[':
      case '{':
        this.value(offset)
        this.#brackets++
        return
      case ']':
      case '}':
        this.#brackets = Math.max(0, this.#brackets - 1)
        return
      case '-':
      case '?':
      case ':':
        // Not `---`. What follows such a sign may be nested in it on the same line.
        if (token.length === 1 && (token === ':' ? this.#atStart : true)) this.#begin(offset)
        if (token !== ':') this.#atStart = true
        return
      case '\n':
      case '\r':
        this.#lineStart = offset + token.length
        this.#atStart = true
        return
      case ' ':
      case '\t':
      case '#':
        return
      default:
        this.value(offset)
    }
  }

  #begin(offset: number): void {
    if (this.#brackets > 0) return
    const column = offset - this.#lineStart
    while ((this.#columns.at(-1) ?? -1) >= column) this.#columns.pop()
    this.#columns.push(column)
  }
}
