import { type Context, TraceFlags } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace'
import { describeFailure, durationText, spansText } from './failure.ts'
import { OpenSpans } from './open-spans.ts'
import { type BatchEncoder, createJsonEncoder, createProtobufEncoder, type EncodedBatch } from './otlp/batch-encoder.ts'
import { createSender, type Sender, type SendFailure, type SendResult } from './otlp/sender.ts'
import { emptyBody } from './last-send.ts'
import { redactUrls } from './redact.ts'
import type { Reporter } from './reporter.ts'
import { NextRoutes } from './routes/next.ts'
import type { Settings } from './settings.ts'
import { withoutTracing } from './without-tracing.ts'

/** An export that has no answer for so many milliseconds is spoken of. */
const slowAfterMs = 2_000
/** The first spans are sent sooner than later ones, so that what is wrong is told while somebody looks. Milliseconds. */
const firstDelayMs = 1_000
/** Milliseconds before the first repetition of an export that was refused for a while; it grows by half each time. */
const firstRetryMs = 250
const maxRetryMs = 5_000

/** What became of the sampled spans that have ended. `ended` = `exported` + `failed` + `dropped` + `waiting`. */
export interface DeliveryStats {
  readonly ended: number
  /** Acknowledged by the receiver. */
  readonly exported: number
  /** Refused by the receiver, or given up after `exporter.timeoutMs`. */
  readonly failed: number
  /** Dropped because the queue was full, or because tracing had been shut down. */
  readonly dropped: number
  /** In the queue, or sent and not yet acknowledged. */
  readonly waiting: number
}

/**
 * The way of an ended span out of the process, as the SDK's batch processor and exporter have it, but on bytes: a span
 * is serialized as it ends, and what waits are requests ready to be sent. So it knows of each span whether it has
 * arrived, how much memory waits, and at an exit only has to post what is there.
 *
 * One request is under way at a time. What is refused for a while is sent again within `exporter.timeoutMs`; what waits
 * behind it stays in the queue, which is bounded in bytes and, if that is asked for, in spans.
 */
export class Delivery implements SpanProcessor {
  readonly #settings: Settings
  readonly #reporter: Reporter
  readonly #sender: Sender
  readonly #encoder: BatchEncoder
  /** Started and not ended. */
  readonly open = new OpenSpans()
  /** Full batches that wait, oldest first. */
  readonly #queue: EncodedBatch[] = []
  #queuedSpans = 0
  #queuedBytes = 0
  /** The batch that is being sent. */
  #sending: EncodedBatch | undefined
  /** The loop that empties the queue, while there is something in it. */
  #drained: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** Cuts short the wait before a repetition. */
  #wake: (() => void) | undefined
  #hasSent = false
  readonly #nextRoutes = new NextRoutes()
  #closed = false
  #ended = 0
  #exported = 0
  #failed = 0
  #dropped = 0
  /** When the receiver was first missed, on the clock of `performance.now()`. */
  #downSince: number | undefined
  #failedWhileDown = 0
  #firstError = ''
  /** Called when a receiver that wants reports has taken something. */
  onWantsReports: (() => void) | undefined

  constructor(settings: Settings, resource: Resource, reporter: Reporter) {
    this.#settings = settings
    this.#reporter = reporter
    this.#sender = createSender(settings.exporter)
    this.#encoder =
      settings.exporter.protocol === 'http/json' ? createJsonEncoder(resource) : createProtobufEncoder(resource)
  }

  get stats(): DeliveryStats {
    return {
      ended: this.#ended,
      exported: this.#exported,
      failed: this.#failed,
      dropped: this.#dropped,
      waiting: this.#queuedSpans + this.#encoder.spans + (this.#sending?.spans ?? 0),
    }
  }

  /** The first export that failed, in words; `''` where none has. */
  get firstError(): string {
    return this.#firstError
  }

  /** Sends a request without spans, with these headers. Resolves with whether the receiver wants more of it; where it cannot be told, as it does not answer, true. */
  async sendHeaders(headers: Readonly<Record<string, string>>): Promise<boolean> {
    const { failure, takesReports } = await withoutTracing(() =>
      this.#sender.send(emptyBody(this.#settings.exporter.protocol), headers),
    )
    return failure !== undefined || takesReports === true
  }

