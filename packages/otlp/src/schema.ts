/**
 * OTLP's messages as data, for what treats all three signals alike: validating and counting bytes, and JSON both ways.
 * A line is `number name type`, name in lowerCamelCase as OTLP/JSON writes it; `*` repeated, `?` optional, `|` in the
 * message's oneof (none has two). Types as in the proto, except `id16` and `id8`: bytes that are a trace or span
 * id, which JSON writes as hex. Deprecated fields and `entity_refs` are unknown fields: kept in bytes, absent from
 * JSON.
 *
 * Source: opentelemetry-proto 1.x, `common/v1`, `resource/v1`, `trace/v1`, `metrics/v1`, `logs/v1`, and the collector
 * services, whose requests have the wire form of `TracesData`, `MetricsData` and `LogsData`.
 */
import type { Signal } from './batch.ts'

const MESSAGES = {
  AnyValue: [
    '1 stringValue string|',
    '2 boolValue bool|',
    '3 intValue int64|',
    '4 doubleValue double|',
    '5 arrayValue ArrayValue|',
    '6 kvlistValue KeyValueList|',
    '7 bytesValue bytes|',
  ],
  ArrayValue: ['1 values AnyValue*'],
  KeyValueList: ['1 values KeyValue*'],
  KeyValue: ['1 key string', '2 value AnyValue'],
  Resource: ['1 attributes KeyValue*', '2 droppedAttributesCount uint32'],
  InstrumentationScope: [
    '1 name string',
    '2 version string',
    '3 attributes KeyValue*',
    '4 droppedAttributesCount uint32',
  ],

  TracesData: ['1 resourceSpans ResourceSpans*'],
  ResourceSpans: ['1 resource Resource', '2 scopeSpans ScopeSpans*', '3 schemaUrl string'],
  ScopeSpans: ['1 scope InstrumentationScope', '2 spans Span*', '3 schemaUrl string'],
  Span: [
    '1 traceId id16',
    '2 spanId id8',
    '3 traceState string',
    '4 parentSpanId id8',
    '5 name string',
    '6 kind SpanKind',
    '7 startTimeUnixNano fixed64',
    '8 endTimeUnixNano fixed64',
    '9 attributes KeyValue*',
    '10 droppedAttributesCount uint32',
    '11 events Event*',
    '12 droppedEventsCount uint32',
    '13 links Link*',
    '14 droppedLinksCount uint32',
    '15 status Status',
    '16 flags fixed32',
  ],
  Event: ['1 timeUnixNano fixed64', '2 name string', '3 attributes KeyValue*', '4 droppedAttributesCount uint32'],
  Link: [
    '1 traceId id16',
    '2 spanId id8',
    '3 traceState string',
    '4 attributes KeyValue*',
    '5 droppedAttributesCount uint32',
    '6 flags fixed32',
  ],
  Status: ['2 message string', '3 code StatusCode'],

  LogsData: ['1 resourceLogs ResourceLogs*'],
  ResourceLogs: ['1 resource Resource', '2 scopeLogs ScopeLogs*', '3 schemaUrl string'],
  ScopeLogs: ['1 scope InstrumentationScope', '2 logRecords LogRecord*', '3 schemaUrl string'],
  LogRecord: [
    '1 timeUnixNano fixed64',
    '11 observedTimeUnixNano fixed64',
    '2 severityNumber SeverityNumber',
    '3 severityText string',
    '5 body AnyValue',
    '6 attributes KeyValue*',
    '7 droppedAttributesCount uint32',
    '8 flags fixed32',
    '9 traceId id16',
    '10 spanId id8',
    '12 eventName string',
  ],

  MetricsData: ['1 resourceMetrics ResourceMetrics*'],
  ResourceMetrics: ['1 resource Resource', '2 scopeMetrics ScopeMetrics*', '3 schemaUrl string'],
  ScopeMetrics: ['1 scope InstrumentationScope', '2 metrics Metric*', '3 schemaUrl string'],
  Metric: [
    '1 name string',
    '2 description string',
    '3 unit string',
    '5 gauge Gauge|',
    '7 sum Sum|',
    '9 histogram Histogram|',
    '10 exponentialHistogram ExponentialHistogram|',
    '11 summary Summary|',
    '12 metadata KeyValue*',
  ],
  Gauge: ['1 dataPoints NumberDataPoint*'],
  Sum: ['1 dataPoints NumberDataPoint*', '2 aggregationTemporality AggregationTemporality', '3 isMonotonic bool'],
  Histogram: ['1 dataPoints HistogramDataPoint*', '2 aggregationTemporality AggregationTemporality'],
  ExponentialHistogram: [
    '1 dataPoints ExponentialHistogramDataPoint*',
    '2 aggregationTemporality AggregationTemporality',
  ],
  Summary: ['1 dataPoints SummaryDataPoint*'],
  NumberDataPoint: [
    '7 attributes KeyValue*',
    '2 startTimeUnixNano fixed64',
    '3 timeUnixNano fixed64',
    '4 asDouble double|',
    '6 asInt sfixed64|',
    '5 exemplars Exemplar*',
    '8 flags uint32',
  ],
  HistogramDataPoint: [
    '9 attributes KeyValue*',
    '2 startTimeUnixNano fixed64',
    '3 timeUnixNano fixed64',
    '4 count fixed64',
    '5 sum double?',
    '6 bucketCounts fixed64*',
    '7 explicitBounds double*',
    '8 exemplars Exemplar*',
    '10 flags uint32',
    '11 min double?',
    '12 max double?',
  ],
  ExponentialHistogramDataPoint: [
    '1 attributes KeyValue*',
    '2 startTimeUnixNano fixed64',
    '3 timeUnixNano fixed64',
    '4 count fixed64',
    '5 sum double?',
    '6 scale sint32',
    '7 zeroCount fixed64',
    '8 positive Buckets',
    '9 negative Buckets',
    '10 flags uint32',
    '11 exemplars Exemplar*',
    '12 min double?',
    '13 max double?',
    '14 zeroThreshold double',
  ],
  Buckets: ['1 offset sint32', '2 bucketCounts uint64*'],
  SummaryDataPoint: [
    '7 attributes KeyValue*',
    '2 startTimeUnixNano fixed64',
    '3 timeUnixNano fixed64',
    '4 count fixed64',
    '5 sum double',
    '6 quantileValues ValueAtQuantile*',
    '8 flags uint32',
  ],
  ValueAtQuantile: ['1 quantile double', '2 value double'],
  Exemplar: [
    '7 filteredAttributes KeyValue*',
    '2 timeUnixNano fixed64',
    '3 asDouble double|',
    '6 asInt sfixed64|',
    '4 spanId id8',
    '5 traceId id16',
  ],
} as const satisfies Record<string, readonly string[]>

