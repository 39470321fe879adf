import { join } from 'node:path'
import { StorageError } from '../../contract.ts'
import { FORMAT, readFormat, type FormatState } from '../files/format.ts'
import { KEPT } from '../files/kept.ts'
import { isOfLock } from '../files/lock.ts'
import { LAST, readLastNumber } from '../files/last-number.ts'
import { PINS } from '../files/pins.ts'
import { logName, logPath, parseName, sealedName, sealedPath } from '../files/segment.ts'
import { isOfProcess, readLost, sealedState, segmentIds, surveyDirectory, type Survey } from '../files/survey.ts'
import { isOfSwap, NEW } from '../files/swap.ts'
import type { SegmentReport, StoreReport } from './report.ts'
import { PROBE } from '../write/probe.ts'
import { verifySealed } from './verify-sealed.ts'
import { verifySegment } from './verify-segment.ts'
import { Work, type ToolOptions } from './work.ts'

/**
 * Reads everything in a data directory and says what is as it was written and what is not. Changes nothing and takes no lock, so it may be
 * run on the directory of a running store: segments that retention takes meanwhile are left out, records that are being written do not
 * count as damage. Memory: one record and one index block at a time.
 *
 * Rejects with StorageError `io` when the directory is not there or cannot be listed, and `cancelled`.
 */
export async function verifyStore(directory: string, options: ToolOptions = {}): Promise<StoreReport> {
  const work = new Work(directory, options)
  const { files } = work
  // Before the files, to which a running store may add.
  const lastNumber = readLastNumber(files, work.directory, () => {})
  const survey = surveyDirectory(files, work.directory, (error) => {
    // It is said of the segment, unless it is not about one.
    if ((error as { code?: unknown }).code !== 'newer_format') throw error
  })
  for (const id of survey.logs.keys()) work.expect(sizeOf(work, logPath(work.directory, id)))
  for (const id of survey.sealed.keys()) work.expect(sizeOf(work, sealedPath(work.directory, id)))
  const segments: SegmentReport[] = []
  for (const id of idsOf(work, survey, lastNumber)) {
    const report = await segmentReport(work, survey, id)
    if (report) segments.push(report)
    work.finished(report?.file ?? logName(id))
  }
  const format = formatState(work, survey)
  const names = files.list(work.directory)
  const last = segments.findLast(({ log }) => log === 'ok' || log === 'damaged')?.id ?? 0
  const isFine = ({ id, log, index }: SegmentReport): boolean =>
    // Begun and never written to; in the middle that cannot be.
    log === 'unwritten' ? id > last : log === 'ok' && (index === 'ok' || index === 'behind')
  const losses = segments.filter((segment) => !isFine(segment)).flatMap(({ damaged }) => damaged)
  return {
    directory: work.directory,
    ok:
      (format === 'ok' || format === 'older' || (format === 'missing' && segments.length === 0)) &&
      segments.every(isFine),
    format,
    segments,
    foreign: names.filter((name) => !isKnown(name)).sort(),
    kept: keptIn(work),
    // What a running store writes beside its sealed segments is no interruption.
    interrupted: names.some((name) => isOfSwap(name) && !isOfSealing(name)) || survey.both.size > 0,
    spans: segments.reduce((sum, { spans }) => sum + spans, 0),
    maxLostSpans: losses.some(({ maxSpans }) => maxSpans === undefined)
      ? undefined
      : losses.reduce((sum, { maxSpans }) => sum + maxSpans!, 0),
  }
}

/** Those that are there, and those that are missing between and, up to `lastNumber`, after them. */
function idsOf({ files, directory }: Work, survey: Survey, lastNumber: number): number[] {
  const all = segmentIds(survey)
  const lost = survey.orphans.filter((id) => readLost(files, directory, id))
  const known = all.filter((id) => survey.logs.get(id)?.state !== 'foreign')
  const present = [...known, ...lost].sort((a, b) => a - b)
  const ids = new Set([...all, ...lost])
  for (const [i, before] of present.entries()) {
    const end = present[i + 1] ?? lastNumber + 1
    for (let gap = before + 1; gap < end && gap < before + MAX_GAP; gap++) ids.add(gap)
  }
  return [...ids].sort((a, b) => a - b)
}

