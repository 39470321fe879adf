/** A bounded queue between the pipelines and an exporter, with a fixed number of batches being sent at a time. */
import type { TelemetryBatch } from '@spoor/otlp'
import { CollectorError, heldBytes, type Budget, type Keeper } from '../component/index.ts'
import type { SendingQueueConfig } from './config.ts'

interface Entry {
  readonly batch: TelemetryBatch
  /** What it holds; when it is delivered its memory may be free already. */
  readonly heldBytes: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class SendingQueue {
  readonly #config: SendingQueueConfig
  readonly #deliver: (batch: TelemetryBatch) => Promise<void>
  readonly #refused: (batch: TelemetryBatch, error: CollectorError) => void
  /** Undefined where callers wait for the result: what they gave is accounted for by them until then. */
  readonly #keeper: Keeper | undefined
  readonly #entries: Entry[] = []
  /**
   * Callers that wait for room, in their order. Each is one blocked stage, so their number is bounded by the stages.
   */
  readonly #blocked: { readonly batch: TelemetryBatch; readonly admit: () => void }[] = []
  #sending = 0
  #size = 0
  #bytes = 0
  #idle: (() => void) | undefined

  /**
   * `deliver` sends a batch for good: it resolves when that is done and rejects when the batch is lost, having counted
   * and logged it. `refused` hears of a batch that found no room. What is queued is a part of `budget`.
   */
  constructor(
    config: SendingQueueConfig,
    deliver: (batch: TelemetryBatch) => Promise<void>,
    refused: (batch: TelemetryBatch, error: CollectorError) => void,
    budget: Budget,
  ) {
    this.#config = config
    this.#deliver = deliver
    this.#refused = refused
    this.#keeper = config.wait_for_result ? undefined : budget.keeper()
  }

  /** What the queue holds, with what is being sent, in the unit of the sizer. */
  get size(): number {
    return this.#size
  }

  /**
   * Resolves when the batch is in the queue, or, with `wait_for_result`, when it was delivered. Rejects with
   * `overloaded` when the queue is full and does not block.
   */
  async offer(batch: TelemetryBatch): Promise<void> {
    const held = heldBytes(batch)
    if (this.#fits(batch)) {
      this.#reserve(batch)
    } else if (this.#config.block_on_overflow) {
      await new Promise<void>((admit) => this.#blocked.push({ batch, admit }))
    } else {
      const error = this.#full(batch)
      this.#refused(batch, error)
      throw error
    }
    const delivered = new Promise<void>((resolve, reject) =>
      this.#entries.push({ batch, heldBytes: held, resolve, reject }),
    )
    this.#pump()
    if (this.#config.wait_for_result) return delivered
    // Counted and logged where it happened; nobody waits for it here.
    delivered.catch(() => {})
  }

  /** Resolves when nothing is queued or being sent. */
  async drained(): Promise<void> {
    if (this.#size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  #pump(): void {
    while (this.#sending < this.#config.num_consumers && this.#entries.length > 0) {
      const entry = this.#entries.shift()!
      this.#sending++
      void this.#deliver(entry.batch)
        .then(entry.resolve, entry.reject)
        .finally(() => {
          this.#sending--
          this.#release(entry)
          this.#pump()
        })
    }
  }

  #sizeOf(batch: TelemetryBatch): number {
    if (this.#config.sizer === 'requests') return 1
    return this.#config.sizer === 'items' ? batch.items : batch.byteLength
  }

  /** An empty queue takes any batch, so that one that is larger than the queue gets through alone instead of never. */
  #fits(batch: TelemetryBatch): boolean {
    return this.#size === 0 || (this.#blocked.length === 0 && this.#hasRoom(batch))
  }

  #hasRoom(batch: TelemetryBatch): boolean {
    const { queue_size: capacity, max_bytes: maxBytes } = this.#config
    return (
      this.#size + this.#sizeOf(batch) <= capacity &&
      (maxBytes === 0 || this.#bytes + batch.byteLength <= maxBytes) &&
      (this.#keeper?.hasRoom(heldBytes(batch)) ?? true)
    )
  }

  #full(batch: TelemetryBatch): CollectorError {
    const { queue_size: capacity, max_bytes: maxBytes, sizer } = this.#config
    const bySize = this.#size + this.#sizeOf(batch) > capacity
    const byBytes = maxBytes > 0 && this.#bytes + batch.byteLength > maxBytes
    if (this.#keeper && !bySize && !byBytes && !this.#keeper.hasRoom(heldBytes(batch))) return this.#keeper.refusal()
    const limit = bySize ? `queue_size: ${capacity} ${sizer}` : `max_bytes: ${maxBytes}`
    return new CollectorError('overloaded', `sending queue is full (${limit})`, { retryAfterMs: 1000 })
  }

  #reserve(batch: TelemetryBatch): void {
    this.#size += this.#sizeOf(batch)
    this.#bytes += batch.byteLength
    this.#keeper?.add(heldBytes(batch))
  }

  #release({ batch, heldBytes: held }: Entry): void {
    this.#size -= this.#sizeOf(batch)
    this.#bytes -= batch.byteLength
    this.#keeper?.remove(held)
    this.#admitBlocked()
    if (this.#size === 0) this.#idle?.()
  }

  #admitBlocked(): void {
    for (;;) {
      const [first] = this.#blocked
      if (!first || (this.#size > 0 && !this.#hasRoom(first.batch))) return
      this.#blocked.shift()
      this.#reserve(first.batch)
      first.admit()
    }
  }
}
