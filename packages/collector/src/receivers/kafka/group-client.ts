/** A {@link GroupClient} of the client library: its group membership and its requests, without its streams, which wait for each other. */
import type { Consumer, RecordsBatch } from '@platformatic/kafka'
import { type Context } from '../../component/index.ts'
import { apiIds, clientSettings, countConnections, leaves, loadKafka } from '../../kafka-helper/index.ts'
import { assignerOf } from './assigners.ts'
import type { KafkaReceiverConfig } from './config.ts'
import type {
  FetchAnswer,
  Fetched,
  FetchedRecord,
  GroupClient,
  GroupEvents,
  Moved,
  Position,
  TopicPartition,
} from './group.ts'

const EARLIEST = -2n
const LATEST = -1n
/** Of a batch of control records, which mark the ends of transactions. */
const CONTROL = 0x20
/** What members have to come back, when partitions are divided anew. Milliseconds. */
const REBALANCE_MS = 60_000
const NO_EPOCH = -1

type Response = Awaited<ReturnType<Consumer['fetch']>>

export async function openGroup(
  context: Context,
  config: KafkaReceiverConfig,
  events: GroupEvents,
): Promise<GroupClient> {
  const kafka = await loadKafka()
  const renew = (): void => events.failed(new Error('a certificate has changed'))
  const settings = clientSettings(context, 'receivers', config, renew)
  const [strategy] = config.group_rebalance_strategies
  const consumer = new kafka.Consumer({
    ...settings.options,
    groupId: config.group_id,
    ...(config.group_instance_id !== '' && { groupInstanceId: config.group_instance_id }),
    sessionTimeout: config.session_timeout,
    heartbeatInterval: config.heartbeat_interval,
    heartbeatStallTimeout: config.session_timeout,
    rebalanceTimeout: Math.max(REBALANCE_MS, config.session_timeout),
    protocols: [{ name: strategy!, version: 1 }],
    partitionAssigner: assignerOf(strategy!, kafka),
    minBytes: config.min_fetch_size,
    maxBytes: config.max_fetch_size,
    maxWaitTime: config.max_fetch_wait,
    autocommit: false,
    autocreateTopics: false,
  })
  countConnections(context, 'receiver', consumer)
  return new ConsumerGroup(consumer, config, events, settings)
}

class ConsumerGroup implements GroupClient {
  readonly #consumer: Consumer
  readonly #config: KafkaReceiverConfig
  readonly #settings: { refresh(): void; close(): void }

  constructor(
    consumer: Consumer,
    config: KafkaReceiverConfig,
    events: GroupEvents,
    settings: { refresh(): void; close(): void },
  ) {
    this.#consumer = consumer
    this.#config = config
    this.#settings = settings
    consumer.on('consumer:group:join', () => events.assigned(this.#assigned()))
    consumer.on('consumer:group:rebalance', () => events.rebalancing(this.#assigned()))
    consumer.on('consumer:heartbeat:error', ({ error }) => events.troubled(error))
    consumer.on('consumer:heartbeat:end', () => events.troubled(undefined))
    consumer.on('consumer:heartbeat:stalled', ({ lastError }) =>
      events.failed(lastError ?? new Error('no heartbeat was answered')),
    )
    consumer.on('error' as 'client:close', ((error: unknown) => events.failed(error)) as () => void)
  }

  #assigned(): TopicPartition[] {
    return (this.#consumer.assignments ?? []).flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
  }

  async join(topics: readonly string[]): Promise<void> {
    const known = this.#consumer.topics
    for (const topic of known.current) if (!topics.includes(topic)) known.untrack(topic)
    for (const topic of topics) if (!known.has(topic)) known.track(topic)
    await this.#consumer.joinGroup({})
  }

  async partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>()
    // One that is not there fails those that are asked for with it.
    for (const topic of topics) {
      try {
        const { topics: known } = await this.#consumer.metadata({
          topics: [topic],
          forceUpdate: true,
          autocreateTopics: false,
          retries: 0,
        })
        const count = known.get(topic)?.partitionsCount
        if (count !== undefined && count > 0) counts.set(topic, count)
      } catch (error) {
        if (!isUnknown(error)) throw error
      }
    }
    return counts
  }

  async positions(partitions: readonly TopicPartition[]): Promise<(Position & { readonly isNew: boolean })[]> {
    if (partitions.length === 0) return []
    const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
    const topics = [...byTopic].map(([topic, own]) => ({ topic, partitions: own.map(({ partition }) => partition) }))
    const committed = await this.#consumer.listCommittedOffsets({ topics })
    const begun = (each: TopicPartition): bigint => committed.get(each.topic)?.[each.partition] ?? -1n
    const isLacking = partitions.filter((each) => begun(each) < 0n)
    const starts = await this.#bounds(isLacking, this.#config.initial_offset === 'earliest' ? EARLIEST : LATEST)
    return partitions.map((each) => {
      const offset = begun(each)
      return offset >= 0n ? { ...each, offset, isNew: false } : { ...each, offset: starts(each), isNew: true }
    })
  }

  async #bounds(
    partitions: readonly TopicPartition[],
    timestamp: bigint,
  ): Promise<(partition: TopicPartition) => bigint> {
    if (partitions.length === 0) return () => 0n
    const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
    const wanted = Object.fromEntries(
      [...byTopic].map(([topic, own]) => [topic, own.map(({ partition }) => partition)]),
    )
    const offsets = await this.#consumer.listOffsets({ topics: [...byTopic.keys()], partitions: wanted, timestamp })
    return ({ topic, partition }) => offsets.get(topic)?.[partition] ?? 0n
  }

