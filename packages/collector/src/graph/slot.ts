/**
 * A place in the graph that a reload fills anew: whoever hands batches to it keeps it for good and notices nothing. There is one for each
 * exporter, for the start of each pipeline, and for each way out of a receiver or connector.
 */
import type { Signal, TelemetryBatch } from '@spoor/otlp'
import type { Consumer, DeliveryContext } from '../component/index.ts'

/** One consumer while it fills the slot, and the calls that it has not answered. */
class Filling {
  readonly target: Consumer
  #calls = 0
  #idle: (() => void) | undefined

  constructor(target: Consumer) {
    this.target = target
  }

  consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    this.#calls++
    try {
      const answer = this.target.consume(batch, context)
      answer.then(this.#done, this.#done)
      return answer
    } catch (error) {
      this.#done()
      throw error
    }
  }

  async idle(): Promise<void> {
    if (this.#calls > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  readonly #done = (): void => {
    this.#calls--
    if (this.#calls === 0) this.#idle?.()
  }
}

class View implements Consumer {
  readonly durable: boolean
  readonly #slot: Slot

  constructor(slot: Slot, durable: boolean) {
    this.#slot = slot
    this.durable = durable
  }

  get releases(): boolean {
    return this.#slot.releases
  }

  consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    return this.#slot.consume(batch, context)
  }
}

export class Slot {
  /** Whether it is an exporter's or connector's, and nothing of the graph's own is between it and them. */
  readonly isSink: boolean
  #filling: Filling | undefined
  /** Callers wait for it while nothing fills the slot, or what does must get nothing more. */
  #held: PromiseWithResolvers<void> | undefined = Promise.withResolvers()

  readonly #durable = new View(this, true)
  readonly #plain = new View(this, false)

  constructor(isSink: boolean) {
    this.isSink = isSink
  }

  /** The slot as somebody sees it who hands batches to it. `durable`: whether what is going to fill it is. */
  as(durable: boolean): Consumer {
    return durable ? this.#durable : this.#plain
  }

  get target(): Consumer | undefined {
    return this.#filling?.target
  }

  /** What is said to a batch that is handed on now, and to no other: false while nobody knows what it will get to. */
  get releases(): boolean {
    return !this.#held && this.#filling?.target.releases === true
  }

  consume(batch: TelemetryBatch, context: DeliveryContext): Promise<void> {
    if (this.#held) return this.#held.promise.then(() => this.consume(batch, context))
    return this.#filling!.consume(batch, context)
  }

  /** Lets callers wait from now on. Resolves when all earlier calls are answered. */
  async hold(): Promise<void> {
    this.#held ??= Promise.withResolvers()
    await this.#filling?.idle()
  }

  /** Hands everything to `target` from now on. Resolves when what filled the slot before has answered its calls. */
  async fill(target: Consumer): Promise<void> {
    const before = this.#filling
    if (before?.target !== target) this.#filling = new Filling(target)
    this.#held?.resolve()
    this.#held = undefined
    if (before && before.target !== target) await before.idle()
  }

  /** Fills it with `target` where callers wait. */
  close(target: Consumer): void {
    if (this.#held) void this.fill(target)
  }
}

/** The slots of a graph by what they are for, made when they are first asked for. */
export class Slots {
  readonly #slots = new Map<string, Slot>()

  /** Of an exporter or connector. */
  sink(id: string): Slot {
    return this.#at(`sink ${id}`, true)
  }

  /** Of the start of a pipeline. */
  pipeline(id: string): Slot {
    return this.#at(`pipeline ${id}`, false)
  }

  /** Of a receiver's or connector's way out. */
  output(id: string, signal: Signal): Slot {
    return this.#at(`output ${signal} ${id}`, false)
  }

  /** Whoever waits at a slot is refused by `target`. */
  close(target: Consumer): void {
    for (const slot of this.#slots.values()) slot.close(target)
  }

  #at(key: string, isSink: boolean): Slot {
    let slot = this.#slots.get(key)
    if (!slot) this.#slots.set(key, (slot = new Slot(isSink)))
    return slot
  }
}
