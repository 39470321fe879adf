/**
 * Refuses data while the process has too much memory in use, so that senders keep it, and come again. The first processor of a pipeline:
 * what it refuses, no sender was told OK for.
 *
 * Compressed bodies count, too, as they are in buffers; what threads of the program have (the store's) does not. Beside it, the
 * collector's budget bounds the bytes in flight whatever is configured.
 */
import type { Signal, TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  ITEM_NAMES,
  createLogLimiter,
  timerMs,
  type Component,
  type Consumer,
  type Context,
  type Counter,
  type DeliveryContext,
  type LogLimiter,
} from '../../component/index.ts'
import type { Limits } from './config.ts'

const LOG_INTERVAL_MS = 10_000

export interface MemoryLimiterOptions {
  readonly limits: Limits
  readonly checkIntervalMs: number
  /** Bytes in use now. */
  readonly usedBytes: () => number
}

export class MemoryLimiter implements Component, Consumer {
  readonly #context: Context
  readonly #options: MemoryLimiterOptions
  readonly #next: Consumer
  readonly #accepted: Counter
  readonly #refused: Counter
  readonly #log: LogLimiter
  #timer: NodeJS.Timeout | undefined
  #usedBytes = 0

  constructor(context: Context, options: MemoryLimiterOptions, next: Consumer, signal: Signal) {
    this.#context = context
    this.#options = options
    this.#next = next
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    const counter = (what: string): Counter =>
      context.counters.counter(`otelcol_processor_memory_limiter_${what}_${ITEM_NAMES[signal]}`, {
        processor: context.id,
      })
    this.#accepted = counter('accepted')
    this.#refused = counter('refused')
  }

  async start(): Promise<void> {
    this.#check()
    this.#timer = setInterval(() => this.#check(), timerMs(this.#options.checkIntervalMs)).unref()
  }

  async shutdown(): Promise<void> {
    clearInterval(this.#timer)
  }

  consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    if (this.#usedBytes >= this.#options.limits.soft) {
      this.#refused.value += batch.items
      return Promise.reject(new CollectorError('overloaded', 'data refused due to high memory usage'))
    }
    this.#accepted.value += batch.items
    return this.#next.consume(batch, context)
  }

  #check(): void {
    const { usedBytes, limits } = this.#options
    this.#usedBytes = usedBytes()
    if (this.#usedBytes < limits.soft) return
    // Most of it may be garbage; refusing is worse than to look for it.
    this.#context.collect?.(this.#usedBytes < limits.hard ? 'minor' : 'major')
    this.#usedBytes = usedBytes()
    if (this.#usedBytes < limits.soft) return
    const fields = { component: this.#context.id, used_bytes: this.#usedBytes, limit_bytes: limits.soft }
    this.#log.warn('limited', fields, 'Memory usage is above soft limit. Refusing data.')
  }
}
