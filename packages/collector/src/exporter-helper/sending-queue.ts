/**
 * A bounded queue between the pipelines and an exporter, with a fixed number of batches being sent at a time. It is in memory, or in a file
 * (see {@link QueueFile}) from which each batch is read when its turn comes. What is sent together is the business of {@link QueueLanes}.
 */
import { createBatch, joinBatches, type TelemetryBatch } from '@spoor/otlp'
import {
  CollectorError,
  EMPTY_CONTEXT,
  heldBytes,
  onlyMetadata,
  sleep,
  toCollectorError,
  withoutWait,
  type Budget,
  type DeliveryContext,
  type Keeper,
} from '../component/index.ts'
import type { SendingQueueConfig } from './config.ts'
import type { QueueFile, Stored } from './queue-file.ts'
import { QueueLanes, type Waiting } from './queue-lanes.ts'
import { divide } from './split.ts'

/** What a request takes of the queue, from when it is let in until all of it was sent. */
interface Size {
  /** In the unit of the sizer. */
  readonly size: number
  readonly bytes: number
  /** Of memory, while it is in the queue; when it is delivered its memory may be free already. */
  readonly held: number
}

/** A request that was let in, however many entries it is sent in. */
interface Ticket extends Size {
  /** Entries that are not done. */
  parts: number
  failure: CollectorError | undefined
  readonly done: ((failure: CollectorError | undefined) => void) | undefined
  /** Without a wait where nobody waits. */
  readonly context: DeliveryContext
}

/** A batch, or what is in the file for it: all of a queue's entries are the one or the other. */
type Content = TelemetryBatch | Stored

interface Entry extends Waiting {
  readonly ticket: Ticket
  readonly content: Content
}

export interface QueueEvents {
  /**
   * Sends a batch for good: resolves when that is done and rejects when the batch is lost, having counted and logged it; or, from a file, with an error
   * that is retryable: then it stays there and comes again.
   */
  readonly deliver: (batch: TelemetryBatch, context: DeliveryContext) => Promise<void>
  /** Hears of a batch that found no room. */
  readonly refused: (batch: TelemetryBatch, error: CollectorError) => void
  /** Hears why a batch that is done with is still in the file: it is taken out with the next one, or sent again after the next start. */
  readonly kept: (stored: Stored, error: CollectorError) => void
  /** Hears of a batch that cannot be read from the file. */
  readonly damaged: (stored: Stored, error: CollectorError) => void
}

export class SendingQueue {
  readonly #config: SendingQueueConfig
  readonly #events: QueueEvents
  /** Undefined where callers wait for the result: what they gave is accounted for by them until then. */
  readonly #keeper: Keeper | undefined
  readonly #lanes: QueueLanes<Entry>
  /**
   * Callers that wait for room, in their order. Each is one blocked stage, so their number is bounded by the stages.
   */
  readonly #blocked: { readonly size: Size; readonly admit: () => void; readonly fail: (error: Error) => void }[] = []
  #file: QueueFile | undefined
  /** Aborts when what is in the file is to stay there. */
  readonly #stopping = new AbortController()
  #isDraining = false
  #entered = 0
  #sending = 0
  #size = 0
  #bytes = 0
  #idle: (() => void) | undefined

