import { join } from 'node:path'
import { StorageError } from '../../contract.ts'
import { BlockBuilder } from '../block/builder.ts'
import type { File, FileSystem } from './file-system.ts'
import { encodeBlock, INDEX_HEADER, indexHeader, isIndex, readBlock, type IndexBlock } from './index-file.ts'
import { FILE_HEADER, fileHeader, findRecord, readFileHeader, readFrame, readRecord, writeFully } from './log.ts'
import { BLOCK_SPANS } from '../options.ts'

/** A segment as the writer has it: `<id>.log` and `<id>.idx`. */
export interface Segment {
  readonly id: number
  readonly createdMs: number
  readonly log: File
  readonly index: File
  /** Durable bytes of the log. */
  logSize: number
  indexSize: number
}

export interface Recovered {
  /** Blocks that were indexed again. */
  blocks: number
  /** Bytes of torn or damaged records. */
  tornBytes: number
}

export function logPath(directory: string, id: number): string {
  return join(directory, `${String(id).padStart(8, '0')}.log`)
}

export function indexPath(directory: string, id: number): string {
  return join(directory, `${String(id).padStart(8, '0')}.idx`)
}

/** The ids of all segments, oldest first. */
export function listSegments(files: FileSystem, directory: string): number[] {
  const ids: number[] = []
  for (const name of files.list(directory)) {
    const match = /^(\d{8,})\.log$/.exec(name)
    if (match) ids.push(Number(match[1]))
  }
  return ids.sort((a, b) => a - b)
}

export function createSegment(files: FileSystem, directory: string, id: number, nowMs: number): Segment {
  const log = files.open(logPath(directory, id), 'new')
  let index: File | undefined
  try {
    index = openIndex(files, indexPath(directory, id))
    index.truncate(INDEX_HEADER)
    writeFully(log, [fileHeader(nowMs)], 0)
    log.sync()
    files.syncDirectory(directory)
    return { id, createdMs: nowMs, log, index, logSize: FILE_HEADER, indexSize: INDEX_HEADER }
  } catch (error) {
    log.close()
    index?.close()
    deleteSegment(files, directory, id)
    throw error
  }
}

export function closeSegment(segment: Segment): void {
  segment.log.close()
  segment.index.close()
}

/** The log goes last: what is left when the deletion is interrupted is a whole segment. */
export function deleteSegment(files: FileSystem, directory: string, id: number): void {
  files.remove(indexPath(directory, id))
  files.remove(logPath(directory, id))
}

export function segmentBytes(files: FileSystem, directory: string, id: number): { bytes: number; writtenMs: number } {
  const log = files.stat(logPath(directory, id))
  const index = files.stat(indexPath(directory, id))
  return { bytes: (log?.size ?? 0) + (index?.size ?? 0), writtenMs: log?.mtimeMs ?? 0 }
}

/**
 * Opens a segment and makes it whole: what of the log the index does not cover is indexed again, a torn tail is cut off, damaged
 * records in the middle are stepped over. `last`: nothing was written after it, so its end is checked record by record also
 * where the index covers it. Returns undefined, and deletes the files, when not even the header was written.
 */
export function recoverSegment(
  files: FileSystem,
  directory: string,
  id: number,
  last: boolean,
  recovered: Recovered,
): Segment | undefined {
  const path = logPath(directory, id)
  const log = files.open(path, 'update')
  const createdMs = readFileHeader(log, path)
  if (createdMs === undefined) {
    const size = log.size()
    log.close()
    if (size > FILE_HEADER) {
      throw new StorageError('corrupt', `${path} is not a Spoor log; move it out of the data directory`)
    }
    deleteSegment(files, directory, id)
    return undefined
  }
  const index = openIndex(files, indexPath(directory, id))
  const segment = { id, createdMs, log, index, logSize: log.size(), indexSize: INDEX_HEADER }
  let covered = FILE_HEADER
  const blocks = readIndex(segment)
  if (last && blocks.length > 0) {
    const tail = blocks.at(-1)!
    if (!isWhole(segment, tail.meta.logStart, tail.meta.logEnd)) blocks.pop()
  }
  for (const block of blocks) {
    covered = block.meta.logEnd
    segment.indexSize = block.end
  }
  indexAgain(segment, path, covered, recovered)
  return segment
}

function openIndex(files: FileSystem, path: string): File {
  const file = files.open(path, 'create')
  try {
    if (!isIndex(file)) {
      file.truncate(0)
      writeFully(file, [indexHeader()], 0)
    }
    return file
  } catch (error) {
    file.close()
    throw error
  }
}

/** The blocks that describe the log from its start without a gap. */
function readIndex(segment: Segment): IndexBlock[] {
  const blocks: IndexBlock[] = []
  const size = segment.index.size()
  let covered = FILE_HEADER
  for (let at = INDEX_HEADER; at < size; at = blocks.at(-1)!.end) {
    const block = readBlock(segment.index, at, size)
    if (!block || block.meta.logStart !== covered || block.meta.logEnd > segment.logSize) break
    blocks.push(block)
    covered = block.meta.logEnd
  }
  return blocks
}

function isWhole(segment: Segment, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const record = readRecord(segment.log, at, end)
    if (!record) return false
    at = record.end
  }
  return true
}

function indexAgain(segment: Segment, path: string, from: number, recovered: Recovered): void {
  const { log, index } = segment
  index.truncate(segment.indexSize)
  if (from === segment.logSize) return
  const builder = new BlockBuilder()
  let blockStart = from
  let at = from
  const finish = (): void => {
    if (at === blockStart) return
    segment.indexSize = writeFully(index, encodeBlock(builder.rows, builder.hashes, blockStart, at), segment.indexSize)
    recovered.blocks++
    blockStart = at
    builder.reset()
  }
  while (at < segment.logSize) {
    const record = readRecord(log, at, segment.logSize) ?? findRecord(log, at + 1, segment.logSize)
    if (!record) break
    recovered.tornBytes += record.start - at
    for (const frame of record.frames) addFrame(builder, log, path, frame)
    at = record.end
    if (builder.rows.count >= BLOCK_SPANS) finish()
  }
  if (at < segment.logSize) {
    recovered.tornBytes += segment.logSize - at
    log.truncate(at)
    segment.logSize = at
  }
  finish()
}

/** Adds the spans of a frame in the log to a block. */
export function addFrame(
  builder: BlockBuilder,
  log: File,
  path: string,
  frame: { offset: number; length: number; rawLength: number },
): void {
  builder.addFrame({
    rawStart: builder.rawLength,
    rawLength: frame.rawLength,
    offset: frame.offset,
    length: frame.length,
  })
  builder.add(readFrame(log, path, frame))
}
