/**
 * Statements and conditions as their grammar has them:
 *
 *     statement  = call [ "where" condition ]
 *     condition  = term { "or" term }            term   = test { "and" test }
 *     test       = [ "not" ] ( comparison | boolean | call | "(" condition ")" )
 *     comparison = value operator value
 *     value      = literal | list | map | lambda | sum
 *     lambda     = "(" [ name { "," name } ] ")" "=>" ( value | condition )
 *     sum        = product { ("+" | "-") product }
 *     product    = factor { ("*" | "/") factor } factor = [ "+" | "-" ] ( number | path | call | "(" sum ")" )
 *     path       = name { key } { "." name { key } }      key = "[" ( string | sum ) "]"
 *
 * Source: the language's description in opentelemetry-collector-contrib, `pkg/ottl/LANGUAGE.md`.
 */
import { StatementError } from './error.ts'
import { readTokens, type Token } from './lexer.ts'
import type {
  Arithmetic,
  ArgumentSyntax,
  CallSyntax,
  Comparison,
  ConditionSyntax,
  FieldSyntax,
  KeySyntax,
  LambdaSyntax,
  PathSyntax,
  StatementSyntax,
  ValueSyntax,
} from './syntax.ts'

const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>=']
const OPERATORS: readonly string[] = ['not', 'or', 'and']
const KEYWORDS: readonly string[] = ['nil', 'not', 'or', 'and', 'true', 'false', 'where']
/** Parentheses, lists, maps and calls in each other. */
const MAX_DEPTH = 100
/** Lambda expressions in each other: a condition in one may be read twice, and so what is in it four times. */
const MAX_LAMBDAS = 10

/** Throws {@link StatementError}. */
export function parseStatement(text: string): StatementSyntax {
  return new Parser(text).statement()
}

/** Throws {@link StatementError}. */
export function parseCondition(text: string): ConditionSyntax {
  return new Parser(text).wholeCondition()
}

const isPathName = (name: string): boolean => /^[a-z][a-z0-9_]*$/.test(name) && !KEYWORDS.includes(name)
const isEnumName = (name: string): boolean => /^[A-Z][A-Z0-9_]*$/.test(name)

class Parser {
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0
  #lambdas = 0

  constructor(text: string) {
    this.#tokens = readTokens(text)
  }

  statement(): StatementSyntax {
    const first = this.#token
    if (first.kind !== 'name' || !this.#isCall()) this.#fail('a function that changes something, like set(…)')
    if (/^[A-Z]/.test(first.text)) {
      const message = `"${first.text}" gives a value and changes nothing; a statement begins with an editor, whose name is in lower case, like set(…)`
      throw new StatementError(first.at, message)
    }
    const editor = this.#call()
    if (editor.keys.length > 0)
      throw new StatementError(editor.keys[0]!.at, `${editor.name}(…) gives nothing that can be indexed`)
    const where = this.#takeName('where') ? this.#condition() : undefined
    if (this.#token.kind !== 'end') this.#fail(where ? '"and", "or", or the end' : '"where", or the end')
    return { editor, where }
  }

  wholeCondition(): ConditionSyntax {
    const condition = this.#condition()
    if (this.#token.kind !== 'end') this.#fail('"and", "or", or the end')
    return condition
  }

  get #token(): Token {
    return this.#tokens[this.#next]!
  }

  #fail(wanted: string): never {
    const { kind, text, at } = this.#token
    const found = kind === 'end' ? 'it ends here' : kind === 'string' ? 'there is a string' : `there is "${text}"`
    throw new StatementError(at, `expected ${wanted}; ${found}`)
  }

  #isSign(text: string, ahead = 0): boolean {
    const token = this.#tokens[this.#next + ahead]
    return token?.kind === 'sign' && token.text === text
  }

