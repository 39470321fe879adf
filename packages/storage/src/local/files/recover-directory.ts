import { join } from 'node:path'
import type { StoreEvent } from '../../events.ts'
import { isRefusal, type FileSystem } from './file-system.ts'
import { checkFormat } from './format.ts'
import { ALL_TIME, encodeDamage, INDEX_HEADER, indexHeader, type Damaged } from './index-file.ts'
import { keepAside } from './kept.ts'
import { lastKeptNumber, readLastNumber } from './last-number.ts'
import { FILE_HEADER, fileHeader } from './log.ts'
import { recoverSealed, settleForms, type RecoveredSealed } from './recover-sealed.ts'
import { recoverSegment, type RecoveredSegment } from './recover-segment.ts'
import type { TimeRange } from './reindex.ts'
import { deleteSegment, drawSalt, indexName, indexPath, logName, logPath, sealedPath } from './segment.ts'
import {
  isOfProcess,
  logState,
  readLost,
  segmentIds,
  segmentRange,
  surveyDirectory,
  type Lost,
  type Survey,
  type Unreadable,
} from './survey.ts'
import { finishSwap, replaceFile } from './swap.ts'
import type { LogState } from './walk.ts'

export interface RecoverOptions {
  /** False: nothing in the directory is changed. */
  readonly write: boolean
  readonly nowMs: number
  readonly tell: (event: StoreEvent) => void
}

/**
 * A segment of which nothing can be read; `lost.range`: when its spans may have been. `refusal`: why the file system does not give it out;
 * that may pass, so it is not told as damage, and {@link recoverAgain} sees.
 */
export interface LostSegment {
  readonly id: number
  readonly lost: Damaged & { readonly range: TimeRange }
  readonly refusal?: string
}

/** What recovery finds of a segment. */
export type Found = RecoveredSegment | RecoveredSealed | LostSegment

export interface RecoveredDirectory {
  /** In order; each is recovered when it is asked for. Files that one of them has open are the caller's to close. */
  readonly segments: Iterable<Found>
  /** Of the next segment: above all that any had. */
  readonly nextId: number
  /** What the file LAST says; see {@link readLastNumber}. */
  readonly lastNumber: number
  /** Logs after the last of which not even the header was written; they have to be gone when the next segment begins. */
  readonly unwritten: readonly number[]
}

/** Missing segments in one gap, at most, that get a place holder each, so that searches over their time say that they are not complete. */
const MAX_HOLDERS = 64

/**
 * Makes a data directory whole, as far as it can be; what cannot is told, left out and kept. One segment's failure is not another's. Throws
 * StorageError `newer_format` before anything was changed; `corrupt` where the directory is not Spoor's; `io` where an interrupted
 * deletion can be neither finished nor undone.
 */
export function recoverDirectory(files: FileSystem, directory: string, options: RecoverOptions): RecoveredDirectory {
  const { write, tell } = options
  let survey = surveyDirectory(files, directory)
  checkFormat(files, directory, survey.versions, write, tell)
  const lastNumber = readLastNumber(files, directory, tell)
  if (write) {
    finishSwap(files, directory)
    survey = surveyDirectory(files, directory)
    if (settleForms(files, directory, survey, tell)) survey = surveyDirectory(files, directory)
    if (fillGaps(files, directory, survey, lastNumber, options)) survey = surveyDirectory(files, directory)
  }
  for (const name of survey.foreign) tellLost(tell, name, sizeOf(files, join(directory, name)), 0)
  const written = segmentIds(survey).filter(
    (id) => !['foreign', 'unwritten'].includes(survey.logs.get(id)?.state ?? ''),
  )
  // What is left of a segment whose beginning was interrupted takes no number.
  const lost = survey.orphans.filter((id) => readLost(files, directory, id))
  const newest = Math.max(0, ...written, ...lost)
  const unwritten = [...survey.logs].filter(([id, { state }]) => state === 'unwritten' && id > newest).map(([id]) => id)
  const nextId = Math.max(newest, lastNumber, lastKeptNumber(files, directory)) + 1
  return { segments: recoverAll(files, directory, survey, written.at(-1), options), nextId, lastNumber, unwritten }
}

