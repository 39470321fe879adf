import { join } from 'node:path'
import type { StoreEvent } from '../../events.ts'
import { checkFormat } from '../files/format.ts'
import { KEPT } from '../files/kept.ts'
import { finishSwap, swapAll } from '../files/swap.ts'
import { readPins, writePins } from '../files/pins.ts'
import { recoverDirectory } from '../files/recover-directory.ts'
import { indexName, logName, logPath, sealedName, sealedPath } from '../files/segment.ts'
import { readLost, surveyDirectory } from '../files/survey.ts'
import { holdingLock } from './holding-lock.ts'
import { compileMatch, type SpanMatch } from './match.ts'
import { rewriteSealed } from './rewrite-sealed.ts'
import { rewriteSegment, type Rewritten } from './rewrite.ts'
import { Work, type ToolOptions } from './work.ts'

/** Which spans go. */
export type DeleteSpec =
  /** All spans of these traces: 32 hex digits each. */
  | { readonly traceIds: readonly string[] }
  /**
   * Spans that have the attribute themselves, on an event or a link of theirs, or on their resource or scope. `value`: in its text form, as
   * filters compare it; undefined: whatever it is. They start in `[from, to]`, nanoseconds since 1970, both inclusive; default: at any time.
   */
  | {
      readonly attribute: string
      readonly value?: string | number | bigint | boolean
      readonly from?: bigint
      readonly to?: bigint
    }

export interface DeleteOptions extends ToolOptions {
  /**
   * Deletes what cannot be searched, too: damaged stretches of logs, logs of which nothing can be read, and all that was put aside in
   * `damaged/`. Default false: they stay, and are named in the report.
   */
  readonly damagedToo?: boolean
  /** Says what would go, and changes nothing. Default false. */
  readonly dryRun?: boolean
  /** Hears `dropped` with the reason `request`, and what recovery finds. */
  readonly onEvent?: (event: StoreEvent) => void
  /** See {@link RepairOptions}. */
  readonly lock?: (directory: string) => () => void
}

export interface DeleteReport {
  readonly spans: number
  /** Segments that were written anew without them. */
  readonly segments: number
  /** By which the directory has become smaller. */
  readonly bytes: number
  /** Where the spans may still be: it cannot be read, so it was not searched. Offsets and lengths are bytes. */
  readonly unsearched: readonly { readonly file: string; readonly offset: number; readonly bytes: number }[]
}

/**
 * Deletes spans from every form in which the directory keeps them: the log's frames are written anew without them, and with them the index
 * with its names, dictionaries and filters. The directory must not be open. It happens wholly or not at all: everything is written
 * beside first (so there must be room for the segments that have such spans), and an interruption after that goes on at the next open.
 * The old files' bytes are given back to the file system, not overwritten. Backups, and what a reader has already got, are not reached.
 *
 * Rejects with StorageError `bad_query`, `locked`, `newer_format`, `cancelled`, `disk_full`, `io`; then nothing was deleted.
 */
export async function deleteFrom(
  directory: string,
  what: DeleteSpec,
  options: DeleteOptions = {},
): Promise<DeleteReport> {
  const match = compileMatch(what)
  const work = new Work(directory, options)
  return holdingLock(work, options.lock, `deleting from ${work.directory}`, () =>
    deleteSpans(work, what, match, options),
  )
}

