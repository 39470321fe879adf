import { decodeTraces } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { hexId, T0, traceId } from '../../conformance/spans.ts'
import { Assembly } from '../read/assembly.ts'
import { RowReader, RowWriter } from '../row-binary.ts'
import { headerDecoder } from './headers.ts'

/** Spans as the server tells of their headers. */
function told(): Uint8Array {
  const row = new RowWriter()
  for (const [id, parent, service, kind, status] of [
    [1, undefined, 'shop', 2, 2],
    [2, 1, 'größer', 255, 255],
  ] as const) {
    const bytes = (hex: string): void => row.range(Buffer.from(hex, 'hex'), 0, hex.length / 2)
    bytes(traceId(7))
    bytes(hexId(id, 16))
    bytes(parent === undefined ? '' : hexId(parent, 16))
    row.text(`operation ${id}`)
    row.uint8(kind)
    row.text(service)
    const start = T0 + BigInt(id)
    for (const time of [start, start + 5n]) row.words(Number(time & 0xffff_ffffn), Number(time >> 32n))
    row.uint8(status)
  }
  return row.written
}

it('makes spans of their headers alone, of many that come together', () => {
  const assembly = new Assembly()
  for (const span of new RowReader().take(told(), headerDecoder())) assembly.add(span)
  const spans = decodeTraces(assembly.take()).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans: own }) => own.map((span) => ({ resource: resource.attributes, ...span }))),
  )
  expect(spans).toMatchObject([
    {
      resource: [{ key: 'service.name', value: { type: 'string', value: 'shop' } }],
      traceId: traceId(7),
      spanId: hexId(1, 16),
      parentSpanId: '',
      name: 'operation 1',
      kind: 2,
      startTimeUnixNano: T0 + 1n,
      endTimeUnixNano: T0 + 6n,
      status: { code: 2 },
    },
    {
      resource: [{ value: { value: 'größer' } }],
      parentSpanId: hexId(1, 16),
      kind: 255,
      startTimeUnixNano: T0 + 2n,
      status: { code: 255 },
    },
  ])
})
