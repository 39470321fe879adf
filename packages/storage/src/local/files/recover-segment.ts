import type { StoreEvent, StoreEventFields } from '../../events.ts'
import type { File, FileSystem } from './file-system.ts'
import { INDEX_HEADER, indexHeader, isIndex, readBlock, type BlockMeta, type IndexBlock } from './index-file.ts'
import { keepAside } from './kept.ts'
import { FILE_HEADER, readExactly, readHead, VERSION, writeFully, type LogHeader } from './log.ts'
import { Reindex, type UnindexedStretch } from './reindex.ts'
import { indexPath, logName, logPath, type Segment } from './segment.ts'
import { NEW } from './swap.ts'
import { walkLog, type DamagedStretch } from './walk.ts'

/** Events of one segment that are told one by one; what is beyond is summed up in one more. */
const MAX_EVENTS = 50
const COPY = 1 << 20

export interface SegmentRecovery {
  /** False: nothing is written, whatever is missing in the index is in memory. */
  readonly write: boolean
  /** Nothing was written after it: its end is checked also where the index covers it. */
  readonly last: boolean
  readonly header: LogHeader
  readonly headerDamaged: boolean
  readonly tell: (event: StoreEvent) => void
}

/** A segment that can be read. */
export interface RecoveredSegment {
  readonly id: number
  readonly header: LogHeader
  readonly logSize: number
  /** Up to where the index file describes the log; 0: there is none. */
  readonly indexSize: number
  /** What comes after it. */
  readonly unindexed: readonly UnindexedStretch[]
  /** Why that could not be written to the index; undefined where nobody tried. */
  readonly indexFailure: unknown
  readonly recovered: { readonly blocks: number; readonly tornBytes: number }
  /** When its last record was written, milliseconds since 1970; the log's beginning in format 1. */
  readonly arrivedMs: number
  /** Open, to be written on; undefined when it is not the last, or not of this format, or damaged at its end. */
  readonly segment: Segment | undefined
}

/**
 * Makes a segment whole: what of the log the index does not cover is indexed again, a torn tail is cut off, damage is told and stepped
 * over. The last record, where it cannot be told whether it was acknowledged, is copied aside and cut off. Throws what the file system
 * throws, and StorageError `newer_format`.
 */
export function recoverSegment(
  files: FileSystem,
  directory: string,
  id: number,
  recovery: SegmentRecovery,
): RecoveredSegment {
  const path = logPath(directory, id)
  const log = files.open(path, recovery.write ? 'update' : 'read')
  const open: OpenFiles = { log, index: undefined, failure: undefined }
  let result: RecoveredSegment | undefined
  try {
    open.index = openIndex(files, indexPath(directory, id), recovery, open)
    result = recover(files, directory, id, open, recovery)
    return result
  } finally {
    if (!result?.segment) {
      log.close()
      open.index?.close()
    }
  }
}

interface OpenFiles {
  readonly log: File
  index: File | undefined
  /** Why the index could not be made, or made whole. */
  failure: unknown
}

/** Undefined when there is none that can be used, or none can be made: then what it would say is made from the log, in memory. */
function openIndex(
  files: FileSystem,
  path: string,
  { write, header }: SegmentRecovery,
  open: OpenFiles,
): File | undefined {
  let file: File | undefined
  try {
    if (!write && !files.stat(path)) return undefined
    file = files.open(path, write ? 'create' : 'read')
    if (isIndex(file, path, header.salt)) return file
    if (write) {
      file.truncate(0)
      writeFully(file, [indexHeader(header.salt)], 0)
      return file
    }
  } catch (error) {
    if (isNewer(error)) {
      file?.close()
      throw error
    }
    open.failure = error
  }
  file?.close()
  return undefined
}

/** All blocks of the index; none, and the index is put away, when the disk does not give it out: the log says the same. */
function blocksOf(open: OpenFiles, path: string): IndexBlock[] {
  try {
    return open.index ? readBlocks(open.index, path) : []
  } catch (error) {
    if (isNewer(error)) throw error
    open.failure = error
    open.index?.close()
    open.index = undefined
    return []
  }
}

function isNewer(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'newer_format'
}

