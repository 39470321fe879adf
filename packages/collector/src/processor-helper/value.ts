/** Values of attributes: as a configuration gives them, and as text in the forms that the OpenTelemetry Collector has for them. */
import type { AnyValue, KeyValue } from '@spoor/otlp'
import { Double } from '../component/index.ts'

export const text = (value: string): AnyValue => ({ type: 'string', value })

/** What YAML says as the value of an attribute: a whole number is an integer. */
export function valueOf(written: unknown): AnyValue {
  switch (typeof written) {
    case 'string':
      return text(written)
    case 'boolean':
      return { type: 'bool', value: written }
    case 'bigint':
      return { type: 'int', value: written }
    case 'number':
      return Number.isInteger(written) ? { type: 'int', value: BigInt(written) } : { type: 'double', value: written }
    default:
      if (written === null || written === undefined) return { type: 'empty' }
      if (written instanceof Double) return { type: 'double', value: written.value }
      if (Array.isArray(written)) return { type: 'array', value: written.map(valueOf) }
      return { type: 'map', value: Object.entries(written).map(([key, value]) => ({ key, value: valueOf(value) })) }
  }
}

/** As text of its own: lists and maps as JSON with keys in order, bytes as base64, nothing as `''`. */
export function valueText(value: AnyValue): string {
  switch (value.type) {
    case 'empty':
      return ''
    case 'bytes':
      return Buffer.from(value.value).toString('base64')
    case 'array':
    case 'map':
      return json(value)
    case 'double':
      return doubleText(value.value)
    default:
      return String(value.value)
  }
}

/** JSON as Go writes it, keys in order; `double`: how a double is written. */
export function json(value: AnyValue, double = doubleText): string {
  switch (value.type) {
    case 'empty':
      return 'null'
    case 'string':
      return jsonText(value.value)
    case 'bytes':
      return `"${valueText(value)}"`
    case 'array':
      return `[${value.value.map((each) => json(each, double)).join(',')}]`
    case 'map': {
      const last = new Map(value.value.map((entry): [string, KeyValue] => [entry.key, entry]))
      const entries = [...last.values()].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
      return `{${entries.map((entry) => `${jsonText(entry.key)}:${json(entry.value, double)}`).join(',')}}`
    }
    case 'double':
      return double(value.value)
    default:
      return valueText(value)
  }
}

function jsonText(value: string): string {
  return JSON.stringify(value).replaceAll(/[\u2028\u2029]/g, (character) =>
    character === '\u2028' ? String.raw`\u2028` : String.raw`\u2029`,
  )
}

function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** A text, number or truth value as text; undefined for what is none of these. */
export function scalarText(value: AnyValue): string | undefined {
  switch (value.type) {
    case 'string':
      return value.value
    case 'bool':
    case 'int':
      return String(value.value)
    case 'double':
      return plainDoubleText(value.value)
    default:
      return undefined
  }
}

/** A double in digits alone, without an exponent, as few as tell it from its neighbours. */
function plainDoubleText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
  const short = doubleText(value)
  const parts = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(short)
  if (!parts) return short
  const [, sign, whole, fraction = '', exponent] = parts as unknown as [string, string, string, string?, string?]
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.padEnd(point, '0')}`
}

/** Whether they are the same value of the same type; the order of a map's entries does not count. */
export function isSameValue(a: AnyValue, b: AnyValue): boolean {
  if (a.type === 'array' && b.type === 'array') {
    return a.value.length === b.value.length && a.value.every((item, i) => isSameValue(item, b.value[i]!))
  }
  if (a.type === 'map' && b.type === 'map') {
    const others = new Map(b.value.map(({ key, value }): [string, AnyValue] => [key, value]))
    return a.value.length === b.value.length && a.value.every(({ key, value }) => isSameIn(others, key, value))
  }
  if (a.type === 'bytes' && b.type === 'bytes') return Buffer.compare(a.value, b.value) === 0
  if (a.type === 'empty' || b.type === 'empty') return a.type === b.type
  return a.type === b.type && a.value === b.value
}

function isSameIn(others: ReadonlyMap<string, AnyValue>, key: string, value: AnyValue): boolean {
  const other = others.get(key)
  return other !== undefined && isSameValue(value, other)
}
