/**
 * Gathers small batches into large ones. Joining costs nothing here: the chunks of many requests become the chunks of
 * one batch.
 *
 * Unlike the OpenTelemetry Collector's batch processor, it loses nothing when the next stage refuses for a while: the
 * batch stays and is tried again, what is held meanwhile is bounded, and beyond the bound senders are told to come
 * again.
 */
import { createBatch, splitItems, type Chunk, type Signal, type TelemetryBatch } from '@spoor/otlp'
import {
  aborted,
  CollectorError,
  createDropLog,
  createLogLimiter,
  follow,
  heldByChunk,
  heldBytes,
  sleep,
  timerMs,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Counter,
  type DropLog,
  type Keeper,
  type LogLimiter,
} from '../../component/index.ts'
import type { BatchConfig } from './config.ts'

/** Waits between tries when the next stage refuses: doubled from the first to the last. Milliseconds. */
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000
const LOG_INTERVAL_MS = 10_000
const ACCEPTED = Promise.resolve()

/** A caller that waits for the fate of what it gave, in however many batches that goes out. */
interface Ticket {
  parts: number
  failure: CollectorError | undefined
  readonly resolve: () => void
  readonly reject: (error: CollectorError) => void
}

interface Pending {
  readonly chunk: Chunk
  readonly ticket: Ticket | undefined
}

type Trigger = 'size' | 'timeout' | 'shutdown'

export class BatchProcessor implements Component, Consumer {
  readonly #context: Context
  readonly #config: BatchConfig
  readonly #next: Consumer
  readonly #signal: Signal
  readonly #log: LogLimiter
  readonly #drops: DropLog
  readonly #labels: Readonly<Record<string, string>>
  readonly #triggers: Readonly<Record<Trigger, Counter>>
  readonly #sendSizeSum: Counter
  readonly #sendSizeCount: Counter
  /** Undefined where callers wait for the next stage: what they gave is accounted for by them until then. */
  readonly #keeper: Keeper | undefined
  /** Aborts when shutdown begins, and at its deadline. */
  readonly #stopping = new AbortController()
  readonly #deadline = new AbortController()
  /** What was handed on and not yet taken. */
  readonly #sends = new Map<TelemetryBatch, Promise<void>>()
  #pending: Pending[] = []
  #pendingItems = 0
  #heldBytes = 0
  #timer: NodeJS.Timeout | undefined

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
    this.#sendSizeSum = counter('batch_send_size_sum')
    this.#sendSizeCount = counter('batch_send_size_count')
    this.#keeper = config.acknowledge === 'accepted' ? context.budget.keeper() : undefined
    context.counters.gauge('otelcol_processor_batch_held_bytes', this.#labels, () => this.#heldBytes)
  }

  async start(): Promise<void> {}

  /** An answer means as much as that of the next stage only where it waits for that. */
  get durable(): boolean {
    return this.#config.acknowledge === 'exported' && this.#next.durable === true
  }

