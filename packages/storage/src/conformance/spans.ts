import {
  createBatch,
  encodeTraces,
  type AnyValue,
  type KeyValue,
  type Resource,
  type Scope,
  type Span,
  type TelemetryBatch,
} from '@spoor/otlp'

/** A span with where it came from: what a store has to give back. */
export interface SentSpan {
  readonly resource: Resource
  readonly scope: Scope
  readonly span: Span
}

/** 2025-01-01T00:00:00Z in nanoseconds. */
export const T0 = 1_735_689_600_000_000_000n
export const MS = 1_000_000n

export function hexId(n: number | bigint, digits: number): string {
  return n.toString(16).padStart(digits, '0')
}

export function traceId(n: number): string {
  return hexId(0xabcd_0000_0000_0000_1234_0000_0000_0000n + BigInt(n), 32)
}

export function attributes(
  values: Readonly<Record<string, string | number | bigint | boolean | AnyValue>>,
): KeyValue[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: string | number | bigint | boolean | AnyValue): AnyValue {
  switch (typeof value) {
    case 'string':
      return { type: 'string', value }
    case 'number':
      return { type: 'double', value }
    case 'bigint':
      return { type: 'int', value }
    case 'boolean':
      return { type: 'bool', value }
    default:
      return value
  }
}

export interface SpanSpec {
  readonly trace: number
  readonly id: number
  readonly parent?: number
  readonly service?: string
  readonly name?: string
  readonly kind?: number
  /** Milliseconds after {@link T0}. */
  readonly at?: number
  readonly ms?: number
  readonly status?: number
  readonly attributes?: KeyValue[]
  readonly resource?: KeyValue[]
  readonly scope?: Partial<Scope>
  readonly span?: Partial<Span>
}

/** A whole span from what a test cares about. */
export function sent(spec: SpanSpec): SentSpan {
  const start = T0 + BigInt(Math.round((spec.at ?? 0) * 1e6))
  return {
    resource: {
      attributes: [
        ...(spec.service === undefined ? [] : attributes({ 'service.name': spec.service })),
        ...(spec.resource ?? []),
      ],
      droppedAttributesCount: 0,
    },
    scope: { name: 'tests', version: '1.0', attributes: [], droppedAttributesCount: 0, ...spec.scope },
    span: {
      traceId: traceId(spec.trace),
      spanId: hexId(spec.id, 16),
      traceState: '',
      parentSpanId: spec.parent === undefined ? '' : hexId(spec.parent, 16),
      flags: 1,
      name: spec.name ?? `operation ${spec.id}`,
      kind: spec.kind ?? 1,
      startTimeUnixNano: start,
      endTimeUnixNano: start + BigInt(Math.round((spec.ms ?? 1) * 1e6)),
      attributes: spec.attributes ?? [],
      droppedAttributesCount: 0,
      events: [],
      droppedEventsCount: 0,
      links: [],
      droppedLinksCount: 0,
      status: { code: spec.status ?? 0, message: '' },
      ...spec.span,
    },
  }
}

/** One request of these spans, each under its own resource and scope. */
export function requestOf(spans: readonly SentSpan[]): Uint8Array {
  return encodeTraces({
    resourceSpans: spans.map(({ resource, scope, span }) => ({
      resource,
      schemaUrl: 'https://opentelemetry.io/schemas/1.26.0',
      scopeSpans: [{ scope, spans: [span], schemaUrl: '' }],
    })),
  })
}

export function batchOf(...spans: readonly SentSpan[]): TelemetryBatch {
  return createBatch('traces', [{ bytes: requestOf(spans), items: spans.length }])
}
