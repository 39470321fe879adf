import { StorageError } from '../../contract.ts'
import type { StoreEvent, StorePart } from '../../events.ts'
import { changesOf } from '../files/changes.ts'
import type { FileSystem } from '../files/file-system.ts'
import { writeLastNumber } from '../files/last-number.ts'
import { FILE_HEADER } from '../files/log.ts'
import { recoverAgain, recoverDirectory, type Found, type RecoverOptions } from '../files/recover-directory.ts'
import {
  closeSegment,
  createSegment,
  deleteSegment,
  logPath,
  segmentBytes,
  type Recovered,
  type Segment,
} from '../files/segment.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Clock, Port } from '../runtime.ts'
import type { ChangeFeed } from '../threads/change-feed.ts'
import type { Change, FromSealer, FromWriter, PinChange, ToSealer, ToWriter } from '../threads/protocol.ts'
import { Episodes } from './episodes.ts'
import { Keeping } from './keeping.ts'
import { LeftOut } from './left-out.ts'
import { PinBoard } from './pin-board.ts'
import { probeDisk, removeProbe } from './probe.ts'
import { Retention, segmentLimit, type StoreState } from './retention.ts'
import { Sealing } from './sealing.ts'
import { Shelf, type Outcome, type ShelvedSegment } from './shelf.ts'
import { DiskSpace } from './space.ts'

/** Between two tries of a disk that fails, when no span comes to try it with; doubled from try to try. */
const FIRST_PROBE_MS = 1000
const MAX_PROBE_MS = 30_000

/**
 * All of a store but the block that is being filled: the closed segments with what is left out, deleted or dropped of them, the room that
 * there is on the disk, and what of it fails. Who writes asks here for room and for new segments, and hands closed ones over.
 */
export class Holdings {
  readonly recovered: Recovered = { blocks: 0, tornBytes: 0 }
  readonly #settings: LocalStoreSettings
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #readers: ChangeFeed
  readonly #post: (event: StoreEvent) => void
  /** The segment that is being written. */
  readonly #open: () => Segment | undefined
  readonly #episodes: Episodes
  readonly #space: DiskSpace
  readonly #shelf: Shelf
  readonly #retention: Retention
  readonly #leftOut: LeftOut
  /** Undefined where nothing is to be sealed. */
  readonly #sealing: Sealing | undefined
  /** Undefined where nothing is kept longer than the limits say. */
  readonly #keeping: Keeping | undefined
  readonly #pins: PinBoard
  /** Since {@link pace} was called. */
  #grown = 0
  #nextId = 1
  /** What the file LAST says. */
  #lastNumber = 0
  /** Beginnings of segments in which nothing was acknowledged. */
  #halfMade = new Set<number>()
  /** Monotonic: since when the system refuses writes for want of space. */
  #refusedSinceMs: number | undefined
  #callOffProbe: (() => void) | undefined
  #callOffLeftOut = (): void => {}
  #isClosing = false

