/**
 * What all exporters have in common, written once: queue, retry, timeout, splitting of what is too large, and the
 * accounts. An exporter brings a {@link Sender} that makes one attempt.
 *
 *     consume → sending queue → retry → timeout → Sender.send
 */
import { createBatch, freeMemory, shareMemory, type Signal, type TelemetryBatch } from '@spoor/otlp'
import {
  aborted,
  BYTE_BOUNDS,
  CollectorError,
  createDropLog,
  createLogLimiter,
  createTroubles,
  extensionOf,
  follow,
  grpcName,
  ITEM_BOUNDS,
  signalCounters,
  sleep,
  statusOf,
  timerMs,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Counters,
  type DeliveryContext,
  type DropLog,
  type Host,
  type LogLimiter,
  type Storage,
  type Troubles,
} from '../component/index.ts'
import { createBackoff } from './backoff.ts'
import type { RetryConfig, SendingQueueConfig } from './config.ts'
import { QueueFile } from './queue-file.ts'
import { SendingQueue } from './sending-queue.ts'
import { SizeLimit } from './size-limit.ts'
import { divide } from './split.ts'

/** What a peer said of a batch that it took. */
export interface SendResult {
  /** Items that it did not accept and that must not be sent again; 0 when all went well. */
  readonly rejected: number
  readonly message: string
  /** Why, in the counter. Default: `partial_success`. */
  readonly reason?: string
  /** Whether nothing reads the batch any more, the system included: all of it had been written when the answer came. Default: false. */
  readonly isWritten?: boolean
}

export interface Sender {
  start?(host: Host): Promise<void>
  /**
   * One attempt to send the batch. Rejects with a {@link CollectorError}, `too_large` where the peer wants smaller
   * messages. Should give up when the signal aborts; it is not waited for any longer then. `context`: what goes with the batch.
   */
  send(batch: TelemetryBatch, signal: AbortSignal, context: DeliveryContext): Promise<SendResult>
  /** See `refresh` of a component. */
  refresh?(): void
  /** Called once, when nothing is being sent any more. */
  close(): Promise<void>
}

export interface ExporterOptions {
  readonly queue: SendingQueueConfig
  readonly retry: RetryConfig
  /** Milliseconds that one attempt may take; 0 for no limit. */
  readonly timeoutMs: number
  /** Whom batches of a signal go to, as labels of what is counted: the address, the port. Default: none. */
  readonly peer?: (signal: Signal) => Readonly<Record<string, string>>
  /** See {@link Component.claims}; those of a queue's file are added. */
  readonly claims?: readonly string[]
}

const LOG_INTERVAL_MS = 10_000
const NOBODY_WAITS = 'was given up, as nobody waits for the answer any more: the client left, or its deadline passed'

/** What each signal has for itself, so that none waits for another, or takes its room. */
interface Track {
  /** Undefined where there is to be none. */
  readonly queue: SendingQueue | undefined
  /** Hears of each request that comes to the queue. */
  readonly enqueued: (batch: TelemetryBatch) => void
  /** Batches that are being sent, or wait to be sent again. */
  inFlight: number
}

/** A batch, or a part of one that was split, and why it was not sent. */
interface Failure {
  readonly part: TelemetryBatch
  readonly error: CollectorError
}

export function createExporter(context: Context, options: ExporterOptions, sender: Sender): Component & Consumer {
  return new HelpedExporter(context, options, sender)
}

