/** What changes an item: values and maps. */
import type { AnyValue, KeyValue } from '@spoor/otlp'
import { isSameValue } from '../../processor-helper/index.ts'
import { EvaluationError } from '../error.ts'
import { defineFunction } from '../function.ts'
import { folded } from '../node.ts'
import {
  any,
  int,
  listOf,
  map,
  mapTarget,
  optional,
  path,
  regex,
  string,
  writtenBool,
  writtenInt,
  writtenString,
} from '../parameters.ts'
import { PlainMap } from '../plain-map.ts'
import { valueText } from '../../processor-helper/index.ts'
import {
  Duration,
  expected,
  Id,
  isList,
  isMap,
  list,
  map as mapValue,
  toAny,
  typeName,
  Time,
  type LiveMap,
  type Value,
} from '../value.ts'

const STRATEGIES = ['insert', 'update', 'upsert']

/** The largest prefix of whole characters that has no more bytes, with a marker within them. */
function truncated(text: string, limit: number, isUtf8Safe: boolean, marker: string): string {
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return text
  const bytes = Buffer.from(text)
  let end = limit - Buffer.byteLength(marker)
  if (isUtf8Safe) while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end) + marker
}

/** The entries with those of inner maps and lists beside them. */
class Flattening {
  readonly #result = new PlainMap()
  readonly #seen = new Map<string, number>()
  readonly #maxDepth: bigint
  readonly #resolvesConflicts: boolean

  constructor(maxDepth: bigint, resolvesConflicts: boolean) {
    this.#maxDepth = maxDepth
    this.#resolvesConflicts = resolvesConflicts
  }

  run(entries: readonly KeyValue[], prefix: string): KeyValue[] {
    this.#map(entries, prefix, 0n)
    return this.#result.toArray()
  }

