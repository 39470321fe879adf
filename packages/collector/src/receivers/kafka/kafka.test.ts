import { decodeTraces, encodeTraces, requestToJson, type Signal } from '@spoor/otlp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { z } from 'zod'
import { CollectorError, createBudget, NO_OVERVIEW, type Budget } from '../../component/index.ts'
import { createSink, createTestContext, tracesRequest } from '../../testkit/index.ts'
import type { FetchAnswer, FetchedRecord, GroupClient, GroupEvents, Position, TopicPartition } from './group.ts'
import { createKafkaReceiver, kafkaReceiver } from './index.ts'

/** Resolves when the sink is being handed something, which it keeps until what is returned is called. */
async function held(sink: ReturnType<typeof createSink>): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const handing = vi.fn(() => promise)
  sink.intercept = handing
  await vi.waitFor(() => expect(handing).toHaveBeenCalled())
  return resolve
}

/** A group with one member, in this process: logs of partitions, and what was committed of each. */
class FakeGroup implements GroupClient {
  readonly logs = new Map<string, FetchedRecord[]>()
  readonly committed = new Map<string, bigint>()
  /** All commits of a partition, in their order. */
  readonly commits: string[] = []
  /** The offsets of all commits, those that failed as well. */
  readonly asked: bigint[] = []
  events: GroupEvents | undefined
  /** Bytes that it has given out. */
  given = 0
  fetchError: Error | undefined
  commitError: Error | undefined
  firstOffset = 0n
  #closed = false

  put(value: Uint8Array | null, headers: FetchedRecord['headers'] = [], topic = 'otlp_spans', partition = 0): void {
    const log = this.logs.get(`${topic} ${partition}`) ?? []
    this.logs.set(`${topic} ${partition}`, log)
    log.push({ offset: BigInt(log.length), timestampMs: 0, value, headers })
  }

  get partitions(): TopicPartition[] {
    return [...this.logs.keys()].map((name) => {
      const [topic, partition] = name.split(' ')
      return { topic: topic!, partition: Number(partition) }
    })
  }

  async join(topics: readonly string[]): Promise<void> {
    this.events!.assigned(this.partitions.filter(({ topic }) => topics.includes(topic)))
  }

