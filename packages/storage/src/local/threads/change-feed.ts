import { memoryOf, type BlockRows } from '../block/rows.ts'
import type { Port } from '../runtime.ts'
import type { Change, ReaderPart, Switched } from './protocol.ts'

type SealedChange = Extract<Change, { type: 'sealed' }>

/** A segment that has got a sealed form, and who has to say yet that it reads that. */
interface Switching {
  readonly readers: Set<ReaderPart>
  readonly done: () => void
}

/**
 * The writer's end of what it tells the readers. Each reader gets every change once and in order; a reader may join at any time, and is
 * first told all that there is.
 */
export class ChangeFeed {
  readonly #readers = new Map<ReaderPart, Port<Switched, Change>>()
  readonly #switching = new Map<number, Switching>()

  /** A reader of this name that joined before is gone, and is told nothing more. */
  join(reader: ReaderPart, port: Port<Switched, Change>, all: Iterable<Change>): void {
    this.#readers.get(reader)?.close()
    for (const change of all) port.post(change)
    port.post({ type: 'joined' })
    this.#readers.set(reader, port)
    for (const { readers } of this.#switching.values()) readers.add(reader)
    port.onMessage(({ id }) => {
      if (this.#readers.get(reader) === port) this.#switched(id, reader)
    })
  }

  tell(change: Change): void {
    for (const port of this.#readers.values()) port.post(change)
  }

  /** Tells each reader of rows of the open block; `copy` makes them for one reader, to which their memory moves. */
  tellRows(id: number, copy: () => BlockRows): void {
    for (const port of this.#readers.values()) {
      const rows = copy()
      port.post({ type: 'rows', id, rows }, [memoryOf(rows)])
    }
  }

  /** Tells it, and calls `done` when every reader has switched; at once when there is none. */
  seal(change: SealedChange, done: () => void): void {
    this.#switching.set(change.id, { readers: new Set(this.#readers.keys()), done })
    this.tell(change)
    this.#switched(change.id, undefined)
  }

  /** Nobody waits any more for readers to switch to this one. */
  forget(id: number): void {
    this.#switching.delete(id)
  }

  close(): void {
    for (const port of this.#readers.values()) port.close()
    this.#readers.clear()
    this.#switching.clear()
  }

  #switched(id: number, reader: ReaderPart | undefined): void {
    const switching = this.#switching.get(id)
    if (!switching) return
    if (reader) switching.readers.delete(reader)
    if (switching.readers.size > 0) return
    this.#switching.delete(id)
    switching.done()
  }
}
