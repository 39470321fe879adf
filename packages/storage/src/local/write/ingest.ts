import { BlockBuilder, type BuilderMark } from '../block/builder.ts'
import { buffersOf, rowsBetween } from '../block/rows.ts'
import { StorageError } from '../../contract.ts'
import type { FileSystem } from '../files/file-system.ts'
import { encodeBlock } from '../files/index-file.ts'
import { FILE_HEADER, recordHead, writeFully } from '../files/log.ts'
import {
  closeSegment,
  createSegment,
  deleteSegment,
  listSegments,
  logPath,
  recoverSegment,
  segmentBytes,
  type Recovered,
  type Segment,
} from '../files/segment.ts'
import { BLOCK_BYTES, BLOCK_SPANS, GROUP_MS, GROUP_PAUSE_MS, type LocalStoreSettings } from '../options.ts'
import type { Clock, Port } from '../runtime.ts'
import { toMessage } from '../threads/error.ts'
import type { Change, FromWriter, ToWriter } from '../threads/protocol.ts'
import { Episodes } from './episodes.ts'
import { framesOf, type Pending, type Slab } from './frames.ts'
import { probeDisk, removeProbe } from './probe.ts'
import { Retention, segmentLimit } from './retention.ts'
import { Shelf } from './shelf.ts'
import { DiskSpace } from './space.ts'
import { readUnindexed } from './unindexed.ts'

/** A record that is written and waits for its fdatasync. */
interface Flight {
  readonly batches: readonly Pending[]
  readonly builder: BlockBuilder
  readonly mark: BuilderMark
  readonly logEnd: number
  /** The block is full: with this record it gets its index. */
  readonly closes: boolean
}

/** What a span of an open block will take in the index, about; more than most do. */
const INDEX_BYTES_A_SPAN = 40
/** Between two tries of a disk that fails, when no span comes to try it with; doubled from try to try. */
const FIRST_PROBE_MS = 1000
const MAX_PROBE_MS = 30_000

/**
 * The writing half of the local engine; owns the files. Batches go inbox -> scanned into the open block -> one record a group,
 * compressed and written -> fdatasync -> told to the readers -> acknowledged. One record is in flight at a time; while it is,
 * the next group gathers.
 *
 * When writing or syncing fails, everything that is not durable is rejected and forgotten, and the log is cut back to what is.
 * After a failed fdatasync the file is not trusted any further: the system may have dropped the bytes, so a new segment begins; what
 * was acknowledged of the old one stays. Each group is a new try. That the disk fails is told once, and that it works again when a
 * write and its sync have succeeded; when nothing comes to be written, a probe finds that out.
 */
export class Ingest {
  readonly recovered: Recovered = { blocks: 0, tornBytes: 0 }
  readonly #settings: LocalStoreSettings
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #reader: Port<never, Change>
  readonly #main: Port<ToWriter, FromWriter>
  readonly #episodes: Episodes
  readonly #space: DiskSpace
  readonly #shelf: Shelf
  readonly #retention: Retention
  #segment: Segment | undefined
  /** Whether the readers know of the open segment: they do when it has a record. */
  #isTold = false
  /** When, on the monotonic clock, the open segment was as old as nothing. */
  #segmentSinceMs = 0
  #segmentLimit = 0
  #blockBytes = BLOCK_BYTES
  /** What the last block that was closed takes, in log and index. */
  #lastBlockBytes = 0
  #nextId = 1
  /** A try to make the segment `nextId` failed and may have left something. */
  #isHalfMade = false
  #inbox: Pending[] = []
  #group: Pending[] = []
  #builder = new BlockBuilder()
  #spare = new BlockBuilder()
  /** Up to where the open block is durable, and where in the log it starts. */
  #durable: BuilderMark
  #blockStart = 0
  #flight: Flight | undefined
  #groupSince = 0
  #arrived = 0
  #waits = false
  /** Monotonic: since when the system refuses writes for want of space. */
  #refusedSinceMs: number | undefined
  #callOffProbe: (() => void) | undefined
  #closing: (() => void) | undefined

  constructor(
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    reader: Port<never, Change>,
    main: Port<ToWriter, FromWriter>,
  ) {
    const { directory, maxBytes, reserveBytes } = settings
    this.#settings = settings
    this.#files = files
    this.#clock = clock
    this.#reader = reader
    this.#main = main
    this.#durable = this.#builder.mark()
    this.#episodes = new Episodes(clock, (event) => main.post({ type: 'event', event }))
    this.#space = new DiskSpace(files, clock, directory, reserveBytes)
    this.#shelf = new Shelf(files, directory, maxBytes)
    this.#retention = new Retention(settings, clock.monotonicMs())
  }

