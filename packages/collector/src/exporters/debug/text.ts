/** Spans as lines that a person reads. The layouts are those of the OpenTelemetry Collector's debug exporter. */
import {
  valueToJsonText,
  type AnyValue,
  type KeyValue,
  type Resource,
  type ResourceSpans,
  type Scope,
  type Span,
  type TracesData,
} from '@spoor/otlp'

const KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer']
const STATUS_CODES = ['Unset', 'Ok', 'Error']
const LABEL_WIDTH = 15

/** One line for each resource, scope and span. */
export function normalText(data: TracesData): string {
  const lines: string[] = []
  data.resourceSpans.forEach((group, index) => {
    lines.push(join(`ResourceTraces #${index}`, bracket(group.schemaUrl), pairs(group.resource.attributes)))
    group.scopeSpans.forEach(({ scope, schemaUrl, spans }, scopeIndex) => {
      const name = scope.version === '' ? scope.name : `${scope.name}@${scope.version}`
      lines.push(join(`ScopeTraces #${scopeIndex}`, name, bracket(schemaUrl), pairs(scope.attributes)))
      for (const span of spans) lines.push(join(span.name, span.traceId, span.spanId, pairs(span.attributes)))
    })
  })
  return lines.join('\n')
}

/** Everything that a span holds. */
export function detailedText(data: TracesData): string {
  const lines: string[] = []
  data.resourceSpans.forEach((group, index) => addResourceSpans(lines, group, index))
  return lines.join('\n')
}

function addResourceSpans(lines: string[], group: ResourceSpans, index: number): void {
  lines.push(`ResourceSpans #${index}`, `Resource SchemaURL: ${group.schemaUrl}`)
  addAttributes(lines, 'Resource attributes', group.resource)
  group.scopeSpans.forEach(({ scope, schemaUrl, spans }, scopeIndex) => {
    lines.push(`ScopeSpans #${scopeIndex}`, `ScopeSpans SchemaURL: ${schemaUrl}`)
    lines.push(`InstrumentationScope ${scope.name} ${scope.version}`)
    addAttributes(lines, 'InstrumentationScope attributes', scope)
    spans.forEach((span, spanIndex) => {
      lines.push(`Span #${spanIndex}`)
      addSpan(lines, span)
    })
  })
}

function addSpan(lines: string[], span: Span): void {
  const field = (label: string, value: string): void => void lines.push(`    ${label.padEnd(LABEL_WIDTH)}: ${value}`)
  field('Trace ID', span.traceId)
  field('Parent ID', span.parentSpanId)
  field('ID', span.spanId)
  field('Name', span.name)
  field('Kind', KINDS[span.kind] ?? String(span.kind))
  if (span.traceState !== '') field('TraceState', span.traceState)
  field('Start time', timeText(span.startTimeUnixNano))
  field('End time', timeText(span.endTimeUnixNano))
  field('Status code', STATUS_CODES[span.status.code] ?? String(span.status.code))
  field('Status message', span.status.message)
  for (const [label, dropped] of [
    ['DroppedAttributesCount', span.droppedAttributesCount],
    ['DroppedEventsCount', span.droppedEventsCount],
    ['DroppedLinksCount', span.droppedLinksCount],
  ] as const) {
    if (dropped > 0) field(label, String(dropped))
  }
  addAttributes(lines, 'Attributes', span)
  if (span.events.length > 0) lines.push('Events:')
  span.events.forEach((event, index) => {
    lines.push(
      `SpanEvent #${index}`,
      `     -> Name: ${event.name}`,
      `     -> Timestamp: ${timeText(event.timeUnixNano)}`,
    )
    lines.push(`     -> DroppedAttributesCount: ${event.droppedAttributesCount}`)
    addAttributes(lines, '     -> Attributes:', event, '         ')
  })
  if (span.links.length > 0) lines.push('Links:')
  span.links.forEach((link, index) => {
    lines.push(`SpanLink #${index}`, `     -> Trace ID: ${link.traceId}`, `     -> ID: ${link.spanId}`)
    lines.push(
      `     -> TraceState: ${link.traceState}`,
      `     -> DroppedAttributesCount: ${link.droppedAttributesCount}`,
    )
    addAttributes(lines, '     -> Attributes:', link, '         ')
  })
}

function addAttributes(
  lines: string[],
  title: string,
  { attributes }: Pick<Resource | Scope, 'attributes'>,
  indent = '     ',
): void {
  if (attributes.length === 0) return
  lines.push(`${title}:`)
  for (const { key, value } of attributes) lines.push(`${indent}-> ${key}: ${typedText(value)}`)
}

function typedText(value: AnyValue): string {
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
function plainText(value: AnyValue): string {
  return value.type === 'string' ? value.value : valueToJsonText(value)
}

function pairs(attributes: readonly KeyValue[]): string {
  return attributes.map(({ key, value }) => `${key}=${plainText(value)}`).join(' ')
}

function bracket(schemaUrl: string): string {
  return schemaUrl === '' ? '' : `[${schemaUrl}]`
}

function join(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' ')
}

/** `2026-11-22 09:30:00.123456789 +0000 UTC`. */
function timeText(unixNano: bigint): string {
  const seconds = new Date(Number(unixNano / 1_000_000_000n) * 1000)
  if (Number.isNaN(seconds.getTime())) return `${unixNano} ns`
  const fraction = String(unixNano % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  const text = seconds.toISOString().slice(0, 19).replace('T', ' ')
  return `${text}${fraction === '' ? '' : `.${fraction}`} +0000 UTC`
}
