import { StorageError } from '../../contract.ts'
import { changesOf } from '../files/changes.ts'
import { readFormat } from '../files/format.ts'
import { recoverDirectory } from '../files/recover-directory.ts'
import { segmentIds, surveyDirectory } from '../files/survey.ts'
import type { BlockRows } from '../block/rows.ts'
import type { Block } from '../read/block.ts'
import { Catalog } from '../read/catalog.ts'
import type { Turn } from '../read/turn.ts'
import { systemClock } from '../runtime.ts'
import type { Change } from '../threads/protocol.ts'
import type { Work } from './work.ts'

/** What blocks keep in memory while a tool goes through them, in bytes. */
const CACHE_BYTES = 24 << 20
/** Blocks of a segment, at most: in the number of a block its segment comes before it. */
const SEGMENT_BLOCKS = 2 ** 24

/** The blocks of a store, in the order in which they came. They may be gone through several times, and have the same numbers each time. */
export interface StoreBlocks {
  each(visit: (block: Block, number: number) => Promise<void> | void): Promise<void>
}

/**
 * All that a directory holds as blocks, one segment at a time, without a lock and without changing a byte: a store that is stopped, a backup, or one
 * that runs (then what it had on disk at this moment). What cannot be read is missing, and `turn` knows.
 *
 * Throws StorageError `corrupt` for a directory that is not Spoor's, `newer_format`, `io`.
 */
export async function storeBlocks(work: Work, turn: Turn): Promise<StoreBlocks> {
  const { files, directory } = work
  const survey = surveyDirectory(files, directory)
  const format = readFormat(files, directory, survey.versions)
  if (segmentIds(survey).length === 0 && (format === 'missing' || format === 'foreign'))
    throw new StorageError('corrupt', `${directory} is not a data directory of Spoor; name the one to read`)
  const segments: Change[][] = []
  for (const found of recoverDirectory(files, directory, { write: false, nowMs: 0, tell: () => {} }).segments) {
    if ('refusal' in found) turn.incomplete = true
    segments.push(changesOf(found))
    await work.giveWay()
  }
  return { each: (visit) => eachBlock(segments, work, turn, visit) }
}

async function eachBlock(
  segments: readonly Change[][],
  work: Work,
  turn: Turn,
  visit: (block: Block, number: number) => Promise<void> | void,
): Promise<void> {
  for (const [index, changes] of segments.entries()) {
    const catalog = new Catalog(work.files, systemClock, work.directory, CACHE_BYTES, {
      tell() {},
      switched() {},
      held() {},
      users: () => [],
    })
    for (const change of changes) catalog.apply(change)
    try {
      await catalog.load(turn)
      for (const [at, block] of catalog.blocks(turn).entries()) {
        await visit(block, index * SEGMENT_BLOCKS + at)
        await work.done('reading', 0)
      }
    } finally {
      catalog.reset()
    }
  }
}

/** Goes through the rows of all blocks that can be read. */
export function eachRows(
  blocks: StoreBlocks,
  turn: Turn,
  visit: (rows: BlockRows, number: number) => void,
): Promise<void> {
  return blocks.each((block, number) => {
    // A column of a sealed block is read when it is first touched.
    if (block.spans > 0) turn.attempt(() => visit(block.rows(), number))
  })
}
