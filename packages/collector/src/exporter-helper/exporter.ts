/**
 * What all exporters have in common, written once: queue, retry, timeout, splitting of what is too large, and the
 * accounts. An exporter brings a {@link Sender} that makes one attempt.
 *
 *     consume → sending queue → retry → timeout → Sender.send
 */
import { createBatch, splitSpans, type TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  createLogLimiter,
  follow,
  ITEM_NAMES,
  signalCounters,
  sleep,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Host,
  type LogLimiter,
} from '../component/index.ts'
import { createBackoff } from './backoff.ts'
import type { RetryConfig, SendingQueueConfig } from './config.ts'
import { SendingQueue } from './sending-queue.ts'

/** What a peer said of a batch that it took. */
export interface SendResult {
  /** Items that it did not accept and that must not be sent again; 0 when all went well. */
  readonly rejected: number
  readonly message: string
}

export interface Sender {
  start?(host: Host): Promise<void>
  /**
   * One attempt to send the batch. Rejects with a {@link CollectorError}, `too_large` where the peer wants smaller
   * messages. Must give up when the signal aborts.
   */
  send(batch: TelemetryBatch, signal: AbortSignal): Promise<SendResult>
  /** Called once, when nothing is being sent any more. */
  close(): Promise<void>
}

export interface ExporterOptions {
  readonly queue: SendingQueueConfig
  readonly retry: RetryConfig
  /** Milliseconds that one attempt may take; 0 for no limit. */
  readonly timeoutMs: number
}

const LOG_INTERVAL_MS = 10_000
/** A refused size below this is not taken for the peer's general limit. */
const MIN_LEARNED_BYTES = 64 * 1024

export function createExporter(context: Context, options: ExporterOptions, sender: Sender): Component & Consumer {
  return new HelpedExporter(context, options, sender)
}

class HelpedExporter implements Component, Consumer {
  readonly #context: Context
  readonly #options: ExporterOptions
  readonly #sender: Sender
  readonly #log: LogLimiter
  readonly #queue: SendingQueue | undefined
  readonly #labels: Readonly<Record<string, string>>
  readonly #sent
  readonly #enqueueFailed
  /** Aborts when shutdown begins: waits between retries end, and each batch is tried once more. */
  readonly #stopping = new AbortController()
  /** Aborts at the deadline of shutdown: what is being sent is given up. */
  readonly #deadline = new AbortController()
  /** A message of this size was refused as too large; those of this size or more are split before they are sent. */
  #refusedBytes = Infinity
  #active = 0
  #idle: (() => void) | undefined
  #stopped: Promise<void> | undefined

