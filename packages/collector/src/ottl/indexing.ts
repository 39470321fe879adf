/** Values in maps and lists, by keys. */
import type { AnyValue, KeyValue } from '@spoor/otlp'
import { isSameValue } from '../processor-helper/index.ts'
import { EvaluationError } from './error.ts'
import { NO_ITEM, type Item, type Node, type PathNode } from './node.ts'
import {
  EMPTY,
  expectMap,
  fromAny,
  isList,
  isLiveMap,
  isMap,
  toAny,
  typeName,
  type LiveMap,
  type MapValue,
  type Value,
} from './value.ts'

export type Keys = readonly [Node, ...Node[]]

/** What is at the keys in a map of an item. */
export function mapPath(map: (item: Item) => LiveMap, keys: Keys): PathNode {
  const [first, ...rest] = keys
  const key = first.isLiteral ? first.get(NO_ITEM) : undefined
  if (typeof key === 'string' && rest.length === 0) {
    return {
      get: (item) => fromNullable(map(item).get(key)),
      isText: (item, text) => map(item).isText(key, text),
      set: (item, value) => setEntry(map(item), key, value),
    }
  }
  return {
    get: (item) => {
      const value = map(item).get(mapKey(first.get(item)))
      return value && valueAt(value, rest, item)
    },
    set: (item, value) => {
      const target = map(item)
      const key = mapKey(first.get(item))
      const before = target.get(key)
      const after = before ?? EMPTY
      if (before === undefined) target.set(key, EMPTY)
      const changed = withValueAt(after, rest, item, value)
      if (!before || !isSameValue(before, changed)) target.set(key, changed)
    },
  }
}

/** A key that the value cannot be set to stays behind, empty, as in the Collector. */
function setEntry(map: LiveMap, key: string, value: Value): void {
  const any = toAny(value)
  const before = map.get(key)
  if (!any && before === undefined) map.set(key, EMPTY)
  if (!any) throw new EvaluationError(`a ${typeName(value)} cannot be an attribute`)
  if (!before || !isSameValue(before, any)) map.set(key, any)
}

function fromNullable(value: AnyValue | undefined): Value {
  return value && fromAny(value)
}

/** Sets the whole of a map; nil empties it. */
export function setMap(target: LiveMap, value: Value): void {
  if (value === target) return
  const entries = value === undefined ? [] : expectMap(value)
  const before = target.toArray()
  const isUnchanged =
    before.length === entries.length &&
    entries.every(({ key, value }, i) => key === before[i]!.key && isSameValue(value, before[i]!.value))
  if (!isUnchanged) target.replaceAll(entries)
}

function mapKey(key: Value): string {
  if (typeof key !== 'string') throw new EvaluationError(`a map is indexed with a string, not with ${a(key)}`)
  return key
}

function a(value: Value): string {
  const name = typeName(value)
  return name === 'nil' ? name : `${name === 'int' ? 'an' : 'a'} ${name}`
}

function listIndex(key: Value, length: number): number {
  if (typeof key !== 'bigint') throw new EvaluationError(`a list is indexed with an int, not with ${a(key)}`)
  if (key < 0n || key >= BigInt(length)) throw new EvaluationError(`index ${key} out of bounds: there are ${length}`)
  return Number(key)
}

/** What is at the keys in a value; undefined where a map does not have the key. */
export function valueAt(value: AnyValue, keys: readonly Node[], item: Item): Value {
  let at = value
  for (const key of keys) {
    if (at.type === 'map') {
      const name = mapKey(key.get(item))
      const entry = at.value.find((each) => each.key === name)
      if (!entry) return undefined
      at = entry.value
    } else if (at.type === 'array') at = at.value[listIndex(key.get(item), at.value.length)]!
    else throw new EvaluationError(`a ${typeName(fromAny(at))} cannot be indexed`)
  }
  return fromAny(at)
}

/** What a converter has given, at the keys; unlike in an attribute, a key that is missing is an error. */
export function indexed(value: Value, keys: readonly Node[], item: Item): Value {
  let at = value
  for (const key of keys) {
    const index = key.get(item)
    if (isMap(at)) {
      const name = mapKey(index)
      const found: AnyValue | undefined = isLiveMap(at)
        ? at.get(name)
        : at.value.find((each) => each.key === name)?.value
      if (!found) throw new EvaluationError(`there is no key ${JSON.stringify(name)} in the map`)
      at = fromAny(found)
    } else if (isList(at)) at = fromAny(at.value[listIndex(index, at.value.length)]!)
    else if (at instanceof Uint8Array) at = BigInt(at[listIndex(index, at.length)]!)
    else throw new EvaluationError(`a ${typeName(at)} cannot be indexed`)
  }
  return at
}

/** The value with another at the keys, which are made where nothing is. */
export function withValueAt(current: AnyValue, keys: readonly Node[], item: Item, value: Value): AnyValue {
  const [key, ...rest] = keys
  if (!key) {
    const any = toAny(value)
    if (!any) throw new EvaluationError(`a ${typeName(value)} cannot be an attribute`)
    return any
  }
  const index = key.get(item)
  const within = (inner: AnyValue): AnyValue => withValueAt(inner, rest, item, value)
  if (current.type === 'map') {
    const name = mapKey(index)
    const at = current.value.findIndex((entry) => entry.key === name)
    return at < 0
      ? mapOf([...current.value, { key: name, value: within(EMPTY) }])
      : mapOf(current.value.with(at, { key: name, value: within(current.value[at]!.value) }))
  }
  if (current.type === 'array') {
    const at = listIndex(index, current.value.length)
    return { type: 'array', value: current.value.with(at, within(current.value[at]!)) }
  }
  if (current.type !== 'empty') throw new EvaluationError(`a ${typeName(fromAny(current))} cannot be indexed`)
  if (typeof index === 'string') return mapOf([{ key: index, value: within(EMPTY) }])
  const length = listIndex(index, MAX_MADE)
  return { type: 'array', value: [...Array.from({ length }, () => EMPTY), within(EMPTY)] }
}

/** Elements that a list gets at most for one that is set far behind its end. */
const MAX_MADE = 10_000

function mapOf(value: readonly KeyValue[]): MapValue {
  return { type: 'map', value }
}
