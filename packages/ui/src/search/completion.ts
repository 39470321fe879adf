/**
 * Completion in the query bar. The language is the server's (it parses and reports errors); here only the term that the caret is in is looked at, to know what
 * could stand there.
 *
 *     service:ens|  status:error        caret in the value of `service`
 *     ser|                              caret in a key
 */
export interface CompletionContext {
  readonly kind: 'key' | 'value'
  /** The key that the value belongs to; `''` for a key. */
  readonly key: string
  /** What is written of it so far, without quotes. */
  readonly prefix: string
  /** Range of the text that a choice replaces. */
  readonly start: number
  readonly end: number
}

const operators = /(!=|>=|<=|:|=|>|<|~)/

export function completionAt(text: string, caret: number): CompletionContext {
  const start = termStart(text, caret)
  const end = termEnd(text, caret)
  const term = text.slice(start, caret)
  const match = operators.exec(term)
  if (!match) return { kind: 'key', key: '', prefix: term, start, end }
  const key = term.slice(0, match.index)
  const valueStart = match.index + match[0].length
  const comma = /"/.test(term) ? -1 : term.lastIndexOf(',')
  const from = Math.max(valueStart, comma + 1)
  const prefix = term.slice(from).replace(/^"/, '').replaceAll('\\"', '"')
  return { kind: key === 'has' ? 'key' : 'value', key: key === 'has' ? '' : key, prefix, start: start + from, end }
}

/** Where the term around the caret begins: after the last space or bracket that is not inside quotes, and after a leading minus. */
function termStart(text: string, caret: number): number {
  let start = 0
  let quoted = false
  for (let index = 0; index < caret; index++) {
    const sign = text[index]
    if (sign === '\\') index++
    else if (sign === '"') quoted = !quoted
    else if (!quoted && ' (){}|&'.includes(sign ?? '')) start = index + 1
  }
  return text[start] === '-' && start < caret ? start + 1 : start
}

function termEnd(text: string, caret: number): number {
  const quoted = isQuoted(text, caret)
  let end = caret
  while (end < text.length && (quoted ? text[end] !== '"' : !/[\s(),{}|&]/.test(text[end] ?? ''))) end++
  return quoted && text[end] === '"' ? end + 1 : end
}

function isQuoted(text: string, caret: number): boolean {
  let quoted = false
  for (let index = 0; index < caret; index++) {
    if (text[index] === '\\') index++
    else if (text[index] === '"') quoted = !quoted
  }
  return quoted
}

/** At most `limit` choices that contain the prefix: those that begin with it first, otherwise in the order given. */
export function rank(choices: readonly string[], prefix: string, limit: number): string[] {
  const needle = prefix.toLowerCase()
  const begins: string[] = []
  const contains: string[] = []
  for (const choice of choices) {
    const at = choice.toLowerCase().indexOf(needle)
    if (at === 0) begins.push(choice)
    else if (at > 0) contains.push(choice)
    if (begins.length >= limit) break
  }
  return [...begins, ...contains].slice(0, limit)
}

/** The service that the query names, for a choice of its operations: the first `service:` or `service=` term. */
export function serviceOf(text: string): string | undefined {
  const match = /(?:^|[\s(])service[:=](?:"((?:[^"\\]|\\.)*)"|([^\s(),"]+))/.exec(text)
  const value = match?.[1]?.replaceAll('\\"', '"') ?? match?.[2]
  return value?.includes('*') ? undefined : value
}
