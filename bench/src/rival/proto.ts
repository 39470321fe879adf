import Long from 'long'
import protobuf from 'protobufjs/light.js'

// protobufjs looks for `long` by itself, and takes plain numbers, silently, where a loader hides it.
protobuf.util.Long = Long
protobuf.configure()

/**
 * OTLP traces for protobufjs, as a descriptor that it compiles to codecs at run time, its fast mode. Field numbers
 * and types: opentelemetry-proto 1.x `trace/v1/trace.proto`, `common/v1/common.proto`, `resource/v1/resource.proto`,
 * `collector/trace/v1/trace_service.proto`.
 *
 * 64-bit fields are `Long` objects, which is what protobufjs decodes to: strings would cost a conversion more for
 * each, and numbers lose digits of a time in nanoseconds.
 */
const root = protobuf.Root.fromJSON({
  nested: {
    ExportTraceServiceRequest: { fields: { resourceSpans: { rule: 'repeated', type: 'ResourceSpans', id: 1 } } },
    ExportTraceServiceResponse: { fields: { partialSuccess: { type: 'ExportTracePartialSuccess', id: 1 } } },
    ExportTracePartialSuccess: {
      fields: { rejectedSpans: { type: 'int64', id: 1 }, errorMessage: { type: 'string', id: 2 } },
    },
    ResourceSpans: {
      fields: {
        resource: { type: 'Resource', id: 1 },
        scopeSpans: { rule: 'repeated', type: 'ScopeSpans', id: 2 },
        schemaUrl: { type: 'string', id: 3 },
      },
    },
    Resource: {
      fields: {
        attributes: { rule: 'repeated', type: 'KeyValue', id: 1 },
        droppedAttributesCount: { type: 'uint32', id: 2 },
      },
    },
    ScopeSpans: {
      fields: {
        scope: { type: 'InstrumentationScope', id: 1 },
        spans: { rule: 'repeated', type: 'Span', id: 2 },
        schemaUrl: { type: 'string', id: 3 },
      },
    },
    InstrumentationScope: {
      fields: {
        name: { type: 'string', id: 1 },
        version: { type: 'string', id: 2 },
        attributes: { rule: 'repeated', type: 'KeyValue', id: 3 },
        droppedAttributesCount: { type: 'uint32', id: 4 },
      },
    },
    Span: {
      fields: {
        traceId: { type: 'bytes', id: 1 },
        spanId: { type: 'bytes', id: 2 },
        traceState: { type: 'string', id: 3 },
        parentSpanId: { type: 'bytes', id: 4 },
        flags: { type: 'fixed32', id: 16 },
        name: { type: 'string', id: 5 },
        kind: { type: 'SpanKind', id: 6 },
        startTimeUnixNano: { type: 'fixed64', id: 7 },
        endTimeUnixNano: { type: 'fixed64', id: 8 },
        attributes: { rule: 'repeated', type: 'KeyValue', id: 9 },
        droppedAttributesCount: { type: 'uint32', id: 10 },
        events: { rule: 'repeated', type: 'Event', id: 11 },
        droppedEventsCount: { type: 'uint32', id: 12 },
        links: { rule: 'repeated', type: 'Link', id: 13 },
        droppedLinksCount: { type: 'uint32', id: 14 },
        status: { type: 'Status', id: 15 },
      },
    },
    SpanKind: { values: { UNSPECIFIED: 0, INTERNAL: 1, SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 } },
    Event: {
      fields: {
        timeUnixNano: { type: 'fixed64', id: 1 },
        name: { type: 'string', id: 2 },
        attributes: { rule: 'repeated', type: 'KeyValue', id: 3 },
        droppedAttributesCount: { type: 'uint32', id: 4 },
      },
    },
    Link: {
      fields: {
        traceId: { type: 'bytes', id: 1 },
        spanId: { type: 'bytes', id: 2 },
        traceState: { type: 'string', id: 3 },
        attributes: { rule: 'repeated', type: 'KeyValue', id: 4 },
        droppedAttributesCount: { type: 'uint32', id: 5 },
        flags: { type: 'fixed32', id: 6 },
      },
    },
    Status: { fields: { message: { type: 'string', id: 2 }, code: { type: 'StatusCode', id: 3 } } },
    StatusCode: { values: { UNSET: 0, OK: 1, ERROR: 2 } },
    KeyValue: { fields: { key: { type: 'string', id: 1 }, value: { type: 'AnyValue', id: 2 } } },
    AnyValue: {
      oneofs: {
        value: {
          oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue', 'kvlistValue', 'bytesValue'],
        },
      },
      fields: {
        stringValue: { type: 'string', id: 1 },
        boolValue: { type: 'bool', id: 2 },
        intValue: { type: 'int64', id: 3 },
        doubleValue: { type: 'double', id: 4 },
        arrayValue: { type: 'ArrayValue', id: 5 },
        kvlistValue: { type: 'KeyValueList', id: 6 },
        bytesValue: { type: 'bytes', id: 7 },
      },
    },
    ArrayValue: { fields: { values: { rule: 'repeated', type: 'AnyValue', id: 1 } } },
    KeyValueList: { fields: { values: { rule: 'repeated', type: 'KeyValue', id: 1 } } },
  },
})

