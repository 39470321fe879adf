import { type AnyValue, bytesToHex } from '@spoor/otlp'

/**
 * An attribute's value as it is shown and copied. Text as it came, or laid out when it is a JSON object or list; bytes in hexadecimal; lists and
 * maps as JSON.
 */
export function valueText(value: AnyValue): string {
  switch (value.type) {
    case 'string':
      return laidOut(value.value)
    case 'bool':
    case 'int':
    case 'double':
      return String(value.value)
    case 'bytes':
      return bytesToHex(value.value, 0, value.value.length)
    case 'empty':
      return 'null'
    default:
      return jsonText(value, '')
  }
}

function laidOut(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

/** JSON of a value with its whole numbers in full: `JSON.stringify` knows no bigint. Short lists stay on one line. */
function jsonText(value: AnyValue, indent: string): string {
  if (value.type === 'array')
    return bracketed(
      '[',
      ']',
      value.value.map((entry) => jsonText(entry, `${indent}  `)),
      indent,
    )
  if (value.type === 'map') {
    const entries = value.value.map((entry) => `${JSON.stringify(entry.key)}: ${jsonText(entry.value, `${indent}  `)}`)
    return bracketed('{', '}', entries, indent)
  }
  if (value.type === 'string') return JSON.stringify(value.value)
  if (value.type === 'bytes') return `"${valueText(value)}"`
  return valueText(value)
}

function bracketed(open: string, close: string, parts: readonly string[], indent: string): string {
  const line = parts.join(', ')
  if (line.length < 60 && !line.includes('\n')) return `${open}${line}${close}`
  return `${open}\n${parts.map((part) => `${indent}  ${part}`).join(',\n')}\n${indent}${close}`
}
