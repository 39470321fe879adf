import type { Filter, Relation, SpanSet } from '@spoor/storage'
import { QueryError } from './error.ts'
import type { Operator, Word } from './lexer.ts'
import { parseConditions } from './parse.ts'
import { durationOf, numberIn, targetOf } from './term.ts'
import { COMPARISONS, type Comparison } from './trace-term.ts'

/** A query longer than this is refused. Characters. */
const MAX_QUERY_LENGTH = 8192
const MAX_DEPTH = 32

/** What stands between two sets: the spans of the right one that are it of one of the left. */
export const RELATIONS: ReadonlyMap<string, { readonly relation: Relation; readonly not: boolean }> = new Map([
  ['!>>', { relation: 'descendant', not: true }],
  ['!<<', { relation: 'ancestor', not: true }],
  ['!>', { relation: 'child', not: true }],
  ['!<', { relation: 'parent', not: true }],
  ['!~', { relation: 'sibling', not: true }],
  ['>>', { relation: 'descendant', not: false }],
  ['<<', { relation: 'ancestor', not: false }],
  ['>', { relation: 'child', not: false }],
  ['<', { relation: 'parent', not: false }],
  ['~', { relation: 'sibling', not: false }],
])
const AGGREGATES = ['count', 'min', 'max', 'sum', 'avg'] as const
const SIGNS: readonly Operator[] = ['!=', '>=', '<=', '=', '>', '<']

/**
 * Reads the search bar's text into a set of spans; undefined for an empty text, which every trace passes. Where there are no braces in it, all of it is
 * conditions on one span; see {@link parseConditions}.
 *
 * ```
 * query = any { "|" aggregate }
 * any   = both { "||" both }
 * both  = near { "&&" near }
 * near  = one { relation one }                relation = ">" "<" ">>" "<<" "~", each also after "!"
 * one   = "not" one | "{" [ conditions ] "}" | "(" query ")" | condition on the whole trace
 * aggregate = ( "count()" | ( "min" | "max" | "sum" | "avg" ) "(" key ")" ) comparison number
 * ```
 *
 * @throws QueryError with the position at which the text cannot be read
 */
export function parseQuery(text: string): SpanSet | undefined {
  if (text.length > MAX_QUERY_LENGTH) {
    throw new QueryError(
      `the query has ${text.length} characters; at most ${MAX_QUERY_LENGTH} are read`,
      MAX_QUERY_LENGTH,
    )
  }
  if (text.trim() === '') return undefined
  return hasSets(text) ? new SetParser(text).parse() : parseConditions(text)
}

/** Reads conditions on single spans, and nothing else. @throws QueryError */
export function parseFilter(text: string): Filter | undefined {
  const set = parseQuery(text)
  if (set && set.op !== 'spans')
    throw new QueryError(
      'only conditions on single spans are taken here: no sets side by side, nothing of the whole trace',
      0,
    )
  return set?.filter
}

/** Whether there is a brace where a word could begin. */
function hasSets(text: string): boolean {
  let at = 0
  while (at < text.length) {
    if (text[at] === '{' && isWordStart(text, at)) return true
    at = text[at] === '"' && isValueStart(text, at) ? afterQuoted(text, at) : at + 1
  }
  return false
}

