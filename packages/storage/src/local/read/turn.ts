import { StorageError } from '../../contract.ts'
import type { Clock } from '../runtime.ts'
import { QUERY_BYTES, QueryMemory } from './query-memory.ts'

/** How long a query runs before it lets the thread's other work have its turn, in milliseconds. */
const TURN_MS = 8
/** Work, in units of about a nanosecond, after which a query looks at the clock. */
const LOOK_UNITS = 500_000

/** A segment that was not there when it should have been read. Deleted by retention it is no loss. */
export interface VanishedSegment {
  readonly dropped: boolean
}

/** Thrown by a block whose segment's files are gone. */
export class Vanished extends Error {
  readonly segment: VanishedSegment
  constructor(segment: VanishedSegment, message: string) {
    super(message)
    this.segment = segment
  }
}

/**
 * What one query may use: time, of which it gives others their share, and memory. It stops at its deadline, or when nobody waits for it
 * any more, and keeps what tells whether its answer is complete.
 */
export class Turn {
  /** Spans looked at so far. */
  spans = 0
  /** Something was left out, or could not be read. */
  incomplete = false
  /** The first damage that was met. */
  damage: StorageError | undefined
  #stopped: 'timeout' | 'cancelled' | undefined
  #units = 0
  #reserved = 0
  readonly #vanished = new Set<VanishedSegment>()
  readonly #clock: Clock
  readonly #memory: QueryMemory
  readonly #began: number
  #turnEnds: number
  readonly #timeoutMs: number
  readonly #givenMs: number
  readonly #deadline: number

  /** `givenMs`: what the caller has given, for the words of an error; less of it may be left. */
  constructor(
    clock: Clock,
    timeoutMs: number,
    memory: QueryMemory = new QueryMemory(QUERY_BYTES),
    givenMs = timeoutMs,
  ) {
    const now = clock.monotonicMs()
    this.#clock = clock
    this.#memory = memory
    this.#began = now
    this.#timeoutMs = timeoutMs
    this.#givenMs = givenMs
    this.#deadline = now + timeoutMs
    this.#turnEnds = Math.min(now + TURN_MS, this.#deadline)
  }

  /** Milliseconds since it began. */
  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#began
  }

  get stopped(): boolean {
    return this.#stopped !== undefined
  }

  /** Whether all that was in question was looked at, so far. */
  get complete(): boolean {
    return !this.stopped && !this.incomplete && !this.hasVanished
  }

  /** Whether files are gone that should be there. */
  get hasVanished(): boolean {
    for (const { dropped } of this.#vanished) if (!dropped) return true
    return false
  }

  /** The caller is not interested any more. */
  cancel(): void {
    this.#stopped ??= 'cancelled'
  }

  /** For answers that cannot say that they are not complete. Throws StorageError `timeout` or `cancelled` when it was stopped. */
  throwIfStopped(): void {
    if (this.#stopped === 'cancelled') throw new StorageError('cancelled', 'the query was cancelled by its caller')
    if (this.#stopped === 'timeout') {
      throw new StorageError(
        'timeout',
        `the query was not done after ${this.#givenMs} ms; ask for less, or give it more time`,
      )
    }
  }

  /** Counts work of about so many nanoseconds; true: {@link breathe} is due. */
  work(units: number): boolean {
    this.#units += units
    return this.#units >= LOOK_UNITS
  }

  /**
   * To be awaited between pieces of work; true means: end with what there is. `share`: the part of the query's time, 0 to 1, after which this
   * stage of it ends, so that a later one has some left.
   */
  breathe(share = 1): boolean | Promise<boolean> {
    this.#units = 0
    if (this.#stopped) return true
    const now = this.#clock.monotonicMs()
    if (now >= this.#deadline) {
      this.#stopped = 'timeout'
      return true
    }
    if (share < 1 && now - this.#began >= share * this.#timeoutMs) {
      this.incomplete = true
      return true
    }
    return now < this.#turnEnds ? false : this.#giveWay()
  }

  async #giveWay(): Promise<boolean> {
    await this.#clock.turn()
    const now = this.#clock.monotonicMs()
    this.#turnEnds = now + TURN_MS
    if (now >= this.#deadline) this.#stopped ??= 'timeout'
    return this.stopped
  }

  /**
   * What `read` gives; undefined when that is damaged, which makes the answer incomplete and nothing worse, or was deleted in the
   * meantime.
   */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (error instanceof Vanished) this.#vanished.add(error.segment)
      else if (error instanceof StorageError && (error.code === 'corrupt' || error.code === 'io')) {
        this.incomplete = true
        this.damage ??= error
      } else throw error
      return undefined
    }
  }

  /** Something of this segment is not known, because a file of it was not there. */
  miss(segment: VanishedSegment): void {
    this.#vanished.add(segment)
  }

  /** Takes memory for the query; false, and the answer is incomplete, when there is no more. */
  reserve(bytes: number): boolean {
    if (this.mayReserve(bytes)) return true
    this.incomplete = true
    return false
  }

  /** Takes memory that the query can do without: nothing is missing without it. */
  mayReserve(bytes: number): boolean {
    if (!this.#memory.take(bytes)) return false
    this.#reserved += bytes
    return true
  }

  release(bytes: number): void {
    this.#memory.give(bytes)
    this.#reserved -= bytes
  }

  /** The query is over: gives back what it has. */
  end(): void {
    this.release(this.#reserved)
  }
}
