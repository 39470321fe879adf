/** What goes into topics and comes out of them, at a real broker. */
import { decodeLogs, decodeMetrics, decodeTraces } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { logsRequest, metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { PLAIN_USER, SCRAM_USER, startBroker, type Broker } from './broker.ts'
import { JARS, readTopic, send, startExporter, startReceiver, writeTopic } from './fixture.ts'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker(JARS)
})
afterAll(() => broker.close())

const DIRECT = { sending_queue: { enabled: false } }
let topics = 0
/** A name that no other test has. */
const fresh = (): string => `topic-${++topics}`

describe('from the exporter to the receiver', () => {
  test.for(
    ['none', 'gzip', 'snappy', 'lz4', 'zstd'].flatMap((codec) => [
      [codec, 'otlp_proto'] as const,
      [codec, 'otlp_json'] as const,
    ]),
  )('%s, %s: all three signals', async ([compression, encoding]) => {
    const [traces, metrics, logs] = [fresh(), fresh(), fresh()]
    const brokers = [broker.address]
    const { exporter } = await startExporter({
      brokers,
      traces: { topic: traces, encoding },
      metrics: { topic: metrics, encoding },
      logs: { topic: logs, encoding },
      producer: { compression },
      ...DIRECT,
    })
    const sent = { traces: tracesRequest({ spans: 50 }), metrics: metricsRequest(20), logs: logsRequest(30) }
    await send(exporter, sent.traces, 50)
    await send(exporter, sent.metrics, 20, 'metrics')
    await send(exporter, sent.logs, 30, 'logs')
    const { sinks } = await startReceiver(
      {
        brokers,
        group_id: traces,
        traces: { topics: [traces], encoding },
        metrics: { topics: [metrics], encoding },
        logs: { topics: [logs], encoding },
      },
      ['traces', 'metrics', 'logs'],
    )
    await Promise.all([
      sinks.get('traces')!.waitFor(50),
      sinks.get('metrics')!.waitFor(20),
      sinks.get('logs')!.waitFor(30),
    ])
    expect(decodeTraces(sinks.get('traces')!.bytes())).toEqual(decodeTraces(sent.traces))
    expect(decodeMetrics(sinks.get('metrics')!.bytes())).toEqual(decodeMetrics(sent.metrics))
    expect(decodeLogs(sinks.get('logs')!.bytes())).toEqual(decodeLogs(sent.logs))
  })
})

const spansIn = (bytes: Uint8Array) =>
  decodeTraces(bytes).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))

describe('messages', () => {
  test('by trace: each trace is in one message with its id as key, and in one partition whoever sends it', async () => {
    const topic = fresh()
    const bytes = tracesRequest({ spans: 200, traces: 25 })
    for (let sender = 0; sender < 2; sender++) {
      const { exporter } = await startExporter({
        brokers: [broker.address],
        traces: { topic },
        partition_traces_by_id: true,
        ...DIRECT,
      })
      await send(exporter, bytes, 200)
    }
    const messages = await readTopic(broker.address, topic, 50)
    const places = new Map<string, Set<number>>()
    for (const { key, value, partition } of messages) {
      expect(new Set(spansIn(value).map(({ traceId }) => traceId))).toEqual(new Set([key]))
      const known = places.get(key!) ?? new Set()
      places.set(key!, known.add(partition))
    }
    expect(places.size).toBe(25)
    expect([...places.values()].every(({ size }) => size === 1)).toBe(true)
    expect(new Set([...places.values()].flatMap((each) => [...each])).size).toBeGreaterThan(1)
  })

  test('what is larger than a topic takes is divided until it fits, and a span that never does is dropped and counted', async () => {
    const topic = fresh()
    // More than the topic takes of one: the broker refuses, and the exporter learns it.
    const { exporter, context } = await startExporter({
      brokers: [broker.address],
      traces: { topic },
      producer: { max_message_bytes: 8_000_000 },
      ...DIRECT,
    })
    const bytes = tracesRequest({ spans: 4000 })
    expect(bytes.length).toBeGreaterThan(1_500_000)
    await send(exporter, bytes, 4000)
    const { sink } = await startReceiver({ brokers: [broker.address], group_id: topic, traces: { topics: [topic] } })
    await sink.waitFor(4000)
    const own = (request: Uint8Array): string[] =>
      spansIn(request)
        .map(({ spanId }) => spanId)
        .toSorted()
    expect(own(sink.bytes())).toEqual(own(bytes))
    const huge = tracesRequest({ spans: 1, attributes: 60_000, seed: 9 })
    expect(huge.length).toBeGreaterThan(1_200_000)
    await expect(send(exporter, huge, 1)).rejects.toMatchObject({ code: 'too_large' })
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'too_large' })).toBe(1)
  })

  test("the sender's headers go along, and come back as metadata", async () => {
    const topic = fresh()
    const { exporter } = await startExporter({
      brokers: [broker.address],
      traces: { topic },
      include_metadata_keys: ['tenant'],
      signal_header: true,
      ...DIRECT,
    })
    await send(exporter, tracesRequest({ spans: 2 }), 2, 'traces', new Map([['tenant', ['a', 'b']]]))
    const { sink } = await startReceiver({ brokers: [broker.address], group_id: topic, traces: { topics: [topic] } })
    await sink.waitFor(2)
    expect(Object.fromEntries(sink.contexts[0]!.metadata)).toMatchObject({
      tenant: ['a', 'b'],
      'otelcol.signal': ['traces'],
      'kafka.topic': [topic],
      'kafka.offset': ['0'],
    })
  })

  test('one that is no OTLP is skipped, and the group goes on behind it', async () => {
    const topic = fresh()
    await writeTopic(broker.address, topic, [Buffer.from('nonsense'), tracesRequest({ spans: 3 })])
    const { sink, context } = await startReceiver({
      brokers: [broker.address],
      group_id: topic,
      traces: { topics: [topic] },
    })
    await sink.waitFor(3)
    await vi.waitFor(() => expect(context.value('otelcol_kafka_receiver_current_offset', { partition: '0' })).toBe(2))
    expect(context.value('spoor_receiver_dropped_batches', { reason: 'invalid_data' })).toBe(1)
    expect(context.value('otelcol_kafka_receiver_offset_lag', { topic })).toBe(0)
  })
})

