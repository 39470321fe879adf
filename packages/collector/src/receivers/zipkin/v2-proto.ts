/** Zipkin's protobuf. Source: zipkin.proto of openzipkin/zipkin-api. */
import { bytesToHex } from '@spoor/otlp'
import { CollectorError } from '../../component/index.ts'
import type { ZipkinAnnotation, ZipkinEndpoint, ZipkinKind, ZipkinSpan } from '../../zipkin-helper/index.ts'
import { idOf, parentIdOf } from './ids.ts'
import { ipv4Text, ipv6Text } from './ip-text.ts'

const KINDS: readonly (ZipkinKind | undefined)[] = [undefined, 'CLIENT', 'SERVER', 'PRODUCER', 'CONSUMER']

const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5]

/** Each is made when it is asked for. Throws CollectorError `invalid_data`. */
export function* spansFromProto(bytes: Uint8Array): Generator<ZipkinSpan> {
  const spans: Uint8Array[] = []
  readFields(bytes, (number, value) => {
    if (number === 1) spans.push(bytesOf(value))
  })
  for (const span of spans) yield spanOf(span)
}

function spanOf(bytes: Uint8Array): ZipkinSpan {
  let [traceId, parentId, id, name, kind] = ['', '', '', '', 0]
  let [timestampUs, durationUs] = [0n, 0n]
  let local: ZipkinEndpoint | undefined
  let remote: ZipkinEndpoint | undefined
  const annotations: ZipkinAnnotation[] = []
  const tags = new Map<string, string>()
  readFields(bytes, (number, value) => {
    if (number === 1) traceId = bytesToHex(bytesOf(value))
    else if (number === 2) parentId = bytesToHex(bytesOf(value))
    else if (number === 3) id = bytesToHex(bytesOf(value))
    else if (number === 4) kind = Number(numberOf(value))
    else if (number === 5) name = textOf(value)
    else if (number === 6) timestampUs = numberOf(value)
    else if (number === 7) durationUs = numberOf(value)
    else if (number === 8) local = endpointOf(bytesOf(value))
    else if (number === 9) remote = endpointOf(bytesOf(value))
    else if (number === 10) annotations.push(annotationOf(bytesOf(value)))
    else if (number === 11) {
      let [key, text] = ['', '']
      readFields(bytesOf(value), (part, inner) => {
        if (part === 1) key = textOf(inner)
        else if (part === 2) text = textOf(inner)
      })
      tags.set(key, text)
    }
  })
  const spanId = idOf(id, 16, 'id')
  return {
    traceId: idOf(traceId, 32, 'trace_id'),
    id: spanId,
    parentId: parentIdOf(parentId, spanId, 'parent_id'),
    name,
    kind: KINDS[kind],
    timestampUs,
    durationUs,
    local,
    remote,
    annotations,
    tags,
  }
}

function endpointOf(bytes: Uint8Array): ZipkinEndpoint {
  let [serviceName, ipv4, ipv6, port] = ['', '', '', 0]
  readFields(bytes, (number, value) => {
    if (number === 1) serviceName = textOf(value)
    else if (number === 2) ipv4 = ipv4Text(bytesOf(value))
    else if (number === 3) ipv6 = ipv6Text(bytesOf(value))
    else if (number === 4) port = Number(BigInt.asUintN(16, numberOf(value)))
  })
  return { serviceName, ipv4, ipv6, port }
}

function annotationOf(bytes: Uint8Array): ZipkinAnnotation {
  let [timestampUs, text] = [0n, '']
  readFields(bytes, (number, value) => {
    if (number === 1) timestampUs = numberOf(value)
    else if (number === 2) text = textOf(value)
  })
  return { timestampUs, value: text }
}

type Value = bigint | Uint8Array

/** Hands on each field of a message. */
function readFields(bytes: Uint8Array, field: (number: number, value: Value) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw truncated()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw malformed('a number is too long')
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const type = tag & 7
    if (type === VARINT) field(tag >>> 3, varint())
    else if (type === FIXED64 || type === FIXED32) {
      const width = type === FIXED64 ? 8 : 4
      if (at + width > bytes.length) throw truncated()
      field(tag >>> 3, width === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true)))
      at += width
    } else if (type === LENGTH) {
      const end = Number(varint()) + at
      if (end > bytes.length) throw truncated()
      field(tag >>> 3, bytes.subarray(at, end))
      at = end
    } else throw malformed(`a field of wire type ${type}`)
  }
}

function bytesOf(value: Value): Uint8Array {
  if (typeof value === 'bigint') throw malformed('a number where a message is')
  return value
}

function numberOf(value: Value): bigint {
  if (typeof value !== 'bigint') throw malformed('a message where a number is')
  return value
}

function textOf(value: Value): string {
  const { buffer, byteOffset, length } = bytesOf(value)
  return Buffer.from(buffer, byteOffset, length).toString('utf8')
}

function truncated(): CollectorError {
  return malformed('it ends in the middle')
}

function malformed(what: string): CollectorError {
  return new CollectorError('invalid_data', `not a zipkin.proto3.ListOfSpans: ${what}`)
}