  #map(entries: readonly KeyValue[], prefix: string, depth: bigint): void {
    const start = prefix === '' ? '' : `${prefix}.`
    for (const { key, value } of entries) this.#value(start + key, value, depth)
  }

  #value(key: string, value: AnyValue, depth: bigint): void {
    if (value.type === 'map' && depth < this.#maxDepth) this.#map(value.value, key, depth + 1n)
    else if (value.type === 'array' && depth < this.#maxDepth) {
      value.value.forEach((inner, index) => {
        const isInner = depth + 1n < this.#maxDepth
        if (inner.type === 'map' && isInner) this.#map(inner.value, `${key}.${index}`, depth + 2n)
        // A list in a list loses the names of what it is in, as in the Collector.
        else if (inner.type === 'array' && isInner)
          inner.value.forEach((each, i) => this.#value(`${key}.${index}${i}`, each, depth + 3n))
        else if (this.#resolvesConflicts) this.#put(key, inner)
        else this.#result.set(`${key}.${index}`, inner)
      })
    } else if (this.#resolvesConflicts) this.#put(key, value)
    else this.#result.set(key, value)
  }

  #put(key: string, value: AnyValue): void {
    const isThere = this.#result.has(key)
    const count = this.#seen.get(key) ?? 0
    this.#seen.set(key, isThere ? count + 1 : 0)
    this.#result.set(isThere ? `${key}.${count}` : key, value)
  }
}

/** Of a list its elements, of nil none. A map is no element, as in the Collector. */
function elementsOf(value: Value): readonly AnyValue[] {
  if (value === undefined) return []
  return isList(value) ? value.value : [elementOf(value)]
}

function elementOf(value: Value): AnyValue {
  const element = isMap(value) ? undefined : toAny(value)
  if (!element) throw new EvaluationError(`a ${typeName(value)} cannot be appended, nor be appended to`)
  return element
}

/** The last takes the place of what is taken out, as in the Collector. */
function deleteKey(map: LiveMap, key: string): void {
  if (!map.has(key)) return
  const last = map.keys().at(-1)!
  if (last === key) {
    map.delete(key)
    return
  }
  const value = map.get(last)!
  map.rename(key, last)
  map.set(last, value)
}

/** Of the type that it is, what it is when it was never set. */
function zeroOf(value: Value): Value {
  switch (typeof value) {
    case 'undefined':
      return undefined
    case 'string':
      return ''
    case 'bigint':
      return 0n
    case 'number':
      return 0
    case 'boolean':
      return false
    default:
      if (isMap(value)) return mapValue([])
      if (isList(value)) return list([])
      if (value instanceof Uint8Array) return new Uint8Array(0)
      if (value instanceof Id) return new Id(value.kind, '')
      if (value instanceof Duration) return new Duration(0n)
      // The year 1, which no field of nanoseconds can tell.
      if (value instanceof Time) return new Time(-62_135_596_800n * 1_000_000_000n)
      throw new EvaluationError(`a ${typeName(value)} cannot be cleared`)
  }
}

export const EDITORS = [
  defineFunction('set', { target: path, value: any }, ({ target, value }) => (item) => {
    const found = value.get(item)
    if (found !== undefined) target.set(item, found)
    return undefined
  }),

  defineFunction('clear', { target: path }, ({ target }) => (item) => {
    target.set(item, zeroOf(target.get(item)))
    return undefined
  }),

  defineFunction('append', { target: path, value: optional(any), values: optional(listOf(any)) }, (given) => {
    const { target, value, values } = given
    if (!value && !values) throw new EvaluationError('append wants value or values')
    const added = [...(value ? [value] : []), ...(values ?? [])]
    return (item) => {
      const before = elementsOf(target.get(item))
      target.set(item, { type: 'array', value: [...before, ...added.map((each) => elementOf(each.get(item)))] })
      return undefined
    }
  }),

  defineFunction('delete_key', { target: mapTarget, key: string }, ({ target, key }) => (item) => {
    target(item, (map) => deleteKey(map, key.get(item)))
    return undefined
  }),

  defineFunction('delete_matching_keys', { target: mapTarget, pattern: regex }, ({ target, pattern }) => (item) => {
    const keys = pattern.get(item)
    target(item, (map) => map.retain((key) => !keys.test(key)))
    return undefined
  }),

  defineFunction('keep_matching_keys', { target: mapTarget, pattern: regex }, ({ target, pattern }) => (item) => {
    const keys = pattern.get(item)
    target(item, (map) => map.retain((key) => keys.test(key)))
    return undefined
  }),

  defineFunction('keep_keys', { target: mapTarget, keys: listOf(string) }, ({ target, keys }) => {
    const all = folded(keys, (item) => new Set(keys.map((key) => key.get(item))))
    return (item) => {
      target(item, (map) => {
        const kept = all.get(item)
        map.retain((key) => kept.has(key))
      })
      return undefined
    }
  }),

  defineFunction(
    'limit',
    { target: mapTarget, limit: writtenInt, priorityKeys: listOf(writtenString) },
    ({ target, limit, priorityKeys }) => {
      if (limit < 0n) throw new EvaluationError(`a limit of ${limit} is below 0`)
      if (limit < BigInt(priorityKeys.length))
        throw new EvaluationError(`a limit of ${limit} has no room for ${priorityKeys.length} priority keys`)
      const priority = new Set(priorityKeys)
      return (item) => {
        target(item, (map) => {
          if (BigInt(map.size) <= limit) return
          let room = Number(limit) - priorityKeys.filter((key) => map.has(key)).length
          map.retain((key) => priority.has(key) || room-- > 0)
        })
        return undefined
      }
    },
  ),

  defineFunction(
    'truncate_all',
    {
      target: mapTarget,
      limit: writtenInt,
      utf8Safe: optional(writtenBool),
      truncationMarker: optional(writtenString),
    },
    ({ target, limit, utf8Safe = true, truncationMarker = '' }) => {
      if (limit < 0n) throw new EvaluationError(`a limit of ${limit} is below 0`)
      if (BigInt(Buffer.byteLength(truncationMarker)) > limit)
        throw new EvaluationError(`the marker is longer than the limit of ${limit}`)
      const bytes = Number(limit)
      return (item) => {
        target(item, (map) =>
          map.update((_, value) => {
            if (value.type !== 'string') return value
            const text = truncated(value.value, bytes, utf8Safe, truncationMarker)
            return text === value.value ? value : { type: 'string', value: text }
          }),
        )
        return undefined
      }
    },
  ),

  defineFunction('stringify_all', { target: mapTarget }, ({ target }) => (item) => {
    target(item, (map) =>
      map.update((_, value) => (value.type === 'string' ? value : { type: 'string', value: valueText(value) })),
    )
    return undefined
  }),

  defineFunction(
    'merge_maps',
    { target: mapTarget, source: map, strategy: writtenString },
    ({ target, source, strategy }) => {
      if (!STRATEGIES.includes(strategy))
        throw new EvaluationError(`unknown strategy ${JSON.stringify(strategy)}; known: ${STRATEGIES.join(', ')}`)
      return (item) => {
        target(item, (map) => {
          for (const { key, value } of source.get(item)) {
            const before = map.get(key)
            const isWanted = strategy === 'upsert' || (before === undefined) === (strategy === 'insert')
            if (isWanted && !(before && isSameValue(before, value))) map.set(key, value)
          }
        })
        return undefined
      }
    },
  ),

  defineFunction(
    'flatten',
    {
      target: mapTarget,
      prefix: optional(writtenString),
      depth: optional(writtenInt),
      resolveConflicts: optional(writtenBool),
    },
    ({ target, prefix = '', depth = 2n ** 63n - 1n, resolveConflicts = false }) => {
      if (depth < 1n) throw new EvaluationError(`a depth of ${depth} is below 1`)
      return (item) => {
        target(item, (map) => {
          const before = map.toArray()
          const isFlat = before.every(({ value }) => value.type !== 'map' && value.type !== 'array')
          if (!isFlat || prefix !== '') map.replaceAll(new Flattening(depth, resolveConflicts).run(before, prefix))
        })
        return undefined
      }
    },
  ),

  defineFunction('delete_index', { target: path, startIndex: int, endIndex: optional(int) }, (given) => {
    const { target, startIndex, endIndex } = given
    return (item) => {
      const value = target.get(item)
      if (!isList(value)) return expected('list', value)
      const length = BigInt(value.value.length)
      const start = startIndex.get(item)
      const end = endIndex ? endIndex.get(item) : start + 1n
      const isAll = start === 0n && end === length
      if (!isAll && (start < 0n || start >= length || end < start || end > length))
        throw new EvaluationError(`there is no part from ${start} to ${end} of a list of ${length}`)
      target.set(item, { type: 'array', value: value.value.toSpliced(Number(start), Number(end - start)) })
      return undefined
    }
  }),
]
