/** One attempt to write a batch: its messages in requests that no partition has more than it may of, acknowledged one after the other. */
import type { TelemetryBatch } from '@spoor/otlp'
import type { Context, DeliveryContext } from '../../component/index.ts'
import type { Sender, SendResult } from '../../exporter-helper/index.ts'
import { clusterName, leaves, toKafkaError } from '../../kafka-helper/index.ts'
import type { KafkaExporterConfig } from './config.ts'
import { RECORD_OVERHEAD, messagesOf, type OutMessage } from './messages.ts'
import { createPartitioners, type Partitioner } from './partitioner.ts'
import type { ProducerClient, Record } from './producer.ts'

export type OpenProducer = (context: Context, config: KafkaExporterConfig) => Promise<ProducerClient>

/** Seconds. */
const LATENCY_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What is left of a batch whose attempt has failed, so that what the brokers have acknowledged is not written twice. */
interface Rest {
  readonly messages: readonly OutMessage[]
  readonly oversize: { readonly items: number; readonly bytes: number }
}

export class KafkaSender implements Sender {
  readonly #context: Context
  readonly #config: KafkaExporterConfig
  readonly #open: OpenProducer
  readonly #next: () => Partitioner
  readonly #rest = new WeakMap<TelemetryBatch, Rest>()
  readonly #latency
  #client: ProducerClient | undefined

  constructor(context: Context, config: KafkaExporterConfig, open: OpenProducer) {
    this.#context = context
    this.#config = config
    this.#open = open
    this.#next = createPartitioners(config.record_partitioner)
    this.#latency = context.counters.histogram(
      'otelcol_kafka_exporter_write_latency',
      { exporter: context.id },
      LATENCY_BOUNDS,
    )
  }

  async start(): Promise<void> {
    this.#client = await this.#open(this.#context, this.#config)
  }

  refresh(): void {
    this.#client?.refresh?.()
  }

  async close(): Promise<void> {
    await this.#client?.close().catch(() => {})
  }

  async send(batch: TelemetryBatch, signal: AbortSignal, context: DeliveryContext): Promise<SendResult> {
    const headers = this.#headersOf(batch, context)
    const headerBytes = [...headers].reduce((sum, [name, value]) => sum + name.length + value.length + 10, 0)
    const { messages, oversize } = this.#rest.get(batch) ?? messagesOf(batch, this.#config, context, headerBytes)
    let rest = messages
    try {
      for (const request of await this.#requestsOf(messages, headers)) {
        signal.throwIfAborted()
        try {
          await this.#write(request.records)
          rest = without(rest, request.messages)
        } catch (error) {
          rest = without(rest, acknowledged(error, request))
          throw error
        }
      }
    } catch (error) {
      this.#rest.set(batch, { messages: rest, oversize })
      throw toKafkaError(error, clusterName(this.#config))
    }
    this.#rest.delete(batch)
    if (oversize.items === 0) return { rejected: 0, message: '' }
    const message = `${oversize.items} of ${batch.items} are larger than producer.max_message_bytes (${this.#config.producer.max_message_bytes}) each by itself; the largest has ${oversize.bytes} bytes`
    return { rejected: oversize.items, reason: 'too_large', message }
  }

  #headersOf({ signal }: TelemetryBatch, { metadata }: DeliveryContext): ReadonlyMap<Buffer, Buffer> {
    const { include_metadata_keys: included, record_headers: fixed, signal_header: isNamed } = this.#config
    const headers: [string, string][] = Object.entries(fixed)
    if (isNamed) headers.push(['otelcol.signal', signal])
    for (const key of included) for (const value of metadata.get(key) ?? []) headers.push([key, value])
    // Keys by identity: a header may come several times.
    return new Map(headers.map(([key, value]) => [Buffer.from(key), Buffer.from(value)]))
  }

  async #requestsOf(messages: readonly OutMessage[], headers: ReadonlyMap<Buffer, Buffer>): Promise<Request[]> {
    const topics = [...new Set(messages.map(({ topic }) => topic))]
    if (topics.length === 0) return []
    const counts = await this.#client!.partitions(topics)
    const partitionOf = this.#next()
    const maxBytes = this.#config.producer.max_message_bytes
    const requests: Request[] = []
    /** Of each partition, the request that its next message may go with, and the bytes that it has there. */
    const filled = new Map<string, { at: number; bytes: number }>()
    for (const message of messages) {
      const { topic, key, value } = message
      const partition = partitionOf(key) % (counts.get(topic) ?? 1)
      const name = `${topic} ${partition}`
      const bytes = value.length + (key?.length ?? 0) + RECORD_OVERHEAD
      let place = filled.get(name)
      if (!place) filled.set(name, (place = { at: 0, bytes: 0 }))
      else if (place.bytes + bytes > maxBytes) Object.assign(place, { at: place.at + 1, bytes: 0 })
      place.bytes += bytes
      const request = (requests[place.at] ??= { messages: [], records: [] })
      request.messages.push(message)
      request.records.push({ topic, partition, key, value, headers })
    }
    return requests
  }

  async #write(records: readonly Record[]): Promise<void> {
    const startedAt = performance.now()
    let outcome = 'failure'
    try {
      await this.#client!.write(records)
      outcome = 'success'
    } finally {
      this.#latency.record((performance.now() - startedAt) / 1000)
      for (const { topic, partition, value } of records) {
        const labels = { exporter: this.#context.id, topic, partition: String(partition), outcome }
        this.#context.counters.counter('otelcol_kafka_exporter_records', labels).value++
        this.#context.counters.counter('otelcol_kafka_exporter_bytes_uncompressed', labels).value += value.length
      }
    }
  }
}

interface Request {
  readonly messages: OutMessage[]
  /** Those messages, in their order. */
  readonly records: Record[]
}

function without(messages: readonly OutMessage[], done: readonly OutMessage[]): readonly OutMessage[] {
  if (done.length === 0) return messages
  const gone = new Set(done)
  return messages.filter((message) => !gone.has(message))
}

/** Those of a request that has failed as a whole whose partitions were acknowledged all the same. */
function acknowledged(error: unknown, { messages, records }: Request): readonly OutMessage[] {
  const done = new Set<string>()
  for (const each of leaves(error)) {
    const { produced } = each as {
      readonly produced?: { readonly offsets?: readonly { topic: string; partition: number }[] }
    }
    for (const { topic, partition } of produced?.offsets ?? []) done.add(`${topic} ${partition}`)
  }
  return messages.filter((_, index) => done.has(`${records[index]!.topic} ${records[index]!.partition}`))
}
