/**
 * OTLP's proto files as a server tells them by reflection: serialized `FileDescriptorProto`s, made from `schema.ts`. What is not in that
 * (comments, deprecated fields) is not in them. Source: google/protobuf/descriptor.proto; opentelemetry-proto 1.x.
 */
import { joinBytes } from './join.ts'
import { MESSAGE_TYPES, type Field, type FieldType, type MessageType } from './schema.ts'
import { LENGTH } from './wire.ts'
import { createWriter, finish, writeBytes, writeString, writeVarint, type Writer } from './writer.ts'

/** A proto file. */
export interface ProtoFile {
  /** As others import it: `opentelemetry/proto/trace/v1/trace.proto`. */
  readonly name: string
  /** Names of the files that it imports. */
  readonly imports: readonly string[]
  /** Full names of its messages, enums, services and methods. */
  readonly symbols: readonly string[]
  /** The serialized `FileDescriptorProto`. */
  readonly descriptor: Uint8Array
}

export interface ProtoField {
  readonly name: string
  readonly number: number
  readonly type: FieldType
  readonly repeated?: boolean
  /** Of a message or enum: its full name. */
  readonly typeName?: string
  readonly optional?: boolean
  /** The name of its oneof. */
  readonly oneof?: string
}

export interface ProtoEnum {
  readonly name: string
  readonly values: Iterable<readonly [name: string, number: number]>
}

export interface ProtoMessage {
  readonly name: string
  readonly fields: readonly ProtoField[]
  readonly nested?: readonly ProtoMessage[]
  readonly enums?: readonly ProtoEnum[]
  /** It is what a map field repeats: a key and a value. */
  readonly isMapEntry?: boolean
}

export interface ProtoMethod {
  readonly name: string
  /** Full names of messages. */
  readonly input: string
  readonly output: string
  readonly streams?: boolean
}

export interface ProtoSource {
  readonly name: string
  readonly package: string
  readonly imports?: readonly string[]
  readonly messages: readonly ProtoMessage[]
  readonly enums?: readonly ProtoEnum[]
  readonly service?: { readonly name: string; readonly methods: readonly ProtoMethod[] }
}

/** `FieldDescriptorProto.Type`. */
const TYPES: Readonly<Record<FieldType, number>> = {
  double: 1,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  message: 11,
  bytes: 12,
  id16: 12,
  id8: 12,
  uint32: 13,
  enum: 14,
  sfixed64: 16,
  sint32: 17,
}

export function protoFile(source: ProtoSource): ProtoFile {
  const { name, package: home, imports = [], messages, enums = [], service } = source
  const descriptor = joinBytes([
    text(1, name),
    text(2, home),
    ...imports.map((each) => text(3, each)),
    ...messages.map((each) => part(4, messageOf(each))),
    ...enums.map((each) => part(5, enumOf(each))),
    ...(service ? [part(6, serviceOf(service))] : []),
    text(12, 'proto3'),
  ])
  const named = (each: ProtoMessage, outer: string): string[] => [
    `${outer}.${each.name}`,
    ...(each.nested ?? []).flatMap((inner) => named(inner, `${outer}.${each.name}`)),
    ...(each.enums ?? []).map((inner) => `${outer}.${each.name}.${inner.name}`),
  ]
  const own = service
    ? [`${home}.${service.name}`, ...service.methods.map((each) => `${home}.${service.name}.${each.name}`)]
    : []
  const symbols = [
    ...messages.flatMap((each) => named(each, home)),
    ...enums.map((each) => `${home}.${each.name}`),
    ...own,
  ]
  return { name, imports, symbols, descriptor }
}

