import { StorageError } from '../../contract.ts'
import { BlockBuilder, type BuilderMark } from '../block/builder.ts'
import { toMessage } from '../threads/error.ts'
import type { FileSystem } from '../files/file-system.ts'
import { encodeBlock } from '../files/index-file.ts'
import { compress, FILE_HEADER, recordHead, writeFully } from '../files/log.ts'
import { GROUP_MS, GROUP_PAUSE_MS, type LocalStoreSettings } from '../options.ts'
import type { Clock, Port } from '../runtime.ts'
import type { ChangeFeed } from '../threads/change-feed.ts'
import type { Change, FromWriter, ToWriter } from '../threads/protocol.ts'
import { rowsBetween } from '../block/rows.ts'
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

/** A batch that waits to be durable: its bytes in the slab that main filled. */
interface Pending {
  readonly id: number
  readonly start: number
  readonly end: number
  readonly slab: Slab
}

/** Goes back to main when its last batch is answered. */
interface Slab {
  readonly buffer: ArrayBuffer
  readonly bytes: Uint8Array
  waiting: number
}

/** A record that is written and waits for its fdatasync. */
interface Flight {
  readonly batches: readonly Pending[]
  readonly builder: BlockBuilder
  readonly mark: BuilderMark
  readonly logEnd: number
  /** The block is full: with this record it gets its index. */
  readonly closes: boolean
}

/** A segment that is not written any more. */
interface Sealed {
  readonly bytes: number
  readonly writtenMs: number
  readonly indexSize: number
  /** The stretch of the log at its end whose index could not be written. */
  readonly kept?: Stretch | undefined
}

interface Stretch {
  readonly logStart: number
  readonly logEnd: number
}

/** Rows that a builder has room for from the start, at most: a block of ordinary spans never grows beyond it. */
const MAX_CAPACITY = 1 << 14
/** Nothing of a block. */
const NOTHING: BuilderMark = { count: 0, traceCount: 0, operationCount: 0, groupCount: 0, frameCount: 0, rawLength: 0 }

/**
 * The writing half of the local engine; owns the files. Batches go inbox -> scanned into the open block -> one record a group,
 * compressed and written -> fdatasync -> told to the readers -> acknowledged. One record is in flight at a time; while it is,
 * the next group gathers.
 *
 * When writing or syncing fails, everything that is not durable is rejected and forgotten, and the log is cut back to what is.
 * After a failed fdatasync the file is not trusted any further: the system may have dropped the bytes, so a new segment begins.
 */
