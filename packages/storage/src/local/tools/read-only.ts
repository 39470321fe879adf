import { changesOf } from '../files/changes.ts'
import type { FileSystem } from '../files/file-system.ts'
import { recoverDirectory } from '../files/recover-directory.ts'
import type { Recovered } from '../files/segment.ts'
import type { StoreEvent } from '../../events.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock, Port } from '../runtime.ts'
import { readOnlyError, toMessage } from '../threads/error.ts'
import { PinBoard } from '../write/pin-board.ts'
import type { Change, FromWriter, PinChange, ToWriter } from '../threads/protocol.ts'

/**
 * The writing half of a store that is open to be read only: finds what there is, tells the readers, and refuses every append. It takes no
 * lock and changes nothing, so that it can look at a copy, a backup, a directory on a read-only mount, or one that another process
 * writes; of the latter it sees what was there when it was opened. What has no index is read from the log.
 */
export class ReadOnlyIngest {
  readonly recovered: Recovered = { blocks: 0, tornBytes: 0 }
  readonly #directory: string
  readonly #files: FileSystem
  readonly #main: Port<ToWriter, FromWriter>
  readonly #changes: Change[] = []
  readonly #pins: PinBoard

  constructor(settings: LocalStoreSettings, files: FileSystem, clock: Clock, main: Port<ToWriter, FromWriter>) {
    this.#directory = settings.directory
    this.#files = files
    this.#main = main
    const tell = (event: StoreEvent): void => main.post({ type: 'event', event })
    this.#pins = new PinBoard(settings, files, clock, (message) => main.post(message), tell)
  }

  open(): void {
    const { segments } = recoverDirectory(this.#files, this.#directory, {
      write: false,
      nowMs: 0,
      tell: (event) => this.#main.post({ type: 'event', event }),
    })
    for (const found of segments) {
      this.#changes.push(...changesOf(found))
      if ('refusal' in found) {
        const event = { code: 'failing', part: 'segments', reason: found.refusal ?? '' } as const
        this.#main.post({ type: 'event', event })
      }
      if ('recovered' in found) this.recovered.blocks += found.recovered.blocks
    }
  }

  all(): Iterable<Change> {
    return this.#changes
  }

  append(buffer: ArrayBuffer, ids: readonly number[]): void {
    const error = toMessage(readOnlyError(this.#directory), 'append')
    this.#main.post({ type: 'rejected', ids, slabs: [buffer], error }, [buffer])
  }

  pins(ask: number, change: PinChange | undefined): void {
    this.#pins.answer(ask, change)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** Nothing goes from what is not ours to change. */
  retain(): void {}

  check(): void {}

  pace(): void {}

  joinSealer(): void {}

  takeOver(): void {}
}
