/** Version 1 of Zipkin's JSON. */
import type { Fields } from './json.ts'
import { listOf } from './json.ts'
import { idOf, parentIdOf } from './ids.ts'
import type { V1Span } from './v1-to-otlp.ts'
import { endpointOf } from './v2-json.ts'
import { tagValue } from './values.ts'

/** Each is made when it is asked for. `parses`: see {@link tagValue}. Throws CollectorError `invalid_data`. */
export function* v1SpansFromJson(bytes: Uint8Array, parses: boolean): Generator<V1Span> {
  for (const fields of listOf(bytes)) yield spanOf(fields, parses)
}

function spanOf(fields: Fields, parses: boolean): V1Span {
  const id = idOf(fields.text('id'), 16, fields.placeOf('id'))
  return {
    traceId: idOf(fields.text('traceId'), 32, fields.placeOf('traceId')),
    id,
    parentId: parentIdOf(fields.text('parentId'), id, fields.placeOf('parentId')),
    name: fields.text('name'),
    timestampUs: BigInt(fields.count('timestamp')),
    durationUs: BigInt(fields.count('duration')),
    annotations: fields.list('annotations').map((each) => ({
      timestampUs: BigInt(each.count('timestamp')),
      value: each.text('value'),
      endpoint: endpointOf(each.object('endpoint')),
    })),
    values: fields.list('binaryAnnotations').map((each) => ({
      key: each.text('key'),
      value: tagValue(each.anyText('value'), parses),
      endpoint: endpointOf(each.object('endpoint')),
    })),
  }
}
