/** How a text is drawn: lines that must not be wrapped, a query by its clauses, or as it is. */
export type ValueForm = 'stack' | 'sql' | 'plain'

const sqlKeys = new Set(['db.query.text', 'db.statement'])

export function formOf(key: string, text: string): ValueForm {
  if (sqlKeys.has(key) && /^\s*(?:select|insert|update|delete|with|merge|create|alter|drop)\b/i.test(text)) return 'sql'
  // Frames of JavaScript and Java, Python, Go, and .NET.
  if (key.endsWith('stacktrace') || /\n\s+(?:at |File ")|\ngoroutine \d+ \[/.test(text)) return 'stack'
  return 'plain'
}

/** Words of SQL that a line begins with. Where a longer one begins as a shorter one does, it is first. `update` stands in some that are no update. */
const clauses = new RegExp(
  `\\b(?:${[
    'select|from|where|group by|order by|having|limit|offset|fetch (?:first|next)|values|set|returning|union(?: all)?',
    '(?:left |right |inner |outer |full |cross )*join|insert into|update|delete from|merge into|with',
    'for (?:no key )?(?:update|share)|on duplicate key update|on conflict|do update set',
    'when (?:not )?matched then(?: (?:update set|insert|delete))?',
  ].join('|')})\\b`,
  'gi',
)

/** A piece of a query: a keyword, or what is between two. */
export interface SqlPiece {
  readonly text: string
  readonly isKeyword: boolean
}

/** A query in lines, each with its clause first. What stands in quotes stays as it is. */
export function sqlLines(text: string): readonly (readonly SqlPiece[])[] {
  const lines: SqlPiece[][] = []
  let line: SqlPiece[] = []
  const add = (text: string, isKeyword: boolean) => {
    const shown = isKeyword ? text : text.replace(/\s+/g, ' ')
    if (shown.trim() !== '') line.push({ text: shown, isKeyword })
  }
  let at = 0
  for (const { index, word } of keywordsIn(text)) {
    add(text.slice(at, index), false)
    if (line.length > 0) lines.push(line)
    line = []
    add(word, true)
    at = index + word.length
  }
  add(text.slice(at), false)
  if (line.length > 0) lines.push(line)
  return lines
}

/** Keywords outside of quotes and parentheses. */
function keywordsIn(text: string): { readonly index: number; readonly word: string }[] {
  const outside = hidden(text)
  return [...outside.matchAll(clauses)].map(({ index, 0: word }) => ({
    index,
    word: text.slice(index, index + word.length),
  }))
}

/** The text with blanks for what is in quotes or parentheses. */
function hidden(text: string): string {
  let depth = 0
  return text.replace(/'(?:[^']|'')*'|"[^"]*"|`[^`]*`|[()]|[^'"`()]+|./g, (piece) => {
    if (piece === '(') depth++
    else if (piece === ')') depth = Math.max(0, depth - 1)
    else if (depth === 0 && !/^['"`]/.test(piece)) return piece
    return ' '.repeat(piece.length)
  })
}
