import { basename } from 'node:path'
import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import type { BlockRows, Frame, OperationKey } from '../block/rows.ts'
import { freeMemory } from '../block/memory.ts'
import { isRefusal, type File } from '../files/file-system.ts'
import { readFrame } from '../files/log.ts'
import { storageError } from '../threads/error.ts'
import { Slot, type ByteCache } from './byte-cache.ts'
import type { TakenFrame } from './block.ts'
import type { OpenFiles } from './open-files.ts'
import type { Pool } from './pool.ts'
import type { SegmentTraces } from './segment-traces.ts'
import { Vanished, type VanishedSegment } from './turn.ts'

/** What blocks read with. */
export interface BlockSource {
  readonly files: OpenFiles
  readonly columns: ByteCache
  /** Of trace ids: they are asked all the time, and small. */
  readonly traceFilters: ByteCache
  readonly frames: ByteCache
  readonly operations: Pool<OperationKey>
  readonly texts: Pool<string>
  readonly services: Pool<ReadonlySet<string>>
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
  readonly traces: SegmentTraces
}

/** Damage that a block has met: which file, which bytes, and how many spans are lost with them. */
export interface Damage {
  readonly path: string
  readonly offset: number
  readonly bytes: number
  readonly maxSpans: number
}

/** The requests of a frame of the segment's log. Throws as {@link Block.rows} does. */
export function readFrameOf(source: BlockSource, segment: BlockSegment, frame: Frame, rows: () => BlockRows): Buffer {
  return source.frames.get(slotOf(segment, frame), () => loadFrame(source, segment, frame, rows), lengthOf)
}

/** The same, to be freed by who asks where it is not kept. */
export function takeFrameOf(
  source: BlockSource,
  segment: BlockSegment,
  frame: Frame,
  rows: () => BlockRows,
): TakenFrame {
  const { value: bytes, isOwn } = source.frames.take(
    slotOf(segment, frame),
    () => loadFrame(source, segment, frame, rows),
    lengthOf,
  )
  return { bytes, isOwn }
}

/** What `use` makes of the same, of which nothing may be kept. */
export function useFrameOf<T>(
  source: BlockSource,
  segment: BlockSegment,
  frame: Frame,
  rows: () => BlockRows,
  use: (bytes: Buffer) => T,
): T {
  const load = (): Buffer => loadFrame(source, segment, frame, rows)
  return source.frames.use(slotOf(segment, frame), load, lengthOf, use, freeMemory)
}

function slotOf({ frames }: BlockSegment, { offset }: Frame): Slot {
  let slot = frames.get(offset)
  if (!slot) frames.set(offset, (slot = new Slot(() => void frames.delete(offset))))
  return slot
}

function loadFrame(source: BlockSource, segment: BlockSegment, frame: Frame, rows: () => BlockRows): Buffer {
  const bytes = reading(source, segment, segment.logPath, (file) => readFrame(file, segment.logPath, frame))
  if (!(bytes instanceof StorageError)) return bytes
  const { offset, length } = frame
  tell(source, { path: segment.logPath, offset, bytes: length, maxSpans: spansIn(rows(), frame) })
  throw bytes
}

function lengthOf({ length }: Buffer): number {
  return length
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

export function tell(source: BlockSource, { path, offset, bytes, maxSpans }: Damage): void {
  source.tell(
    { code: 'damaged', file: basename(path), offset, bytes, maxSpans, perhaps: false, kept: undefined },
    offset,
  )
}
