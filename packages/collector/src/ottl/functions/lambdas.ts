/** What calls a lambda expression: for each element of a list with its index, or each value of a map with its key. */
import type { AnyValue } from '@spoor/otlp'
import type { Lambda } from '../compiler.ts'
import { EvaluationError } from '../error.ts'
import { defineFunction } from '../function.ts'
import type { Item } from '../node.ts'
import { any, lambda, map, optional } from '../parameters.ts'
import { entriesOf, expected, expectString, fromAny, isList, isMap, toAny, typeName, type Value } from '../value.ts'

interface Part {
  readonly key: string | bigint
  readonly value: AnyValue
}

const ofPart = lambda('key', 'value')

function partsOf(source: Value): readonly Part[] {
  if (isMap(source)) return entriesOf(source)
  if (isList(source)) return source.value.map((value, index) => ({ key: BigInt(index), value }))
  return expected('a map or a list', source)
}

/** What it gives for a part, before it the values of `first`. What goes wrong is told with the part's key. */
function called<T>(run: Lambda, item: Item, { key, value }: Part, take: (value: Value) => T, ...first: Value[]): T {
  try {
    return take(run(item, ...first, key, fromAny(value)))
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error
    const name = typeof key === 'string' ? JSON.stringify(key) : key
    throw new EvaluationError(`at ${name}: ${error.message}`, { cause: error })
  }
}

function asBool(value: Value): boolean {
  return typeof value === 'boolean' ? value : expected('a bool from the lambda expression', value)
}

function notNil(value: Value): Value {
  return value ?? expected('a value from the lambda expression', value)
}

function asAny(value: Value): AnyValue {
  const found = toAny(notNil(value))
  if (!found) throw new EvaluationError(`a ${typeName(value)} cannot be in a map or list`)
  return found
}

/** A map of a map, a list of a list. */
function sameKind(source: Value, parts: readonly Part[]): Value {
  return isMap(source)
    ? { type: 'map', value: parts.map(({ key, value }) => ({ key: String(key), value })) }
    : { type: 'array', value: parts.map(({ value }) => value) }
}

export const LAMBDAS = [
  defineFunction(
    'All',
    { source: any, predicate: ofPart },
    ({ source, predicate }) =>
      (item) =>
        partsOf(source.get(item)).every((part) => called(predicate, item, part, asBool)),
  ),
  defineFunction(
    'Any',
    { source: any, predicate: ofPart },
    ({ source, predicate }) =>
      (item) =>
        partsOf(source.get(item)).some((part) => called(predicate, item, part, asBool)),
  ),
  defineFunction('Filter', { source: any, predicate: ofPart }, ({ source, predicate }) => (item) => {
    const all = source.get(item)
    return sameKind(
      all,
      partsOf(all).filter((part) => called(predicate, item, part, asBool)),
    )
  }),
  defineFunction(
    'Find',
    { source: any, predicate: ofPart, mapper: optional(ofPart) },
    ({ source, predicate, mapper }) =>
      (item) => {
        const found = partsOf(source.get(item)).find((part) => called(predicate, item, part, asBool))
        if (!found) return undefined
        return mapper ? called(mapper, item, found, notNil) : fromAny(found.value)
      },
  ),
  defineFunction('MapEach', { source: any, mapper: ofPart }, ({ source, mapper }) => (item) => {
    const all = source.get(item)
    return sameKind(
      all,
      partsOf(all).map((part) => ({ key: part.key, value: called(mapper, item, part, asAny) })),
    )
  }),
  // Of several values that get one key it has the place of the first, and is the last.
  defineFunction('MapKeys', { source: map, keyMapper: ofPart }, ({ source, keyMapper }) => (item) => {
    const changed = source
      .get(item)
      .map((part): [string, AnyValue] => [called(keyMapper, item, part, expectString), part.value])
    return { type: 'map', value: Array.from(new Map(changed), ([key, value]) => ({ key, value })) }
  }),
  defineFunction(
    'Reduce',
    { source: any, seed: any, accumulator: lambda('sum', 'key', 'value') },
    ({ source, seed, accumulator }) =>
      (item) => {
        const parts = partsOf(source.get(item))
        return parts.reduce((sum, part) => called(accumulator, item, part, notNil, sum), seed.get(item))
      },
  ),
  defineFunction(
    'When',
    { condition: lambda(), trueValue: any, falseValue: any },
    ({ condition, trueValue, falseValue }) =>
      (item) =>
        (asBool(condition(item)) ? trueValue : falseValue).get(item),
  ),
]
