import { encodeTraces, type Resource, type Span, type TracesData } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { readJaegerTrace, traceText, wholeTrace } from './trace-json.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const string = (key: string, value: string) => ({ key, value: { type: 'string' as const, value } })
const resource = (...attributes: Resource['attributes'][number][]): Resource => ({
  attributes,
  droppedAttributesCount: 0,
})
const span = (fields: Partial<Span>): Span => ({
  traceId: TRACE,
  spanId: '00f067aa0ba902b7',
  traceState: '',
  parentSpanId: '',
  flags: 0,
  name: 'GET /',
  kind: 0,
  startTimeUnixNano: 1_760_000_000_000_001_999n,
  endTimeUnixNano: 1_760_000_000_000_004_998n,
  attributes: [],
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  status: { code: 0, message: '' },
  ...fields,
})
const link = (spanId: string, ...attributes: Span['attributes'][number][]): Span['links'][number] => ({
  traceId: TRACE,
  spanId,
  traceState: '',
  attributes,
  droppedAttributesCount: 0,
  flags: 0,
})

/** Each list of spans under its resource; the scope is `lib 1.0`. */
function traceOf(groups: [Resource, Span[]][], raw = false, traceId = TRACE) {
  const data: TracesData = {
    resourceSpans: groups.map(([resource, spans]) => ({
      resource,
      schemaUrl: '',
      scopeSpans: [
        { scope: { name: 'lib', version: '1.0', attributes: [], droppedAttributesCount: 0 }, schemaUrl: '', spans },
      ],
    })),
  }
  const bytes = encodeTraces(data)
  const trace = wholeTrace(readJaegerTrace(bytes, traceId, raw))
  expect(JSON.parse([...traceText(readJaegerTrace(bytes, traceId, raw))].join(''))).toEqual(trace)
  return trace
}
const cart = resource(string('service.name', 'cart'), string('host.name', 'h'))

describe('Jaeger’s JSON of a span', () => {
  it('has times in microseconds, cut, and tags in Jaeger’s order', () => {
    const trace = traceOf([
      [
        cart,
        [
          span({
            kind: 2,
            status: { code: 2, message: 'no' },
            traceState: 'a=b',
            attributes: [string('z', '1'), string('b', '2')],
          }),
        ],
      ],
    ])
    expect(trace).toEqual({
      traceID: TRACE,
      processes: { p1: { serviceName: 'cart', tags: [{ key: 'host.name', type: 'string', value: 'h' }] } },
      warnings: null,
      spans: [
        {
          traceID: TRACE,
          spanID: '00f067aa0ba902b7',
          operationName: 'GET /',
          references: [],
          startTime: 1_760_000_000_000_001,
          duration: 2,
          processID: 'p1',
          logs: [],
          warnings: null,
          tags: [
            { key: 'otel.scope.name', type: 'string', value: 'lib' },
            { key: 'otel.scope.version', type: 'string', value: '1.0' },
            { key: 'b', type: 'string', value: '2' },
            { key: 'z', type: 'string', value: '1' },
            { key: 'span.kind', type: 'string', value: 'server' },
            { key: 'otel.status_code', type: 'string', value: 'ERROR' },
            { key: 'error', type: 'bool', value: true },
            { key: 'otel.status_description', type: 'string', value: 'no' },
            { key: 'w3c.tracestate', type: 'string', value: 'a=b' },
          ],
        },
      ],
    })
  })

  it('has each type of attribute', () => {
    const [one] = traceOf([
      [
        cart,
        [
          span({
            attributes: [
              { key: 'a', value: { type: 'int', value: 9_007_199_254_740_991n } },
              { key: 'b', value: { type: 'int', value: 9_007_199_254_740_993n } },
              { key: 'c', value: { type: 'double', value: 0.5 } },
              { key: 'd', value: { type: 'double', value: Number.NaN } },
              { key: 'e', value: { type: 'bool', value: false } },
              { key: 'f', value: { type: 'bytes', value: new Uint8Array([0, 255]) } },
              {
                key: 'g',
                value: {
                  type: 'array',
                  value: [
                    { type: 'int', value: 9_007_199_254_740_993n },
                    { type: 'string', value: '"' },
                    { type: 'empty' },
                  ],
                },
              },
              { key: 'h', value: { type: 'map', value: [{ key: 'k', value: { type: 'double', value: 1.5 } }] } },
              { key: 'i', value: { type: 'empty' } },
            ],
          }),
        ],
      ],
    ]).spans
    expect(one!.tags.slice(2)).toEqual([
      { key: 'a', type: 'int64', value: 9_007_199_254_740_991 },
      { key: 'b', type: 'int64', value: '9007199254740993' },
      { key: 'c', type: 'float64', value: 0.5 },
      { key: 'd', type: 'float64', value: 'NaN' },
      { key: 'e', type: 'bool', value: false },
      { key: 'f', type: 'binary', value: 'AP8=' },
      { key: 'g', type: 'string', value: String.raw`[9007199254740993,"\"",null]` },
      { key: 'h', type: 'string', value: '{"k":1.5}' },
      { key: 'i', type: 'string', value: '' },
    ])
  })

  it('names the parent first; a link to the parent stands in its place', () => {
    const references = (fields: Partial<Span>) =>
      traceOf([[cart, [span(fields)]]]).spans[0]!.references.map(({ refType, spanID }) => `${refType} ${spanID.at(-1)}`)
    const [a, b] = ['000000000000000a', '000000000000000b']
    expect(references({ parentSpanId: a, links: [link(b)] })).toEqual(['CHILD_OF a', 'FOLLOWS_FROM b'])
    expect(references({ parentSpanId: a, links: [link(b), link(a)] })).toEqual(['FOLLOWS_FROM a', 'FOLLOWS_FROM b'])
    expect(references({ links: [link(b, string('opentracing.ref_type', 'child_of'))] })).toEqual(['CHILD_OF b'])
  })

  it('has events as logs, their name first unless an attribute is called so', () => {
    const event = (name: string, ...attributes: Span['attributes'][number][]) => ({
      timeUnixNano: 5_999n,
      name,
      attributes,
      droppedAttributesCount: 0,
    })
    const [one] = traceOf([
      [cart, [span({ events: [event('hit', string('k', 'v')), event('x', string('event', 'own'))] })]],
    ]).spans
    expect(one!.logs).toEqual([
      {
        timestamp: 5,
        fields: [
          { key: 'event', type: 'string', value: 'hit' },
          { key: 'k', type: 'string', value: 'v' },
        ],
      },
      { timestamp: 5, fields: [{ key: 'event', type: 'string', value: 'own' }] },
    ])
  })

  it('hands on the warnings that were sent', () => {
    const attributes = [
      {
        key: '@jaeger@warnings',
        value: { type: 'array' as const, value: [{ type: 'string' as const, value: 'slow' }] },
      },
    ]
    const [one] = traceOf([[cart, [span({ attributes })]]]).spans
    expect(one!.warnings).toEqual(['slow'])
    expect(one!.tags).toHaveLength(2)
  })
})

