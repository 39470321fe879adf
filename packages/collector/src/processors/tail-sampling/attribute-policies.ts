/** Policies about attributes of resources and spans. As in the Collector, a value of another type counts as 0, false or no text. */
import type { Attributes, AnyValue } from '@spoor/otlp'
import { compileRegex } from '../../processor-helper/index.ts'
import { keepWhere, someOf, type Policy } from './policy.ts'

interface AttributeTest {
  readonly key: string
  readonly invert_match: boolean
}

export function numericAttribute(config: AttributeTest & { min_value: number; max_value: number }): Policy {
  const min = config.min_value === 0 ? -Infinity : config.min_value
  const max = config.max_value === 0 ? Infinity : config.max_value
  const isWithin = (value: AnyValue): boolean => {
    const number = value.type === 'int' ? value.value : 0
    return number >= min && number <= max
  }
  return attributePolicy(config, isWithin, isWithin)
}

export function booleanAttribute(config: AttributeTest & { value: boolean }): Policy {
  const isSame = (value: AnyValue): boolean => (value.type === 'bool' && value.value) === config.value
  return attributePolicy(config, isSame, isSame)
}

export function stringAttribute(
  config: AttributeTest & { values: readonly string[]; enabled_regex_matching: boolean; cache_max_size: number },
): Policy {
  const matches = config.enabled_regex_matching
    ? cachedMatcher(config.values, config.cache_max_size)
    : exactMatcher(config.values)
  const textOf = (value: AnyValue): string => (value.type === 'string' ? value.value : '')
  return attributePolicy(
    config,
    (value) => matches(textOf(value)),
    // An empty one is not looked at in spans, but in resources.
    (value) => textOf(value) !== '' && matches(textOf(value)),
  )
}

type ValueTest = (value: AnyValue) => boolean

function attributePolicy(
  { key, invert_match: isInverted }: AttributeTest,
  ofResource: ValueTest,
  ofSpan: ValueTest,
): Policy {
  const test = (attributes: Attributes, isMatch: ValueTest): boolean => {
    const value = attributes.get(key)
    return value !== undefined && isMatch(value)
  }
  return {
    decide(trace) {
      const isFound = someOf(trace, {
        resource: ({ attributes }) => test(attributes, ofResource),
        item: ({ attributes }) => test(attributes, ofSpan),
      })
      return keepWhere(isFound !== isInverted)
    },
  }
}

function exactMatcher(values: readonly string[]): (text: string) => boolean {
  const known = new Set(values.filter((value) => value !== ''))
  return (text) => known.has(text)
}

const DEFAULT_CACHE_SIZE = 128

/** Remembers the answers for the texts that were asked for last. */
function cachedMatcher(patterns: readonly string[], size: number): (text: string) => boolean {
  const all = patterns.map(compileRegex)
  const maxSize = size > 0 ? size : DEFAULT_CACHE_SIZE
  const answers = new Map<string, boolean>()
  return (text) => {
    const known = answers.get(text)
    const answer = known ?? all.some((regex) => regex.test(text))
    // What was asked for last is at the end.
    if (known !== undefined) answers.delete(text)
    else if (answers.size >= maxSize) answers.delete(answers.keys().next().value!)
    answers.set(text, answer)
    return answer
  }
}