/** Missing segments in one gap that are reported each for itself. */
const MAX_GAP = 1000

/** Undefined for a segment that retention has taken meanwhile. */
async function segmentReport(work: Work, survey: Survey, id: number): Promise<SegmentReport | undefined> {
  const { files, directory } = work
  const log = survey.logs.get(id)
  const sealed = survey.sealed.get(id)
  try {
    if (sealed) return await verifySealed(work, id)
    if (log?.state === 'ok') return await verifySegment(work, id, log.header, log.headerDamaged)
  } catch (error) {
    if (error instanceof StorageError && error.code === 'newer_format')
      return unread(work, id, 'newer', undefined, error.message, sealed && sealedName(id))
    if (error instanceof StorageError || isOfProcess(error)) throw error
    if ((error as { code?: unknown }).code === 'ENOENT') return sealedMeanwhile(work, survey, id)
    if (sealed) return unread(work, id, 'unreadable', undefined, (error as Error).message, sealedName(id))
    return unread(work, id, 'unreadable', readLost(files, directory, id)?.spans, (error as Error).message)
  }
  const lost = readLost(files, directory, id)
  switch (log?.state) {
    case 'newer':
      return unread(work, id, 'newer', undefined, log.what)
    case 'unreadable':
      return unread(work, id, 'unreadable', lost?.spans, log.reason)
    case 'unwritten':
      return lost ? unread(work, id, 'missing', lost.spans) : unread(work, id, 'unwritten', undefined)
    case 'foreign':
      return lost ? unread(work, id, 'damaged', lost.spans) : unread(work, id, 'foreign', undefined)
    default:
      return unread(work, id, 'missing', lost?.spans)
  }
}

/** A running store may have sealed it since it was looked for. */
async function sealedMeanwhile(work: Work, survey: Survey, id: number): Promise<SegmentReport | undefined> {
  const state = survey.sealed.has(id) ? undefined : sealedState(work.files, sealedPath(work.directory, id))
  return state && segmentReport(work, { ...survey, sealed: new Map([[id, state]]) }, id)
}

function unread(
  work: Work,
  id: number,
  log: SegmentReport['log'],
  maxSpans: number | undefined,
  reason?: string,
  file = logName(id),
): SegmentReport {
  const bytes = sizeOf(work, join(work.directory, file))
  const damaged = [{ offset: 0, bytes, maxSpans, perhaps: false, gone: log === 'missing' }]
  return {
    id,
    file,
    log,
    index: 'unused',
    format: undefined,
    bytes,
    records: 0,
    spans: 0,
    damaged,
    tornBytes: 0,
    reason,
  }
}

function formatState({ files, directory }: Work, { versions }: Survey): FormatState | 'newer' {
  try {
    return readFormat(files, directory, versions)
  } catch {
    return 'newer'
  }
}

function isOfSealing(name: string): boolean {
  return name.endsWith(NEW) && parseName(name.slice(0, -NEW.length))?.kind === 'seal'
}

function isKnown(name: string): boolean {
  return (
    parseName(name) !== undefined ||
    name === FORMAT ||
    name === LAST ||
    name === PINS ||
    name === KEPT ||
    isOfLock(name) ||
    name === PROBE ||
    isOfSwap(name)
  )
}

function keptIn({ files, directory }: Work): { files: number; bytes: number } {
  const folder = join(directory, KEPT)
  const names = files.stat(folder) ? files.list(folder) : []
  return {
    files: names.length,
    bytes: names.reduce((sum, name) => sum + (files.stat(join(folder, name))?.size ?? 0), 0),
  }
}

function sizeOf({ files }: Work, path: string): number {
  try {
    return files.stat(path)?.size ?? 0
  } catch {
    return 0
  }
}
