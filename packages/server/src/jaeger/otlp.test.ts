import { decodeTraces, encodeTraces, type KeyValue, type ResourceSpans, type Span } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { string } from '../testkit.ts'
import { adjustedOtlp } from './otlp.ts'
import type { AheadOptions } from './read-ahead.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SHARED = '00f067aa0ba902b7'

const span = (fields: Partial<Span>): Span => ({
  traceId: TRACE,
  spanId: SHARED,
  traceState: 'a=b',
  parentSpanId: '',
  flags: 257,
  name: 'GET /',
  kind: 1,
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
const of = (resource: readonly KeyValue[], spans: readonly Span[], scope: readonly KeyValue[] = []): ResourceSpans => ({
  resource: { attributes: resource, droppedAttributesCount: 0 },
  schemaUrl: 'https://opentelemetry.io/schemas/1.26.0',
  scopeSpans: [
    { scope: { name: 'lib', version: '1', attributes: scope, droppedAttributesCount: 0 }, schemaUrl: '', spans },
  ],
})

/** What is made of these, each in a chunk of its own. */
async function adjusted(sent: readonly ResourceSpans[], options: Partial<AheadOptions> = {}): Promise<ResourceSpans[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const each of sent) yield encodeTraces({ resourceSpans: [each] })
  }
  const all: ResourceSpans[] = []
  for await (const bytes of adjustedOtlp(chunks(), TRACE, { again: chunks, ...options }))
    all.push(...decodeTraces(bytes).resourceSpans)
  return all
}

const spansOf = (all: readonly ResourceSpans[]) =>
  all.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
const keysOf = (attributes: readonly KeyValue[]) => attributes.map(({ key }) => key)
const warningsOf = ({ attributes }: Span) => {
  const value = attributes.find(({ key }) => key === '@jaeger@warnings')?.value
  return value?.type === 'array' ? value.value.map((each) => each.type === 'string' && each.value) : undefined
}
const int = (key: string, value: bigint): KeyValue => ({ key, value: { type: 'int', value } })

it('leaves as it is what there is nothing to say of', async () => {
  const sent = of([string('service.name', 'api')], [span({ attributes: [string('a', '1')] })])
  expect(await adjusted([sent])).toEqual([sent])
})

it('gives a server span that shares its id one of its own, with the children, and drops what was sent twice', async () => {
  const api = [string('service.name', 'api')]
  const child = span({ spanId: '00000000000000bb', parentSpanId: SHARED })
  const sent = [
    of([string('service.name', 'cart')], [span({ kind: 3 })]),
    of(api, [span({ kind: 2 }), child]),
    of(api, [child]),
  ]
  for (const options of [{}, { limits: { maxSpans: 100, maxBytes: 10 } }]) {
    const [client, server, below, ...more] = spansOf(await adjusted(sent, options))
    expect(more).toEqual([])
    expect([client!.spanId, client!.parentSpanId]).toEqual([SHARED, ''])
    expect(server!.spanId).not.toBe(SHARED)
    expect(server!.parentSpanId).toBe(SHARED)
    expect(below!.parentSpanId).toBe(server!.spanId)
  }
})

it('has attributes by key, addresses with dots, and no links that lead nowhere', async () => {
  const link = { traceId: TRACE, spanId: SHARED, traceState: '', attributes: [], droppedAttributesCount: 0, flags: 0 }
  const sent = span({
    attributes: [string('z', ''), int('peer.ipv4', 3_232_235_777n), string('a', '')],
    events: [
      { timeUnixNano: 2n, name: 'b', attributes: [string('y', ''), string('x', '')], droppedAttributesCount: 0 },
      { timeUnixNano: 1n, name: 'a', attributes: [], droppedAttributesCount: 0 },
    ],
    links: [{ ...link, traceId: '' }, { ...link, spanId: '' }, link],
  })
  const [all] = await adjusted([
    of([string('t', ''), int('ip', 2_130_706_433n)], [sent], [string('q', ''), string('p', '')]),
  ])
  expect(all!.resource.attributes).toEqual([string('ip', '127.0.0.1'), string('t', '')])
  expect(keysOf(all!.scopeSpans[0]!.scope.attributes)).toEqual(['p', 'q'])
  const [one] = spansOf([all!])
  expect(one!.attributes.slice(0, 3)).toEqual([string('a', ''), string('peer.ipv4', '192.168.1.1'), string('z', '')])
  expect(one!.events.map(({ name, attributes }) => [name, ...keysOf(attributes)])).toEqual([['b', 'x', 'y'], ['a']])
  expect(one!.links.map(({ spanId }) => spanId)).toEqual(['', SHARED])
  expect(warningsOf(one!)).toEqual(['Invalid span link removed'])
})

it('puts what tells of a library at the resource, unless that says otherwise', async () => {
  const [all] = await adjusted([
    of(
      [string('telemetry.sdk.language', 'go')],
      [
        span({ attributes: [string('telemetry.sdk.name', 'x'), string('telemetry.sdk.language', 'java')] }),
        span({
          spanId: '00000000000000bb',
          attributes: [
            string('telemetry.sdk.name', 'x'),
            { key: '@jaeger@warnings', value: { type: 'array', value: [{ type: 'string', value: 'sent' }] } },
            string('telemetry.distro.name', 'y'),
          ],
        }),
      ],
    ),
  ])
  expect(all!.resource.attributes).toEqual([
    string('telemetry.sdk.language', 'go'),
    string('telemetry.sdk.name', 'x'),
    string('telemetry.distro.name', 'y'),
  ])
  const [one, two] = spansOf([all!])
  expect(one!.attributes[0]).toEqual(string('telemetry.sdk.language', 'java'))
  expect(warningsOf(one!)).toEqual([
    'conflicting values between Span and Resource for attribute telemetry.sdk.language',
  ])
  expect([keysOf(two!.attributes), warningsOf(two!)]).toEqual([['@jaeger@warnings'], ['sent']])
})

it('says with the first span that it did not know all of them', async () => {
  const sent = [of([], [span({}), span({}), span({ spanId: '00000000000000bb' })])]
  const all = spansOf(await adjusted(sent, { limits: { maxSpans: 2, maxBytes: 1e6 } }))
  expect(all.map(warningsOf)).toEqual([[expect.stringContaining('more than 2 spans') as string], undefined, undefined])
})
