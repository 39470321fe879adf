import { type AnyValue, bytesToBase64, type KeyValue } from '@spoor/otlp'
import type { JaegerTag } from './jaeger-model.ts'

/** A span attribute by which Jaeger hands warnings through OTLP: an array of strings. */
export const WARNINGS = '@jaeger@warnings'

/**
 * One attribute as a tag: arrays and maps as JSON text, bytes as base64, integers that a JSON number cannot hold as
 * text.
 */
export function tagOf({ key, value }: KeyValue): JaegerTag {
  switch (value.type) {
    case 'string':
      return { key, type: 'string', value: value.value }
    case 'bool':
      return { key, type: 'bool', value: value.value }
    case 'int':
      return { key, type: 'int64', value: safeInteger(value.value) }
    case 'double':
      return { key, type: 'float64', value: Number.isFinite(value.value) ? value.value : String(value.value) }
    case 'bytes':
      return { key, type: 'binary', value: bytesToBase64(value.value) }
    case 'array':
    case 'map':
      return { key, type: 'string', value: jsonOf(value) }
    default:
      return { key, type: 'string', value: '' }
  }
}

function safeInteger(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/** An attribute's value as JSON text. Integers of any size are written as numbers. */
function jsonOf(value: AnyValue): string {
  switch (value.type) {
    case 'string':
      return JSON.stringify(value.value)
    case 'bytes':
      return JSON.stringify(bytesToBase64(value.value))
    case 'array':
      return `[${value.value.map(jsonOf).join(',')}]`
    case 'map':
      return `{${value.value.map((entry) => `${JSON.stringify(entry.key)}:${jsonOf(entry.value)}`).join(',')}}`
    case 'empty':
      return 'null'
    case 'double':
      return Number.isFinite(value.value) ? String(value.value) : JSON.stringify(String(value.value))
    default:
      return String(value.value)
  }
}

/** The text of a string attribute; undefined when it is absent or of another type. */
export function stringAttribute(attributes: readonly KeyValue[], key: string): string | undefined {
  const value = attributes.find((attribute) => attribute.key === key)?.value
  return value?.type === 'string' ? value.value : undefined
}
