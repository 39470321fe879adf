import { decodeTraces, encodeTraces, joinBytes, type Span, type TracesData, tracesToJson } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { jaegerJsonOf } from './jaeger-text.ts'
import { tracesOf } from './traces-of.ts'

const id = (number: number, digits: number): string => number.toString(16).padStart(digits, '0')
const text = (key: string, value: string) => ({ key, value: { type: 'string' as const, value } })
const span = (trace: number, number: number, more: Partial<Span> = {}): Span => ({
  traceId: id(trace, 32),
  spanId: id(number, 16),
  traceState: '',
  parentSpanId: '',
  flags: 0,
  name: `step ${number}`,
  kind: 2,
  startTimeUnixNano: 1_790_000_000_000_000_000n,
  endTimeUnixNano: 1_790_000_000_001_000_000n,
  attributes: [],
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  status: { code: 0, message: '' },
  ...more,
})
const of = (service: string, spans: readonly Span[]): TracesData => ({
  resourceSpans: [
    {
      resource: { attributes: [text('service.name', service)], droppedAttributesCount: 0 },
      schemaUrl: '',
      scopeSpans: [
        { scope: { name: 'lib', version: '1', attributes: [], droppedAttributesCount: 0 }, schemaUrl: '', spans },
      ],
    },
  ],
})

/** Two traces, the second in two services. */
const shop = encodeTraces(of('shop', [span(1, 1), span(2, 2)]))
const bank = encodeTraces(of('bank', [span(2, 3)]))
const both = joinBytes([shop, bank])
const utf8 = (json: string) => new TextEncoder().encode(json)
const framed = (bytes: Uint8Array) => joinBytes([Uint8Array.of(0, 0, bytes.length >> 8, bytes.length & 255), bytes])
/** Names of the spans of each trace. */
const namesOf = (bytes: Uint8Array) => {
  const { traces, refusals } = tracesOf(bytes)
  const names = [...traces].map(([traceId, of]) => [
    traceId,
    ...decodeTraces(of).resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => `${name} ${JSON.stringify(resource).length}`)),
    ),
  ])
  return { names, refusals }
}
const expected = namesOf(both)

describe('tracesOf', () => {
  it('sorts spans by their trace, each under its resource', () => {
    expect(expected.refusals).toEqual([])
    expect(expected.names.map(([traceId, ...names]) => [traceId, names.length])).toEqual([
      [id(1, 32), 1],
      [id(2, 32), 2],
    ])
    const second = decodeTraces(tracesOf(both).traces.get(id(2, 32))!)
    expect(second.resourceSpans.map(({ resource }) => resource.attributes[0]!.value)).toEqual([
      { type: 'string', value: 'shop' },
      { type: 'string', value: 'bank' },
    ])
  })

  it.each([
    ['JSON', utf8(tracesToJson(both))],
    ['JSON with a byte order mark', utf8(`\ufeff${tracesToJson(both)}`)],
    ['JSON lines', utf8(`${tracesToJson(shop)}\n${tracesToJson(bank)}\n`)],
    ['an array of JSON', utf8(`[${tracesToJson(shop)}, ${tracesToJson(bank)}]`)],
    ['frames of protobuf', joinBytes([framed(shop), framed(bank)])],
    ['frames of JSON', joinBytes([framed(utf8(tracesToJson(shop))), framed(utf8(tracesToJson(bank)))])],
  ])('reads %s', (_, bytes) => expect(namesOf(bytes)).toEqual(expected))

  it('reads what it wrote as Jaeger’s JSON, and writes the same again', () => {
    const spans = [
      span(1, 1, {
        attributes: [text('a', '1'), { key: 'b', value: { type: 'bytes', value: Uint8Array.of(255, 0) } }],
      }),
      span(1, 2, { parentSpanId: id(1, 16), status: { code: 2, message: 'no' }, kind: 3 }),
    ]
    const written = [...jaegerJsonOf(encodeTraces(of('shop', spans)), id(1, 32))].join('')
    const { traces, refusals } = tracesOf(utf8(written))
    expect(refusals).toEqual([])
    const read = traces.get(id(1, 32))!
    expect(decodeTraces(read)).toEqual(of('shop', spans))
    expect([...jaegerJsonOf(read, id(1, 32))].join('')).toBe(written)
  })

  it('takes what comes before the place where a file is cut off', () => {
    for (const [bytes, reason] of [
      [both.subarray(0, -1), /ends in the middle/],
      [joinBytes([framed(shop), framed(bank)]).subarray(0, -1), /ends in the middle/],
      [utf8(`${tracesToJson(shop)}\n${tracesToJson(bank).slice(0, -9)}`), /it ends in the middle|cut off/],
    ] as const) {
      const { traces, refusals } = tracesOf(bytes)
      expect([...traces.keys()]).toEqual([id(1, 32), id(2, 32)])
      expect(refusals.map(({ reason }) => reason)).toEqual([expect.stringMatching(reason)])
    }
  })

  it('says what cannot be shown, and where', () => {
    const noId = encodeTraces(of('shop', [span(1, 1), span(1, 0, { spanId: '' })]))
    const { traces, refusals } = tracesOf(noId)
    expect(refusals).toEqual([{ reason: 'span_id is absent', spans: 1, pieces: 0, first: 'byte 0' }])
    expect(decodeTraces(traces.get(id(1, 32))!)).toEqual(of('shop', [span(1, 1)]))
    expect(tracesOf(utf8('{"resourceMetrics":[]}')).refusals[0]!.reason).toBe('metrics; only traces are shown')
    expect(tracesOf(utf8('GIF89a, or so')).refusals[0]!.reason).toMatch(/none of the forms that are known/)
    expect(tracesOf(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0)).refusals[0]!.reason).toMatch(/zstd.*spoor import/)
    expect(tracesOf(new Uint8Array())).toEqual({ traces: new Map(), refusals: [] })
  })
})
