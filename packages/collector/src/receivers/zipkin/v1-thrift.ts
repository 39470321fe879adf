/** Version 1 of Zipkin's Thrift: a list of spans in Thrift's binary form. Source: zipkinCore.thrift of openzipkin/zipkin-api. */
import type { AnyValue } from '@spoor/otlp'
import type { ZipkinEndpoint } from '../../zipkin-helper/index.ts'
import { CollectorError } from '../../component/index.ts'
import { idOf, idOfNumber, parentIdOf } from './ids.ts'
import { ipv4Text, ipv6Text } from './ip-text.ts'
import { BinaryReader, TYPES, type ThriftReader } from '../../receiver-helper/index.ts'
import type { V1Span, V1Value } from './v1-to-otlp.ts'
import { textValue } from './values.ts'

/** Throws CollectorError `invalid_data`. */
export function v1SpansFromThrift(bytes: Uint8Array): V1Span[] {
  const reader = new BinaryReader(bytes, TYPES.list)
  try {
    return reader.list(() => readSpan(reader))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CollectorError('invalid_data', `not a list of spans in Thrift: ${error.message}`)
  }
}

function readSpan(reader: ThriftReader): V1Span {
  let [low, high, id, parent, timestampUs, durationUs] = [0n, 0n, 0n, 0n, 0n, 0n]
  let name = ''
  let annotations: V1Span['annotations'] = []
  let values: V1Value[] = []
  reader.struct({
    1: () => (low = reader.i64()),
    3: () => (name = reader.text()),
    4: () => (id = reader.i64()),
    5: () => (parent = reader.i64()),
    6: () => (annotations = reader.list(() => readAnnotation(reader))),
    8: () => (values = reader.list(() => readValue(reader))),
    10: () => (timestampUs = reader.i64()),
    11: () => (durationUs = reader.i64()),
    12: () => (high = reader.i64()),
  })
  const spanId = idOf(idOfNumber(id), 16, 'id')
  return {
    traceId: idOf(idOfNumber(high) + idOfNumber(low), 32, 'trace_id'),
    id: spanId,
    parentId: parentIdOf(idOfNumber(parent), spanId, 'parent_id'),
    name,
    timestampUs: positive(timestampUs),
    durationUs: positive(durationUs),
    annotations,
    values,
  }
}

function readAnnotation(reader: ThriftReader): V1Span['annotations'][number] {
  let [timestampUs, value] = [0n, '']
  let endpoint: ZipkinEndpoint | undefined
  reader.struct({
    1: () => (timestampUs = reader.i64()),
    2: () => (value = reader.text()),
    3: () => (endpoint = readEndpoint(reader)),
  })
  return { timestampUs: positive(timestampUs), value, endpoint }
}

function readValue(reader: ThriftReader): V1Value {
  let [key, type] = ['', 0]
  let bytes: Uint8Array = new Uint8Array()
  let endpoint: ZipkinEndpoint | undefined
  reader.struct({
    1: () => (key = reader.text()),
    2: () => (bytes = reader.bytes()),
    3: () => (type = reader.i32()),
    4: () => (endpoint = readEndpoint(reader)),
  })
  return { key, value: valueOf(type, bytes), endpoint }
}

function readEndpoint(reader: ThriftReader): ZipkinEndpoint {
  let [ipv4, port, serviceName, ipv6] = [0, 0, '', '']
  reader.struct({
    1: () => (ipv4 = reader.i32()),
    2: () => (port = reader.i16()),
    3: () => (serviceName = reader.text()),
    4: () => (ipv6 = ipv6Text(reader.bytes())),
  })
  const four = Uint8Array.of(ipv4 >> 24, ipv4 >> 16, ipv4 >> 8, ipv4)
  // Ports are written as signed numbers of 16 bits.
  return { serviceName, ipv4: ipv4 === 0 ? '' : ipv4Text(four), ipv6, port: port & 0xffff }
}

/** Of types with a number: how many bytes it has. */
const WIDTHS: Readonly<Record<number, number>> = { 2: 2, 3: 4, 4: 8, 5: 8 }

/** By the `AnnotationType`. Numbers are big-endian. */
function valueOf(type: number, bytes: Uint8Array): AnyValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const width = WIDTHS[type]
  if (width !== undefined && bytes.length < width) return textValue('<not enough bytes representing the number>')
  switch (type) {
    case 0:
      return { type: 'bool', value: bytes.length === 1 && bytes[0] === 1 }
    case 1:
      return textValue(Buffer.from(bytes).toString('base64'))
    case 2:
      return { type: 'int', value: BigInt(view.getInt16(0)) }
    case 3:
      return { type: 'int', value: BigInt(view.getInt32(0)) }
    case 4:
      return { type: 'int', value: view.getBigInt64(0) }
    case 5:
      return { type: 'double', value: view.getFloat64(0) }
    case 6:
      return textValue(Buffer.from(bytes).toString('utf8'))
    default:
      return textValue(`<unknown zipkin v1 binary annotation type (${type})>`)
  }
}

function positive(value: bigint): bigint {
  return value > 0n ? value : 0n
}
