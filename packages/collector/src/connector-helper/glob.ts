/**
 * Patterns for names whose parts have points between them: `*` is any text without a point, `**` any text, `?` a character that is no point,
 * `[abc]`, `[a-z]` and `[!a-z]` one of these characters, `{a,b}` one of these patterns, and a character behind `\` itself.
 */
import { compileRegex, quoteRegex } from '../processor-helper/index.ts'

/** Text, `**`, and text. */
const AROUND = /^([^*?[\]{}\\]+)\*\*([^*?[\]{}\\]+)$/

/** Whether a name matches. Throws an Error that says what is wrong with the pattern. */
export function compileGlob(pattern: string): (name: string) => boolean {
  const [, before, behind] = AROUND.exec(pattern) ?? []
  // `db.**.name` takes `db.name`, too, as in the Collector: with no part between, one point is both.
  if (before !== undefined && behind !== undefined) return (name) => name.startsWith(before) && name.endsWith(behind)
  const regex = compileRegex(`^(?s:${new Parser(pattern).parse()})$`)
  return (name) => regex.test(name)
}

class Parser {
  readonly #text: string[]
  #at = 0

  constructor(pattern: string) {
    this.#text = Array.from(pattern)
  }

  parse(): string {
    const source = this.#sequence(0)
    if (this.#at < this.#text.length) throw new Error(`"${this.#text[this.#at]}" without a "{" before it`)
    return source
  }

  #sequence(depth: number): string {
    let source = ''
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at]!
      if (depth > 0 && (character === ',' || character === '}')) return source
      if (character === '}') return source
      this.#at++
      source += this.#term(character, depth)
    }
    return source
  }

  #term(character: string, depth: number): string {
    switch (character) {
      case '*':
        if (this.#text[this.#at] !== '*') return '[^.]*'
        this.#at++
        return '.*'
      case '?':
        return '[^.]'
      case '[':
        return this.#class()
      case '{':
        return this.#alternatives(depth + 1)
      case '\\':
        return quoteRegex(this.#next('a character behind "\\"'))
      default:
        return quoteRegex(character)
    }
  }

  #alternatives(depth: number): string {
    const all: string[] = []
    for (;;) {
      all.push(this.#sequence(depth))
      if (this.#next('"}"') === '}') return `(?:${all.join('|')})`
    }
  }

  #class(): string {
    const isNot = this.#text[this.#at] === '!'
    if (isNot) this.#at++
    let source = ''
    for (;;) {
      let character = this.#next('"]"')
      if (character === ']') {
        if (source === '') throw new Error('"[" without characters')
        return `[${isNot ? '^' : ''}${source}]`
      }
      if (character === '\\') character = this.#next('a character behind "\\"')
      else if (character === '-' && source !== '' && this.#text[this.#at] !== ']') {
        source += '-'
        continue
      }
      source += /[\\\]^[-]/.test(character) ? `\\${character}` : character
    }
  }

  #next(wanted: string): string {
    const character = this.#text[this.#at++]
    if (character === undefined) throw new Error(`${wanted} expected at the end`)
    return character
  }
}