  onStart(span: Span, parentContext: Context): void {
    this.open.add(span)
    this.#nextRoutes.started(span, parentContext)
  }

  onEnd(span: ReadableSpan): void {
    this.open.delete(span)
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
    this.#ended++
    if (this.#closed) {
      this.#dropped++
      return
    }
    const { maxQueueSize, maxQueueBytes, maxExportBatchSize } = this.#settings.batch
    const encoder = this.#encoder
    if (this.#queuedSpans + encoder.spans >= maxQueueSize || this.#queuedBytes + encoder.bytes >= maxQueueBytes) {
      this.#dropped++
      this.#reporter.warnSometimes('queue full', () => this.#queueFullText())
      return
    }
    try {
      if (this.#settings.redactsUrls) redactUrls(span.attributes)
      encoder.add(span)
    } catch (error) {
      // What the application has put into a span must not come back to it as an error of `end()`.
      this.#dropped++
      this.#reporter.warnSometimes('unserializable', () => `span "${span.name}" dropped: ${(error as Error).message}`)
      return
    }
    if (encoder.spans >= maxExportBatchSize) this.#sendAll()
    else this.#timer ??= this.#startTimer()
  }

  /** Sends what has ended by now, and resolves when each of it is acknowledged or given up. Never rejects. */
  async forceFlush(): Promise<void> {
    this.#wake?.()
    this.#sendAll()
    await this.#drained
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#drained
  }

  shutdown(): Promise<void> {
    this.close()
    this.#sender.close()
    return Promise.resolve()
  }

  /** From here on spans are dropped, and counted. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Takes all that has not arrived, oldest first, away from here: to be sent otherwise, and told to {@link settleLastSend}. */
  takePending(): EncodedBatch[] {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#closeBatch()
    const batches = this.#sending ? [this.#sending, ...this.#queue] : [...this.#queue]
    this.#sending = undefined
    this.#queue.length = this.#queuedSpans = this.#queuedBytes = 0
    return batches
  }

  /** Books what the last send of a process delivered: of these batches the first `accepted` arrived. */
  settleLastSend(batches: readonly EncodedBatch[], accepted: number, failure: SendFailure | undefined): void {
    const [taken, lost] = [batches.slice(0, accepted), batches.slice(accepted)].map((part) =>
      part.reduce((sum, { spans }) => sum + spans, 0),
    ) as [number, number]
    this.#exported += taken
    this.#failed += lost
    if (lost === 0) return
    const { exporter } = this.#settings
    this.#reporter.warn(
      failure?.code === 'TIMEOUT'
        ? `${spansText(lost)} sent at the end and not acknowledged: ${exporter.shownUrl}: ${failure.words}`
        : `${spansText(lost)} lost at the end: ${exporter.shownUrl}: ${failure ? describeFailure(failure, exporter) : 'no answer'}`,
    )
  }

  #startTimer(): NodeJS.Timeout {
    const { scheduledDelayMs } = this.#settings.batch
    const delay = this.#hasSent ? scheduledDelayMs : Math.min(firstDelayMs, scheduledDelayMs)
    return setTimeout(() => this.#sendAll(), delay).unref()
  }

  /** Closes the batch that is being filled, and sees to it that the queue is being emptied. */
  #sendAll(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#closeBatch()
    if (this.#queue.length === 0 || this.#drained) return
    this.#hasSent = true
    this.#drained = withoutTracing(() => this.#drain())
  }

  #closeBatch(): void {
    if (this.#encoder.spans === 0) return
    const batch = this.#encoder.take()
    this.#queue.push(batch)
    this.#queuedSpans += batch.spans
    this.#queuedBytes += batch.body.length
  }

  async #drain(): Promise<void> {
    for (let batch = this.#next(); batch; batch = this.#next()) {
      const result = await this.#deliver(batch)
      // Otherwise somebody else has taken it over, and will book it.
      if (this.#sending === batch) this.#settle(batch, result)
    }
    this.#drained = undefined
  }

