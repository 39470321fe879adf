import { dirname, join, resolve } from 'node:path'
import { StorageError } from '../../contract.ts'
import type { File, FileSystem } from '../files/file-system.ts'
import { FORMAT, formatText, readFormat } from '../files/format.ts'
import { FILE_HEADER, readExactly, VERSION, writeFully, type LogHeader } from '../files/log.ts'
import { isIndex } from '../files/index-file.ts'
import { PINS, readPins, writePins } from '../files/pins.ts'
import { readBlocks } from '../files/recover-segment.ts'
import { indexName, logName, logPath, sealedName, sealedPath } from '../files/segment.ts'
import { segmentIds, surveyDirectory } from '../files/survey.ts'
import { readLogState, walkLog } from '../files/walk.ts'
import { storageError } from '../threads/error.ts'
import { Work, type ToolOptions } from './work.ts'

/** What {@link backupStore} copied. */
export interface BackupReport {
  readonly directory: string
  readonly segments: number
  readonly bytes: number
  /** Segments that retention took while the backup ran; the oldest. */
  readonly vanished: number
}

/** While the copy is not complete its files end in this, and are no store. */
const PART = '.part'
const COPY = 1 << 20
/** How often the end of a log that is being written is copied again. */
const MAX_TRIES = 5

/**
 * Copies a store while it runs, from any process, without stopping it: every span that was acknowledged before the call is in the copy, but
 * for what retention deletes meanwhile; of those that are acknowledged later, some may be. The copy has whole records only, and is durable
 * when it is done. It is opened like any directory; that is how it is restored. `damaged/` is not copied.
 *
 * Nothing is shared with the store but where the file system copies on write (reflinks): a hard link would let a bad sector, or what the
 * one of them cuts off, harm the other.
 *
 * `to` must be missing or empty. Rejects with StorageError `io` when it is not, or when a file cannot be read; with `newer_format`,
 * `disk_full`, `cancelled`. Then what was copied is removed.
 */
export async function backupStore(from: string, to: string, options: ToolOptions = {}): Promise<BackupReport> {
  const work = new Work(from, options)
  const { files } = work
  if (files.stat(to) && files.list(to).length > 0)
    throw new StorageError('io', `${to} is not empty; choose a directory that is empty, or does not exist`)
  try {
    files.makeDirectory(to)
    return await copyStore(work, to)
  } catch (error) {
    removeParts(files, to)
    throw storageError(error, `copying ${work.directory} to ${to}`)
  }
}

async function copyStore(work: Work, to: string): Promise<BackupReport> {
  const { files, directory } = work
  const survey = surveyDirectory(files, directory)
  const { logs, versions } = survey
  const format = readFormat(files, directory, versions)
  const known = segmentIds(survey)
  if (known.length === 0 && (format === 'missing' || format === 'foreign'))
    throw new StorageError('corrupt', `${directory} is not a data directory of Spoor; name the one to copy`)
  const ids = known.filter((id) => !['foreign', 'unwritten'].includes(logs.get(id)?.state ?? ''))
  for (const id of ids) work.expect(files.stat(logPath(directory, id))?.size ?? 0)
  for (const id of survey.sealed.keys()) work.expect(files.stat(sealedPath(directory, id))?.size ?? 0)
  const names: string[] = []
  let bytes = 0
  let segments = 0
  // From the newest to the oldest: retention takes the oldest, so where one has gone, all before it have.
  for (const id of ids.reverse()) {
    // The store may seal it meanwhile: then the log is gone, and the sealed form is there; or empty it, which is the other way round.
    const copied =
      (survey.sealed.has(id) ? undefined : await copySegment(work, to, id)) ??
      (await copySealed(work, to, id)) ??
      (await copySegment(work, to, id))
    if (copied === undefined) break
    names.push(indexName(id), logName(id), sealedName(id))
    bytes += copied
    segments++
    work.finished(logName(id))
  }
  const pins = readPins(files, directory, () => {})
  if (pins.size > 0) writePins(files, to, pins)
  writeNew(files, join(to, FORMAT + PART), Buffer.from(formatText(VERSION)))
  for (const name of [...names, FORMAT]) {
    if (files.stat(join(to, name + PART))) files.rename(join(to, name + PART), join(to, name))
  }
  files.syncDirectory(to)
  files.syncDirectory(dirname(resolve(to)))
  return { directory: to, segments, bytes, vanished: ids.length - segments }
}

/** Bytes copied; undefined when there is none. It is written once, and never changed. */
async function copySealed(work: Work, to: string, id: number): Promise<number | undefined> {
  const { files, directory } = work
  const path = sealedPath(directory, id)
  const sealed = openPresent(files, path)
  if (!sealed) return undefined
  try {
    const target = join(to, sealedName(id) + PART)
    const size = sealed.size()
    if (files.clone?.(path, target)) syncFile(files, target)
    else await copyFile(work, sealed, target, size)
    await work.done(sealedName(id), size)
    return size
  } finally {
    sealed.close()
  }
}

