import { encodeTraces, type Resource, type Span, type TracesData } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { type StorageError } from '@spoor/storage'
import type { JaegerTrace } from '@spoor/trace/files'
import { type JaegerTraceReader, readJaegerTrace, type ReadOptions } from './trace-json.ts'
import { tracesText } from './trace-text.ts'

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
function bytesOf(groups: readonly [Resource, Span[]][]): Uint8Array {
  const data: TracesData = {
    resourceSpans: groups.map(([resource, spans]) => ({
      resource,
      schemaUrl: '',
      scopeSpans: [
        { scope: { name: 'lib', version: '1.0', attributes: [], droppedAttributesCount: 0 }, schemaUrl: '', spans },
      ],
    })),
  }
  return encodeTraces(data)
}

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function answerOf(trace: JaegerTraceReader, pretty = false): Promise<string> {
  const leavesPart = (error: unknown): error is StorageError => (error as { code?: string }).code === 'corrupt'
  let text = ''
  for await (const piece of tracesText({ traces: from([trace]), pretty, leavesPart, errors: () => [] })) text += piece
  return text
}

async function traceOf(groups: [Resource, Span[]][], raw = false, traceId = TRACE): Promise<JaegerTrace> {
  const chunks = () => from([bytesOf(groups)])
  const read = () => readJaegerTrace(chunks(), traceId, { raw, again: chunks })
  const text = await answerOf(read())
  const { data } = JSON.parse(text) as { data: [JaegerTrace] }
  // Written with Jaeger's indentation it is the same, as JSON.stringify would write it.
  expect(await answerOf(read(), true)).toBe(JSON.stringify(JSON.parse(text), undefined, 4))
  return data[0]
}
const cart = resource(string('service.name', 'cart'), string('host.name', 'h'))

