import type { Filter } from '@spoor/storage'
import { QueryError } from './error.ts'
import { tokenize, type Token } from './lexer.ts'
import { termFilter, wordFilter } from './term.ts'

/** A query longer than this is refused. Characters. */
const MAX_QUERY_LENGTH = 8192
const MAX_DEPTH = 32

/**
 * Reads the search bar's text into a filter; undefined for an empty text, which every span passes.
 *
 * ```
 * query   = all { "OR" all }
 * all     = each { [ "AND" ] each }
 * each    = ( "NOT" | "-" ) each | "(" query ")" | term | word
 * term    = key operator value { "," value }       operator = ":" "=" "!=" ">" ">=" "<" "<=" "~" "!~"
 * ```
 *
 * @throws QueryError with the position at which the text cannot be read
 */
export function parseQuery(text: string): Filter | undefined {
  if (text.length > MAX_QUERY_LENGTH) {
    throw new QueryError(
      `the query has ${text.length} characters; at most ${MAX_QUERY_LENGTH} are read`,
      MAX_QUERY_LENGTH,
    )
  }
  const tokens = tokenize(text)
  let next = 0
  const peek = () => tokens[next]!
  const positionOf = (token: Token) =>
    token.type === 'word' ? token.word.position : token.type === 'term' ? token.key.position : token.position

  function parseAny(depth: number): Filter {
    const args = [parseAll(depth)]
    while (peek().type === 'OR') {
      next++
      args.push(parseAll(depth))
    }
    return args.length === 1 ? args[0]! : { op: 'or', args }
  }

  function parseAll(depth: number): Filter {
    const args = [parseEach(depth)]
    for (;;) {
      const { type } = peek()
      if (type === 'OR' || type === ')' || type === 'end') break
      if (type === 'AND') next++
      args.push(parseEach(depth))
    }
    return args.length === 1 ? args[0]! : { op: 'and', args }
  }

  function parseEach(depth: number): Filter {
    const token = tokens[next++]!
    if (depth > MAX_DEPTH) throw new QueryError(`nested deeper than ${MAX_DEPTH} levels`, positionOf(token))
    switch (token.type) {
      case 'NOT':
      case '-':
        return { op: 'not', arg: parseEach(depth + 1) }
      case '(': {
        const inner = parseAny(depth + 1)
        if (peek().type !== ')') throw new QueryError('the parenthesis is not closed: add a ")"', token.position)
        next++
        return inner
      }
      case 'term':
        return termFilter(token)
      case 'word':
        return wordFilter(token.word)
      case 'end':
        throw new QueryError('a term is missing at the end', token.position)
      default:
        throw new QueryError(`"${token.type}" stands where a term should be`, token.position)
    }
  }

  if (peek().type === 'end') return undefined
  const filter = parseAny(0)
  const rest = peek()
  if (rest.type !== 'end') throw new QueryError('this ")" has no "(" before it', positionOf(rest))
  return filter
}
