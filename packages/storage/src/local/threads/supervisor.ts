import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import type { Clock, EnginePart, Link, RunningPart } from '../runtime.ts'
import type { Ping, Pong } from './protocol.ts'

/** How often a part is asked whether it still comes to its messages, in milliseconds. */
const PING_EVERY_MS = 1_000
/** Times that it may let a question unanswered. Counted, not timed: when main itself was stopped, that counts once. */
const MAX_SILENT_PINGS: Readonly<Record<EnginePart, number>> = {
  writer: 30,
  lookup_reader: 5,
  search_reader: 5,
  // It syncs large files.
  sealer: 60,
}
/** ... before it has said anything: a thread that is loaded, the writer in its recovery. The first one of all may take any time for that. */
const MAX_SILENT_PINGS_AT_START: Readonly<Record<EnginePart, number>> = {
  writer: 600,
  lookup_reader: 60,
  search_reader: 60,
  sealer: 60,
}
/**
 * Restarts within {@link RESTARTS_WITHIN_MS}, beyond which the store gives up. A reader may be ended by a question, and a question that
 * hangs takes its deadline each time: so it has more. Without a sealer it goes on as well.
 */
const MAX_RESTARTS: Readonly<Record<EnginePart, number>> = {
  writer: 5,
  lookup_reader: 10,
  search_reader: 10,
  sealer: Infinity,
}
const RESTARTS_WITHIN_MS = 60_000
/** How long the first restart of a row waits, and how long each further one at most. Milliseconds. */
const FIRST_PAUSE_MS = 10
const MAX_PAUSE_MS: Readonly<Record<EnginePart, number>> = {
  writer: 2_000,
  lookup_reader: 2_000,
  search_reader: 2_000,
  // Nobody waits for it.
  sealer: 30_000,
}
/** How long to wait when it is the disk, or the directory, that does not let the part work. Milliseconds. */
const RETRY_MS = 1_000

/** What a supervised part does for who supervises it. */
export interface Supervised<In, Out> {
  readonly part: EnginePart
  /** Starts it; what it throws as StorageError `io`, `disk_full` or `locked` is tried again for as long as it takes. */
  start(): RunningPart<In | Pong, Out | Ping>
  /** It was started: the first messages can be posted. */
  started(): void
  onMessage(message: In): void
  /** It is gone. Nothing comes from it any more, and nothing is posted to it before `started`. */
  lost(error: StorageError): void
  gaveUp(error: StorageError): void
}

/**
 * Keeps one part of the engine running. A part that ends, or does not answer, is ended for good and replaced, which is told by events:
 * `failing`, `restarted`, `recovered_again` when it works, and `gave_up` when it had to be replaced too often. Its successor is started when
 * it has really ended, so that there are never two; what a dead part said is not heard any more.
 */
export class Supervisor<In, Out> {
  readonly #clock: Clock
  readonly #tell: (event: StoreEvent) => void
  readonly #supervised: Supervised<In, Out>
  #running: RunningPart<In | Pong, Out | Ping> | undefined
  /** Parts that were told to end and have not. */
  readonly #ending = new Set<RunningPart<In | Pong, Out | Ping>>()
  #stopped = false
  #restarts: number[] = []
  #failing: { readonly sinceMs: number; reason: string; failures: number } | undefined
  #silentPings = 0
  #wasHeard = false
  #starts = 0
  #callOff = (): void => {}

  constructor(clock: Clock, tell: (event: StoreEvent) => void, supervised: Supervised<In, Out>) {
    this.#clock = clock
    this.#tell = tell
    this.#supervised = supervised
  }