  constructor(context: Context, options: ExporterOptions, sender: Sender) {
    this.#context = context
    this.#options = options
    this.#sender = sender
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    this.#labels = { exporter: context.id }
    this.#sent = signalCounters(context.counters, 'otelcol_exporter_sent', this.#labels)
    this.#enqueueFailed = signalCounters(context.counters, 'otelcol_exporter_enqueue_failed', this.#labels)
    if (options.queue.enabled) {
      const queue = new SendingQueue(
        options.queue,
        (batch) => this.#deliver(batch),
        (batch, error) => this.#noteRefused(batch, error),
      )
      this.#queue = queue
      context.counters.gauge('otelcol_exporter_queue_size', this.#labels, () => queue.size)
      context.counters.gauge('otelcol_exporter_queue_capacity', this.#labels, () => options.queue.queue_size)
    }
    context.counters.gauge('otelcol_exporter_in_flight_requests', this.#labels, () => this.#active)
  }

  async start(host: Host): Promise<void> {
    await this.#sender.start?.(host)
  }

  async consume(batch: TelemetryBatch): Promise<void> {
    if (this.#stopping.signal.aborted) {
      throw new CollectorError('unavailable', `${this.#context.id} is shutting down`)
    }
    return this.#queue ? this.#queue.offer(batch) : this.#deliver(batch)
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#stopped ??= this.#drain(signal)
    return this.#stopped
  }

  async #drain(signal: AbortSignal): Promise<void> {
    const unfollow = follow(signal, this.#deadline)
    this.#stopping.abort()
    await this.#queue?.drained()
    if (this.#active > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    unfollow()
    await this.#sender.close()
  }

  /**
   * Sends the batch, in parts and with retries where it must. Rejects when it is lost, or, without a queue, handed back
   * to the caller.
   */
  async #deliver(batch: TelemetryBatch): Promise<void> {
    this.#active++
    try {
      await this.#deliverParts(batch)
    } finally {
      this.#active--
      if (this.#active === 0) this.#idle?.()
    }
  }

  async #deliverParts(batch: TelemetryBatch): Promise<void> {
    if (batch.byteLength >= this.#refusedBytes) {
      const halves = halve(batch)
      if (halves) return this.#deliverHalves(halves)
    }
    try {
      await this.#sendWithRetry(batch)
    } catch (error) {
      const problem = toCollectorError(error)
      const halves = problem.code === 'too_large' ? halve(batch) : undefined
      if (!halves) throw this.#giveUp(batch, problem)
      if (batch.byteLength >= MIN_LEARNED_BYTES) this.#refusedBytes = Math.min(this.#refusedBytes, batch.byteLength)
      this.#log.warn(
        'split',
        { component: this.#context.id, bytes: batch.byteLength, error: problem.message },
        'The peer refused a message as too large. Splitting it in halves.',
      )
      await this.#deliverHalves(halves)
    }
  }

  async #deliverHalves(halves: readonly TelemetryBatch[]): Promise<void> {
    const failures: unknown[] = []
    for (const half of halves) await this.#deliverParts(half).catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }

  async #sendWithRetry(batch: TelemetryBatch): Promise<void> {
    const backoff = createBackoff(this.#options.retry)
    for (;;) {
      const last = this.#stopping.signal.aborted
      try {
        await this.#attempt(batch)
        return
      } catch (error) {
        const problem = toCollectorError(error)
        if (!problem.retryable || last) throw problem
        const delayMs = backoff.next(problem.retryAfterMs)
        if (delayMs === undefined) throw problem
        this.#log.warn(
          'retry',
          { component: this.#context.id, error: problem.message, interval: `${Math.round(delayMs)}ms` },
          'Exporting failed. Will retry the request after interval.',
        )
        await sleep(delayMs, this.#stopping.signal)
      }
    }
  }

  async #attempt(batch: TelemetryBatch): Promise<void> {
    if (this.#deadline.signal.aborted) throw shutdownError(this.#context.id)
    const { timeoutMs } = this.#options
    const attempt = new AbortController()
    const unfollow = follow(this.#deadline.signal, attempt)
    const timer = timeoutMs > 0 ? setTimeout(() => attempt.abort(), timeoutMs) : undefined
    try {
      const { rejected, message } = await this.#sender.send(batch, attempt.signal)
      this.#sent[batch.signal].value += batch.items - rejected
      if (rejected > 0 || message !== '') this.#notePartialSuccess(batch, rejected, message)
    } catch (error) {
      if (this.#deadline.signal.aborted) throw shutdownError(this.#context.id)
      if (attempt.signal.aborted) {
        throw new CollectorError('timeout', `no answer within timeout: ${timeoutMs}ms`, { cause: error })
      }
      throw error
    } finally {
      clearTimeout(timer)
      unfollow()
    }
  }

  #noteRefused(batch: TelemetryBatch, error: CollectorError): void {
    this.#enqueueFailed[batch.signal].value += batch.items
    this.#log.warn('full', { component: this.#context.id, error: error.message }, 'Batch refused')
  }

  #notePartialSuccess(batch: TelemetryBatch, rejected: number, message: string): void {
    this.#sendFailed(batch, 'partial_success', rejected)
    const fields = { component: this.#context.id, message, dropped_items: rejected }
    this.#log.warn('partial', fields, 'Partial success response')
  }

  #giveUp(batch: TelemetryBatch, error: CollectorError): CollectorError {
    const reason = this.#deadline.signal.aborted ? 'shutdown' : error.code
    this.#sendFailed(batch, reason, batch.items)
    const dropped = this.#queue !== undefined && !this.#options.queue.wait_for_result
    this.#log.warn(
      `failed ${reason}`,
      {
        component: this.#context.id,
        error: error.message,
        reason,
        [dropped ? 'dropped_items' : 'rejected_items']: batch.items,
      },
      dropped ? 'Exporting failed. Dropping data.' : 'Exporting failed. Rejecting data.',
    )
    return error
  }

  #sendFailed(batch: TelemetryBatch, reason: string, items: number): void {
    const name = `otelcol_exporter_send_failed_${ITEM_NAMES[batch.signal]}`
    this.#context.counters.counter(name, { ...this.#labels, reason }).value += items
  }
}

/** Two batches of about half the items each, or undefined when the batch cannot be divided. */
export function halve(batch: TelemetryBatch): readonly TelemetryBatch[] | undefined {
  const { signal, chunks } = batch
  if (chunks.length > 1) {
    const middle = chunks.length >> 1
    return [createBatch(signal, chunks.slice(0, middle)), createBatch(signal, chunks.slice(middle))]
  }
  const [chunk] = chunks
  if (signal !== 'traces' || !chunk || chunk.items < 2) return undefined
  const size = Math.ceil(chunk.items / 2)
  let left = chunk.items
  return splitSpans(chunk.bytes, size).map((bytes) => {
    const items = Math.min(size, left)
    left -= items
    return createBatch(signal, [{ bytes, items }])
  })
}

function shutdownError(id: string): CollectorError {
  return new CollectorError('unavailable', `${id} was shut down before the batch was sent`)
}
