import { BlockBuilder } from '../block/builder.ts'
import { markOf, rowsBetween, type Mark } from '../block/rows.ts'
import type { FileSystem } from '../files/file-system.ts'
import { INDEX_HEADER, readBlock } from '../files/index-file.ts'
import { FILE_HEADER, findRecord, readFileHeader, readRecord } from '../files/log.ts'
import { addFrame, indexPath, logPath } from '../files/segment.ts'
import { BLOCK_SPANS } from '../options.ts'
import type { Change } from '../threads/protocol.ts'

const NOTHING: Mark = { count: 0, traceCount: 0, operationCount: 0, groupCount: 0, frameCount: 0 }

/**
 * A segment whose index cannot be completed because the disk takes no writes, made whole in memory: what the index does not cover is
 * read from the log and given to the readers as rows. Nothing is written; the next open that can write does it. Undefined when not
 * even the log's header was written.
 */
export function readUnindexed(
  files: FileSystem,
  directory: string,
  id: number,
): { readonly createdMs: number; readonly changes: readonly Change[] } | undefined {
  const path = logPath(directory, id)
  const log = files.open(path, 'read')
  try {
    const createdMs = readFileHeader(log, path)
    if (createdMs === undefined) return undefined
    const logSize = log.size()
    const { covered, indexSize } = coverage(files, directory, id, logSize)
    const changes: Change[] = [{ type: 'segment', id, indexSize }]
    const builder = new BlockBuilder()
    const finish = (): void => {
      if (builder.rows.count === 0) return
      const rows = rowsBetween(builder.rows, NOTHING, markOf(builder.rows))
      changes.push({ type: 'rows', id, rows }, { type: 'keep', id })
      builder.reset()
    }
    for (let at = covered; at < logSize;) {
      const record = readRecord(log, at, logSize) ?? findRecord(log, at + 1, logSize)
      if (!record) break
      for (const frame of record.frames) addFrame(builder, log, path, frame)
      if (builder.rows.count >= BLOCK_SPANS) finish()
      at = record.end
    }
    finish()
    return { createdMs, changes }
  } finally {
    log.close()
  }
}

/** How far the index describes the log from its start without a gap. */
function coverage(
  files: FileSystem,
  directory: string,
  id: number,
  logSize: number,
): { readonly covered: number; readonly indexSize: number } {
  let covered = FILE_HEADER
  let indexSize = INDEX_HEADER
  const path = indexPath(directory, id)
  if (!files.stat(path)) return { covered, indexSize }
  const index = files.open(path, 'read')
  try {
    const size = index.size()
    for (let block = readBlock(index, indexSize, size); block; block = readBlock(index, indexSize, size)) {
      if (block.meta.logStart !== covered || block.meta.logEnd > logSize) break
      covered = block.meta.logEnd
      indexSize = block.end
    }
  } finally {
    index.close()
  }
  return { covered, indexSize }
}
