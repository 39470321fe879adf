import { createBatch } from '@spoor/otlp'
import type { z } from 'zod'
import { describe, expect, onTestFinished, test } from 'vitest'
import { EMPTY_CONTEXT, NO_OVERVIEW } from '../../component/index.ts'
import { createTestContext, tracesRequest } from '../../testkit/index.ts'
import { batchOf } from '../fixture.ts'
import { createKafkaExporter, kafkaExporter } from './index.ts'
import type { ProducerClient, Record as OutRecord } from './producer.ts'

const DIRECT = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } }
const RETRIES = {
  sending_queue: { enabled: false },
  retry_on_failure: { initial_interval: '1ms', max_interval: '1ms' },
}

/** An exporter whose producer keeps what it is given; `answer` refuses a request. */
async function start(input: object, answer: (records: readonly OutRecord[]) => void = () => {}, partitions = 3) {
  const requests: (readonly OutRecord[])[] = []
  const client: ProducerClient = {
    partitions: async (topics) => new Map(topics.map((topic) => [topic, partitions])),
    async write(records) {
      answer(records)
      requests.push(records)
    },
    close: async () => {},
  }
  const factory = createKafkaExporter(async () => client)
  const parsed = factory.config.safeParse(input)
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const context = createTestContext('kafka')
  const exporter = factory.create(context, parsed.data)
  await exporter.start({ extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW })
  context.status.to('ok')
  onTestFinished(() => exporter.shutdown(AbortSignal.timeout(1000)))
  return { exporter, context, requests }
}

/** An error as the client has them. */
function clientError(apiId: string, produced?: object): Error {
  const inner = Object.assign(new Error('refused by the broker'), { apiId, code: 'PLT_KFK_PROTOCOL' })
  return Object.assign(new AggregateError([inner], 'produce failed'), { code: 'PLT_KFK_MULTIPLE', produced })
}

const bytes = tracesRequest({ spans: 40 })

describe('what is written', () => {
  test('one message for a request, with the headers that are asked for', async () => {
    const { exporter, requests, context } = await start({
      include_metadata_keys: ['X-Tenant'],
      record_headers: { from: 'here' },
      signal_header: true,
      ...DIRECT,
    })
    const metadata = new Map([['x-tenant', ['a', 'b']]])
    await exporter.consume(batchOf(bytes, 40), { ...EMPTY_CONTEXT, metadata })
    const [[message]] = requests as [[OutRecord]]
    expect(Buffer.from(message.value).equals(Buffer.from(bytes))).toBe(true)
    expect([...message.headers].map(([name, value]) => [name.toString(), value.toString()])).toEqual([
      ['from', 'here'],
      ['otelcol.signal', 'traces'],
      ['x-tenant', 'a'],
      ['x-tenant', 'b'],
    ])
    expect(context.value('otelcol_exporter_sent_spans')).toBe(40)
    expect(context.value('otelcol_kafka_exporter_records', { outcome: 'success', topic: 'otlp_spans' })).toBe(1)
  })

  test('no partition has more than max_message_bytes in a request, and its messages stay in their order', async () => {
    const { exporter, requests } = await start({ producer: { max_message_bytes: 6000 }, ...DIRECT }, undefined, 1)
    await exporter.consume(batchOf(tracesRequest({ spans: 400 }), 400), EMPTY_CONTEXT)
    expect(requests.length).toBeGreaterThan(1)
    for (const records of requests) {
      expect(records.reduce((sum, { value }) => sum + value.length, 0)).toBeLessThanOrEqual(6000)
    }
  })

  test('an item that no message can have is dropped and counted, and the rest is sent', async () => {
    const { exporter, requests, context } = await start({ producer: { max_message_bytes: 101 }, ...DIRECT })
    await exporter.consume(batchOf(bytes, 40), EMPTY_CONTEXT)
    expect(requests).toEqual([])
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'too_large' })).toBe(40)
    expect(
      context.logger.lines.some(({ fields }) =>
        /larger than producer\.max_message_bytes \(101\)/.test(String(fields['error'])),
      ),
    ).toBe(true)
  })
})

