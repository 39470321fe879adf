/**
 * Metrics of spans: how many there were and how long they took, by service, name, kind, status and what else is wanted. They are counted as they
 * come, and handed on from time to time.
 */
import type { TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  createLogLimiter,
  EMPTY_CONTEXT,
  timerMs,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
} from '../../component/index.ts'
import { MetricsOut } from '../../connector-helper/index.ts'
import { Aggregator } from './aggregator.ts'
import type { SpanMetricsConfig } from './config.ts'

const LOG_INTERVAL_MS = 10_000

export class SpanMetricsConnector implements Component, Consumer {
  /** A sender is answered before anybody has a metric. */
  readonly durable = false
  /** What it has read of a batch it has counted. */
  readonly releases = true
  readonly #id: string
  readonly #intervalMs: number
  readonly #aggregator: Aggregator
  readonly #out: MetricsOut
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(context: Context, config: SpanMetricsConfig, next: Consumer) {
    const { id, counters, logger } = context
    this.#id = id
    this.#intervalMs = config.metrics_flush_interval
    const labels = { connector: id }
    this.#out = new MetricsOut(context, next, 'Spans or metrics were lost.')
    const overflowed = counters.counter('spoor_connector_overflowed_spans', labels)
    const log = createLogLimiter(logger, LOG_INTERVAL_MS)
    this.#aggregator = new Aggregator(config, context.instanceId ?? '', {
      uncounted: (items) => {
        const error = 'there are as many series as there may be, and no room for those of another resource'
        this.#out.drops.add({ signal: 'traces', items, reason: 'series_limit', error })
      },
      overflowed: (spans) => {
        overflowed.value += spans
        const message =
          'Spans are counted in the series otel.metric.overflow: there are as many others as there may be.'
        log.warn('overflow', { component: id, overflowed_spans: spans }, message)
      },
      forgotten: (key) => {
        const message = 'It was forgotten until when a series was counted: metric_timestamp_cache_size is too small.'
        log.info('forgotten', { component: id, series: key }, message)
      },
    })
    counters.gauge('spoor_connector_series', labels, () => this.#aggregator.series)
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => this.#out.tick(() => this.#flush()), timerMs(this.#intervalMs)).unref()
  }

  async consume(batch: TelemetryBatch): Promise<void> {
    if (this.#isStopped) throw new CollectorError('unavailable', `${this.#id} is shutting down`)
    try {
      this.#aggregator.add(batch.chunks, Date.now())
    } catch (error) {
      throw toCollectorError(error)
    }
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#timer)
    await this.#out.settle(signal)
  }

  finish(): void {
    const { pending } = this.#aggregator
    this.#aggregator.pending = 0
    this.#out.finish(pending, 'the collector ended before they were in a metric that was handed on')
  }

  async #flush(): Promise<void> {
    await this.#out.send(this.#aggregator.flush(Date.now()), EMPTY_CONTEXT)
  }
}
