import type { TelemetryBatch } from '@spoor/otlp'
import { StorageError } from '../../contract.ts'
import type { KeepingState, SealingState, StoreEvent, StorePart } from '../../events.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Host, Link } from '../runtime.ts'
import { fromMessage, readOnlyError, storageError } from './error.ts'
import { Outbox } from './outbox.ts'
import type { FromWriter, PinChange, ReaderPart, ToWriter } from './protocol.ts'
import { Supervisor } from './supervisor.ts'

/** How long the writer may leave a batch unanswered before it is replaced: a sync, or a write, that does not return. Milliseconds. */
const MAX_ANSWER_MS = 30_000
/** ... and before that is told, and others are refused rather than wait behind it. Milliseconds. */
const SLOW_ANSWER_MS = 10_000
/** How long a batch waits for room before it is refused. Milliseconds. */
const MAX_WAIT_MS = 10_000
const WATCH_EVERY_MS = 1_000

/** What the writer says of the pins. */
export type PinAnswer = Pick<Extract<FromWriter, { type: 'pins' }>, 'pins' | 'isChanged'>

/**
 * Main's side of the writer, and of the directory: locks it, starts the writer on it, hands batches over and has them answered. When the writer
 * is gone, or the directory is, all that it has not answered is refused, and the next one starts on what there is: it recovers the directory.
 */
export class WriterClient {
  readonly #host: Host
  readonly #settings: LocalStoreSettings
  readonly #outbox: Outbox
  readonly #supervisor: Supervisor<FromWriter, ToWriter>
  readonly #onOpened: () => void
  readonly #onWaiting: () => void
  readonly #opened = Promise.withResolvers<void>()
  readonly #tell: (event: StoreEvent) => void
  #unlock: (() => void) | undefined
  /** The lock went with the directory. */
  #isDirectoryLost = false
  /** What the writer has told to fail. */
  readonly #failing = new Set<StorePart>()
  #hasOpened = false
  #isOpen = false
  /** It has been told that a batch waits for long. */
  #isSlow = false
  #closed: ((error: StorageError | undefined) => void) | undefined
  #callOff = (): void => {}
  recovered = { blocks: 0, tornBytes: 0 }
  /** How far the sealing of segments has got; undefined where nothing is sealed. */
  sealing: SealingState | undefined
  /** What is kept longer; undefined where nothing is. */
  keeping: KeepingState | undefined
  /** Who waits to hear of the pins. */
  readonly #asked = new Map<number, PromiseWithResolvers<PinAnswer>>()
  #asks = 0
  /** What the writer said last; nobody else changes them. */
  #pins: PinAnswer['pins'] | undefined