describe('what the brokers answer', () => {
  const refused = async (apiId: string, code = 'PLT_KFK_PROTOCOL') => {
    const { exporter } = await start(DIRECT, () => {
      throw code === 'PLT_KFK_PROTOCOL' ? clientError(apiId) : Object.assign(new Error(apiId), { code })
    })
    return exporter.consume(batchOf(tracesRequest({ spans: 1 }), 1), EMPTY_CONTEXT).catch((error: unknown) => error)
  }

  test.each([
    ['NOT_ENOUGH_REPLICAS', { code: 'unavailable', retryable: true }],
    ['UNKNOWN_TOPIC_OR_PARTITION', { code: 'unavailable', retryable: true }],
    ['TOPIC_AUTHORIZATION_FAILED', { code: 'permission_denied', retryable: false }],
    ['INVALID_TOPIC_EXCEPTION', { code: 'invalid_data', retryable: false }],
    ['MESSAGE_TOO_LARGE', { code: 'too_large', retryable: false }],
  ])('%s', async (apiId, expected) => {
    expect(await refused(apiId)).toMatchObject(expected)
  })

  test('credentials that are refused are tried again, as they are mended at either end', async () => {
    const error = await refused('SASL authentication failed', 'PLT_KFK_AUTHENTICATION')
    expect(error).toMatchObject({ code: 'unauthenticated', retryable: true })
    expect((error as Error).message).toBe('Kafka at localhost:9092: SASL authentication failed')
  })

  test('what was acknowledged is not written again when the rest of its request is', async () => {
    let first: readonly OutRecord[] = []
    const { exporter, requests } = await start({ partition_traces_by_id: true, ...RETRIES }, (records) => {
      if (first.length > 0) return
      first = records
      throw clientError('NOT_ENOUGH_REPLICAS', { offsets: [{ topic: 'otlp_spans', partition: records[0]!.partition }] })
    })
    await exporter.consume(batchOf(bytes, 40), EMPTY_CONTEXT)
    const again = requests.flat()
    expect(again.length).toBeGreaterThan(0)
    expect(again.some(({ key }) => key!.equals(first[0]!.key!))).toBe(false)
    const rest = first.filter(({ partition }) => partition !== first[0]!.partition)
    expect(again.map(({ key }) => key!.toString())).toEqual(rest.map(({ key }) => key!.toString()))
  })

  test('a batch that the topic does not take is divided', async () => {
    const { exporter, requests, context } = await start(RETRIES, (records) => {
      if (records[0]!.value.length > 3000) throw clientError('MESSAGE_TOO_LARGE')
    })
    await exporter.consume(createBatch('traces', [{ bytes, items: 40 }]), EMPTY_CONTEXT)
    expect(requests.length).toBeGreaterThan(1)
    expect(context.value('otelcol_exporter_sent_spans')).toBe(40)
  })

  test('the status says so while the brokers are away', async () => {
    let isAway = true
    const { exporter, context } = await start(DIRECT, () => {
      if (isAway) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'PLT_KFK_NETWORK' })
    })
    await exporter.consume(batchOf(bytes, 40), EMPTY_CONTEXT).catch(() => {})
    expect(context.status.event).toMatchObject({
      status: 'recoverable_error',
      message: 'Kafka at localhost:9092: connect ECONNREFUSED',
    })
    isAway = false
    await exporter.consume(batchOf(bytes, 40), EMPTY_CONTEXT)
    expect(context.status.event.status).toBe('ok')
  })
})

describe('the config', () => {
  const issue = (input: object) => {
    const parsed = kafkaExporter.config.safeParse(input)
    return (parsed as { error?: z.ZodError }).error?.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    )[0]
  }

  test.each([
    [
      { traces: { encoding: 'jaeger_proto' } },
      'traces.encoding: encoding "jaeger_proto" is not supported; there are otlp_proto and otlp_json, for all signals',
    ],
    [{ brokers: [] }, 'brokers: brokers must be specified; write [host:9092]'],
    [{ brokers: ['a:1', 'b:99999'] }, 'brokers.1: "b:99999": port out of range (1-65535)'],
    [
      { auth: { kerberos: { realm: 'x' } } },
      'auth.kerberos: not supported; there is sasl with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512',
    ],
    [
      { auth: { sasl: { mechanism: 'OAUTHBEARER', username: 'a', password: 'b' } } },
      'auth.sasl.mechanism: mechanism should be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; found "OAUTHBEARER"',
    ],
    [{ auth: { sasl: { mechanism: 'PLAIN', password: 'b' } } }, 'auth.sasl.username: username is required'],
    [
      { producer: { compression: 'brotli' } },
      'producer.compression: compression should be one of none, gzip, snappy, lz4, zstd; found "brotli"',
    ],
    [
      { producer: { required_acks: 2 } },
      'producer.required_acks: required_acks: 2 is none; use 0 (nobody), 1 (the leader) or -1 or all (all replicas in sync)',
    ],
    [
      { record_partitioner: { least_backup: {} } },
      'record_partitioner.least_backup: not supported; there are sticky_key and round_robin',
    ],
    [
      { record_partitioner: { sticky_key: {}, round_robin: {} } },
      'record_partitioner.round_robin: at most one record_partitioner strategy may be configured',
    ],
    [
      { partition_traces_by_id: true, traces: { message_key_from_metadata_key: 'x' } },
      'traces.message_key_from_metadata_key: cannot be combined with a partition_traces_by_… that gives messages their key; remove one',
    ],
    [
      { include_metadata_keys: ['tenant'], sending_queue: { batch: {} } },
      'include_metadata_keys: "tenant" must be in sending_queue.batch.partition.metadata_keys, as requests are joined',
    ],
    [
      { traces: { topic: 'a b' } },
      "traces.topic: \"a b\": not the name of a topic; use letters, digits, '.', '_' and '-', 249 at most",
    ],
    [
      { signal_header: true, record_headers: { 'otelcol.signal': 'x' } },
      'record_headers: "otelcol.signal" is reserved when signal_header is enabled',
    ],
    [{ brokrs: [] }, expect.stringMatching(/unknown key.*brokers/)],
  ])('%j', (input, message) => {
    expect(issue(input)).toEqual(message)
  })

  test('defaults are those of otelcol', () => {
    const parsed = kafkaExporter.config.safeParse({})
    expect(parsed).toMatchObject({
      success: true,
      data: {
        brokers: ['localhost:9092'],
        client_id: 'otel-collector',
        timeout: 5000,
        traces: { topic: 'otlp_spans', encoding: 'otlp_proto' },
        metrics: { topic: 'otlp_metrics' },
        logs: { topic: 'otlp_logs' },
        producer: {
          max_message_bytes: 1_000_000,
          required_acks: 1,
          compression: 'none',
          allow_auto_topic_creation: true,
        },
        sending_queue: { enabled: true, queue_size: 1000 },
      },
    })
    expect(kafkaExporter.config.safeParse({ producer: { required_acks: 'all' }, brokers: 'a:9092,b' })).toMatchObject({
      data: { producer: { required_acks: -1 }, brokers: ['a:9092', 'b'] },
    })
  })
})
