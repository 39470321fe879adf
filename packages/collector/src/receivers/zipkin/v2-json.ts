/** Version 2 of Zipkin's JSON. */
import type { ZipkinEndpoint, ZipkinKind, ZipkinSpan } from '../../zipkin-helper/index.ts'
import { idOf, parentIdOf } from './ids.ts'
import { listOf, type Fields } from './json.ts'

const KINDS: readonly string[] = ['CLIENT', 'SERVER', 'PRODUCER', 'CONSUMER'] satisfies ZipkinKind[]

/** Each is made when it is asked for. Throws CollectorError `invalid_data`. */
export function* spansFromJson(bytes: Uint8Array): Generator<ZipkinSpan> {
  for (const fields of listOf(bytes)) yield spanOf(fields)
}

function spanOf(fields: Fields): ZipkinSpan {
  const id = idOf(fields.text('id'), 16, fields.placeOf('id'))
  const kind = fields.text('kind')
  const tags = fields.object('tags')
  return {
    traceId: idOf(fields.text('traceId'), 32, fields.placeOf('traceId')),
    id,
    parentId: parentIdOf(fields.text('parentId'), id, fields.placeOf('parentId')),
    name: fields.text('name'),
    kind: KINDS.includes(kind) ? (kind as ZipkinKind) : undefined,
    timestampUs: BigInt(fields.count('timestamp')),
    durationUs: BigInt(fields.count('duration')),
    local: endpointOf(fields.object('localEndpoint')),
    remote: endpointOf(fields.object('remoteEndpoint')),
    annotations: fields
      .list('annotations')
      .map((each) => ({ timestampUs: BigInt(each.count('timestamp')), value: each.text('value') })),
    tags: new Map(tags?.keys().map((key) => [key, tags.anyText(key)])),
  }
}

export function endpointOf(fields: Fields | undefined): ZipkinEndpoint | undefined {
  return (
    fields && {
      serviceName: fields.text('serviceName'),
      ipv4: fields.text('ipv4'),
      ipv6: fields.text('ipv6'),
      port: fields.count('port'),
    }
  )
}
