/** Zipkin's protobuf. Source: zipkin.proto of openzipkin/zipkin-api. */
import { bytesToHex } from '@spoor/otlp'
import { ProtoFields } from '../../receiver-helper/index.ts'
import type { ZipkinAnnotation, ZipkinEndpoint, ZipkinKind, ZipkinSpan } from '../../zipkin-helper/index.ts'
import { idOf, parentIdOf } from './ids.ts'
import { ipv4Text, ipv6Text } from './ip-text.ts'

const KINDS: readonly (ZipkinKind | undefined)[] = [undefined, 'CLIENT', 'SERVER', 'PRODUCER', 'CONSUMER']

const LIST = 'zipkin.proto3.ListOfSpans'

/** Each is made when it is asked for. Throws CollectorError `invalid_data`. */
export function* spansFromProto(bytes: Uint8Array): Generator<ZipkinSpan> {
  const fields = new ProtoFields(bytes, LIST)
  while (fields.next()) if (fields.number === 1) yield spanOf(fields.message())
}

function spanOf(fields: ProtoFields): ZipkinSpan {
  let [traceId, parentId, id, name, kind] = ['', '', '', '', 0]
  let [timestampUs, durationUs] = [0n, 0n]
  let local: ZipkinEndpoint | undefined
  let remote: ZipkinEndpoint | undefined
  const annotations: ZipkinAnnotation[] = []
  const tags = new Map<string, string>()
  while (fields.next()) {
    const { number } = fields
    if (number === 1) traceId = bytesToHex(fields.bytes())
    else if (number === 2) parentId = bytesToHex(fields.bytes())
    else if (number === 3) id = bytesToHex(fields.bytes())
    else if (number === 4) kind = Number(fields.uint())
    else if (number === 5) name = fields.text()
    else if (number === 6) timestampUs = fields.uint()
    else if (number === 7) durationUs = fields.uint()
    else if (number === 8) local = endpointOf(fields.message())
    else if (number === 9) remote = endpointOf(fields.message())
    else if (number === 10) annotations.push(annotationOf(fields.message()))
    else if (number === 11) tags.set(...tagOf(fields.message()))
  }
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

function tagOf(fields: ProtoFields): [key: string, value: string] {
  let [key, text] = ['', '']
  while (fields.next()) {
    if (fields.number === 1) key = fields.text()
    else if (fields.number === 2) text = fields.text()
  }
  return [key, text]
}

function endpointOf(fields: ProtoFields): ZipkinEndpoint {
  let [serviceName, ipv4, ipv6, port] = ['', '', '', 0]
  while (fields.next()) {
    if (fields.number === 1) serviceName = fields.text()
    else if (fields.number === 2) ipv4 = ipv4Text(fields.bytes())
    else if (fields.number === 3) ipv6 = ipv6Text(fields.bytes())
    else if (fields.number === 4) port = Number(BigInt.asUintN(16, fields.uint()))
  }
  return { serviceName, ipv4, ipv6, port }
}

function annotationOf(fields: ProtoFields): ZipkinAnnotation {
  let [timestampUs, text] = [0n, '']
  while (fields.next()) {
    if (fields.number === 1) timestampUs = fields.uint()
    else if (fields.number === 2) text = fields.text()
  }
  return { timestampUs, value: text }
}
