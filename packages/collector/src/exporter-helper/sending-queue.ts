/**
 * A bounded queue between the pipelines and an exporter, with a fixed number of batches being sent at a time. It is in memory, or in a file
 * (see {@link QueueFile}) from which each batch is read when its turn comes.
 */
import type { TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  EMPTY_CONTEXT,
  heldBytes,
  sleep,
  toCollectorError,
  type Budget,
  type DeliveryContext,
  type Keeper,
} from '../component/index.ts'
import type { SendingQueueConfig } from './config.ts'
import type { QueueFile, Stored } from './queue-file.ts'

/** What a batch takes of the queue. */
interface Size {
  /** In the unit of the sizer. */
  readonly size: number
  readonly bytes: number
  /** Of memory, while it is in the queue; when it is delivered its memory may be free already. */
  readonly held: number
}

interface Entry extends Size {
  readonly source:
    | { readonly batch: TelemetryBatch; readonly context: DeliveryContext }
    | { readonly file: QueueFile; readonly stored: Stored }
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface QueueEvents {
  /**
   * Sends a batch for good: resolves when that is done and rejects when the batch is lost, having counted and logged it; or, from a file, with an error
   * that is retryable: then it stays there and comes again.
   */
  readonly deliver: (batch: TelemetryBatch, context: DeliveryContext) => Promise<void>
  /** Hears of a batch that found no room. */
  readonly refused: (batch: TelemetryBatch, error: CollectorError) => void
  /** Hears of a batch that cannot be read from the file. */
  readonly damaged: (stored: Stored, error: CollectorError) => void
}

export class SendingQueue {
  readonly #config: SendingQueueConfig
  readonly #events: QueueEvents
  /** Undefined where callers wait for the result: what they gave is accounted for by them until then. */
  readonly #keeper: Keeper | undefined
  readonly #entries: Entry[] = []
  /**
   * Callers that wait for room, in their order. Each is one blocked stage, so their number is bounded by the stages.
   */
  readonly #blocked: { readonly size: Size; readonly admit: () => void; readonly fail: (error: Error) => void }[] = []
  #file: QueueFile | undefined
  /** Aborts when what is in the file is to stay there. */
  readonly #stopping = new AbortController()
  #sending = 0
  #size = 0
  #bytes = 0
  #idle: (() => void) | undefined

  /** What is queued is a part of `budget`. */
  constructor(config: SendingQueueConfig, events: QueueEvents, budget: Budget) {
    this.#config = config
    this.#events = events
    this.#keeper = config.wait_for_result ? undefined : budget.keeper()
  }

  /** What the queue holds, with what is being sent, in the unit of the sizer. */
  get size(): number {
    return this.#size
  }

  /** From now on it is in the file, and what is there is sent. Called before the first batch comes. */
  useFile(file: QueueFile): void {
    this.#file = file
    for (const stored of file.found) {
      const size = this.#sizeOf(stored, 0)
      this.#reserve(size)
      this.#enqueue({ ...size, source: { file, stored }, resolve: () => {}, reject: () => {} })
    }
    this.#pump()
  }

  /**
   * Resolves when the batch is in the queue (in the file, where it has one), or, with `wait_for_result`, when it was delivered. Rejects with
   * `overloaded` when the queue is full and does not block.
   */
  async offer(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    const size = this.#sizeOf(batch, this.#file ? 0 : heldBytes(batch))
    if (this.#fits(size)) {
      this.#reserve(size)
    } else if (this.#config.block_on_overflow) {
      await new Promise<void>((admit, fail) => this.#blocked.push({ size, admit, fail }))
    } else {
      const error = this.#full(size)
      this.#events.refused(batch, error)
      throw error
    }
    if (this.#file) return this.#keep(batch, size, this.#file)
    const waits = this.#config.wait_for_result
    const source = { batch, context: waits ? context : EMPTY_CONTEXT }
    const delivered = new Promise<void>((resolve, reject) => this.#enqueue({ ...size, source, resolve, reject }))
    this.#pump()
    if (waits) return delivered
    // Counted and logged where it happened; nobody waits for it here.
    delivered.catch(() => {})
  }

  /**
   * Resolves when nothing is being sent any more. All is sent then, or still in the file.
   *
   * @param isEmptied whether what is in the file is sent, too, as nobody is going to open it again
   */
  async drained(isEmptied: boolean): Promise<void> {
    if (this.#file && !isEmptied) {
      this.#stopping.abort()
      const refusal = new CollectorError('unavailable', 'the collector is shutting down')
      for (const { fail } of this.#blocked.splice(0)) fail(refusal)
    }
    if (this.#isBusy()) await new Promise<void>((resolve) => (this.#idle = resolve))
    this.#file?.close()
  }

  async #keep(batch: TelemetryBatch, size: Size, file: QueueFile): Promise<void> {
    try {
      const stored = await file.put(batch)
      this.#enqueue({ ...size, source: { file, stored }, resolve: () => {}, reject: () => {} })
    } catch (error) {
      this.#release(size)
      this.#events.refused(batch, toCollectorError(error))
      throw error
    }
    this.#pump()
  }

  #enqueue(entry: Entry): void {
    this.#entries.push(entry)
  }

  #pump(): void {
    while (this.#sending < this.#config.num_consumers && this.#entries.length > 0) {
      // What is in a file is sent after the next start.
      if (this.#stopping.signal.aborted) return
      const entry = this.#entries.shift()!
      this.#sending++
      void this.#send(entry).finally(() => {
        this.#sending--
        this.#pump()
        if (!this.#isBusy()) this.#idle?.()
      })
    }
  }

  #isBusy(): boolean {
    return this.#stopping.signal.aborted ? this.#sending > 0 : this.#size > 0
  }

  async #send(entry: Entry): Promise<void> {
    if ('file' in entry.source) return this.#sendStored(entry, entry.source.file, entry.source.stored)
    try {
      await this.#events.deliver(entry.source.batch, entry.source.context)
      entry.resolve()
    } catch (error) {
      entry.reject(error)
    }
    this.#release(entry)
  }

