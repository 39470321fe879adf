/** What statements compute with. */
import { Attributes, type AnyValue } from '@spoor/otlp'
import { EvaluationError } from './error.ts'
import { PlainMap } from './plain-map.ts'

export type ListValue = Extract<AnyValue, { type: 'array' }>
export type MapValue = Extract<AnyValue, { type: 'map' }>

/** A point in time: nanoseconds since 1970, and how far the clock on the wall is before UTC where that is known. */
export class Time {
  readonly nanos: bigint
  readonly offsetSeconds: number
  constructor(nanos: bigint, offsetSeconds = 0) {
    this.nanos = nanos
    this.offsetSeconds = offsetSeconds
  }
}

/** A length of time in nanoseconds. */
export class Duration {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = BigInt.asIntN(64, nanos)
  }
}

/** A trace id, a span id or that of a profile: not a string, and not bytes; equal to another of its kind only. */
export class Id {
  readonly kind: 'trace' | 'span' | 'profile'
  /** Of the full length; zeros where there is none. */
  readonly hex: string
  constructor(kind: Id['kind'], hex: string) {
    this.kind = kind
    this.hex = hex || '0'.repeat(kind === 'span' ? 16 : 32)
  }

  /** As fields have it: `''` for zeros. */
  get field(): string {
    return /^0*$/.test(this.hex) ? '' : this.hex
  }
}

/** Messages that statements can only count: the events and links of a span. */
export class Messages {
  readonly count: number
  constructor(count: number) {
    this.count = count
  }
}

/** Attributes where they are, or a map that statements keep: what is changed in it is changed there. */
export type LiveMap = Attributes | PlainMap

/** Undefined is nil; an int is a bigint, a double a number. */
export type Value =
  | undefined
  | string
  | boolean
  | bigint
  | number
  | Uint8Array
  | ListValue
  | MapValue
  | LiveMap
  | Time
  | Duration
  | Id
  | Messages

export const EMPTY: AnyValue = { type: 'empty' }

export function fromAny(value: AnyValue): Value {
  switch (value.type) {
    case 'empty':
      return undefined
    case 'array':
    case 'map':
      return value
    default:
      return value.value
  }
}

/** As an attribute has it; undefined for what none can be. */
export function toAny(value: Value): AnyValue | undefined {
  switch (typeof value) {
    case 'undefined':
      return EMPTY
    case 'string':
      return { type: 'string', value }
    case 'boolean':
      return { type: 'bool', value }
    case 'bigint':
      return { type: 'int', value }
    case 'number':
      return { type: 'double', value }
    default:
      if (value instanceof Uint8Array) return { type: 'bytes', value }
      if (isLiveMap(value)) return { type: 'map', value: value.toArray() }
      return 'type' in value ? value : undefined
  }
}

/** Of a value that a map is written with. Throws {@link EvaluationError} for what no attribute can be. */
export function storable(value: Value): Value {
  if (toAny(value) === undefined) throw new EvaluationError(`a ${typeName(value)} cannot be in a map`)
  return value
}

export function list(values: readonly Value[]): ListValue {
  return { type: 'array', value: values.map((value) => toAny(value) ?? EMPTY) }
}

export function map(entries: Iterable<readonly [string, Value]>): MapValue {
  return { type: 'map', value: Array.from(entries, ([key, value]) => ({ key, value: toAny(value) ?? EMPTY })) }
}

export function isLiveMap(value: Value): value is LiveMap {
  return value instanceof Attributes || value instanceof PlainMap
}

export function isList(value: Value): value is ListValue {
  return typeof value === 'object' && 'type' in value && value.type === 'array'
}

export function isMap(value: Value): value is MapValue | LiveMap {
  return isLiveMap(value) || (typeof value === 'object' && 'type' in value && value.type === 'map')
}

/** The entries of a map, whichever it is. */
export function entriesOf(value: MapValue | LiveMap): MapValue['value'] {
  return isLiveMap(value) ? value.toArray() : value.value
}

/** How many entries a map has, without a look at their values. */
export function sizeOf(value: MapValue | LiveMap): number {
  return isLiveMap(value) ? value.size : value.value.length
}

/** As errors name it. */
export function typeName(value: Value): string {
  switch (typeof value) {
    case 'undefined':
      return 'nil'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'string':
      return 'string'
    default:
      if (value instanceof Uint8Array) return 'bytes'
      if (value instanceof Time) return 'time'
      if (value instanceof Duration) return 'duration'
      if (value instanceof Id) return `${value.kind} id`
      if (value instanceof Messages) return 'list of messages'
      return isMap(value) ? 'map' : 'list'
  }
}

/** Throws {@link EvaluationError}. */
export function expected(type: string, value: Value): never {
  throw new EvaluationError(`expected ${type}, got ${typeName(value)}`)
}

export function expectString(value: Value): string {
  return typeof value === 'string' ? value : expected('string', value)
}

export function expectMap(value: Value): MapValue['value'] {
  return isMap(value) ? entriesOf(value) : expected('map', value)
}

export function expectInt(value: Value): bigint {
  return typeof value === 'bigint' ? value : expected('int', value)
}
