/**
 * Hands batches to the next stage for a processor that has answered for them: a few at a time, and again where that refuses for a while. What
 * is refused for good, or not taken when the collector ends, is counted by reason and logged.
 */
import type { TelemetryBatch } from '@spoor/otlp'
import {
  aborted,
  createDropLog,
  createLogLimiter,
  EMPTY_CONTEXT,
  follow,
  keepTrying,
  type CollectorError,
  type Consumer,
  type Context,
  type DropLog,
  type LogLimiter,
} from '../component/index.ts'

const LOG_INTERVAL_MS = 10_000
/** What is with the next stage at a time, at most; one batch at least. */
const MAX_BATCHES = 256
const MAX_BYTES = 8 * 1024 * 1024

/** One batch that is to be sent. */
export interface Parcel {
  /** Spans in it. */
  readonly items: number
  readonly bytes: number
  /** Makes it, when it is its turn. What it throws drops it. */
  open(): TelemetryBatch
  /** The next stage has taken it, or it is dropped: called once. Not called for what is left when the collector ends. */
  done(): void
}

export class Outbox {
  readonly #context: Context
  readonly #next: Consumer
  readonly #log: LogLimiter
  readonly #drops: DropLog
  readonly #isKept: () => boolean
  readonly #waiting: Parcel[] = []
  /** The first of those that wait; what is before it has gone. */
  #at = 0
  readonly #under = new Map<Parcel, Promise<void>>()
  #bytesUnder = 0
  /** Bytes of all that is not done. */
  bytes = 0
  /** Aborts when shutdown begins, and at its deadline. */
  readonly #stopping = new AbortController()
  readonly #deadline = new AbortController()
  #idle: PromiseWithResolvers<void> | undefined

  /** `isKept`: whether what is left at the end is kept elsewhere, so that it is no loss. */
  constructor(context: Context, next: Consumer, isKept: () => boolean) {
    this.#context = context
    this.#next = next
    this.#isKept = isKept
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    const labels = { processor: context.id, otel_signal: 'traces' }
    this.#drops = createDropLog(context, {
      counter: 'otelcol_processor_dropped',
      labels,
      items: ({ reason }) => context.counters.counter('otelcol_processor_dropped_items', { ...labels, reason }),
      message: 'Traces could not be handed on. Dropping data.',
    })
  }

  send(parcel: Parcel): void {
    this.bytes += parcel.bytes
    this.#waiting.push(parcel)
    this.#pump()
  }

  /** Sends what it has, until the signal aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    const unfollow = follow(signal, this.#deadline)
    this.#stopping.abort()
    if (this.#under.size > 0) {
      this.#idle = Promise.withResolvers()
      await Promise.race([this.#idle.promise, aborted(this.#deadline.signal)])
    }
    unfollow()
  }

  /** What the next stage has not taken is lost, where nobody else keeps it. */
  finish(): void {
    const left = [...this.#under.keys(), ...this.#waiting.slice(this.#at)]
    this.#under.clear()
    this.#waiting.length = this.#at = 0
    if (!this.#isKept())
      for (const { items } of left)
        this.drop(items, 'shutdown', 'the next stage had not taken it when the collector ended')
    this.#drops.close()
  }

  /** Counts and tells spans that are lost. */
  drop(items: number, reason: string, error: string): void {
    this.#drops.add({ signal: 'traces', items, reason, error })
  }

  #pump(): void {
    while (this.#at < this.#waiting.length && !this.#deadline.signal.aborted) {
      const parcel = this.#waiting[this.#at]!
      const isFull = this.#under.size >= MAX_BATCHES || this.#bytesUnder + parcel.bytes > MAX_BYTES
      if (isFull && this.#under.size > 0) return
      this.#at++
      if (this.#at > 1024 && this.#at * 2 > this.#waiting.length) {
        this.#waiting.splice(0, this.#at)
        this.#at = 0
      }
      this.#bytesUnder += parcel.bytes
      this.#under.set(parcel, this.#carry(parcel))
    }
    if (this.#under.size === 0) this.#idle?.resolve()
  }

  async #carry(parcel: Parcel): Promise<void> {
    // The caller has it among those under way before anything can end.
    await Promise.resolve()
    const failure = await this.#deliver(parcel)
    // The end may have come meanwhile, which has counted it.
    if (!this.#under.delete(parcel)) return
    this.#bytesUnder -= parcel.bytes
    this.bytes -= parcel.bytes
    if (failure) this.drop(parcel.items, failure.code, failure.message)
    parcel.done()
    this.#pump()
  }

  /** Gives the error where it is refused for good. Does not come back where it was still refused at the deadline. */
  async #deliver(parcel: Parcel): Promise<CollectorError | undefined> {
    const failure = await keepTrying(() => this.#next.consume(parcel.open(), EMPTY_CONTEXT), {
      stopping: this.#stopping.signal,
      deadline: this.#deadline.signal,
      refused: ({ message }) => {
        const fields = { component: this.#context.id, error: message }
        this.#log.warn('retry', fields, 'The next stage refused a trace. It is kept and will be tried again.')
      },
    })
    return failure?.retryable ? await new Promise<never>(() => {}) : failure
  }
}
