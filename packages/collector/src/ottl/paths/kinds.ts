/** The kinds of paths: what they read, and what they can be set to. */
import { EvaluationError } from '../error.ts'
import { mapPath, setMap, type Keys } from '../indexing.ts'
import type { Item, PathNode } from '../node.ts'
import { expected, expectInt, expectString, Id, Messages, Time, type LiveMap, type Value } from '../value.ts'

/** A path, with what can stand behind it. */
export interface Path extends PathNode {
  readonly fields?: Readonly<Record<string, Path>>
  /** Only what is in it has a value. */
  readonly isGroup?: boolean
  readonly at?: (keys: Keys) => PathNode
}

export function path(
  get: (item: Item) => Value,
  set: (item: Item, value: Value) => void,
  more: Partial<Path> = {},
): Path {
  return { get, set, ...more }
}

export const text = (get: (item: Item) => string, set: (item: Item, text: string) => void): Path =>
  path(get, (item, value) => set(item, expectString(value)))

export const int = (get: (item: Item) => number | undefined, set: (item: Item, int: number) => void): Path =>
  path(
    (item) => {
      const value = get(item)
      return value === undefined ? undefined : BigInt(value)
    },
    (item, value) => set(item, Number(BigInt.asIntN(32, expectInt(value)))),
  )

/** 32 bits without a sign. */
export const count = (get: (item: Item) => number, set: (item: Item, count: number) => void): Path =>
  path(
    (item) => BigInt(get(item)),
    (item, value) => set(item, Number(BigInt.asUintN(32, expectInt(value)))),
  )

export const long = (get: (item: Item) => bigint | undefined, set: (item: Item, long: bigint) => void): Path =>
  path(
    (item) => {
      const value = get(item)
      return value === undefined ? undefined : BigInt.asIntN(64, value)
    },
    (item, value) => set(item, BigInt.asUintN(64, expectInt(value))),
  )

/** The same as nanoseconds, and as a time. */
export function times(
  name: string,
  get: (item: Item) => bigint,
  set: (item: Item, nanos: bigint) => void,
): Record<string, Path> {
  return {
    [`${name}_unix_nano`]: long(get, set),
    [name]: path(
      (item) => new Time(get(item)),
      (item, value) => (value instanceof Time ? set(item, BigInt.asUintN(64, value.nanos)) : expected('time', value)),
    ),
  }
}

export function id(kind: Id['kind'], get: (item: Item) => string, set: (item: Item, hex: string) => void): Path {
  const digits = kind === 'trace' ? 32 : 16
  return path(
    (item) => new Id(kind, get(item)),
    (item, value) =>
      value instanceof Id && value.kind === kind ? set(item, value.field) : expected(`${kind} id`, value),
    {
      fields: {
        string: text(
          (item) => get(item) || '0'.repeat(digits),
          (item, hex) => {
            if (hex.length !== digits || !/^[0-9a-fA-F]*$/.test(hex))
              throw new EvaluationError(`${JSON.stringify(hex)} is no ${kind} id; one has ${digits} hex digits`)
            set(item, new Id(kind, hex.toLowerCase()).field)
          },
        ),
      },
    },
  )
}

export function attributes(map: (item: Item) => LiveMap): Path {
  return path(map, (item, value) => setMap(map(item), value), { at: (keys) => mapPath(map, keys) })
}

export function messages(count: (item: Item) => number): Path {
  return path(
    (item) => new Messages(count(item)),
    () => {
      throw new EvaluationError('it cannot be set as a whole')
    },
  )
}
