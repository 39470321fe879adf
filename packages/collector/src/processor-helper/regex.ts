/**
 * Regular expressions of configurations, in RE2's syntax as Go has it: time grows with the text, whatever the pattern. Those that are plain text
 * need no machine.
 */
import { createRequire } from 'node:module'
import type * as Re2 from 're2js'
import { z } from 'zod'

let loaded: typeof Re2 | undefined

/** Read when the first is compiled: most configurations have none. */
function re2(): typeof Re2 {
  return (loaded ??= createRequire(import.meta.url)('re2js') as typeof Re2)
}

/** A pattern that cannot be used; the message names it and says why. */
export class RegexError extends Error {
  override readonly name = 'RegexError'
}

export interface Regex {
  /** Whether it is anywhere in the text. */
  test(text: string): boolean
  /** The first match and its groups, a group without a part in it as `''`; undefined where there is none. */
  match(text: string): readonly string[] | undefined
  /** Where the first match is, each group from its start to its end, -1 for one without a part in it. */
  indexes(text: string): readonly (readonly [number, number])[] | undefined
  /** The text with each match replaced; `groups`: of the match, as of {@link match}. */
  replaceAll(text: string, replacement: (match: string, groups: () => readonly string[]) => string): string
  /** Of the whole match and of each group; `''` where one has no name. */
  readonly groupNames: readonly string[]
}

/** Instructions of a program; each may cost time for each character of a text. */
const MAX_PROGRAM = 10_000

/** Throws {@link RegexError} for what RE2 does not know. */
export function compileRegex(source: string): Regex {
  const compiled = compile(source)
  const groupNames = Array.from({ length: compiled.groupCount() + 1 }, () => '')
  for (const [name, index] of Object.entries(compiled.namedGroups())) groupNames[index] = name
  const groupsOf = (matcher: ReturnType<Re2.RE2JS['matcher']>): string[] =>
    groupNames.map((_, index) => matcher.group(index) ?? '')
  const test = plainTest(source) ?? ((text: string) => compiled.test(text))
  return {
    groupNames,
    test,
    match(text) {
      const matcher = compiled.matcher(text)
      return matcher.find() ? groupsOf(matcher) : undefined
    },
    indexes(text) {
      const matcher = compiled.matcher(text)
      return matcher.find() ? groupNames.map((_, index) => [matcher.start(index), matcher.end(index)]) : undefined
    },
    replaceAll(text, replacement) {
      // Most have nothing to replace, which is told without looking for where.
      if (!test(text)) return text
      const matcher = compiled.matcher(text)
      const groups = (): string[] => groupsOf(matcher)
      let result = ''
      let last = 0
      while (matcher.find()) {
        const [start, end] = [matcher.start(), matcher.end()]
        // As Go has it: nothing right behind a match is no match.
        if (end > last || start === 0) result += text.slice(last, start) + replacement(text.slice(start, end), groups)
        else result += text.slice(last, end)
        last = end
      }
      return result + text.slice(last)
    },
  }
}

/** A text as the pattern that matches it. */
export function quoteRegex(text: string): string {
  return re2().RE2JS.quote(text)
}

/** A regular expression as a config key. */
export const regexKey = z.string().superRefine((source, context) => {
  const message = regexProblem(source)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})

/** What is wrong with a pattern; undefined when it can be used. */
export function regexProblem(source: string): string | undefined {
  try {
    compile(source)
    return undefined
  } catch (error) {
    if (error instanceof RegexError) return error.message
    throw error
  }
}

function compile(source: string): Re2.RE2JS {
  const { RE2JS, RE2JSException, RE2JSSyntaxException } = re2()
  let compiled
  try {
    compiled = RE2JS.compile(source)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    const why = error instanceof RE2JSSyntaxException ? error.getDescription() : error.message
    throw new RegexError(`${JSON.stringify(source)}: not a regular expression of RE2: ${why}`, { cause: error })
  }
  const size = compiled.programSize()
  if (size > MAX_PROGRAM) {
    const what = `it needs ${size} steps a character, at most ${MAX_PROGRAM} are taken; repeat less`
    throw new RegexError(`${JSON.stringify(source)}: ${what}`)
  }
  return compiled
}

/** For a pattern that is a plain text, perhaps at the start or at the end. */
function plainTest(source: string): ((text: string) => boolean) | undefined {
  const parts = /^(\^?)((?:[^\\^$.*+?()[\]{}|]|\\[\\^$.*+?()[\]{}|/-])*)(\$?)$/.exec(source)
  if (!parts) return undefined
  const [, start, escaped, end] = parts as unknown as [string, string, string, string]
  const plain = escaped.replaceAll(/\\(.)/g, '$1')
  if (start && end) return (text) => text === plain
  if (start) return (text) => text.startsWith(plain)
  if (end) return (text) => text.endsWith(plain)
  return (text) => text.includes(plain)
}
