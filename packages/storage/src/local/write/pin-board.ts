import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import type { FileSystem } from '../files/file-system.ts'
import { MAX_PINS, readPins, writePins, type Pins } from '../files/pins.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock } from '../runtime.ts'
import { readOnlyError, toMessage } from '../threads/error.ts'
import type { FromWriter, PinChange } from '../threads/protocol.ts'

/** The pins of a store, as its writer, which alone writes them, has them. */
export class PinBoard {
  readonly #settings: LocalStoreSettings
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #post: (message: Extract<FromWriter, { type: 'pins' }>) => void
  readonly #tell: (event: StoreEvent) => void
  /** Undefined as long as they could not be read. */
  #pins: Pins | undefined

  constructor(
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    post: (message: Extract<FromWriter, { type: 'pins' }>) => void,
    tell: (event: StoreEvent) => void,
  ) {
    this.#settings = settings
    this.#files = files
    this.#clock = clock
    this.#post = post
    this.#tell = tell
  }

  /** Throws what the file system throws. */
  get traceIds(): readonly string[] {
    return [...this.#read().keys()]
  }

  /** Answers the message `pins`. True: there is one more. */
  answer(ask: number, change: PinChange | undefined): boolean {
    let pins: Pins = new Map()
    try {
      pins = this.#read()
      const isChanged = change !== undefined && pins.has(change.traceId) !== change.isPinned
      if (isChanged) this.#pins = pins = this.#write(pins, change)
      this.#post({ type: 'pins', ask, pins: [...pins], isChanged })
      return isChanged && change.isPinned
    } catch (error) {
      const doing = change ? `pinning ${change.traceId}` : 'reading which traces are pinned'
      this.#post({ type: 'pins', ask, pins: [...pins], isChanged: false, error: toMessage(error, doing) })
      return false
    }
  }

  #write(pins: Pins, { traceId, isPinned }: PinChange): Pins {
    const { directory, readOnly } = this.#settings
    if (readOnly) throw readOnlyError(directory)
    const changed = new Map(pins)
    if (!isPinned) changed.delete(traceId)
    else if (pins.size < MAX_PINS) changed.set(traceId, this.#clock.wallMs())
    else
      throw new StorageError(
        'bad_query',
        `${MAX_PINS} traces are pinned, and no more can be; take the pin from one first`,
      )
    writePins(this.#files, directory, changed)
    return changed
  }

  #read(): Pins {
    return (this.#pins ??= readPins(this.#files, this.#settings.directory, this.#tell))
  }
}
