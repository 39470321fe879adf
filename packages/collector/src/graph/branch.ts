/**
 * One way out of a fan-out, with what is kept for it: batches that others have taken and this one has not yet.
 *
 * They are handed to it one after the other, oldest first, with waits that double after a refusal, and with more at a time
 * as it takes them, so that a branch that is well again catches up. What is kept is bounded in bytes and in batches, and with
 * all that the collector keeps; what comes beyond is dropped for this branch alone.
 */
import type { TelemetryBatch } from '@spoor/otlp'
import {
  createDropLog,
  createLogLimiter,
  heldBytes,
  timerMs,
  toCollectorError,
  withoutWait,
  type CollectorError,
  type Consumer,
  type Context,
  type DeliveryContext,
  type DropLog,
  type Keeper,
  type LogLimiter,
} from '../component/index.ts'

export interface BranchLimits {
  /** Bytes kept for a branch at most, compressed forms included. Default 32 MiB. */
  readonly maxKeptBytes: number
  /** Batches kept for a branch at most. Default 10,000. */
  readonly maxKeptBatches: number
}

export const BRANCH_LIMITS: BranchLimits = { maxKeptBytes: 32 * 1024 * 1024, maxKeptBatches: 10_000 }

/** Waits after a refusal, doubled from the first to the last, each made longer by up to a quarter. Milliseconds. */
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 5_000
/** The longest wait while the collector stops, when little time is left. */
const LAST_RETRY_AT_STOP_MS = 500
/** Kept batches that are handed to the branch at a time, at most. */
const MAX_AT_A_TIME = 16
const LOG_INTERVAL_MS = 10_000

interface Kept {
  readonly batch: TelemetryBatch
  readonly context: DeliveryContext
  readonly bytes: number
  /** The order in which they came. */
  readonly number: number
}

export class Branch {
  readonly id: string
  /** Whether what it took is on disk. */
  readonly durable: boolean
  readonly #consumer: Consumer
  readonly #context: Context
  readonly #limits: BranchLimits
  readonly #drops: DropLog
  readonly #log: LogLimiter
  /** Waiting, oldest first. */
  readonly #queue: Kept[] = []
  /** Handed to the branch, which has not answered. */
  readonly #handed = new Set<Kept>()
  readonly #keeper: Keeper
  #items = 0
  #number = 0
  #atATime = 1
  #retryMs = FIRST_RETRY_MS
  /** Set while the branch is left alone after a refusal. */
  #timer: NodeJS.Timeout | undefined
  #stopping = false
  /** After the deadline of shutdown: what is refused now is lost. */
  #over = false
  #empty: (() => void) | undefined