  /** What is queued is a part of `budget`. */
  constructor(config: SendingQueueConfig, events: QueueEvents, budget: Budget) {
    this.#config = config
    this.#events = events
    this.#keeper = config.wait_for_result ? undefined : budget.keeper()
    this.#lanes = new QueueLanes({
      batch: config.batch,
      divide: (entry, room, isForced) => this.#divide(entry, room, isForced),
      due: () => this.#pump(),
    })
  }

  /** What the queue holds, with what is being sent, in the unit of the sizer. */
  get size(): number {
    return this.#size
  }

  /** From now on it is in the file, which may be that of other queues, too, and `found` is sent. Called before the first batch comes. */
  useFile(file: QueueFile, found: readonly Stored[]): void {
    this.#file = file
    for (const stored of found) {
      const size = this.#sizeOf(stored, 0)
      this.#reserve(size)
      this.#enqueue(stored, size, contextOf(stored))
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
    } else {
      // What waits for company goes now, so that there is room.
      this.#lanes.flush()
      this.#pump()
      await this.#admitted(batch, size)
    }
    if (this.#file) return this.#keep(batch, size, this.#file, context)
    if (this.#config.wait_for_result) return this.#delivered(batch, size, context)
    // A failure is counted and logged where it happens; nobody waits for it here.
    this.#enqueue(batch, size, withoutWait(context))
    this.#pump()
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
    this.#isDraining = true
    this.#pump()
    if (this.#isBusy()) await new Promise<void>((resolve) => (this.#idle = resolve))
    this.#lanes.close()
  }

  async #admitted(batch: TelemetryBatch, size: Size): Promise<void> {
    if (!this.#config.block_on_overflow) {
      const error = this.#full(size)
      this.#events.refused(batch, error)
      throw error
    }
    await new Promise<void>((admit, fail) => this.#blocked.push({ size, admit, fail }))
  }

  async #delivered(batch: TelemetryBatch, size: Size, context: DeliveryContext): Promise<void> {
    const delivered = new Promise<void>((resolve, reject) =>
      this.#enqueue(batch, size, context, (failure) => (failure ? reject(failure) : resolve())),
    )
    this.#pump()
    return delivered
  }

  async #keep(batch: TelemetryBatch, size: Size, file: QueueFile, context: DeliveryContext): Promise<void> {
    try {
      const stored = await file.put(batch, textOf(this.#shared(context)))
      this.#enqueue(stored, size, contextOf(stored))
    } catch (error) {
      this.#release(size)
      this.#events.refused(batch, toCollectorError(error))
      throw error
    }
    this.#pump()
  }

  #enqueue(content: Content, size: Size, context: DeliveryContext, done?: Ticket['done']): void {
    const ticket: Ticket = { ...size, parts: 1, failure: undefined, done, context }
    const partition = textOf(this.#shared(context)) ?? ''
    this.#lanes.push(entryOf(content, { partition, order: this.#entered++, ticket }))
  }

  #pump(): void {
    if (this.#isDraining) this.#lanes.flush()
    while (this.#sending < this.#config.num_consumers) {
      // What is in a file is sent after the next start.
      if (this.#stopping.signal.aborted) return
      const entries = this.#lanes.take()
      if (!entries) return
      this.#sending++
      void this.#send(entries).finally(() => {
        this.#sending--
        this.#pump()
        if (!this.#isBusy()) this.#idle?.()
      })
    }
  }

  #isBusy(): boolean {
    return this.#stopping.signal.aborted ? this.#sending > 0 : this.#size > 0
  }

  async #send(entries: readonly Entry[]): Promise<void> {
    const batches: TelemetryBatch[] = []
    const sent: Entry[] = []
    const over: Entry[] = []
    for (const entry of entries) {
      const batch = this.#read(entry)
      if (batch) batches.push(batch)
      ;(batch ? sent : over).push(entry)
    }
    const context = this.#contextOf(sent)
    const failure = sent.length > 0 ? await this.#deliver(joinBatches(batches), context) : undefined
    if (this.#file && failure?.retryable) {
      await sleep(failure.retryAfterMs ?? 0, this.#stopping.signal)
      for (const entry of sent) this.#lanes.push(entry)
    } else over.push(...sent)
    await Promise.all(over.map((entry) => this.#finish(entry, failure)))
  }

  /** Of several that wait, none may give up what is another's, too. */
  #contextOf([first, ...others]: readonly Entry[]): DeliveryContext {
    if (!first) return EMPTY_CONTEXT
    const { context } = first.ticket
    return others.length === 0 ? context : this.#shared(context)
  }

  /** What requests that are joined have in common: the metadata of their partition. */
  #shared(context: DeliveryContext): DeliveryContext {
    return onlyMetadata(this.#config.batch?.partition.metadata_keys ?? [], context)
  }

  /** Undefined, and told, where it is damaged. */
  #read({ content }: Entry): TelemetryBatch | undefined {
    if (!isStored(content)) return content
    try {
      return this.#file!.get(content)
    } catch (error) {
      this.#events.damaged(content, toCollectorError(error))
      return undefined
    }
  }

  async #deliver(batch: TelemetryBatch, context: DeliveryContext): Promise<CollectorError | undefined> {
    // What is in memory is accounted for since it was let in.
    const held = this.#file ? heldBytes(batch) : 0
    this.#keeper?.add(held)
    try {
      await this.#events.deliver(batch, context)
      return undefined
    } catch (error) {
      return toCollectorError(error)
    } finally {
      this.#keeper?.remove(held)
    }
  }

  async #finish({ ticket, content }: Entry, failure: CollectorError | undefined): Promise<void> {
    if (isStored(content))
      await this.#file!.remove(content).catch((error: unknown) => this.#events.kept(content, toCollectorError(error)))
    ticket.failure ??= failure
    ticket.parts--
    if (ticket.parts > 0) return
    ticket.done?.(ticket.failure)
    this.#release(ticket)
    if (this.#size === 0) this.#file?.shrink()
  }

  #divide(entry: Entry, room: number, isForced: boolean): readonly Entry[] | undefined {
    const parts = this.#partsOf(entry.content, room, isForced)
    if (!parts) return undefined
    entry.ticket.parts += parts.length - 1
    return parts.map((part) => entryOf(part, entry))
  }

  #partsOf(content: Content, room: number, isForced: boolean): readonly Content[] | undefined {
    const { sizer = 'items', max_size: max = 0 } = this.#config.batch ?? {}
    const options = { room, max: max || Infinity, isForced }
    if (!isStored(content)) return divide(content, sizer, options)
    try {
      const [head, rest] = divide(this.#file!.get(content), sizer, options) ?? []
      if (!head || !rest) return undefined
      // Each alone, so that what is left need not be written anew for each one that is sent.
      const others = rest.chunks.map((chunk) => createBatch(rest.signal, [chunk]))
      return this.#file!.replace(content, [head, ...others])
    } catch {
      // It goes as it is, or is told to be damaged when it is read.
      return undefined
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

function isStored(content: Content): content is Stored {
  return 'number' in content
}

function entryOf(content: Content, { partition, order, ticket }: Pick<Entry, 'partition' | 'order' | 'ticket'>): Entry {
  const { signal, items, byteLength } = content
  return { signal, items, byteLength, partition, order, ticket, content }
}

/** Null for none. */
function textOf({ metadata }: DeliveryContext): string | null {
  return metadata.size === 0 ? null : JSON.stringify([...metadata])
}

/** What is known of who sent it, before the end of another process maybe. */
function contextOf({ metadata }: Stored): DeliveryContext {
  if (metadata === null) return EMPTY_CONTEXT
  return { ...EMPTY_CONTEXT, metadata: new Map(JSON.parse(metadata) as [string, string[]][]) }
}