function recover(
  files: FileSystem,
  directory: string,
  id: number,
  open: OpenFiles,
  recovery: SegmentRecovery,
): RecoveredSegment {
  const { write, last, header, headerDamaged } = recovery
  const { log } = open
  const path = logPath(directory, id)
  const told: StoreEventFields['damaged'][] = []
  const tell = (offset: number, bytes: number, maxSpans: number | undefined, perhaps = false, kept?: string): void =>
    void told.push({ file: logName(id), offset, bytes, maxSpans, perhaps, kept })
  let logSize = log.size()
  if (headerDamaged) tell(0, FILE_HEADER, 0)
  const all = blocksOf(open, indexPath(directory, id))
  const { index } = open
  const good = goodBlocks(all, log, path, header.salt, logSize, last)
  const missing = all.slice(good.length).map(({ meta }) => meta)
  for (const { meta } of good) if (meta.damaged) tell(meta.logStart, meta.damaged.bytes, meta.damaged.maxSpans)
  const covered = good.at(-1)?.meta.logEnd ?? FILE_HEADER
  const from = good.at(-1)?.end ?? INDEX_HEADER
  // A killed process may have left a header or a record that it never synced: what is told and indexed from here on must not go any more.
  if (write && (last || covered < logSize || good.length === 0)) log.sync()
  const make = (into: File | undefined): Reindexed => {
    const known = good.map(({ meta }) => meta)
    return reindex(new Reindex(log, path, into, from, covered, known), log, path, header, covered, logSize, missing)
  }
  const made =
    write && index
      ? ((missing.length > 0 ? makeAnew(files, directory, id, open, from, make) : makeOn(open, from, make)) ??
        make(undefined))
      : make(undefined)
  const { reindexed, tail, lost } = made
  for (const { start, damaged } of reindexed.damage) tell(start, damaged.bytes, damaged.maxSpans)
  let tornBytes = 0
  if (tail) {
    const bytes = logSize - tail.start
    let kept: string | undefined
    if (tail.kind === 'torn') tornBytes = bytes
    else {
      if (write) kept = keep(files, directory, id, log, tail.start, bytes, recovery.tell)
      tell(tail.start, bytes, tail.maxSpans, true, kept)
    }
    if (write && (tail.kind === 'torn' || kept !== undefined) && cut(log, tail.start)) logSize = tail.start
  }
  tellAll(recovery.tell, told)
  if (write && (tornBytes > 0 || reindexed.blocks > 0))
    recovery.tell({ code: 'recovered', file: logName(id), blocks: reindexed.blocks, tornBytes })
  const arrivedMs = Math.max(reindexed.arrivedMs, good.at(-1)?.meta.arrivedMs ?? 0, header.createdMs)
  const whole = !headerDamaged && !lost && header.version === VERSION && (!tail || logSize === tail.start)
  const { createdMs, salt } = header
  // What it stands for may be put back in its place.
  const isHolder = logSize === FILE_HEADER && good.some(({ meta }) => meta.damaged)
  return {
    id,
    header,
    logSize,
    indexSize: open.index ? reindexed.indexSize : 0,
    unindexed: reindexed.unindexed,
    indexFailure: open.failure ?? reindexed.failure,
    recovered: { blocks: reindexed.blocks, tornBytes },
    arrivedMs,
    segment:
      write && last && whole && !isHolder && open.index && reindexed.unindexed.length === 0
        ? { id, createdMs, salt, log, index: open.index, logSize, indexSize: reindexed.indexSize }
        : undefined,
  }
}

/** Goes on with the index; undefined when it cannot be written. */
function makeOn(open: OpenFiles, from: number, make: (into: File) => Reindexed): Reindexed | undefined {
  const index = open.index!
  try {
    if (index.size() > from) index.truncate(from)
    return make(index)
  } catch (error) {
    if (isNewer(error)) throw error
    open.failure = error
    return undefined
  }
}

/**
 * The index in a new file, which then takes the place of the old one. What the old one knows and the log no longer has must not be
 * forgotten before the new one says so. Undefined when it cannot be written.
 */
function makeAnew(
  files: FileSystem,
  directory: string,
  id: number,
  open: OpenFiles,
  from: number,
  make: (into: File) => Reindexed,
): Reindexed | undefined {
  const old = open.index!
  const path = indexPath(directory, id)
  let file: File | undefined
  try {
    file = files.open(path + NEW, 'create')
    file.truncate(0)
    for (let at = 0; at < from; at += COPY) writeFully(file, [readExactly(old, at, Math.min(COPY, from - at))], at)
    const made = make(file)
    if (made.reindexed.failure !== undefined) throw made.reindexed.failure
    file.sync()
    files.rename(path + NEW, path)
    files.syncDirectory(directory)
    open.index = file
    old.close()
    return made
  } catch (error) {
    if (open.index === old) file?.close()
    if (isNewer(error)) throw error
    open.failure = error
    return undefined
  }
}

/** False when it cannot be done: then nothing is written after it. */
function cut(file: File, size: number): boolean {
  try {
    if (file.size() > size) file.truncate(size)
    return true
  } catch {
    return false
  }
}

