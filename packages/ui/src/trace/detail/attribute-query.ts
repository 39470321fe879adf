import type { AnyValue } from '@spoor/otlp'
import { quote } from '../../search/search-url.ts'

/** Levels of attributes that a query can name. */
export type AttributeLevel = 'span' | 'resource' | 'scope' | 'event' | 'link'

/** Of longer values no query is made: an address would not hold it. Characters. */
const maxLength = 500

/** The term that finds spans with this attribute; undefined where a query has no words for it. */
export function termOf(level: AttributeLevel, key: string, value: AnyValue): string | undefined {
  if (value.type !== 'string' && value.type !== 'bool' && value.type !== 'int' && value.type !== 'double') {
    return undefined
  }
  const text = String(value.value)
  if (key === '' || text === '' || text.length > maxLength || /[\n\r]/.test(text)) return undefined
  // A key in quotes is of any level, and cannot have one before it.
  const name = quote(key)
  return `${name === key ? `${level}.${key}` : name}:${quote(text)}`
}
