import type { Filter, SpanSet } from '@spoor/storage'
import { QueryError } from './error.ts'
import { tokenize, type Token } from './lexer.ts'
import { termFilter, wordFilter } from './term.ts'
import { isTraceKey, traceTerm, type TraceCondition } from './trace-term.ts'

const MAX_DEPTH = 32

/**
 * Reads conditions on spans, as they stand in the search bar or between braces; a text without any is of all spans. Conditions on the whole trace may
 * stand beside the others.
 *
 * ```
 * conditions = all { "OR" all }
 * all        = each { [ "AND" ] each }
 * each       = ( "NOT" | "-" ) each | "(" conditions ")" | term | word
 * term       = key operator value { "," value }       operator = ":" "=" "!=" ">" ">=" "<" "<=" "~" "!~"
 * ```
 *
 * @throws QueryError with the position at which the text cannot be read
 */
export function parseConditions(text: string): SpanSet {
  const tokens = tokenize(text)
  const ofTrace: { readonly condition: TraceCondition; readonly position: number }[] = []
  let next = 0
  const peek = () => tokens[next]!
  const positionOf = (token: Token) =>
    token.type === 'word' ? token.word.position : token.type === 'term' ? token.key.position : token.position

  function parseAny(depth: number): Filter | undefined {
    const args = [parseAll(depth)]
    while (peek().type === 'OR') {
      next++
      args.push(parseAll(depth))
    }
    if (args.length === 1) return args[0]
    const [aside] = ofTrace
    if (aside) throw standsAside(aside.position)
    return { op: 'or', args: args.filter((arg) => arg !== undefined) }
  }

  function parseAll(depth: number): Filter | undefined {
    const args: Filter[] = []
    const first = next
    do {
      if (peek().type === 'AND' && next > first) next++
      const token = peek()
      if (token.type === 'term' && isTraceKey(token.key)) {
        if (depth > 0) throw standsAside(token.key.position)
        ofTrace.push({ condition: traceTerm(token), position: token.key.position })
        next++
      } else args.push(parseEach(depth))
    } while (!['OR', ')', 'end'].includes(peek().type))
    return args.length > 1 ? { op: 'and', args } : args[0]
  }

  function parseEach(depth: number): Filter {
    const token = tokens[next++]!
    if (depth > MAX_DEPTH) throw new QueryError(`nested deeper than ${MAX_DEPTH} levels`, positionOf(token))
    switch (token.type) {
      case 'NOT':
      case '-': {
        const then = peek()
        if (then.type === 'term' && isTraceKey(then.key)) throw standsAside(then.key.position)
        return { op: 'not', arg: parseEach(depth + 1) }
      }
      case '(': {
        // Whatever is of the whole trace has been refused in there, so there is a filter.
        const inner = parseAny(depth + 1)!
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

  if (peek().type === 'end') return { op: 'spans' }
  const filter = parseAny(0)
  const rest = peek()
  if (rest.type !== 'end') throw new QueryError('this ")" has no "(" before it', positionOf(rest))
  return ofTrace.reduce<SpanSet | undefined>(
    (among, { condition }) => ({ ...condition, ...(among && { among }) }),
    filter && { op: 'spans', filter },
  )!
}

function standsAside(position: number): QueryError {
  return new QueryError(
    'this is of the whole trace: it stands beside other terms, and not in parentheses, after NOT or with OR; with sets in braces it does, as in {status:error} || trace.duration>5s',
    position,
  )
}
