import { join } from 'node:path'
import type { SealingState, StoreEvent } from '../../events.ts'
import type { FileSystem } from '../files/file-system.ts'
import { indexPath, logName, logPath, parseName, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import type { Clock, Port } from '../runtime.ts'
import type { ChangeFeed } from '../threads/change-feed.ts'
import { fromMessage } from '../threads/error.ts'
import type { FromSealer, ToSealer } from '../threads/protocol.ts'
import { Leftovers } from './leftovers.ts'
import { sealingShare } from './pace.ts'
import { Pauses } from './pauses.ts'
import type { Shelf, ShelvedSegment } from './shelf.ts'

/**
 * What a sealed form may take more than log and index, which only very small ones do, where the store is smaller than this share of its limit. In
 * a larger one it has to be smaller.
 */
const EXTRA_BYTES = 8 * 1024
const EXTRA_SHARE = 0.5
/** What was sealed is told when nothing is left to be done, or after so long. */
const TELL_EVERY_MS = 60_000
/** Sealers that may end while they have one segment. */
const MAX_DEATHS = 2

/** What sealing needs of who owns the files. */
export interface SealingHost {
  readonly files: FileSystem
  readonly clock: Clock
  readonly directory: string
  readonly maxBytes: number
  /** Segments are needed sealed when their turn to be deleted comes. */
  readonly isNeeded: boolean
  readonly shelf: Shelf
  readonly readers: ChangeFeed
  tell(event: StoreEvent): void
  post(state: SealingState): void
  /** Whether so many bytes may be taken, beside those that sealing has; the oldest segments may go for it. */
  hasRoom(bytes: number): boolean
  failed(error: unknown, doing: string): void
  worked(): void
  /** Whether a file like that of something unfinished is another's. */
  isOthers(name: string): boolean
  /** What the sealer says of other work than sealing. */
  others(message: Extract<FromSealer, { type: 'kept' | 'not_kept' }>): void
}

/**
 * - `writing`: the sealer writes it, as `<id>.seal.new`.
 * - `naming`: it is whole and durable, and has its name; the sealer makes that durable. Until then the log counts.
 * - `switching`: it counts. The log goes when each reader has said that it reads it no more.
 */
interface Job {
  readonly id: number
  readonly segment: ShelvedSegment
  phase: 'writing' | 'naming' | 'switching'
  /** Retention took the segment. */
  isDropped: boolean
  /** What it takes, or may take at most. */
  size: number
  spans: number
}

const NOTHING = { segments: 0, spans: 0, bytesBefore: 0, bytes: 0 }

/**
 * Gives closed segments their sealed form, the oldest first. At each step, whatever ends there, one of the two forms is whole and durable and counts,
 * and what it costs beside is known: {@link reservedBytes}. The sealer does what takes long; the renaming and removing is done here, by the owner
 * of the files. While there is no sealer, nothing is sealed.
 */
export class Sealing {
  readonly #host: SealingHost
  #sealer: Port<FromSealer, ToSealer> | undefined
  #share = 0
  /** Retention took what the sealer had last. */
  #isLate = false
  /** What the sealer has. */
  #job: Job | undefined
  readonly #switching = new Map<number, Job>()
  readonly #leftovers: Leftovers
  readonly #deaths = new Map<number, number>()
  readonly #pauses: Pauses
  #untold = NOTHING
  #untoldSinceMs = 0
  #posted = ''
  #isClosed = false

  constructor(host: SealingHost) {
    this.#host = host
    this.#leftovers = new Leftovers(host.files, (error) =>
      host.failed(error, 'removing what is not needed after sealing'),
    )
    this.#pauses = new Pauses(host.clock)
  }

  /** Bytes beside those of the shelf: of sealed forms that do not count yet, and of logs that do not any more. */
  get reservedBytes(): number {
    let bytes = this.#leftovers.bytes + (this.#job ? this.#job.size : 0)
    for (const job of this.#switching.values()) bytes += job.segment.bytes
    return bytes
  }

  /** Whether its sealed form counts, and its log is there yet. */
  isSwitching(id: number): boolean {
    return this.#switching.has(id)
  }

  /** There is a sealer, and none that was before. */
  join(sealer: Port<FromSealer, ToSealer>): void {
    this.#sealer?.close()
    this.#sealer = sealer
    this.#share = 0
    const job = this.#job
    this.#job = undefined
    if (job) this.#died(job)
    this.#removeStrays()
    sealer.onMessage((message) => {
      if (sealer !== this.#sealer || this.#isClosed) return
      if (message.type === 'kept' || message.type === 'not_kept') this.#host.others(message)
      else this.#take(message)
    })
    this.#pump()
  }

  /** Called about once a second. `grownBytes`: what was written since. */
  pace(grownBytes: number): void {
    const { clock, shelf } = this.#host
    this.#leftovers.retry()
    const waiting = shelf.segments.filter(canBeSealed)
    const bytes = waiting.reduce((sum, segment) => sum + segment.bytes, 0)
    const oldestMs = waiting[0] ? clock.monotonicMs() - waiting[0].closedAtMs : 0
    const share = sealingShare(grownBytes, { bytes, oldestMs }, this.#host.maxBytes)
    if (share !== this.#share) this.#sealer?.post({ type: 'share', share })
    this.#share = share
    this.#pump()
    // What failed may have been dropped meanwhile.
    if (waiting.length === 0 && this.#leftovers.size === 0) this.#host.worked()
    this.#tellSealed(waiting.length === 0)
    this.#post(waiting.length, bytes)
  }

  /** Retention took these. */
  dropped(ids: readonly number[]): void {
    for (const id of ids) {
      this.#switching.delete(id)
      this.#host.readers.forget(id)
      if (this.#job?.id !== id) continue
      this.#job.isDropped = this.#isLate = true
      this.#sealer?.post({ type: 'cancel' })
    }
  }

  /** The sealer has ended. */
  close(): void {
    this.#isClosed = true
    this.#sealer?.close()
    this.#tellSealed(true)
    if (this.#job) this.#undo(this.#job)
    this.#leftovers.retry()
  }

  #pump(): void {
    const { shelf } = this.#host
    if (!this.#sealer || this.#job || this.#isClosed || this.#share === 0 || !this.#pauses.isOver) return
    const waiting = shelf.segments.filter(canBeSealed)
    // Where the oldest go before they are sealed, those in the middle will be in time.
    const segment = waiting[this.#isLate && this.#host.isNeeded ? waiting.length >> 1 : 0]
    if (!segment) return
    const most = segment.bytes + (shelf.bytes < EXTRA_SHARE * this.#host.maxBytes ? EXTRA_BYTES : 0)
    if (!this.#host.hasRoom(most)) {
      // Whether it would work now is not known; it waits for room, and that is no failure.
      this.#host.worked()
      return
    }
    if (!shelf.has(segment.id)) return
    this.#job = { id: segment.id, segment, phase: 'writing', isDropped: false, size: most, spans: 0 }
    this.#sealer.post({ type: 'seal', id: segment.id, logSize: segment.logSize!, maxBytes: most })
  }

  #take(message: Exclude<FromSealer, { type: 'kept' | 'not_kept' }>): void {
    const job = this.#job
    if (!job) return
    if (message.type === 'written' && !job.isDropped) {
      this.#written(job, message.size, message.spans)
      return
    }
    this.#job = undefined
    const error = 'error' in message ? message.error : undefined
    if (job.isDropped || error) this.#undo(job)
    if (!job.isDropped) {
      if (!error) this.#named(job)
      else if (message.type === 'refused' && message.cause !== 'disk') this.#giveUp(job, message.cause, error.message)
      else this.#failed(fromMessage(error))
    }
    this.#pump()
  }

  /** Its bytes are durable: gives it its name. */
  #written(job: Job, size: number, spans: number): void {
    const { files, directory } = this.#host
    const path = sealedPath(directory, job.id)
    Object.assign(job, { size, spans })
    try {
      files.rename(path + NEW, path)
      job.phase = 'naming'
      this.#sealer!.post({ type: 'sync' })
    } catch (error) {
      this.#job = undefined
      this.#undo(job)
      this.#failed(error)
    }
  }

  /** From now on it counts. */
  #named(job: Job): void {
    const { shelf, readers } = this.#host
    const { id, segment, size } = job
    job.phase = 'switching'
    this.#isLate = false
    this.#switching.set(id, job)
    const { logSize: _, ...rest } = segment
    const change = { type: 'sealed', id, isDamaged: false } as const
    const sealed: ShelvedSegment = { ...rest, bytes: size, savedBytes: segment.bytes - size, changes: [change] }
    // Whoever joins while the log is there learns of both, and switches.
    shelf.replace({ ...sealed, changes: [...segment.changes, change] })
    this.#pauses.worked()
    this.#host.worked()
    this.#count(job)
    readers.seal(change, () => {
      this.#switching.delete(id)
      if (!shelf.replace(sealed)) return
      // The index goes first: alone it would say that the log was lost.
      this.#leftovers.remove(indexPath(this.#host.directory, id))
      this.#leftovers.remove(logPath(this.#host.directory, id))
    })
  }

  /** The sealer ended while it had this. */
  #died(job: Job): void {
    this.#undo(job)
    if (job.isDropped) return
    const deaths = (this.#deaths.get(job.id) ?? 0) + 1
    this.#deaths.set(job.id, deaths)
    if (deaths >= MAX_DEATHS) this.#giveUp(job, 'sealer', `the sealer ended ${deaths} times while it had it`)
  }

  /** It stays as it is, as long as this writer lives. One that would only get larger is not worth a word. */
  #giveUp({ id, segment }: Job, cause: 'log' | 'size' | 'sealer', reason: string): void {
    const { logSize: _, ...rest } = segment
    this.#host.shelf.replace(rest)
    if (cause !== 'size') this.#host.tell({ code: 'not_sealed', file: logName(id), reason })
  }

  #failed(error: unknown): void {
    this.#host.failed(error, 'sealing a segment')
    this.#pauses.failed()
  }

  /** Nothing of it counts. */
  #undo({ id, phase }: Job): void {
    const path = sealedPath(this.#host.directory, id)
    this.#leftovers.remove(phase === 'writing' ? path + NEW : path)
  }

  /** What an earlier sealer left. */
  #removeStrays(): void {
    const { files, directory } = this.#host
    try {
      for (const name of files.list(directory))
        if (name.endsWith(NEW) && parseName(name.slice(0, -NEW.length))?.kind === 'seal' && !this.#host.isOthers(name))
          this.#leftovers.remove(join(directory, name))
    } catch (error) {
      this.#host.failed(error, 'looking for what an earlier sealer left')
    }
  }

  #count({ segment, spans, size }: Job): void {
    if (this.#untold.segments === 0) this.#untoldSinceMs = this.#host.clock.monotonicMs()
    this.#untold = {
      segments: this.#untold.segments + 1,
      spans: this.#untold.spans + spans,
      bytesBefore: this.#untold.bytesBefore + segment.bytes,
      bytes: this.#untold.bytes + size,
    }
  }

  #tellSealed(now: boolean): void {
    const isDue = now || this.#host.clock.monotonicMs() - this.#untoldSinceMs >= TELL_EVERY_MS
    if (this.#untold.segments === 0 || !isDue) return
    this.#host.tell({ code: 'sealed', ...this.#untold })
    this.#untold = NOTHING
  }

  #post(waitingSegments: number, waitingBytes: number): void {
    const sealed = this.#host.shelf.segments.flatMap(({ savedBytes }) => savedBytes ?? [])
    const savedBytes = sealed.reduce((sum, bytes) => sum + bytes, 0)
    const state = { segments: sealed.length, savedBytes, waitingSegments, waitingBytes }
    const text = JSON.stringify(state)
    if (text === this.#posted) return
    this.#posted = text
    this.#host.post(state)
  }
}

function canBeSealed({ logSize }: ShelvedSegment): boolean {
  return logSize !== undefined
}
