/** Components of Kafka at a real broker, and what they are tried with. */
import type { Consumer as KafkaConsumer } from '@platformatic/kafka'
import { createBatch, type Signal } from '@spoor/otlp'
import { onTestFinished } from 'vitest'
import {
  EMPTY_CONTEXT,
  NO_OVERVIEW,
  type Consumer,
  type DeliveryContext,
  type Host,
  type Metadata,
} from '../../component/index.ts'
import { kafkaExporter } from '../../exporters/kafka/index.ts'
import { kafkaReceiver } from '../../receivers/kafka/index.ts'
import { createSink, createTestContext } from '../../testkit/index.ts'
import { loadKafka } from '../client.ts'

const HOST: Host = { extension: () => undefined, fail: () => {}, overview: () => NO_OVERVIEW }

/** The folder with Kafka's jars, as `npm run kafka` has set it. */
export const JARS = process.env['SPOOR_KAFKA_JARS'] ?? ''

export async function startExporter(input: object, id = 'kafka') {
  const parsed = kafkaExporter.config.safeParse(input)
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const context = createTestContext(id)
  const exporter = kafkaExporter.create(context, parsed.data)
  await exporter.start(HOST)
  context.status.to('ok')
  onTestFinished(() => exporter.shutdown(AbortSignal.timeout(5_000)))
  return { exporter, context }
}

export async function startReceiver(input: object, signals: readonly Signal[] = ['traces'], id = 'kafka') {
  const parsed = kafkaReceiver.config.safeParse({ initial_offset: 'earliest', ...input })
  if (!parsed.success) throw new Error(JSON.stringify(parsed.error.issues))
  const context = createTestContext(id)
  const sinks = new Map(signals.map((signal) => [signal, createSink()] as const))
  const receiver = kafkaReceiver.create(context, parsed.data, sinks)
  await receiver.start(HOST)
  context.status.to('ok')
  const stop = (): Promise<void> => receiver.shutdown(AbortSignal.timeout(20_000))
  onTestFinished(stop)
  return { receiver, context, sinks, sink: sinks.get(signals[0]!)!, stop }
}

export function send(
  exporter: Consumer,
  bytes: Uint8Array,
  items: number,
  signal: Signal = 'traces',
  metadata?: Metadata,
): Promise<void> {
  const context: DeliveryContext = metadata ? { ...EMPTY_CONTEXT, metadata } : EMPTY_CONTEXT
  return exporter.consume(createBatch(signal, [{ bytes, items }]), context)
}

export interface RawMessage {
  readonly partition: number
  readonly key: string | undefined
  readonly value: Buffer
  readonly headers: readonly (readonly [string, string])[]
}

/** The messages of a topic, as another client reads them, once there are so many. */
export async function readTopic(broker: string, topic: string, count: number): Promise<RawMessage[]> {
  const { Consumer } = await loadKafka()
  const consumer: KafkaConsumer = new Consumer({
    clientId: 'test',
    groupId: `raw-${topic}-${Math.random()}`,
    bootstrapBrokers: [broker],
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', maxWaitTime: 100 })
  const messages: RawMessage[] = []
  if (count > 0) {
    for await (const { partition, key, value, headerEntries } of stream) {
      const headers = headerEntries.map(([name, content]) => [name.toString(), content.toString()] as const)
      messages.push({ partition, key: key?.toString(), value, headers })
      if (messages.length >= count) break
    }
  }
  await consumer.close(true)
  return messages
}

/** Puts messages into a topic as they are. */
export async function writeTopic(
  broker: string,
  topic: string,
  values: readonly Uint8Array[],
  partition = 0,
): Promise<void> {
  const { Producer } = await loadKafka()
  const producer = new Producer({ clientId: 'test', bootstrapBrokers: [broker], autocreateTopics: true })
  await producer.send({ messages: values.map((value) => ({ topic, partition, value: Buffer.from(value) })) })
  await producer.close()
}