class HelpedExporter implements Component, Consumer {
  readonly claims: readonly string[]
  readonly #context: Context
  readonly #options: ExporterOptions
  readonly #sender: Sender
  readonly #log: LogLimiter
  readonly #tracks = new Map<Signal, Track>()
  /** Of all queues, where they are persistent. */
  #file: QueueFile | undefined
  readonly #labels: Readonly<Record<string, string>>
  readonly #peer: NonNullable<ExporterOptions['peer']>
  readonly #sent
  readonly #isPersistent: boolean
  readonly #troubles: Troubles
  #hasSent = false
  /** What is lost: all that was not sent, where nobody waits for the result, and what peers did not accept. */
  readonly #drops: DropLog
  /** What is handed back to the stage before: not sent, or without room in the queue. */
  readonly #rejections: DropLog
  readonly #refusals: DropLog
  /** Aborts when shutdown begins: waits between retries end, and each batch is tried once more. */
  readonly #stopping = new AbortController()
  /** Aborts at the deadline of shutdown: what is being sent is given up. */
  readonly #deadline = new AbortController()
  readonly #sizeLimit = new SizeLimit()
  /** After a reload: who gets what was not sent. */
  #successor: Consumer | undefined
  /** Of batches that were split, sent in part, and handed back: the parts that are still to be sent. */
  readonly #unsent = new WeakMap<TelemetryBatch, readonly TelemetryBatch[]>()
  #active = 0
  #idle: (() => void) | undefined
  #stopped: Promise<void> | undefined