  constructor(
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    readers: ChangeFeed,
    main: Port<ToWriter, FromWriter>,
    open: () => Segment | undefined,
  ) {
    const { directory, maxBytes, reserveBytes, seal, keep } = settings
    const post = (event: StoreEvent): void => main.post({ type: 'event', event })
    this.#settings = settings
    this.#files = files
    this.#clock = clock
    this.#readers = readers
    this.#post = post
    this.#open = open
    this.#episodes = new Episodes(clock, post)
    this.#space = new DiskSpace(files, clock, directory, reserveBytes)
    this.#shelf = new Shelf(files, directory, maxBytes)
    this.#retention = new Retention(settings, clock.monotonicMs())
    this.#leftOut = new LeftOut(clock)
    this.#pins = new PinBoard(settings, files, clock, (message) => main.post(message), post)
    if (!seal) return
    this.#sealing = new Sealing({
      files,
      clock,
      directory,
      maxBytes,
      isNeeded: keep !== undefined,
      shelf: this.#shelf,
      readers,
      tell: post,
      post: (state) => main.post({ type: 'sealing', state }),
      hasRoom: (bytes) => this.#hasRoomToSeal(bytes),
      failed: (error, doing) => this.#episodes.failed('sealing', error, doing, this.#space.now),
      worked: () => this.#episodes.worked('sealing'),
      isOthers: (name) => this.#keeping?.owns(name) ?? false,
      others: (message) => this.#keeping?.take(message),
    })
    if (!keep) return
    this.#keeping = new Keeping({
      files,
      clock,
      directory,
      maxBytes,
      keep,
      shelf: this.#shelf,
      readers,
      tell: post,
      post: (state) => main.post({ type: 'keeping', state }),
      allowance: () => this.#allowance(),
      pins: () => this.#pins.traceIds,
      isSwitching: (id) => this.#sealing!.isSwitching(id),
      failed: (error, doing) => this.#episodes.failed('keeping', error, doing, this.#space.now),
      worked: () => this.#episodes.worked('keeping'),
    })
  }

  /**
   * Recovers all segments and drops what is beyond the limits. `goOn` gets the newest one where it has room, to be written on, and what readers
   * are told of it beside its index. A full disk does not prevent it. Throws when the directory cannot be read, or a newer version wrote
   * it.
   */
  open(goOn: (segment: Segment, changes: readonly Change[]) => void): void {
    const { directory } = this.#settings
    this.#attempt('removing the probe', () => removeProbe(this.#files, directory))
    this.#shelf.countDamaged()
    this.#space.lookNow()
    const { segments, nextId, lastNumber, unwritten } = recoverDirectory(this.#files, directory, this.#recoverOptions)
    this.#nextId = nextId
    this.#lastNumber = lastNumber
    this.#halfMade = new Set(unwritten)
    for (const found of segments) this.#reopen(found, goOn)
    this.#tellLeftOut()
    this.#drop(0)
  }

  /** What readers have to know of the closed segments. */
  *changes(): Generator<Change> {
    for (const { changes } of this.#shelf.segments) yield* changes
  }

  /** Makes room for so many bytes. Throws StorageError `disk_full` when there is none. */
  makeRoom(bytes: number): void {
    if (this.#space.isDue()) this.#space.lookNow()
    this.#drop(bytes)
    this.#space.check(bytes)
  }

  /** While the disk fails: throws when it is full, before more is done than to find that out. */
  checkRoom(): void {
    if (this.#episodes.isFailing('disk')) this.#look()
  }

  /** Begins a segment. Throws what the file system throws. */
  begin(): Segment {
    const { directory } = this.#settings
    const from = this.#nextId
    // What an earlier try left goes first, so that a disk that fails is not filled with beginnings. What somebody else put there stays.
    this.#deleteHalfMade()
    if (this.#files.stat(logPath(directory, from)) === undefined) this.#halfMade.add(from)
    const segment = createSegment(this.#files, directory, from, this.#clock.wallMs())
    this.#halfMade.clear()
    this.#nextId = segment.id + 1
    return segment
  }

  /** A segment that was begun and has no record: it goes, and the next one has its number, as one that is missing means a loss. */
  discard(id: number): void {
    this.#nextId = id
    this.#halfMade.add(id)
    this.#deleteAgain()
  }

  /** A segment that is complete and closed. */
  add({ id, createdMs, logSize, indexSize }: Segment, changes: readonly Change[]): void {
    this.#shelf.add({
      id,
      bytes: logSize + indexSize,
      createdMs,
      endedMs: this.#clock.wallMs(),
      closedAtMs: this.#clock.monotonicMs(),
      changes,
      logSize,
    })
  }

  /** There is a sealer. */
  joinSealer(port: Port<FromSealer, ToSealer>): void {
    this.#sealing?.join(port)
    this.#keeping?.join(port)
  }

  /** See the message `pins`. */
  pins(ask: number, change: PinChange | undefined): void {
    if (this.#pins.answer(ask, change)) this.#keeping?.pinned()
  }

  /** Called about once a second. */
  pace(): void {
    this.#sealing?.pace(this.#grown)
    this.#keeping?.pace(this.#retention.upcoming(this.#state(0)))
    this.#grown = 0
  }

  /** Writes down which number the newest segment with a record has. No acknowledgement waits for it, and where it cannot be written it is tried again. */
  noteNumber(): void {
    const open = this.#open()
    const number = this.#nextId - 1
    if (number === this.#lastNumber || (open && open.logSize <= FILE_HEADER)) return
    try {
      writeLastNumber(this.#files, this.#settings.directory, number)
      this.#lastNumber = number
    } catch {
      // Nothing depends on it but what somebody does by hand.
    }
  }

  /** So many bytes were written. */
  grew(bytes: number): void {
    this.#grown += bytes
    this.#retention.grew(bytes)
    this.#space.wrote(bytes)
  }

  /** The most that a segment may take that is begun now. */
  get segmentLimit(): number {
    const kept = this.#shelf.bytes + this.#otherBytes
    const keepable = Math.min(this.#settings.maxBytes, kept + Math.max(0, this.#space.roomBytes))
    return segmentLimit(kept, keepable, this.#settings.segmentBytes)
  }

  /** By the wall clock. */
  isAged(createdMs: number): boolean {
    return this.#clock.wallMs() - createdMs >= this.#settings.segmentAgeMs
  }

  /** A write or a sync failed, of the log (`disk`) or of what can be made again (`index`). */
  failed(part: 'disk' | 'index', error: unknown, doing: string): void {
    if (part === 'disk') {
      this.#refusedSinceMs = isWantOfSpace(error) ? (this.#refusedSinceMs ?? this.#clock.monotonicMs()) : undefined
      this.#space.lookNow()
    }
    this.#episodes.failed(part, error, doing, this.#space.now)
    this.#probeLater(FIRST_PROBE_MS)
  }

  /** A write and, of the log, its sync succeeded. */
  worked(part: 'disk' | 'index'): void {
    if (part === 'disk') this.#refusedSinceMs = undefined
    this.#episodes.worked(part)
  }

  /** These were told to fail by a writer that ended: the disk is tried until they work, whether or not something comes to be written. */
  takeOver(failing: readonly StorePart[]): void {
    for (const part of failing) this.#episodes.takeOver(part)
    this.#deleteAgain()
    this.#tellLeftOut()
    this.#probeLater(FIRST_PROBE_MS)
  }

  /** Looks at the limits of size, age and free space, and at what could not be done before. Called now and then. */
  retain(): void {
    this.#shelf.countDamaged()
    this.#space.lookNow()
    this.#drop(0)
    this.#deleteAgain()
    this.#tryLeftOut()
  }

  close(): void {
    this.#isClosing = true
    this.#callOffProbe?.()
    this.#callOffLeftOut()
    this.#sealing?.close()
    this.#keeping?.close()
    this.#deleteAgain()
    this.noteNumber()
  }

  get #recoverOptions(): RecoverOptions {
    return { write: true, nowMs: this.#clock.wallMs(), tell: this.#post }
  }

  #reopen(found: Found, goOn: (segment: Segment, changes: readonly Change[]) => void): void {
    const { id } = found
    if ('lost' in found) {
      if (found.refusal !== undefined) this.#leftOut.refused(id, id === this.#nextId - 1, found.refusal)
      this.#shelf.add(this.#shelved(found))
      return
    }
    if ('sealed' in found) {
      this.#shelf.add(this.#shelved(found))
      return
    }
    const { segment, recovered } = found
    this.recovered.blocks += recovered.blocks
    this.recovered.tornBytes += recovered.tornBytes
    const shelved = this.#shelved(found)
    if (segment && this.#syncNames() && shelved.bytes < this.segmentLimit && !this.isAged(segment.createdMs)) {
      goOn(segment, shelved.changes.slice(1))
      return
    }
    if (segment) closeSegment(segment)
    this.#shelf.add(shelved)
  }

  /** A killed process may have left names that it never synced; what is acknowledged from now on must not depend on them. */
  #syncNames(): boolean {
    try {
      this.#files.syncDirectory(this.#settings.directory)
      return true
    } catch {
      return false
    }
  }

  #shelved(found: Found): ShelvedSegment {
    const { id } = found
    const bytes = segmentBytes(this.#files, this.#settings.directory, id)
    const kept = this.#keptOf(found)
    const common = {
      id,
      bytes,
      closedAtMs: this.#clock.monotonicMs(),
      changes: changesOf(found),
      ...(kept && { kept }),
    }
    if ('lost' in found) return { ...common, createdMs: this.#clock.wallMs(), endedMs: this.#clock.wallMs() }
    if ('sealed' in found) {
      const { createdMs, endedMs, savedBytes } = found.sealed
      return { ...common, createdMs, endedMs, ...(!kept && { savedBytes }) }
    }
    if (found.indexFailure !== undefined)
      this.#episodes.failed('index', found.indexFailure, `completing the index of segment ${id}`, this.#space.now)
    const { header, arrivedMs, logSize, unindexed } = found
    const isDamaged = unindexed.some(({ damaged }) => damaged)
    return { ...common, createdMs: header.createdMs, endedMs: arrivedMs, ...(!isDamaged && !kept && { logSize }) }
  }

  /** What an earlier process kept of a segment; also that nothing is in one before which there are only such. */
  #keptOf(found: Found): ShelvedSegment['kept'] {
    if (!this.#keeping) return undefined
    if ('sealed' in found && found.sealed.isKept) return { spans: found.sealed.spans ?? 0 }
    const isEmpty =
      'sealed' in found
        ? found.sealed.spans === 0
        : 'logSize' in found && found.logSize <= FILE_HEADER && found.unindexed.length === 0 && !found.segment
    return isEmpty && this.#shelf.whole.length === 0 ? { spans: 0 } : undefined
  }

  /** One segment at a time that is due is tried again; nothing else is done meanwhile. */
  #tryLeftOut(): void {
    const { due } = this.#leftOut
    if (!due) return
    const { id, wasLast } = due
    try {
      const found = this.#shelf.has(id)
        ? recoverAgain(this.#files, this.#settings.directory, id, wasLast, this.#recoverOptions)
        : undefined
      if (found && 'refusal' in found) this.#leftOut.refused(id, wasLast, found.refusal)
      else {
        this.#leftOut.taken(id)
        this.#takeIn(id, found)
        this.#callOffLeftOut = this.#clock.after(0, () => this.#tryLeftOut())
      }
    } catch (error) {
      this.#leftOut.refused(id, wasLast, (error as Error).message)
    }
    this.#tellLeftOut()
  }

  /** Readers have known of it as lost until now. */
  #takeIn(id: number, found: Found | undefined): void {
    if (found && 'segment' in found && found.segment) closeSegment(found.segment)
    const empty = { type: 'segment', id, indexSize: 0 } as const
    const before = this.#shelf.segments.find((segment) => segment.id === id)
    if (!before) return
    const shelved = found ? this.#shelved(found) : { ...before, changes: [empty] }
    this.#shelf.replace(shelved)
    for (const change of [empty, ...shelved.changes]) this.#readers.tell(change)
  }

  #tellLeftOut(): void {
    const { refusal } = this.#leftOut
    if (refusal === undefined) this.#episodes.worked('segments')
    else this.#episodes.failed('segments', new StorageError('io', refusal), '', this.#space.now)
  }

  #probeLater(pauseMs: number): void {
    if (this.#callOffProbe || this.#isClosing) return
    this.#callOffProbe = this.#clock.after(pauseMs, () => {
      this.#callOffProbe = () => {}
      this.#probe((error) => {
        this.#callOffProbe = undefined
        if (error === undefined) {
          this.worked('disk')
          this.worked('index')
        } else {
          const part = this.#episodes.isFailing('disk') ? 'disk' : 'index'
          this.#episodes.failed(part, error, 'trying the disk', this.#space.now)
          this.#probeLater(Math.min(2 * pauseMs, MAX_PROBE_MS))
        }
      })
    })
  }

  #probe(done: (error: unknown) => void): void {
    if (!this.#episodes.isFailing('disk') && !this.#episodes.isFailing('index')) {
      // An earlier one may have been left, and counts as nothing.
      this.#attempt('removing the probe', () => removeProbe(this.#files, this.#settings.directory))
      done(undefined)
      return
    }
    try {
      this.#look()
    } catch (error) {
      done(error)
      return
    }
    probeDisk(this.#files, this.#settings.directory, done)
  }

  #look(): void {
    this.#space.lookNow()
    this.#drop(0)
    this.#space.check(0)
  }

  /** Of the segment that is being written, and what sealing has. */
  get #otherBytes(): number {
    const open = this.#open()
    return (open ? open.logSize + open.indexSize : 0) + this.#reservedBytes
  }

  /** Of what sealing and keeping write beside the segments. */
  get #reservedBytes(): number {
    return (this.#sealing?.reservedBytes ?? 0) + (this.#keeping?.reservedBytes ?? 0)
  }

  /** What may be written for the sake of what is kept. */
  #allowance(): number {
    if (this.#episodes.isFailing('disk')) return 0
    const left = this.#settings.maxBytes - this.#shelf.bytes - this.#otherBytes
    return Math.min(left, this.#space.roomBytes)
  }

  /** What retention decides by, with so many bytes about to be written. */
  #state(needBytes: number): StoreState<ShelvedSegment> {
    const monotonicMs = this.#clock.monotonicMs()
    return {
      closed: this.#shelf.whole,
      openCreatedMs: this.#open()?.createdMs,
      otherBytes: this.#shelf.otherBytes + this.#otherBytes + this.#shelf.keptBytes,
      needBytes,
      roomBytes: this.#space.roomBytes,
      refusedForMs: this.#refusedSinceMs === undefined ? undefined : monotonicMs - this.#refusedSinceMs,
      wallMs: this.#clock.wallMs(),
      monotonicMs,
      ...this.#keeping?.conditions(this.#reservedBytes),
    }
  }

  /** The oldest go beyond the limit of size for it, and then it takes less than it took. For want of space on the disk nothing goes. */
  #hasRoomToSeal(bytes: number): boolean {
    if (this.#episodes.isFailing('disk')) return false
    this.#space.lookNow()
    if (this.#space.roomBytes < bytes) return false
    const fits = (): boolean => this.#shelf.bytes + this.#otherBytes + bytes <= this.#settings.maxBytes
    // There is room that is left free for this; and what is worth to be kept of the oldest does not go for some that is given back soon.
    if (this.#keeping && fits()) return true
    const [oldest] = this.#shelf.whole
    if (oldest && this.#keeping?.isPending(oldest)) return false
    this.#drop(bytes)
    return fits()
  }

  /** One pass of retention, with so many bytes about to be written. */
  #drop(needBytes: number): void {
    const state = this.#state(needBytes)
    const drops = this.#retention.decide(state)
    const reduced: Outcome[] = drops.map((drop) => this.#keeping?.reduce(drop) ?? drop)
    // What is kept goes now and then, and when there is more of it; not for the sake of what is being written.
    const isDue = needBytes === 0 || drops.length > 0
    const outcomes: Outcome[] = [...((isDue && this.#keeping?.decide(state)) || []), ...reduced]
    if (outcomes.length === 0) return
    for (const event of this.#shelf.drop(outcomes)) this.#post(event)
    const gone = outcomes.filter(({ kept }) => !kept).map(({ segment }) => segment.id)
    for (const id of gone) this.#readers.tell({ type: 'drop', id })
    this.#sealing?.dropped(gone)
    this.#keeping?.tell(outcomes)
    this.#deleteAgain()
    this.#space.lookNow()
  }

  #deleteHalfMade(): void {
    for (const id of this.#halfMade) {
      deleteSegment(this.#files, this.#settings.directory, id)
      this.#halfMade.delete(id)
    }
  }

  #deleteAgain(): void {
    this.#attempt('deleting a segment', () => {
      this.#deleteHalfMade()
      this.#shelf.deleteAgain()
    })
  }

  #attempt(doing: string, run: () => void): void {
    try {
      run()
      this.#episodes.worked('retention')
    } catch (error) {
      this.#episodes.failed('retention', error, doing, this.#space.now)
    }
  }
}

/** Whether deleting others may help: not against a limit on the size of one file. */
function isWantOfSpace(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'disk_full'
}