function* recoverAll(
  files: FileSystem,
  directory: string,
  survey: Survey,
  last: number | undefined,
  options: RecoverOptions,
): Generator<Found> {
  for (const id of segmentIds(survey)) {
    const sealed = survey.sealed.get(id)
    const found = sealed
      ? recoverSealed(files, directory, id, options)
      : recoverOne(files, directory, id, survey.logs.get(id)!, last, options)
    if (found) yield found
  }
  for (const id of survey.orphans) {
    const found = recoverOrphan(files, directory, id, options)
    if (found) yield found
  }
}

/** Undefined: there is nothing that could be read, or missed. `last`: the newest segment in which something was written. */
function recoverOne(
  files: FileSystem,
  directory: string,
  id: number,
  log: LogState | Unreadable,
  last: number | undefined,
  { write, tell }: RecoverOptions,
): RecoveredSegment | LostSegment | undefined {
  let refusal = log.state === 'unreadable' ? log.reason : undefined
  if (log.state === 'ok') {
    try {
      const { header, headerDamaged } = log
      return recoverSegment(files, directory, id, { write, last: id === last, header, headerDamaged, tell })
    } catch (error) {
      if (isOfProcess(error)) throw error
      // Retention of the process that has the directory took it.
      if (!write && !files.stat(logPath(directory, id))) return undefined
      if (isRefusal(error)) refusal = (error as Error).message
    }
  }
  const lost = readLost(files, directory, id)
  if (refusal !== undefined) return { id, lost: damageOf(lost), refusal: `${logPath(directory, id)}: ${refusal}` }
  if (log.state === 'unwritten' && !lost && (last === undefined || id > last)) {
    if (write) removeUnwritten(files, directory, id)
    return undefined
  }
  tellLost(tell, logName(id), sizeOf(files, logPath(directory, id)), lost?.spans)
  // A foreign file without an index is none of ours: searches are complete without it.
  return lost || log.state !== 'foreign' ? { id, lost: damageOf(lost) } : undefined
}

function recoverOrphan(
  files: FileSystem,
  directory: string,
  id: number,
  { tell }: RecoverOptions,
): LostSegment | undefined {
  const lost = readLost(files, directory, id)
  if (!lost) return undefined
  if (lost.refusal !== undefined)
    return { id, lost: damageOf(lost), refusal: `${indexPath(directory, id)}: ${lost.refusal}` }
  tellLost(tell, logName(id), lost.bytes, lost.spans)
  return { id, lost: damageOf(lost) }
}

/**
 * A segment that the file system did not give out when the directory was recovered, once more. `wasLast`: nothing was written after it until
 * then. Undefined: there is nothing in it. Throws what concerns more than the one file.
 */
export function recoverAgain(
  files: FileSystem,
  directory: string,
  id: number,
  wasLast: boolean,
  options: RecoverOptions,
): Found | undefined {
  if (files.stat(sealedPath(directory, id))) return recoverSealed(files, directory, id, options)
  const log = logState(files, logPath(directory, id))
  const isUnwritten = !log || log.state === 'unwritten'
  if (isUnwritten && wasLast && options.write && !readLost(files, directory, id)) {
    // There may be newer ones by now: its number must not be missing.
    replaceFile(files, logPath(directory, id), fileHeader({ createdMs: options.nowMs, salt: drawSalt() }))
    files.syncDirectory(directory)
    return undefined
  }
  if (!log) return recoverOrphan(files, directory, id, options)
  return recoverOne(files, directory, id, log, wasLast ? id : Infinity, options)
}

function damageOf(lost: Lost | undefined): LostSegment['lost'] {
  const { bytes = 0, spans, range = ALL_TIME } = lost ?? {}
  return { bytes, ...(spans !== undefined && { maxSpans: spans }), range }
}

function tellLost(
  tell: (event: StoreEvent) => void,
  file: string,
  bytes: number,
  maxSpans: number | undefined,
  kept?: string,
): void {
  tell({ code: 'damaged', file, offset: 0, bytes, maxSpans, perhaps: false, kept })
}

function sizeOf(files: FileSystem, path: string): number {
  try {
    return files.stat(path)?.size ?? 0
  } catch {
    return 0
  }
}

