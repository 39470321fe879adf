import type { FileSystem } from '../files/file-system.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock, Port } from '../runtime.ts'
import { toMessage } from '../threads/error.ts'
import type { Change, FromWriter, ToWriter } from '../threads/protocol.ts'
import { Ingest } from './ingest.ts'

/** From one look at the limits to the next, when no span makes it look: a 25th of the limit of age, within these. */
const MIN_RETAIN_MS = 1000
const MAX_RETAIN_MS = 10_000

/** The writing half of the local engine as main talks to it: opens, takes batches, closes. */
export class Writer {
  readonly #directory: string
  readonly #clock: Clock
  readonly #reader: Port<never, Change>
  readonly #main: Port<ToWriter, FromWriter>
  readonly #ingest: Ingest
  readonly #retainEveryMs: number
  #callOff: (() => void) | undefined

  constructor(
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    reader: Port<never, Change>,
    main: Port<ToWriter, FromWriter>,
  ) {
    this.#directory = settings.directory
    this.#retainEveryMs = Math.min(MAX_RETAIN_MS, Math.max(MIN_RETAIN_MS, settings.maxAgeMs / 25))
    this.#clock = clock
    this.#reader = reader
    this.#main = main
    this.#ingest = new Ingest(settings, files, clock, reader, main)
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
    this.#callOff = this.#clock.after(this.#retainEveryMs, () => {
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
