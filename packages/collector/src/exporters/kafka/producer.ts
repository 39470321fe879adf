/** What the exporter needs of a client: to know how many partitions a topic has, and to have messages written. Behind an interface for the tests of what is around it. */
import type { Producer } from '@platformatic/kafka'
import type { Context } from '../../component/index.ts'
import { clientSettings, countConnections, loadKafka, type ClientSettings } from '../../kafka-helper/index.ts'
import type { KafkaExporterConfig } from './config.ts'

export interface Record {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | undefined
  readonly value: Uint8Array
  readonly headers: ReadonlyMap<Buffer, Buffer>
}

export interface ProducerClient {
  /** Of each topic; rejects where one is not there and is not made. */
  partitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Resolves when the brokers have acknowledged all of them. */
  write(records: readonly Record[]): Promise<void>
  close(): Promise<void>
  refresh?(): void
}

const ATTEMPT_MS = 5_000

export async function createProducer(context: Context, config: KafkaExporterConfig): Promise<ProducerClient> {
  const { Producer } = await loadKafka()
  const { producer: own, timeout } = config
  let current: Producer | undefined
  const renew = (): void => {
    // What is being written goes on there.
    const old = current
    current = undefined
    old?.close().catch(() => {})
  }
  const settings: ClientSettings = clientSettings(context, 'exporters', config, renew)
  const attemptMs = timeout > 0 ? timeout : ATTEMPT_MS
  const client = (): Producer => {
    if (current) return current
    const made: Producer = new Producer({
      ...settings.options,
      // Within one attempt of the exporter: it tries again by itself, and says why.
      retries: 1,
      timeout: attemptMs,
      connectTimeout: attemptMs,
      requestTimeout: attemptMs * 2,
      autocreateTopics: own.allow_auto_topic_creation,
      acks: own.required_acks,
      compression: own.compression,
    })
    countConnections(context, 'exporter', made)
    // What matters of it comes with the request that it is of.
    made.on('error' as 'client:close', () => {})
    return (current = made)
  }
  return {
    async partitions(topics) {
      const { topics: known } = await client().metadata({
        topics: [...topics],
        autocreateTopics: own.allow_auto_topic_creation,
      })
      return new Map(topics.map((topic) => [topic, known.get(topic)?.partitionsCount ?? 1]))
    },
    async write(records) {
      const messages = records.map(({ topic, partition, key, value, headers }) => ({
        topic,
        partition,
        ...(key !== undefined && { key }),
        value: Buffer.from(value.buffer, value.byteOffset, value.length),
        headers: headers as Map<Buffer, Buffer>,
      }))
      await client().send({ messages })
    },
    async close() {
      settings.close()
      await current?.close()
    },
    refresh: () => settings.refresh(),
  }
}
