import { bytesToBase64 } from './base64.ts'
import type { AnyValue } from './model.ts'

/**
 * A value as JSON text: integers of any size in full, bytes as base64 text, an empty value as null. NaN and the infinities are written as
 * JavaScript writes them, which JSON has no form for.
 */
export function valueToJsonText(value: AnyValue): string {
  switch (value.type) {
    case 'string':
      return JSON.stringify(value.value)
    case 'bytes':
      return JSON.stringify(bytesToBase64(value.value))
    case 'array':
      return `[${value.value.map(valueToJsonText).join(',')}]`
    case 'map':
      return `{${value.value.map((entry) => `${JSON.stringify(entry.key)}:${valueToJsonText(entry.value)}`).join(',')}}`
    case 'empty':
      return 'null'
    default:
      return String(value.value)
  }
}
