import { basename } from 'node:path'
import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import { ATTRIBUTE_PROBES, bloomHas, TRACE_PROBES } from '../block/bloom.ts'
import { BlockBuilder } from '../block/builder.ts'
import { hashWords } from '../block/hash.ts'
import { createRows, ROW_BYTES, type BlockRows, type Frame, type OperationKey } from '../block/rows.ts'
import { isRefusal, type File } from '../files/file-system.ts'
import { readBlock, readColumns, readFilter, startRange, type IndexBlock } from '../files/index-file.ts'
import { readFrame, readRecord } from '../files/log.ts'
import { addFrame } from '../files/segment.ts'
import { storageError } from '../threads/error.ts'
import { areSound } from './block-meta.ts'
import { Slot, type ByteCache } from './byte-cache.ts'
import type { OpenFiles } from './open-files.ts'
import { Vanished, type VanishedSegment } from './turn.ts'

/** A block as queries see it: bounds and filters to pass it by, columns and bytes to look into it. */
export interface Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  /** In its range are spans that cannot be read any more. */
  readonly damaged: boolean
  /** False when no span of this service is in it. */
  mayHaveService(service: string): boolean
  /** By the hash of its id, see {@link traceHash}. */
  mayHaveTrace(hash: number): boolean
  /** By the hash of a key, or of a key and value. */
  mayHaveAttribute(hash: number): boolean
  /** Throws StorageError `corrupt` or `io`, or {@link Vanished}; so does {@link frame}. */
  rows(): BlockRows
  /** The requests of one frame. */
  frame(frame: Frame): Buffer
}

/** What blocks read with. */
export interface BlockSource {
  readonly files: OpenFiles
  readonly columns: ByteCache
  readonly frames: ByteCache
  /** Told once for each place in a file; further times are not heard. */
  tell(event: Extract<StoreEvent, { code: 'damaged' | 'recovered' }>, offset: number): void
  /** A file of the segment is not there. */
  missing(segment: BlockSegment): void
}

/** The segment that a block is in. */
export interface BlockSegment extends VanishedSegment {
  readonly logPath: string
  readonly indexPath: string
  /** By their offset in the log. */
  readonly frames: Map<number, Slot>
}

/** Damage that a block has met: which file, which bytes, and how many spans are lost with them. */
interface Damage {
  readonly path: string
  readonly offset: number
  readonly bytes: number
  readonly maxSpans: number
}

