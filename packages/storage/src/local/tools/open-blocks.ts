import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import { changesOf } from '../files/changes.ts'
import { readFormat } from '../files/format.ts'
import { recoverDirectory } from '../files/recover-directory.ts'
import { surveyDirectory } from '../files/survey.ts'
import type { Block } from '../read/block.ts'
import { Catalog } from '../read/catalog.ts'
import type { Turn } from '../read/turn.ts'
import { systemClock } from '../runtime.ts'
import type { Work } from './work.ts'

/** What blocks keep in memory while a tool goes through them, in bytes. */
const CACHE_BYTES = 24 << 20

/** The blocks of a directory, in the order in which they came, and what closes their files. */
export interface OpenBlocks {
  readonly blocks: readonly Block[]
  close(): void
}

/**
 * Opens all that a directory holds as blocks, without a lock and without changing a byte: a store that is stopped, a backup, or one that runs
 * (then what it had on disk at this moment). `tell` hears of damage. What cannot be read is missing, and `turn` knows.
 *
 * Throws StorageError `corrupt` for a directory that is not Spoor's, `newer_format`, `io`.
 */
export async function openBlocks(work: Work, turn: Turn, tell: (event: StoreEvent) => void): Promise<OpenBlocks> {
  const { files, directory } = work
  const { logs, versions } = surveyDirectory(files, directory)
  const format = readFormat(files, directory, versions)
  if (logs.size === 0 && (format === 'missing' || format === 'foreign'))
    throw new StorageError('corrupt', `${directory} is not a data directory of Spoor; name the one to read`)
  const catalog = new Catalog(files, systemClock, directory, CACHE_BYTES, tell)
  for (const found of recoverDirectory(files, directory, { write: false, nowMs: 0, tell }).segments) {
    if ('refusal' in found) turn.incomplete = true
    for (const change of changesOf(found)) catalog.apply(change)
    await work.giveWay()
  }
  await catalog.load(turn)
  return { blocks: catalog.blocks(turn), close: () => catalog.reset() }
}