  #takeSign(text: string): boolean {
    const found = this.#isSign(text)
    if (found) this.#next++
    return found
  }

  #expectSign(text: string, wanted = `"${text}"`): void {
    if (!this.#takeSign(text)) this.#fail(wanted)
  }

  #takeName(name: string): boolean {
    const { kind, text } = this.#token
    if (kind !== 'name' || text !== name) return false
    this.#next++
    return true
  }

  #isCall(): boolean {
    const { kind, text } = this.#token
    return kind === 'name' && !KEYWORDS.includes(text) && this.#isSign('(', 1)
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH)
      throw new StatementError(this.#token.at, `more than ${MAX_DEPTH} levels in each other`)
    const result = read()
    this.#depth--
    return result
  }

  #condition(): ConditionSyntax {
    return this.#joined('or', () => this.#joined('and', () => this.#test()))
  }

  #joined(kind: 'or' | 'and', read: () => ConditionSyntax): ConditionSyntax {
    const parts = [read()]
    while (this.#takeName(kind)) parts.push(read())
    return parts.length === 1 ? parts[0]! : { kind, parts }
  }

  #test(): ConditionSyntax {
    if (this.#takeName('not')) return { kind: 'not', condition: this.#plainTest() }
    return this.#plainTest()
  }

  #plainTest(): ConditionSyntax {
    // A parenthesis begins a sum that is compared, or a condition: only what follows tells.
    const from = this.#next
    const depth = this.#depth
    const lambdas = this.#lambdas
    let notComparison: StatementError
    try {
      return this.#comparison()
    } catch (error) {
      if (!(error instanceof StatementError)) throw error
      notComparison = error
    }
    this.#next = from
    this.#depth = depth
    this.#lambdas = lambdas
    for (const value of [true, false]) if (this.#takeName(String(value))) return { kind: 'constant', value }
    if (this.#isCall() && /^[A-Z]/.test(this.#token.text)) {
      try {
        const call = this.#call()
        if (!this.#isOperator()) return { kind: 'test', call }
      } catch (error) {
        if (!(error instanceof StatementError)) throw error
      }
      throw notComparison
    }
    if (!this.#takeSign('(')) throw notComparison
    try {
      const condition = this.#nested(() => this.#condition())
      this.#expectSign(')', '"and", "or" or ")"')
      return condition
    } catch (error) {
      throw error instanceof StatementError && error.at < notComparison.at ? notComparison : error
    }
  }

  #isOperator(): boolean {
    const { kind, text } = this.#token
    return kind === 'sign' && (COMPARISONS.includes(text) || '+-*/'.includes(text))
  }

  #comparison(): ConditionSyntax {
    const left = this.#value()
    const { kind, text } = this.#token
    if (kind !== 'sign' || !COMPARISONS.includes(text)) this.#fail('a comparison, like == or !=')
    this.#next++
    return { kind: 'comparison', left, operator: text as Comparison, right: this.#value() }
  }

  #value(): ValueSyntax {
    return this.#nested(() => this.#anyValue())
  }

  #anyValue(): ValueSyntax {
    const { kind, text, at } = this.#token
    if (kind === 'string') {
      this.#next++
      return { kind: 'literal', at, value: text }
    }
    if (kind === 'bytes') {
      if (text.length % 2 !== 0)
        throw new StatementError(at, `${text} has an odd number of digits; bytes have two each`)
      this.#next++
      return { kind: 'literal', at, value: Uint8Array.from(Buffer.from(text.slice(2), 'hex')) }
    }
    if (this.#takeName('nil')) return { kind: 'literal', at, value: undefined }
    for (const value of [true, false]) if (this.#takeName(String(value))) return { kind: 'literal', at, value }
    if (this.#takeSign('[')) return { kind: 'list', at, values: this.#sequence(']', () => this.#value()) }
    if (this.#takeSign('{')) return this.#map(at)
    if (kind === 'name' && !this.#isCall()) {
      if (isEnumName(text)) {
        this.#next++
        return { kind: 'enum', at, name: text }
      }
      if (/^[A-Z]/.test(text)) {
        this.#next++
        return { kind: 'function', at, name: text }
      }
    }
    return this.#isLambda() ? this.#lambda() : this.#sum()
  }

  #map(at: number): ValueSyntax {
    const entries: [string, ValueSyntax][] = []
    while (!this.#takeSign('}')) {
      const { kind, text } = this.#token
      if (kind !== 'string') this.#fail('a key in quotation marks, or "}"')
      this.#next++
      this.#expectSign(':')
      entries.push([text, this.#value()])
      this.#takeSign(',')
    }
    return { kind: 'map', at, entries }
  }

  #sequence<T>(end: string, read: () => T): T[] {
    const values: T[] = []
    if (this.#takeSign(end)) return values
    do values.push(read())
    while (this.#takeSign(','))
    this.#expectSign(end, `"," or "${end}"`)
    return values
  }

  #isLambda(): boolean {
    if (!this.#isSign('(')) return false
    let ahead = 1
    while (this.#tokens[this.#next + ahead]!.kind === 'name' || this.#isSign(',', ahead)) ahead++
    return this.#isSign(')', ahead) && this.#isSign('=>', ahead + 1)
  }

  #lambda(): LambdaSyntax {
    const { at } = this.#token
    if (++this.#lambdas > MAX_LAMBDAS)
      throw new StatementError(at, `more than ${MAX_LAMBDAS} lambda expressions in each other`)
    this.#next++
    const parameters: string[] = []
    this.#sequence(')', () => parameters.push(this.#lambdaParameter(parameters)))
    this.#expectSign('=>')
    if (this.#isLambda())
      throw new StatementError(this.#token.at, 'a lambda expression gives a value, and no other lambda expression')
    const body: LambdaSyntax['body'] = this.#isConditionAhead()
      ? { kind: 'condition', condition: this.#nested(() => this.#condition()) }
      : { kind: 'value', value: this.#value() }
    this.#lambdas--
    return { kind: 'lambda', at, parameters, body }
  }

  #lambdaParameter(before: readonly string[]): string {
    const { kind, text, at } = this.#token
    if (kind !== 'name' || (text !== '_' && !isPathName(text)))
      this.#fail('the name of a parameter, in lower case, or _')
    if (text !== '_' && before.includes(text)) throw new StatementError(at, `two parameters are called "${text}"`)
    this.#next++
    return text
  }

  /** Whether there is a comparison, `and`, `or` or `not` before the argument ends, in no parentheses but those that group. */
  #isConditionAhead(): boolean {
    /** Of each that is open, whether it groups. */
    const open: boolean[] = []
    for (let ahead = 0; ; ahead++) {
      const { kind, text } = this.#tokens[this.#next + ahead]!
      if (kind === 'end') return false
      const isSign = kind === 'sign'
      const isOperator = isSign ? COMPARISONS.includes(text) : kind === 'name' && OPERATORS.includes(text)
      if (isOperator && open.every(Boolean)) return true
      if (isSign && '([{'.includes(text)) {
        const before = this.#tokens[this.#next + ahead - 1]!
        open.push(text === '(' && (before.kind === 'sign' || KEYWORDS.includes(before.text)))
      }
      if (isSign && ')]}'.includes(text) && open.pop() === undefined) return false
      if (isSign && text === ',' && open.length === 0) return false
    }
  }

  #sum(): ValueSyntax {
    return this.#operation(['+', '-'], () => this.#operation(['*', '/'], () => this.#factor()))
  }

  #operation(operators: readonly string[], read: () => ValueSyntax): ValueSyntax {
    let left = read()
    for (;;) {
      const { kind, text, at } = this.#token
      if (kind !== 'sign' || !operators.includes(text)) return left
      this.#next++
      left = { kind: 'arithmetic', at, operator: text as Arithmetic, left, right: read() }
    }
  }

  #factor(): ValueSyntax {
    const { at } = this.#token
    if (this.#takeSign('-')) return negated(at, this.#operand())
    this.#takeSign('+')
    return this.#operand()
  }

  #operand(): ValueSyntax {
    const { kind, text, at } = this.#token
    if (kind === 'int' || kind === 'float') {
      this.#next++
      if (kind === 'float') return { kind: 'number', at, value: Number(text) }
      const value = BigInt(text)
      if (value >= 2n ** 63n) throw new StatementError(at, `${text} is more than an int can be, which has 64 bits`)
      return { kind: 'number', at, value }
    }
    if (this.#takeSign('(')) {
      const value = this.#nested(() => this.#sum())
      this.#expectSign(')')
      return value
    }
    if (this.#isCall()) {
      if (/^[a-z]/.test(text)) {
        const message = `"${text}" changes something and gives no value; what gives one is a converter, whose name begins with a capital, like Concat(…)`
        throw new StatementError(at, message)
      }
      return this.#call()
    }
    if (kind === 'name' && isPathName(text)) return this.#path()
    return this.#fail('a value')
  }

  #call(): CallSyntax {
    const { text: name, at } = this.#token
    this.#next += 2
    const list = this.#nested(() => this.#sequence(')', () => this.#argument()))
    return { kind: 'call', at, name, arguments: list, keys: this.#keys() }
  }

  #argument(): ArgumentSyntax {
    const { kind, text, at } = this.#token
    const isNamed = kind === 'name' && this.#isSign('=', 1)
    if (isNamed) this.#next += 2
    return { at, name: isNamed ? text : undefined, value: this.#value() }
  }

  #path(): PathSyntax {
    const { at } = this.#token
    const fields: FieldSyntax[] = []
    do {
      const { kind, text, at: fieldAt } = this.#token
      if (kind !== 'name' || !isPathName(text)) this.#fail('a name of a path, in lower case')
      this.#next++
      fields.push({ at: fieldAt, name: text, keys: this.#keys() })
    } while (this.#takeSign('.'))
    return { kind: 'path', at, fields }
  }

  #keys(): KeySyntax[] {
    const keys: KeySyntax[] = []
    while (this.#isSign('[')) {
      this.#next++
      const { kind, text, at } = this.#token
      if (kind === 'string') this.#next++
      const value: ValueSyntax = kind === 'string' ? { kind: 'literal', at, value: text } : this.#sum()
      keys.push({ at, value })
      this.#expectSign(']')
    }
    return keys
  }
}

/** A sign before a number belongs to it. */
function negated(at: number, value: ValueSyntax): ValueSyntax {
  return value.kind === 'number' ? { ...value, at, value: -value.value } : { kind: 'negation', at, value }
}
