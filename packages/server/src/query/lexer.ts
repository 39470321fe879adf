import { QueryError } from './error.ts'

/**
 * `text` of a token is without its quotes; `quoted` tells that it had some, so that `"OR"` is a word and `"a*"` has no
 * wildcard. `escaped`: the characters of `text` that have a backslash before them in the query, ascending.
 */
export interface Word {
  readonly text: string
  readonly quoted: boolean
  readonly position: number
  readonly escaped: readonly number[]
}

/** Where in the query a character of the word's text stands. */
export function positionIn({ position, quoted, escaped }: Word, index: number): number {
  return position + (quoted ? 1 : 0) + index + escaped.filter((each) => each <= index).length
}

export type Operator = ':' | '=' | '!=' | '>' | '>=' | '<' | '<=' | '~' | '!~'

/** What stands between blanks: a parenthesis, a minus before a term, a keyword, or a term. */
export type Token =
  | { readonly type: '(' | ')' | '-' | 'AND' | 'OR' | 'NOT' | 'end'; readonly position: number }
  | { readonly type: 'word'; readonly word: Word }
  | {
      readonly type: 'term'
      readonly key: Word
      readonly operator: Operator
      /** Values between commas; exactly one after `~` and `!~`. Never empty. */
      readonly values: readonly Word[]
    }

const OPERATORS: readonly Operator[] = ['!=', '!~', '>=', '<=', ':', '=', '>', '<', '~']
const BLANK = /\s/

/**
 * Cuts a query text into tokens. Whether `:` or `(` is text or syntax depends on where it stands: a value runs to the
 * next blank or closing parenthesis, so that `http.url:http://host:80/a(b)` needs no quotes.
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0

  /**
   * Reads a quoted string whose opening quote stands at `at`. `\"` and `\\` stand for the second character; any other
   * backslash is itself.
   */
  function readQuoted(): Word {
    const position = at
    const escaped: number[] = []
    let content = ''
    for (at++; at < text.length; at++) {
      if (text[at] === '"') {
        at++
        return { text: content, quoted: true, position, escaped }
      }
      if (text[at] === '\\' && (text[at + 1] === '"' || text[at + 1] === '\\')) {
        at++
        escaped.push(content.length)
      }
      content += text[at]
    }
    throw new QueryError('the quote is not closed: add a "', position)
  }

  /** Reads up to a blank, an unmatched `)` or where `stops` says. */
  function readPlain(stops: (at: number) => boolean): Word {
    const position = at
    let depth = 0
    for (; at < text.length && !BLANK.test(text[at]!); at++) {
      if (stops(at)) break
      if (text[at] === '(') depth++
      if (text[at] === ')' && depth-- === 0) break
    }
    return { text: text.slice(position, at), quoted: false, position, escaped: [] }
  }

  const operatorAt = (index: number) => OPERATORS.find((operator) => text.startsWith(operator, index))

  function readValue(stops: (at: number) => boolean): Word {
    return text[at] === '"' ? readQuoted() : readPlain(stops)
  }

  function readValues(): Word[] {
    const values: Word[] = []
    do {
      if (values.length > 0) at++
      values.push(readValue((index) => text[index] === ','))
    } while (text[at] === ',')
    return values
  }

  while (at < text.length) {
    const position = at
    const character = text[at]!
    if (BLANK.test(character)) {
      at++
      continue
    }
    if (character === '(' || character === ')') {
      tokens.push({ type: character, position })
      at++
      continue
    }
    if (character === '-' && at + 1 < text.length && !BLANK.test(text[at + 1]!)) {
      tokens.push({ type: '-', position })
      at++
      continue
    }
    const word = character === '"' ? readQuoted() : readPlain((index) => operatorAt(index) !== undefined)
    const operator = operatorAt(at)
    if (operator === undefined) {
      const keyword = word.quoted ? undefined : (['AND', 'OR', 'NOT'] as const).find((each) => each === word.text)
      tokens.push(keyword ? { type: keyword, position } : { type: 'word', word })
      continue
    }
    if (word.text === '') throw new QueryError(`a key is missing before "${operator}"`, position)
    at += operator.length
    const values = operator.endsWith('~') ? [readValue(() => false)] : readValues()
    const empty = values.find((value) => value.text === '' && !value.quoted)
    if (empty) {
      throw new QueryError(
        `a value is missing after "${word.text}${operator}": write "" for an empty one`,
        empty.position,
      )
    }
    tokens.push({ type: 'term', key: word, operator, values })
  }
  tokens.push({ type: 'end', position: text.length })
  return tokens
}