function isWordStart(text: string, at: number): boolean {
  return at === 0 || /[\s(&|]/.test(text[at - 1]!)
}

function isValueStart(text: string, at: number): boolean {
  return at === 0 || /[\s({},:=<>!~&|-]/.test(text[at - 1]!)
}

/** The place after the quoted text that begins at `at`; the end where it is not closed. */
function afterQuoted(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i + 1
  }
  return text.length
}

class SetParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): SpanSet {
    const set = this.#query(0)
    this.#skipBlank()
    if (this.#at < this.#text.length) {
      const rest = this.#text[this.#at]!
      throw this.#error(
        rest === ')' ? 'this ")" has no "(" before it' : `"${rest}" stands where &&, ||, |, > or the end should be`,
      )
    }
    return set
  }

  #query(depth: number): SpanSet {
    let set = this.#any(depth)
    while (this.#take('|')) set = this.#aggregate(set)
    return set
  }

  #any(depth: number): SpanSet {
    const args = [this.#both(depth)]
    while (this.#take('||')) args.push(this.#both(depth))
    return args.length === 1 ? args[0]! : { op: 'or', args }
  }

  #both(depth: number): SpanSet {
    const args = [this.#near(depth)]
    while (this.#take('&&')) args.push(this.#near(depth))
    return args.length === 1 ? args[0]! : both(args)
  }

  #near(depth: number): SpanSet {
    let left = this.#one(depth)
    for (;;) {
      this.#skipBlank()
      const sign = [...RELATIONS.keys()].find((each) => this.#text.startsWith(each, this.#at))
      if (sign === undefined) return left
      this.#at += sign.length
      const { relation, not } = RELATIONS.get(sign)!
      left = { op: 'related', relation, ...(not && { not }), left, right: this.#one(depth) }
    }
  }

  #one(depth: number): SpanSet {
    this.#skipBlank()
    const start = this.#at
    if (depth > MAX_DEPTH) throw this.#error(`nested deeper than ${MAX_DEPTH} levels`)
    if (start === this.#text.length) throw this.#error('a set of spans is missing at the end: {…}')
    if (this.#take('{')) return this.#braces(start)
    if (this.#take('(')) {
      const inner = this.#query(depth + 1)
      if (!this.#take(')')) throw this.#error('the parenthesis is not closed: add a ")"', start)
      return inner
    }
    if (/^not(?=[\s({])/i.test(this.#text.slice(start, start + 4))) {
      this.#at += 3
      return { op: 'without', arg: this.#one(depth + 1) }
    }
    return this.#ofTrace(start)
  }

  #braces(start: number): SpanSet {
    let depth = 1
    const text = this.#text
    let end = this.#at
    while (end < text.length && depth > 0) {
      if (text[end] === '"' && isValueStart(text, end)) {
        end = afterQuoted(text, end)
        continue
      }
      if (text[end] === '{') depth++
      if (text[end] === '}') depth--
      end++
    }
    if (depth > 0) throw this.#error('the brace is not closed: add a "}"', start)
    const inner = this.#at
    this.#at = end
    return conditionsAt(text.slice(inner, end - 1), inner)
  }

  /** A condition on the whole trace, which needs no braces. */
  #ofTrace(start: number): SpanSet {
    const text = this.#text
    let end = start
    while (end < text.length && !/[\s)|&]/.test(text[end]!))
      end = text[end] === '"' && isValueStart(text, end) ? afterQuoted(text, end) : end + 1
    const set = end > start ? conditionsAt(text.slice(start, end), start) : undefined
    if (set?.op !== 'trace' || set.among)
      throw this.#error('a set of spans should stand here, in braces: {service:a status:error}', start)
    this.#at = end
    return set
  }

  #aggregate(arg: SpanSet): SpanSet {
    this.#skipBlank()
    const start = this.#at
    const head = /^(\w+)\s*\(([^)]*)\)\s*/.exec(this.#text.slice(start))
    const aggregate = AGGREGATES.find((each) => each === head?.[1])
    if (!head || !aggregate)
      throw this.#error(`one of ${AGGREGATES.join(', ')} should stand here, as count() > 3 or max(duration) > 1s`)
    const key = head[2]!.trim()
    const keyAt = start + this.#text.slice(start).indexOf('(') + 1
    if ((key === '') !== (aggregate === 'count'))
      throw this.#error(
        aggregate === 'count' ? 'count() takes no key' : `${aggregate}() needs a key, as ${aggregate}(duration)`,
        keyAt,
      )
    this.#at += head[0].length
    const compare = this.#comparison()
    const value = this.#value()
    if (aggregate === 'count')
      return { op: 'having', arg, aggregate, compare, value: numberIn(value, 'count() is one') }
    const of = targetOf(wordAt(key, keyAt))
    const isDuration = 'field' in of && of.field === 'duration'
    if ('field' in of && !isDuration)
      throw this.#error(`"${key}" is not a number: duration is, and attributes are`, keyAt)
    const number = isDuration ? durationOf(value) : numberIn(value, `${aggregate}() is one`)
    return { op: 'having', arg, aggregate, of, compare, value: number }
  }

  #comparison(): Comparison {
    const sign = SIGNS.find((each) => this.#text.startsWith(each, this.#at))
    if (sign === undefined) throw this.#error(`one of ${SIGNS.join(' ')} should stand here`)
    this.#at += sign.length
    return COMPARISONS[sign]!
  }

  #value(): Word {
    this.#skipBlank()
    const [text] = /^[^\s)|&]*/.exec(this.#text.slice(this.#at))!
    const position = this.#at
    this.#at += text.length
    return wordAt(text, position)
  }

  /** Whether the sign stands next, which is then passed; one that is the beginning of another is not it. */
  #take(sign: '|' | '||' | '&&' | '{' | '(' | ')'): boolean {
    this.#skipBlank()
    if (!this.#text.startsWith(sign, this.#at) || (sign === '|' && this.#text[this.#at + 1] === '|')) return false
    this.#at += sign.length
    return true
  }

  #skipBlank(): void {
    while (this.#at < this.#text.length && /\s/.test(this.#text[this.#at]!)) this.#at++
  }

  #error(message: string, position = this.#at): QueryError {
    return new QueryError(message, position)
  }
}

/** Sets side by side. What a trace must not have, or be, takes no spans of its own into the result. */
function both(args: readonly SpanSet[]): SpanSet {
  const isCondition = (arg: SpanSet): arg is Extract<SpanSet, { op: 'without' | 'trace' }> =>
    (arg.op === 'without' || arg.op === 'trace') && !arg.among
  const sets = args.filter((arg) => !isCondition(arg))
  const among: SpanSet | undefined = sets.length > 1 ? { op: 'and', args: sets } : sets[0]
  return args
    .filter(isCondition)
    .reduce<SpanSet | undefined>((inner, condition) => ({ ...condition, ...(inner && { among: inner }) }), among)!
}

function conditionsAt(text: string, offset: number): SpanSet {
  try {
    return parseConditions(text)
  } catch (error) {
    if (error instanceof QueryError) throw new QueryError(error.message, error.position + offset)
    throw error
  }
}

function wordAt(text: string, position: number): Word {
  return { text, quoted: false, position, escaped: [] }
}
