import {
  type Context,
  createNoopMeter,
  type Meter,
  type MeterProvider,
  trace,
  type Span as ApiSpan,
  TraceFlags,
} from '@opentelemetry/api'
import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import { type ReadableSpan, type Span, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace'
import { describeFailure, durationText, spansText } from './failure.ts'
import type { Reporter } from './reporter.ts'
import type { Settings } from './settings.ts'

/** An export that has no answer for so many milliseconds is spoken of, long before the exporter has used up its retries. */
const slowAfterMs = 2_000

/** What became of the sampled spans that have ended. `ended` = `exported` + `failed` + `dropped` + `waiting`. */
export interface DeliveryStats {
  readonly ended: number
  /** Acknowledged by the receiver. */
  readonly exported: number
  /** Given up after the exporter's retries. */
  readonly failed: number
  /** Dropped because the queue was full, or because tracing had been shut down. */
  readonly dropped: number
  /** In the queue, or sent and not yet acknowledged. */
  readonly waiting: number
}

/**
 * Knows of each span whether it has arrived. It decorates the SDK's batch processor and exporter, and reads drops from
 * the processor's own metric, because neither tells in any other way what it holds and what it gave up.
 */
export class Delivery {
  readonly #settings: Settings
  readonly #reporter: Reporter
  /** Ended, sampled, not yet acknowledged; in the order in which they ended. */
  readonly #pending = new Set<ReadableSpan>()
  readonly #inFlight = new Set<Promise<void>>()
  readonly #reportedErrors = new WeakSet<Error>()
  readonly #parents = new WeakMap<object, ApiSpan>()
  #ended = 0
  #exported = 0
  #failed = 0
  #dropped = 0
  #closed = false
  /** When the receiver was first missed, on the clock of `performance.now()`. */
  #downSince: number | undefined
  #failedWhileDown = 0

  constructor(settings: Settings, reporter: Reporter) {
    this.#settings = settings
    this.#reporter = reporter
  }

  /** To be given to the batch processor, whose `queue_full` count becomes `dropped`. */
  readonly meterProvider: MeterProvider = {
    getMeter: (): Meter => {
      const meter = createNoopMeter()
      return Object.assign(Object.create(meter) as Meter, {
        createCounter: (name: string) =>
          name === 'otel.sdk.processor.span.processed'
            ? {
                add: (count: number, attributes?: Record<string, unknown>) => {
                  if (attributes?.['error.type'] === 'queue_full') this.#dropped += count
                },
              }
            : meter.createCounter(name),
      })
    },
  }

  get stats(): DeliveryStats {
    return {
      ended: this.#ended,
      exported: this.#exported,
      failed: this.#failed,
      dropped: this.#dropped,
      waiting: this.#pending.size,
    }
  }

  /** Whether this error has been spoken of already, when the SDK brings it up again. */
  isReported(error: unknown): boolean {
    return error instanceof Error && this.#reportedErrors.has(error)
  }

  watchProcessor(inner: SpanProcessor): SpanProcessor {
    return {
      onStart: (span: Span, parentContext: Context) => {
        const parent = trace.getSpan(parentContext)
        if (parent?.isRecording()) this.#parents.set(span, parent)
        inner.onStart(span, parentContext)
      },
      onEnd: (span: ReadableSpan) => {
        if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
        this.#ended++
        if (this.#closed) {
          this.#dropped++
          return
        }
        const droppedBefore = this.#dropped
        // Added first: a full batch is exported from within onEnd.
        this.#pending.add(span)
        inner.onEnd(span)
        if (this.#dropped !== droppedBefore) {
          this.#pending.delete(span)
          this.#reporter.warnSometimes('queue full', () => this.#queueFullText())
        }
      },
      forceFlush: () => inner.forceFlush(),
      shutdown: () => inner.shutdown(),
    }
  }

  watchExporter(inner: SpanExporter): SpanExporter {
    return {
      export: (spans: ReadableSpan[], done: (result: ExportResult) => void) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#inFlight.add(promise)
        const slow = setTimeout(() => this.#onSlow(), slowAfterMs)
        slow.unref()
        inner.export(spans, (result) => {
          clearTimeout(slow)
          this.#inFlight.delete(promise)
          if (result.code === ExportResultCode.SUCCESS) this.#onExported(spans)
          else this.#onFailed(spans, result.error)
          done(result)
          resolve()
        })
      },
      forceFlush: async () => {
        await inner.forceFlush?.()
        await this.settled()
      },
      shutdown: () => inner.shutdown(),
    }
  }

  /** Resolves when each export that is under way has an answer. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight)
  }

  /** The spans that have not arrived, oldest first. */
  pending(): ReadableSpan[] {
    return [...this.#pending]
  }

  /** From here on spans are dropped, and counted. */
  close(): void {
    this.#closed = true
  }

  /** The parent of a span of this process, while both are alive. */
  parentOf(span: ApiSpan): ApiSpan | undefined {
    return this.#parents.get(span)
  }

  /** Books what the last send of a process delivered: of these spans the first `accepted` arrived. */
  settleLastSend(spans: readonly ReadableSpan[], accepted: number, reason: string | undefined): void {
    for (const span of spans) this.#pending.delete(span)
    this.#exported += accepted
    const lost = spans.length - accepted
    this.#failed += lost
    if (lost > 0) {
      this.#reporter.warn(
        `${spansText(lost)} lost at the end: ${this.#settings.exporter.shownUrl}: ${reason ?? 'no answer'}`,
      )
    }
  }

  #onExported(spans: readonly ReadableSpan[]): void {
    this.#exported += this.#settle(spans)
    if (this.#downSince === undefined) return
    const outage = durationText(performance.now() - this.#downSince)
    const lost = this.#failedWhileDown
    this.#downSince = undefined
    this.#failedWhileDown = 0
    this.#reporter.reset('unreachable')
    this.#reporter.say(
      `${this.#settings.exporter.shownUrl} takes spans again after ${outage}; ${lost === 0 ? 'none' : spansText(lost)} lost`,
    )
  }

  #onFailed(spans: readonly ReadableSpan[], error: Error | undefined): void {
    const lost = this.#settle(spans)
    this.#failed += lost
    this.#failedWhileDown += lost
    this.#downSince ??= performance.now()
    if (error) this.#reportedErrors.add(error)
    this.#reporter.warnSometimes('unreachable', () => {
      const { exporter } = this.#settings
      const reason = describeFailure(error, exporter.protocol)
      return `cannot export to ${exporter.shownUrl} (${reason}): ${spansText(this.#failedWhileDown)} lost, ${this.#pending.size} waiting`
    })
  }

  #onSlow(): void {
    this.#downSince ??= performance.now()
    this.#reporter.warnSometimes(
      'slow',
      () =>
        `no answer from ${this.#settings.exporter.shownUrl} for ${durationText(slowAfterMs)}: ${spansText(this.#pending.size)} waiting, trying on`,
    )
  }

  /** Forgets these spans; returns how many of them had not been booked by a last send already. */
  #settle(spans: readonly ReadableSpan[]): number {
    let count = 0
    for (const span of spans) if (this.#pending.delete(span)) count++
    return count
  }

  #queueFullText(): string {
    const { maxQueueSize } = this.#settings.batch
    return (
      `queue full (${spansText(maxQueueSize)}): ${spansText(this.#dropped)} dropped so far; ` +
      'raise batch.maxQueueSize, lower batch.scheduledDelayMs, or sample'
    )
  }
}
