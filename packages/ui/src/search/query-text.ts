import { quote } from './search-url.ts'

type Value = string | null

/** What is undefined is of any. `null`: there is none. */
interface Operation {
  readonly service?: Value
  readonly name?: Value
}

/** The query narrowed to one operation: to spans that it is about and that are of it. */
export function narrowedTo(q: string, operation: Operation): string {
  return narrowedBy(q, termsOf(operation))
}

function termsOf(operation: Operation): string[] {
  return (['service', 'name'] as const).flatMap((key) => {
    const value = operation[key]
    return value === undefined ? [] : [termOf(key, value)]
  })
}

/** A condition on a key as the language has it; `null`: that there is none. */
export function termOf(key: string, value: Value): string {
  return value === null ? `-${key}:*` : `${key}:${quote(value)}`
}

/** The query narrowed to spans of which these terms are true, too. */
export function narrowedBy(q: string, terms: readonly string[]): string {
  const text = q.trim()
  if (hasSets(text)) return `(${text}) && { ${terms.join(' ')} }`
  const outer = outerPieces(text)
  if (outer.includes('OR')) return [`(${text})`, ...terms].join(' ')
  return [...(text ? [text] : []), ...terms.filter((term) => !outer.includes(term))].join(' ')
}

/** The query narrowed to traces that have a span of an operation, whichever spans it is about. */
export function withSpan(q: string, operation: Operation): string {
  const text = q.trim()
  const terms = termsOf(operation).join(' ')
  if (text === '') return terms
  return `${hasSets(text) ? `(${text})` : `{ ${text} }`} && { ${terms} }`
}

/** What {@link withRequest} has put at the end. */
const ownBounds = /(?:^|\s)(?:&& )?trace\.request>=[^\s"]+(?: &&)? trace\.request<=[^\s"]+$/

/** The query narrowed to traces whose request took so long, in place of what this has narrowed it to before. Durations in Go's form. */
export function withRequest(q: string, min: string, max: string): string {
  const text = q.trim().replace(ownBounds, '')
  const terms = [`trace.request>=${min}`, `trace.request<=${max}`]
  if (hasSets(text)) return [isOne(text) ? text : `(${text})`, ...terms].join(' && ')
  const whole = outerPieces(text).includes('OR') ? `(${text})` : text
  return [...(whole ? [whole] : []), ...terms].join(' ')
}

/** Whether it is one pair of parentheses, or of braces, with what is in it. */
function isOne(text: string): boolean {
  const bare = text.replace(quoted, '')
  let depth = 0
  return bare.split('').every((sign, index) => {
    depth += '({'.includes(sign) ? 1 : ')}'.includes(sign) ? -1 : 0
    return (depth === 0) === (index === bare.length - 1)
  })
}

const quoted = /"(?:\\[^]|[^"\\])*"/g

/** Whether the query is of sets of spans: there is a brace where a word could begin. */
const hasSets = (text: string) => /(^|[\s(&|])\{/.test(text.replace(quoted, '""'))

/** What stands between blanks, outside of parentheses. */
function outerPieces(text: string): string[] {
  let depth = 0
  return (text.match(/(?:"(?:\\[^]|[^"\\])*"|[^\s"])+/g) ?? []).filter((piece) => {
    const before = depth
    for (const sign of piece.replace(quoted, '')) depth += sign === '(' ? 1 : sign === ')' ? -1 : 0
    return before === 0 && !piece.startsWith('(')
  })
}
