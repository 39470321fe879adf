import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSpanColumns } from './columns.ts'
import { countDataPoints, countItems, countLogRecords, countSpans } from './count.ts'
import { arbitraryMessage, type Message, oracleEncode } from './oracle.test.helper.ts'
import { scanSpans } from './scan.ts'

/** How many messages there are in the arrays of these names, at any depth. */
function itemsOf(value: unknown, names: readonly string[]): number {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return 0
  let items = 0
  for (const [name, item] of Object.entries(value)) {
    if (names.includes(name)) items += (item as unknown[]).length
    items += itemsOf(item, names)
  }
  return items
}

describe('counting', () => {
  it.each([
    { signal: 'traces', type: 'TracesData', count: countSpans, names: ['spans'] },
    { signal: 'logs', type: 'LogsData', count: countLogRecords, names: ['logRecords'] },
    { signal: 'metrics', type: 'MetricsData', count: countDataPoints, names: ['dataPoints'] },
  ] as const)('finds the items of $signal', ({ signal, type, count, names }) => {
    fc.assert(
      fc.property(arbitraryMessage(type), (message: Message) => {
        const bytes = oracleEncode(type, message)
        expect(count(bytes)).toBe(itemsOf(message, names))
        expect(countItems(signal, bytes)).toBe(count(bytes))
      }),
    )
  })

  it('reads repeated numbers packed and not', () => {
    const field = (tag: number, ...content: number[]) => [tag, content.length, ...content]
    const histogram = (...buckets: number[]) =>
      Uint8Array.from(field(0x0a, ...field(0x12, ...field(0x12, ...field(0x4a, ...field(0x0a, ...buckets))))))
    const eight = [1, 0, 0, 0, 0, 0, 0, 0]
    expect(countDataPoints(histogram(...field(0x32, ...eight, ...eight)))).toBe(1)
    expect(countDataPoints(histogram(0x31, ...eight, 0x31, ...eight))).toBe(1)
    expect(() => countDataPoints(histogram(...field(0x32, ...eight, 1)))).toThrow('the message ends within a field')
  })
})

/** A request with one resource and scope, whose second span has these bytes. */
function request(...span: number[]): Uint8Array {
  const field = (tag: number, content: number[]) => [tag, content.length, ...content]
  return Uint8Array.from(field(0x0a, field(0x12, [...field(0x12, []), ...field(0x12, span)])))
}

/** An attribute as every SDK writes it. */
const PLAIN = [0x4a, 7, 0x0a, 1, 0x61, 0x12, 2, 0x10, 1]

describe('errors', () => {
  const span = 'resourceSpans[0].scopeSpans[0].spans[1]'

  it.each([
    ['an id of another length', [0x0a, 2, 1, 1], 'id_length', `${span}.traceId`],
    ['a known field of another wire type', [0x28, 1], 'wire_type', `${span}.name`],
    ['a group', [0xf3, 0x07], 'wire_type', span],
    ['field number 0', [0x02, 0], 'wire_type', span],
    ['a field that ends after its message', [0x2a, 9, 1], 'truncated', `${span}.name`],
    ['a number that ends after its message', [0x39, 1, 2], 'truncated', `${span}.startTimeUnixNano`],
    ['a varint of 11 bytes', [0x30, ...Array.from({ length: 10 }, () => 0x80), 1], 'varint', `${span}.kind`],
    ['a varint of 65 bits', [0x30, ...Array.from({ length: 9 }, () => 0x80), 2], 'varint', `${span}.kind`],
    ['a broken attribute', [0x4a, 2, 0x0a, 5], 'truncated', `${span}.attributes[0].key`],
    ['one behind others', [...PLAIN, ...PLAIN, 0x4a, 2, 0x0a, 5], 'truncated', `${span}.attributes[2].key`],
    ['one that ends after its message', [...PLAIN, 0x4a, 9, 0x0a], 'truncated', `${span}.attributes[1]`],
    ['a broken value', [0x4a, 0, 0x4a, 4, 0x12, 2, 0x21, 1], 'truncated', `${span}.attributes[1].value.doubleValue`],
  ])('name the place of %s', (_, bytes, code, path) => {
    expect(() => countSpans(request(...bytes))).toThrow(expect.objectContaining({ code, path }))
    expect(() => countSpans(request(...bytes))).toThrow(`${path}: byte `)
  })

  it('are attributes that go on behind their span, whatever is there', () => {
    const field = (tag: number, content: number[]) => [tag, content.length, ...content]
    const cut = field(0x12, [...PLAIN, ...PLAIN.slice(0, 5)])
    const bytes = Uint8Array.from(field(0x0a, field(0x12, [...cut, ...PLAIN.slice(5)])))
    expect(() => countSpans(bytes)).toThrow(expect.objectContaining({ code: 'truncated' }))
    expect(() => scanSpans(bytes, createSpanColumns())).toThrow(expect.objectContaining({ code: 'truncated' }))
  })

  it('of the request itself have no path', () => {
    expect(() => countSpans(Uint8Array.from([0xff]))).toThrow(expect.objectContaining({ code: 'truncated', path: '' }))
  })
})
