/** Names of severities of what a source calls them. */
import type { AnyValue } from '@spoor/otlp'
import { EvaluationError } from '../error.ts'
import { defineFunction } from '../function.ts'
import { NO_ITEM } from '../node.ts'
import { any, map } from '../parameters.ts'
import { fromAny, typeName, type Value } from '../value.ts'

type Criterion = (value: string | bigint) => boolean

const HTTP = /^([2-5])xx$/

function entriesOf(value: AnyValue, what: string): ReadonlyMap<string, AnyValue> {
  if (value.type !== 'map') throw new EvaluationError(`${what} must be a map`)
  return new Map(value.value.map((entry) => [entry.key, entry.value]))
}

function elementsOf(value: AnyValue, what: string): readonly AnyValue[] {
  if (value.type !== 'array') throw new EvaluationError(`${what} must be a list`)
  return value.value
}

function boundOf(range: ReadonlyMap<string, AnyValue>, name: 'min' | 'max'): bigint {
  const bound = range.get(name)
  if (bound?.type !== 'int') throw new EvaluationError(`a range has an int as its ${name}`)
  return bound.value
}

function rangeOf(value: AnyValue): Criterion {
  const digit = value.type === 'string' ? HTTP.exec(value.value)?.[1] : undefined
  if (value.type === 'string' && digit === undefined)
    throw new EvaluationError(`unknown range ${JSON.stringify(value.value)}; known: 2xx, 3xx, 4xx, 5xx`)
  const range = digit === undefined ? entriesOf(value, 'a range') : undefined
  const min = range ? boundOf(range, 'min') : BigInt(`${digit}00`)
  const max = range ? boundOf(range, 'max') : BigInt(`${digit}99`)
  return (found) => typeof found === 'bigint' && found >= min && found <= max
}

function criteriaOf(value: AnyValue): Criterion[] {
  const criterion = entriesOf(value, 'a criterion')
  const equals = criterion.get('equals')
  const range = criterion.get('range')
  const texts = equals ? elementsOf(equals, 'equals').map(fromAny) : []
  if (texts.some((text) => typeof text !== 'string')) throw new EvaluationError('equals is a list of strings')
  return [(found) => typeof found === 'string' && texts.includes(found), ...(range ? [rangeOf(range)] : [])]
}

function severityOf(value: Value, levels: ReadonlyMap<string, readonly Criterion[]>): string {
  if (typeof value !== 'string' && typeof value !== 'bigint')
    throw new EvaluationError(`a ${typeName(value)} is no severity`)
  for (const [level, criteria] of levels) if (criteria.some((matches) => matches(value))) return level
  throw new EvaluationError(`no severity is mapped for ${String(value)}`)
}

export const SEVERITY = [
  defineFunction('ParseSeverity', { target: any, mapping: map }, ({ target, mapping }) => {
    if (!mapping.isLiteral) throw new EvaluationError('the mapping must be written out')
    const levels = new Map(
      mapping
        .get(NO_ITEM)
        .map(({ key, value }) => [key, elementsOf(value, 'the criteria of a severity').flatMap(criteriaOf)]),
    )
    return (item) => severityOf(target.get(item), levels)
  }),
]
