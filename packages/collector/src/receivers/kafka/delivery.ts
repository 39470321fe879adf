/**
 * How messages of one partition come into the pipelines: in their order, several at a time where nothing tells them apart, and again and again
 * until they are taken, or refused for good.
 */
import { createBatch, editRequest, type Chunk, type Signal } from '@spoor/otlp'
import {
  createDropLog,
  createLogLimiter,
  EMPTY_CONTEXT,
  ITEM_NAMES,
  NO_DOOR,
  signalCounters,
  sleep,
  toCollectorError,
  type CollectorError,
  type Consumer,
  type Context,
  type DeliveryContext,
  type DropLog,
  type LedgerDoor,
} from '../../component/index.ts'
import { readMessage, type Message } from '../../otlp-protocol/message.ts'
import type { KafkaReceiverConfig } from './config.ts'
import type { FetchedRecord, TopicPartition } from './group.ts'

/** What goes to the pipelines as one batch at most. */
const MAX_BYTES = 1024 * 1024
const MAX_MESSAGES = 1000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000
const LOG_INTERVAL_MS = 10_000

/** What became of messages: dealt with, so that the group goes on behind them; or not, as the partition is given up or stops there. */
export type Outcome = 'done' | 'abandoned' | 'blocked'

/** When to give up. */
export interface Ends {
  /** Nobody waits for these any more: the partition is somebody else's, or time is up. */
  readonly given: AbortSignal
  /** What was begun may end, and is not tried again. */
  readonly closing: AbortSignal
}

export interface Deliveries {
  deliver(records: readonly FetchedRecord[], partition: TopicPartition, ends: Ends): Promise<Outcome>
  /** Why the pipelines refuse for now what waits; undefined: nothing waits. */
  readonly refusal: string | undefined
  close(): void
}

interface Readable {
  readonly record: FetchedRecord
  readonly message: Message
}

/** The parts of the records that go together: with the same headers, and not too many. */
export function groupsOf(records: readonly FetchedRecord[]): FetchedRecord[][] {
  const groups: FetchedRecord[][] = []
  let [key, bytes]: [string | undefined, number] = [undefined, 0]
  for (const record of records) {
    const own = JSON.stringify(record.headers)
    const size = record.value?.length ?? 0
    const group = groups.at(-1)
    if (group && own === key && bytes + size <= MAX_BYTES && group.length < MAX_MESSAGES) group.push(record)
    else {
      groups.push([record])
      bytes = 0
    }
    key = own
    bytes += size
  }
  return groups
}

export function createDeliveries(
  context: Context,
  config: KafkaReceiverConfig,
  next: ReadonlyMap<Signal, Consumer>,
): Deliveries {
  return new PipelineDeliveries(context, config, next)
}

class PipelineDeliveries implements Deliveries {
  readonly #context: Context
  readonly #config: KafkaReceiverConfig
  readonly #next: ReadonlyMap<Signal, Consumer>
  readonly #signals: ReadonlyMap<string, Signal>
  readonly #accepted
  readonly #refused
  readonly #drops: DropLog
  readonly #log
  readonly #door: LedgerDoor
  readonly #waiting = new Map<string, string>()

