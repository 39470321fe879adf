/** Values as texts, as Go writes them. */
import { bytesToHex, type AnyValue } from '@spoor/otlp'
import { orderOfTexts } from './compare.ts'
import { Duration, entriesOf, Id, isList, isMap, Time, type Value } from './value.ts'
import { rfc3339 } from './time/civil.ts'

/** What converters make of a value that take whatever is like a string; undefined for nil. */
export function textOf(value: Value): string | undefined {
  switch (typeof value) {
    case 'undefined':
      return undefined
    case 'string':
      return value
    case 'number':
      return longNumberText(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      if (value instanceof Uint8Array) return bytesToHex(value)
      if (value instanceof Time) return `"${rfc3339(value)}"`
      if (value instanceof Duration) return String(value.nanos)
      if (value instanceof Id) return JSON.stringify([...Buffer.from(value.hex, 'hex')])
      if (isMap(value)) return htmlSafe(json({ type: 'map', value: entriesOf(value) }, longNumberText))
      return isList(value) ? htmlSafe(json(value, longNumberText)) : '{}'
  }
}

/** An attribute's value as `.string` and `stringify_all` have it. */
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
      return numberText(value.value)
    default:
      return String(value.value)
  }
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

/** The exponent has two digits: converters have their JSON from another library. */
function longNumberText(value: number): string {
  return numberText(value).replace(/e-(\d)$/, 'e-0$1')
}

/** JSON as Go writes it: keys in order. */
function json(value: AnyValue, double = numberText): string {
  switch (value.type) {
    case 'empty':
      return 'null'
    case 'string':
      return jsonText(value.value)
    case 'bytes':
      return `"${Buffer.from(value.value).toString('base64')}"`
    case 'array':
      return `[${value.value.map((each) => json(each, double)).join(',')}]`
    case 'map': {
      const entries = value.value.toSorted((a, b) => orderOfTexts(a.key, b.key))
      return `{${entries.map((entry) => `${jsonText(entry.key)}:${json(entry.value, double)}`).join(',')}}`
    }
    case 'double':
      return double(value.value)
    default:
      return String(value.value)
  }
}

function jsonText(text: string): string {
  return escaped(JSON.stringify(text), /[\u2028\u2029]/g)
}

/** Without characters that HTML gives a meaning, as Go writes JSON where nobody forbids it. */
function htmlSafe(text: string): string {
  return escaped(text, /[<>&]/g)
}

function escaped(text: string, characters: RegExp): string {
  return text.replace(characters, (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
