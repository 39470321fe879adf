import { encodeTraces, type KeyValue, type Span } from '@spoor/otlp'

/** A span of a test trace: everything but the id has a default. Times are nanoseconds after {@link EPOCH}. */
export interface SpanSpec extends Partial<Omit<Span, 'spanId' | 'parentSpanId'>> {
  readonly id: number
  readonly parent?: number
  readonly service?: string
  /** The scope's name, default `test`. */
  readonly scope?: string
  /** Beside the service's name. */
  readonly resource?: Readonly<Record<string, string>>
  readonly start?: number
  readonly end?: number
}

export const EPOCH = 1_760_000_000_000_000_000n
export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

/** 16 hex digits of a small number. */
export const spanId = (id: number): string => id.toString(16).padStart(16, '0')

/** A serialized request with the spans, each under a resource of its own, in their order. */
export function requestOf(specs: readonly SpanSpec[]): Uint8Array {
  return encodeTraces({
    resourceSpans: specs.map((spec) => ({
      resource: {
        attributes: texts({ 'service.name': spec.service ?? 'shop', ...spec.resource }),
        droppedAttributesCount: 0,
      },
      schemaUrl: '',
      scopeSpans: [
        {
          scope: { name: spec.scope ?? 'test', version: '', attributes: [], droppedAttributesCount: 0 },
          schemaUrl: '',
          spans: [spanOfSpec(spec)],
        },
      ],
    })),
  })
}

/** Attributes of text. */
export function texts(values: Readonly<Record<string, string>>): KeyValue[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: { type: 'string', value } }))
}

function spanOfSpec(spec: SpanSpec): Span {
  const { id, parent, start = 0, end = start, service: _, scope: __, resource: ___, ...rest } = spec
  return {
    traceId: TRACE_ID,
    spanId: spanId(id),
    parentSpanId: parent === undefined ? '' : spanId(parent),
    traceState: '',
    flags: 0,
    name: `span ${id}`,
    kind: 1,
    startTimeUnixNano: EPOCH + BigInt(start),
    endTimeUnixNano: EPOCH + BigInt(end),
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    ...rest,
  }
}
