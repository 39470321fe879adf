import { BlockBuilder, type BuilderMark } from '../block/builder.ts'
import { rowsBetween } from '../block/rows.ts'
import { StorageError } from '../../contract.ts'
import type { StorePart } from '../../events.ts'
import type { FileSystem } from '../files/file-system.ts'
import { encodeBlock, traceHashes } from '../files/index-file.ts'
import { FILE_HEADER, recordHead, recordHeadBytes, writeFully } from '../files/log.ts'
import { closeSegment, logName, logPath, type Recovered, type Segment } from '../files/segment.ts'
import { GROUP_MS, GROUP_PAUSE_MS, type LocalStoreSettings } from '../options.ts'
import type { Clock, Port } from '../runtime.ts'
import type { ChangeFeed } from '../threads/change-feed.ts'
import { toMessage } from '../threads/error.ts'
import type { Change, FromSealer, FromWriter, PinChange, ToSealer, ToWriter } from '../threads/protocol.ts'
import { framesOf, type Pending, type Slab } from './frames.ts'
import { Holdings } from './holdings.ts'

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
/** Rows that a builder has room for from the start, at most; it grows beyond. */
const MAX_CAPACITY = 1 << 14
/** Nothing of a block. */
const NOTHING: BuilderMark = { count: 0, traceCount: 0, operationCount: 0, groupCount: 0, frameCount: 0, rawLength: 0 }

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
  readonly #settings: LocalStoreSettings
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #readers: ChangeFeed
  readonly #main: Port<ToWriter, FromWriter>
  readonly #holdings: Holdings
  #segment: Segment | undefined
  /** What readers are told of the open segment beside its index and rows. */
  #openChanges: readonly Change[] = []
  /** Whether the readers know of the open segment: they do when it has a record. */
  #isTold = false
  #directoryIdentity: string | undefined
  #logIdentity: string | undefined
  /** The directory is not where it was: nothing is done any more. */
  #isLost = false
  /** When, on the monotonic clock, the open segment was as old as nothing. */
  #segmentSinceMs = 0
  #segmentLimit = 0
  #blockBytes: number
  /** What the last block that was closed takes, in log and index. */
  #lastBlockBytes = 0
  #inbox: Pending[] = []
  #group: Pending[] = []
  #builder: BlockBuilder
  #spare: BlockBuilder
  /** Up to where the open block is durable, and where in the log it starts. */
  #durable: BuilderMark
  #blockStart = 0
  #flight: Flight | undefined
  #groupSince = 0
  #arrived = 0
  /** Whether the last group was one of several batches: then more may follow this one at once, and it is worth to wait for them. */
  #hasCompany = false
  #waits = false
  #closing: (() => void) | undefined

  constructor(
    settings: LocalStoreSettings,
    files: FileSystem,
    clock: Clock,
    readers: ChangeFeed,
    main: Port<ToWriter, FromWriter>,
  ) {
    this.#settings = settings
    this.#files = files
    this.#clock = clock
    this.#readers = readers
    this.#main = main
    const capacity = Math.min(MAX_CAPACITY, 2 * settings.blockSpans)
    this.#builder = new BlockBuilder(capacity)
    this.#spare = new BlockBuilder(capacity)
    this.#blockBytes = settings.blockBytes
    this.#durable = this.#builder.mark()
    this.#holdings = new Holdings(settings, files, clock, readers, main, () => this.#segment)
  }

  /** Recovers what there is, and goes on with the newest segment where it has room. See {@link Holdings.open}. */
  open(): void {
    this.#directoryIdentity = this.#files.identity(this.#settings.directory)
    this.#holdings.open((segment, changes) => {
      this.#goOn(segment)
      this.#openChanges = changes
      this.#isTold = true
    })
  }

  /** What recovery did. */
  get recovered(): Recovered {
    return this.#holdings.recovered
  }

  /** All that a reader which joins has to know, as changes: each segment, and the open block as far as it is durable. */
  *all(): Generator<Change> {
    yield* this.#holdings.changes()
    if (!this.#segment || !this.#isTold) return
    const { id } = this.#segment
    yield segmentChange(this.#segment)
    yield* this.#openChanges
    if (this.#durable.frameCount === 0) return
    const { rows } = this.#flight?.builder ?? this.#builder
    yield { type: 'rows', id, rows: rowsBetween(rows, NOTHING, this.#durable) }
  }

  /** See {@link Holdings.takeOver}. */
  takeOver(failing: readonly StorePart[]): void {
    this.#holdings.takeOver(failing)
  }

  /** Sees whether the directory is still where it was. Called now and then; before each acknowledgement it is seen anyway. */
  check(): void {
    try {
      this.#losesDirectory()
    } catch {
      // A disk that cannot even say so shows in the next write.
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
        this.#finishSegment()
        this.#holdings.close()
        resolve()
      }
      this.#pump()
    })
  }

  /** Drops the oldest segments beyond the limits of size, age and free space. Called now and then; each record looks too. */
  retain(): void {
    if (this.#segment && this.#isOld() && !this.#flight && this.#group.length === 0) this.#finishSegment()
    this.#holdings.retain()
  }

  /** See {@link Holdings.joinSealer}. */
  joinSealer(port: Port<FromSealer, ToSealer>): void {
    this.#holdings.joinSealer(port)
  }

  /** See {@link Holdings.pins}. */
  pins(ask: number, change: PinChange | undefined): void {
    this.#holdings.pins(ask, change)
  }

  /** Has closed segments sealed, as the machine has time for it. Called about once a second. */
  pace(): void {
    this.#holdings.pace()
    if (!this.#isLost) this.#holdings.noteNumber()
  }

  #pump(): void {
    if (this.#isLost) return
    while (this.#inbox.length > 0 && !this.#blockIsFull()) this.#scan(this.#inbox.shift()!)
    if (this.#group.length === 0) {
      if (!this.#flight && this.#inbox.length === 0) this.#closing?.()
      return
    }
    if (this.#flight) return
    const now = this.#clock.monotonicMs()
    if (
      !this.#hasCompany ||
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
    return this.#builder.rows.count >= this.#settings.blockSpans || this.#builder.rawLength >= this.#blockBytes
  }

  #commit(): void {
    const batches = this.#group
    this.#hasCompany = batches.length > 1
    try {
      this.#holdings.checkRoom()
      const frames = framesOf(batches, this.#settings.frameBytes)
      const length = frames.reduce((sum, { bytes }) => sum + bytes.length, recordHeadBytes(frames.length))
      const segment = this.#openSegment(length)
      const builder = this.#builder
      const spans = builder.rows.count - this.#durable.count
      const head = recordHead(frames, spans, segment.salt, this.#clock.wallMs())
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
    if (this.#isLost) return
    if (error) {
      this.#failed(error, 'syncing the log')
      return
    }
    try {
      if (this.#losesDirectory()) return
    } catch (error) {
      this.#failed(error, 'looking for the log')
      return
    }
    const { batches, builder, mark, logEnd, closes } = this.#flight!
    const segment = this.#segment!
    this.#flight = undefined
    this.#holdings.grew(logEnd - segment.logSize)
    segment.logSize = logEnd
    this.#tellSegment(segment)
    if (closes) {
      this.#finishBlock(builder)
      this.#spare = builder
    } else {
      this.#readers.tellRows(segment.id, builder.rows, this.#durable, mark)
      this.#durable = mark
    }
    const slabs = this.#release(batches)
    this.#main.post({ type: 'durable', ids: batches.map(({ id }) => id), slabs }, slabs)
    this.#holdings.worked('disk')
    this.#pump()
  }

  /** Writes the index of a block whose rows are all durable, tells the readers, and empties the builder. */
  #finishBlock(builder: BlockBuilder): void {
    const segment = this.#segment!
    const { id } = segment
    try {
      const offset = segment.indexSize
      const { rows, hashes } = builder
      const traces = traceHashes(rows)
      const block = encodeBlock(rows, hashes, this.#blockStart, segment.logSize, this.#clock.wallMs(), traces)
      const indexSize = writeFully(segment.index, block, offset)
      this.#holdings.grew(indexSize - offset)
      segment.indexSize = indexSize
      this.#lastBlockBytes = segment.logSize - this.#blockStart + indexSize - offset
      this.#tell({ type: 'block', id, offset, indexSize, traces })
      this.#holdings.worked('index')
    } catch (error) {
      // The log has the spans: the block is indexed when the store is opened again, until then the readers read it from there.
      // A gap must not get into the index, so the segment ends here.
      this.#holdings.failed('index', error, 'writing the index')
      const keep = { type: 'keep', id, logStart: this.#blockStart, logEnd: segment.logSize } as const
      this.#tell(keep)
      this.#openChanges = [...this.#openChanges, keep]
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
    this.#holdings.failed('disk', error, doing)
    if (this.#segment) this.#cutBack(this.#segment, !wasSyncing)
    this.#reject(lost, error, doing)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.check()
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
    if (!cut) this.#finishSegment()
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
    this.#holdings.makeRoom(needed)
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
    this.#finishSegment()
    for (const { slab, start, end } of this.#group) this.#builder.add(slab.bytes.subarray(start, end))
  }

  #createSegment(): Segment {
    const segment = this.#holdings.begin()
    this.#goOn(segment)
    this.#isTold = false
    return segment
  }

  #goOn(segment: Segment): void {
    this.#segment = segment
    this.#openChanges = []
    this.#logIdentity = segment.log.identity()
    this.#blockStart = segment.logSize
    // One that was begun in the future is new.
    this.#segmentSinceMs = this.#clock.monotonicMs() - Math.max(0, this.#clock.wallMs() - segment.createdMs)
    this.#segmentLimit = this.#holdings.segmentLimit
    this.#lastBlockBytes = 0
    this.#blockBytes = Math.min(this.#settings.blockBytes, this.#segmentLimit)
  }

  /**
   * Whether the directory, or the log in it, was deleted or moved away: what is written then goes into files that nobody finds again.
   * When so, main is told, and starts this part anew when the directory is there.
   */
  #losesDirectory(): boolean {
    if (this.#isLost) return true
    const { directory } = this.#settings
    const hasDirectory = (): boolean => this.#files.identity(directory) === this.#directoryIdentity
    const hasLog = (): boolean => this.#files.identity(logPath(directory, this.#segment!.id)) === this.#logIdentity
    if (this.#segment ? hasLog() : hasDirectory()) return false
    this.#isLost = true
    if (this.#segment && this.#durable.count > 0 && hasDirectory() && !hasLog()) this.#tellLoss(this.#segment)
    const what = this.#segment ? logPath(directory, this.#segment.id) : directory
    const error = new StorageError(
      'io',
      `${what} was deleted or moved away while the store had it open; put ${directory} back, or make it anew, and it is used again`,
    )
    this.#main.post({ type: 'lost', error: toMessage(error, '') })
    return true
  }

  /** Only the log had what is in no block of the index yet: nobody else can tell. */
  #tellLoss({ id, logSize }: Segment): void {
    const [offset, maxSpans] = [this.#blockStart, this.#durable.count]
    const where = { file: logName(id), offset, bytes: logSize - offset, maxSpans }
    this.#main.post({ type: 'event', event: { code: 'damaged', ...where, perhaps: false, kept: undefined } })
  }

  #finishSegment(): void {
    if (!this.#segment) return
    if (this.#durable.frameCount > 0) this.#finishBlock(this.#builder)
    this.#endSegment()
  }

  #endSegment(): void {
    const segment = this.#segment
    if (!segment) return
    this.#segment = undefined
    closeSegment(segment)
    if (segment.logSize > FILE_HEADER) this.#holdings.add(segment, [segmentChange(segment), ...this.#openChanges])
    else {
      if (this.#isTold) this.#tell({ type: 'drop', id: segment.id })
      this.#holdings.discard(segment.id)
    }
  }

  /** By the monotonic clock, or by the wall clock where that says more: the machine may have slept. */
  #isOld(): boolean {
    const segment = this.#segment!
    const openMs = this.#clock.monotonicMs() - this.#segmentSinceMs
    return openMs >= this.#settings.segmentAgeMs || this.#holdings.isAged(segment.createdMs)
  }

  /** A segment becomes known with its first record: an empty one may be deleted again. */
  #tellSegment(segment: Segment): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#tell(segmentChange(segment))
  }

  #tell(change: Change): void {
    this.#readers.tell(change)
  }
}

function segmentChange({ id, indexSize }: Segment): Change {
  return { type: 'segment', id, indexSize }
}