  constructor(id: string, consumer: Consumer, context: Context, limits: BranchLimits) {
    this.id = id
    this.durable = consumer.durable === true
    this.#consumer = consumer
    this.#context = context
    this.#limits = limits
    this.#log = createLogLimiter(context.logger, LOG_INTERVAL_MS)
    const labels = { fanout: context.id, branch: id }
    this.#drops = createDropLog(context, {
      counter: 'otelcol_fanout_dropped',
      labels,
      fields: { branch: id },
      message: 'Dropping data for one branch of a fan-out; the others have taken it.',
    })
    this.#keeper = context.budget.keeper()
    const { counters } = context
    counters.gauge('otelcol_fanout_kept_batches', labels, () => this.kept)
    counters.gauge('otelcol_fanout_kept_items', labels, () => this.#items)
    counters.gauge('otelcol_fanout_kept_bytes', labels, () => this.#keeper.bytes)
  }

  /** Batches that are kept for it. */
  get kept(): number {
    return this.#queue.length + this.#handed.size
  }

  /** Hands it the batch. Rejects with what the branch throws, also where it throws at once. */
  async ask(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    return this.#consumer.consume(batch, context)
  }

  /** There is always room for one, however large, so that it gets through instead of never. */
  hasRoomFor(batch: TelemetryBatch): boolean {
    const { maxKeptBatches, maxKeptBytes } = this.#limits
    if (this.kept === 0) return true
    const bytes = heldBytes(batch)
    return this.kept < maxKeptBatches && this.#keeper.bytes + bytes <= maxKeptBytes && this.#keeper.hasRoom(bytes)
  }

  /** Keeps a batch for it that others have taken; `refusal`: what it said of this batch, undefined if it was not asked. */
  keep(batch: TelemetryBatch, context: DeliveryContext, refusal?: CollectorError): void {
    if (refusal && !refusal.retryable) {
      this.#lose(batch, refusal.code, refusal.message)
    } else if (this.#over) {
      this.#lose(batch, 'shutdown', 'the collector has stopped')
    } else if (!this.hasRoomFor(batch)) {
      const { maxKeptBatches, maxKeptBytes } = this.#limits
      const { bytes } = this.#keeper
      const bound = `${this.kept} batches and ${bytes} bytes are kept for it already`
      const limits = this.#keeper.hasRoom(heldBytes(batch))
        ? `at most ${maxKeptBatches} batches and ${maxKeptBytes} bytes`
        : this.#keeper.refusal().message
      this.#lose(batch, 'overflow', `${bound} (${limits})${refusal ? `: ${refusal.message}` : ''}`)
    } else {
      this.#queue.push(this.#add(batch, context))
    }
    if (refusal?.retryable) this.#leaveAlone(refusal)
    else this.#pump()
  }

  /** Takes over a batch that the branch was handed and has not answered for. The caller has seen to it that there is room. */
  adopt(batch: TelemetryBatch, context: DeliveryContext, answer: Promise<void>): void {
    this.#log.warn(
      'slow',
      this.#fields(),
      'One branch of a fan-out is slow. What the others have taken is kept for it; they go on without it.',
    )
    this.#follow(this.#add(batch, context), answer)
  }

  /** Resolves when nothing is kept any more. At the deadline what waits is lost; what is handed on may yet be taken. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#stopping = true
    this.#retryMs = FIRST_RETRY_MS
    this.#wake()
    if (this.kept > 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#empty = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    this.#over = true
    this.#cancelTimer()
    for (const kept of this.#queue.splice(0)) this.#giveUp(kept)
  }

  /** What has not been answered for by now is lost. Tells the totals. */
  finish(): void {
    this.#over = true
    this.#cancelTimer()
    for (const kept of [...this.#queue.splice(0), ...this.#handed]) this.#giveUp(kept)
    this.#handed.clear()
    this.#drops.close()
  }

  #add(batch: TelemetryBatch, context: DeliveryContext): Kept {
    const kept = { batch, context: withoutWait(context), bytes: heldBytes(batch), number: this.#number++ }
    this.#keeper.add(kept.bytes)
    this.#items += batch.items
    return kept
  }

  #remove({ batch, bytes }: Kept): void {
    this.#keeper.remove(bytes)
    this.#items -= batch.items
    if (this.kept === 0) this.#empty?.()
  }

  #pump(): void {
    while (!this.#timer && !this.#over && this.#handed.size < this.#atATime) {
      const kept = this.#queue.shift()
      if (!kept) return
      this.#follow(kept, this.ask(kept.batch, kept.context))
    }
  }

  #follow(kept: Kept, answer: Promise<void>): void {
    this.#handed.add(kept)
    answer.then(
      () => this.#taken(kept),
      (error: unknown) => this.#refused(kept, toCollectorError(error)),
    )
  }

  #taken(kept: Kept): void {
    // The end of shutdown may have given it up.
    if (!this.#handed.delete(kept)) return
    this.#remove(kept)
    this.#retryMs = FIRST_RETRY_MS
    this.#atATime = Math.min(this.#atATime + 1, MAX_AT_A_TIME)
    if (this.kept === 0) {
      this.#log.info('caught up', this.#fields(), 'A branch of a fan-out has taken all that was kept for it.')
    }
    this.#pump()
  }

  #refused(kept: Kept, error: CollectorError): void {
    if (!this.#handed.delete(kept)) return
    if (!error.retryable || this.#over) {
      const reason = error.retryable ? 'shutdown' : error.code
      this.#remove(kept)
      this.#lose(kept.batch, reason, error.message)
      this.#pump()
      return
    }
    const place = this.#queue.findIndex(({ number }) => number > kept.number)
    this.#queue.splice(place < 0 ? this.#queue.length : place, 0, kept)
    this.#leaveAlone(error)
  }

  /** No batch is handed to it for a while, as long as it asked for at least. */
  #leaveAlone(refusal: CollectorError): void {
    this.#log.warn(
      'refused',
      { ...this.#fields(), error: refusal.message },
      'One branch of a fan-out refuses for now. What the others have taken is kept for it.',
    )
    this.#atATime = 1
    if (this.#timer || this.#over) return
    const limit = this.#stopping ? LAST_RETRY_AT_STOP_MS : LAST_RETRY_MS
    const drawn = Math.min(this.#retryMs, limit) * (1 + Math.random() / 4)
    const delayMs = this.#stopping ? drawn : Math.max(drawn, refusal.requestedDelayMs ?? 0)
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS)
    this.#timer = setTimeout(() => this.#wake(), timerMs(delayMs))
  }

  #wake(): void {
    this.#cancelTimer()
    this.#pump()
  }

  #cancelTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #giveUp(kept: Kept): void {
    this.#remove(kept)
    this.#lose(kept.batch, 'shutdown', `${this.id} had not taken it at the deadline of shutdown`)
  }

  #lose({ signal, items }: TelemetryBatch, reason: string, error: string): void {
    this.#drops.add({ signal, items, reason, error })
  }

  #fields(): object {
    return { component: this.#context.id, branch: this.id, kept_batches: this.kept, kept_items: this.#items }
  }
}
