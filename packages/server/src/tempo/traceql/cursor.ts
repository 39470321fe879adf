import type { Target } from './ast.ts'
import { TraceqlError } from './error.ts'
import type { Sign, Token } from './lexer.ts'
import { INTRINSIC_OF, SCOPED } from './intrinsics.ts'

/** Nested parentheses and signs. */
const MAX_DEPTH = 64

/** Tokens, one after the other. */
export class Cursor {
  readonly text: string
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(text: string, tokens: readonly Token[]) {
    this.text = text
    this.#tokens = tokens
  }

  get token(): Token {
    return this.#tokens[this.#next]!
  }

  get at(): number {
    return this.token.at
  }

  /** Where what was taken last ends. */
  get end(): number {
    return this.#tokens[this.#next - 1]?.end ?? 0
  }

  take(): Token {
    const { token } = this
    if (token.type !== 'end') this.#next++
    return token
  }

  sign(): Sign | undefined {
    return this.token.type === 'sign' ? this.token.text : undefined
  }

  isWord(word: string): boolean {
    return this.token.type === 'word' && this.token.text === word
  }

  takeSign(sign: Sign): boolean {
    if (this.sign() !== sign) return false
    this.#next++
    return true
  }

  /** `open`: where the bracket is that this one closes. */
  close(sign: ')' | '}', open: number): void {
    if (this.takeSign(sign)) return
    if (this.token.type === 'end')
      throw this.fail(`this "${sign === ')' ? '(' : '{'}" is not closed: a "${sign}" is missing`, open)
    throw this.unexpected(`"${sign}"`)
  }

  expect(sign: Sign): void {
    if (!this.takeSign(sign)) throw this.unexpected(`"${sign}"`)
  }

  fail(reason: string, at = this.at): TraceqlError {
    return new TraceqlError(this.text, reason, at)
  }

  /** `possible`: what may stand here. */
  unexpected(possible: string): TraceqlError {
    const { token } = this
    const met =
      token.type === 'end'
        ? 'the query ends'
        : `"${this.text.slice(token.at, Math.min(token.end, token.at + 40))}" stands`
    return this.fail(`${met} where ${possible} should be`)
  }

  /** Everything that goes deeper. */
  deeper<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.fail(`nested deeper than ${MAX_DEPTH} levels`)
    const result = read()
    this.#depth--
    return result
  }

  /** An attribute or a field of the span, its trace, an event or a link, when there is one. */
  target(): Target | undefined {
    const { token } = this
    const { at } = token
    if (token.type === 'attribute') {
      this.#next++
      const { scope, parent, name } = token
      return { op: 'attribute', scope, parent, name, at }
    }
    if (token.type === 'scoped') {
      const name = SCOPED.get(`${token.scope}:${token.name}`)
      if (!name) {
        const known = [...SCOPED.keys()].filter((key) => key.startsWith(`${token.scope}:`))
        const possible =
          known.length > 0 ? known : [...new Set([...SCOPED.keys()].map((key) => `${key.split(':')[0]}:`))]
        throw this.fail(`there is no "${token.scope}:${token.name}"; there is ${possible.join(', ')}`)
      }
      this.#next++
      return { op: 'intrinsic', name, at }
    }
    const intrinsic = token.type === 'word' ? INTRINSIC_OF.get(token.text) : undefined
    if (!intrinsic) return undefined
    this.#next++
    return { op: 'intrinsic', name: intrinsic, at }
  }
}
