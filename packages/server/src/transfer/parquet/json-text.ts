import type { AnyValue, KeyValue } from '@spoor/otlp'

/**
 * Attributes as the text of a JSON object, in their order; null when there are none. Values are plain JSON, so that every tool finds its way
 * through them, and each kind can still be told from the others: integers in full, doubles always with a fraction or an exponent,
 * bytes as `{"bytesValue": "<base64>"}`, numbers that JSON lacks as `{"doubleValue": "NaN"}` (`Infinity`, `-Infinity`), as OTLP/JSON
 * has these, and an empty value as null.
 */
export function attributesText(attributes: readonly KeyValue[]): string | null {
  return attributes.length === 0 ? null : objectText(attributes)
}

function objectText(entries: readonly KeyValue[]): string {
  return `{${entries.map(({ key, value }) => `${JSON.stringify(key)}:${valueText(value)}`).join(',')}}`
}

function valueText(value: AnyValue): string {
  switch (value.type) {
    case 'string':
      return JSON.stringify(value.value)
    case 'double':
      return doubleText(value.value)
    case 'bytes':
      return `{"bytesValue":"${Buffer.from(value.value).toString('base64')}"}`
    case 'array':
      return `[${value.value.map(valueText).join(',')}]`
    case 'map':
      return objectText(value.value)
    case 'empty':
      return 'null'
    default:
      return String(value.value)
  }
}

function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `{"doubleValue":"${value}"}`
  const text = Object.is(value, -0) ? '-0' : String(value)
  return /[.e]/.test(text) ? text : `${text}.0`
}
