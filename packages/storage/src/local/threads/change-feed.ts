import { memoryOf, rowsBetween, type BlockRows, type Mark } from '../block/rows.ts'
import type { Port } from '../runtime.ts'
import type { Change, Held, ReaderPart, Switched, Told } from './protocol.ts'
import { RowRing } from './row-ring.ts'

type SealedChange = Extract<Change, { type: 'sealed' }>

/** A segment that has got a sealed form, and who has to say yet that it reads that. */
interface Switching {
  readonly readers: Set<ReaderPart>
  readonly done: () => void
}

/** The writer's end of what it tells one reader: messages, and rows of small groups, for which it is not woken; {@link HeardChanges} is the other end. */
class Listener {
  readonly port: Port<Switched | Held, Told>
  readonly #ring = new RowRing()
  /** Messages posted. */
  #posted = 0

  constructor(port: Port<Switched | Held, Told>) {
    this.port = port
    this.post({ type: 'ring', memory: this.#ring.memory })
  }

  post(message: Told, transfer?: readonly ArrayBuffer[]): void {
    this.#posted = (this.#posted + 1) | 0
    this.port.post(message, transfer)
  }

  /** Where there is no room left, the message wakes it, and it takes what lies there. */
  rows(id: number, rows: BlockRows, from: Mark, to: Mark): void {
    if (this.#ring.put(this.#posted, id, rows, from, to)) return
    const copy = rowsBetween(rows, from, to)
    this.post({ type: 'rows', id, rows: copy }, [memoryOf(copy)])
  }
}

/**
 * The writer's end of what it tells the readers. Each reader gets every change once and in order; a reader may join at any time, and is
 * first told all that there is.
 */
export class ChangeFeed {
  readonly #readers = new Map<ReaderPart, Listener>()
  readonly #switching = new Map<number, Switching>()
  /** By segment whose file is about to be replaced: who has not said yet that it reads the one that is there. */
  readonly #holding = new Map<number, Set<ReaderPart>>()

  /** A reader of this name that joined before is gone, and is told nothing more. */
  join(reader: ReaderPart, port: Port<Switched | Held, Told>, all: Iterable<Change>): void {
    this.#readers.get(reader)?.port.close()
    const listener = new Listener(port)
    for (const change of all) listener.post(change)
    listener.post({ type: 'joined' })
    this.#readers.set(reader, listener)
    for (const { readers } of this.#switching.values()) readers.add(reader)
    for (const [id, waiting] of this.#holding) {
      waiting.add(reader)
      listener.post({ type: 'hold', id })
    }
    port.onMessage(({ type, id }) => {
      if (this.#readers.get(reader) !== listener) return
      if (type === 'held') this.#holding.get(id)?.delete(reader)
      else this.#switched(id, reader)
    })
  }

  tell(change: Change): void {
    for (const listener of this.#readers.values()) listener.post(change)
  }

  /** Tells each reader of what was added to the segment's open block between two marks. */
  tellRows(id: number, rows: BlockRows, from: Mark, to: Mark): void {
    for (const listener of this.#readers.values()) listener.rows(id, rows, from, to)
  }

  /** Tells it, and calls `done` when every reader has switched; at once when there is none. */
  seal(change: SealedChange, done: () => void): void {
    this.#switching.set(change.id, { readers: new Set(this.#readers.keys()), done })
    this.tell(change)
    this.#switched(change.id, undefined)
  }

  /** Has every reader keep open the file of this sealed segment; {@link isHeld} says when they do. */
  hold(id: number): void {
    this.#holding.set(id, new Set(this.#readers.keys()))
    this.tell({ type: 'hold', id })
  }

  /** Whether the file may be replaced: nobody will look for it by its name. */
  isHeld(id: number): boolean {
    return this.#holding.get(id)?.size === 0
  }

  /** The file of a segment that is held has been replaced by another sealed form. */
  replaced(change: SealedChange): void {
    this.#holding.delete(change.id)
    this.tell(change)
  }

  /** Nobody waits any more for readers to switch to this one, or to hold it. */
  forget(id: number): void {
    this.#switching.delete(id)
    this.#holding.delete(id)
  }

  close(): void {
    for (const { port } of this.#readers.values()) port.close()
    this.#readers.clear()
    this.#switching.clear()
    this.#holding.clear()
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