  consume(batch: TelemetryBatch): Promise<void> {
    if (this.#stopping.signal.aborted) {
      return Promise.reject(new CollectorError('unavailable', `${this.#context.id} is shutting down`))
    }
    const { max_held_bytes: maxHeldBytes, acknowledge } = this.#config
    if (this.#heldBytes > 0 && this.#heldBytes + batch.byteLength > maxHeldBytes) {
      this.#makeRoom()
      const held = `${this.#heldBytes} bytes that the next stage has not taken (max_held_bytes: ${maxHeldBytes})`
      return Promise.reject(
        new CollectorError('overloaded', `${this.#context.id} holds ${held}`, { retryAfterMs: 1000 }),
      )
    }
    if (this.#keeper && !this.#keeper.hasRoom(heldBytes(batch))) {
      this.#makeRoom()
      return Promise.reject(this.#keeper.refusal())
    }
    if (acknowledge === 'accepted') {
      this.#hold(batch, undefined)
      return ACCEPTED
    }
    return new Promise((resolve, reject) => {
      this.#hold(batch, { parts: batch.chunks.length, failure: undefined, resolve, reject })
    })
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    const unfollow = follow(signal, this.#deadline)
    this.#stopping.abort()
    this.#sendWhile('shutdown', () => true)
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

  /** What waits for company goes now, so that there is room at the next try. */
  #makeRoom(): void {
    this.#sendWhile('size', () => true)
  }

  #hold(batch: TelemetryBatch, ticket: Ticket | undefined): void {
    for (const chunk of batch.chunks) this.#pending.push({ chunk, ticket })
    this.#pendingItems += batch.items
    this.#heldBytes += batch.byteLength
    this.#keeper?.add(heldBytes(batch))
    const { send_batch_size: size, timeout } = this.#config
    const atOnce = size === 0 || timeout === 0
    if (atOnce || this.#pendingItems >= size) this.#sendWhile('size', () => atOnce || this.#pendingItems >= size)
    else this.#timer ??= setTimeout(() => this.#sendWhile('timeout', () => true), timerMs(timeout))
  }

  /**
   * Sends batch after batch as long as the condition holds and something is there; what is left waits for a timeout of
   * its own.
   */
  #sendWhile(trigger: Trigger, condition: () => boolean): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#pending.length > 0 && condition()) this.#send(this.#take(), trigger)
    if (this.#pending.length > 0) {
      this.#timer = setTimeout(() => this.#sendWhile('timeout', () => true), timerMs(this.#config.timeout))
    }
  }

  /**
   * Takes the oldest pending chunks: all of them, or `send_batch_max_size` items, for which a chunk is split where it
   * must be.
   */
  #take(): Pending[] {
    const max = this.#config.send_batch_max_size
    if (max === 0 || this.#pendingItems <= max) {
      const all = this.#pending
      this.#pending = []
      this.#pendingItems = 0
      return all
    }
    const taken: Pending[] = []
    let items = 0
    while (items < max) {
      const next = this.#pending[0]!
      const room = max - items
      if (next.chunk.items > room) this.#pending.splice(0, 1, ...this.#split(next, room, max))
      taken.push(this.#pending.shift()!)
      items += taken.at(-1)!.chunk.items
    }
    for (const { chunk } of taken) this.#pendingItems -= chunk.items
    return taken
  }

  /** The first `head` items, then the others in parts of at most `max`. */
  #split({ chunk, ticket }: Pending, head: number, max: number): Pending[] {
    const parts = splitItems(this.#signal, chunk.bytes, { firstItems: head, maxItems: max })
    // Each part repeats the messages around its items.
    for (const { bytes } of parts) {
      this.#heldBytes += bytes.length
      this.#keeper?.add(bytes.length)
    }
    this.#heldBytes -= chunk.bytes.length
    this.#keeper?.remove(heldByChunk(chunk))
    if (ticket) ticket.parts += parts.length - 1
    return parts.map((part) => ({ chunk: part, ticket }))
  }

  #send(parts: readonly Pending[], trigger: Trigger): void {
    const batch = createBatch(
      this.#signal,
      parts.map((part) => part.chunk),
    )
    this.#triggers[trigger].value++
    this.#sendSizeSum.value += batch.items
    this.#sendSizeCount.value++
    const held = heldBytes(batch)
    const sending = this.#deliver(batch).then((failure) => {
      this.#heldBytes -= batch.byteLength
      this.#keeper?.remove(held)
      this.#sends.delete(batch)
      for (const { ticket } of parts) if (ticket) settle(ticket, failure)
    })
    this.#sends.set(batch, sending)
  }

  /**
   * Hands the batch to the next stage, again and again where that refuses for a while. Gives the error when the batch
   * was not taken.
   */
  async #deliver(batch: TelemetryBatch): Promise<CollectorError | undefined> {
    let retryMs = FIRST_RETRY_MS
    for (;;) {
      try {
        await this.#next.consume(batch)
        return undefined
      } catch (thrown) {
        const error = toCollectorError(thrown)
        // A caller that waits for the result still has the data, and decides itself whether to send it again.
        if (this.#config.acknowledge === 'exported') return error
        if (!error.retryable || this.#deadline.signal.aborted) return this.#drop(batch, error)
        const fields = { component: this.#context.id, error: error.message }
        this.#log.warn('retry', fields, 'The next stage refused a batch. It is kept and will be tried again.')
        const stopping = this.#stopping.signal.aborted
        const delayMs = Math.max(retryMs, error.requestedDelayMs ?? 0)
        await sleep(stopping ? FIRST_RETRY_MS : delayMs, stopping ? this.#deadline.signal : this.#stopping.signal)
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
      }
    }
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
