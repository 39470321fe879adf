/**
 * protobufjs as the oracle of these tests: OTLP's messages defined once more, apart from `schema.ts`, and arbitrary
 * messages made from that definition.
 */
import * as fc from 'fast-check'
import Long from 'long'
import protobuf from 'protobufjs'

const PROTO = `
syntax = "proto3";
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
message InstrumentationScope {
  string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
}

message TracesData { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16;
  string name = 5; SpanKind kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
  repeated Event events = 11; uint32 dropped_events_count = 12;
  repeated Link links = 13; uint32 dropped_links_count = 14;
  Status status = 15;
}
enum SpanKind {
  SPAN_KIND_UNSPECIFIED = 0; SPAN_KIND_INTERNAL = 1; SPAN_KIND_SERVER = 2; SPAN_KIND_CLIENT = 3;
  SPAN_KIND_PRODUCER = 4; SPAN_KIND_CONSUMER = 5;
}
message Event {
  fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
}
message Link {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4;
  uint32 dropped_attributes_count = 5; fixed32 flags = 6;
}
message Status { string message = 2; StatusCode code = 3; }
enum StatusCode { STATUS_CODE_UNSET = 0; STATUS_CODE_OK = 1; STATUS_CODE_ERROR = 2; }

message LogsData { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message LogRecord {
  fixed64 time_unix_nano = 1; fixed64 observed_time_unix_nano = 11; SeverityNumber severity_number = 2;
  string severity_text = 3; AnyValue body = 5; repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7;
  fixed32 flags = 8; bytes trace_id = 9; bytes span_id = 10; string event_name = 12;
}
enum SeverityNumber {
  SEVERITY_NUMBER_UNSPECIFIED = 0; SEVERITY_NUMBER_TRACE = 1; SEVERITY_NUMBER_DEBUG4 = 8; SEVERITY_NUMBER_INFO = 9;
  SEVERITY_NUMBER_ERROR2 = 18; SEVERITY_NUMBER_FATAL4 = 24;
}

message MetricsData { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; string schema_url = 3; }
message ScopeMetrics { InstrumentationScope scope = 1; repeated Metric metrics = 2; string schema_url = 3; }
message Metric {
  string name = 1; string description = 2; string unit = 3;
  oneof data {
    Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; ExponentialHistogram exponential_histogram = 10;
    Summary summary = 11;
  }
  repeated KeyValue metadata = 12;
}
enum AggregationTemporality {
  AGGREGATION_TEMPORALITY_UNSPECIFIED = 0; AGGREGATION_TEMPORALITY_DELTA = 1; AGGREGATION_TEMPORALITY_CUMULATIVE = 2;
}
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum {
  repeated NumberDataPoint data_points = 1; AggregationTemporality aggregation_temporality = 2; bool is_monotonic = 3;
}
message Histogram {
  repeated HistogramDataPoint data_points = 1; AggregationTemporality aggregation_temporality = 2;
}
message ExponentialHistogram {
  repeated ExponentialHistogramDataPoint data_points = 1; AggregationTemporality aggregation_temporality = 2;
}
message Summary { repeated SummaryDataPoint data_points = 1; }
message NumberDataPoint {
  repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
  repeated Exemplar exemplars = 5; uint32 flags = 8;
}
message HistogramDataPoint {
  repeated KeyValue attributes = 9; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
  optional double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7;
  repeated Exemplar exemplars = 8; uint32 flags = 10; optional double min = 11; optional double max = 12;
}
message ExponentialHistogramDataPoint {
  repeated KeyValue attributes = 1; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
  optional double sum = 5; sint32 scale = 6; fixed64 zero_count = 7; Buckets positive = 8; Buckets negative = 9;
  uint32 flags = 10; repeated Exemplar exemplars = 11; optional double min = 12; optional double max = 13;
  double zero_threshold = 14;
}
message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
message SummaryDataPoint {
  repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
  double sum = 5; repeated ValueAtQuantile quantile_values = 6; uint32 flags = 8;
}
message ValueAtQuantile { double quantile = 1; double value = 2; }
message Exemplar {
  repeated KeyValue filtered_attributes = 7; fixed64 time_unix_nano = 2;
  oneof value { double as_double = 3; sfixed64 as_int = 6; }
  bytes span_id = 4; bytes trace_id = 5;
}

message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
message RpcStatus { int32 code = 1; string message = 2; repeated AnyMessage details = 3; }
message AnyMessage { string type_url = 1; bytes value = 2; }
message RetryInfo { Duration retry_delay = 1; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
`

