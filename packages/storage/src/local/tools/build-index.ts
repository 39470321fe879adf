import type { File } from '../files/file-system.ts'
import { INDEX_HEADER, indexHeader, type BlockMeta } from '../files/index-file.ts'
import { FILE_HEADER, writeFully, type LogHeader } from '../files/log.ts'
import { Reindex } from '../files/reindex.ts'
import { walkLog } from '../files/walk.ts'
import type { DamagedRange } from './report.ts'

/**
 * Writes the whole index of a log into a new file, durable when it returns. `known`: the damage in the log, with what only an older index can
 * tell of it; `missing`: the blocks of that index, which say when the spans were that are gone. Throws StorageError `disk_full` or `io`.
 */
export function buildIndex(
  log: File,
  path: string,
  header: LogHeader,
  index: File,
  known: readonly Omit<DamagedRange, 'perhaps'>[],
  missing: readonly BlockMeta[],
): void {
  index.truncate(0)
  writeFully(index, [indexHeader(header.salt)], 0)
  const made = new Reindex(log, path, index, INDEX_HEADER, FILE_HEADER, [])
  const damage = (start: number, end: number, { bytes, maxSpans }: Pick<DamagedRange, 'bytes' | 'maxSpans'>): void =>
    made.addDamage(start, end, { bytes, ...(maxSpans !== undefined && { maxSpans }) })
  const addGone = (at: number): void => {
    for (const piece of known) if (piece.gone && piece.offset === at) damage(at, at, piece)
  }
  let at = FILE_HEADER
  for (const stretch of walkLog(log, path, header, FILE_HEADER, log.size())) {
    const { start, end } = stretch
    const pieces = known.filter(({ offset, gone }) => offset >= start && offset < end && !gone)
    // An end that was perhaps never acknowledged is not in the index.
    if (stretch.kind !== 'record' && pieces.length === 0) break
    addGone(start)
    at = end
    if (stretch.kind === 'record' && made.add(stretch.record)) continue
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0)
    const maxSpans = pieces.every((piece) => piece.maxSpans !== undefined)
      ? pieces.reduce((sum, piece) => sum + piece.maxSpans!, 0)
      : undefined
    damage(start, end, { bytes: Math.max(bytes, end - start), maxSpans })
  }
  addGone(at)
  made.finish(missing)
  if (made.failure) throw made.failure
  index.sync()
}
