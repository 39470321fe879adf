/** The edits on bytes against an oracle that decodes, edits and encodes: what they do is told by the golden pairs. */
import * as fc from 'fast-check'
import protobuf from 'protobufjs'
import { createBatch, decodeTraces, type TelemetryBatch } from '@spoor/otlp'
import { expect, test } from 'vitest'
import { EMPTY_CONTEXT, type DeliveryContext } from '../../component/index.ts'
import { createSink, createTestContext, tracesRequest } from '../../testkit/index.ts'
import { attributesProcessor } from './index.ts'

const { root } = protobuf.parse(`
syntax = "proto3";
message AnyValue { oneof value { string string_value = 1; int64 int_value = 3; } }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Scope { string name = 1; string version = 2; }
message TracesData { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
message Link { bytes trace_id = 1; bytes span_id = 2; fixed32 flags = 6; }
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; fixed32 flags = 16; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; repeated Event events = 11;
  repeated Link links = 13; Status status = 15;
}
`)
const TRACES = root.lookupType('TracesData')

interface PlainSpan {
  name: string
  attributes?: { key: string; value: object }[]
}
interface PlainTraces {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] }
    scopeSpans: { spans: PlainSpan[] }[]
  }[]
}

const decode = (bytes: Uint8Array): PlainTraces =>
  TRACES.toObject(TRACES.decode(bytes), { longs: String, bytes: String }) as PlainTraces

async function run(
  config: object,
  batch: TelemetryBatch,
  context: DeliveryContext = EMPTY_CONTEXT,
): Promise<TelemetryBatch | undefined> {
  const parsed = attributesProcessor.config.safeParse(config)
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const sink = createSink()
  const processor = attributesProcessor.create(createTestContext(), parsed.data, sink, 'traces')
  await processor.consume(batch, context)
  return sink.batches[0]
}

const KEYS = ['http.route', 'http.response.status_code', 'enduser.id', 'absent', 'schlüssel']
const step = fc.record({
  action: fc.constantFrom('insert', 'update', 'upsert', 'delete'),
  key: fc.constantFrom(...KEYS),
  value: fc.oneof(fc.string(), fc.integer()),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const configOf = (steps: readonly Step[]): object => ({
  actions: steps.map(({ action, key, value }) => (action === 'delete' ? { action, key } : { action, key, value })),
})

function edit(span: PlainSpan, steps: readonly Step[]): void {
  const attributes = [...(span.attributes ?? [])]
  for (const { action, key, value } of steps) {
    const at = attributes.findIndex((each) => each.key === key)
    const entry = { key, value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) } }
    if (action === 'delete') {
      if (at >= 0) attributes.splice(at, 1)
    } else if (at >= 0) {
      if (action !== 'insert') attributes[at] = entry
    } else if (action !== 'update') attributes.push(entry)
  }
  span.attributes = attributes
}

