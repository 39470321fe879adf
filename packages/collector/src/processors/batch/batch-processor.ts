/**
 * Gathers small batches into large ones. Joining costs nothing here: the chunks of many requests become the chunks of
 * one batch.
 *
 * Unlike the OpenTelemetry Collector's batch processor, it loses nothing when the next stage refuses for a while: the
 * batch stays and is tried again, what is held meanwhile is bounded, and beyond the bound senders wait for room, and are
 * told to come again where there is none for long.
 */
import { createBatch, type Chunk, type Signal, type TelemetryBatch } from '@spoor/otlp'
import {
  aborted,
  BYTE_BOUNDS,
  CollectorError,
  createDropLog,
  createLogLimiter,
  follow,
  heldByChunk,
  heldBytes,
  ITEM_BOUNDS,
  onlyMetadata,
  keepTrying,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Counter,
  type Histogram,
  type DeliveryContext,
  type DropLog,
  type Keeper,
  type LogLimiter,
} from '../../component/index.ts'
import type { BatchConfig } from './config.ts'
import { Shard, type Pending, type Ticket, type Trigger } from './shard.ts'
import { WaitingRoom } from './waiting-room.ts'

const LOG_INTERVAL_MS = 10_000
/** Of the budget for bytes in flight, what one batch processor holds at most where nothing is said. */
const HELD_SHARE = 1 / 5
const ACCEPTED = Promise.resolve()

export class BatchProcessor implements Component, Consumer {
  readonly #context: Context
  readonly #config: BatchConfig
  readonly #next: Consumer
  readonly #signal: Signal
  readonly #log: LogLimiter
  readonly #drops: DropLog
  readonly #labels: Readonly<Record<string, string>>
  readonly #triggers: Readonly<Record<Trigger, Counter>>
  readonly #sendSize: Histogram
  readonly #sendBytes: Histogram
  /** Undefined where callers wait for the next stage: what they gave is accounted for by them until then. */
  readonly #keeper: Keeper | undefined
  readonly #maxHeldBytes: number
  readonly #waitingRoom = new WaitingRoom()
  readonly #delayed: Counter
  readonly #refused: Counter
  /** Aborts when shutdown begins, and at its deadline. */
  readonly #stopping = new AbortController()
  readonly #deadline = new AbortController()
  /** What was handed on and not yet taken. */
  readonly #sends = new Map<TelemetryBatch, Promise<void>>()
  /** By the values of the `metadata_keys`; without these there is one. They stay, as the collector's do. */
  readonly #shards = new Map<string, Shard>()
  #heldBytes = 0