  async #sendStored(entry: Entry, file: QueueFile, stored: Stored): Promise<void> {
    const refusal = await this.#tryStored(file, stored)
    if (refusal) {
      await sleep(refusal.retryAfterMs ?? 0, this.#stopping.signal)
      this.#enqueue(entry)
      return
    }
    // When it cannot be taken out, it is sent again after the next start.
    await file.remove(stored).catch(() => {})
    this.#release(entry)
    if (this.#size === 0) file.shrink()
  }

  /** Sends it. Gives the error after which it is to be sent again. */
  async #tryStored(file: QueueFile, stored: Stored): Promise<CollectorError | undefined> {
    let batch: TelemetryBatch
    try {
      batch = file.get(stored)
    } catch (error) {
      this.#events.damaged(stored, toCollectorError(error))
      return undefined
    }
    const held = heldBytes(batch)
    this.#keeper?.add(held)
    try {
      await this.#events.deliver(batch, EMPTY_CONTEXT)
      return undefined
    } catch (error) {
      const problem = toCollectorError(error)
      return problem.retryable ? problem : undefined
    } finally {
      this.#keeper?.remove(held)
    }
  }

  #sizeOf({ items, byteLength }: { items: number; byteLength: number }, held: number): Size {
    const { sizer } = this.#config
    return { size: sizer === 'requests' ? 1 : sizer === 'items' ? items : byteLength, bytes: byteLength, held }
  }

  /** An empty queue takes any batch, so that one that is larger than the queue gets through alone instead of never. */
  #fits(size: Size): boolean {
    return this.#size === 0 || (this.#blocked.length === 0 && this.#hasRoom(size))
  }

  #hasRoom({ size, bytes, held }: Size): boolean {
    return this.#hasSize(size) && this.#hasBytes(bytes) && (this.#keeper?.hasRoom(held) ?? true)
  }

  #hasSize(size: number): boolean {
    return this.#size + size <= this.#config.queue_size
  }

  /** The bound on memory. */
  #hasBytes(bytes: number): boolean {
    const { max_bytes: maxBytes } = this.#config
    return maxBytes === 0 || this.#file !== undefined || this.#bytes + bytes <= maxBytes
  }

  #full({ size, bytes, held }: Size): CollectorError {
    const { queue_size: capacity, max_bytes: maxBytes, sizer } = this.#config
    const isFull = !this.#hasSize(size)
    if (this.#keeper && !isFull && this.#hasBytes(bytes) && !this.#keeper.hasRoom(held)) return this.#keeper.refusal()
    const limit = isFull ? `queue_size: ${capacity} ${sizer}` : `max_bytes: ${maxBytes}`
    return new CollectorError('overloaded', `sending queue is full (${limit})`, { retryAfterMs: 1000 })
  }

  #reserve({ size, bytes, held }: Size): void {
    this.#size += size
    this.#bytes += bytes
    this.#keeper?.add(held)
  }

  #release({ size, bytes, held }: Size): void {
    this.#size -= size
    this.#bytes -= bytes
    this.#keeper?.remove(held)
    this.#admitBlocked()
  }

  #admitBlocked(): void {
    for (;;) {
      const [first] = this.#blocked
      if (!first || (this.#size > 0 && !this.#hasRoom(first.size))) return
      this.#blocked.shift()
      this.#reserve(first.size)
      first.admit()
    }
  }
}
