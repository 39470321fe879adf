import { isRefusal, type File, type FileSystem } from './file-system.ts'
import { ALL_TIME, INDEX_HEADER, isIndex, readBlock, type BlockMeta } from './index-file.ts'
import { newerFormat } from './log.ts'
import type { TimeRange } from './reindex.ts'
import { readSealedState, type SealedState } from './sealed-file.ts'
import { indexPath, listIndexes, listSealed, listSegments, logPath, parseName, sealedPath } from './segment.ts'
import { readLogState, type LogState } from './walk.ts'

/** What the file system, and not the file, says against reading it. */
export interface Unreadable {
  readonly state: 'unreadable'
  readonly reason: string
}

/** What is in a data directory, by the headers of its files. A segment is in one of its maps: the form that counts. */
export interface Survey {
  /** By id, ascending: each file with the name of a log. */
  readonly logs: ReadonlyMap<number, LogState | Unreadable>
  /** By id, ascending: each file with the name of a sealed segment. */
  readonly sealed: ReadonlyMap<number, SealedState | Unreadable>
  /** Segments of which both forms are there, as their sealing, or a deletion, was interrupted. */
  readonly both: ReadonlySet<number>
  /** Indexes whose log is not there, and no sealed form. */
  readonly orphans: readonly number[]
  /** Formats of the segments. */
  readonly versions: ReadonlySet<number>
  /** Files that end in `.log` and are not named as ours are. */
  readonly foreign: readonly string[]
}

/**
 * Looks at the header of each file. Throws StorageError `newer_format`, before anything was touched, when a later version wrote one; or
 * hands it to `newer`.
 */
export function surveyDirectory(
  files: FileSystem,
  directory: string,
  newer: (error: unknown) => void = (error) => {
    throw error
  },
): Survey {
  const logs = new Map<number, LogState | Unreadable>()
  const sealed = new Map<number, SealedState | Unreadable>()
  const both = new Set<number>()
  const versions = new Set<number>()
  for (const id of listSealed(files, directory)) {
    const path = sealedPath(directory, id)
    const state = sealedState(files, path)
    if (!state) continue
    sealed.set(id, state)
    if (state.state === 'newer') newer(newerFormat(path, state.what))
    if (state.state === 'ok') versions.add(state.header.version)
  }
  for (const id of listSegments(files, directory)) {
    const path = logPath(directory, id)
    const state = logState(files, path)
    if (!state) continue
    const other = sealed.get(id)
    if (other) {
      both.add(id)
      // The sealed form was whole and durable when it got its name; should that not be so any more, the log is what is left.
      if ((other.state === 'ok' && !other.headerDamaged) || state.state !== 'ok') continue
      sealed.delete(id)
    }
    logs.set(id, state)
    if (state.state === 'newer') newer(newerFormat(path, state.what))
    if (state.state !== 'ok') continue
    versions.add(state.header.version)
    const index = indexPath(directory, id)
    try {
      withFile(files, index, (file) => isIndex(file, index, state.header.salt))
    } catch (error) {
      newer(error)
    }
  }
  const orphans = listIndexes(files, directory).filter((id) => !logs.has(id) && !sealed.has(id))
  const foreign = files.list(directory).filter((name) => name.endsWith('.log') && !parseName(name))
  return { logs, sealed, both, orphans, versions, foreign }
}

/** Whether an error says nothing against the one file: it is then not that file's, and must not be taken for damage. */
export function isOfProcess(error: unknown): boolean {
  return ['newer_format', 'EMFILE', 'ENFILE', 'ENOMEM', 'EROFS'].includes(String((error as { code?: unknown }).code))
}

/** The ids of all segments, in whatever form, ascending. */
export function segmentIds({ logs, sealed }: Survey): number[] {
  return [...logs.keys(), ...sealed.keys()].sort((a, b) => a - b)
}

/** What the header of a log says. Undefined when it has just gone: retention of a running store may have taken it. */
export function logState(files: FileSystem, path: string): LogState | Unreadable | undefined {
  return stateOf(files, path, (file) => readLogState(file, path))
}