  async partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = this.partitions.filter(({ topic }) => topics.includes(topic))
    return new Map([...Map.groupBy(found, ({ topic }) => topic)].map(([topic, own]) => [topic, own.length]))
  }

  async positions(partitions: readonly TopicPartition[]) {
    return partitions.map((each) => {
      const offset = this.committed.get(`${each.topic} ${each.partition}`)
      return { ...each, offset: offset ?? 0n, isNew: offset === undefined }
    })
  }

  nodeOf(): number {
    return 1
  }

  async fetch(_: number, positions: readonly Position[]): Promise<FetchAnswer> {
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (this.fetchError) throw this.fetchError
    const moved = positions.flatMap((each) =>
      each.offset < this.firstOffset ? { ...each, from: each.offset, offset: this.firstOffset } : [],
    )
    if (moved.length > 0) return { fetched: [], moved }
    const fetched = positions.map(({ topic, partition, offset }) => {
      const log = this.logs.get(`${topic} ${partition}`)!
      // Two at a time, as a broker gives what fits.
      const records = log.slice(Number(offset), Number(offset) + 2)
      const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
      this.given += bytes
      return { topic, partition, records, next: offset + BigInt(records.length), end: BigInt(log.length), bytes }
    })
    return { fetched, moved: [] }
  }

  async commit(positions: readonly Position[]): Promise<void> {
    this.asked.push(...positions.map(({ offset }) => offset))
    if (this.commitError) throw this.commitError
    for (const { topic, partition, offset } of positions) {
      this.committed.set(`${topic} ${partition}`, offset)
      this.commits.push(`${topic} ${partition} ${offset}`)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  get isClosed(): boolean {
    return this.#closed
  }

  refresh(): void {}
}

async function start(
  group: FakeGroup,
  input: object = {},
  { signals = ['traces'] as Signal[], budget = undefined as Budget | undefined } = {},
) {
  const factory = createKafkaReceiver(async (_context, _config, events) => {
    group.events = events
    return group
  })
  const parsed = factory.config.safeParse({ autocommit: { interval: '10ms' }, ...input })
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const context = createTestContext('kafka', budget)
  const sink = createSink()
  const receiver = factory.create(context, parsed.data, new Map(signals.map((signal) => [signal, sink])))
  await receiver.start({ extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW })
  context.status.to('ok')
  const stop = (): Promise<void> => receiver.shutdown(AbortSignal.timeout(5_000))
  onTestFinished(stop)
  return { receiver, context, sink, stop }
}

const request = (seed: number): Uint8Array => tracesRequest({ spans: 3, seed })
const refusal = (message = 'full'): CollectorError => new CollectorError('overloaded', message, { retryAfterMs: 1 })

describe('what is committed', () => {
  test('nothing that the pipelines have not taken', async () => {
    const group = new FakeGroup()
    for (let i = 1; i <= 4; i++) group.put(request(i))
    let release = (): void => {}
    const isHeld = new Promise<void>((resolve) => (release = resolve))
    const { sink } = await start(group)
    sink.intercept = () => isHeld
    await vi.waitFor(() => expect(group.given).toBeGreaterThan(0))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(group.committed.get('otlp_spans 0')).toBe(0n)
    release()
    await vi.waitFor(() => expect(group.committed.get('otlp_spans 0')).toBe(4n))
    expect(sink.items).toBe(12)
  })

  test('where a new partition is begun, so that a restart does not begin at a later end', async () => {
    const group = new FakeGroup()
    group.put(null)
    await start(group)
    await vi.waitFor(() => expect(group.commits[0]).toBe('otlp_spans 0 0'))
  })

  test('what is being handed on when the receiver stops, once it is taken', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    group.put(request(2))
    const { sink, stop } = await start(group, { autocommit: { interval: '1h' } })
    const release = await held(sink)
    const stopped = stop()
    release()
    await stopped
    expect(group.committed.get('otlp_spans 0')).toBe(2n)
    expect(group.isClosed).toBe(true)
  })

  test('nothing of a partition that is somebody else’s by now', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    group.put(request(2))
    const { sink } = await start(group)
    const release = await held(sink)
    group.events!.assigned([])
    await new Promise((resolve) => setTimeout(resolve, 20))
    release()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(group.committed.get('otlp_spans 0')).toBe(0n)
  })

  test('what was taken of a partition that the group takes away, before somebody else reads it', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    group.put(request(2))
    const { context } = await start(group, { autocommit: { interval: '1h' } })
    await vi.waitFor(() => expect(context.value('otelcol_kafka_receiver_current_offset')).toBe(2))
    expect(group.committed.get('otlp_spans 0')).toBe(0n)
    group.events!.rebalancing([])
    expect(group.committed.get('otlp_spans 0')).toBe(2n)
  })

  test('message_marking.after: false commits before', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    const { sink } = await start(group, { message_marking: { after: false } })
    sink.intercept = () => new Promise(() => {})
    await vi.waitFor(() => expect(group.committed.get('otlp_spans 0')).toBe(1n))
  })

  test('what could not be committed is tried again', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    group.commitError = new Error('coordinator is away')
    const { sink, context } = await start(group)
    await sink.waitFor(3)
    await vi.waitFor(() =>
      expect(context.status.event).toMatchObject({
        status: 'recoverable_error',
        message: expect.stringContaining('coordinator is away') as string,
      }),
    )
    await vi.waitFor(() => expect(group.asked).toContain(1n))
    group.commitError = undefined
    await vi.waitFor(() => expect(group.committed.get('otlp_spans 0')).toBe(1n))
    await vi.waitFor(() => expect(context.status.event.status).toBe('ok'))
  })
})

describe('what the pipelines refuse', () => {
  test('for now: the partition waits, holds a bounded part, and nothing is lost', async () => {
    const group = new FakeGroup()
    for (let i = 1; i <= 40; i++) group.put(request(i))
    const { sink, context } = await start(group, { max_partition_fetch_size: 1 })
    let refusals = 0
    sink.intercept = () => {
      if (refusals++ < 3) throw refusal()
    }
    await vi.waitFor(() => expect(refusals).toBeGreaterThan(0))
    expect(group.given).toBeLessThan(4 * request(1).length)
    await sink.waitFor(120)
    expect(sink.items).toBe(120)
    expect(context.value('otelcol_receiver_accepted_spans', { transport: 'kafka' })).toBe(120)
    expect(context.value('otelcol_receiver_refused_spans')).toBe(0)
  })

  test('for now: other partitions go on', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    group.put(request(2), [], 'otlp_spans', 1)
    const { sink } = await start(group)
    sink.intercept = (_, { metadata }) => {
      if (metadata.get('kafka.partition')![0] === '0') throw refusal()
    }
    await vi.waitFor(() => expect(group.committed.get('otlp_spans 1')).toBe(1n))
    expect(group.committed.get('otlp_spans 0')).toBe(0n)
  })

  test('for now, with on_error: dropped and counted', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    const { sink, context } = await start(group, { message_marking: { on_error: true } })
    sink.intercept = () => {
      throw refusal()
    }
    await vi.waitFor(() => expect(group.committed.get('otlp_spans 0')).toBe(1n))
    expect(context.value('spoor_receiver_dropped_spans', { reason: 'overloaded' })).toBe(3)
  })

  test('for good: that message is skipped, counted and told, and those beside it are taken', async () => {
    const group = new FakeGroup()
    for (let i = 1; i <= 2; i++) group.put(request(i))
    const bad = Buffer.from(request(2))
    const { sink, context } = await start(group)
    sink.intercept = ({ chunks }) => {
      if (chunks.some(({ bytes }) => bad.equals(bytes))) throw new CollectorError('invalid_data', 'not this one')
    }
    await vi.waitFor(() => expect(group.committed.get('otlp_spans 0')).toBe(2n))
    expect(sink.items).toBe(3)
    expect(context.value('spoor_receiver_dropped_spans', { reason: 'invalid_data' })).toBe(3)
    const [sender] = context.ledger.report().senders
    expect(sender).toMatchObject({ transport: 'kafka', userAgent: 'topic otlp_spans', items: 3 })
    expect(sender!.outcomes['invalid_data']?.detail).toBe('otlp_spans, partition 0, offset 1: not this one')
  })

  test('for good, without on_permanent_error: the partition stops there, and says so', async () => {
    const group = new FakeGroup()
    for (let i = 1; i <= 4; i++) group.put(request(i))
    const { sink, context } = await start(group, { message_marking: { on_permanent_error: false } })
    sink.intercept = () => {
      throw new CollectorError('invalid_data', 'no')
    }
    await vi.waitFor(() => expect(context.status.event.status).toBe('permanent_error'))
    expect(group.committed.get('otlp_spans 0')).toBe(0n)
    expect(context.value('spoor_receiver_dropped_spans')).toBe(0)
  })
})

