import { join } from 'node:path'
import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import type { FileSystem } from '../files/file-system.ts'
import { FORMAT, formatText } from '../files/format.ts'
import type { BlockMeta } from '../files/index-file.ts'
import { KEPT } from '../files/kept.ts'
import { FILE_HEADER, fileHeader, VERSION, writeFully } from '../files/log.ts'
import { recoverDirectory } from '../files/recover-directory.ts'
import { readBlocks } from '../files/recover-segment.ts'
import { indexName, indexPath, logPath, sealedName } from '../files/segment.ts'
import { NEW, replaceFile } from '../files/swap.ts'
import { readLogState } from '../files/walk.ts'
import { buildIndex } from './build-index.ts'
import { holdingLock } from './holding-lock.ts'
import { repairSealed } from './repair-sealed.ts'
import type { DamagedRange, SegmentReport, StoreReport } from './report.ts'
import { verifyStore } from './verify.ts'
import { Work, type ToolOptions } from './work.ts'

/** One thing that {@link repairStore} did, by name of the file in the data directory. */
export type Repair =
  /** The log has a header again. */
  | { readonly did: 'header_written'; readonly file: string }
  /** The index was made anew from the log, or that of a sealed segment from its sections; what is damaged there is stepped over. */
  | { readonly did: 'index_made'; readonly file: string; readonly spans: number }
  /** Nothing in the file is Spoor's: it was moved to `to`. */
  | { readonly did: 'moved'; readonly file: string; readonly to: string }
  | { readonly did: 'format_written'; readonly file: string }
  /** What opening does, too: torn ends cut off, missing segments given a place holder, what is damaged told. */
  | { readonly did: 'recovered'; readonly event: StoreEvent }

export interface RepairReport {
  /** Empty: there was nothing to do. */
  readonly repairs: readonly Repair[]
  /** What is in the directory now. Spans that were damaged stay lost, and stay told: `ok` is false then. */
  readonly after: StoreReport
}

export interface RepairOptions extends ToolOptions {
  /** Takes the directory and gives it back; default: the lock that a store takes. Of a simulation. */
  readonly lock?: (directory: string) => () => void
}

/**
 * Makes whole what can be made whole without losing anything: indexes from the logs, a log's header from its records, FORMAT; what is not
 * Spoor's is moved to `damaged/`. Damaged bytes of a log stay where they are, under an index that steps over them. A second run finds
 * nothing to do. When it is interrupted, what it had not done is still to be done.
 *
 * Rejects with StorageError `locked` when a process has the directory, `newer_format` when a later version wrote any of it (then nothing
 * is touched), `corrupt` when it is another program's, `cancelled`, `io`, `disk_full`.
 */
export async function repairStore(directory: string, options: RepairOptions = {}): Promise<RepairReport> {
  const work = new Work(directory, options)
  return holdingLock(work, options.lock, `repairing ${work.directory}`, async () => {
    const repairs: Repair[] = []
    const before = await verifyStore(work.directory, options)
    refuseNewer(before)
    recover(work, repairs)
    const found = repairs.length === 0 ? before : await verifyStore(work.directory, options)
    for (const segment of found.segments) {
      await work.giveWay()
      repairSegment(work, segment, repairs)
    }
    if (found.format !== 'ok' && found.segments.length > 0) {
      replaceFile(work.files, join(work.directory, FORMAT), Buffer.from(formatText(VERSION)))
      repairs.push({ did: 'format_written', file: FORMAT })
    }
    if (repairs.length > 0) work.files.syncDirectory(work.directory)
    return { repairs, after: repairs.length === 0 ? before : await verifyStore(work.directory, options) }
  })
}

function refuseNewer({ directory, segments, format }: StoreReport): void {
  const newer = segments.find(({ log }) => log === 'newer')
  if (!newer && format !== 'newer') return
  const file = newer?.file ?? FORMAT
  throw new StorageError(
    'newer_format',
    `${join(directory, file)} was written by a later version of Spoor${newer?.reason ? ` (${newer.reason})` : ''}; open it with the version that wrote it`,
  )
}