  constructor(context: Context, config: BatchConfig, next: Consumer, signal: Signal) {
    this.#context = context
    this.#config = config
    this.#next = next
    this.#signal = signal
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    this.#labels = { processor: context.id, otel_signal: signal }
    this.#drops = createDropLog(context, {
      counter: 'otelcol_processor_dropped',
      labels: this.#labels,
      items: ({ reason }) => context.counters.counter('otelcol_processor_dropped_items', { ...this.#labels, reason }),
      message: 'Sender failed. Dropping data.',
    })
    const counter = (name: string): Counter => context.counters.counter(`otelcol_processor_batch_${name}`, this.#labels)
    this.#triggers = {
      size: counter('batch_size_trigger_send'),
      timeout: counter('timeout_trigger_send'),
      shutdown: counter('shutdown_trigger_send'),
    }
    const { counters } = context
    this.#sendSize = counters.histogram('otelcol_processor_batch_batch_send_size', this.#labels, ITEM_BOUNDS)
    this.#sendBytes = counters.histogram('otelcol_processor_batch_batch_send_size_bytes', this.#labels, BYTE_BOUNDS)
    this.#keeper = config.acknowledge === 'accepted' ? context.budget.keeper() : undefined
    this.#maxHeldBytes = config.max_held_bytes ?? context.budget.maxBytes * HELD_SHARE
    this.#delayed = counter('delayed_requests')
    this.#refused = counter('refused_requests')
    context.counters.gauge('otelcol_processor_batch_held_bytes', this.#labels, () => this.#heldBytes)
    context.counters.gauge('otelcol_processor_batch_metadata_cardinality', this.#labels, () => this.#shards.size)
  }

  async start(): Promise<void> {}

  /** An answer means as much as that of the next stage only where it waits for that. */
  get durable(): boolean {
    return this.#config.acknowledge === 'exported' && this.#next.durable === true
  }

  consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.reject(this.#stopped())
    return (this.#waitingRoom.isEmpty ? this.#enter(batch, context) : undefined) ?? this.#wait(batch, context)
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    const unfollow = follow(signal, this.#deadline)
    this.#stopping.abort()
    this.#waitingRoom.close(this.#stopped())
    for (const shard of this.#shards.values()) shard.flush('shutdown')
    await Promise.race([Promise.all(this.#sends.values()), aborted(this.#deadline.signal)])
    unfollow()
  }

  /** What the next stage was handed and has not answered for is lost. */
  finish(): void {
    for (const batch of this.#sends.keys()) {
      this.#drop(batch, new CollectorError('unavailable', 'the next stage had not taken it when the collector ended'))
    }
    this.#drops.close()
  }

  #stopped(): CollectorError {
    return new CollectorError('unavailable', `${this.#context.id} is shutting down`)
  }

  /** Takes it; undefined where there is no room for it. */
  #enter(batch: TelemetryBatch, context: DeliveryContext): Promise<void> | undefined {
    if (!this.#hasRoom(batch)) return undefined
    try {
      const shard = this.#shardOf(context)
      if (this.#config.acknowledge === 'accepted') {
        this.#hold(batch, shard, undefined)
        return ACCEPTED
      }
      return new Promise((resolve, reject) => {
        this.#hold(batch, shard, { parts: batch.chunks.length, failure: undefined, resolve, reject })
      })
    } catch (error) {
      return Promise.reject(toCollectorError(error))
    }
  }

  /** A sender that waits sends less; one that is refused may lose what it has. */
  #wait(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    this.#delayed.value++
    this.#makeRoom()
    const left = context.deadline === undefined ? Infinity : context.deadline - performance.now()
    return this.#waitingRoom.wait({
      enter: () => this.#enter(batch, context),
      refusal: () => this.#refusal(batch),
      // So that who waits no longer is told when to come again.
      patienceMs: Math.max(0, Math.min(this.#config.max_wait, left / 2)),
      signal: context.signal,
    })
  }

  #hasRoom(batch: TelemetryBatch): boolean {
    return this.#hasOwnRoom(batch) && (!this.#keeper || this.#keeper.hasRoom(heldBytes(batch)))
  }

  #hasOwnRoom(batch: TelemetryBatch): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + batch.byteLength <= this.#maxHeldBytes
  }

  #refusal(batch: TelemetryBatch): CollectorError {
    this.#refused.value++
    if (this.#keeper && this.#hasOwnRoom(batch)) return this.#keeper.refusal()
    const held = `${this.#heldBytes} bytes that the next stage has not taken (max_held_bytes: ${this.#maxHeldBytes})`
    return new CollectorError('overloaded', `${this.#context.id} holds ${held}`, { retryAfterMs: 1000 })
  }

  /** What waits for company goes now, so that there is room at the next try. */
  #makeRoom(): void {
    for (const shard of this.#shards.values()) shard.flush('size')
  }

  /** Throws where there are as many combinations of values as there may be, and this is another. */
  #shardOf(context: DeliveryContext): Shard {
    const { metadata_keys: keys, metadata_cardinality_limit: limit } = this.#config
    const key = keys.length === 0 ? '' : JSON.stringify(keys.map((name) => context.metadata.get(name)))
    const known = this.#shards.get(key)
    if (known) return known
    if (limit > 0 && this.#shards.size >= limit) {
      const message = `${this.#context.id}: too many batcher metadata-value combinations (metadata_cardinality_limit: ${limit}); name metadata_keys that have fewer values, or raise it`
      // As the collector has it: whoever sends it again is refused again.
      throw new CollectorError('overloaded', message, { retryable: false })
    }
    const shard = new Shard(this.#config, this.#signal, onlyMetadata(keys, context), {
      send: (parts, trigger, about) => this.#send(parts, trigger, about),
      divided: (chunk, parts) => this.#divided(chunk, parts),
    })
    this.#shards.set(key, shard)
    return shard
  }

  #hold(batch: TelemetryBatch, shard: Shard, ticket: Ticket | undefined): void {
    this.#heldBytes += batch.byteLength
    this.#keeper?.add(heldBytes(batch))
    shard.add(batch.chunks, ticket)
  }

  /** Each part repeats the messages around its items. */
  #divided(chunk: Chunk, parts: readonly Chunk[]): void {
    for (const { bytes } of parts) {
      this.#heldBytes += bytes.length
      this.#keeper?.add(bytes.length)
    }
    this.#heldBytes -= chunk.bytes.length
    this.#keeper?.remove(heldByChunk(chunk))
  }

  #send(parts: readonly Pending[], trigger: Trigger, context: DeliveryContext): void {
    const batch = createBatch(
      this.#signal,
      parts.map((part) => part.chunk),
    )
    this.#triggers[trigger].value++
    this.#sendSize.record(batch.items)
    this.#sendBytes.record(batch.byteLength)
    const held = heldBytes(batch)
    const sending = this.#deliver(batch, context).then((failure) => {
      this.#heldBytes -= batch.byteLength
      this.#keeper?.remove(held)
      this.#sends.delete(batch)
      this.#waitingRoom.admit()
      for (const { ticket } of parts) if (ticket) settle(ticket, failure)
    })
    this.#sends.set(batch, sending)
  }

  /**
   * Hands the batch to the next stage, again and again where that refuses for a while. Gives the error when the batch
   * was not taken.
   */
  async #deliver(batch: TelemetryBatch, context: DeliveryContext): Promise<CollectorError | undefined> {
    const hand = async (): Promise<void> => this.#next.consume(batch, context)
    // A caller that waits for the result still has the data, and decides itself whether to send it again.
    if (this.#config.acknowledge === 'exported') return hand().then(() => undefined, toCollectorError)
    const failure = await keepTrying(hand, {
      stopping: this.#stopping.signal,
      deadline: this.#deadline.signal,
      refused: ({ message }) => {
        const fields = { component: this.#context.id, error: message }
        this.#log.warn('retry', fields, 'The next stage refused a batch. It is kept and will be tried again.')
      },
    })
    return failure && this.#drop(batch, failure)
  }

  #drop(batch: TelemetryBatch, error: CollectorError): CollectorError {
    // Shutdown may have given it up already.
    if (!this.#sends.delete(batch)) return error
    const reason = error.retryable ? 'shutdown' : error.code
    this.#drops.add({ signal: batch.signal, items: batch.items, reason, error: error.message })
    return error
  }
}

function settle(ticket: Ticket, failure: CollectorError | undefined): void {
  ticket.failure ??= failure
  ticket.parts--
  if (ticket.parts > 0) return
  if (ticket.failure) ticket.reject(ticket.failure)
  else ticket.resolve()
}