describe('what messages are', () => {
  test('one that cannot be read is skipped, counted and told with its place', async () => {
    const group = new FakeGroup()
    group.put(Buffer.from('no OTLP at all'))
    group.put(request(1))
    const { sink, context } = await start(group)
    await sink.waitFor(3)
    await vi.waitFor(() => expect(group.committed.get('otlp_spans 0')).toBe(2n))
    expect(
      context.value('otelcol_kafka_receiver_unmarshal_failed_spans', { topic: 'otlp_spans', partition: '0' }),
    ).toBe(1)
    expect(context.value('spoor_receiver_dropped_batches', { reason: 'invalid_data' })).toBe(1)
    expect(
      String(context.logger.lines.find(({ message }) => /Skipping messages/.test(message))?.fields['error']),
    ).toMatch(/^otlp_spans, partition 0, offset 0: not a valid OTLP message/)
  })

  test('JSON', async () => {
    const group = new FakeGroup()
    group.put(Buffer.from(JSON.stringify(requestToJson('traces', request(1)))))
    const { sink } = await start(group, { traces: { encoding: 'otlp_json' } })
    await sink.waitFor(3)
    expect(decodeTraces(sink.bytes())).toEqual(decodeTraces(request(1)))
  })

  test('without a value nothing, and the group goes on behind it', async () => {
    const group = new FakeGroup()
    group.put(null)
    await start(group)
    await vi.waitFor(() => expect(group.committed.get('otlp_spans 0')).toBe(1n))
  })

  test('their place and headers go with them as metadata, and those with other headers apart', async () => {
    const group = new FakeGroup()
    group.put(request(1), [['Tenant', 'a']])
    group.put(request(2), [['Tenant', 'b']])
    const { sink } = await start(group)
    await sink.waitFor(6)
    expect(sink.contexts.map(({ metadata }) => Object.fromEntries(metadata))).toEqual([
      { tenant: ['a'], 'kafka.topic': ['otlp_spans'], 'kafka.partition': ['0'], 'kafka.offset': ['0'] },
      { tenant: ['b'], 'kafka.topic': ['otlp_spans'], 'kafka.partition': ['0'], 'kafka.offset': ['1'] },
    ])
  })

  test('header_extraction makes attributes of the resource of headers', async () => {
    const group = new FakeGroup()
    group.put(request(1), [
      ['tenant', 'a'],
      ['other', 'x'],
    ])
    const { sink } = await start(group, { header_extraction: { extract_headers: true, headers: ['tenant'] } })
    await sink.waitFor(3)
    const { attributes } = decodeTraces(sink.bytes()).resourceSpans[0]!.resource
    const extracted = attributes.filter(({ key }) => key.startsWith('kafka.'))
    expect(extracted).toEqual([{ key: 'kafka.header.tenant', value: { type: 'string', value: 'a' } }])
  })

  test('spans without ids are counted, and the others taken', async () => {
    const group = new FakeGroup()
    const [resource] = decodeTraces(request(1)).resourceSpans
    const [scope] = resource!.scopeSpans
    const spans = scope!.spans.map((span, index) => (index === 0 ? { ...span, spanId: '' } : span))
    group.put(encodeTraces({ resourceSpans: [{ ...resource!, scopeSpans: [{ ...scope!, spans }] }] }))
    const { sink, context } = await start(group)
    await sink.waitFor(2)
    expect(context.value('spoor_receiver_rejected_spans', { reason: 'invalid_id' })).toBe(1)
  })
})