/** What a store does when it is opened; of its events only those that say that something was changed. */
function recover({ files, directory }: Work, repairs: Repair[]): void {
  const size = sizes(files, directory)
  const events: StoreEvent[] = []
  const options = { write: true, nowMs: Date.now(), tell: (event: StoreEvent) => void events.push(event) }
  for (const found of recoverDirectory(files, directory, options).segments) {
    if (!('segment' in found)) continue
    found.segment?.log.close()
    found.segment?.index.close()
  }
  const changed = sizes(files, directory)
  for (const event of events) {
    const file = 'file' in event ? event.file : ''
    const index = file.replace(/log$/, 'idx')
    if (size.get(file) !== changed.get(file) || size.get(index) !== changed.get(index))
      repairs.push({ did: 'recovered', event })
  }
  if (size.get(FORMAT) !== changed.get(FORMAT) && !events.some((event) => 'file' in event && event.file === FORMAT))
    repairs.push({ did: 'format_written', file: FORMAT })
}

function sizes(files: FileSystem, directory: string): Map<string, string> {
  return new Map(
    files.list(directory).map((name) => {
      const stat = files.stat(join(directory, name))
      return [name, `${stat?.size} ${stat?.mtimeMs}`]
    }),
  )
}

function repairSegment(work: Work, segment: SegmentReport, repairs: Repair[]): void {
  const { files, directory } = work
  const { id, file, log, index } = segment
  if (log === 'foreign') {
    const to = `${KEPT}/${file}`
    files.makeDirectory(join(directory, KEPT))
    files.rename(join(directory, file), join(directory, to))
    files.syncDirectory(join(directory, KEPT))
    repairs.push({ did: 'moved', file, to })
    return
  }
  if (log !== 'ok' && log !== 'damaged') return
  if (file === sealedName(id)) {
    if (index === 'ok') return
    const spans = repairSealed(files, directory, id, Date.now())
    repairs.push({ did: 'index_made', file, spans })
    return
  }
  if (segment.damaged.some(({ offset, bytes }) => offset === 0 && bytes === FILE_HEADER) && writeHeader(work, id))
    repairs.push({ did: 'header_written', file })
  if (index === 'ok' || index === 'unused') return
  makeIndex(work, id, segment.damaged)
  repairs.push({ did: 'index_made', file: indexName(id), spans: segment.spans })
}

/** Of format 2 only: that of format 1 has no checksum, and none was found to be wrong but by what it is. */
function writeHeader({ files, directory }: Work, id: number): boolean {
  const path = logPath(directory, id)
  const file = files.open(path, 'update')
  try {
    const state = readLogState(file, path)
    if (state.state !== 'ok' || !state.headerDamaged) return false
    writeFully(file, [fileHeader(state.header)], 0)
    file.sync()
    return true
  } finally {
    file.close()
  }
}

/** What the index that is replaced says of when its spans were. */
function oldBlocks(files: FileSystem, path: string): BlockMeta[] {
  if (!files.stat(path)) return []
  const file = files.open(path, 'read')
  try {
    return readBlocks(file, path).map(({ meta }) => meta)
  } finally {
    file.close()
  }
}

/**
 * The whole index from the log, beside the one that is there, which it then replaces. `known`: the damage in the log, with what only the
 * old index can tell of it.
 */
function makeIndex({ files, directory }: Work, id: number, known: readonly DamagedRange[]): void {
  const path = logPath(directory, id)
  const target = indexPath(directory, id)
  const log = files.open(path, 'read')
  const file = files.open(target + NEW, 'create')
  try {
    const state = readLogState(log, path)
    if (state.state !== 'ok') throw new StorageError('corrupt', `${path} is not a log`)
    const damage = known.filter(({ perhaps }) => !perhaps)
    buildIndex(log, path, state.header, file, damage, damage.length > 0 ? oldBlocks(files, target) : [])
  } finally {
    log.close()
    file.close()
  }
  files.rename(target + NEW, target)
}
