/** Zipkin's protobuf. Source: zipkin.proto of openzipkin/zipkin-api. */
import { hexToBytes } from '@spoor/otlp'
import type { ZipkinEndpoint, ZipkinKind, ZipkinSpan } from '../../zipkin-helper/index.ts'

const KINDS: Readonly<Record<ZipkinKind, number>> = { CLIENT: 1, SERVER: 2, PRODUCER: 3, CONSUMER: 4 }

export function spansToProto(spans: readonly ZipkinSpan[]): Uint8Array {
  return Buffer.concat(spans.map((span) => delimited(1, spanToProto(span))))
}

function spanToProto(span: ZipkinSpan): Uint8Array {
  const { traceId, parentId, id, kind, name, timestampUs, durationUs, local, remote, annotations, tags } = span
  return Buffer.concat([
    delimited(1, hexToBytes(traceId)),
    ...(parentId === '' ? [] : [delimited(2, hexToBytes(parentId))]),
    delimited(3, hexToBytes(id)),
    ...(kind ? [number(4, KINDS[kind])] : []),
    text(5, name),
    fixed64(6, timestampUs),
    ...(durationUs > 0n ? [tag(7, 0), varint(durationUs)] : []),
    ...(local ? [delimited(8, endpointToProto(local))] : []),
    ...(remote ? [delimited(9, endpointToProto(remote))] : []),
    ...annotations.map((each) => delimited(10, Buffer.concat([fixed64(1, each.timestampUs), text(2, each.value)]))),
    ...Array.from(tags, ([key, value]) => delimited(11, Buffer.concat([text(1, key), text(2, value)]))),
  ])
}

function endpointToProto({ serviceName, ipv4, ipv6, port }: ZipkinEndpoint): Uint8Array {
  return Buffer.concat([
    text(1, serviceName),
    ...(ipv4 === '' ? [] : [delimited(2, Uint8Array.from(ipv4.split('.'), Number))]),
    ...(ipv6 === '' ? [] : [delimited(3, ipv6Bytes(ipv6))]),
    ...(port > 0 ? [number(4, port)] : []),
  ])
}

/** Of an address that is one, in whichever of its spellings. */
function ipv6Bytes(address: string): Uint8Array {
  const plain = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [front, back] = plain.split('::').map((part) => part.split(':').filter((word) => word !== ''))
  const words = [...front!, ...Array<string>(8 - front!.length - (back?.length ?? 0)).fill('0'), ...(back ?? [])]
  return Uint8Array.from(words.flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 0xff]))
}

function tag(field: number, type: number): Uint8Array {
  return varint(BigInt(8 * field + type))
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80n; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80)
  return Uint8Array.from([...bytes, Number(left)])
}

function delimited(field: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([tag(field, 2), varint(BigInt(bytes.length)), bytes])
}

function text(field: number, value: string): Uint8Array {
  return value === '' ? new Uint8Array() : delimited(field, Buffer.from(value))
}

function number(field: number, value: number): Uint8Array {
  return Buffer.concat([tag(field, 0), varint(BigInt(value))])
}

function fixed64(field: number, value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array()
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
  return Buffer.concat([tag(field, 1), bytes])
}