/** Bytes copied; undefined when there is no log. */
async function copySegment(work: Work, to: string, id: number): Promise<number | undefined> {
  const { files, directory } = work
  const path = logPath(directory, id)
  const log = openPresent(files, path)
  if (!log) return undefined
  try {
    // The index before the log: of a log that grows it must not know more than is copied.
    const index = openPresent(files, join(directory, indexName(id)))
    let indexBytes = 0
    try {
      if (index) indexBytes = await copyFile(work, index, join(to, indexName(id) + PART), index.size())
    } finally {
      index?.close()
    }
    const target = join(to, logName(id) + PART)
    const size = log.size()
    if (!files.clone?.(path, target)) await copyFile(work, log, target, size)
    return indexBytes + (await cutToRecords(work, id, log, target, join(to, indexName(id) + PART)))
  } finally {
    log.close()
  }
}

/**
 * Cuts from the copy what is not a whole record at its end, where the log may have been written, or cut back and written again, while it was
 * copied. What is not whole is copied again; what then is the same twice is how it is, and stays. The result is the copy's size.
 */
async function cutToRecords(work: Work, id: number, log: File, target: string, indexTarget: string): Promise<number> {
  const { files } = work
  const copy = files.open(target, 'update')
  try {
    const state = readLogState(copy, target)
    if (state.state !== 'ok') return copy.size()
    let at = indexedEnd(files, indexTarget, state.header)
    for (let tries = 0; ; tries++) {
      const bad = firstBad(copy, target, state.header, at)
      if (bad === undefined) break
      at = bad.start
      const same = !changed(copy, log, at)
      if (same && !bad.torn) {
        // Damage of the store itself: it comes with it, and is told when the copy is opened.
        at = bad.end
        continue
      }
      if (same || tries >= MAX_TRIES) {
        copy.truncate(at)
        break
      }
      copy.truncate(at)
      const size = log.size()
      for (let p = at; p < size; p += COPY) writeFully(copy, [readExactly(log, p, Math.min(COPY, size - p))], p)
      await work.giveWay()
    }
    copy.sync()
    await work.done(logName(id), copy.size())
    return copy.size()
  } finally {
    copy.close()
  }
}

function indexedEnd(files: FileSystem, path: string, header: LogHeader): number {
  const index = openPresent(files, path)
  if (!index) return FILE_HEADER
  try {
    return isIndex(index, path, header.salt)
      ? (readBlocks(index, path).at(-1)?.meta.logEnd ?? FILE_HEADER)
      : FILE_HEADER
  } finally {
    index.close()
  }
}

function firstBad(
  copy: File,
  path: string,
  header: LogHeader,
  from: number,
): { start: number; end: number; torn: boolean } | undefined {
  for (const { kind, start, end } of walkLog(copy, path, header, from, copy.size()))
    if (kind !== 'record') return { start, end, torn: kind === 'torn' }
  return undefined
}

/** Whether the log is another one than the copy from `start` on, as far as the copy goes. */
function changed(copy: File, log: File, start: number): boolean {
  const size = copy.size()
  for (let at = start; at < size; at += COPY) {
    const length = Math.min(COPY, size - at)
    if (!readExactly(copy, at, length).equals(readExactly(log, at, length))) return true
  }
  return false
}

async function copyFile(work: Work, from: File, to: string, size: number): Promise<number> {
  const file = work.files.open(to, 'new')
  try {
    let at = 0
    while (at < size) {
      const bytes = readExactly(from, at, Math.min(COPY, size - at))
      if (bytes.length === 0) break
      at = writeFully(file, [bytes], at)
      await work.done(to, 0)
    }
    file.sync()
    return at
  } finally {
    file.close()
  }
}

function syncFile(files: FileSystem, path: string): void {
  const file = files.open(path, 'update')
  try {
    file.sync()
  } finally {
    file.close()
  }
}

function writeNew(files: FileSystem, path: string, bytes: Uint8Array): void {
  const file = files.open(path, 'new')
  try {
    writeFully(file, [bytes], 0)
    file.sync()
  } finally {
    file.close()
  }
}

function openPresent(files: FileSystem, path: string): File | undefined {
  try {
    return files.open(path, 'read')
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
}

function removeParts(files: FileSystem, to: string): void {
  try {
    for (const name of files.list(to)) if (name.endsWith(PART) || name === PINS) files.remove(join(to, name))
  } catch {
    // The first error says more.
  }
}
