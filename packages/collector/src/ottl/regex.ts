/**
 * Regular expressions of statements, in RE2's syntax as Go has it, and in time that grows with the text alone. Those that are plain text need
 * no machine.
 */
import { createRequire } from 'node:module'
import type * as Re2 from 're2js'
import { EvaluationError } from './error.ts'

let loaded: typeof Re2 | undefined

/** Most configurations have no regular expression, and a start need not read what they need. */
function re2(): typeof Re2 {
  return (loaded ??= createRequire(import.meta.url)('re2js') as typeof Re2)
}

export interface Regex {
  test(text: string): boolean
  /** The first match, with its groups; undefined where a group took no part. */
  match(text: string): readonly (string | undefined)[] | undefined
  /** Of the whole match and of each group; `''` where it has none. */
  readonly groupNames: readonly string[]
  /** Each match replaced by what `replacement` gives. */
  replaceAll(text: string, replacement: (groups: readonly (string | undefined)[]) => string): string
}

/** Instructions of a program; one costs time for each character of a text. */
const MAX_PROGRAM = 10_000

/** Throws {@link EvaluationError} for what RE2 does not know. */
export function compileRegex(source: string): Regex {
  const { RE2JS, RE2JSException } = re2()
  let compiled: Re2.RE2JS
  try {
    compiled = RE2JS.compile(source)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw new EvaluationError(`${JSON.stringify(source)} is no regular expression: ${error.message}`, { cause: error })
  }
  if (compiled.programSize() > MAX_PROGRAM)
    throw new EvaluationError(
      `${JSON.stringify(source)} repeats too much; at most ${MAX_PROGRAM} steps a character are taken`,
    )
  const groupNames = Array.from({ length: compiled.groupCount() + 1 }, () => '')
  for (const [name, index] of Object.entries(compiled.namedGroups())) groupNames[index] = name
  const groupsOf = (matcher: ReturnType<Re2.RE2JS['matcher']>): (string | undefined)[] =>
    groupNames.map((_, index) => matcher.group(index) ?? undefined)
  return {
    test: plainTest(source) ?? ((text) => compiled.test(text)),
    groupNames,
    match(text) {
      const matcher = compiled.matcher(text)
      return matcher.find() ? groupsOf(matcher) : undefined
    },
    replaceAll(text, replacement) {
      const matcher = compiled.matcher(text)
      let result = ''
      let end = 0
      while (matcher.find()) {
        result += text.slice(end, matcher.start()) + replacement(groupsOf(matcher))
        end = matcher.end()
      }
      return result + text.slice(end)
    },
  }
}

/** For a pattern that is a plain text, perhaps at the start or at the end. */
function plainTest(source: string): ((text: string) => boolean) | undefined {
  const match = /^(\^?)((?:[^\\^$.*+?()[\]{}|]|\\[.\-/*+?()[\]{}|$^\\])*)(\$?)$/.exec(source)
  if (!match) return undefined
  const plain = match[2]!.replace(/\\([^])/g, '$1')
  if (match[1] && match[3]) return (text) => text === plain
  if (match[1]) return (text) => text.startsWith(plain)
  if (match[3]) return (text) => text.endsWith(plain)
  return (text) => text.includes(plain)
}

/** The text with `$1`, `$name` and `${name}` replaced by the groups, and `$$` by a dollar sign. A name that is no group's is nothing. */
export function expand(template: string, groups: readonly (string | undefined)[], names: readonly string[]): string {
  if (!template.includes('$')) return template
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (_, plain?: string, braced?: string) => {
    const name = plain ?? braced
    if (name === undefined) return '$'
    return groups[/^\d+$/.test(name) ? Number(name) : names.lastIndexOf(name)] ?? ''
  })
}

/** Whether a text is as a pattern with `*`, `?`, `[a-z]`, `[!a-z]` and `{a,b}` has it, as a whole. Throws {@link EvaluationError}. */
export function compileGlob(source: string): (text: string) => boolean {
  const { RE2JS } = re2()
  let pattern = ''
  let depth = 0
  for (let at = 0; at < source.length; at++) {
    const character = source[at]!
    if (character === '\\' && at + 1 < source.length) pattern += RE2JS.quote(source[++at]!)
    else if (character === '*') pattern += '.*'
    else if (character === '?') pattern += '.'
    else if (character === '{') {
      depth++
      pattern += '(?:'
    } else if (character === '}' && depth > 0) {
      depth--
      pattern += ')'
    } else if (character === ',' && depth > 0) pattern += '|'
    else if (character === '[') {
      const end = source.indexOf(']', at + 2)
      if (end < 0) throw new EvaluationError(`${JSON.stringify(source)} has a "[" without a "]"`)
      const content = source.slice(at + 1, end)
      pattern += `[${content.replace(/^!/, '^').replace(/[\\[\]]/g, String.raw`\$&`)}]`
      at = end
    } else pattern += RE2JS.quote(character)
  }
  if (depth > 0) throw new EvaluationError(`${JSON.stringify(source)} has a "{" without a "}"`)
  const regex = compileRegex(`(?s)^(?:${pattern})$`)
  return (text) => regex.test(text)
}
