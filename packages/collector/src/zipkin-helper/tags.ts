/**
 * The tags that stand for what Zipkin has no place for. Sources: the OpenTelemetry specification, trace/sdk_exporters/zipkin.md, and what the
 * OpenTelemetry Collector writes.
 */
export const TAGS = {
  serviceNameSource: 'otlp.service.name.source',
  scopeName: 'otel.library.name',
  scopeVersion: 'otel.library.version',
  /** As they are called today; read, where they are there, before the other two. */
  scopeNameToday: 'otel.scope.name',
  scopeVersionToday: 'otel.scope.version',
  statusCode: 'otel.status_code',
  statusMessage: 'otel.status_description',
  error: 'error',
  kind: 'span.kind',
  traceState: 'w3c.tracestate',
} as const

/** The attribute that says that nobody knows when the span began. */
export const START_ABSENT = 'otel.zipkin.absentField.startTime'

/** What a service is called in Zipkin that has no name. */
export const NO_SERVICE = 'OTLPResourceNoServiceName'

export function linkTag(index: number): string {
  return `otlp.link.${index}`
}
