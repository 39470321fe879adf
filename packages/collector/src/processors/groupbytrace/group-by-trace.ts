/**
 * Gathers the spans of each trace from its first one on for a time that is the same for all, so that the oldest trace is always the next. Each goes on
 * as one batch. Spans that come later are a trace of their own.
 */
import { freeMemory, type TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  timerMs,
  toCollectorError,
  type Component,
  type Consumer,
  type Context,
  type Counter,
  type Host,
} from '../../component/index.ts'
import { NONE, TraceHolder, type Found, type TraceTable } from '../../processor-helper/index.ts'
import type { GroupByTraceConfig } from './config.ts'

export class GroupByTraceProcessor implements Component, Consumer {
  /** A sender is answered before the next stage has anything. */
  readonly durable = false
  readonly claims: readonly string[]
  readonly #id: string
  readonly #config: GroupByTraceConfig
  readonly #holder: TraceHolder
  readonly #table: TraceTable
  readonly #released: Counter
  readonly #releasedSpans: Counter
  readonly #evicted: Counter
  readonly #early: Counter
  /** Runs while there are traces. */
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(context: Context, config: GroupByTraceConfig, next: Consumer) {
    const { id, counters } = context
    this.#id = id
    this.#config = config
    this.#holder = new TraceHolder(context, config, next)
    this.#table = this.#holder.table
    this.claims = this.#holder.claims
    const name = (end: string): string => `otelcol_processor_groupbytrace_${end}`
    const labels = { processor: id }
    this.#released = counters.counter(name('traces_released'), labels)
    this.#releasedSpans = counters.counter(name('spans_released'), labels)
    this.#evicted = counters.counter(name('traces_evicted'), labels)
    this.#early = counters.counter(name('early_releases'), { ...labels, reason: 'held_bytes' })
    counters.gauge(name('conf_num_traces'), labels, () => config.num_traces)
    counters.gauge(name('num_traces_in_memory'), labels, () => this.#table.size)
    counters.gauge(name('held_bytes'), labels, () => this.#holder.byteLength)
    counters.gauge(name('memory_bytes'), labels, () => this.#holder.memoryBytes)
  }

  async start(host: Host): Promise<void> {
    this.#holder.open(
      host,
      () => {},
      (fragment) => this.#take(fragment),
    )
  }

  async consume(batch: TelemetryBatch): Promise<void> {
    try {
      if (this.#isStopped) throw new CollectorError('unavailable', `${this.#id} is shutting down`)
      this.#holder.makeRoom(batch.byteLength, (isEnough) => this.#releaseEarly(isEnough))
      const fragments = this.#holder.split(batch, { isByScope: true }, () => true)
      await this.#holder.keep(fragments, (fragment) => this.#take(fragment))
      this.#holder.free(fragments, batch)
    } catch (error) {
      throw toCollectorError(error)
    }
    freeMemory(batch)
  }

  /** What is gathered goes on as it is; with `storage` it stays there, as more of it may come after the next start. */
  async shutdown(signal: AbortSignal): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    if (!this.#holder.keepsAtStop) while (this.#table.size > 0) this.#release()
    await this.#holder.outbox.drain(signal)
    this.#holder.close()
  }

  finish(): void {
    this.#holder.outbox.finish()
  }

  #take(fragment: Found): void {
    const known = this.#table.find(fragment.words, fragment.at)
    this.#holder.append(known === NONE ? this.#addTrace(fragment) : known, fragment)
  }

  #addTrace({ words, at }: Pick<Found, 'words' | 'at'>): number {
    if (this.#table.size >= this.#config.num_traces) this.#evict()
    const row = this.#table.add(words, at, performance.now())
    if (this.#table.size === 1) this.#wait()
    return row
  }

  /** Until the time of the oldest has come. */
  #wait(): void {
    const { oldest, arrived } = this.#table
    clearTimeout(this.#timer)
    if (oldest === NONE || this.#isStopped) return
    const leftMs = arrived[oldest]! + this.#config.wait_duration - performance.now()
    this.#timer = setTimeout(() => this.#releaseDue(), timerMs(Math.max(0, Math.ceil(leftMs)))).unref()
  }

  #releaseDue(): void {
    const { arrived } = this.#table
    const now = performance.now()
    while (this.#table.size > 0 && arrived[this.#table.oldest]! + this.#config.wait_duration <= now) this.#release()
    this.#wait()
  }

  #releaseEarly(isEnough: () => boolean): void {
    while (!isEnough() && this.#table.size > 0) {
      this.#early.value++
      this.#release()
    }
  }

  /** Hands the oldest on. */
  #release(): void {
    const row = this.#table.oldest
    const fragments = this.#holder.detach(row)
    this.#table.remove(row)
    this.#released.value++
    this.#releasedSpans.value += fragments.spans
    this.#holder.send(fragments, (chunks) => chunks)
  }

  #evict(): void {
    const row = this.#table.oldest
    const fragments = this.#holder.detach(row)
    this.#table.remove(row)
    this.#evicted.value++
    this.#holder.outbox.drop(
      fragments.spans,
      'num_traces',
      'more traces came than num_traces before this one was handed on',
    )
    this.#holder.remove(fragments)
  }
}