function messageOf({ name, fields, nested = [], enums = [], isMapEntry }: ProtoMessage): Uint8Array {
  const oneofs = [...new Set(fields.flatMap(({ oneof }) => oneof ?? []))]
  // An optional field is alone in a oneof that nobody sees; these come behind the others.
  const all = [...oneofs, ...fields.filter(({ optional }) => optional).map((field) => `_${field.name}`)]
  return joinBytes([
    text(1, name),
    ...fields.map((field) => part(2, fieldOf(field, all))),
    ...nested.map((each) => part(3, messageOf(each))),
    ...enums.map((each) => part(4, enumOf(each))),
    ...(isMapEntry ? [part(7, int(7, 1))] : []),
    ...all.map((each) => part(8, text(1, each))),
  ])
}

function fieldOf(
  { name, number, type, repeated, typeName, optional, oneof }: ProtoField,
  oneofs: readonly string[],
): Uint8Array {
  const group = optional ? `_${name}` : oneof
  return joinBytes([
    text(1, name),
    int(3, number),
    int(4, repeated ? 3 : 1),
    int(5, TYPES[type]),
    ...(typeName === undefined ? [] : [text(6, `.${typeName}`)]),
    ...(group === undefined ? [] : [int(9, oneofs.indexOf(group))]),
    ...(optional ? [int(17, 1)] : []),
  ])
}

function enumOf({ name, values }: ProtoEnum): Uint8Array {
  return joinBytes([
    text(1, name),
    ...[...values].map(([value, number]) => part(2, joinBytes([text(1, value), int(2, number)]))),
  ])
}

function serviceOf({ name, methods }: NonNullable<ProtoSource['service']>): Uint8Array {
  const method = ({ name: own, input, output, streams }: ProtoMethod): Uint8Array =>
    joinBytes([text(1, own), text(2, `.${input}`), text(3, `.${output}`), ...(streams ? [int(6, 1)] : [])])
  return joinBytes([text(1, name), ...methods.map((each) => part(2, method(each)))])
}

const ROOT = 'opentelemetry.proto'
const PACKAGES: readonly {
  readonly package: string
  readonly imports: readonly string[]
  readonly messages: readonly string[]
}[] = [
  {
    package: 'common',
    imports: [],
    messages: ['AnyValue', 'ArrayValue', 'KeyValueList', 'KeyValue', 'InstrumentationScope'],
  },
  { package: 'resource', imports: ['common'], messages: ['Resource'] },
  {
    package: 'trace',
    imports: ['common', 'resource'],
    messages: ['TracesData', 'ResourceSpans', 'ScopeSpans', 'Span', 'Status'],
  },
  {
    package: 'logs',
    imports: ['common', 'resource'],
    messages: ['LogsData', 'ResourceLogs', 'ScopeLogs', 'LogRecord'],
  },
  {
    package: 'metrics',
    imports: ['common', 'resource'],
    messages: [
      'MetricsData',
      'ResourceMetrics',
      'ScopeMetrics',
      'Metric',
      'Gauge',
      'Sum',
      'Histogram',
      'ExponentialHistogram',
      'Summary',
      'NumberDataPoint',
      'HistogramDataPoint',
      'ExponentialHistogramDataPoint',
      'SummaryDataPoint',
      'Exemplar',
    ],
  },
]
/** Messages and enums that are inside of another message. */
const OUTER: Readonly<Record<string, string>> = {
  Event: 'Span',
  Link: 'Span',
  SpanKind: 'Span',
  StatusCode: 'Status',
  Buckets: 'ExponentialHistogramDataPoint',
  ValueAtQuantile: 'SummaryDataPoint',
}
const ENUM_HOMES: Readonly<Record<string, string>> = { AggregationTemporality: 'metrics', SeverityNumber: 'logs' }

/** All of OTLP, each file behind those that it imports. */
export function otlpProtoFiles(): readonly ProtoFile[] {
  return [
    ...PACKAGES.map(dataFile),
    serviceFile('trace', 'Trace', 'Spans'),
    serviceFile('metrics', 'Metrics', 'DataPoints'),
    serviceFile('logs', 'Logs', 'LogRecords'),
  ]
}

const fileName = (name: string): string => `opentelemetry/proto/${name}/v1/${name}.proto`

