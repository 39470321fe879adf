import protobuf from 'protobufjs'
import 'protobufjs/ext/descriptor.js'
import { expect, test } from 'vitest'
import { otlpProtoFiles, protoFile } from './descriptors.ts'
import { messageTypeOf } from './oracle.test.helper.ts'
import { MESSAGE_TYPES } from './schema.ts'

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >> 7)]
}

const inSet = (file: Uint8Array): Uint8Array => Buffer.concat([Buffer.from([0x0a, ...varint(file.length)]), file])
const root = protobuf.Root.fromDescriptor(Buffer.concat(otlpProtoFiles().map(({ descriptor }) => inSet(descriptor))))
root.resolveAll()

/** What is on the wire of a message, without its names. */
function shapeOf(type: protobuf.Type): unknown {
  type.root.resolveAll()
  return type.fieldsArray
    .map(({ name, id, repeated, type: own, resolvedType, partOf, options }) => ({
      name: protobuf.util.camelCase(name),
      id,
      repeated,
      type: resolvedType?.name ?? own,
      oneof: partOf?.name,
      optional: options?.['proto3_optional'] === true,
      values: resolvedType instanceof protobuf.Enum ? Object.keys(resolvedType.values).slice(0, 2) : [],
    }))
    .toSorted((a, b) => a.id - b.id)
}

const symbols = otlpProtoFiles().flatMap((file) => file.symbols)
const types = symbols.filter((name) => root.lookup(name) instanceof protobuf.Type)

test.each(types.filter((name) => !/Export|^opentelemetry.*\.collector/.test(name)))(
  '%s is as it is defined elsewhere',
  (name) => {
    const type = root.lookupType(name)
    expect(shapeOf(type)).toEqual(shapeOf(messageTypeOf(type.name)))
  },
)

test('a map field is told as one', () => {
  const entry = { name: 'TagsEntry', fields: [], isMapEntry: true }
  const { descriptor } = protoFile({
    name: 'a.proto',
    package: 'a',
    messages: [{ name: 'A', fields: [], nested: [entry] }],
  })
  // `DescriptorProto.options` with `MessageOptions.map_entry`, at the end of the entry.
  expect(Buffer.from(descriptor).includes(Buffer.from([...Buffer.from('TagsEntry'), 0x3a, 2, 0x38, 1]))).toBe(true)
})

test('all messages, enums, services and methods are there by their full names', () => {
  expect(types).toHaveLength(MESSAGE_TYPES.size + 3 * 3)
  for (const name of ['trace.v1.TraceService', 'metrics.v1.MetricsService', 'logs.v1.LogsService']) {
    const service = root.lookupService(`opentelemetry.proto.collector.${name}`)
    const method = service.methods['Export']!.resolve() as protobuf.Method
    const title = service.name.replace('Service', '')
    expect(method.resolvedRequestType?.name).toBe(`Export${title}ServiceRequest`)
    expect(shapeOf(method.resolvedRequestType!)).toEqual(
      shapeOf(messageTypeOf(title === 'Trace' ? 'TracesData' : `${title}Data`)),
    )
    expect(symbols).toContain(`opentelemetry.proto.collector.${name}.Export`)
  }
  expect(shapeOf(root.lookupType('ExportTraceServiceResponse'))).toEqual(
    shapeOf(messageTypeOf('ExportTraceServiceResponse')),
  )
  for (const name of [
    'trace.v1.Span.SpanKind',
    'trace.v1.Status.StatusCode',
    'logs.v1.SeverityNumber',
    'metrics.v1.AggregationTemporality',
  ]) {
    expect(symbols).toContain(`opentelemetry.proto.${name}`)
    root.lookupEnum(`opentelemetry.proto.${name}`)
  }
})
