/**
 * What waits to be sent together: in one batch processor one shard, or one for each combination of values of the
 * `metadata_keys`.
 */
import { splitItems, type Chunk, type Signal } from '@spoor/otlp'
import { timerMs, type CollectorError, type DeliveryContext } from '../../component/index.ts'
import type { BatchConfig } from './config.ts'

/** A caller that waits for the fate of what it gave, in however many batches that goes out. */
export interface Ticket {
  parts: number
  failure: CollectorError | undefined
  readonly resolve: () => void
  readonly reject: (error: CollectorError) => void
}

export interface Pending {
  readonly chunk: Chunk
  readonly ticket: Ticket | undefined
}

export type Trigger = 'size' | 'timeout' | 'shutdown'

export interface ShardEvents {
  /** Parts that go out as one batch. */
  readonly send: (parts: readonly Pending[], trigger: Trigger, context: DeliveryContext) => void
  /** A chunk was divided into these, which are held in its place. */
  readonly divided: (chunk: Chunk, parts: readonly Chunk[]) => void
}

export class Shard {
  readonly #config: BatchConfig
  readonly #signal: Signal
  readonly #context: DeliveryContext
  readonly #events: ShardEvents
  #pending: Pending[] = []
  #items = 0
  #timer: NodeJS.Timeout | undefined

  /** `context`: what goes with its batches. */
  constructor(config: BatchConfig, signal: Signal, context: DeliveryContext, events: ShardEvents) {
    this.#config = config
    this.#signal = signal
    this.#context = context
    this.#events = events
  }

  add(chunks: readonly Chunk[], ticket: Ticket | undefined): void {
    for (const chunk of chunks) {
      this.#pending.push({ chunk, ticket })
      this.#items += chunk.items
    }
    const { send_batch_size: size, timeout } = this.#config
    const atOnce = size === 0 || timeout === 0
    if (atOnce || this.#items >= size) this.#sendWhile('size', () => atOnce || this.#items >= size)
    else this.#timer ??= setTimeout(() => this.flush('timeout'), timerMs(timeout))
  }

  /** Sends all that waits. */
  flush(trigger: Trigger): void {
    this.#sendWhile(trigger, () => true)
  }

  /**
   * Sends batch after batch as long as the condition holds and something is there; what is left waits for a timeout of
   * its own.
   */
  #sendWhile(trigger: Trigger, condition: () => boolean): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#pending.length > 0 && condition()) this.#events.send(this.#take(), trigger, this.#context)
    if (this.#pending.length > 0) {
      this.#timer = setTimeout(() => this.flush('timeout'), timerMs(this.#config.timeout))
    }
  }

  /**
   * Takes the oldest pending chunks: all of them, or `send_batch_max_size` items, for which a chunk is split where it
   * must be.
   */
  #take(): Pending[] {
    const max = this.#config.send_batch_max_size
    if (max === 0 || this.#items <= max) {
      const all = this.#pending
      this.#pending = []
      this.#items = 0
      return all
    }
    const taken: Pending[] = []
    let items = 0
    while (items < max) {
      const next = this.#pending[0]!
      const room = max - items
      if (next.chunk.items > room) this.#pending.splice(0, 1, ...this.#split(next, room, max))
      taken.push(this.#pending.shift()!)
      items += taken.at(-1)!.chunk.items
    }
    for (const { chunk } of taken) this.#items -= chunk.items
    return taken
  }

  /** The first `head` items, then the others in parts of at most `max`. */
  #split({ chunk, ticket }: Pending, head: number, max: number): Pending[] {
    const parts = splitItems(this.#signal, chunk.bytes, { firstItems: head, maxItems: max })
    this.#events.divided(chunk, parts)
    if (ticket) ticket.parts += parts.length - 1
    return parts.map((part) => ({ chunk: part, ticket }))
  }
}
