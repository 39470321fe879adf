/** Texts as values of OTLP. */
import type { AnyValue, KeyValue } from '@spoor/otlp'

const MAX_INT = 2n ** 63n - 1n
const MIN_INT = -(2n ** 63n)

export function textValue(value: string): AnyValue {
  return { type: 'string', value }
}

/** Whole numbers, numbers with a point, and `true` and `false` as what they look like, where that is asked for. */
export function tagValue(text: string, parses: boolean): AnyValue {
  if (!parses) return textValue(text)
  if (/^-?\d+$/.test(text)) {
    const value = BigInt(text)
    return value >= MIN_INT && value <= MAX_INT ? { type: 'int', value } : textValue(text)
  }
  if (/^-?\d+\.\d+$/.test(text)) return { type: 'double', value: Number(text) }
  return text === 'true' || text === 'false' ? { type: 'bool', value: text === 'true' } : textValue(text)
}

/** The attributes that a JSON object stands for; undefined where the text is none. */
export function attributesFromJson(text: string): KeyValue[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? entriesOf(value) : undefined
}

function entriesOf(fields: object): KeyValue[] {
  return Object.entries(fields).map(([key, value]) => ({ key, value: jsonValue(value) }))
}

function jsonValue(value: unknown): AnyValue {
  if (typeof value === 'string') return textValue(value)
  if (typeof value === 'boolean') return { type: 'bool', value }
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { type: 'int', value: BigInt(value) } : { type: 'double', value }
  if (Array.isArray(value)) return { type: 'array', value: value.map(jsonValue) }
  return typeof value === 'object' && value !== null ? { type: 'map', value: entriesOf(value) } : { type: 'empty' }
}
