import type { FileSystem } from '../files/file-system.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock, Port } from '../runtime.ts'
import { toMessage } from '../threads/error.ts'
import type { Change, FromWriter, ToWriter } from '../threads/protocol.ts'
import { ReadOnlyIngest } from '../tools/read-only.ts'
import { Ingest } from './ingest.ts'

const RETAIN_EVERY_MS = 60_000

/** The writing half of the local engine as main talks to it: opens, takes batches, closes. */
export class Writer {
  readonly #directory: string
  readonly #clock: Clock
  readonly #reader: Port<never, Change>
  readonly #main: Port<ToWriter, FromWriter>
  readonly #ingest: Ingest | ReadOnlyIngest
  #callOff: (() => void) | undefined

  constructor(
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    reader: Port<never, Change>,
    main: Port<ToWriter, FromWriter>,
  ) {
    this.#directory = settings.directory
    this.#clock = clock
    this.#reader = reader
    this.#main = main
    this.#ingest = settings.readOnly
      ? new ReadOnlyIngest(settings.directory, files, reader, main)
      : new Ingest(settings, files, clock, reader, main)
  }

  start(): void {
    try {
      this.#ingest.open()
      this.#retainLater()
      this.#main.onMessage((message) => {
        if (message.type === 'append') this.#ingest.append(message.slab, message.ids, message.ends)
        else void this.#close()
      })
      this.#main.post({ type: 'opened', recovered: this.#ingest.recovered })
    } catch (error) {
      this.#main.post({ type: 'failed', error: toMessage(error, `opening ${this.#directory}`) })
      this.#reader.close()
    }
  }

  #retainLater(): void {
    this.#callOff = this.#clock.after(RETAIN_EVERY_MS, () => {
      this.#ingest.retain()
      this.#retainLater()
    })
  }

  async #close(): Promise<void> {
    this.#callOff?.()
    try {
      await this.#ingest.close()
      this.#main.post({ type: 'closed' })
    } catch (error) {
      this.#main.post({ type: 'closed', error: toMessage(error, `closing ${this.#directory}`) })
    }
    this.#reader.close()
    this.#main.close()
  }
}