describe('Jaeger’s JSON of a span', () => {
  it('has times in microseconds, cut, and tags in Jaeger’s order', async () => {
    const trace = await traceOf([
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

  it('has each type of attribute', async () => {
    const [one] = (
      await traceOf([
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
      ])
    ).spans
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

  it('names the parent first; a link to the parent stands in its place', async () => {
    const references = async (fields: Partial<Span>) =>
      (await traceOf([[cart, [span(fields)]]])).spans[0]!.references.map(
        ({ refType, spanID }) => `${refType} ${spanID.at(-1)}`,
      )
    const [a, b] = ['000000000000000a', '000000000000000b']
    expect(await references({ parentSpanId: a, links: [link(b)] })).toEqual(['CHILD_OF a', 'FOLLOWS_FROM b'])
    expect(await references({ parentSpanId: a, links: [link(b), link(a)] })).toEqual([
      'FOLLOWS_FROM a',
      'FOLLOWS_FROM b',
    ])
    expect(await references({ links: [link(b, string('opentracing.ref_type', 'child_of'))] })).toEqual(['CHILD_OF b'])
  })

  it('has events as logs, their name first unless an attribute is called so', async () => {
    const event = (name: string, ...attributes: Span['attributes'][number][]) => ({
      timeUnixNano: 5_999n,
      name,
      attributes,
      droppedAttributesCount: 0,
    })
    const [one] = (
      await traceOf([[cart, [span({ events: [event('hit', string('k', 'v')), event('x', string('event', 'own'))] })]]])
    ).spans
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

  it('hands on the warnings that were sent', async () => {
    const attributes = [
      {
        key: '@jaeger@warnings',
        value: { type: 'array' as const, value: [{ type: 'string' as const, value: 'slow' }] },
      },
    ]
    const [one] = (await traceOf([[cart, [span({ attributes })]]])).spans
    expect(one!.warnings).toEqual(['slow'])
    expect(one!.tags).toHaveLength(2)
  })
})

describe('Jaeger’s JSON of a trace', () => {
  it('prints 16 digits of an id whose high half is zero', async () => {
    const short = `${'0'.repeat(16)}8448eb211c80319c`
    const trace = await traceOf([[cart, [span({ traceId: short, parentSpanId: '00000000000000aa' })]]], false, short)
    expect([trace.traceID, trace.spans[0]!.traceID, trace.spans[0]!.references[0]!.traceID]).toEqual(
      Array.from({ length: 3 }, () => '8448eb211c80319c'),
    )
  })

  it('has one process for equal resources, and a name for those without', async () => {
    const trace = await traceOf([
      [cart, [span({ spanId: '0000000000000001' })]],
      [resource(), [span({ spanId: '0000000000000002' })]],
      [cart, [span({ spanId: '0000000000000003' })]],
    ])
    expect(trace.spans.map(({ processID }) => processID)).toEqual(['p1', 'p2', 'p1'])
    expect(trace.processes['p2']).toEqual({ serviceName: 'unknown_service', tags: [] })
  })

  it('leaves out spans of other traces', async () => {
    expect((await traceOf([[cart, [span({}), span({ traceId: 'f'.repeat(32) })]]])).spans).toHaveLength(1)
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

  it('give a server span that shares its id an id of its own, with the children', async () => {
    const [client, server, child] = (await traceOf(shared)).spans
    expect(client!.spanID).toBe(sharedId)
    expect(server!.spanID).not.toBe(sharedId)
    expect(server!.references).toEqual([{ refType: 'CHILD_OF', traceID: TRACE, spanID: sharedId }])
    expect(child!.references[0]!.spanID).toBe(server!.spanID)
    expect((await traceOf(shared)).spans[1]!.spanID).toBe(server!.spanID)
  })

  it('drop exact duplicates and links without a trace, and write addresses with dots', async () => {
    const once = span({
      links: [
        { ...link('00000000000000cc'), traceId: '0'.repeat(32) },
        link('0000000000000000'),
        link('00000000000000cc'),
      ],
      attributes: [{ key: 'peer.ipv4', value: { type: 'int', value: 3_232_235_777n } }],
    })
    const address = { key: 'ip', value: { type: 'int', value: 2_130_706_433n } } as const
    const at = { ...cart, attributes: [...cart.attributes, address] }
    const { spans, processes } = await traceOf([[at, [once, once]]])
    expect(processes['p1']!.tags).toContainEqual({ key: 'ip', type: 'string', value: '127.0.0.1' })
    expect(spans).toHaveLength(1)
    expect(spans[0]!.references.map(({ spanID }) => spanID)).toEqual(['0000000000000000', '00000000000000cc'])
    expect(spans[0]!.warnings).toEqual(['Invalid span link removed'])
    expect(spans[0]!.tags).toContainEqual({ key: 'peer.ipv4', type: 'string', value: '192.168.1.1' })
  })

  it('are skipped for raw', async () => {
    expect((await traceOf(shared, true)).spans.map(({ spanID }) => spanID)).toEqual([
      sharedId,
      sharedId,
      '00000000000000bb',
    ])
    expect((await traceOf([[cart, [span({}), span({})]]], true)).spans).toHaveLength(2)
    const [one] = (await traceOf([[cart, [span({ attributes: [string('z', ''), string('a', '')] })]]], true)).spans
    expect(one!.tags.map(({ key }) => key)).toEqual(['otel.scope.name', 'otel.scope.version', 'z', 'a'])
  })
})

/** Cart's spans with these ids, one chunk each; then the error, where there is one. */
async function* chunksOf(spans: readonly Partial<Span>[], error?: Error): AsyncGenerator<Uint8Array> {
  for (const each of spans) yield bytesOf([[cart, [span(each)]]])
  if (error) throw error
}

describe('a trace in chunks', () => {
  const shared = [
    { spanId: '000000000000000a', kind: 3 },
    { spanId: '000000000000000a', kind: 2 },
    { spanId: '000000000000000c', kind: 1 },
    { spanId: '000000000000000c', kind: 1 },
  ]
  const read = async (reader: JaegerTraceReader) => {
    const { data, errors } = JSON.parse(await answerOf(reader)) as { data: [JaegerTrace]; errors: unknown }
    return { trace: data[0], errors }
  }

  const readerOf = (chunks: () => AsyncIterable<Uint8Array>, options: Partial<ReadOptions> = {}) =>
    readJaegerTrace(chunks(), TRACE, { raw: false, again: chunks, ...options })

  it('is adjusted as a whole', async () => {
    const { trace, errors } = await read(readerOf(() => chunksOf(shared)))
    expect(trace.spans).toHaveLength(3)
    expect(new Set(trace.spans.map(({ spanID }) => spanID)).size).toBe(3)
    expect(Object.keys(trace.processes)).toEqual(['p1'])
    expect([trace.warnings, errors]).toEqual([null, null])
  })

  it.each<[string, Partial<ReadOptions>]>([
    ['it is large', { limits: { maxSpans: 100, maxBytes: 200 } }],
    ['there is no room to hold it', { grow: (bytes) => bytes <= 64 }],
  ])('is read twice, and adjusted as well, where %s', async (_, options) => {
    let reads = 0
    const chunks = () => {
      reads++
      return chunksOf(shared)
    }
    const { trace } = await read(readerOf(chunks, options))
    expect(reads).toBe(2)
    expect(trace).toEqual((await read(readerOf(() => chunksOf(shared)))).trace)
  })

  it('is adjusted with any number of ids', async () => {
    const many = Array.from({ length: 5_000 }, (_, i) => ({ spanId: (i + 1).toString(16).padStart(16, '0'), kind: 1 }))
    const chunks = async function* () {
      yield* chunksOf([...many, ...many.slice(2_000, 2_100), ...shared])
    }
    const { trace } = await read(readerOf(chunks, { limits: { maxSpans: 1e6, maxBytes: 200 } }))
    // Of the first list the ids 10 and 12 are those of `shared`, whose spans are others; of these one is a duplicate.
    expect(trace.spans).toHaveLength(5_000 + 3 - 1)
  })

  it.each<[string, Partial<ReadOptions>]>([
    ['more spans than are adjusted', { limits: { maxSpans: 2_000, maxBytes: 1e6 } }],
    ['no room to know them', { grow: () => false }],
  ])('is given whole, unadjusted, and says so when there are %s', async (_, options) => {
    const many = Array.from({ length: 1_001 }, (_, i) => ({ spanId: (i + 1).toString(16).padStart(16, '0') }))
    const chunks = () => chunksOf([...many, ...many])
    const { trace } = await read(readerOf(chunks, options))
    expect(trace.spans).toHaveLength(2_002)
    expect(trace.warnings).toEqual([expect.stringContaining('duplicates are shown') as string])
  })

  it.each<[string, Partial<ReadOptions>]>([
    ['raw', { raw: true }],
    ['held', {}],
    ['read twice', { limits: { maxSpans: 100, maxBytes: 200 } }],
  ])('that is damaged in its middle is given as far as it goes, and the answer names it (%s)', async (_, options) => {
    const error = Object.assign(new Error('frame 7 is damaged'), { code: 'corrupt' })
    const { trace, errors } = await read(readerOf(() => chunksOf(shared.slice(1, 3), error), options))
    expect(trace.spans).toHaveLength(2)
    const msg = 'the trace is not complete: frame 7 is damaged'
    expect(trace.warnings).toEqual([msg])
    expect(errors).toEqual([{ msg, traceID: TRACE }])
  })

  it('ends the answer with an error that is no damage', async () => {
    await expect(read(readerOf(() => chunksOf(shared, new Error('a bug'))))).rejects.toThrow('a bug')
  })

  it('that is not read to its end is let go', async () => {
    let isOver = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield* chunksOf(shared)
      } finally {
        isOver = true
      }
    }
    for (const raw of [true, false]) {
      isOver = false
      const limits = { maxSpans: 10, maxBytes: 1e6 }
      for await (const one of readerOf(endless, { raw, limits }).spans()) if (one.spanID) break
      expect(isOver).toBe(true)
    }
  })
})
