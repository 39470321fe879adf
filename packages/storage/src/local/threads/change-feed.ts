import type { Port } from '../runtime.ts'
import type { Change, ReaderPart } from './protocol.ts'

/**
 * The writer's end of what it tells the readers. Each reader gets every change once and in order; a reader may join at any time, and is
 * first told all that there is.
 */
export class ChangeFeed {
  readonly #readers = new Map<ReaderPart, Port<never, Change>>()

  /** A reader of this name that joined before is gone, and is told nothing more. */
  join(reader: ReaderPart, port: Port<never, Change>, all: Iterable<Change>): void {
    this.#readers.get(reader)?.close()
    for (const change of all) port.post(change)
    port.post({ type: 'joined' })
    this.#readers.set(reader, port)
  }

  tell(change: Change): void {
    for (const port of this.#readers.values()) port.post(change)
  }

  close(): void {
    for (const port of this.#readers.values()) port.close()
    this.#readers.clear()
  }
}
