/** What the layouts of all signals share. */
import { valueToJsonText, type AnyValue, type KeyValue } from '@spoor/otlp'

/** Nothing where there are none. */
export function addAttributes(lines: string[], title: string, attributes: readonly KeyValue[], indent = '     '): void {
  if (attributes.length === 0) return
  lines.push(`${title}:`)
  for (const { key, value } of attributes) lines.push(`${indent}-> ${key}: ${typedText(value)}`)
}

export function typedText(value: AnyValue): string {
  switch (value.type) {
    case 'string':
      return `Str(${value.value})`
    case 'bool':
      return `Bool(${value.value})`
    case 'int':
      return `Int(${value.value})`
    case 'double':
      return `Double(${value.value})`
    case 'bytes':
      return `Bytes(${Buffer.from(value.value).toString('hex')})`
    case 'array':
      return `Slice(${plainText(value)})`
    case 'map':
      return `Map(${plainText(value)})`
    default:
      return 'Empty()'
  }
}

/** A value by itself: text is not quoted. */
export function plainText(value: AnyValue): string {
  return value.type === 'string' ? value.value : valueToJsonText(value)
}

export function pairs(attributes: readonly KeyValue[], separator = ' '): string {
  return attributes.map(({ key, value }) => `${key}=${plainText(value)}`).join(separator)
}

function bracket(schemaUrl: string): string {
  return schemaUrl === '' ? '' : `[${schemaUrl}]`
}

export function join(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' ')
}

/** `2026-11-22 09:30:00.123456789 +0000 UTC`. */
export function timeText(unixNano: bigint): string {
  const seconds = new Date(Number(unixNano / 1_000_000_000n) * 1000)
  if (Number.isNaN(seconds.getTime())) return `${unixNano} ns`
  const fraction = String(unixNano % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  const text = seconds.toISOString().slice(0, 19).replace('T', ' ')
  return `${text}${fraction === '' ? '' : `.${fraction}`} +0000 UTC`
}

/** A resource and its attributes. */
export interface ResourceText {
  readonly schemaUrl: string
  readonly attributes: readonly KeyValue[]
}

export interface ScopeText extends ResourceText {
  readonly name: string
  readonly version: string
}

/** The line of a resource in the layout `normal`. */
export function resourceLine(title: string, { schemaUrl, attributes }: ResourceText): string {
  return join(title, bracket(schemaUrl), pairs(attributes))
}

export function scopeLine(title: string, { name, version, schemaUrl, attributes }: ScopeText): string {
  return join(title, version === '' ? name : `${name}@${version}`, bracket(schemaUrl), pairs(attributes))
}

/** The lines of a resource in the layout `detailed`. */
export function addResource(lines: string[], title: string, { schemaUrl, attributes }: ResourceText): void {
  lines.push(title, `Resource SchemaURL: ${schemaUrl}`)
  addAttributes(lines, 'Resource attributes', attributes)
}

export function addScope(lines: string[], title: string, index: number, scope: ScopeText): void {
  lines.push(`${title} #${index}`, `${title} SchemaURL: ${scope.schemaUrl}`)
  lines.push(`InstrumentationScope ${scope.name} ${scope.version}`)
  addAttributes(lines, 'InstrumentationScope attributes', scope.attributes)
}