/** The names of enum values without their prefix, by number. */
const ENUMS: Record<string, { readonly prefix: string; readonly names: readonly string[] }> = {
  SpanKind: { prefix: 'SPAN_KIND_', names: ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] },
  StatusCode: { prefix: 'STATUS_CODE_', names: ['UNSET', 'OK', 'ERROR'] },
  AggregationTemporality: { prefix: 'AGGREGATION_TEMPORALITY_', names: ['UNSPECIFIED', 'DELTA', 'CUMULATIVE'] },
  SeverityNumber: {
    prefix: 'SEVERITY_NUMBER_',
    names: [
      'UNSPECIFIED',
      ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((level) => [
        level,
        `${level}2`,
        `${level}3`,
        `${level}4`,
      ]),
    ],
  },
}

const WIRE_TYPES = {
  bool: 0,
  int32: 0,
  uint32: 0,
  sint32: 0,
  int64: 0,
  uint64: 0,
  enum: 0,
  fixed64: 1,
  sfixed64: 1,
  double: 1,
  string: 2,
  bytes: 2,
  id16: 2,
  id8: 2,
  message: 2,
  fixed32: 5,
} as const

export type FieldType = keyof typeof WIRE_TYPES

export interface Field {
  readonly number: number
  /** As in OTLP/JSON. */
  readonly name: string
  /** As in the proto. */
  readonly snakeName: string
  readonly type: FieldType
  readonly wireType: number
  readonly repeated: boolean
  /** Optional or in a oneof: written even when it has its type's zero value. */
  readonly presence: boolean
  readonly oneof: boolean
  /** Of type `message`. */
  readonly message?: MessageType
  /** Of type `enum`: the full name of a value to its number. */
  readonly values?: ReadonlyMap<string, number>
}

export interface MessageType {
  readonly name: string
  readonly fields: readonly Field[]
  readonly byNumber: readonly (Field | undefined)[]
  /** Bit n is set for each field n; no field number is above 31. */
  readonly known: number
}

function parseField(line: string, types: ReadonlyMap<string, MessageType>): Field {
  const [number = '', name = '', spec = ''] = line.split(' ')
  const typeName = spec.replace(/[*?|]$/, '')
  const message = types.get(typeName)
  const values = ENUMS[typeName]
  const type: FieldType = message ? 'message' : values ? 'enum' : (typeName as FieldType)
  return {
    number: Number(number),
    name,
    snakeName: name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    type,
    wireType: WIRE_TYPES[type],
    repeated: spec.endsWith('*'),
    presence: /[?|]$/.test(spec),
    oneof: spec.endsWith('|'),
    ...(message && { message }),
    ...(values && { values: new Map(values.names.map((value, index) => [values.prefix + value, index])) }),
  }
}

function parseMessages(): ReadonlyMap<string, MessageType> {
  type Mutable = { name: string; fields: Field[]; byNumber: (Field | undefined)[]; known: number }
  const types = new Map<string, Mutable>()
  for (const name of Object.keys(MESSAGES)) types.set(name, { name, fields: [], byNumber: [], known: 0 })
  for (const [name, lines] of Object.entries(MESSAGES)) {
    const type = types.get(name)!
    type.fields = lines.map((line) => parseField(line, types))
    for (const field of type.fields) {
      type.byNumber[field.number] = field
      type.known |= 1 << field.number
    }
  }
  return types
}

/** All of them, by name. */
export const MESSAGE_TYPES: ReadonlyMap<string, MessageType> = parseMessages()

export function messageType(name: keyof typeof MESSAGES): MessageType {
  return MESSAGE_TYPES.get(name)!
}

/** The request of each signal. */
export const REQUESTS: Readonly<Record<Signal, MessageType>> = {
  traces: messageType('TracesData'),
  metrics: messageType('MetricsData'),
  logs: messageType('LogsData'),
}