  /**
   * Recovers all segments, drops what is beyond the limits, tells the readers of the rest, and goes on with the newest segment where it
   * has room. A full disk does not prevent it. Throws when the directory cannot be read.
   */
  open(): void {
    const { directory } = this.#settings
    this.#attempt('removing the probe', () => removeProbe(this.#files, directory))
    const ids = listSegments(this.#files, directory)
    this.#nextId = (ids.at(-1) ?? 0) + 1
    this.#shelf.countDamaged()
    this.#space.lookNow()
    const changes = new Map<number, readonly Change[]>()
    for (const id of ids) this.#reopen(id, id === ids.at(-1), changes)
    this.#drop(0)
    const kept = new Set(this.#shelf.segments.map(({ id }) => id))
    for (const [id, list] of changes) if (kept.has(id) || id === this.#segment?.id) for (const c of list) this.#tell(c)
  }

  #reopen(id: number, isLast: boolean, changes: Map<number, readonly Change[]>): void {
    const { directory } = this.#settings
    const found = this.#recover(id, isLast)
    if (!found) return
    changes.set(id, found.changes)
    const { bytes } = segmentBytes(this.#files, directory, id)
    const { createdMs, segment } = found
    if (segment && isLast && bytes < this.#limitNow() && !this.#isAged(createdMs)) {
      this.#goOn(segment)
      this.#isTold = true
      return
    }
    if (segment) closeSegment(segment)
    const endedMs = isLast ? this.#clock.wallMs() : createdMs
    this.#shelf.add({ id, bytes, createdMs, endedMs, sealedAtMs: this.#clock.monotonicMs() })
  }

  /** Where the index cannot be written, room is made first; where that does not help, the readers get in memory what it lacks. */
  #recover(
    id: number,
    isLast: boolean,
  ): { createdMs: number; segment?: Segment; changes: readonly Change[] } | undefined {
    const { directory } = this.#settings
    for (;;) {
      try {
        const segment = recoverSegment(this.#files, directory, id, isLast, this.recovered)
        return segment && { createdMs: segment.createdMs, segment, changes: [segmentChange(segment)] }
      } catch (error) {
        if (error instanceof StorageError) throw error
        if (isWantOfSpace(error) && this.#drop(0)) continue
        this.#episodes.failed('index', error, `completing the index of segment ${id}`, this.#space.now)
        return readUnindexed(this.#files, directory, id)
      }
    }
  }

  append(buffer: ArrayBuffer, ids: readonly number[], ends: readonly number[]): void {
    const slab: Slab = { buffer, bytes: new Uint8Array(buffer), waiting: ids.length }
    let start = 0
    for (const [i, id] of ids.entries()) {
      const end = ends[i]!
      this.#inbox.push({ id, start, end, slab })
      start = end
    }
    this.#arrived = this.#clock.monotonicMs()
    this.#pump()
  }

  /** Resolves when all that was appended is answered and the files are closed, whatever fails. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#closing = () => {
        this.#closing = undefined
        this.#callOffProbe?.()
        this.#sealSegment()
        this.#deleteAgain()
        resolve()
      }
      this.#pump()
    })
  }

  /** Drops the oldest segments beyond the limits of size, age and free space. Called now and then; each record looks too. */
  retain(): void {
    if (this.#segment && this.#isOld() && !this.#flight && this.#group.length === 0) this.#sealSegment()
    this.#shelf.countDamaged()
    this.#space.lookNow()
    this.#drop(0)
    this.#deleteAgain()
  }

  #pump(): void {
    while (this.#inbox.length > 0 && !this.#blockIsFull()) this.#scan(this.#inbox.shift()!)
    if (this.#group.length === 0) {
      if (!this.#flight && this.#inbox.length === 0) this.#closing?.()
      return
    }
    if (this.#flight) return
    const now = this.#clock.monotonicMs()
    if (
      this.#blockIsFull() ||
      this.#closing ||
      now - this.#groupSince >= GROUP_MS ||
      now - this.#arrived >= GROUP_PAUSE_MS
    ) {
      this.#commit()
    } else this.#wait()
  }

  #wait(): void {
    if (this.#waits) return
    this.#waits = true
    this.#clock.after(GROUP_PAUSE_MS, () => {
      this.#waits = false
      this.#pump()
    })
  }

  #scan(batch: Pending): void {
    try {
      this.#builder.add(batch.slab.bytes.subarray(batch.start, batch.end))
    } catch (error) {
      this.#reject([batch], error, 'append')
      return
    }
    if (this.#group.length === 0) this.#groupSince = this.#clock.monotonicMs()
    this.#group.push(batch)
  }

  #blockIsFull(): boolean {
    return this.#builder.rows.count >= BLOCK_SPANS || this.#builder.rawLength >= this.#blockBytes
  }

  #commit(): void {
    const batches = this.#group
    try {
      if (this.#episodes.isFailing('disk')) this.#makeRoom()
      const frames = framesOf(batches)
      const head = recordHead(frames, this.#builder.rows.count - this.#durable.count)
      const length = frames.reduce((sum, { bytes }) => sum + bytes.length, head.length)
      const segment = this.#openSegment(length)
      const builder = this.#builder
      let offset = segment.logSize + head.length
      let rawStart = this.#durable.rawLength
      for (const { rawLength, bytes } of frames) {
        builder.addFrame({ rawStart, rawLength, offset, length: bytes.length })
        rawStart += rawLength
        offset += bytes.length
      }
      writeFully(segment.log, [head, ...frames.map(({ bytes }) => bytes)], segment.logSize)
      this.#group = []
      const closes = this.#blockIsFull()
      this.#flight = { batches, builder, mark: builder.mark(), logEnd: offset, closes }
      if (closes) this.#builder = this.#spare
      segment.log.dataSync((error) => this.#synced(error))
    } catch (error) {
      this.#failed(error, this.#flight ? 'syncing the log' : 'writing the log')
    }
  }

  #synced(error: Error | null): void {
    if (error) {
      this.#failed(error, 'syncing the log')
      return
    }
    const { batches, builder, mark, logEnd, closes } = this.#flight!
    const segment = this.#segment!
    this.#flight = undefined
    this.#refusedSinceMs = undefined
    this.#grew(logEnd - segment.logSize)
    segment.logSize = logEnd
    this.#tellSegment(segment)
    if (closes) {
      this.#finishBlock(builder, mark)
      this.#spare = builder
    } else {
      this.#tell({ type: 'rows', id: segment.id, rows: rowsBetween(builder.rows, this.#durable, mark) })
      this.#durable = mark
    }
    const slabs = this.#release(batches)
    this.#main.post({ type: 'durable', ids: batches.map(({ id }) => id), slabs }, slabs)
    this.#episodes.worked('disk')
    this.#pump()
  }

  /** Writes the index of a block whose rows are all durable, tells the readers, and empties the builder. */
  #finishBlock(builder: BlockBuilder, mark: BuilderMark): void {
    const segment = this.#segment!
    const { id } = segment
    try {
      const offset = segment.indexSize
      const block = encodeBlock(builder.rows, builder.hashes, this.#blockStart, segment.logSize)
      const indexSize = writeFully(segment.index, block, offset)
      this.#grew(indexSize - offset)
      segment.indexSize = indexSize
      this.#lastBlockBytes = segment.logSize - this.#blockStart + indexSize - offset
      this.#tell({ type: 'block', id, offset, indexSize })
      this.#episodes.worked('index')
    } catch (error) {
      // The log has the spans: the block is indexed when the store is opened again, until then the readers keep it in memory.
      // A gap must not get into the index, so the segment ends here.
      this.#episodes.failed('index', error, 'writing the index', this.#space.now)
      this.#probeLater(FIRST_PROBE_MS)
      this.#tell({ type: 'rows', id, rows: rowsBetween(builder.rows, this.#durable, mark) })
      this.#tell({ type: 'keep', id })
      this.#endSegment()
    }
    builder.reset()
    this.#blockStart = segment.logSize
    this.#durable = builder.mark()
  }

  /** Rejects all that is not durable, and takes it from builder and log. Throws nothing, whatever else fails. */
  #failed(error: unknown, doing: string): void {
    const lost = [...(this.#flight?.batches ?? []), ...this.#group]
    const wasSyncing = this.#flight !== undefined
    if (this.#flight?.closes) {
      this.#builder.reset()
      this.#spare = this.#builder
      this.#builder = this.#flight.builder
    }
    this.#builder.rollback(this.#durable)
    this.#flight = undefined
    this.#group = []
    this.#refusedSinceMs = isWantOfSpace(error) ? (this.#refusedSinceMs ?? this.#clock.monotonicMs()) : undefined
    this.#space.lookNow()
    if (this.#segment) this.#cutBack(this.#segment, !wasSyncing)
    this.#episodes.failed('disk', error, doing, this.#space.now)
    this.#reject(lost, error, doing)
    this.#probeLater(FIRST_PROBE_MS)
    // A turn later, as everything in the inbox may fail the same way.
    this.#wait()
  }

  /** Takes from the log what is not durable. `trusted`: its durable part is still what it was. */
  #cutBack(segment: Segment, trusted: boolean): void {
    let cut = trusted
    try {
      segment.log.truncate(segment.logSize)
    } catch {
      cut = false // Recovery will cut it off at the next open.
    }
    if (!cut) this.#sealSegment()
  }

  #probeLater(pauseMs: number): void {
    if (this.#callOffProbe) return
    this.#callOffProbe = this.#clock.after(pauseMs, () => {
      this.#callOffProbe = () => {}
      this.#probe((error) => {
        this.#callOffProbe = undefined
        if (error === undefined) {
          this.#refusedSinceMs = undefined
          this.#episodes.worked('disk')
          this.#episodes.worked('index')
        } else {
          const part = this.#episodes.isFailing('disk') ? 'disk' : 'index'
          this.#episodes.failed(part, error, 'trying the disk', this.#space.now)
          if (!this.#closing) this.#probeLater(Math.min(2 * pauseMs, MAX_PROBE_MS))
        }
      })
    })
  }

  #probe(done: (error: unknown) => void): void {
    if (!this.#episodes.isFailing('disk') && !this.#episodes.isFailing('index')) {
      done(undefined)
      return
    }
    try {
      this.#makeRoom()
    } catch (error) {
      done(error)
      return
    }
    probeDisk(this.#files, this.#settings.directory, done)
  }

  /** Throws when the disk is full, before more is done than to find that out. */
  #makeRoom(): void {
    this.#space.lookNow()
    this.#drop(0)
    this.#space.check(0)
  }

  #reject(batches: readonly Pending[], error: unknown, doing: string): void {
    if (batches.length === 0) return
    const slabs = this.#release(batches)
    this.#main.post(
      { type: 'rejected', ids: batches.map(({ id }) => id), slabs, error: toMessage(error, doing) },
      slabs,
    )
  }

  #release(batches: readonly Pending[]): ArrayBuffer[] {
    const free: ArrayBuffer[] = []
    for (const { slab } of batches) if (--slab.waiting === 0) free.push(slab.buffer)
    return free
  }