  constructor(context: Context, options: ExporterOptions, sender: Sender) {
    this.#context = context
    this.#options = options
    const { enabled, storage } = options.queue
    this.#isPersistent = enabled && storage !== undefined
    this.claims = [...(options.claims ?? []), ...(this.#isPersistent ? [`queue ${storage} ${context.id}`] : [])]
    this.#sender = sender
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    this.#troubles = createTroubles(context.report)
    this.#labels = { exporter: context.id }
    this.#peer = options.peer ?? (() => ({}))
    const { counters } = context
    this.#sent = signalCounters(counters, 'otelcol_exporter_sent', (signal) => ({
      ...this.#labels,
      ...this.#peer(signal),
    }))
    const failed = { counter: 'otelcol_exporter_send_failed', labels: this.#labels }
    this.#drops = createDropLog(context, { ...failed, message: 'Exporting failed. Dropping data.' })
    this.#rejections = createDropLog(context, {
      ...failed,
      message: 'Exporting failed. Rejecting data.',
      verb: 'rejected',
    })
    this.#refusals = createDropLog(context, {
      counter: 'otelcol_exporter_enqueue_failed',
      labels: this.#labels,
      message: 'Batch refused',
      verb: 'rejected',
    })
    for (const signal of context.signals ?? []) this.#track(signal)
  }

  /** Made before the start where it is known that it is needed, else with the first batch. */
  #track(signal: Signal): Track {
    const known = this.#tracks.get(signal)
    if (known) return known
    const { counters } = this.#context
    const { enabled, queue_size: capacity } = this.#options.queue
    const queue = enabled ? this.#createQueue() : undefined
    const enqueued = queue ? sizeRecorder(counters, 'otelcol_exporter_enqueue_size', this.#labels) : () => {}
    const track: Track = { queue, enqueued, inFlight: 0 }
    this.#tracks.set(signal, track)
    const labels = { ...this.#labels, data_type: signal }
    counters.gauge('otelcol_exporter_in_flight_requests', labels, () => track.inFlight)
    if (!queue) return track
    counters.gauge('otelcol_exporter_queue_size', labels, () => queue.size)
    counters.gauge('otelcol_exporter_queue_capacity', labels, () => capacity)
    if (this.#file) queue.useFile(this.#file, [])
    return track
  }

  #createQueue(): SendingQueue {
    const sending = sizeRecorder(this.#context.counters, 'otelcol_exporter_queue_batch_send_size', this.#labels)
    return new SendingQueue(
      this.#options.queue,
      {
        deliver: (batch, context) => {
          sending(batch)
          return this.#deliver(batch, context)
        },
        refused: ({ signal, items }, { code, message }) => {
          if (code !== 'overloaded') this.#troubles.set('queue', 'recoverable_error', message)
          this.#refusals.add({ signal, items, reason: code === 'overloaded' ? 'full' : code, error: message })
        },
        kept: (_, { message }) => this.#troubles.set('queue', 'recoverable_error', message),
        damaged: ({ signal, items }, { message }) =>
          this.#drops.add({ signal, items, reason: 'damaged', error: message }),
      },
      this.#context.budget,
    )
  }

  async start(host: Host): Promise<void> {
    await this.#sender.start?.(host)
    const { storage } = this.#options.queue
    if (this.#isPersistent && storage !== undefined) this.#openFile(extensionOf(host, storage, 'storage'))
  }

  #openFile(storage: Storage): void {
    const { id, logger } = this.#context
    const file = QueueFile.open(storage.fileOf(`exporter ${id}`), {
      fsync: storage.fsync,
      maxBytes: storage.maxBytes,
      logger,
    })
    const { found } = file
    if (found.length > 0)
      logger.info({ component: id, batches: found.length }, 'Sending what the persistent queue has kept.')
    for (const signal of new Set([...this.#tracks.keys(), ...found.map((stored) => stored.signal)])) {
      const own = found.filter((stored) => stored.signal === signal)
      this.#track(signal).queue?.useFile(file, own)
    }
    this.#file = file
  }

  async consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    if (this.#stopping.signal.aborted) {
      throw new CollectorError('unavailable', `${this.#context.id} is shutting down`)
    }
    const { queue, enqueued } = this.#track(batch.signal)
    if (!queue) return this.#deliver(batch, context)
    enqueued(batch)
    await queue.offer(batch, context)
    this.#troubles.clear('queue')
  }

  refresh(): void {
    this.#sender.refresh?.()
  }

  handOver(successor: Consumer): void {
    this.#successor = successor
    this.#stopping.abort()
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#stopped ??= this.#drain(signal)
    return this.#stopped
  }

  async #drain(signal: AbortSignal): Promise<void> {
    const unfollow = follow(signal, this.#deadline)
    this.#stopping.abort()
    const queues = [...this.#tracks.values()].flatMap(({ queue }) => queue ?? [])
    await Promise.all(queues.map((queue) => queue.drained(this.#successor !== undefined)))
    this.#file?.close()
    const left = queues.reduce((sum, { size }) => sum + size, 0)
    if (this.#isPersistent && left > 0) {
      const fields = { component: this.#context.id, queue_size: left }
      this.#context.logger.info(fields, 'What was not sent stays in the persistent queue.')
    }
    if (this.#active > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    unfollow()
    await this.#sender.close()
  }

  finish(): void {
    this.#drops.close()
    this.#rejections.close()
    this.#refusals.close()
  }

  /**
   * Sends the batch, in parts and with retries where it must. Rejects when it is lost, or handed back to the caller; when the
   * same batch comes again, only those parts of it are sent that were not sent before. No try goes on, or is begun, once nobody waits for it.
   */
  async #deliver(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    const track = this.#track(batch.signal)
    track.inFlight++
    this.#active++
    try {
      const failures: Failure[] = []
      for (const part of this.#unsent.get(batch) ?? [batch]) failures.push(...(await this.#deliverPart(part, context)))
      this.#unsent.delete(batch)
      if (failures.length === 0) return
      const again = failures.filter(({ error }) => error.retryable)
      if (again.some(({ part }) => part !== batch)) {
        this.#unsent.set(
          batch,
          again.map(({ part }) => part),
        )
      }
      throw (again[0] ?? failures[0]!).error
    } finally {
      track.inFlight--
      this.#active--
      if (this.#active === 0) this.#idle?.()
    }
  }

  /** Gives what was not sent of it, already counted. */
  async #deliverPart(batch: TelemetryBatch, context: DeliveryContext): Promise<readonly Failure[]> {
    if (this.#successor) return this.#pass(batch, context, this.#successor)
    if (!this.#deadline.signal.aborted && this.#sizeLimit.isAbove(batch.byteLength)) {
      const halves = halve(batch)
      if (halves) return this.#deliverHalves(halves, context)
    }
    try {
      await this.#sendWithRetry(batch, context)
      this.#sizeLimit.taken(batch.byteLength)
      return []
    } catch (error) {
      const problem = toCollectorError(error)
      if (this.#successor && problem.retryable) return await this.#pass(batch, context, this.#successor)
      const halves = problem.code === 'too_large' ? halve(batch) : undefined
      if (!halves) {
        this.#noteFailed(batch, problem)
        return [{ part: batch, error: problem }]
      }
      this.#sizeLimit.refused(batch.byteLength)
      this.#log.warn(
        'split',
        { component: this.#context.id, bytes: batch.byteLength, error: problem.message },
        'The peer refused a message as too large. Splitting it in halves.',
      )
      return this.#deliverHalves(halves, context)
    }
  }

  /** Hands it to the successor, again and again where that is full. */
  async #pass(batch: TelemetryBatch, context: DeliveryContext, successor: Consumer): Promise<readonly Failure[]> {
    for (;;) {
      try {
        await successor.consume(batch, context)
        return []
      } catch (error) {
        const problem = toCollectorError(error)
        if (!problem.retryable || this.#deadline.signal.aborted) {
          this.#noteFailed(batch, problem)
          return [{ part: batch, error: problem }]
        }
        await sleep(problem.retryAfterMs ?? 0, this.#deadline.signal)
      }
    }
  }

  async #deliverHalves(halves: readonly TelemetryBatch[], context: DeliveryContext): Promise<readonly Failure[]> {
    const failures: Failure[] = []
    for (const half of halves) failures.push(...(await this.#deliverPart(half, context)))
    return failures
  }

  async #sendWithRetry(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    const backoff = createBackoff(this.#options.retry)
    for (;;) {
      const last = this.#stopping.signal.aborted
      try {
        await this.#attempt(batch, context)
        return
      } catch (error) {
        const problem = toCollectorError(error)
        if (!problem.retryable || last) throw problem
        const delayMs = backoff.next(problem.requestedDelayMs)
        if (delayMs === undefined || isOver(context, delayMs)) throw problem
        this.#log.warn(
          'retry',
          { component: this.#context.id, error: problem.message, interval: `${Math.round(delayMs)}ms` },
          'Exporting failed. Will retry the request after interval.',
        )
        await this.#wait(delayMs, context)
        if (isOver(context)) throw problem
      }
    }
  }

  /** Until the next try; it is not waited for once the exporter stops, or nobody waits for the answer. */
  async #wait(delayMs: number, { signal }: DeliveryContext): Promise<void> {
    const end = new AbortController()
    const unfollow = followAll([this.#stopping.signal, signal], end)
    await sleep(delayMs, end.signal)
    unfollow()
  }

  async #attempt(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    if (this.#deadline.signal.aborted) throw shutdownError(this.#context.id)
    const { timeoutMs } = this.#options
    const attempt = new AbortController()
    const unfollow = followAll([this.#deadline.signal, context.signal], attempt)
    const timer = timeoutMs > 0 ? setTimeout(() => attempt.abort(), timerMs(timeoutMs)) : undefined
    try {
      const {
        rejected,
        reason = 'partial_success',
        message,
        isWritten,
      } = await Promise.race([this.#sender.send(batch, attempt.signal, context), rejectedAt(attempt.signal)])
      this.#hasSent = true
      this.#troubles.clear('sending')
      if (isWritten) freeMemory(batch)
      this.#sent[batch.signal].value += batch.items - rejected
      if (rejected > 0 || message !== '') this.#notePartialSuccess(batch, rejected, reason, message)
    } catch (error) {
      // What was begun may go on for a while.
      shareMemory(batch)
      if (this.#deadline.signal.aborted) throw shutdownError(this.#context.id)
      if (isOver(context)) throw new CollectorError('unavailable', NOBODY_WAITS, { cause: error })
      const problem = attempt.signal.aborted
        ? new CollectorError('timeout', `no answer within timeout: ${timeoutMs}ms`, { cause: error })
        : toCollectorError(error)
      this.#noteTrouble(problem)
      throw problem
    } finally {
      clearTimeout(timer)
      unfollow()
    }
  }

  /** One batch that nobody could take is not the peer's fault, where it has taken others. */
  #noteTrouble({ code, retryable, message }: CollectorError): void {
    if (retryable) this.#troubles.set('sending', 'recoverable_error', message)
    else if (code !== 'too_large' && !(code === 'invalid_data' && this.#hasSent))
      this.#troubles.set('sending', 'permanent_error', message)
  }

  #notePartialSuccess({ signal }: TelemetryBatch, rejected: number, reason: string, error: string): void {
    const message = reason === 'partial_success' ? 'Partial success response' : 'Exporting failed. Dropping data.'
    if (rejected > 0) this.#drops.add({ signal, items: rejected, reason, error, message, labels: this.#peer(signal) })
    else this.#log.warn('partial', { component: this.#context.id, error }, message)
  }

  /** As the OpenTelemetry Collector has them. */
  #failureLabels(signal: Signal, reason: string, error: CollectorError): Readonly<Record<string, string>> {
    if (this.#context.isDetailed !== true) return this.#peer(signal)
    const type = reason === 'shutdown' ? 'Shutdown' : goName(statusOf(error).grpc)
    return { ...this.#peer(signal), error_type: type, error_permanent: String(!error.retryable) }
  }

  #noteFailed({ signal, items }: TelemetryBatch, error: CollectorError): void {
    if (this.#isPersistent && error.retryable) {
      const fields = { component: this.#context.id, error: error.message }
      this.#log.warn('kept', fields, 'Exporting failed. The batch stays in the persistent queue.')
      return
    }
    const { enabled, wait_for_result: isWaitedFor } = this.#options.queue
    const reason = this.#deadline.signal.aborted ? 'shutdown' : error.code
    const log = enabled && !isWaitedFor ? this.#drops : this.#rejections
    log.add({ signal, items, reason, error: error.message, labels: this.#failureLabels(signal, reason, error) })
  }
}

/** Whether nobody waits for the answer any more in so many milliseconds. */
function isOver({ deadline, signal }: DeliveryContext, inMs = 0): boolean {
  return signal?.aborted === true || (deadline !== undefined && performance.now() + inMs >= deadline)
}

/** {@link follow}, for several. */
function followAll(signals: readonly (AbortSignal | undefined)[], controller: AbortController): () => void {
  const ties = signals.flatMap((signal) => (signal ? follow(signal, controller) : []))
  return () => ties.forEach((unfollow) => unfollow())
}

/** As Go has it: `DeadlineExceeded`. */
function goName(code: number): string {
  return grpcName(code)
    .toLowerCase()
    .replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Two histograms: of items, and of bytes. */
function sizeRecorder(
  counters: Counters,
  name: string,
  labels: Readonly<Record<string, string>>,
): (batch: TelemetryBatch) => void {
  const items = counters.histogram(name, labels, ITEM_BOUNDS)
  const bytes = counters.histogram(`${name}_bytes`, labels, BYTE_BOUNDS)
  return (batch) => {
    items.record(batch.items)
    bytes.record(batch.byteLength)
  }
}

/** Rejects when the signal aborts, so that nothing waits for a sender that does not heed it. */
async function rejectedAt(signal: AbortSignal): Promise<never> {
  await aborted(signal)
  throw new CollectorError('unavailable', 'the attempt was given up')
}

/** Two batches of about half the items each, or undefined when the batch cannot be divided. */
function halve(batch: TelemetryBatch): readonly TelemetryBatch[] | undefined {
  const { signal, chunks } = batch
  if (chunks.length < 2) return divide(batch, 'items', { room: Math.ceil(batch.items / 2) })
  const middle = chunks.length >> 1
  return [createBatch(signal, chunks.slice(0, middle)), createBatch(signal, chunks.slice(middle))]
}

function shutdownError(id: string): CollectorError {
  return new CollectorError('unavailable', `${id} was shut down before the batch was sent`)
}
