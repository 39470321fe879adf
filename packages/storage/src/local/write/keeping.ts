import type { KeepingState, StoreEvent } from '../../events.ts'
import type { FileSystem } from '../files/file-system.ts'
import { parseName, sealedName, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import type { KeepSettings } from '../options.ts'
import type { Clock, Port } from '../runtime.ts'
import type { KeptForm } from '../seal/keep-traces.ts'
import type { ChangeFeed } from '../threads/change-feed.ts'
import { fromMessage } from '../threads/error.ts'
import type { FromSealer, ToSealer } from '../threads/protocol.ts'
import { Leftovers } from './leftovers.ts'
import { Pauses } from './pauses.ts'
import { Retention, type Drop, type StoreState } from './retention.ts'
import { contentsOf, type Outcome, type Shelf, type ShelvedSegment } from './shelf.ts'

/**
 * Of the limit of size, what is left free: so that there is always room to seal the segment whose turn comes, and to write what is kept of it; and what should
 * be free beside that, so that it is done before it must be.
 */
const WORKROOM_SHARE = 0.05
const HEADROOM_SHARE = 0.08
/** What the kept form of a segment may take more than the segment, where all of it is kept. */
const EXTRA_BYTES = 1024
/** Segments of which something is kept, at most: each costs every search a look. */
const MAX_KEPT_SEGMENTS = 1_000
/** Before and after a segment, those in which a trace of it may be kept for what it is there. */
const NEIGHBOURS = 4
/** How long segments wait for what is kept of them to be written, while nothing is; and how seldom they may ask without having begun to wait anew. */
const MAX_PENDING_MS = 600_000
const ASK_EVERY_MS = 60_000
/** Sealers that may end while they have one segment. */
const MAX_DEATHS = 2

/** What keeping needs of who owns the files. */
export interface KeepingHost {
  readonly files: FileSystem
  readonly clock: Clock
  readonly directory: string
  readonly maxBytes: number
  readonly keep: KeepSettings
  readonly shelf: Shelf
  readonly readers: ChangeFeed
  tell(event: StoreEvent): void
  post(state: KeepingState): void
  /** Bytes that may be written now without anything being dropped for it. */
  allowance(): number
  pins(): readonly string[]
  /** Whether a segment's log is there beside its sealed form. */
  readonly isSwitching: (id: number) => boolean
  failed(error: unknown, doing: string): void
  worked(): void
}

interface Job {
  readonly segment: ShelvedSegment
  /** What it may take at most. */
  readonly size: number
  /** Its answer is of no use. */
  isStale: boolean
}

/**
 * Keeps of segments what is worth it when their turn to be deleted comes. What is kept of a segment is written beside it before that, as `<id>.seal.new`,
 * by the sealer; as long as it has not taken the segment's place the segment counts, and what is written beside it is thrown away when the store is opened.
 * When the turn comes, and every reader keeps open what is there, it is renamed: that is all, so that retention drops what it drops at once, in passes as
 * small as ever.
 *
 * On the shelf the segments of which something is kept are the oldest ones, and have limits of their own. Where nothing is kept between two others, an
 * empty segment has the place, as one that is missing in the middle means a loss.
 */
export class Keeping {
  readonly #host: KeepingHost
  /** Of what is kept. */
  readonly #retention: Retention
  #sealer: Port<FromSealer, ToSealer> | undefined
  #job: Job | undefined
  /** Retention took what the sealer had last. */
  #isLate = false
  /** The segments whose turn comes next, when that was last looked at. */
  #upcoming: readonly ShelvedSegment[] = []
  /** By segment: what is written beside it. */
  readonly #ready = new Map<number, KeptForm>()
  /** Segments of which nothing can be kept, and why. */
  readonly #impossible = new Map<number, string>()
  readonly #deaths = new Map<number, number>()
  /** Since when segments wait in vain, and when one has asked last. Monotonic. */
  #waitSinceMs = -Infinity
  #askedMs = -Infinity
  readonly #leftovers: Leftovers
  readonly #pauses: Pauses
  #posted = ''
  #isClosed = false

  constructor(host: KeepingHost) {
    const { keep, maxBytes, clock } = host
    this.#host = host
    this.#leftovers = new Leftovers(host.files, (error) => host.failed(error, 'removing what is not kept after all'))
    this.#pauses = new Pauses(clock)
    this.#retention = new Retention({ maxBytes: keep.share * maxBytes, maxAgeMs: keep.maxAgeMs }, clock.monotonicMs())
  }

  /** Bytes beside those of the shelf. */
  get reservedBytes(): number {
    let bytes = this.#leftovers.bytes + (this.#job ? this.#job.size : 0)
    for (const { size } of this.#ready.values()) bytes += size
    return bytes
  }

  /** There is a sealer, and none that was before. */
  join(sealer: Port<FromSealer, ToSealer>): void {
    this.#sealer = sealer
    const job = this.#job
    this.#job = undefined
    if (!job) return
    this.#remove(job.segment.id)
    const { id } = job.segment
    const deaths = (this.#deaths.get(id) ?? 0) + 1
    this.#deaths.set(id, deaths)
    if (deaths >= MAX_DEATHS) this.#impossible.set(id, `the sealer ended ${deaths} times while it had it`)
  }

  /** Whether this file is what is written beside a segment, or is being written. */
  owns(name: string): boolean {
    if (!name.endsWith(NEW)) return false
    const id = parseName(name.slice(0, -NEW.length))?.id
    return id !== undefined && (this.#ready.has(id) || this.#job?.segment.id === id)
  }

  /** Called about once a second. `upcoming`: the segments whose turn comes next, oldest first. */
  pace(upcoming: readonly ShelvedSegment[]): void {
    this.#upcoming = upcoming
    this.#leftovers.retry()
    this.#pump()
    this.#post()
  }

  take(message: Extract<FromSealer, { type: 'kept' | 'not_kept' }>): void {
    const job = this.#job
    if (!job) return
    const { id } = job.segment
    this.#job = undefined
    if (message.type === 'not_kept') {
      this.#remove(id)
      const error = fromMessage(message.error)
      if (job.isStale) return
      if (message.cause === 'size') this.#impossible.set(id, error.message)
      else this.#failed(error, 'writing what is kept of a segment')
      return
    }
    this.#pauses.worked()
    this.#waitSinceMs = this.#host.clock.monotonicMs()
    this.#host.worked()
    if (job.isStale || !this.#host.shelf.has(id)) {
      this.#remove(id)
      return
    }
    this.#isLate = false
    this.#ready.set(id, message.kept)
    this.#host.readers.hold(id)
    this.#pump()
  }

  /** There are more pins: what has been written may lack one of them. */
  pinned(): void {
    if (this.#job) this.#job.isStale = true
    this.#sealer?.post({ type: 'cancel_keep' })
    for (const id of this.#ready.keys()) this.#remove(id)
    this.#ready.clear()
  }

  /** What is to be minded when the turn of segments comes. `reservedBytes`: what is being written, and is ready, beside the segments. */
  conditions(reservedBytes: number): Required<Pick<StoreState, 'workroomBytes' | 'headroomBytes' | 'isPending'>> {
    const { maxBytes } = this.#host
    const left = (share: number): number => (maxBytes === Infinity ? 0 : Math.max(0, share * maxBytes - reservedBytes))
    const workroomBytes = left(WORKROOM_SHARE)
    return {
      workroomBytes,
      headroomBytes: left(HEADROOM_SHARE) - workroomBytes,
      isPending: (one) => this.isPending(one),
    }
  }

  /** Whether the segment is to wait for what is kept of it to be written. */
  isPending({ id }: { readonly id: number }): boolean {
    if (this.#isReady(id) || this.#reasonAgainst(id) !== undefined) return false
    const nowMs = this.#host.clock.monotonicMs()
    if (nowMs - this.#askedMs > ASK_EVERY_MS) this.#waitSinceMs = nowMs
    this.#askedMs = nowMs
    return nowMs - this.#waitSinceMs < MAX_PENDING_MS
  }

  /** What of that is kept goes now, beyond its own limits. */
  decide({ openCreatedMs, wallMs, monotonicMs }: StoreState): Drop<ShelvedSegment>[] {
    const { kept, whole } = this.#host.shelf
    if (kept.length === 0) return []
    const drops = this.#retention.decide({
      wallMs,
      monotonicMs,
      // The newest of them ended when the first that is whole began.
      openCreatedMs: whole[0]?.createdMs ?? openCreatedMs,
      closed: kept,
      otherBytes: 0,
      needBytes: 0,
      roomBytes: Infinity,
      refusedForMs: undefined,
    })
    // There may be empty ones before what is left.
    let first = drops.length
    if (first === 0 && kept.length > MAX_KEPT_SEGMENTS) first = drops.push({ segment: kept[0]!, reason: 'size' })
    // As long as an older one is there they hold a place.
    const isFirst = ({ id }: ShelvedSegment): boolean => id < (whole[0]?.id ?? Infinity)
    for (let next = kept[first]; next?.kept?.spans === 0 && isFirst(next); next = kept[++first])
      drops.push({ segment: next, reason: 'age' })
    return drops.map(({ segment, reason }) => ({ segment, reason: reason === 'age' ? 'kept_age' : 'kept_size' }))
  }

  /**
   * The turn of a segment has come. What is kept of it takes its place, where that is written; else all of it goes, and that is told. Throws nothing.
   */
  reduce(drop: Drop<ShelvedSegment>): Outcome {
    const { files, directory, readers } = this.#host
    const { segment } = drop
    const { id } = segment
    const kept = this.#ready.get(id)
    const contents = contentsOf(files, directory, id)
    const path = sealedPath(directory, id)
    let reason =
      this.#reasonAgainst(id) ??
      (kept
        ? 'a reader had not yet opened what is there'
        : this.#sealer
          ? 'it was not written in time'
          : 'there is no sealer')
    if (kept && readers.isHeld(id)) {
      try {
        files.rename(path + NEW, path)
        this.#ready.delete(id)
        this.#forget(id)
        this.#retention.grew(kept.size)
        this.#sync()
        return { ...drop, contents, kept }
      } catch (error) {
        reason = (error as Error).message
      }
    }
    this.#gone(id)
    // What nothing is lost with is not worth a word.
    if (contents.spans > 0) this.#host.tell({ code: 'not_kept', file: sealedName(id), spans: contents.spans, reason })
    return { ...drop, contents }
  }

  /** Tells the readers to read what took the place of segments, and everybody what that is. */
  tell(outcomes: readonly Outcome[]): void {
    const all = { segments: 0, spans: 0, bytes: 0, pinned: 0, errors: 0, slow: 0, continued: 0 }
    for (const { segment, kept } of outcomes) {
      if (!kept) continue
      this.#host.readers.replaced({ type: 'sealed', id: segment.id, isDamaged: false })
      if (kept.spans === 0) continue
      all.segments++
      all.spans += kept.spans
      all.bytes += kept.size
      for (const reason of ['pinned', 'errors', 'slow', 'continued'] as const) all[reason] += kept.traces[reason]
    }
    if (all.segments > 0) this.#host.tell({ code: 'kept', ...all })
  }

  /** The segment is gone. */
  #gone(id: number): void {
    if (this.#ready.delete(id)) this.#remove(id)
    if (this.#job?.segment.id === id) {
      this.#job.isStale = this.#isLate = true
      this.#sealer?.post({ type: 'cancel_keep' })
    }
    this.#forget(id)
  }

  /** The sealer has ended. */
  close(): void {
    this.#isClosed = true
    this.pinned()
    if (this.#job) this.#remove(this.#job.segment.id)
  }

  #pump(): void {
    const { shelf } = this.#host
    if (!this.#sealer || this.#job || this.#isClosed || !this.#pauses.isOver) return
    const segment = this.#next()
    const size = segment ? Math.min(segment.bytes + EXTRA_BYTES, this.#host.allowance()) : 0
    // It may fit when what is ready has taken its segments' place; if there is none, less than all may be enough.
    if (!segment || size <= 0 || (size < segment.bytes && this.#ready.size > 0)) {
      // Whether it would work now is not known.
      if (this.#leftovers.size === 0) this.#host.worked()
      return
    }
    const { id, createdMs, endedMs } = segment
    const at = shelf.segments.findIndex((other) => other.id === id)
    const before = shelf.segments
      .slice(Math.max(0, at - NEIGHBOURS), at)
      .filter((other) => other.kept || this.#ready.has(other.id))
      .map((other) => ({ id: other.id, isReady: this.#ready.has(other.id) }))
    const after = shelf.segments
      .slice(at + 1, at + 1 + NEIGHBOURS)
      .filter(isSealed)
      .map((other) => other.id)
    const pins = this.#pins()
    if (!pins) return
    this.#job = { segment, size, isStale: false }
    this.#sealer.post({ type: 'keep', id, createdMs, endedMs, maxBytes: size, before, after, pins })
  }

  /** Undefined: they cannot be read, and nothing is written without them. */
  #pins(): readonly string[] | undefined {
    if (!this.#host.keep.pinned) return []
    try {
      return this.#host.pins()
    } catch (error) {
      this.#failed(error, 'reading which traces are pinned')
      return undefined
    }
  }

  #failed(error: unknown, doing: string): void {
    this.#host.failed(error, doing)
    this.#pauses.failed()
  }

  /**
   * In their order, as what one keeps the next ones have to know. Where they go before they are ready, those in the middle will be in time; what is not sealed
   * yet may be too late.
   */
  #next(): ShelvedSegment | undefined {
    const { isSwitching, shelf } = this.#host
    const candidates = this.#upcoming.filter((segment) => {
      const { id } = segment
      if (!isSealed(segment) || isSwitching(id) || this.#ready.has(id) || this.#reasonAgainst(id) !== undefined)
        return false
      // It may have changed, or gone, meanwhile.
      return shelf.whole.includes(segment)
    })
    return candidates[this.#isLate ? candidates.length >> 1 : 0]
  }

  #isReady(id: number): boolean {
    return this.#ready.has(id) && this.#host.readers.isHeld(id)
  }

  /** Why nothing of a segment will be kept. */
  #reasonAgainst(id: number): string | undefined {
    const segment = this.#host.shelf.segments.find((other) => other.id === id)
    if (segment && !isSealed(segment) && segment.logSize === undefined) return 'it cannot be sealed'
    return this.#impossible.get(id)
  }

  /** Nothing waits for it any more. */
  #forget(id: number): void {
    this.#impossible.delete(id)
    this.#deaths.delete(id)
  }

  #sync(): void {
    try {
      this.#host.files.syncDirectory(this.#host.directory)
    } catch (error) {
      // Until it is durable, the next open may find what was there before, and reduces it again.
      this.#host.failed(error, 'making the name of what is kept durable')
    }
  }

  #remove(id: number): void {
    this.#leftovers.remove(sealedPath(this.#host.directory, id) + NEW)
  }

  #post(): void {
    const { keep, maxBytes, shelf } = this.#host
    const { kept, keptBytes } = shelf
    const state = {
      segments: kept.filter((segment) => segment.kept!.spans > 0).length,
      spans: kept.reduce((sum, segment) => sum + segment.kept!.spans, 0),
      bytes: keptBytes,
      maxBytes: keep.share * maxBytes,
      readySegments: this.#ready.size,
    }
    const text = JSON.stringify(state)
    if (text === this.#posted) return
    this.#posted = text
    this.#host.post(state)
  }
}

function isSealed({ savedBytes }: ShelvedSegment): boolean {
  return savedBytes !== undefined
}