// protobufjs looks for Long by require(), which finds nothing under the conditions that vitest runs with; without it 64-bit
// integers would be rounded.
protobuf.util.Long = Long
protobuf.configure()

const root = protobuf.parse(PROTO).root

/**
 * Any message as a plain object in protobufjs's form: lowerCamelCase, 64-bit integers as decimal strings, bytes as
 * Uint8Array.
 */
export type Message = { readonly [name: string]: unknown }

export function messageTypeOf(name: string): protobuf.Type {
  return root.lookupType(name)
}

export function oracleEncode(type: string, message: Message): Uint8Array {
  const messageType = root.lookupType(type)
  return Uint8Array.from(messageType.encode(messageType.fromObject(message)).finish())
}

/** Fields that are absent on the wire are absent in the message. */
export function oracleDecode(type: string, bytes: Uint8Array): Message {
  const messageType = root.lookupType(type)
  return messageType.toObject(messageType.decode(bytes), { longs: String })
}

const ID_WIDTHS: Readonly<Record<string, number>> = { traceId: 16, spanId: 8, parentSpanId: 8 }

/** Strings of all lengths that matter to varints and the ASCII shortcuts, and of any well-formed Unicode. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', 'service.name', '\uFEFFmark', 'x'.repeat(127), 'x'.repeat(128), 'é'.repeat(70)),
)

export const id = (width: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: width, maxLength: width }).filter((bytes) => bytes.some((byte) => byte !== 0))

const bigText = (min: bigint, max: bigint): fc.Arbitrary<string> =>
  fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n, 127n, 128n, 2n ** 53n + 1n)).map(String)

function scalar(field: protobuf.Field): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'string':
      return text
    case 'bytes':
      return field.name in ID_WIDTHS
        ? fc.oneof(fc.constant(new Uint8Array(0)), id(ID_WIDTHS[field.name]!))
        : fc.uint8Array({ maxLength: 20 })
    case 'bool':
      return fc.boolean()
    case 'double':
      return fc.double()
    case 'uint32':
    case 'fixed32':
      return fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 0, max: 0xffffffff }))
    case 'sint32':
      return fc.integer()
    case 'int64':
    case 'sfixed64':
      return bigText(-(2n ** 63n), 2n ** 63n - 1n)
    case 'uint64':
    case 'fixed64':
      return bigText(0n, 2n ** 64n - 1n)
    default:
      return fc.oneof(fc.nat({ max: 5 }), fc.integer())
  }
}

const cache = new Map<string, fc.Arbitrary<Message>>()

/** Messages of a type with any of their fields, of a oneof at most one; nesting is bounded by `depth`. */
export function arbitraryMessage(type: string, depth = 9): fc.Arbitrary<Message> {
  const key = `${type} ${depth}`
  let made = cache.get(key)
  if (!made) cache.set(key, (made = makeArbitrary(root.lookupType(type), depth)))
  return made
}

function makeArbitrary(type: protobuf.Type, depth: number): fc.Arbitrary<Message> {
  const model: Record<string, fc.Arbitrary<unknown>> = {}
  const oneofs = type.oneofsArray.filter((oneof) => oneof.fieldsArray.length > 1)
  for (const field of type.fieldsArray) {
    field.resolve()
    const isMessage = field.resolvedType instanceof protobuf.Type
    if (isMessage && depth === 0) continue
    const value = isMessage ? arbitraryMessage(field.type, depth - 1) : scalar(field)
    model[field.name] = field.repeated ? fc.array(value, { maxLength: 3 }) : value
  }
  const all = fc.record(model, { requiredKeys: [] })
  if (oneofs.length === 0) return all
  return fc.tuple(all, fc.nat()).map(([message, choice]) => {
    const kept = { ...message }
    for (const oneof of oneofs) {
      const present = oneof.fieldsArray.filter((field) => field.name in kept)
      for (const [index, field] of present.entries()) if (index !== choice % present.length) delete kept[field.name]
    }
    return kept
  })
}