export class Ingest {
  readonly recovered: Recovered = { blocks: 0, tornBytes: 0 }
  readonly #settings: LocalStoreSettings
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #readers: ChangeFeed
  readonly #main: Port<ToWriter, FromWriter>
  #segment: Segment | undefined
  #nextId = 1
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
  #waits = false
  #sealed = new Map<number, Sealed>()
  #directoryIdentity: string | undefined
  #logIdentity: string | undefined
  /** The directory is not where it was: nothing is done any more. */
  #isLost = false
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
    const capacity = Math.min(MAX_CAPACITY, 2 * settings.blockSpans)
    this.#builder = new BlockBuilder(capacity)
    this.#spare = new BlockBuilder(capacity)
    this.#main = main
    this.#durable = this.#builder.mark()
  }

  /** Recovers all segments and goes on with the newest where it has room. */
  open(): void {
    const { directory } = this.#settings
    this.#directoryIdentity = this.#files.identity(directory)
    const ids = listSegments(this.#files, directory)
    // A killed process may have left names that it never synced; what is acknowledged from now on must not depend on them.
    if (ids.length > 0) this.#files.syncDirectory(directory)
    for (const id of ids) {
      const segment = recoverSegment(this.#files, directory, id, id === ids.at(-1), this.recovered)
      this.#nextId = id + 1
      if (!segment) continue
      // What a killed process wrote and never synced is served from now on: a sync that fails later must not take it away again.
      if (id === ids.at(-1)) segment.log.sync()
      this.#tell({ type: 'segment', id, indexSize: segment.indexSize })
      if (id === ids.at(-1) && !this.#isFull(segment)) {
        this.#use(segment)
      } else {
        closeSegment(segment)
        this.#sealed.set(id, { ...segmentBytes(this.#files, directory, id), indexSize: segment.indexSize })
      }
    }
    this.retain()
  }

  /** All that a reader which joins has to know, as changes: each segment, and the open block as far as it is durable. */
  *all(): Generator<Change> {
    for (const [id, { indexSize, kept }] of this.#sealed) {
      yield { type: 'segment', id, indexSize }
      if (kept) yield { type: 'keep', id, ...kept }
    }
    if (!this.#segment) return
    const { id, indexSize } = this.#segment
    yield { type: 'segment', id, indexSize }
    if (this.#durable.frameCount === 0) return
    const { rows } = this.#flight?.builder ?? this.#builder
    yield { type: 'rows', id, rows: rowsBetween(rows, NOTHING, this.#durable) }
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

  /** Resolves when all that was appended is answered and the files are closed. */
  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#closing = () => {
        try {
          this.#sealSegment()
          resolve()
        } catch (error) {
          reject(error)
        }
      }
      this.#pump()
    })
  }

  /** Drops the oldest segments beyond the limits of size and age. Called when a segment is sealed, and now and then. */
  retain(): void {
    const { directory, maxBytes, maxAgeMs } = this.#settings
    if (this.#segment && this.#isOld(this.#segment) && !this.#flight && this.#group.length === 0) this.#sealSegment()
    let total = this.#segment ? this.#segment.logSize + this.#segment.indexSize : 0
    for (const { bytes } of this.#sealed.values()) total += bytes
    for (const [id, { bytes, writtenMs }] of this.#sealed) {
      if (total <= maxBytes && this.#clock.wallMs() - writtenMs <= maxAgeMs) break
      try {
        deleteSegment(this.#files, directory, id)
      } catch {
        break // Something holds the files. They count on, and the next call tries again.
      }
      this.#tell({ type: 'drop', id })
      this.#sealed.delete(id)
      total -= bytes
    }
  }

  #pump(): void {
    if (this.#isLost) return
    while (this.#inbox.length > 0 && !this.#blockIsFull()) this.#scan(this.#inbox.shift()!)
    if (this.#group.length === 0) {
      if (this.#closing && !this.#flight && this.#inbox.length === 0) this.#closing()
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
    return this.#builder.rows.count >= this.#settings.blockSpans || this.#builder.rawLength >= this.#settings.blockBytes
  }

  #commit(): void {
    const builder = this.#builder
    const batches = this.#group
    try {
      const segment = this.#openSegment()
      const frames = framesOf(batches, this.#settings.frameBytes)
      const head = recordHead(frames, builder.rows.count - this.#durable.count)
      let offset = segment.logSize + head.length
      let rawStart = this.#durable.rawLength
      for (const { rawLength, bytes } of frames) {
        builder.addFrame({ rawStart, rawLength, offset, length: bytes.length })
        rawStart += rawLength
        offset += bytes.length
      }
      writeFully(segment.log, [head, ...frames.map(({ bytes }) => bytes)], segment.logSize)
      this.#group = []
      const closes = this.#blockIsFull() || this.#isFull({ ...segment, logSize: offset })
      this.#flight = { batches, builder, mark: builder.mark(), logEnd: offset, closes }
      if (closes) this.#builder = this.#spare
      segment.log.dataSync((error) => this.#synced(error))
    } catch (error) {
      this.#failed(error, 'writing the log', true)
    }
  }

  #synced(error: Error | null): void {
    if (this.#isLost) return
    if (error) {
      this.#failed(error, 'syncing the log', false)
      return
    }
    try {
      if (this.#losesDirectory()) return
    } catch (error) {
      this.#failed(error, 'looking for the log', false)
      return
    }
    const { batches, builder, mark, logEnd, closes } = this.#flight!
    this.#flight = undefined
    this.#segment!.logSize = logEnd
    if (closes) {
      this.#finishBlock(builder)
      this.#spare = builder
    } else {
      const { id } = this.#segment!
      this.#tell({ type: 'rows', id, rows: rowsBetween(builder.rows, this.#durable, mark) })
      this.#durable = mark
    }
    const slabs = this.#release(batches)
    this.#main.post({ type: 'durable', ids: batches.map(({ id }) => id), slabs }, slabs)
    this.#pump()
  }

  /** Writes the index of a block whose rows are all durable, tells the readers, and empties the builder. */
  #finishBlock(builder: BlockBuilder): void {
    const segment = this.#segment!
    const { id } = segment
    try {
      const offset = segment.indexSize
      const block = encodeBlock(builder.rows, builder.hashes, this.#blockStart, segment.logSize)
      segment.indexSize = writeFully(segment.index, block, offset)
      this.#tell({ type: 'block', id, offset, indexSize: segment.indexSize })
    } catch {
      // The log has the spans: the block is indexed when the store is opened again, until then the readers read it from there.
      // A gap must not get into the index, so the segment ends here.
      const kept = { logStart: this.#blockStart, logEnd: segment.logSize }
      this.#tell({ type: 'keep', id, ...kept })
      this.#endSegment(kept)
    }
    builder.reset()
    this.#blockStart = segment.logSize
    this.#durable = builder.mark()
  }

  /** `trusted`: the log's durable part is still what it was. */
  #failed(error: unknown, doing: string, trusted: boolean): void {
    const lost = [...(this.#flight?.batches ?? []), ...this.#group]
    if (this.#flight?.closes) {
      this.#builder.reset()
      this.#spare = this.#builder
      this.#builder = this.#flight.builder
    }
    this.#builder.rollback(this.#durable)
    this.#flight = undefined
    this.#group = []
    if (this.#segment) this.#cutBack(this.#segment, trusted)
    this.#reject(lost, error, doing)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.check()
    this.#pump()
  }

  /** Takes from the log what is not durable. */
  #cutBack(segment: Segment, trusted: boolean): void {
    let cut = trusted
    try {
      segment.log.truncate(segment.logSize)
    } catch {
      cut = false // Recovery will cut it off at the next open.
    }
    if (!cut) this.#sealSegment()
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

  #openSegment(): Segment {
    if (this.#segment && this.#durable.frameCount === 0 && this.#isFull(this.#segment)) this.#endSegment()
    if (!this.#segment) {
      const segment = createSegment(this.#files, this.#settings.directory, this.#nextId++, this.#clock.wallMs())
      this.#use(segment)
      const { id, indexSize } = segment
      this.#tell({ type: 'segment', id, indexSize })
      this.retain()
    }
    return this.#segment!
  }

  #use(segment: Segment): void {
    this.#segment = segment
    this.#blockStart = segment.logSize
    this.#logIdentity = segment.log.identity()
  }

  /**
   * Whether the directory, or the log in it, was deleted or moved away: what is written then goes into files that nobody finds again.
   * When so, main is told, and starts this part anew when the directory is there.
   */
  #losesDirectory(): boolean {
    if (this.#isLost) return true
    const { directory } = this.#settings
    const isThere = this.#segment
      ? this.#files.identity(logPath(directory, this.#segment.id)) === this.#logIdentity
      : this.#files.identity(directory) === this.#directoryIdentity
    if (isThere) return false
    this.#isLost = true
    const what = this.#segment ? logPath(directory, this.#segment.id) : directory
    const error = new StorageError(
      'io',
      `${what} was deleted or moved away while the store had it open; put ${directory} back, or make it anew, and it is used again`,
    )
    this.#main.post({ type: 'lost', error: toMessage(error, '') })
    return true
  }

  #sealSegment(): void {
    if (!this.#segment) return
    if (this.#durable.frameCount > 0) this.#finishBlock(this.#builder)
    this.#endSegment()
  }

  #endSegment(kept?: Stretch): void {
    const segment = this.#segment
    if (!segment) return
    this.#segment = undefined
    closeSegment(segment)
    if (segment.logSize === FILE_HEADER) {
      this.#tell({ type: 'drop', id: segment.id })
      deleteSegment(this.#files, this.#settings.directory, segment.id)
    } else {
      const { id, logSize, indexSize } = segment
      this.#sealed.set(id, { bytes: logSize + indexSize, writtenMs: this.#clock.wallMs(), indexSize, kept })
    }
  }

  #isFull(segment: Segment): boolean {
    return segment.logSize >= this.#settings.segmentBytes || this.#isOld(segment)
  }

  #isOld(segment: Segment): boolean {
    return this.#clock.wallMs() - segment.createdMs >= this.#settings.segmentAgeMs
  }

  #tell(change: Change): void {
    this.#readers.tell(change)
  }
}

/** The batches' bytes in frames of about `frameBytes`, compressed. Batches that lie end to end are not copied. */
function framesOf(batches: readonly Pending[], frameBytes: number): { rawLength: number; bytes: Buffer }[] {
  const frames: { rawLength: number; bytes: Buffer }[] = []
  let i = 0
  while (i < batches.length) {
    const parts: Uint8Array[] = []
    let rawLength = 0
    do {
      const { slab, start } = batches[i]!
      let { end } = batches[i]!
      while (++i < batches.length && rawLength + end - start < frameBytes) {
        const next = batches[i]!
        if (next.slab !== slab || next.start !== end) break
        end = next.end
      }
      parts.push(slab.bytes.subarray(start, end))
      rawLength += end - start
    } while (i < batches.length && rawLength < frameBytes)
    const raw = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    frames.push({ rawLength, bytes: compress(raw) })
  }
  return frames
}
