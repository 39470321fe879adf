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

/** Where a query's memory is from. */
export type Memory = Pick<Turn, 'reserve'>

/** Memory of a turn that is given back together, before that ends. */
export class Loan implements Memory {
  readonly #turn: Turn
  #bytes = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  reserve(bytes: number): boolean {
    if (!this.#turn.reserve(bytes)) return false
    this.#bytes += bytes
    return true
  }

  end(): void {
    this.#turn.release(this.#bytes)
    this.#bytes = 0
  }
}

/** As {@link Loan}, for what can be done without: where there is no memory for it, the answer is as complete as it was. */
export class Attempt {
  readonly #turn: Turn
  #bytes = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  reserve(bytes: number): boolean {
    if (!this.#turn.mayReserve(bytes)) return false
    this.#bytes += bytes
    return true
  }

  release(bytes: number): void {
    this.#turn.release(bytes)
    this.#bytes -= bytes
  }

  end(): void {
    this.release(this.#bytes)
  }
}

export interface TurnLimits {
  /** Which it shares with others. Default: its own. */
  readonly memory?: QueryMemory
  /** Of that memory at most so much. Default: all of it. */
  readonly maxBytes?: number | undefined
  /** What the caller has given, in milliseconds, for the words of an error; less of it may be left. Default: the time that there is. */
  readonly givenMs?: number
  /** Bytes that the thread has read from files so far. Default: 0. */
  readonly meter?: () => number
}

/**
 * What one query may use: time, of which it gives others their share, and memory. It stops at its deadline, or when nobody waits for it
 * any more, and keeps what tells whether its answer is complete.
 */
export class Turn {
  /** Bytes read from files so far, up to the last time that it gave way. */
  #bytesRead = 0
  /** What the meter showed when it went on. */
  #metered: number
  readonly #meter: () => number
  /** Spans looked at so far. */
  spans = 0
  /** Values asked about so far: of a column each distinct one once; where the bytes of a span are read, all that are wanted of it count as one. */
  values = 0
  #incomplete = false
  /** How often something was left out, or could not be read. */
  #leftOut = 0
  /** The first damage that was met. */
  damage: StorageError | undefined
  #stopped: 'timeout' | 'cancelled' | undefined
  #isCut = false
  #units = 0
  #reserved = 0
  readonly #vanished = new Set<VanishedSegment>()
  readonly #clock: Clock
  readonly #memory: QueryMemory
  readonly #maxBytes: number
  readonly #began: number
  #turnEnds: number
  readonly #timeoutMs: number
  readonly #givenMs: number
  readonly #deadline: number
  #part: Turn | undefined

  constructor(clock: Clock, timeoutMs: number, limits: TurnLimits = {}) {
    const now = clock.monotonicMs()
    this.#clock = clock
    this.#memory = limits.memory ?? new QueryMemory(QUERY_BYTES)
    this.#maxBytes = limits.maxBytes ?? Infinity
    this.#began = now
    this.#timeoutMs = timeoutMs
    this.#givenMs = limits.givenMs ?? timeoutMs
    this.#meter = limits.meter ?? (() => 0)
    this.#metered = this.#meter()
    this.#deadline = now + timeoutMs
    this.#turnEnds = Math.min(now + TURN_MS, this.#deadline)
  }

  /** Milliseconds since it began. */
  get elapsedMs(): number {
    return this.#clock.monotonicMs() - this.#began
  }

  /** The share of its time that is over, 0 to 1. */
  get timeShare(): number {
    return this.elapsedMs / this.#timeoutMs
  }

  /** Bytes read from files. Others read only while it has given way. */
  get bytesRead(): number {
    return this.#bytesRead + this.#meter() - this.#metered
  }

  /** Something was left out, or could not be read. */
  get incomplete(): boolean {
    return this.#incomplete
  }

  set incomplete(isSo: boolean) {
    this.#incomplete = isSo
    this.#leftOut++
  }

  get stopped(): boolean {
    return this.#stopped !== undefined
  }

  /** Whether there was no time or memory for something: with more of it, more may be found. Of what is damaged that is not so. */
  get isCut(): boolean {
    return this.#isCut || this.stopped
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
    this.#part?.cancel()
  }

  /** Begins a part of its work, which has what is left of its time and memory. One at a time. */
  beginPart(): Turn {
    const part = new Turn(this.#clock, Math.max(0, this.#deadline - this.#clock.monotonicMs()), {
      memory: this.#memory,
      maxBytes: this.#maxBytes - this.#reserved,
      meter: this.#meter,
    })
    this.#bytesRead = this.bytesRead
    if (this.#stopped) part.cancel()
    part.#units = this.#units
    part.#turnEnds = this.#turnEnds
    this.#part = part
    return part
  }

  /** The memory of the part is given back; what it has found of how complete the answer is stays. */
  endPart(part: Turn): void {
    this.#part = undefined
    this.#units = part.#units
    this.#turnEnds = part.#turnEnds
    this.#stopped ??= part.#stopped
    this.spans += part.spans
    this.values += part.values
    this.#bytesRead += part.bytesRead
    this.#metered = this.#meter()
    this.incomplete ||= part.incomplete
    this.damage ??= part.damage
    for (const segment of part.#vanished) this.#vanished.add(segment)
    this.#isCut ||= part.#isCut
    part.end()
  }

  /** Work with what is left of its time and memory, of which the memory is given back; see {@link beginPart}. */
  async withPart<T>(work: (part: Turn) => Promise<T>): Promise<T> {
    const part = this.beginPart()
    try {
      return await work(part)
    } finally {
      this.endPart(part)
    }
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
      this.incomplete = this.#isCut = true
      return true
    }
    return now < this.#turnEnds ? false : this.#giveWay()
  }

  async #giveWay(): Promise<boolean> {
    this.#bytesRead = this.bytesRead
    await this.#clock.turn()
    this.#metered = this.#meter()
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
      return this.#missed(error)
    }
  }

  /** As {@link attempt}, of work that gives way: rows of a sealed block read a column when it is first touched. */
  async attemptAll<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      return this.#missed(error)
    }
  }

  #missed(error: unknown): undefined {
    this.#leftOut++
    if (error instanceof Vanished) this.#vanished.add(error.segment)
    else if (error instanceof StorageError && (error.code === 'corrupt' || error.code === 'io')) {
      this.incomplete = true
      this.damage ??= error
    } else throw error
  }

  /** What `work` gives, and whether nothing was left out in it: it was not stopped, and all that it asked for could be read. */
  async wholly<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly isWhole: boolean }> {
    const before = this.#leftOut
    const result = await work()
    return { result, isWhole: this.#leftOut === before && !this.stopped }
  }

  /** Something of this segment is not known, because a file of it was not there. */
  miss(segment: VanishedSegment): void {
    this.#vanished.add(segment)
  }

  /** Takes memory for the query; false, and the answer is incomplete, when there is no more. */
  reserve(bytes: number): boolean {
    if (this.mayReserve(bytes)) return true
    this.incomplete = this.#isCut = true
    return false
  }

  /** Takes memory that the query can do without: nothing is missing without it. */
  mayReserve(bytes: number): boolean {
    if (this.#reserved + bytes > this.#maxBytes || !this.#memory.take(bytes)) return false
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