describe('Jaeger’s JSON of a trace', () => {
  it('prints 16 digits of an id whose high half is zero', () => {
    const short = `${'0'.repeat(16)}8448eb211c80319c`
    const trace = traceOf([[cart, [span({ traceId: short, parentSpanId: '00000000000000aa' })]]], false, short)
    expect([trace.traceID, trace.spans[0]!.traceID, trace.spans[0]!.references[0]!.traceID]).toEqual(
      Array.from({ length: 3 }, () => '8448eb211c80319c'),
    )
  })

  it('has one process for equal resources, and a name for those without', () => {
    const trace = traceOf([
      [cart, [span({ spanId: '0000000000000001' })]],
      [resource(), [span({ spanId: '0000000000000002' })]],
      [cart, [span({ spanId: '0000000000000003' })]],
    ])
    expect(trace.spans.map(({ processID }) => processID)).toEqual(['p1', 'p2', 'p1'])
    expect(trace.processes['p2']).toEqual({ serviceName: 'OTLPResourceNoServiceName', tags: [] })
  })

  it('leaves out spans of other traces', () => {
    expect(traceOf([[cart, [span({}), span({ traceId: 'f'.repeat(32) })]]]).spans).toHaveLength(1)
  })
})

describe('adjusters', () => {
  const sharedId = '00000000000000aa'
  const shared: [Resource, Span[]][] = [
    [cart, [span({ spanId: sharedId, kind: 3 })]],
    [
      resource(string('service.name', 'api')),
      [span({ spanId: sharedId, kind: 2 }), span({ spanId: '00000000000000bb', parentSpanId: sharedId })],
    ],
  ]

  it('give a server span that shares its id an id of its own, with the children', () => {
    const [client, server, child] = traceOf(shared).spans
    expect(client!.spanID).toBe(sharedId)
    expect(server!.spanID).not.toBe(sharedId)
    expect(server!.references).toEqual([{ refType: 'CHILD_OF', traceID: TRACE, spanID: sharedId }])
    expect(child!.references[0]!.spanID).toBe(server!.spanID)
    expect(traceOf(shared).spans[1]!.spanID).toBe(server!.spanID)
  })

  it('drop exact duplicates and links to nowhere, and write addresses with dots', () => {
    const once = span({
      links: [link('0000000000000000'), link('00000000000000cc')],
      attributes: [{ key: 'peer.ipv4', value: { type: 'int', value: 3_232_235_777n } }],
    })
    const { spans } = traceOf([[cart, [once, once]]])
    expect(spans).toHaveLength(1)
    expect(spans[0]!.references).toHaveLength(1)
    expect(spans[0]!.warnings).toEqual(['Invalid span link removed'])
    expect(spans[0]!.tags).toContainEqual({ key: 'peer.ipv4', type: 'string', value: '192.168.1.1' })
  })

  it('are skipped for raw', () => {
    expect(traceOf(shared, true).spans.map(({ spanID }) => spanID)).toEqual([sharedId, sharedId, '00000000000000bb'])
    expect(traceOf([[cart, [span({}), span({})]]], true).spans).toHaveLength(2)
    const [one] = traceOf([[cart, [span({ attributes: [string('z', ''), string('a', '')] })]]], true).spans
    expect(one!.tags.map(({ key }) => key)).toEqual(['otel.scope.name', 'otel.scope.version', 'z', 'a'])
  })
})