  /** The segment for a record of so many bytes, with room made for it: begun anew when the open one would get too large or is too old. */
  #openSegment(recordBytes: number): Segment {
    const needed = recordBytes + INDEX_BYTES_A_SPAN * this.#builder.rows.count
    if (this.#space.isDue()) {
      this.#space.lookNow()
      this.#checkLog()
    }
    this.#drop(needed)
    this.#space.check(needed)
    const open = this.#segment
    if (open && open.logSize > FILE_HEADER) {
      // Between two blocks it costs the least, so room for a whole one is asked for there.
      const next = this.#durable.frameCount === 0 ? Math.max(needed, this.#lastBlockBytes) : needed
      if (open.logSize + open.indexSize + next > this.#segmentLimit || this.#isOld()) this.#beginAnew()
    }
    return this.#segment ?? this.#createSegment()
  }

  /** Ends the open segment before the group that is about to be written: its spans go into the next one's first block. */
  #beginAnew(): void {
    if (this.#durable.frameCount === 0) {
      this.#endSegment()
      return
    }
    this.#builder.rollback(this.#durable)
    this.#sealSegment()
    for (const { slab, start, end } of this.#group) this.#builder.add(slab.bytes.subarray(start, end))
  }

  #createSegment(): Segment {
    const { directory } = this.#settings
    const id = this.#nextId
    // What an earlier try left goes first, so that a disk that fails is not filled with beginnings.
    if (this.#isHalfMade) deleteSegment(this.#files, directory, id)
    this.#isHalfMade = true
    let segment: Segment
    try {
      segment = createSegment(this.#files, directory, id, this.#clock.wallMs())
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      // Somebody put it there: it is not ours to delete.
      this.#isHalfMade = false
      this.#nextId++
      throw error
    }
    this.#isHalfMade = false
    this.#nextId++
    this.#goOn(segment)
    this.#isTold = false
    return segment
  }

  #goOn(segment: Segment): void {
    this.#segment = segment
    this.#blockStart = segment.logSize
    // One that was begun in the future is new.
    this.#segmentSinceMs = this.#clock.monotonicMs() - Math.max(0, this.#clock.wallMs() - segment.createdMs)
    this.#segmentLimit = this.#limitNow()
    this.#lastBlockBytes = 0
    this.#blockBytes = Math.min(BLOCK_BYTES, this.#segmentLimit)
  }

