/** Spans as lines that a person reads. The layouts are those of the OpenTelemetry Collector's debug exporter. */
import type { ResourceSpans, ScopeSpans, Span, TracesData } from '@spoor/otlp'
import {
  addAttributes,
  addResource,
  addScope,
  join,
  pairs,
  resourceLine,
  scopeLine,
  timeText,
  type ResourceText,
  type ScopeText,
} from './lines.ts'

const KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer']
const STATUS_CODES = ['Unset', 'Ok', 'Error']
const LABEL_WIDTH = 15

/** One line for each resource, scope and span. */
export function normalText(data: TracesData): string {
  const lines: string[] = []
  data.resourceSpans.forEach((group, index) => {
    lines.push(resourceLine(`ResourceTraces #${index}`, resourceOf(group)))
    group.scopeSpans.forEach((scope, scopeIndex) => {
      lines.push(scopeLine(`ScopeTraces #${scopeIndex}`, scopeOf(scope)))
      for (const span of scope.spans) lines.push(join(span.name, span.traceId, span.spanId, pairs(span.attributes)))
    })
  })
  return lines.join('\n')
}

/** Everything that a span holds. */
export function detailedText(data: TracesData): string {
  const lines: string[] = []
  data.resourceSpans.forEach((group, index) => {
    addResource(lines, `ResourceSpans #${index}`, resourceOf(group))
    group.scopeSpans.forEach((scope, scopeIndex) => {
      addScope(lines, 'ScopeSpans', scopeIndex, scopeOf(scope))
      scope.spans.forEach((span, spanIndex) => {
        lines.push(`Span #${spanIndex}`)
        addSpan(lines, span)
      })
    })
  })
  return lines.join('\n')
}

function resourceOf({ resource, schemaUrl }: ResourceSpans): ResourceText {
  return { schemaUrl, attributes: resource.attributes }
}

function scopeOf({ scope, schemaUrl }: ScopeSpans): ScopeText {
  return { ...scope, schemaUrl }
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
  addAttributes(lines, 'Attributes', span.attributes)
  if (span.events.length > 0) lines.push('Events:')
  span.events.forEach((event, index) => {
    lines.push(
      `SpanEvent #${index}`,
      `     -> Name: ${event.name}`,
      `     -> Timestamp: ${timeText(event.timeUnixNano)}`,
    )
    lines.push(`     -> DroppedAttributesCount: ${event.droppedAttributesCount}`)
    addAttributes(lines, '     -> Attributes:', event.attributes, '          ')
  })
  if (span.links.length > 0) lines.push('Links:')
  span.links.forEach((link, index) => {
    lines.push(`SpanLink #${index}`, `     -> Trace ID: ${link.traceId}`, `     -> ID: ${link.spanId}`)
    lines.push(
      `     -> TraceState: ${link.traceState}`,
      `     -> DroppedAttributesCount: ${link.droppedAttributesCount}`,
    )
    addAttributes(lines, '     -> Attributes:', link.attributes, '          ')
  })
}
