/** A queue in memory with what the example needs of a broker: prefetch, acknowledgements, delivery again, dead letters. */
import type { Message } from './queue.ts'
import { QUEUE_LIMIT } from './queue.ts'

/** How a consumer is done with a message. */
export type Settlement = 'ack' | 'again' | 'bury'

/** A message on its way to a consumer. */
export interface Sent extends Message {
  readonly tag: number
  /** 1 for the first time. */
  readonly attempt: number
}

/** A consumer that is attached. */
export interface Attached {
  /** Nothing happens for a message that is settled already. */
  settle(tag: number, how: Settlement): void
  /** It is gone: what it has not settled is delivered again. */
  detach(): void
}

interface Waiting {
  readonly message: Message
  readonly attempt: number
}

/** One queue. */
export class MemoryBroker {
  readonly #limit: number
  readonly #waiting: Waiting[] = []
  readonly #consumers = new Set<{
    readonly prefetch: number
    readonly out: Map<number, Waiting>
    deliver(sent: Sent): void
  }>()
  #nextTag = 1
  #dead = 0

  /** @param limit Messages that may wait. */
  constructor(limit = QUEUE_LIMIT) {
    this.#limit = limit
  }

  /** Messages that wait or are with a consumer. */
  get length(): number {
    let out = 0
    for (const consumer of this.#consumers) out += consumer.out.size
    return this.#waiting.length + out
  }

  /** Messages that were buried, since the start. They are counted, and not kept. */
  get dead(): number {
    return this.#dead
  }

  /** @throws When the queue is full. */
  publish(message: Message): void {
    if (this.#waiting.length >= this.#limit) throw new Error(`the queue is full: ${this.#limit} messages wait already`)
    this.#waiting.push({ message, attempt: 1 })
    this.#deliver()
  }

  /** @param prefetch The most messages that are with this consumer at once. */
  attach(prefetch: number, deliver: (sent: Sent) => void): Attached {
    const consumer = { prefetch, out: new Map<number, Waiting>(), deliver }
    this.#consumers.add(consumer)
    this.#deliver()
    return {
      settle: (tag, how) => {
        const sent = consumer.out.get(tag)
        if (!sent) return
        consumer.out.delete(tag)
        if (how === 'bury') this.#dead++
        if (how === 'again') this.#return([sent])
        this.#deliver()
      },
      detach: () => {
        this.#consumers.delete(consumer)
        this.#return([...consumer.out.values()])
        consumer.out.clear()
        this.#deliver()
      },
    }
  }

  /** To where they were: before those that came later. */
  #return(sent: readonly Waiting[]): void {
    this.#waiting.unshift(...sent.map(({ message, attempt }) => ({ message, attempt: attempt + 1 })))
  }

  #deliver(): void {
    for (const consumer of this.#consumers)
      while (consumer.out.size < consumer.prefetch) {
        const next = this.#waiting.shift()
        if (!next) return
        const tag = this.#nextTag++
        consumer.out.set(tag, next)
        consumer.deliver({ ...next.message, tag, attempt: next.attempt })
      }
  }
}
