import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { StorageError } from '../contract.ts'
import { BlockBuilder } from './builder.ts'
import { encodeBlock, INDEX_HEADER, indexHeader, isIndex, readBlock, type IndexBlock } from './index-file.ts'
import {
  FILE_HEADER,
  fileHeader,
  fileSize,
  findRecord,
  readFileHeader,
  readFrame,
  readRecord,
  syncDirectory,
  writeFully,
} from './log.ts'
import { BLOCK_SPANS } from './options.ts'

/** A segment as the writer has it: `<id>.log` and `<id>.idx`. */
export interface Segment {
  readonly id: number
  readonly createdMs: number
  readonly logFd: number
  readonly indexFd: number
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
export function listSegments(directory: string): number[] {
  const ids: number[] = []
  for (const name of readdirSync(directory)) {
    const match = /^(\d{8,})\.log$/.exec(name)
    if (match) ids.push(Number(match[1]))
  }
  return ids.sort((a, b) => a - b)
}

export function createSegment(directory: string, id: number, nowMs: number): Segment {
  const logFd = openSync(logPath(directory, id), 'wx+')
  let indexFd: number | undefined
  try {
    indexFd = openSync(indexPath(directory, id), 'w+')
    writeFully(logFd, [fileHeader(nowMs)], 0)
    writeFully(indexFd, [indexHeader()], 0)
    fsyncSync(logFd)
    syncDirectory(directory)
    return { id, createdMs: nowMs, logFd, indexFd, logSize: FILE_HEADER, indexSize: INDEX_HEADER }
  } catch (error) {
    closeSync(logFd)
    if (indexFd !== undefined) closeSync(indexFd)
    deleteSegment(directory, id)
    throw error
  }
}

export function closeSegment(segment: Segment): void {
  closeSync(segment.logFd)
  closeSync(segment.indexFd)
}

/** The log goes last: what is left when the deletion is interrupted is a whole segment. */
export function deleteSegment(directory: string, id: number): void {
  rmSync(indexPath(directory, id), { force: true })
  rmSync(logPath(directory, id), { force: true })
}

export function segmentBytes(directory: string, id: number): { bytes: number; writtenMs: number } {
  const log = statSync(logPath(directory, id))
  const index = existsSync(indexPath(directory, id)) ? statSync(indexPath(directory, id)).size : 0
  return { bytes: log.size + index, writtenMs: log.mtimeMs }
}

/**
 * Opens a segment and makes it whole: what of the log the index does not cover is indexed again, a torn tail is cut off, damaged
 * records in the middle are stepped over. `last`: nothing was written after it, so its end is checked record by record also
 * where the index covers it. Returns undefined, and deletes the files, when not even the header was written.
 */
export function recoverSegment(
  directory: string,
  id: number,
  last: boolean,
  recovered: Recovered,
): Segment | undefined {
  const path = logPath(directory, id)
  const logFd = openSync(path, 'r+')
  const createdMs = readFileHeader(logFd, path)
  if (createdMs === undefined) {
    const size = fileSize(logFd)
    closeSync(logFd)
    if (size > FILE_HEADER) {
      throw new StorageError('corrupt', `${path} is not a Spoor log; move it out of the data directory`)
    }
    deleteSegment(directory, id)
    return undefined
  }
  const indexFd = openIndex(indexPath(directory, id))
  const segment = { id, createdMs, logFd, indexFd, logSize: fileSize(logFd), indexSize: INDEX_HEADER }
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

function openIndex(path: string): number {
  const fd = openSync(path, existsSync(path) ? 'r+' : 'w+')
  if (!isIndex(fd)) {
    ftruncateSync(fd, 0)
    writeFully(fd, [indexHeader()], 0)
  }
  return fd
}

/** The blocks that describe the log from its start without a gap. */
function readIndex(segment: Segment): IndexBlock[] {
  const blocks: IndexBlock[] = []
  const size = fileSize(segment.indexFd)
  let covered = FILE_HEADER
  for (let at = INDEX_HEADER; at < size; at = blocks.at(-1)!.end) {
    const block = readBlock(segment.indexFd, at, size)
    if (!block || block.meta.logStart !== covered || block.meta.logEnd > segment.logSize) break
    blocks.push(block)
    covered = block.meta.logEnd
  }
  return blocks
}

function isWhole(segment: Segment, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const record = readRecord(segment.logFd, at, end)
    if (!record) return false
    at = record.end
  }
  return true
}

function indexAgain(segment: Segment, path: string, from: number, recovered: Recovered): void {
  const { logFd, indexFd } = segment
  ftruncateSync(indexFd, segment.indexSize)
  if (from === segment.logSize) return
  const builder = new BlockBuilder()
  let blockStart = from
  let at = from
  const finish = (): void => {
    if (at === blockStart) return
    segment.indexSize = writeFully(
      indexFd,
      encodeBlock(builder.rows, builder.hashes, blockStart, at),
      segment.indexSize,
    )
    recovered.blocks++
    blockStart = at
    builder.reset()
  }
  while (at < segment.logSize) {
    const record = readRecord(logFd, at, segment.logSize) ?? findRecord(logFd, at + 1, segment.logSize)
    if (!record) break
    recovered.tornBytes += record.start - at
    for (const frame of record.frames) addFrame(builder, logFd, path, frame)
    at = record.end
    if (builder.rows.count >= BLOCK_SPANS) finish()
  }
  if (at < segment.logSize) {
    recovered.tornBytes += segment.logSize - at
    ftruncateSync(logFd, at)
    segment.logSize = at
  }
  finish()
}

/** Adds the spans of a frame in the log to a block. */
export function addFrame(
  builder: BlockBuilder,
  logFd: number,
  path: string,
  frame: { offset: number; length: number; rawLength: number },
): void {
  builder.addFrame({
    rawStart: builder.rawLength,
    rawLength: frame.rawLength,
    offset: frame.offset,
    length: frame.length,
  })
  builder.add(readFrame(logFd, path, frame))
}
