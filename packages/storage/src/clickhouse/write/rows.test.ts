import { decodeTraces } from '@spoor/otlp'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { arbitrarySpan } from '../../conformance/arbitrary.ts'
import { attributes, hexId, MS, requestOf, sent, T0, traceId, type SentSpan } from '../../conformance/spans.ts'
import { textOf } from '../../local/block/attribute.ts'
import { Assembly } from '../read/assembly.ts'
import { RowReader, RowWriter } from '../row-binary.ts'
import { decodeRow, type Row } from './rows.test.helper.ts'
import { SpanRows } from './rows.ts'

/** The rows of spans, by columns. In pieces of `step` bytes, as they may come from a socket. */
function rowsOf(spans: readonly SentSpan[], step = Infinity): Row[] {
  const rows = new SpanRows(new RowWriter(16))
  rows.batch = 1_735_689_600_000_001
  expect(rows.add(requestOf(spans))).toBe(spans.length)
  const reader = new RowReader()
  const found: Row[] = []
  const { written } = rows.row
  for (let at = 0; at < written.length; at += step) {
    found.push(...reader.take(written.subarray(at, at + step), decodeRow))
  }
  expect(reader.rest).toHaveLength(0)
  return found
}

it('has every column of a span', () => {
  const span = sent({
    trace: 1,
    id: 0xab,
    parent: 7,
    service: 'größer 🦌',
    name: 'GET /',
    kind: 5,
    ms: 2,
    attributes: attributes({
      a: 'x',
      n: 200n,
      big: -(2n ** 63n),
      half: 0.5,
      yes: true,
      raw: { type: 'bytes', value: Uint8Array.of(1, 2) },
      list: { type: 'array', value: [{ type: 'int', value: 1n }] },
      none: { type: 'empty' },
    }),
    resource: attributes({ host: 'h' }),
    scope: { attributes: attributes({ s: 1n }) },
    span: {
      traceState: 'v=1',
      status: { code: 2, message: 'no' },
      events: [{ timeUnixNano: T0 + 5n, name: 'e', attributes: attributes({ k: 'v' }), droppedAttributesCount: 0 }],
      links: [
        {
          traceId: traceId(9),
          spanId: hexId(3, 16),
          traceState: 'l=1',
          attributes: attributes({ w: 'y' }),
          droppedAttributesCount: 0,
          flags: 0,
        },
      ],
    },
  })
  const [row, next] = rowsOf([span, sent({ trace: 2, id: 1 })])
  expect(row).toMatchObject({
    Timestamp: T0,
    TraceId: traceId(1),
    SpanId: '00000000000000ab',
    ParentSpanId: '0000000000000007',
    TraceState: 'v=1',
    SpanName: 'GET /',
    SpanKind: 'Consumer',
    ServiceName: 'größer 🦌',
    ResourceAttributes: [
      ['service.name', 'größer 🦌'],
      ['host', 'h'],
    ],
    ScopeName: 'tests',
    ScopeVersion: '1.0',
    SpanAttributes: [
      ['a', 'x'],
      ['n', '200'],
      ['big', '-9223372036854775808'],
      ['half', '0.5'],
      ['yes', 'true'],
      ['raw', 'AQI='],
      ['list', '[1]'],
      ['none', ''],
    ],
    Duration: 2_000_000n,
    StatusCode: 'Error',
    StatusMessage: 'no',
    'Events.Timestamp': [T0 + 5n],
    'Events.Name': ['e'],
    'Events.Attributes': [[['k', 'v']]],
    'Links.TraceId': [traceId(9)],
    'Links.SpanId': ['0000000000000003'],
    'Links.TraceState': ['l=1'],
    'Links.Attributes': [[['w', 'y']]],
    SpoorBatch: 1_735_689_600_000_001n,
    SpoorRow: 0,
    SpoorStart: T0,
    SpoorDuration: 2_000_000n,
    SpoorScopeAttributes: [['s', '1']],
  })
  expect(next).toMatchObject({
    ParentSpanId: '',
    ServiceName: 'unknown_service',
    StatusCode: 'Unset',
    SpoorRow: 1,
    SpoorScopeAttributes: [],
  })
})

it('keeps times and durations that the columns of others have no room for', () => {
  const times = [
    [0n, 0n],
    [(1n << 64n) - 1n, 5n],
    [T0, T0 - 3n * MS],
  ] as const
  const rows = rowsOf(
    times.map(([startTimeUnixNano, endTimeUnixNano], i) =>
      sent({ trace: i, id: 1, span: { startTimeUnixNano, endTimeUnixNano } }),
    ),
  )
  expect(rows.map(({ SpoorStart, SpoorDuration, Duration }) => [SpoorStart, SpoorDuration, Duration])).toEqual([
    [0n, 0n, 0n],
    [(1n << 64n) - 1n, -(2n ** 63n - 1024n), 0n],
    [T0, -3_000_000n, 0n],
  ])
  // 2106 is the last year of a DateTime.
  expect(new Date(Number((rows[1]!['Timestamp'] as bigint) / 1_000_000n)).toISOString()).toMatch(/^2106-02-07/)
})

it('says of any spans what they say, in pieces of any size, and gives them back', () => {
  fc.assert(
    fc.property(
      fc.array(arbitrarySpan, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 300 }),
      (spans, step) => {
        const rows = rowsOf(spans, step)
        expect(rows.map(({ SpanAttributes }) => SpanAttributes)).toEqual(
          spans.map(({ span }) => span.attributes.map(({ key, value }) => [key, textOf(value)])),
        )
        const assembly = new Assembly()
        for (const row of rows)
          assembly.add({
            resource: row.SpoorResource as Uint8Array,
            scope: row.SpoorScope as Uint8Array,
            span: row.SpoorSpan as Uint8Array,
          })
        const back = decodeTraces(assembly.take()).resourceSpans.flatMap(({ resource, scopeSpans }) =>
          scopeSpans.flatMap(({ scope, spans: own }) => own.map((span) => ({ resource, scope, span }))),
        )
        expect(back).toEqual(
          decodeTraces(requestOf(spans)).resourceSpans.flatMap(({ resource, scopeSpans }) =>
            scopeSpans.flatMap(({ scope, spans: own }) => own.map((span) => ({ resource, scope, span }))),
          ),
        )
      },
    ),
    { numRuns: 60 },
  )
})