describe('memory', () => {
  test('nothing is fetched that the budget has no room for', async () => {
    const group = new FakeGroup()
    for (let i = 1; i <= 4; i++) group.put(request(i))
    const budget = createBudget(2 * 1024 * 1024)
    const lease = budget.take(1.5 * 1024 * 1024, 'queue')!
    const { sink } = await start(group, {}, { budget })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(group.given).toBe(0)
    lease.release()
    await sink.waitFor(12)
    await vi.waitFor(() => expect(budget.used).toBeLessThanOrEqual(1_048_576))
  })
})

describe('the group', () => {
  test('a topic that is not there is told, and the others are read', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    const { sink, context } = await start(group, { traces: { topics: ['otlp_spans', 'elsewhere'] } })
    await sink.waitFor(3)
    await vi.waitFor(() =>
      expect(context.status.event).toMatchObject({
        status: 'recoverable_error',
        message: 'Kafka at localhost:9092 has no topic elsewhere; it is read once it is there',
      }),
    )
  })

  test('a broker that is away is told, and read from when it is back', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    group.fetchError = Object.assign(new Error('connect ECONNREFUSED'), { code: 'PLT_KFK_NETWORK' })
    const { sink, context } = await start(group)
    await vi.waitFor(() =>
      expect(context.status.event).toMatchObject({
        status: 'recoverable_error',
        message: 'Kafka at localhost:9092: connect ECONNREFUSED',
      }),
    )
    group.fetchError = undefined
    await sink.waitFor(3)
    await vi.waitFor(() => expect(context.status.event.status).toBe('ok'))
  })

  test('a membership that cannot go on is begun anew, behind what was committed', async () => {
    const group = new FakeGroup()
    group.put(request(1))
    const { sink } = await start(group)
    await vi.waitFor(() => expect(group.committed.get('otlp_spans 0')).toBe(1n))
    const { events } = group
    events!.failed(new Error('thrown out'))
    group.put(request(2))
    await sink.waitFor(6)
    expect(group.events).not.toBe(events)
    expect(sink.items).toBe(6)
  })

  test('messages that were deleted before they were read are counted and told', async () => {
    const group = new FakeGroup()
    for (let i = 1; i <= 3; i++) group.put(request(i))
    group.firstOffset = 2n
    const { sink, context } = await start(group)
    await sink.waitFor(3)
    expect(context.value('spoor_kafka_receiver_lost_messages')).toBe(2)
    expect(
      context.logger.lines.some(
        ({ level, message }) => level === 'error' && message.includes('2 messages were deleted'),
      ),
    ).toBe(true)
  })
})

describe('the config', () => {
  const issue = (input: object) => {
    const parsed = kafkaReceiver.config.safeParse(input)
    return (parsed as { error?: z.ZodError }).error?.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    )[0]
  }

  test.each([
    [
      { traces: { encoding: 'zipkin_json' } },
      'traces.encoding: encoding "zipkin_json" is not supported; there are otlp_proto and otlp_json, for all signals',
    ],
    [
      { traces: { topics: ['^spans-.*'] } },
      'traces.topics.0: "^spans-.*": topics by pattern are not supported; name each topic',
    ],
    [
      { logs: { exclude_topics: ['x'] } },
      'logs.exclude_topics: not supported; topics by pattern are not supported; name each topic in `topics`',
    ],
    [
      { traces: { topics: ['a'] }, logs: { topics: ['a'] } },
      'logs.topics: a is a topic of traces already; a topic has one signal',
    ],
    [
      { initial_offset: 'first' },
      "initial_offset: initial_offset should be one of 'latest' or 'earliest'; found \"first\"",
    ],
    [
      { group_rebalance_strategies: ['sticky'] },
      'group_rebalance_strategies.0: strategy "sticky" is not supported; there are cooperative-sticky, range, roundrobin',
    ],
    [
      { max_fetch_size: 10, min_fetch_size: 20 },
      'max_fetch_size: max_fetch_size (10) cannot be less than min_fetch_size (20)',
    ],
    [{ heartbeat_interval: '10s' }, 'heartbeat_interval: must be less than session_timeout, a third of it or less'],
  ])('%j', (input, message) => {
    expect(issue(input)).toBe(message)
  })

  test('one topic, as it was written before', () => {
    expect(kafkaReceiver.config.safeParse({ traces: { topic: 'a' } })).toMatchObject({
      data: { traces: { topics: ['a'] } },
    })
  })
})