  /** Throws when the open log is not in its directory any more: what is written to it would be gone with its last descriptor. */
  #checkLog(): void {
    const segment = this.#segment
    if (!segment) return
    const { id } = segment
    const path = logPath(this.#settings.directory, id)
    if (this.#files.stat(path)) return
    this.#segment = undefined
    closeSegment(segment)
    this.#builder.reset()
    this.#durable = this.#builder.mark()
    this.#tell({ type: 'drop', id })
    this.#shelf.discard(id)
    throw new StorageError('io', `${path} was deleted while it was written; the spans in it are lost`)
  }

  #sealSegment(): void {
    if (!this.#segment) return
    if (this.#durable.frameCount > 0) this.#finishBlock(this.#builder, this.#durable)
    this.#endSegment()
  }

  #endSegment(): void {
    const segment = this.#segment
    if (!segment) return
    this.#segment = undefined
    closeSegment(segment)
    const { id, createdMs, logSize, indexSize } = segment
    if (logSize === FILE_HEADER) {
      if (this.#isTold) this.#tell({ type: 'drop', id })
      this.#shelf.discard(id)
      this.#deleteAgain()
      return
    }
    const sealedAtMs = this.#clock.monotonicMs()
    this.#shelf.add({ id, bytes: logSize + indexSize, createdMs, endedMs: this.#clock.wallMs(), sealedAtMs })
  }

  /** One pass of retention, with so many bytes about to be written. Whether it deleted anything. */
  #drop(needBytes: number): boolean {
    const open = this.#segment
    const monotonicMs = this.#clock.monotonicMs()
    const drops = this.#retention.decide({
      sealed: this.#shelf.segments,
      openCreatedMs: open?.createdMs,
      otherBytes: this.#shelf.otherBytes + (open ? open.logSize + open.indexSize : 0),
      needBytes,
      roomBytes: this.#space.roomBytes,
      refusedForMs: this.#refusedSinceMs === undefined ? undefined : monotonicMs - this.#refusedSinceMs,
      wallMs: this.#clock.wallMs(),
      monotonicMs,
    })
    if (drops.length === 0) return false
    for (const event of this.#shelf.drop(drops)) this.#main.post({ type: 'event', event })
    for (const { segment } of drops) this.#tell({ type: 'drop', id: segment.id })
    this.#deleteAgain()
    this.#space.lookNow()
    return true
  }

