import { decodeLogs, decodeTraces, createBatch, encodeTraces, joinBytes, countItems, logsFromJson } from '@spoor/otlp'
import { describe, expect, test } from 'vitest'
import { EMPTY_CONTEXT } from '../../component/index.ts'
import { metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { batchOf } from '../fixture.ts'
import { kafkaExporterConfig } from './config.ts'
import { messagesOf } from './messages.ts'

const configOf = (input: object) => kafkaExporterConfig.parse(input)
const spansIn = (bytes: Uint8Array) =>
  decodeTraces(bytes).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))

describe('by trace', () => {
  const bytes = tracesRequest({ spans: 60 })

  test('each message has one trace, whole, and its id in hexadecimal as the key', () => {
    const { messages } = messagesOf(batchOf(bytes, 60), configOf({ partition_traces_by_id: true }), EMPTY_CONTEXT)
    expect(messages.length).toBeGreaterThan(1)
    for (const { key, value, items } of messages) {
      const ids = new Set(spansIn(value).map(({ traceId }) => traceId))
      expect([...ids]).toEqual([key!.toString()])
      expect(countItems('traces', value)).toBe(items)
    }
    expect(new Set(messages.map(({ key }) => key!.toString())).size).toBe(messages.length)
    const all = messages.flatMap(({ value }) => spansIn(value).map(({ spanId }) => spanId))
    expect(all.toSorted()).toEqual(
      spansIn(bytes)
        .map(({ spanId }) => spanId)
        .toSorted(),
    )
  })

  test('traces that come in several chunks are one message', () => {
    const batch = createBatch('traces', [
      { bytes, items: 60 },
      { bytes: tracesRequest({ spans: 60 }), items: 60 },
    ])
    const { messages } = messagesOf(batch, configOf({ partition_traces_by_id: true }), EMPTY_CONTEXT)
    expect(new Set(messages.map(({ key }) => key!.toString())).size).toBe(messages.length)
    expect(messages.reduce((sum, { items }) => sum + items, 0)).toBe(120)
  })

  test('log records by their trace; those without one have no key', () => {
    const traceIds = ['0af7651916cd43dd8448eb211c80319c', undefined, '4bf92f3577b34da6a3ce929d0e0e4736']
    const logRecords = Array.from({ length: 12 }, (_, i) => ({
      traceId: traceIds[i % 3],
      body: { stringValue: `line ${i}` },
    }))
    const request = logsFromJson(
      JSON.stringify({ resourceLogs: [{ resource: {}, scopeLogs: [{ scope: {}, logRecords }] }] }),
    )
    const { messages } = messagesOf(
      batchOf(request, 12, 'logs'),
      configOf({ partition_logs_by_trace_id: true }),
      EMPTY_CONTEXT,
    )
    for (const { key, value } of messages) {
      const ids = decodeLogs(value).resourceLogs.flatMap(({ scopeLogs }) =>
        scopeLogs.flatMap(({ logRecords }) => logRecords.map(({ traceId }) => traceId)),
      )
      expect(new Set(ids).size).toBe(1)
      expect(key?.toString() ?? '').toBe(/^0*$/.test(ids[0]!) ? '' : ids[0])
    }
    expect(messages.map(({ items }) => items)).toEqual([4, 4, 4])
  })
})

describe('by resource', () => {
  const withResource = (service: string, team?: string): Uint8Array => {
    const [first, ...rest] = decodeTraces(tracesRequest({ spans: 3 })).resourceSpans
    const attributes = [
      { key: 'service.name', value: { type: 'string' as const, value: service } },
      ...(team === undefined ? [] : [{ key: 'team', value: { type: 'string' as const, value: team } }]),
    ]
    return encodeTraces({
      resourceSpans: [{ ...first!, resource: { ...first!.resource, attributes } }, ...rest].slice(0, 1),
    })
  }

  test('the topic is that of an attribute, and the usual one where a resource has none', () => {
    const bytes = joinBytes([withResource('a', 'red'), withResource('b'), withResource('c', 'blue')])
    const config = configOf({ topic_from_attribute: 'team' })
    const { messages } = messagesOf(batchOf(bytes, countItems('traces', bytes)), config, EMPTY_CONTEXT)
    expect(messages.map(({ topic }) => topic)).toEqual(['red', 'otlp_spans', 'blue'])
  })

  test('the same resource has the same key in every request, and another resource another', () => {
    const config = configOf({ partition_metrics_by_resource_attributes: true })
    const keys = (seed: number) =>
      messagesOf(batchOf(metricsRequest(4 + seed), 4 + seed, 'metrics'), config, EMPTY_CONTEXT).messages.map(
        ({ key }) => key!.toString('hex'),
      )
    expect(keys(0)).toEqual(keys(3))
    expect(keys(0)[0]).toHaveLength(32)
  })
})

describe("the sender's headers", () => {
  const context = { metadata: new Map([['tenant', ['acme']]]) }

  test('name the topic, before an attribute and the config', () => {
    const config = configOf({
      traces: { topic: 'usual', topic_from_metadata_key: 'Tenant' },
      topic_from_attribute: 'service.name',
    })
    const { messages } = messagesOf(batchOf(tracesRequest({ spans: 5 }), 5), config, context)
    expect(messages.map(({ topic }) => topic)).toEqual(['acme'])
  })

  test('name the key', () => {
    const config = configOf({ traces: { message_key_from_metadata_key: 'tenant' } })
    const bytes = tracesRequest({ spans: 5 })
    expect(messagesOf(batchOf(bytes, 5), config, context).messages[0]?.key?.toString()).toBe('acme')
    expect(messagesOf(batchOf(bytes, 5), config, EMPTY_CONTEXT).messages[0]?.key).toBeUndefined()
  })
})

describe('what is larger than a message may be', () => {
  test.each(['otlp_proto', 'otlp_json'])('%s: is divided, and nothing is lost', (encoding) => {
    const bytes = tracesRequest({ spans: 300 })
    const config = configOf({ traces: { encoding }, producer: { max_message_bytes: 8000 } })
    const { messages, oversize } = messagesOf(batchOf(bytes, 300), config, EMPTY_CONTEXT)
    expect(messages.length).toBeGreaterThan(2)
    expect(Math.max(...messages.map(({ value }) => value.length))).toBeLessThanOrEqual(8000 - 100)
    expect(messages.reduce((sum, { items }) => sum + items, 0)).toBe(300)
    expect(oversize.items).toBe(0)
  })

  test('a span that is larger by itself is told, and the others go', () => {
    const { resourceSpans } = decodeTraces(tracesRequest({ spans: 10 }))
    const [resource] = resourceSpans
    const [scope] = resource!.scopeSpans
    const [span, ...others] = scope!.spans
    const body = { key: 'body', value: { type: 'string' as const, value: 'x'.repeat(20_000) } }
    const spans = [{ ...span!, attributes: [body] }, ...others]
    const data = { resourceSpans: [{ ...resource!, scopeSpans: [{ ...scope!, spans }] }] }
    const { messages, oversize } = messagesOf(
      batchOf(encodeTraces(data), 10),
      configOf({ producer: { max_message_bytes: 8000 } }),
      EMPTY_CONTEXT,
    )
    expect(oversize.items).toBe(1)
    expect(oversize.bytes).toBeGreaterThan(20_000)
    expect(messages.reduce((sum, { items }) => sum + items, 0)).toBe(9)
  })
})
