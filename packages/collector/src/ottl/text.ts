/** Values as texts, as Go writes them. */
import { bytesToHex } from '@spoor/otlp'
import { json, valueText } from '../processor-helper/index.ts'
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

/** Converters have their JSON from another library. */
function longNumberText(value: number): string {
  return twoDigits(valueText({ type: 'double', value }))
}

/** A number whose exponent, where there is one, has two digits at least. */
export function twoDigits(text: string): string {
  return text.replace(/e([-+])(\d)$/, 'e$10$2')
}

/** Without characters that HTML gives a meaning, as Go writes JSON where nobody forbids it. */
function htmlSafe(text: string): string {
  return text.replace(/[<>&]/g, (character) => String.raw`\u00${character.charCodeAt(0).toString(16)}`)
}
