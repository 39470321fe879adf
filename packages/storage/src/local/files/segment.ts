import { join } from 'node:path'
import { randomInt } from 'node:crypto'
import type { BlockBuilder } from '../block/builder.ts'
import type { File, FileSystem } from './file-system.ts'
import { INDEX_HEADER, indexHeader } from './index-file.ts'
import { FILE_HEADER, fileHeader, readFrame, writeFully } from './log.ts'
import { replaceFile } from './swap.ts'

/** A segment as the writer has it: `<id>.log` and `<id>.idx`. When it is sealed, `<id>.seal` takes their place. */
export interface Segment {
  readonly id: number
  readonly createdMs: number
  /** See {@link ./log.ts}. */
  readonly salt: number
  readonly log: File
  readonly index: File
  /** Durable bytes of the log. */
  logSize: number
  indexSize: number
}

/** What recovery did. */
export interface Recovered {
  /** Blocks that were indexed again. */
  blocks: number
  /** Bytes of torn records that were cut off. */
  tornBytes: number
}

/** Ids beyond it are not ours: nobody writes so many segments. */
const MAX_ID = 2 ** 32
const SEGMENT_FILE = /^(\d{8,10})\.(log|idx|seal)$/

type Kind = 'log' | 'idx' | 'seal'

export function logName(id: number): string {
  return nameOf(id, 'log')
}

export function indexName(id: number): string {
  return nameOf(id, 'idx')
}

export function sealedName(id: number): string {
  return nameOf(id, 'seal')
}

function nameOf(id: number, kind: Kind): string {
  return `${String(id).padStart(8, '0')}.${kind}`
}

export function logPath(directory: string, id: number): string {
  return join(directory, logName(id))
}

export function indexPath(directory: string, id: number): string {
  return join(directory, indexName(id))
}

export function sealedPath(directory: string, id: number): string {
  return join(directory, sealedName(id))
}

/** Which segment's file has this name; undefined for any other. */
export function parseName(name: string): { readonly id: number; readonly kind: Kind } | undefined {
  const match = SEGMENT_FILE.exec(name)
  if (!match) return undefined
  const id = Number(match[1])
  const kind = match[2] as Kind
  return id <= MAX_ID && nameOf(id, kind) === name ? { id, kind } : undefined
}

/** The ids of all files with the name of a log, ascending. */
export function listSegments(files: FileSystem, directory: string): number[] {
  return listIds(files, directory, 'log')
}

/** The ids of all files with the name of an index, ascending. */
export function listIndexes(files: FileSystem, directory: string): number[] {
  return listIds(files, directory, 'idx')
}

/** The ids of all files with the name of a sealed segment, ascending. */
export function listSealed(files: FileSystem, directory: string): number[] {
  return listIds(files, directory, 'seal')
}

function listIds(files: FileSystem, directory: string, kind: Kind): number[] {
  const ids: number[] = []
  for (const name of files.list(directory)) {
    const parsed = parseName(name)
    if (parsed?.kind === kind) ids.push(parsed.id)
  }
  return ids.sort((a, b) => a - b)
}

/** A number for a new log; never 0, which is that of format 1. */
export function drawSalt(): number {
  return randomInt(1, 2 ** 32)
}

/** Makes the segment `from`, or the first after it whose name is free: something foreign may have it, or what is left of a lost one. */
export function createSegment(files: FileSystem, directory: string, from: number, nowMs: number): Segment {
  let id = from
  while (
    files.stat(logPath(directory, id)) ||
    files.stat(sealedPath(directory, id)) ||
    (files.stat(indexPath(directory, id))?.size ?? 0) > INDEX_HEADER
  )
    id++
  const salt = drawSalt()
  const log = files.open(logPath(directory, id), 'new')
  let index: File | undefined
  try {
    index = files.open(indexPath(directory, id), 'create')
    index.truncate(0)
    writeFully(index, [indexHeader(salt)], 0)
    writeFully(log, [fileHeader({ createdMs: nowMs, salt })], 0)
    log.sync()
    files.syncDirectory(directory)
    return { id, createdMs: nowMs, salt, log, index, logSize: FILE_HEADER, indexSize: INDEX_HEADER }
  } catch (error) {
    log.close()
    index?.close()
    try {
      deleteSegment(files, directory, id)
    } catch {
      // What is left is a log without a header, which recovery knows; the first error says more.
    }
    throw error
  }
}

/** Throws nothing: what had to be durable was synced, and of the rest nothing is promised. */
export function closeSegment({ log, index }: Segment): void {
  for (const file of [log, index]) {
    try {
      file.close()
    } catch {
      // The descriptor is gone either way.
    }
  }
}

/**
 * The log goes after its index, which is gone for good by then: what is left when the deletion is interrupted is a whole segment, in one form
 * or the other, and an index without a log means that the log was lost.
 */
export function deleteSegment(files: FileSystem, directory: string, id: number): void {
  removeIndex(files, directory, id)
  files.remove(logPath(directory, id))
  files.remove(sealedPath(directory, id))
}

/**
 * Instead of deleting it, where an older one cannot be deleted: a number that is missing in the middle means that a segment was lost. What
 * is left is as large as a log without a record.
 */
export function emptySegment(files: FileSystem, directory: string, id: number): void {
  removeIndex(files, directory, id)
  if (!files.stat(logPath(directory, id))) {
    replaceFile(files, logPath(directory, id), fileHeader({ createdMs: 0, salt: drawSalt() }))
    files.syncDirectory(directory)
  }
  const log = files.open(logPath(directory, id), 'update')
  try {
    if (log.size() > FILE_HEADER) log.truncate(FILE_HEADER)
  } finally {
    log.close()
  }
  files.remove(sealedPath(directory, id))
}

/** Gone for good when it returns; and so is each segment that was deleted before. */
function removeIndex(files: FileSystem, directory: string, id: number): void {
  if (files.stat(indexPath(directory, id))) files.remove(indexPath(directory, id))
  files.syncDirectory(directory)
}

/** Of all its files, in whatever form. */
export function segmentBytes(files: FileSystem, directory: string, id: number): number {
  const paths = [logPath(directory, id), indexPath(directory, id), sealedPath(directory, id)]
  return paths.reduce((sum, path) => sum + (files.stat(path)?.size ?? 0), 0)
}

/** Adds the spans of a frame in the log to a block. */
export function addFrame(
  builder: BlockBuilder,
  log: File,
  path: string,
  frame: { offset: number; length: number; rawLength: number },
): void {
  const rawStart = builder.rawLength
  builder.add(readFrame(log, path, frame))
  builder.addFrame({ rawStart, rawLength: frame.rawLength, offset: frame.offset, length: frame.length })
}
