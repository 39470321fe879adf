import type { AnyValue } from '@spoor/otlp'
import type { Value } from './traceql/index.ts'

/** A value as JSON has OTLP's `AnyValue`: integers of 64 bits as text, bytes in base64. */
export type AnyValueJson =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number | string }
  | { readonly boolValue: boolean }
  | { readonly bytesValue: string }
  | { readonly arrayValue: { readonly values: readonly AnyValueJson[] } }
  | { readonly kvlistValue: { readonly values: readonly KeyValueJson[] } }
  | Record<string, never>

export interface KeyValueJson {
  readonly key: string
  readonly value: AnyValueJson
}

export function anyValueJson(value: AnyValue): AnyValueJson {
  switch (value.type) {
    case 'string':
      return { stringValue: value.value }
    case 'int':
      return { intValue: value.value.toString() }
    case 'double':
      return { doubleValue: Number.isFinite(value.value) ? value.value : String(value.value) }
    case 'bool':
      return { boolValue: value.value }
    case 'bytes':
      return { bytesValue: Buffer.from(value.value).toString('base64') }
    case 'array':
      return { arrayValue: { values: value.value.map(anyValueJson) } }
    case 'map':
      return { kvlistValue: { values: value.value.map(({ key, value: own }) => ({ key, value: anyValueJson(own) })) } }
    default:
      return {}
  }
}

/** Of what a query has made. Whole numbers are integers; `nil`: there is none. */
export function valueJson(value: Value | undefined): AnyValueJson {
  switch (typeof value) {
    case 'undefined':
      return { stringValue: 'nil' }
    case 'string':
      return { stringValue: value }
    case 'boolean':
      return { boolValue: value }
    case 'bigint':
      return { intValue: value.toString() }
    default:
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  }
}

/** What the text form of an attribute was before: a store groups by text, and what looks like a number compares with it. */
export function typeOfText(text: string): 'int' | 'float' | 'bool' | 'string' {
  if (/^(?:0|-?[1-9]\d{0,17})$/.test(text)) return 'int'
  if (/^-?\d/.test(text) && String(Number(text)) === text) return 'float'
  return text === 'true' || text === 'false' ? 'bool' : 'string'
}

/** As {@link valueJson}, of a text form. */
export function textJson(text: string | undefined): AnyValueJson {
  if (text === undefined) return { stringValue: 'nil' }
  switch (typeOfText(text)) {
    case 'int':
      return { intValue: text }
    case 'float':
      return { doubleValue: Number(text) }
    case 'bool':
      return { boolValue: text === 'true' }
    default:
      return { stringValue: text }
  }
}
