/** What the OpenTelemetry Collector ends itself at, so that there is no golden pair of it. */
import { createBatch, decodeTraces, tracesFromJson, type AnyValue } from '@spoor/otlp'
import { expect, test } from 'vitest'
import { EMPTY_CONTEXT } from '../../component/index.ts'
import { createSink, createTestContext } from '../../testkit/index.ts'
import { spanProcessor } from './index.ts'

async function run(rule: string, name: string): Promise<{ name: string; attributes: Record<string, AnyValue> }> {
  const config = spanProcessor.config.safeParse({ name: { to_attributes: { rules: [rule] } } })
  if (!config.success) throw new Error(JSON.stringify(config.error.issues))
  const sink = createSink()
  const span = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name }
  const bytes = tracesFromJson(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }))
  const processor = spanProcessor.create(createTestContext(), config.data, sink, 'traces')
  await processor.consume(createBatch('traces', [{ bytes, items: 1 }]), EMPTY_CONTEXT)
  const found = decodeTraces(sink.bytes()).resourceSpans[0]!.scopeSpans[0]!.spans[0]!
  return { name: found.name, attributes: Object.fromEntries(found.attributes.map(({ key, value }) => [key, value])) }
}

test('a group without a part in the match becomes an empty attribute, and the name has no place for it', async () => {
  expect(await run('^/(?P<first>[a-z]+)(?P<second>/[0-9]+)?', '/cart')).toEqual({
    name: '/{first}',
    attributes: { first: { type: 'string', value: 'cart' }, second: { type: 'string', value: '' } },
  })
})

test('a group within another becomes an attribute, and the name has the place of the outer one', async () => {
  expect(await run('/(?P<outer>[a-z]+-(?P<inner>[0-9]+))', 'GET /cart-17/x')).toEqual({
    name: 'GET /{outer}/x',
    attributes: { outer: { type: 'string', value: 'cart-17' }, inner: { type: 'string', value: '17' } },
  })
})