function dataFile({ package: name, imports, messages }: (typeof PACKAGES)[number]): ProtoFile {
  const inside = (outer: string): ProtoMessage[] =>
    Object.keys(OUTER)
      .filter((each) => OUTER[each] === outer && MESSAGE_TYPES.has(each))
      .map((each) => message(MESSAGE_TYPES.get(each)!))
  const message = (type: MessageType): ProtoMessage => ({
    name: type.name,
    fields: type.fields.map((field) => protoField(field, type.name === 'Metric' ? 'data' : 'value')),
    nested: inside(type.name),
    enums: enumsOf(type).filter((each) => OUTER[each.name] === type.name),
  })
  const types = messages.map((each) => MESSAGE_TYPES.get(each)!)
  const enums = types.flatMap(enumsOf).filter((each) => ENUM_HOMES[each.name] === name)
  return protoFile({
    name: fileName(name),
    package: `${ROOT}.${name}.v1`,
    imports: imports.map(fileName),
    messages: types.map(message),
    enums: enums.filter((each, index) => enums.findIndex((other) => other.name === each.name) === index),
  })
}

function enumsOf({ fields }: MessageType): ProtoEnum[] {
  return fields.flatMap(({ values }) => (values ? [{ name: enumName(values), values }] : []))
}

/** Of SPAN_KIND_UNSPECIFIED and so on: SpanKind. */
function enumName(values: ReadonlyMap<string, number>): string {
  const [first = ''] = values.keys()
  const words = first.split('_').slice(0, -1)
  return words.map((word) => word[0]! + word.slice(1).toLowerCase()).join('')
}

function fullName(name: string): string {
  const outer = OUTER[name]
  if (outer !== undefined) return `${fullName(outer)}.${name}`
  const home = ENUM_HOMES[name] ?? PACKAGES.find(({ messages }) => messages.includes(name))?.package
  return `${ROOT}.${home}.v1.${name}`
}

function protoField(field: Field, oneof: string): ProtoField {
  const name = field.message?.name ?? (field.values && enumName(field.values))
  return {
    name: field.snakeName,
    number: field.number,
    type: field.type,
    repeated: field.repeated,
    ...(name === undefined ? {} : { typeName: fullName(name) }),
    ...(field.oneof ? { oneof } : {}),
    optional: field.presence && !field.oneof,
  }
}

/** `items`: what partial success counts. */
function serviceFile(name: string, title: string, items: string): ProtoFile {
  const home = `${ROOT}.collector.${name}.v1`
  const [request, response, partial] = ['Request', 'Response']
    .map((each) => `Export${title}Service${each}`)
    .concat(`Export${title}PartialSuccess`)
  const [data] = MESSAGE_TYPES.get(name === 'trace' ? 'TracesData' : `${title}Data`)!.fields
  const rejected = `rejected${items.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
  return protoFile({
    name: `opentelemetry/proto/collector/${name}/v1/${name}_service.proto`,
    package: home,
    imports: [fileName(name)],
    messages: [
      { name: request!, fields: [protoField(data!, '')] },
      {
        name: response!,
        fields: [{ name: 'partial_success', number: 1, type: 'message', typeName: `${home}.${partial}` }],
      },
      {
        name: partial!,
        fields: [
          { name: rejected, number: 1, type: 'int64' },
          { name: 'error_message', number: 2, type: 'string' },
        ],
      },
    ],
    service: {
      name: `${title}Service`,
      methods: [{ name: 'Export', input: `${home}.${request}`, output: `${home}.${response}` }],
    },
  })
}

function text(number: number, value: string): Uint8Array {
  return written((writer) => writeString(writer, (number << 3) | LENGTH, value))
}

function part(number: number, value: Uint8Array): Uint8Array {
  return written((writer) => writeBytes(writer, (number << 3) | LENGTH, value))
}

function int(number: number, value: number): Uint8Array {
  return written((writer) => {
    writeVarint(writer, value)
    writeVarint(writer, number << 3)
  })
}

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = createWriter(64)
  write(writer)
  return finish(writer)
}
