import type { AnyValue, KeyValue } from '@spoor/otlp'
import type { Field, Filter, Level, Target } from '../contract.ts'
import type { SentSpan } from './spans.ts'

/**
 * The filter by the letter of the contract, on decoded spans: what an engine's answer is held against. Slow, plain, and sharing no code
 * with any engine.
 */
export function matches(filter: Filter, sent: SentSpan): boolean {
  switch (filter.op) {
    case 'and':
      return filter.args.every((arg) => matches(arg, sent))
    case 'or':
      return filter.args.some((arg) => matches(arg, sent))
    case 'not':
      return !matches(filter.arg, sent)
    case 'word':
      return hasWord(filter.value, sent)
    case 'exists':
      return valuesOf(filter.target, sent).some((value) => !('field' in filter.target) || value !== '')
    case 'regex':
      return valuesOf(filter.target, sent).some((value) => new RegExp(filter.value).test(textOf(value)))
    case 'in':
      return valuesOf(filter.target, sent).some((value) => filter.values.some((wanted) => order(value, wanted) === 0))
    case 'ne': {
      const values = valuesOf(filter.target, sent)
      return values.length > 0 && values.every((value) => order(value, filter.value) !== 0)
    }
    case 'eq':
      return valuesOf(filter.target, sent).some((value) => order(value, filter.value) === 0)
    case 'lt':
      return valuesOf(filter.target, sent).some((value) => order(value, filter.value) === -1)
    case 'gt':
      return valuesOf(filter.target, sent).some((value) => order(value, filter.value) === 1)
    case 'lte':
      return valuesOf(filter.target, sent).some((value) => [-1, 0].includes(order(value, filter.value) ?? 2))
    default:
      return valuesOf(filter.target, sent).some((value) => [1, 0].includes(order(value, filter.value) ?? 2))
  }
}

function hasWord(word: string, sent: SentSpan): boolean {
  const { span } = sent
  const named = [span.name, String(fieldOf('service', sent))].some((text) =>
    text.toLowerCase().includes(word.toLowerCase()),
  )
  const valued = Object.values(attributesOf(sent)).some((list) =>
    list.some(({ value }) => textOf(plain(value)) === word),
  )
  return named || valued || [span.spanId, span.traceId].includes(word.toLowerCase())
}

export type Plain = string | number | bigint

/** -1, 0, 1, or undefined when the two cannot be compared. */
function order(value: Plain, wanted: string | number | bigint | boolean): number | undefined {
  if (typeof wanted === 'string' || typeof wanted === 'boolean') {
    const [a, b] = [textOf(value), String(wanted)]
    return a < b ? -1 : a > b ? 1 : 0
  }
  const number = typeof value === 'string' ? numberOf(value) : value
  if (number === undefined || Number.isNaN(number) || Number.isNaN(wanted)) return undefined
  return number < wanted ? -1 : number > wanted ? 1 : 0
}

/** The number that a text is, in the form in which JavaScript writes it. */
export function numberOf(text: string): number | bigint | undefined {
  if (/^(0|-?[1-9]\d*)$/.test(text)) return BigInt(text)
  const number = Number(text)
  return String(number) === text ? number : undefined
}

function textOf(value: Plain): string {
  return String(value)
}

/** The values of a target on one span, as a filter compares them. */
export function valuesOf(target: Target, sent: SentSpan): Plain[] {
  if ('field' in target) return fieldsOf(target.field, sent)
  const lists = attributesOf(sent)
  const level = target.level ?? 'any'
  const list = level === 'any' ? Object.values(lists).flat() : lists[level]
  return list.filter(({ key }) => key === target.attribute).map(({ value }) => plain(value))
}

function attributesOf({ span, resource, scope }: SentSpan): Record<Exclude<Level, 'any'>, readonly KeyValue[]> {
  return {
    span: span.attributes,
    event: span.events.flatMap((event) => event.attributes),
    resource: resource.attributes,
    scope: scope.attributes,
    link: span.links.flatMap((link) => link.attributes),
  }
}

function plain(value: AnyValue): Plain {
  return value.type === 'int' || value.type === 'double' ? value.value : textForm(value)
}

/** Arrays and maps as JSON, bytes as base64. */
function textForm(value: AnyValue): string {
  if (value.type === 'empty') return ''
  if (value.type === 'bytes') return Buffer.from(value.value).toString('base64')
  if (value.type === 'array' || value.type === 'map') return json(value)
  return String(value.value)
}

function json(value: AnyValue): string {
  if (value.type === 'array') return `[${value.value.map(json).join(',')}]`
  if (value.type === 'map')
    return `{${value.value.map((entry) => `${JSON.stringify(entry.key)}:${json(entry.value)}`).join(',')}}`
  if (value.type === 'empty') return 'null'
  return value.type === 'string' || value.type === 'bytes' ? JSON.stringify(textForm(value)) : String(value.value)
}

/** A duration as a number with a sign in 64 bits can hold it. */
function saturated(duration: number): number {
  const longest = 2 ** 63 - 1024
  return Math.max(-longest, Math.min(longest, duration))
}

function fieldsOf(field: Field, sent: SentSpan): Plain[] {
  switch (field) {
    case 'eventName':
      return sent.span.events.map(({ name }) => name).filter((name) => name !== '')
    case 'linkTraceId':
      return sent.span.links.map(({ traceId }) => traceId)
    case 'linkSpanId':
      return sent.span.links.map(({ spanId }) => spanId)
    default:
      return [fieldOf(field, sent)]
  }
}

type OneField = Exclude<Field, 'eventName' | 'linkTraceId' | 'linkSpanId'>

function fieldOf(field: OneField, { span, resource, scope }: SentSpan): Plain {
  switch (field) {
    case 'service': {
      const name = resource.attributes.find(({ key }) => key === 'service.name')?.value
      return (name?.type === 'string' && name.value) || 'unknown_service'
    }
    case 'name':
      return span.name
    case 'kind':
      return ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'][span.kind] ?? ''
    case 'status':
      return ['unset', 'ok', 'error'][span.status.code] ?? ''
    case 'statusMessage':
      return span.status.message
    case 'duration':
      return saturated(Number(span.endTimeUnixNano - span.startTimeUnixNano))
    case 'start':
      return span.startTimeUnixNano
    case 'traceState':
      return span.traceState
    case 'scopeName':
      return scope.name
    case 'traceId':
      return span.traceId
    case 'spanId':
      return span.spanId
    case 'parentId':
      return span.parentSpanId
    default:
      return scope.version
  }
}
