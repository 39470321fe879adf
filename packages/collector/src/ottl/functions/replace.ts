/** What replaces texts. */
import type { AnyValue } from '@spoor/otlp'
import { EvaluationError } from '../error.ts'
import { defineFunction } from '../function.ts'
import type { Item, Node } from '../node.ts'
import {
  glob,
  mapTarget,
  optional,
  path,
  regex,
  string,
  textFunction,
  writtenString,
  type TextFunction,
} from '../parameters.ts'
import { expand, type Regex } from '../regex.ts'

const REPLACEMENT = {
  replacement: string,
  function: optional(textFunction),
  replacementFormat: optional(string),
}

interface Replacement {
  readonly replacement: Node<string>
  readonly function: TextFunction | undefined
  readonly replacementFormat: Node<string> | undefined
}

/** What comes of a text after the function, in the format. */
function formatted(text: string, { function: call, replacementFormat }: Replacement, item: Item): string {
  if (!call) return text
  const result = call(text, item)
  const format = replacementFormat?.get(item)
  if (format === undefined) return result
  if (!/%s/.test(format) || /%[^s]/.test(format))
    throw new EvaluationError(`${JSON.stringify(format)}: a format has one %s and nothing else with a percent sign`)
  return format.replace('%s', () => result)
}

function replaced(text: string, pattern: Regex, replacement: Replacement, item: Item): string {
  const template = replacement.replacement.get(item)
  return pattern.replaceAll(text, (_, groups) =>
    formatted(expand(template, groups(), pattern.groupNames), replacement, item),
  )
}

const textValue = (value: string): AnyValue => ({ type: 'string', value })

export const REPLACERS = [
  defineFunction(
    'replace_pattern',
    { target: path, regexPattern: regex, ...REPLACEMENT },
    ({ target, regexPattern, ...replacement }) =>
      (item) => {
        const value = target.get(item)
        if (typeof value !== 'string') return undefined
        const text = replaced(value, regexPattern.get(item), replacement, item)
        if (text !== value) target.set(item, text)
        return undefined
      },
  ),

  defineFunction(
    'replace_match',
    { target: path, pattern: glob, ...REPLACEMENT },
    ({ target, pattern, ...replacement }) =>
      (item) => {
        const matches = pattern.get(item)
        const text = formatted(replacement.replacement.get(item), replacement, item)
        const value = target.get(item)
        if (typeof value === 'string' && matches(value)) target.set(item, text)
        return undefined
      },
  ),

  defineFunction(
    'replace_all_patterns',
    { target: mapTarget, mode: writtenString, regexPattern: regex, ...REPLACEMENT },
    ({ target, mode, regexPattern, ...replacement }) => {
      if (mode !== 'key' && mode !== 'value')
        throw new EvaluationError(`unknown mode ${JSON.stringify(mode)}; known: key, value`)
      return (item) => {
        const pattern = regexPattern.get(item)
        target(item, (map) => {
          if (mode === 'value') {
            map.update((_, value) => {
              if (value.type !== 'string') return value
              const text = replacedOrKept(value.value, pattern, replacement, item) ?? value.value
              return text === value.value ? value : textValue(text)
            })
            return
          }
          const before = map.toArray()
          if (!before.some(({ key }) => pattern.test(key))) return
          const after = new Map<string, AnyValue>()
          for (const { key, value } of before) {
            const name = replacedOrKept(key, pattern, replacement, item)
            // As in the Collector, a key that the function fails for is lost.
            if (name !== undefined) after.set(name, value)
          }
          map.replaceAll(Array.from(after, ([key, value]) => ({ key, value })))
        })
        return undefined
      }
    },
  ),

  defineFunction(
    'replace_all_matches',
    { target: mapTarget, pattern: glob, ...REPLACEMENT },
    ({ target, pattern, ...replacement }) =>
      (item) => {
        const matches = pattern.get(item)
        target(item, (map) => {
          const text = formatted(replacement.replacement.get(item), replacement, item)
          map.update((_, value) =>
            value.type === 'string' && matches(value.value) && value.value !== text ? textValue(text) : value,
          )
        })
        return undefined
      },
  ),
]

/** Undefined where the function fails. */
function replacedOrKept(text: string, pattern: Regex, replacement: Replacement, item: Item): string | undefined {
  try {
    return replaced(text, pattern, replacement, item)
  } catch (error) {
    if (error instanceof EvaluationError && replacement.function) return undefined
    throw error
  }
}