/** A block of the index. Its filters, columns and frames are read when they are needed. */
export class StoredBlock implements Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly damaged: boolean
  readonly #source: BlockSource
  readonly #segment: BlockSegment
  readonly #offset: number
  readonly #end: number
  readonly #logStart: number
  readonly #logEnd: number
  readonly #services: ReadonlySet<string>
  readonly #filters: readonly [FilterSection, FilterSection]
  readonly #rows = new Slot()

  constructor(source: BlockSource, segment: BlockSegment, offset: number, block: IndexBlock) {
    const { meta, traceFilter, attributeFilter } = block
    this.#source = source
    this.#segment = segment
    this.#offset = offset
    this.#end = block.end
    this.#logStart = meta.logStart
    this.#logEnd = meta.logEnd
    this.#services = new Set(meta.operations.map(({ service }) => service))
    this.#filters = [
      { section: traceFilter, crc: meta.crcs[0], bits: new Slot() },
      { section: attributeFilter, crc: meta.crcs[1], bits: new Slot() },
    ]
    this.spans = meta.spans
    this.minStart = BigInt(meta.minStart)
    this.maxStart = BigInt(meta.maxStart)
    this.damaged = meta.damaged !== undefined
  }

  mayHaveService(service: string): boolean {
    return this.#services.has(service)
  }

  mayHaveTrace(hash: number): boolean {
    const bits = this.#filter(this.#filters[0])
    return bits === undefined || bloomHas(bits, hash, TRACE_PROBES)
  }

  mayHaveAttribute(hash: number): boolean {
    const bits = this.#filter(this.#filters[1])
    return bits === undefined || bloomHas(bits, hash === 0 ? 1 : hash, ATTRIBUTE_PROBES)
  }

  rows(): BlockRows {
    return this.#source.columns.get(this.#rows, () => this.#loadRows(), bytesOf)
  }

  frame(frame: Frame): Buffer {
    return readFrameOf(this.#source, this.#segment, frame, () => this.rows())
  }

  #filter({ section, crc, bits }: FilterSection): Uint32Array | undefined {
    const load = (): Uint32Array | undefined => {
      const found = reading(this.#source, this.#segment, this.#segment.indexPath, (file) =>
        readFilter(file, section, crc),
      )
      if (!found ? section.length > 0 : found instanceof StorageError) this.#notWhole(section.offset)
      return found instanceof StorageError ? undefined : found
    }
    try {
      return this.#source.columns.get(bits, load, (found) => (found?.byteLength ?? 0) + 100)
    } catch {
      return undefined // Whoever looks into the block then meets the same, and says so.
    }
  }

  #loadRows(): BlockRows {
    const rows = this.#readRows()
    if (rows) return rows
    // The log has it all, so nothing is lost, and nothing refused, yet.
    const rebuilt = reading(this.#source, this.#segment, this.#segment.logPath, (file) =>
      rebuildRows(file, this.#segment.logPath, this.#logStart, this.#logEnd),
    )
    if (rebuilt instanceof StorageError) {
      tell(this.#source, {
        path: this.#segment.logPath,
        offset: this.#logStart,
        bytes: this.#logEnd - this.#logStart,
        maxSpans: this.spans,
      })
      throw rebuilt
    }
    return rebuilt
  }

  #readRows(): BlockRows | undefined {
    const rows = this.#fromIndex((file) => {
      const block = readBlock(file, this.#offset, this.#end)
      const columns = block && readColumns(file, block)
      return { columns, offset: block?.columns.offset ?? this.#offset }
    })
    if (!rows) return undefined
    if (rows instanceof StorageError) {
      this.#notWhole(this.#offset)
      return undefined
    }
    if (rows.columns && areSound(rows.columns, this.#logStart, this.#logEnd)) return rows.columns
    this.#notWhole(rows.offset)
    return undefined
  }

  /** As {@link reading}; undefined when the system does not give the index out. */
  #fromIndex<T>(read: (file: File) => T): T | StorageError | undefined {
    try {
      return reading(this.#source, this.#segment, this.#segment.indexPath, read)
    } catch (error) {
      if (error instanceof StorageError) return undefined
      throw error
    }
  }

  /**
   * The index is written without a sync: it may be damaged, or have lost what was written last when the power was cut. The log has the same,
   * so nothing is lost but time.
   */
  #notWhole(offset: number): void {
    const file = basename(this.#segment.indexPath)
    this.#source.tell({ code: 'recovered', file, blocks: 1, tornBytes: 0 }, offset)
  }
}

interface FilterSection {
  readonly section: { readonly offset: number; readonly length: number }
  readonly crc: number
  readonly bits: Slot
}

/** A stretch of the log without an index: its rows are made from the log, and made again when the cache has let them go. */
export class LogBlock implements Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly damaged = false
  readonly operations: readonly OperationKey[]
  readonly #source: BlockSource
  readonly #segment: BlockSegment
  readonly #logStart: number
  readonly #logEnd: number
  readonly #services: ReadonlySet<string>
  readonly #rows = new Slot()

  /** Throws as {@link Block.rows} does. */
  constructor(source: BlockSource, segment: BlockSegment, logStart: number, logEnd: number) {
    this.#source = source
    this.#segment = segment
    this.#logStart = logStart
    this.#logEnd = logEnd
    const rows = this.rows()
    this.spans = rows.count
    ;[this.minStart, this.maxStart] = startRange(rows)
    this.operations = rows.operations
    this.#services = new Set(rows.operations.map(({ service }) => service))
  }

  mayHaveService(service: string): boolean {
    return this.#services.has(service)
  }

  mayHaveTrace(): boolean {
    return true
  }

  mayHaveAttribute(): boolean {
    return true
  }

  rows(): BlockRows {
    return this.#source.columns.get(this.#rows, () => this.#loadRows(), bytesOf)
  }

  frame(frame: Frame): Buffer {
    return readFrameOf(this.#source, this.#segment, frame, () => this.rows())
  }

  #loadRows(): BlockRows {
    const { logPath } = this.#segment
    const rows = reading(this.#source, this.#segment, logPath, (file) =>
      rebuildRows(file, logPath, this.#logStart, this.#logEnd),
    )
    if (rows instanceof StorageError) throw rows
    return rows
  }
}

/** A range of time in which spans are missing that no block knows of. */
export class LostBlock implements Block {
  readonly spans = 0
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly damaged = true