/** Undefined when it cannot be kept; then the log is not cut. */
function keep(
  files: FileSystem,
  directory: string,
  id: number,
  log: File,
  start: number,
  bytes: number,
  tell: (event: StoreEvent) => void,
): string | undefined {
  try {
    return keepAside(files, directory, logName(id).slice(0, -'.log'.length), log, start, bytes, tell)
  } catch {
    return undefined
  }
}

/** All blocks that describe the log from its start without a gap, also beyond what there is of the log. */
export function readBlocks(index: File, path: string): IndexBlock[] {
  const blocks: IndexBlock[] = []
  const size = index.size()
  let covered = FILE_HEADER
  for (let at = INDEX_HEADER; at < size; at = blocks.at(-1)!.end) {
    const block = readBlock(index, at, size, path)
    if (!block || block.meta.logStart !== covered) break
    blocks.push(block)
    covered = block.meta.logEnd
  }
  return blocks
}

/**
 * Those from the first on that agree with the log as far as a glance tells: each begins with a record's header, and of the last segment's
 * last one all records are whole. The rest is for whoever verifies, or reads.
 */
function goodBlocks(
  blocks: readonly IndexBlock[],
  log: File,
  path: string,
  salt: number,
  logSize: number,
  last: boolean,
): readonly IndexBlock[] {
  const bad = blocks.findIndex(({ meta }, i) => {
    if (meta.logEnd > logSize) return true
    if (meta.damaged) return false
    const head = readHead(log, path, meta.logStart, salt)
    if (!head || head.end > meta.logEnd) return true
    return last && i === blocks.length - 1 && !isWhole(log, path, salt, meta)
  })
  return bad < 0 ? blocks : blocks.slice(0, bad)
}

function isWhole(log: File, path: string, salt: number, { logStart, logEnd }: BlockMeta): boolean {
  for (const { kind } of walkLog(log, path, { salt }, logStart, logEnd)) if (kind !== 'record') return false
  return true
}

interface Reindexed {
  readonly reindexed: Reindex
  /** The end of the log that is not in any block. */
  readonly tail:
    | ({ readonly kind: 'torn'; readonly start: number } | ({ readonly kind: 'damaged' } & DamagedStretch))
    | undefined
  /** The log is shorter than it was. */
  readonly lost: boolean
}

/** `missing`: the blocks that were in the index for this part of the log. All of it had been durable, so what is gone of it was lost. */
function reindex(
  reindexed: Reindex,
  log: File,
  path: string,
  header: LogHeader,
  from: number,
  size: number,
  missing: readonly BlockMeta[],
): Reindexed {
  const durable = missing.at(-1)?.logEnd ?? 0
  let found = 0
  let tail: Reindexed['tail']
  const damage = (start: number, end: number, bytes: number, maxSpans: number | undefined): void =>
    reindexed.addDamage(start, end, { bytes, ...(maxSpans !== undefined && { maxSpans }) })
  for (const stretch of walkLog(log, path, header, from, size)) {
    if (stretch.kind === 'record') {
      const { start, end, record } = stretch
      if (!reindexed.add(record)) damage(start, end, end - start, record.spans)
      if (end <= durable) found = reindexed.spans
    } else if (stretch.start >= durable && (stretch.kind === 'torn' || stretch.perhaps)) tail = stretch
    else {
      const bytes = Math.max(stretch.end, stretch.end === size ? durable : 0) - stretch.start
      const cutOff = stretch.kind === 'torn' || (stretch.end === size && durable > size)
      damage(stretch.start, stretch.end, bytes, cutOff ? undefined : stretch.maxSpans)
    }
  }
  const lost = durable > size
  if (lost && reindexed.damage.at(-1)?.end !== size) damage(size, size, durable - size, undefined)
  const expected = missing.reduce((sum, { spans, damaged }) => sum + spans + (damaged?.maxSpans ?? 0), 0)
  const known = missing.every(({ damaged }) => !damaged || damaged.maxSpans !== undefined)
  reindexed.finish(missing, Math.max(0, expected - found), known ? durable : 0)
  return { reindexed, tail, lost }
}

function tellAll(tell: (event: StoreEvent) => void, told: readonly StoreEventFields['damaged'][]): void {
  for (const fields of told.slice(0, MAX_EVENTS)) tell({ code: 'damaged', ...fields })
  const rest = told.slice(MAX_EVENTS)
  if (rest.length === 0) return
  const known = rest.every(({ maxSpans }) => maxSpans !== undefined)
  tell({
    code: 'damaged',
    ...rest[0]!,
    bytes: rest.reduce((sum, { bytes }) => sum + bytes, 0),
    maxSpans: known ? rest.reduce((sum, { maxSpans }) => sum + maxSpans!, 0) : undefined,
  })
}