  #next(): EncodedBatch | undefined {
    const batch = this.#queue.shift()
    this.#sending = batch
    if (batch) {
      this.#queuedSpans -= batch.spans
      this.#queuedBytes -= batch.body.length
    }
    return batch
  }

  /** One export, repeated while the receiver may take it and its time is not over. */
  async #deliver(batch: EncodedBatch): Promise<SendResult> {
    const deadline = performance.now() + this.#settings.exporter.timeoutMs
    const slow = setTimeout(() => this.#onSlow(), slowAfterMs).unref()
    try {
      for (let wait = firstRetryMs; ; wait = Math.min(wait * 1.5, maxRetryMs)) {
        const result = await this.#sender.send(batch.body)
        const { failure } = result
        if (!failure?.retryable || this.#sending !== batch) return result
        const delay = failure.retryAfterMs ?? wait * (0.8 + 0.4 * Math.random())
        if (performance.now() + delay > deadline) return result
        clearTimeout(slow)
        this.#onTrouble(failure)
        await this.#pause(delay)
        if (this.#sending !== batch) return result
      }
    } finally {
      clearTimeout(slow)
    }
  }

  /** Does not keep the process alive: at its end what waits is sent in another way. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs).unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #settle(batch: EncodedBatch, { failure, rejected = 0, words = '', takesReports }: SendResult): void {
    this.#sending = undefined
    if (failure) {
      this.#onFailed(batch.spans, failure)
      return
    }
    const lost = Math.min(Math.max(rejected, 0), batch.spans)
    this.#exported += batch.spans - lost
    this.#failed += lost
    if (lost > 0 || words !== '') {
      const taken = lost > 0 ? `refused ${spansText(lost)} of ${batch.spans}` : 'has something to say'
      this.#reporter.warnSometimes('partial success', () => `${this.#settings.exporter.shownUrl} ${taken}: ${words}`)
    }
    this.#onBack()
    if (takesReports) this.onWantsReports?.()
  }

  #onBack(): void {
    if (this.#downSince === undefined) return
    const outage = durationText(performance.now() - this.#downSince)
    const lost = this.#failedWhileDown
    this.#downSince = undefined
    this.#failedWhileDown = 0
    for (const kind of ['trouble', 'lost', 'slow']) this.#reporter.reset(kind)
    this.#reporter.say(
      `${this.#settings.exporter.shownUrl} takes spans again after ${outage}; ${lost === 0 ? 'none' : spansText(lost)} lost`,
    )
  }

  #onFailed(lost: number, failure: SendFailure): void {
    this.#firstError ||= this.#troubleText(failure)
    this.#failed += lost
    this.#failedWhileDown += lost
    this.#downSince ??= performance.now()
    this.#reporter.warnSometimes(
      'lost',
      () => `${this.#troubleText(failure)}: ${spansText(this.#failedWhileDown)} lost, ${this.stats.waiting} waiting`,
    )
  }

  #onTrouble(failure: SendFailure): void {
    this.#firstError ||= this.#troubleText(failure)
    this.#downSince ??= performance.now()
    this.#reporter.warnSometimes(
      'trouble',
      () => `${this.#troubleText(failure)}: ${spansText(this.stats.waiting)} waiting, trying on`,
    )
  }

  #onSlow(): void {
    this.#downSince ??= performance.now()
    this.#reporter.warnSometimes(
      'slow',
      () =>
        `no answer from ${this.#settings.exporter.shownUrl} for ${durationText(slowAfterMs)}: ${spansText(this.stats.waiting)} waiting, trying on`,
    )
  }

  #troubleText(failure: SendFailure): string {
    const { exporter } = this.#settings
    return `cannot export to ${exporter.shownUrl} (${describeFailure(failure, exporter)})`
  }

  #queueFullText(): string {
    const { maxQueueSize, maxQueueBytes } = this.#settings.batch
    const spans = this.#queuedSpans + this.#encoder.spans
    const isFullBySpans = spans >= maxQueueSize
    return (
      `queue full (${spansText(spans)}${isFullBySpans ? '' : ` in ${Math.round(maxQueueBytes / 1024)} KiB`}): ` +
      `${spansText(this.#dropped)} dropped so far; ` +
      `raise ${isFullBySpans ? 'batch.maxQueueSize (OTEL_BSP_MAX_QUEUE_SIZE)' : 'batch.maxQueueBytes (SPOOR_MAX_QUEUE_BYTES)'}, or sample`
    )
  }
}