describe('topics', () => {
  test('one that is not there and is not made: the exporter keeps trying, and the receiver reads it once it is there', async () => {
    const topic = fresh()
    const { sink, context } = await startReceiver({
      brokers: [broker.address],
      group_id: topic,
      traces: { topics: [topic] },
    })
    await vi.waitFor(() => expect(context.status.event.message).toContain(`has no topic ${topic}`))
    const { exporter } = await startExporter({
      brokers: [broker.address],
      traces: { topic },
      producer: { allow_auto_topic_creation: false },
      retry_on_failure: { enabled: false },
      ...DIRECT,
    })
    await expect(send(exporter, tracesRequest({ spans: 1 }), 1)).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    })
    await writeTopic(broker.address, topic, [tracesRequest({ spans: 5 })])
    await sink.waitFor(5)
    await vi.waitFor(() => expect(context.status.event.status).toBe('ok'))
  })
})

describe('who may', () => {
  const sasl = (user: { username: string; password: string }, mechanism: string) => ({
    auth: { sasl: { ...user, mechanism } },
  })

  test.each([
    ['plain_text', { auth: { plain_text: PLAIN_USER } }],
    ['PLAIN', sasl(PLAIN_USER, 'PLAIN')],
    ['SCRAM-SHA-256', sasl(SCRAM_USER, 'SCRAM-SHA-256')],
    ['SCRAM-SHA-512', sasl(SCRAM_USER, 'SCRAM-SHA-512')],
  ])('%s', async (_, auth) => {
    const topic = fresh()
    const common = { brokers: [broker.saslAddress], ...auth }
    const { exporter } = await startExporter({ ...common, traces: { topic }, ...DIRECT })
    await send(exporter, tracesRequest({ spans: 3 }), 3)
    const { sink } = await startReceiver({ ...common, group_id: topic, traces: { topics: [topic] } })
    await sink.waitFor(3)
  })

  test('a wrong password is told by both, with what the broker says, and may be tried again', async () => {
    const topic = fresh()
    const common = { brokers: [broker.saslAddress], ...sasl({ ...PLAIN_USER, password: 'wrong' }, 'PLAIN') }
    const { exporter } = await startExporter({
      ...common,
      traces: { topic },
      retry_on_failure: { enabled: false },
      ...DIRECT,
    })
    await expect(send(exporter, tracesRequest({ spans: 3 }), 3)).rejects.toMatchObject({
      code: 'unauthenticated',
      retryable: true,
      message: expect.stringMatching(/authentication/i) as string,
    })
    const { context } = await startReceiver({ ...common, group_id: topic, traces: { topics: [topic] } })
    await vi.waitFor(() =>
      expect(context.status.event).toMatchObject({
        status: 'recoverable_error',
        message: expect.stringMatching(/authentication/i) as string,
      }),
    )
  })
})
