/** Regular expressions and globs of statements. */
import { compileRegex as compile, quoteRegex, RegexError, type Regex } from '../processor-helper/index.ts'
import { EvaluationError } from './error.ts'

export type { Regex }

/** Throws {@link EvaluationError} for what RE2 does not know. */
export function compileRegex(source: string): Regex {
  try {
    return compile(source)
  } catch (error) {
    if (error instanceof RegexError) throw new EvaluationError(error.message, { cause: error })
    throw error
  }
}

/** The text with `$1`, `$name` and `${name}` replaced by the groups, and `$$` by a dollar sign. A name that is no group's is nothing. */
export function expand(template: string, groups: readonly string[], names: readonly string[]): string {
  if (!template.includes('$')) return template
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (_, plain?: string, braced?: string) => {
    const name = plain ?? braced
    if (name === undefined) return '$'
    return groups[/^\d+$/.test(name) ? Number(name) : names.lastIndexOf(name)] ?? ''
  })
}

/** Whether a text is as a pattern with `*`, `?`, `[a-z]`, `[!a-z]` and `{a,b}` has it, as a whole. Throws {@link EvaluationError}. */
export function compileGlob(source: string): (text: string) => boolean {
  let pattern = ''
  let depth = 0
  for (let at = 0; at < source.length; at++) {
    const character = source[at]!
    if (character === '\\' && at + 1 < source.length) pattern += quoteRegex(source[++at]!)
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
    } else pattern += quoteRegex(character)
  }
  if (depth > 0) throw new EvaluationError(`${JSON.stringify(source)} has a "{" without a "}"`)
  const regex = compileRegex(`(?s)^(?:${pattern})$`)
  // One character of any kind is none, too, for the library that otelcol has.
  const takesNone = /^(?:\?|\[![^\]]+\])$/.test(source)
  return (text) => (takesNone && text === '') || regex.test(text)
}