/** What the header of a sealed segment says; as {@link logState}. */
export function sealedState(files: FileSystem, path: string): SealedState | Unreadable | undefined {
  return stateOf(files, path, readSealedState)
}

function stateOf<T>(files: FileSystem, path: string, read: (file: File) => T): T | Unreadable | undefined {
  let file: File | undefined
  try {
    file = files.open(path, 'read')
    return read(file)
  } catch (error) {
    if (isOfProcess(error)) throw error
    return isMissing(error) ? undefined : { state: 'unreadable', reason: (error as Error).message }
  } finally {
    file?.close()
  }
}

/** What `use` says of a file; undefined when there is none, or it says nothing of use. Where the file system does not give it out, what `refused` says. */
function withFile<T>(
  files: FileSystem,
  path: string,
  use: (file: File) => T,
  refused?: (error: Error) => T,
): T | undefined {
  let file: File | undefined
  try {
    file = files.open(path, 'read')
    return use(file)
  } catch (error) {
    if (isOfProcess(error)) throw error
    return isRefusal(error) && !isMissing(error) ? refused?.(error as Error) : undefined
  } finally {
    file?.close()
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ENOENT'
}

/** What the index of a log that cannot be read says of what was in it. */
export interface Lost {
  readonly bytes: number
  /** Undefined when the index cannot be read to its end. */
  readonly spans: number | undefined
  readonly range: TimeRange | undefined
  /** Why the file system does not give the index out now; then nothing else is known. */
  readonly refusal?: string
}

/** Undefined when there is no index, or one without a block: then nothing is lost that could be known. */
export function readLost(files: FileSystem, directory: string, id: number): Lost | undefined {
  const path = indexPath(directory, id)
  const found = withFile<ReturnType<typeof allMetas> | Lost | undefined>(
    files,
    path,
    (file) => (file.size() > INDEX_HEADER ? allMetas(file, path) : undefined),
    ({ message }) => ({ bytes: 0, spans: undefined, range: undefined, refusal: message }),
  )
  if (!found || !('metas' in found)) return found
  const { metas, whole } = found
  let spans = 0
  let bytes = 0
  let known = whole
  for (const { spans: readable, logStart, logEnd, damaged } of metas) {
    if (damaged && damaged.maxSpans === undefined) known = false
    spans += readable + (damaged?.maxSpans ?? 0)
    bytes += damaged?.bytes ?? logEnd - logStart
  }
  return { bytes, spans: known ? spans : undefined, range: rangeOf(metas) }
}

function allMetas(index: File, path: string): { metas: BlockMeta[]; whole: boolean } {
  const metas: BlockMeta[] = []
  const size = index.size()
  let at = INDEX_HEADER
  while (at < size) {
    const block = readBlock(index, at, size, path)
    if (!block) break
    metas.push(block.meta)
    at = block.end
  }
  return { metas, whole: at === size }
}

/** From the earliest to the latest start; undefined for blocks without spans. */
export function rangeOf(metas: readonly BlockMeta[]): TimeRange | undefined {
  let range: [bigint, bigint] | undefined
  for (const { spans, damaged, minStart, maxStart } of metas) {
    if (spans === 0 && !damaged) continue
    const min = BigInt(minStart)
    const max = BigInt(maxStart)
    if (!range) range = [min, max]
    if (min < range[0]) range[0] = min
    if (max > range[1]) range[1] = max
  }
  return range
}

/** The range of time of a segment, as far as its index, or the header of its sealed form, tells; all time where that is not given out. */
export function segmentRange(files: FileSystem, directory: string, id: number): TimeRange | undefined {
  const sealed = sealedState(files, sealedPath(directory, id))
  if (sealed) return sealed.state === 'ok' ? [sealed.header.minStart, sealed.header.maxStart] : ALL_TIME
  const path = indexPath(directory, id)
  return withFile(
    files,
    path,
    (file) => rangeOf(allMetas(file, path).metas),
    () => ALL_TIME,
  )
}
