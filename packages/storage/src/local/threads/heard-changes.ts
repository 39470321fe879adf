import type { Port } from '../runtime.ts'
import type { Change, Told } from './protocol.ts'
import { RowRing } from './row-ring.ts'

/** A reader's end of what the writer tells it: each change once and in order, those that were posted and those that lie in the ring. */
export class HeardChanges {
  readonly #port: Port<Told, never>
  readonly #apply: (change: Change) => void
  #ring: RowRing | undefined
  /** Messages heard. */
  #heard = 0

  constructor(port: Port<Told, never>, apply: (change: Change) => void) {
    this.#port = port
    this.#apply = apply
    port.onMessage((message) => this.#hear(message))
  }

  /** Hears all that has been told by now. */
  catchUp(): void {
    for (let next = this.#port.receive(); next; next = this.#port.receive()) this.#hear(next)
    this.#take()
  }

  #hear(message: Told): void {
    this.#take()
    this.#heard = (this.#heard + 1) | 0
    if (message.type === 'ring') this.#ring = new RowRing(message.memory)
    else this.#apply(message)
  }

  /** The rows that were put into the ring before the next message. */
  #take(): void {
    const ring = this.#ring
    if (!ring) return
    for (let rows = ring.take(this.#heard); rows; rows = ring.take(this.#heard)) this.#apply(rows)
  }
}