  constructor(context: Context, config: KafkaReceiverConfig, next: ReadonlyMap<Signal, Consumer>) {
    this.#context = context
    this.#config = config
    this.#next = next
    this.#signals = new Map(
      [...next.keys()].flatMap((signal) => config[signal].topics.map((topic) => [topic, signal] as const)),
    )
    const labels = { receiver: context.id, transport: 'kafka' }
    this.#accepted = signalCounters(context.counters, 'otelcol_receiver_accepted', labels)
    this.#refused = signalCounters(context.counters, 'otelcol_receiver_refused', labels)
    this.#drops = createDropLog(context, {
      counter: 'spoor_receiver_dropped',
      labels: { receiver: context.id },
      message: 'Skipping messages that could not be taken.',
    })
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    this.#door = context.ledger?.door(context.id, 'kafka') ?? NO_DOOR
  }

  get refusal(): string | undefined {
    return this.#waiting.values().next().value
  }

  close(): void {
    this.#drops.close()
  }

  async deliver(records: readonly FetchedRecord[], partition: TopicPartition, ends: Ends): Promise<Outcome> {
    const readable: Readable[] = []
    for (const record of records) {
      const message = this.#read(record, partition)
      if (message === 'blocked') {
        // Those before it are not held up by it.
        const before = await this.#hand(readable, partition, ends)
        return before === 'done' ? 'blocked' : before
      }
      if (message && message.items > 0) readable.push({ record, message })
    }
    return this.#hand(readable, partition, ends)
  }

  #signalOf({ topic }: TopicPartition): Signal {
    return this.#signals.get(topic)!
  }

  #read({ value, headers, offset }: FetchedRecord, partition: TopicPartition): Message | 'blocked' | undefined {
    if (value === null || value.length === 0) return undefined
    const signal = this.#signalOf(partition)
    try {
      const encoding = this.#config[signal].encoding === 'otlp_json' ? 'json' : 'protobuf'
      const message = readMessage(signal, encoding, value)!
      this.#account(partition).arrived(signal, message.bytes)
      if (message.rejected > 0) this.#reject(message, partition, offset)
      return this.#withHeaders(message, signal, headers)
    } catch (error) {
      const { id, counters } = this.#context
      const labels = { receiver: id, topic: partition.topic, partition: String(partition.partition) }
      counters.counter(`otelcol_kafka_receiver_unmarshal_failed_${ITEM_NAMES[signal]}`, labels).value++
      return this.#skip(partition, offset, 0, 'invalid_data', toCollectorError(error).message) === 'done'
        ? undefined
        : 'blocked'
    }
  }

  #reject({ rejected, items, problem }: Message, partition: TopicPartition, offset: bigint): void {
    const text = `${rejected} of ${rejected + items} spans were not taken, as an id of theirs is not valid; the first: ${problem}`
    this.#refused.traces.value += rejected
    const labels = { receiver: this.#context.id, transport: 'kafka', reason: 'invalid_id' }
    this.#context.counters.counter('spoor_receiver_rejected_spans', labels).value += rejected
    this.#account(partition).refused('invalid_id', `${placeOf(partition, offset)}: ${text}`)
  }

  #withHeaders(message: Message, signal: Signal, headers: FetchedRecord['headers']): Message {
    const { extract_headers: isOn, headers: wanted } = this.#config.header_extraction
    if (!isOn) return message
    const found = wanted.flatMap((name) => {
      const value = headers.find(([own]) => own === name)?.[1]
      return value === undefined ? [] : [[`kafka.header.${name}`, value] as const]
    })
    if (found.length === 0) return message
    const bytes = editRequest(signal, message.bytes, {
      resource: ({ attributes }) => {
        for (const [key, value] of found) attributes.set(key, { type: 'string', value })
      },
    })
    return { ...message, bytes }
  }

  async #hand(readable: readonly Readable[], partition: TopicPartition, ends: Ends): Promise<Outcome> {
    if (readable.length === 0) return 'done'
    const error = await this.#offer(readable, partition, ends)
    if (error === undefined) return 'done'
    if (error === 'abandoned') return error
    // One of them may be what is refused, and the others not.
    if (readable.length > 1 && !error.retryable) {
      for (const each of readable) {
        const outcome = await this.#hand([each], partition, ends)
        if (outcome !== 'done') return outcome
      }
      return 'done'
    }
    for (const { record, message } of readable) {
      this.#refused[this.#signalOf(partition)].value += message.items
      const outcome = this.#skip(partition, record.offset, message.items, error.code, error.message, error.retryable)
      if (outcome !== 'done') return outcome
    }
    return 'done'
  }

  /** Undefined: taken. An error: refused for good, or, where that is dropped, for now. */
  async #offer(
    readable: readonly Readable[],
    partition: TopicPartition,
    { given, closing }: Ends,
  ): Promise<CollectorError | 'abandoned' | undefined> {
    const kind = this.#signalOf(partition)
    const consumer = this.#next.get(kind)!
    const context = contextOf(readable[0]!.record, partition, given)
    const name = `${partition.topic} ${partition.partition}`
    const chunks: Chunk[] = readable.map(({ message: { bytes, items } }) => ({ bytes, items }))
    const items = chunks.reduce((sum, chunk) => sum + chunk.items, 0)
    const wait = this.#waits()
    try {
      for (;;) {
        try {
          await consumer.consume(createBatch(kind, chunks), context)
          this.#accepted[kind].value += items
          this.#account(partition).taken(items)
          return undefined
        } catch (thrown) {
          if (given.aborted) return 'abandoned'
          const error = toCollectorError(thrown)
          if (!error.retryable || this.#config.message_marking.on_error) return error
          this.#waiting.set(name, error.message)
          const fields = { component: this.#context.id, ...partition, error: error.message }
          this.#log.warn('refused', fields, 'The pipelines refuse for now. The partition waits.')
          await sleep(Math.max(wait(), error.requestedDelayMs ?? 0), closing)
          if (closing.aborted) return 'abandoned'
        }
      }
    } finally {
      this.#waiting.delete(name)
    }
  }

  #waits(): () => number {
    const {
      enabled,
      initial_interval: first,
      max_interval: last,
      multiplier,
      randomization_factor: spread,
    } = this.#config.error_backoff
    let waitMs = enabled ? first : FIRST_RETRY_MS
    return () => {
      const now = enabled ? waitMs * (1 - spread + 2 * spread * Math.random()) : waitMs
      waitMs = Math.min(waitMs * (enabled ? multiplier : 2), enabled ? last : LAST_RETRY_MS)
      return now
    }
  }

  /** A message that is not taken: dropped, or where its partition stops. */
  #skip(
    partition: TopicPartition,
    offset: bigint,
    items: number,
    reason: string,
    problem: string,
    isForNow = false,
  ): Outcome {
    const error = `${placeOf(partition, offset)}: ${problem}`
    this.#account(partition).refused(reason, error)
    const { on_error: dropsForNow, on_permanent_error: drops } = this.#config.message_marking
    if (!(isForNow ? dropsForNow : drops)) {
      const message =
        'A message was refused for good, and message_marking.on_permanent_error is false. Its partition stops there.'
      this.#context.logger.error(
        { component: this.#context.id, ...partition, offset: String(offset), error: problem },
        message,
      )
      return 'blocked'
    }
    this.#drops.add({ signal: this.#signalOf(partition), items, reason, error })
    return 'done'
  }

  /** Who sends, as far as it is known: the topic. */
  #account({ topic }: TopicPartition) {
    return this.#door.sender(undefined, `topic ${topic}`)
  }
}

function placeOf({ topic, partition }: TopicPartition, offset: bigint): string {
  return `${topic}, partition ${partition}, offset ${offset}`
}

/** Headers, and where the first of the messages was; those of one that are told apart by that only go together. */
function contextOf(
  { headers, offset }: FetchedRecord,
  { topic, partition }: TopicPartition,
  signal: AbortSignal,
): DeliveryContext {
  const metadata = new Map<string, string[]>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const known = metadata.get(key)
    if (known) known.push(value)
    else metadata.set(key, [value])
  }
  metadata.set('kafka.topic', [topic])
  metadata.set('kafka.partition', [String(partition)])
  metadata.set('kafka.offset', [String(offset)])
  return { ...EMPTY_CONTEXT, metadata, signal }
}
