import type { StoreEvent } from '../../events.ts'
import { isRefusal, type FileSystem } from './file-system.ts'
import { ALL_TIME } from './index-file.ts'
import type { LostSegment, RecoverOptions } from './recover-directory.ts'
import { isWhole, readSealed, SEALED_HEADER, type SealedContents } from './sealed-file.ts'
import { indexPath, logPath, sealedName, sealedPath } from './segment.ts'
import { isOfProcess, logState, type Survey } from './survey.ts'

/** A sealed segment that can be read, at least in part. */
export interface RecoveredSealed {
  readonly id: number
  readonly sealed: {
    /** When it was begun and when its last record came, milliseconds since 1970. */
    readonly createdMs: number
    readonly endedMs: number
    /** Bytes that it takes less than its log and index took. */
    readonly savedBytes: number
    /** Sections of it cannot be found. */
    readonly isDamaged: boolean
    /** It has what retention keeps longer; see `SealedHeader`. */
    readonly isKept: boolean
    /** Undefined where its headers are damaged. */
    readonly spans: number | undefined
  }
}

/**
 * Where both forms of a segment are there, one goes. The sealed one counts if everything in it is as it was written: all of it is read. Else
 * the log does, as long as that is one. Says whether anything was changed. What the disk refuses is left for the next open.
 */
export function settleForms(
  files: FileSystem,
  directory: string,
  { both, sealed }: Survey,
  tell: (event: StoreEvent) => void,
): boolean {
  for (const id of both) {
    try {
      if (sealed.has(id) && isWholeFile(files, sealedPath(directory, id))) removeLog(files, directory, id)
      else if (logState(files, logPath(directory, id))?.state === 'ok') removeSealed(files, directory, id, tell)
    } catch (error) {
      if (isOfProcess(error) || !isRefusal(error)) throw error
    }
  }
  return both.size > 0
}

function isWholeFile(files: FileSystem, path: string): boolean {
  const file = files.open(path, 'read')
  try {
    return isWhole(file, path)
  } finally {
    file.close()
  }
}

/** A killed process may have left the name of the sealed form without a sync: the log must not go before that is durable. */
function removeLog(files: FileSystem, directory: string, id: number): void {
  files.syncDirectory(directory)
  files.remove(indexPath(directory, id))
  files.remove(logPath(directory, id))
}

function removeSealed(files: FileSystem, directory: string, id: number, tell: (event: StoreEvent) => void): void {
  const path = sealedPath(directory, id)
  const bytes = files.stat(path)?.size ?? 0
  files.remove(path)
  files.syncDirectory(directory)
  tell({ code: 'damaged', file: sealedName(id), offset: 0, bytes, maxSpans: 0, perhaps: false, kept: undefined })
}

/** Looks at what there is of a sealed segment, and tells what is not as it was written. Undefined: retention has just taken it. */
export function recoverSealed(
  files: FileSystem,
  directory: string,
  id: number,
  { nowMs, tell }: RecoverOptions,
): RecoveredSealed | LostSegment | undefined {
  const path = sealedPath(directory, id)
  let contents: SealedContents
  try {
    const file = files.open(path, 'read')
    try {
      contents = readSealed(file, path)
    } finally {
      file.close()
    }
  } catch (error) {
    if (isOfProcess(error) || !isRefusal(error)) throw error
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    return { id, lost: { bytes: 0, range: ALL_TIME }, refusal: `${path}: ${(error as Error).message}` }
  }
  const { header, headerDamaged, directoryDamaged, lost } = contents
  const damaged = { code: 'damaged', file: sealedName(id), perhaps: false, kept: undefined } as const
  if (lost) tell({ ...damaged, ...lost })
  else if (headerDamaged) tell({ ...damaged, offset: 0, bytes: SEALED_HEADER, maxSpans: 0 })
  else if (directoryDamaged)
    tell({ ...damaged, offset: header!.directoryAt, bytes: header!.size - header!.directoryAt, maxSpans: 0 })
  const isDamaged = lost !== undefined
  if (!header) {
    const times = { createdMs: nowMs, endedMs: nowMs }
    return { id, sealed: { ...times, savedBytes: 0, isDamaged, isKept: false, spans: undefined } }
  }
  const { createdMs, endedMs, logBytes, size, isKept, spans } = header
  return { id, sealed: { createdMs, endedMs, savedBytes: logBytes - size, isDamaged, isKept, spans } }
}