  nodeOf({ topic, partition }: TopicPartition): number | undefined {
    const leader = this.#consumer.currentMetadata?.topics.get(topic)?.partitions[partition]?.leader
    return leader === undefined || leader < 0 ? undefined : leader
  }

  async fetch(node: number, positions: readonly Position[]): Promise<FetchAnswer> {
    const { topics: known } = await this.#consumer.metadata({
      topics: [...this.#consumer.topics.current],
      autocreateTopics: false,
    })
    const names = new Map<string, string>()
    const wanted = new Map<string, bigint>()
    const topics = [...Map.groupBy(positions, ({ topic }) => topic)].flatMap(([topic, own]) => {
      const topicId = known.get(topic)?.id
      if (topicId === undefined) return []
      names.set(topicId, topic)
      const partitions = own.map(({ partition, offset }) => {
        wanted.set(`${topic} ${partition}`, offset)
        const limits = {
          partitionMaxBytes: this.#config.max_partition_fetch_size,
          currentLeaderEpoch: NO_EPOCH,
          lastFetchedEpoch: NO_EPOCH,
        }
        return { partition, fetchOffset: offset, ...limits }
      })
      return { topicId, partitions }
    })
    const { max_fetch_size: maxBytes, min_fetch_size: minBytes, max_fetch_wait: maxWaitTime } = this.#config
    const request = { node, topics, maxBytes, minBytes, maxWaitTime }
    try {
      return { fetched: fetchedOf(await this.#consumer.fetch(request), names, wanted), moved: [] }
    } catch (error) {
      const response = leaves(error).find((each) => each.response !== undefined)?.response as Response | undefined
      if (!response || !Array.isArray(response.responses)) throw error
      const outside = outOfRange(response, names, wanted)
      const answer = { fetched: fetchedOf(response, names, wanted), moved: await this.#moved(outside) }
      return isAllOutside(response) ? answer : { ...answer, error }
    }
  }

  /** What there is no more begins anew where the log begins; what is beyond its end goes back there. */
  async #moved(outside: readonly Outside[]): Promise<Moved[]> {
    if (outside.length === 0) return []
    const [first, last] = [await this.#bounds(outside, EARLIEST), await this.#bounds(outside, LATEST)]
    return outside.map((each) => ({ ...each, offset: each.from < first(each) ? first(each) : last(each) }))
  }

  async commit(positions: readonly Position[]): Promise<void> {
    await this.#consumer.commit({ offsets: positions.map((position) => ({ ...position, leaderEpoch: NO_EPOCH })) })
  }

  async close(): Promise<void> {
    this.#settings.close()
    await this.#consumer.close(true)
  }

  refresh(): void {
    this.#settings.refresh()
  }
}

/** Of one topic. It is the client that says so where a broker has left it out of its answer. */
function isUnknown(error: unknown): boolean {
  const ids = apiIds(error)
  return (
    ids.has('UNKNOWN_TOPIC_OR_PARTITION') ||
    ids.has('LEADER_NOT_AVAILABLE') ||
    leaves(error).some(({ message }) => message.startsWith('Unknown topic '))
  )
}

interface Outside extends TopicPartition {
  readonly from: bigint
}

/** Kafka's code of it. */
const OUT_OF_RANGE = 1

function outOfRange(
  { responses }: Response,
  names: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, bigint>,
): Outside[] {
  return responses.flatMap(({ topicId, partitions }) =>
    partitions.flatMap(({ partitionIndex: partition, errorCode }) => {
      const topic = names.get(topicId) ?? ''
      const from = wanted.get(`${topic} ${partition}`)
      return errorCode === OUT_OF_RANGE && from !== undefined ? { topic, partition, from } : []
    }),
  )
}

function isAllOutside({ responses }: Response): boolean {
  return responses.every(({ partitions }) =>
    partitions.every(({ errorCode }) => errorCode === 0 || errorCode === OUT_OF_RANGE),
  )
}

function fetchedOf(
  { responses }: Response,
  names: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, bigint>,
): Fetched[] {
  const found: Fetched[] = []
  for (const { topicId, partitions } of responses) {
    const topic = names.get(topicId)
    if (topic === undefined) continue
    for (const { partitionIndex: partition, records: batches, highWatermark: end, errorCode } of partitions) {
      if (errorCode !== 0) continue
      const from = wanted.get(`${topic} ${partition}`)
      if (from === undefined) continue
      const records = (batches ?? []).flatMap((batch) => recordsOf(batch, from))
      const last = batches?.at(-1)
      const next = last ? last.firstOffset + BigInt(last.lastOffsetDelta) + 1n : from
      const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
      found.push({ topic, partition, records, next: next > from ? next : from, end, bytes })
    }
  }
  return found
}

/** A batch may begin before what was asked for. */
function recordsOf({ attributes, firstOffset, firstTimestamp, records }: RecordsBatch, from: bigint): FetchedRecord[] {
  if ((attributes & CONTROL) !== 0) return []
  const text = (bytes: Uint8Array | null): string => (bytes === null ? '' : Buffer.from(bytes).toString())
  return records.flatMap(({ offsetDelta, timestampDelta, value, headers }) => {
    const offset = firstOffset + BigInt(offsetDelta)
    if (offset < from) return []
    const named = headers.map(([name, content]) => [text(name), text(content)] as const)
    return { offset, timestampMs: Number(firstTimestamp + timestampDelta), value, headers: named }
  })
}