test('is decode, edit, encode: of each span, and of those of one service alone', async () => {
  const spec = fc.record({
    spans: fc.integer({ min: 1, max: 20 }),
    services: fc.integer({ min: 1, max: 3 }),
    seed: fc.nat(),
    attributes: fc.integer({ min: 0, max: 12 }),
    rich: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(
      spec,
      fc.array(step, { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (request, steps, isAll) => {
        const bytes = tracesRequest(request)
        const expected = decode(bytes)
        for (const { resource, scopeSpans } of expected.resourceSpans) {
          const isSelected = isAll || resource.attributes[0]!.value.stringValue === 'service-1'
          for (const { spans } of scopeSpans) {
            for (const span of spans) {
              if (isSelected) edit(span, steps)
              span.attributes ??= []
            }
          }
        }
        const include = isAll ? {} : { include: { match_type: 'strict', services: ['service-1'] } }
        const batch = await run(
          { ...include, ...configOf(steps) },
          createBatch('traces', [{ bytes, items: request.spans }]),
        )
        const found = decode(batch!.chunks[0]!.bytes)
        for (const { scopeSpans } of found.resourceSpans)
          for (const { spans } of scopeSpans) for (const span of spans) span.attributes ??= []
        expect(found).toEqual(expected)
        expect(batch!.items).toBe(request.spans)
      },
    ),
    { numRuns: 200 },
  )
})

test.each([
  {
    actions: [
      { key: 'absent', action: 'delete' },
      { action: 'delete', pattern: '^no' },
      { action: 'hash', pattern: '^no' },
    ],
  },
  {
    actions: [
      { key: 'absent', action: 'update', value: 1 },
      { key: 'http.route', action: 'insert', value: 1 },
    ],
  },
  {
    actions: [
      { key: 'server.address', action: 'upsert', value: 'shop.example.com' },
      { key: 'server.port', action: 'upsert', value: 443 },
    ],
  },
  {
    actions: [
      { key: 'http.route', action: 'extract', pattern: 'NO(?P<x>.)' },
      { key: 'http.route', action: 'convert', converted_type: 'int' },
    ],
  },
  { include: { match_type: 'regexp', span_names: ['^never'] }, actions: [{ key: 'a', action: 'insert', value: 1 }] },
  { exclude: { match_type: 'strict', services: ['service-0'] }, actions: [{ key: 'a', action: 'insert', value: 1 }] },
])('where nothing is changed, the batch leaves as it came: $actions', async (config) => {
  const bytes = tracesRequest({ spans: 20 })
  const batch = createBatch('traces', [
    { bytes, items: 20, compressed: { coding: 'gzip', bytes: new Uint8Array([1]) } },
  ])
  expect(await run(config, batch)).toBe(batch)
})

test('of several chunks only those are new in which something was changed', async () => {
  const chunks = [tracesRequest({ attributes: 0 }), tracesRequest({ attributes: 2 })].map((bytes) => ({
    bytes,
    items: 1,
  }))
  const batch = await run({ actions: [{ key: 'http.route', action: 'delete' }] }, createBatch('traces', chunks))
  expect(batch!.chunks[0]).toBe(chunks[0])
  expect(batch!.chunks[1]!.bytes.length).toBeLessThan(chunks[1]!.bytes.length)
})

test.each([
  ['client.address', '127.0.0.1'],
  ['auth.username', 'ada'],
  ['auth.groups', 'a;b'],
  ['auth.none', undefined],
  ['auth.absent', undefined],
  ['metadata.X-Tenant', 'acme'],
])('from_context: %s is %s', async (name, expected) => {
  const context: DeliveryContext = {
    ...EMPTY_CONTEXT,
    peer: '127.0.0.1:4711',
    auth: { subject: 'ada', attributes: { username: 'ada', groups: ['a', 'b'], none: [] } },
    metadata: new Map([['x-tenant', ['acme']]]),
  }
  const bytes = tracesRequest({ attributes: 0 })
  const actions = [{ key: 'a', action: 'insert', from_context: name }]
  const batch = await run({ actions }, createBatch('traces', [{ bytes, items: 1 }]), context)
  const [span] = decodeTraces(batch!.chunks[0]!.bytes).resourceSpans[0]!.scopeSpans[0]!.spans
  const value = expected === undefined ? [] : [{ key: 'a', value: { type: 'string', value: expected } }]
  expect(span!.attributes).toEqual(value)
})

test('from_context: the address of a client over IPv6 has no brackets', async () => {
  const bytes = tracesRequest({ attributes: 0 })
  const actions = [{ key: 'a', action: 'insert', from_context: 'client.address' }]
  const context = { ...EMPTY_CONTEXT, peer: '[::1]:4711' }
  const batch = await run({ actions }, createBatch('traces', [{ bytes, items: 1 }]), context)
  const [span] = decodeTraces(batch!.chunks[0]!.bytes).resourceSpans[0]!.scopeSpans[0]!.spans
  expect(span!.attributes).toEqual([{ key: 'a', value: { type: 'string', value: '::1' } }])
})