async function deleteSpans(
  work: Work,
  what: DeleteSpec,
  match: SpanMatch,
  { damagedToo = false, dryRun = false, onEvent = () => {} }: DeleteOptions,
): Promise<DeleteReport> {
  const { files, directory } = work
  if (!dryRun) recover(work, onEvent)
  const { logs, sealed, orphans, versions } = surveyDirectory(files, directory)
  if (dryRun) checkFormat(files, directory, versions, false, onEvent)
  for (const id of logs.keys()) work.expect(sizeOf(work, logPath(directory, id)))
  for (const id of sealed.keys()) work.expect(sizeOf(work, sealedPath(directory, id)))
  const unsearched: { file: string; offset: number; bytes: number }[] = []
  const remove: string[] = []
  const rewritten: Rewritten[] = []
  try {
    for (const [id, log] of logs) {
      if (log.state === 'ok') {
        const result = await rewriteSegment(work, id, log.header, match, { damagedToo, dryRun })
        rewritten.push(result)
        for (const { offset, bytes } of result.unsearched) unsearched.push({ file: logName(id), offset, bytes })
        work.finished(logName(id))
      } else if (log.state !== 'unwritten') {
        const lost = log.state === 'foreign' && !readLost(files, directory, id)
        if (lost) continue // None of Spoor's.
        remove.push(logName(id), indexName(id))
      }
    }
    for (const [id, { state }] of sealed) {
      if (state === 'unreadable') {
        remove.push(sealedName(id))
        continue
      }
      const result = await rewriteSealed(work, id, match, { damagedToo, dryRun })
      rewritten.push(result)
      for (const { offset, bytes } of result.unsearched) unsearched.push({ file: sealedName(id), offset, bytes })
      work.finished(sealedName(id))
    }
    for (const id of orphans) if (readLost(files, directory, id)) remove.push(indexName(id))
  } catch (error) {
    if (!dryRun) finishSwap(files, directory)
    throw error
  }
  const folder = join(directory, KEPT)
  const kept = files.stat(folder) ? files.list(folder).map((name) => `${KEPT}/${name}`) : []
  for (const name of [...remove, ...kept]) {
    const bytes = sizeOf(work, join(directory, name))
    if (bytes > 0) unsearched.push({ file: name, offset: 0, bytes })
  }
  const changed = rewritten.filter(({ names }) => names.length > 0)
  const spans = rewritten.reduce((sum, found) => sum + found.spans, 0)
  const bytes = changed.reduce((sum, found) => sum + found.bytesBefore - found.bytesAfter, 0)
  if (dryRun) return { spans, segments: changed.length, bytes, unsearched }
  if (changed.length > 0)
    swapAll(
      files,
      directory,
      changed.flatMap(({ names }) => names),
    )
  if ('traceIds' in what) unpin(work, what.traceIds, onEvent)
  if (damagedToo) for (const name of [...remove, ...kept]) files.remove(join(directory, name))
  if (damagedToo && kept.length > 0) files.syncDirectory(folder)
  files.syncDirectory(directory)
  if (spans > 0) {
    const [oldest, newest] = rangeOf(changed)
    onEvent({ code: 'dropped', reason: 'request', segments: changed.length, spans, bytes, oldest, newest })
  }
  return { spans, segments: changed.length, bytes, unsearched: damagedToo ? [] : unsearched }
}

/** Makes the directory whole first: then a log has no end that was never acknowledged, and every segment is known. */
function recover({ files, directory }: Work, tell: (event: StoreEvent) => void): void {
  for (const found of recoverDirectory(files, directory, { write: true, nowMs: Date.now(), tell }).segments) {
    if (!('segment' in found)) continue
    found.segment?.log.close()
    found.segment?.index.close()
  }
}

/** Their ids are to be nowhere any more. */
function unpin({ files, directory }: Work, traceIds: readonly string[], tell: (event: StoreEvent) => void): void {
  const pins = readPins(files, directory, tell)
  const before = pins.size
  for (const id of traceIds) pins.delete(id.toLowerCase())
  if (pins.size < before) writePins(files, directory, pins)
}

function rangeOf(rewritten: readonly Rewritten[]): [string | undefined, string | undefined] {
  let range: readonly [bigint, bigint] | undefined
  for (const { range: next } of rewritten) {
    if (!next) continue
    const [min, max] = range ?? next
    range = [next[0] < min ? next[0] : min, next[1] > max ? next[1] : max]
  }
  return [range && String(range[0]), range && String(range[1])]
}

function sizeOf({ files }: Work, path: string): number {
  try {
    return files.stat(path)?.size ?? 0
  } catch {
    return 0
  }
}
