import { compilePattern, isTooMuch } from '@spoor/storage'

/** A regular expression of TraceQL, which is of the whole text; `.` is any character, as in Tempo. */
export interface TextMatcher {
  test(text: string): boolean
  /** The texts that it stands for, where these are but a few: they are quicker to find. */
  readonly texts: readonly string[] | undefined
  /** The same for the store. */
  readonly pattern: string
}

const known = new Map<string, TextMatcher>()
const MAX_KNOWN = 100

/** `source` has been checked. */
export function matcherOf(source: string): TextMatcher {
  let matcher = known.get(source)
  if (!matcher) {
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(source, (matcher = create(source)))
  }
  return matcher
}

function create(source: string): TextMatcher {
  const texts = /^[^\\^$.*+?()[\]{}]*$/.test(source) ? source.split('|') : undefined
  const pattern = `^(?s:${source})$`
  if (texts) return { test: (text) => texts.includes(text), texts, pattern }
  const compiled = compilePattern(pattern)
  return { test: (text) => !isTooMuch(compiled.steps(text)) && compiled.test(text), texts, pattern }
}