/** A log of which not even the header was written: the interrupted beginning of a segment. */
function removeUnwritten(files: FileSystem, directory: string, id: number): void {
  try {
    deleteSegment(files, directory, id)
  } catch {
    // Before the next segment begins it is tried again.
  }
}

/**
 * Segments are numbered without gaps, and retention takes the oldest: one that is missing in the middle or, up to `lastNumber`, after the newest, or has
 * an index and no log, was lost. It gets a place holder: a log without records, and an index that says what is missing, and when. It tells of itself at each
 * open until retention takes it. The index that was there is kept aside. Says whether there were any.
 */
function fillGaps(
  files: FileSystem,
  directory: string,
  survey: Survey,
  lastNumber: number,
  options: RecoverOptions,
): boolean {
  const { logs, orphans } = survey
  const gone = orphans.flatMap((id) => {
    const lost = readLost(files, directory, id)
    return lost ? [{ id, lost }] : []
  })
  const withIndex = new Set(gone.map(({ id }) => id))
  // An unwritten log with an index that knows of spans was cut: its place is taken as well.
  for (const [id, { state }] of logs) {
    const lost = state === 'unwritten' ? readLost(files, directory, id) : undefined
    if (lost && !withIndex.has(id)) gone.push({ id, lost })
  }
  const present = segmentIds(survey).filter((id) => logs.get(id)?.state !== 'foreign')
  const known = [...present, ...gone.map(({ id }) => id)].sort((a, b) => a - b)
  const holders: { id: number; damaged: Damaged; range: TimeRange }[] = []
  for (const { id, lost } of gone) {
    const { range, ...damaged } = damageOf(lost)
    // What the index knows must not be given up for a place holder that does not.
    if (lost.refusal === undefined) holders.push({ id, damaged, range })
  }
  for (const [i, before] of known.entries()) {
    const after = known[i + 1]
    const end = after ?? lastNumber + 1
    for (let id = before + 1; id < end && id <= before + MAX_HOLDERS; id++) {
      if (logs.has(id)) continue
      const range =
        after === undefined ? since(files, directory, before, options) : between(files, directory, before, after)
      holders.push({ id, damaged: { bytes: 0 }, range })
    }
  }
  for (const { id, damaged, range } of holders) {
    try {
      holdPlace(files, directory, id, damaged, range, options)
    } catch {
      // It is told all the same, and tried again at the next open.
    }
  }
  return holders.length > 0
}

function between(files: FileSystem, directory: string, before: number, after: number): TimeRange {
  const a = segmentRange(files, directory, before)
  const b = segmentRange(files, directory, after)
  if (!a || !b) return a ?? b ?? ALL_TIME
  return [a[0] < b[0] ? a[0] : b[0], a[1] > b[1] ? a[1] : b[1]]
}

/** From a segment's time up to now: what comes later is in none that is missing. */
function since(files: FileSystem, directory: string, id: number, { nowMs }: RecoverOptions): TimeRange {
  const [from, to] = segmentRange(files, directory, id) ?? ALL_TIME
  const now = BigInt(Math.round(nowMs)) * 1_000_000n
  return [from, to > now ? to : now]
}

function holdPlace(
  files: FileSystem,
  directory: string,
  id: number,
  damaged: Damaged,
  range: TimeRange,
  { nowMs, tell }: RecoverOptions,
): void {
  const salt = drawSalt()
  // As old as what it stands for, so that retention takes it when its turn comes.
  const createdMs = range === ALL_TIME ? 0 : Math.min(nowMs, Number(range[1] / 1_000_000n))
  const old = indexPath(directory, id)
  const stat = files.stat(old)
  if (stat && stat.size > INDEX_HEADER) {
    const file = files.open(old, 'read')
    try {
      // One that is too large stays where it is, and tells of what is missing as well.
      if (keepAside(files, directory, indexName(id), file, 0, stat.size, tell) === undefined) return
    } finally {
      file.close()
    }
  }
  // The index goes first: alone it still says what is missing.
  const index = Buffer.concat([indexHeader(salt), ...encodeDamage(FILE_HEADER, FILE_HEADER, damaged, range)])
  for (const [name, bytes] of [
    [indexName(id), index],
    [logName(id), fileHeader({ createdMs, salt })],
  ] as const) {
    replaceFile(files, join(directory, name), bytes)
    files.syncDirectory(directory)
  }
}