  /** The first start, unless it has been, or all is over; throws when it cannot be. */
  start(): void {
    if (this.#starts === 0 && !this.#stopped) this.#start()
  }

  /** False between the end of a part and the start of the next. */
  get isRunning(): boolean {
    return this.#running !== undefined
  }

  post(message: Out, transfer?: readonly (ArrayBuffer | Link)[]): void {
    this.#running?.port.post(message, transfer)
  }

  /** It has been seen to work. */
  works(): void {
    const failing = this.#failing
    if (!failing || !this.#running) return
    this.#failing = undefined
    const afterMs = Math.round(this.#clock.monotonicMs() - failing.sinceMs)
    this.#tell({ code: 'recovered_again', part: this.#supervised.part, afterMs, failures: failing.failures })
  }

  /** It goes on, but does not do its work. */
  fails(reason: string): void {
    const now = this.#clock.monotonicMs()
    const told = this.#failing?.reason === reason
    this.#failing ??= { sinceMs: now, reason, failures: 0 }
    this.#failing.failures++
    this.#failing.reason = reason
    if (!told) this.#tell({ code: 'failing', part: this.#supervised.part, reason })
  }

  /** Ends it and starts another. `counts`: it is to blame, and not what it works on. */
  replace(error: StorageError, counts = true): void {
    const running = this.#running
    if (!running || this.#stopped) return
    const { part } = this.#supervised
    this.#end(running)
    this.fails(error.message)
    this.#supervised.lost(error)
    const now = this.#clock.monotonicMs()
    this.#restarts = this.#restarts.filter((at) => now - at < RESTARTS_WITHIN_MS)
    if (counts && this.#restarts.length >= MAX_RESTARTS[part]) {
      this.#giveUp(error)
      return
    }
    if (counts) this.#restarts.push(now)
    const row = this.#restarts.length
    const pauseMs = counts ? Math.min(FIRST_PAUSE_MS * 4 ** (row - 1), MAX_PAUSE_MS[part]) : RETRY_MS
    // Never two at once: the writer's files are its own.
    void running.ended.then(() => this.#later(pauseMs, () => this.#restart(error, counts)))
  }

  /** Ends it, as no successor could do better. */
  giveUp(error: StorageError): void {
    if (!this.#running || this.#stopped) return
    this.#end(this.#running)
    this.fails(error.message)
    this.#giveUp(error)
  }

  /** It has done all its work and ends by itself, which is no failure. */
  finished(): void {
    this.#stopped = true
    this.#callOff()
  }

  /** Ends it for good. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#callOff()
    if (this.#running) this.#end(this.#running)
    await Promise.all([...this.#ending].map(({ ended }) => ended))
  }

  #start(): void {
    const running = this.#supervised.start()
    this.#running = running
    this.#silentPings = 0
    this.#wasHeard = false
    this.#starts++
    running.port.onMessage((message) => {
      if (running !== this.#running) return
      this.#silentPings = 0
      this.#wasHeard = true
      if ((message as Pong).type !== 'pong') this.#supervised.onMessage(message as In)
    })
    void running.ended.then((reason) => {
      this.#ending.delete(running)
      if (running === this.#running) this.replace(new StorageError('io', reason))
    })
    this.#supervised.started()
    this.#ping()
  }

  #restart(error: StorageError, counts: boolean): void {
    try {
      this.#start()
    } catch (cause) {
      const refusal = cause instanceof StorageError ? cause : new StorageError('io', String(cause), { cause })
      this.fails(refusal.message)
      if (refusal.retryable || refusal.code === 'locked') this.#later(RETRY_MS, () => this.#restart(error, counts))
      else this.#giveUp(refusal)
      return
    }
    const { part } = this.#supervised
    const limits = { maxRestarts: MAX_RESTARTS[part], withinMs: RESTARTS_WITHIN_MS }
    this.#tell({ code: 'restarted', part, reason: error.message, restarts: this.#restarts.length, ...limits })
  }

  #giveUp(error: StorageError): void {
    const { part } = this.#supervised
    const restarts = this.#restarts.length
    this.#tell({ code: 'gave_up', part, reason: error.message, restarts, withinMs: RESTARTS_WITHIN_MS })
    this.#supervised.gaveUp(error)
  }

  #end(running: RunningPart<In | Pong, Out | Ping>): void {
    this.#callOff()
    this.#running = undefined
    this.#ending.add(running)
    running.terminate()
    void running.ended.then(() => this.#ending.delete(running))
  }

  #ping(): void {
    this.#later(PING_EVERY_MS, () => {
      const { part } = this.#supervised
      const isFirst = !this.#wasHeard && this.#starts === 1 && part === 'writer'
      const most = isFirst ? Infinity : (this.#wasHeard ? MAX_SILENT_PINGS : MAX_SILENT_PINGS_AT_START)[part]
      if (this.#silentPings >= most) {
        const seconds = (this.#silentPings * PING_EVERY_MS) / 1000
        this.replace(new StorageError('io', `the ${part.replace('_', ' ')} has not answered for ${seconds} s`))
        return
      }
      this.#silentPings++
      this.#running?.port.post({ type: 'ping' })
      this.#ping()
    })
  }

  #later(ms: number, run: () => void): void {
    if (this.#stopped) return
    this.#callOff()
    this.#callOff = this.#clock.after(ms, () => {
      if (!this.#stopped) run()
    })
  }
}