  #deleteAgain(): void {
    if (this.#shelf.hasUndeleted) this.#attempt('deleting a segment', () => this.#shelf.deleteAgain())
  }

  #attempt(doing: string, run: () => void): void {
    try {
      run()
      this.#episodes.worked('retention')
    } catch (error) {
      this.#episodes.failed('retention', error, doing, this.#space.now)
    }
  }

  #grew(bytes: number): void {
    this.#retention.grew(bytes)
    this.#space.wrote(bytes)
  }

  #limitNow(): number {
    const open = this.#segment
    const kept = this.#shelf.bytes + (open ? open.logSize + open.indexSize : 0)
    const keepable = Math.min(this.#settings.maxBytes, kept + Math.max(0, this.#space.roomBytes))
    return segmentLimit(kept, keepable, this.#settings.segmentBytes)
  }

  /** By the monotonic clock, or by the wall clock where that says more: the machine may have slept. */
  #isOld(): boolean {
    const segment = this.#segment!
    const openMs = this.#clock.monotonicMs() - this.#segmentSinceMs
    return openMs >= this.#settings.segmentAgeMs || this.#isAged(segment.createdMs)
  }

  #isAged(createdMs: number): boolean {
    return this.#clock.wallMs() - createdMs >= this.#settings.segmentAgeMs
  }

  /** A segment becomes known with its first record: an empty one may be deleted again. */
  #tellSegment(segment: Segment): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#tell(segmentChange(segment))
  }

  /** Rows are copies made to be given away: their buffers move, which spares the reader's thread and this one two more copies. */
  #tell(change: Change): void {
    this.#reader.post(change, change.type === 'rows' ? buffersOf(change.rows) : [])
  }
}

function segmentChange({ id, indexSize }: Segment): Change {
  return { type: 'segment', id, indexSize }
}

/** Whether deleting others may help: not against a limit on the size of one file. */
function isWantOfSpace(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'disk_full'
}