  /** Nanoseconds since 1970, decimal. */
  constructor([min, max]: readonly [string, string]) {
    this.minStart = BigInt(min)
    this.maxStart = BigInt(max)
  }

  mayHaveService(): boolean {
    return false
  }

  mayHaveTrace(): boolean {
    return false
  }

  mayHaveAttribute(): boolean {
    return false
  }

  rows(): BlockRows {
    return createRows(0)
  }

  frame(): Buffer {
    throw new StorageError('corrupt', 'the spans of this range cannot be read')
  }
}

/** A block whose rows are in memory: the one that the writer is still filling. */
export class MemoryBlock implements Block {
  readonly spans: number
  readonly minStart: bigint
  readonly maxStart: bigint
  readonly damaged = false
  readonly #source: BlockSource
  readonly #segment: BlockSegment
  readonly #rows: BlockRows

  constructor(source: BlockSource, segment: BlockSegment, rows: BlockRows) {
    this.#source = source
    this.#segment = segment
    this.#rows = rows
    this.spans = rows.count
    ;[this.minStart, this.maxStart] = startRange(rows)
  }

  mayHaveService(service: string): boolean {
    return this.#rows.operations.some((operation) => operation.service === service)
  }

  mayHaveTrace(): boolean {
    return true
  }

  mayHaveAttribute(): boolean {
    return true
  }

  rows(): BlockRows {
    return this.#rows
  }

  frame(frame: Frame): Buffer {
    return readFrameOf(this.#source, this.#segment, frame, () => this.#rows)
  }
}

function readFrameOf(source: BlockSource, segment: BlockSegment, frame: Frame, rows: () => BlockRows): Buffer {
  let slot = segment.frames.get(frame.offset)
  if (!slot) segment.frames.set(frame.offset, (slot = new Slot()))
  const load = (): Buffer => {
    const bytes = reading(source, segment, segment.logPath, (file) => readFrame(file, segment.logPath, frame))
    if (!(bytes instanceof StorageError)) return bytes
    const { offset, length } = frame
    tell(source, { path: segment.logPath, offset, bytes: length, maxSpans: spansIn(rows(), frame) })
    throw bytes
  }
  return source.frames.get(slot, load, (bytes) => bytes.length)
}

function spansIn(rows: BlockRows, { rawStart, rawLength }: Frame): number {
  let spans = 0
  for (let row = 0; row < rows.count; row++) {
    if (rows.spanStart[row]! >= rawStart && rows.spanStart[row]! < rawStart + rawLength) spans++
  }
  return spans
}

/**
 * What `read` gives, or the error that says what is wrong with the bytes. Throws {@link Vanished} when the file is not there, and StorageError
 * `io` when the system does not give it out: the disk fails, too many files are open, or this user may not.
 */
export function reading<T>(
  source: BlockSource,
  segment: BlockSegment,
  path: string,
  read: (file: File) => T,
): T | StorageError {
  try {
    return source.files.use(path, read)
  } catch (error) {
    if (isMissing(error)) {
      source.missing(segment)
      throw new Vanished(segment, `${path} is not there`)
    }
    const wrong = storageError(error, `reading ${path}`)
    // What the system refuses now it may give later: only bytes that were read can be damaged.
    if (isRefusal(error)) throw wrong
    return wrong
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ENOENT'
}

function tell(source: BlockSource, { path, offset, bytes, maxSpans }: Damage): void {
  source.tell(
    { code: 'damaged', file: basename(path), offset, bytes, maxSpans, perhaps: false, kept: undefined },
    offset,
  )
}

/** A block whose columns in the index are damaged, from the log. */
function rebuildRows(log: File, path: string, logStart: number, logEnd: number): BlockRows {
  const builder = new BlockBuilder()
  for (let at = logStart; at < logEnd;) {
    const record = readRecord(log, at, logEnd)
    if (!record) {
      throw new StorageError('corrupt', `${path}: the record at byte ${at} is damaged; its spans cannot be read`)
    }
    for (const frame of record.frames) addFrame(builder, log, path, frame)
    at = record.end
  }
  return builder.rows
}

function bytesOf(rows: BlockRows): number {
  return (
    rows.count * ROW_BYTES +
    16 * (rows.traceCount + rows.groupCount) +
    64 * rows.frames.length +
    128 * rows.operations.length
  )
}

export function traceHash(id: Uint32Array): number {
  return hashWords(id[0]!, id[1]!, id[2]!, id[3]!)
}
