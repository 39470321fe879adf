import type { FileSystem } from '../files/file-system.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock, Connect, Port } from '../runtime.ts'
import { ChangeFeed } from '../threads/change-feed.ts'
import { toMessage } from '../threads/error.ts'
import type { FromWriter, ToWriter } from '../threads/protocol.ts'
import { ReadOnlyIngest } from '../tools/read-only.ts'
import { Ingest } from './ingest.ts'

/** From one look at the limits to the next, when no span makes it look: a 25th of the limit of age, within these. */
const MIN_RETAIN_MS = 1000
const MAX_RETAIN_MS = 10_000
/** How often it is seen whether the directory is still there while nothing is appended, in milliseconds. */
const CHECK_EVERY_MS = 5_000
/** How often it is seen what can be sealed, in milliseconds. */
const PACE_EVERY_MS = 1_000

/** The writing half of the local engine as main talks to it: opens, takes batches, tells readers, closes. */
export class Writer {
  readonly #directory: string
  readonly #clock: Clock
  readonly #connect: Connect
  readonly #main: Port<ToWriter, FromWriter>
  readonly #readers = new ChangeFeed()
  readonly #ingest: Ingest | ReadOnlyIngest
  readonly #retainEveryMs: number
  readonly #callOff = new Set<() => void>()

  constructor(
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    connect: Connect,
    main: Port<ToWriter, FromWriter>,
  ) {
    this.#directory = settings.directory
    this.#retainEveryMs = Math.min(MAX_RETAIN_MS, Math.max(MIN_RETAIN_MS, settings.maxAgeMs / 25))
    this.#clock = clock
    this.#connect = connect
    this.#main = main
    this.#ingest = settings.readOnly
      ? new ReadOnlyIngest(settings, files, clock, main)
      : new Ingest(settings, files, clock, this.#readers, main)
  }

  start(): void {
    try {
      this.#ingest.open()
    } catch (error) {
      this.#main.post({ type: 'failed', error: toMessage(error, `opening ${this.#directory}`) })
      return
    }
    this.#every(this.#retainEveryMs, () => this.#ingest.retain())
    this.#every(CHECK_EVERY_MS, () => this.#ingest.check())
    this.#every(PACE_EVERY_MS, () => this.#ingest.pace())
    this.#main.onMessage((message) => this.#take(message))
    this.#main.post({ type: 'opened', recovered: this.#ingest.recovered })
  }

  #take(message: ToWriter): void {
    switch (message.type) {
      case 'append':
        this.#ingest.append(message.slab, message.ids, message.ends)
        break
      case 'join':
        this.#readers.join(message.reader, this.#connect(message.link), this.#ingest.all())
        break
      case 'join_sealer':
        this.#ingest.joinSealer(this.#connect(message.link))
        break
      case 'pins':
        this.#ingest.pins(message.ask, message.change)
        break
      case 'take_over':
        this.#ingest.takeOver(message.failing)
        break
      case 'ping':
        this.#main.post({ type: 'pong' })
        break
      case 'close':
        void this.#close()
        break
    }
  }

  #every(ms: number, run: () => void): void {
    const callOff = this.#clock.after(ms, () => {
      this.#callOff.delete(callOff)
      run()
      this.#every(ms, run)
    })
    this.#callOff.add(callOff)
  }

  async #close(): Promise<void> {
    for (const callOff of this.#callOff) callOff()
    try {
      await this.#ingest.close()
      this.#main.post({ type: 'closed' })
    } catch (error) {
      this.#main.post({ type: 'closed', error: toMessage(error, `closing ${this.#directory}`) })
    }
    this.#readers.close()
    this.#main.close()
  }
}
