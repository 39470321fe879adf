import { OtlpError } from '@spoor/otlp'
import type { FileSystem } from '../files/file-system.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock, Connect, Port } from '../runtime.ts'
import { toMessage } from '../threads/error.ts'
import type { FromSealer, SealerCommand, SealerReply, ToSealer } from '../threads/protocol.ts'
import { TraceKeeper, type KeepTask } from './keep-traces.ts'
import { Cancelled, CannotSeal, sealLog, type SealTask } from './seal-log.ts'

/** The longest that it rests between two looks at whether it may go on. Milliseconds. */
const LOOK_MS = 250
/** Without a pause it works so long on what is kept, at least. Milliseconds. */
const KEEP_PIECE_MS = 20
/** Of its time, what it has at least for what is kept: the turn of its segment comes, however much there is to be written. */
const KEEP_SHARE = 0.5

/**
 * Writes the sealed forms of closed segments, one at a time, as the writer asks for them, and does nothing else: which segment, when it may, and what
 * becomes of what was written is the writer's to decide. A new writer has what the one before asked for given up.
 */
export class Sealer {
  readonly #directory: string
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #connect: Connect
  readonly #main: Port<SealerCommand, SealerReply>
  readonly #collect: () => void
  #writer: Port<ToSealer, FromSealer> | undefined
  #share = 0
  #isCancelled = false
  #isKeepCancelled = false
  /** All that was asked for, one after the other; what is kept for itself, as sealing may rest for long. */
  #work: Promise<void> = Promise.resolve()
  #keepWork: Promise<void> = Promise.resolve()
  /** Undefined where nothing is kept. */
  readonly #keeper: TraceKeeper | undefined

  /** `collect`: frees the memory of what is done with, as the thread may rest now for long. Default: does nothing. */
  constructor(
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    connect: Connect,
    main: Port<SealerCommand, SealerReply>,
    collect: () => void = () => {},
  ) {
    this.#directory = settings.directory
    this.#files = files
    this.#keeper = settings.keep && new TraceKeeper(files, settings.directory, settings.keep)
    this.#clock = clock
    this.#connect = connect
    this.#main = main
    this.#collect = collect
  }

  start(): void {
    this.#main.onMessage((message) => {
      if (message.type === 'ping') this.#main.post({ type: 'pong' })
      else this.#join(this.#connect(message.link))
    })
  }

  #join(writer: Port<ToSealer, FromSealer>): void {
    this.#writer?.close()
    this.#writer = writer
    this.#share = 0
    writer.onMessage((message) => {
      if (writer === this.#writer) this.#take(message, writer)
    })
    this.#main.post({ type: 'joined' })
  }

  #take(message: ToSealer, writer: Port<ToSealer, FromSealer>): void {
    switch (message.type) {
      case 'seal':
        this.#isCancelled = false
        this.#work = this.#work.then(() => this.#seal(message, writer))
        break
      case 'cancel':
        this.#isCancelled = true
        break
      case 'keep':
        this.#isKeepCancelled = false
        this.#keepWork = this.#keepWork.then(() => this.#keep(message, writer))
        break
      case 'cancel_keep':
        this.#isKeepCancelled = true
        break
      case 'share':
        this.#share = message.share
        break
      case 'sync':
        writer.post(this.#sync())
        break
    }
  }

  async #keep(task: KeepTask, writer: Port<ToSealer, FromSealer>): Promise<void> {
    const share = (): number => Math.max(KEEP_SHARE, this.#share)
    const isWanted = (): boolean => writer === this.#writer && !this.#isKeepCancelled
    const pause = this.#pauses(share, isWanted, KEEP_PIECE_MS)
    try {
      if (!(await pause())) throw new Cancelled('not wanted any more')
      writer.post({ type: 'kept', kept: await this.#keeper!.keep(task, pause) })
    } catch (error) {
      const cause = error instanceof CannotSeal ? 'size' : 'disk'
      writer.post({ type: 'not_kept', cause, error: toMessage(error, 'writing what is kept of a segment') })
    }
    this.#collect()
  }

  /** What is awaited between two pieces of work; false: it is not wanted any more. */
  #pauses(share: () => number, isWanted: () => boolean, pieceMs = 0): () => Promise<boolean> {
    let beganMs = this.#clock.monotonicMs()
    return async () => {
      if (this.#clock.monotonicMs() - beganMs < pieceMs) return isWanted()
      this.#collect()
      await this.#rest(this.#clock.monotonicMs() - beganMs, share, isWanted)
      beganMs = this.#clock.monotonicMs()
      return isWanted()
    }
  }

  async #seal(task: SealTask, writer: Port<ToSealer, FromSealer>): Promise<void> {
    const rest = this.#pauses(
      () => this.#share,
      () => writer === this.#writer && !this.#isCancelled,
    )
    // What is kept is waited for, and takes less.
    const pause = async (): Promise<boolean> => {
      await this.#keepWork
      return rest()
    }
    try {
      if (!(await pause())) throw new Cancelled('not wanted any more')
      const { size, spans } = await sealLog(this.#files, this.#directory, task, pause)
      writer.post({ type: 'written', size, spans })
    } catch (error) {
      const cause = error instanceof CannotSeal ? error.reason : error instanceof OtlpError ? 'log' : 'disk'
      writer.post({ type: 'refused', cause, error: toMessage(error, 'sealing a segment') })
    }
    this.#collect()
  }

  /** After work of so many milliseconds it rests as its share says; while that is nothing, for as long. */
  async #rest(workedMs: number, share: () => number, isWanted: () => boolean): Promise<void> {
    await this.#clock.turn()
    for (let restedMs = 0; isWanted();) {
      const owedMs = share() > 0 ? workedMs * (1 / share() - 1) - restedMs : Infinity
      if (owedMs <= 0) return
      const ms = Math.min(LOOK_MS, owedMs)
      await new Promise<void>((resolve) => void this.#clock.after(ms, resolve))
      restedMs += ms
    }
  }

  #sync(): FromSealer {
    try {
      this.#files.syncDirectory(this.#directory)
      return { type: 'synced' }
    } catch (error) {
      return { type: 'synced', error: toMessage(error, 'making the name of a sealed segment durable') }
    }
  }
}