  /** `onOpened`: a writer, the first or a new one, has recovered the directory; readers can join. `onWaiting`: there are segments to be sealed; perhaps called again. */
  constructor(
    host: Host,
    settings: LocalStoreSettings,
    tell: (event: StoreEvent) => void,
    onOpened: () => void,
    onWaiting: () => void,
    gaveUp: (error: StorageError) => void,
  ) {
    this.#host = host
    this.#settings = settings
    this.#tell = tell
    this.#onOpened = onOpened
    this.#onWaiting = onWaiting
    this.#outbox = new Outbox(host.clock, settings.maxPendingBytes, (message, transfer) =>
      this.#supervisor.post(message, transfer),
    )
    this.#supervisor = new Supervisor(host.clock, tell, {
      part: 'writer',
      start: () => {
        this.#takeDirectory()
        return host.start('writer', settings)
      },
      started() {},
      onMessage: (message) => this.#take(message),
      lost: (error) => this.#lost(error),
      gaveUp: (error) => {
        this.#opened.reject(error)
        gaveUp(error)
      },
    })
  }

  /** Resolves when the first writer has recovered the directory; rejects when it cannot. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  /** Spans acknowledged. */
  get appended(): number {
    return this.#outbox.appended
  }

  /** Makes the directory when it is missing, and takes it; to be read only, it is left as it is. Throws StorageError. */
  start(): void {
    if (!this.#settings.readOnly) this.#host.files.makeDirectory(this.#settings.directory)
    this.#supervisor.start()
    this.#watch()
  }

  append(batch: TelemetryBatch): Promise<void> {
    if (this.#settings.readOnly) return Promise.reject(readOnlyError(this.#settings.directory))
    return this.#outbox.append(batch)
  }

  /** Which traces are pinned, after a change. Rejects with StorageError; then nothing was changed, unless the writer ended at it. */
  pins(change?: PinChange): Promise<PinAnswer> {
    if (!change && this.#pins) return Promise.resolve({ pins: this.#pins, isChanged: false })
    if (!this.#isOpen)
      return Promise.reject(new StorageError('io', `the store in ${this.#settings.directory} has no writer now`))
    const asked = Promise.withResolvers<PinAnswer>()
    this.#asked.set(++this.#asks, asked)
    this.#supervisor.post({ type: 'pins', ask: this.#asks, ...(change && { change }) })
    return asked.promise
  }

  /** The other part's end of a channel to the writer; undefined while there is none that could tell what there is. */
  connect(part: ReaderPart | 'sealer'): Link | undefined {
    if (!this.#isOpen) return undefined
    const [link, otherEnd] = this.#host.channel()
    const message =
      part === 'sealer' ? ({ type: 'join_sealer', link } as const) : ({ type: 'join', reader: part, link } as const)
    this.#supervisor.post(message, [link])
    return otherEnd
  }

  /** Refuses all appends from now on, and those under way. */
  fail(error: StorageError): void {
    this.#outbox.fail(error)
    this.#refusePins(error)
  }

  /** No further appends. Resolves when all are answered and, after `before`, the files closed, with what went wrong at that. */
  async close(reason: StorageError, before: Promise<unknown>): Promise<StorageError | undefined> {
    await this.#outbox.drain(reason)
    await before
    if (!this.#isOpen) return undefined
    return new Promise((resolve) => {
      this.#closed = resolve
      this.#supervisor.post({ type: 'close' })
    })
  }

  /** What has not been answered yet, in words. */
  get unanswered(): { readonly batches: number; readonly spans: number } {
    return this.#outbox.unanswered
  }

  /** Ends the writer for good. Resolves when it has ended. */
  stop(): Promise<void> {
    this.#callOff()
    return this.#supervisor.stop()
  }

  /** Gives the directory back to whoever wants it next. */
  release(): void {
    this.#unlock?.()
    this.#unlock = undefined
  }

  #takeDirectory(): void {
    const { directory } = this.#settings
    try {
      if (!this.#host.files.identity(directory)) throw new StorageError('io', `${directory} is not there`)
      if (this.#isDirectoryLost) this.release()
      this.#isDirectoryLost = false
      if (!this.#settings.readOnly) this.#unlock ??= this.#host.lock(directory)
    } catch (error) {
      throw storageError(error, `opening ${directory}`)
    }
  }

  #take(message: FromWriter): void {
    switch (message.type) {
      case 'opened':
        if (!this.#hasOpened) this.recovered = message.recovered
        this.#hasOpened = this.#isOpen = true
        if (this.#failing.size > 0) this.#supervisor.post({ type: 'take_over', failing: [...this.#failing] })
        this.#outbox.resume()
        this.#supervisor.works()
        this.#opened.resolve()
        this.#onOpened()
        break
      case 'failed':
        this.#couldNotOpen(fromMessage(message.error))
        break
      case 'lost':
        this.#isDirectoryLost = true
        this.#supervisor.replace(fromMessage(message.error), false)
        break
      case 'durable':
        this.#answered()
        this.#outbox.settle(message.ids, message.slabs, undefined)
        break
      case 'rejected':
        this.#answered()
        this.#outbox.settle(message.ids, message.slabs, fromMessage(message.error))
        break
      case 'event':
        this.#note(message.event)
        this.#tell(message.event)
        break
      case 'sealing':
        this.sealing = message.state
        if (message.state.waitingSegments > 0) this.#onWaiting()
        break
      case 'keeping':
        this.keeping = message.state
        break
      case 'pins': {
        const asked = this.#asked.get(message.ask)
        this.#asked.delete(message.ask)
        if (message.error) asked?.reject(fromMessage(message.error))
        else {
          this.#pins = message.pins
          asked?.resolve(message)
        }
        break
      }
      case 'closed':
        this.#supervisor.finished()
        this.#closed?.(message.error && fromMessage(message.error))
        break
      case 'pong':
    }
  }

  #note(event: StoreEvent): void {
    if (event.code === 'failing') this.#failing.add(event.part)
    else if (event.code === 'full') this.#failing.add('disk')
    else if (event.code === 'recovered_again') this.#failing.delete(event.part)
  }

  /** Whether a change that was under way was made is not known. */
  #refusePins(error: StorageError): void {
    this.#pins = undefined
    for (const asked of this.#asked.values()) asked.reject(error)
    this.#asked.clear()
  }

  #couldNotOpen(error: StorageError): void {
    if (!this.#hasOpened) this.#opened.reject(error)
    else if (error.retryable) this.#supervisor.replace(error, false)
    else this.#supervisor.giveUp(error)
  }

  #lost(error: StorageError): void {
    this.#isOpen = this.#isSlow = false
    this.#refusePins(error)
    const refusal = new StorageError(
      'io',
      `${error.message}; none of it is acknowledged, some may be stored: send it again`,
    )
    this.#outbox.fail(refusal)
    this.#closed?.(error)
  }

  /** No append waits for ever. As to a batch that is not answered for long, the writer may answer pings while a sync of its hangs. */
  #watch(): void {
    this.#callOff = this.#host.clock.after(WATCH_EVERY_MS, () => {
      this.#outbox.expire(MAX_WAIT_MS)
      const { oldestMs } = this.#outbox
      if (oldestMs > MAX_ANSWER_MS) this.#supervisor.replace(notWrittenFor(MAX_ANSWER_MS))
      else if (oldestMs > SLOW_ANSWER_MS && this.#isOpen && !this.#isSlow) {
        this.#isSlow = true
        const error = notWrittenFor(SLOW_ANSWER_MS)
        this.#outbox.refuse(error)
        this.#supervisor.fails(error.message)
      }
      this.#watch()
    })
  }

  #answered(): void {
    if (!this.#isSlow) return
    this.#isSlow = false
    this.#outbox.resume()
    this.#supervisor.works()
  }
}

function notWrittenFor(ms: number): StorageError {
  return new StorageError('io', `the disk has not written a batch for ${ms / 1000} s`)
}