export interface ProtoAnyValue {
  /** Which field is set; undefined for an empty value. */
  readonly value?: Exclude<keyof ProtoAnyValue, 'value'>
  readonly stringValue: string
  readonly boolValue: boolean
  readonly intValue: Long
  readonly doubleValue: number
  readonly arrayValue: { readonly values: readonly ProtoAnyValue[] }
  readonly kvlistValue: { readonly values: readonly ProtoKeyValue[] }
  readonly bytesValue: Uint8Array
}

export interface ProtoKeyValue {
  readonly key: string
  readonly value: ProtoAnyValue | null
}

export interface ProtoEvent {
  readonly timeUnixNano: Long
  readonly name: string
  readonly attributes: readonly ProtoKeyValue[]
}

export interface ProtoLink {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly traceState: string
  readonly attributes: readonly ProtoKeyValue[]
}

export interface ProtoSpan {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly traceState: string
  readonly parentSpanId: Uint8Array
  readonly flags: number
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: Long
  readonly endTimeUnixNano: Long
  readonly attributes: readonly ProtoKeyValue[]
  readonly events: readonly ProtoEvent[]
  readonly links: readonly ProtoLink[]
  readonly status: { readonly code: number; readonly message: string } | null
}

export interface ProtoResourceSpans {
  readonly resource: { readonly attributes: readonly ProtoKeyValue[] } | null
  readonly scopeSpans: readonly {
    readonly scope: { readonly name: string; readonly version: string } | null
    readonly spans: readonly ProtoSpan[]
  }[]
}

export interface ProtoRequest {
  readonly resourceSpans: readonly ProtoResourceSpans[]
}

const requestType = root.lookupType('ExportTraceServiceRequest')
const responseType = root.lookupType('ExportTraceServiceResponse')

export const decodeRequest = (bytes: Uint8Array): ProtoRequest => requestType.decode(bytes) as unknown as ProtoRequest

/** The bytes are the caller's to keep. */
export const encodeRequest = (request: ProtoRequest): Buffer => asBuffer(requestType.encode(request).finish())

export const decodeResponse = (bytes: Uint8Array): object => responseType.decode(bytes)

export const encodeResponse = (response: object): Buffer => asBuffer(responseType.encode(response).finish())

/** Spans in a decoded request. */
export function spansIn(request: ProtoRequest): number {
  let spans = 0
  for (const resource of request.resourceSpans) for (const scope of resource.scopeSpans) spans += scope.spans.length
  return spans
}

/** protobufjs gives a Buffer in Node; its type says Uint8Array. */
const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
