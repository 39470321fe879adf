import type { ProtoField, ProtoMessage, ProtoSource } from '@spoor/otlp'

/*
 * Jaeger's model in protobuf, and the service that takes spans. Source: jaeger-idl `proto/api_v2/{model,collector}.proto`.
 */

export const JAEGER_V2 = 'jaeger.api_v2'
const V2 = JAEGER_V2
export const TIMESTAMP = 'google.protobuf.Timestamp'
export const DURATION = 'google.protobuf.Duration'

/** `number name type`, as in `@spoor/otlp`'s own schema: a type that is none of protobuf's is a message's full name; `*` repeated, `#` an enum's. */
function field(line: string): ProtoField {
  const [number, name, kind] = line.split(' ') as [string, string, string]
  const repeated = kind.endsWith('*')
  const type = repeated ? kind.slice(0, -1) : kind
  const base = { name, number: Number(number), ...(repeated && { repeated }) }
  if (type.startsWith('#')) return { ...base, type: 'enum', typeName: type.slice(1) }
  return type.includes('.')
    ? { ...base, type: 'message', typeName: type }
    : { ...base, type: type as ProtoField['type'] }
}

export function protoMessage(name: string, lines: readonly string[], nested?: readonly ProtoMessage[]): ProtoMessage {
  return { name, fields: lines.map(field), ...(nested && { nested }) }
}

function timeFile(name: 'Timestamp' | 'Duration'): ProtoSource {
  return {
    name: `google/protobuf/${name.toLowerCase()}.proto`,
    package: 'google.protobuf',
    messages: [protoMessage(name, ['1 seconds int64', '2 nanos int32'])],
  }
}

export const TIME_FILES = [timeFile('Timestamp'), timeFile('Duration')]
export const TIME_IMPORTS = TIME_FILES.map(({ name }) => name)

export const JAEGER_MODEL: ProtoSource = {
  name: 'model.proto',
  package: V2,
  imports: TIME_IMPORTS,
  messages: [
    protoMessage('KeyValue', [
      '1 key string',
      `2 v_type #${V2}.ValueType`,
      '3 v_str string',
      '4 v_bool bool',
      '5 v_int64 int64',
      '6 v_float64 double',
      '7 v_binary bytes',
    ]),
    protoMessage('Log', [`1 timestamp ${TIMESTAMP}`, `2 fields ${V2}.KeyValue*`]),
    protoMessage('SpanRef', ['1 trace_id bytes', '2 span_id bytes', `3 ref_type #${V2}.SpanRefType`]),
    protoMessage('Process', ['1 service_name string', `2 tags ${V2}.KeyValue*`]),
    protoMessage('Span', [
      '1 trace_id bytes',
      '2 span_id bytes',
      '3 operation_name string',
      `4 references ${V2}.SpanRef*`,
      '5 flags uint32',
      `6 start_time ${TIMESTAMP}`,
      `7 duration ${DURATION}`,
      `8 tags ${V2}.KeyValue*`,
      `9 logs ${V2}.Log*`,
      `10 process ${V2}.Process`,
      '11 process_id string',
      '12 warnings string*',
    ]),
    protoMessage('Batch', [`1 spans ${V2}.Span*`, `2 process ${V2}.Process`]),
    protoMessage('DependencyLink', ['1 parent string', '2 child string', '3 call_count uint64', '4 source string']),
  ],
  enums: [
    {
      name: 'ValueType',
      values: ['STRING', 'BOOL', 'INT64', 'FLOAT64', 'BINARY'].map((name, i) => [name, i] as const),
    },
    { name: 'SpanRefType', values: ['CHILD_OF', 'FOLLOWS_FROM'].map((name, i) => [name, i] as const) },
  ],
}

export const POST_SPANS = `/${V2}.CollectorService/PostSpans`
const COLLECTOR: ProtoSource = {
  name: 'collector.proto',
  package: V2,
  imports: [JAEGER_MODEL.name],
  messages: [protoMessage('PostSpansRequest', [`1 batch ${V2}.Batch`]), protoMessage('PostSpansResponse', [])],
  service: {
    name: 'CollectorService',
    methods: [{ name: 'PostSpans', input: `${V2}.PostSpansRequest`, output: `${V2}.PostSpansResponse` }],
  },
}

/** Each behind those that it imports. */
export const JAEGER_COLLECTOR_PROTOS: readonly ProtoSource[] = [...TIME_FILES, JAEGER_MODEL, COLLECTOR]
