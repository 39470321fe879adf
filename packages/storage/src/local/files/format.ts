import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { StorageError } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import type { FileSystem } from './file-system.ts'
import { keepAside } from './kept.ts'
import { newerFormat, readExactly, VERSION } from './log.ts'
import { replaceFile } from './swap.ts'

/** The file that says what the directory is. The truth stands in each segment's header; this one is for people, and for older versions. */
export const FORMAT = 'FORMAT'

/** What earlier versions wrote. */
const OLDER = ['spoor-local 1\n', formatText(2)]
/** More than it can have. */
const MAX_BYTES = 1024

/** `unreadable`: the file system does not give it out. */
export type FormatState = 'ok' | 'older' | 'missing' | 'damaged' | 'foreign' | 'unreadable'

/** `spoor-local <version> <crc32 of what is before, in hex>`. */
export function formatText(version: number): string {
  const text = `spoor-local ${version}`
  return `${text} ${crc32(text).toString(16).padStart(8, '0')}\n`
}

/**
 * What FORMAT says. Throws StorageError `newer_format` when a later version wrote it. `versions`: the formats of the segments that are there.
 *
 * A damaged FORMAT blocks nothing. A text without a checksum that names a later version may be format 1 with one bit turned, but only
 * where all segments are of format 1; elsewhere somebody has said so.
 */
export function readFormat(files: FileSystem, directory: string, versions: ReadonlySet<number>): FormatState {
  const path = join(directory, FORMAT)
  const found = readText(files, path)
  if (found === 'unreadable') return 'unreadable'
  if (found === formatText(VERSION)) return 'ok'
  if (found === undefined || (found === '' && versions.size === 0)) return 'missing'
  if (OLDER.includes(found)) return 'older'
  const [, number, crc] = /^spoor-local (\d{1,9})(?: ([0-9a-f]{8}))?\n?$/.exec(found) ?? []
  const version = Number(number ?? 0)
  if (version > VERSION) {
    const said = crc === undefined ? !onlyFormat1(versions) : found === formatText(version)
    if (said) throw newerFormat(path, `format ${version}`)
  }
  return versions.size > 0 || resembles(found) ? 'damaged' : 'foreign'
}

function onlyFormat1(versions: ReadonlySet<number>): boolean {
  return versions.size === 1 && versions.has(1)
}

/** A text of ours of which the end is missing or a few bytes are wrong. */
function resembles(found: string): boolean {
  return [...OLDER, formatText(VERSION)].some((text) => {
    let wrong = Math.max(0, found.length - text.length)
    for (let i = 0; i < Math.min(found.length, text.length); i++) if (found[i] !== text[i]) wrong++
    return wrong <= 4 && wrong <= found.length / 2
  })
}

/**
 * Makes FORMAT say what this version writes, before anything of this format is written. What does not pass is told, and kept aside.
 * Throws StorageError `newer_format`, or `corrupt` for a directory that is another program's.
 */
export function checkFormat(
  files: FileSystem,
  directory: string,
  versions: ReadonlySet<number>,
  write: boolean,
  tell: (event: StoreEvent) => void,
): void {
  const state = readFormat(files, directory, versions)
  const path = join(directory, FORMAT)
  // It is not needed, so what cannot be read now is left as it is.
  if (state === 'ok' || state === 'unreadable') return
  if (state === 'foreign') {
    throw new StorageError(
      'corrupt',
      `${path} is not Spoor's and no segment is in ${directory}; choose another data directory`,
    )
  }
  if (state === 'damaged' || (state === 'missing' && versions.size > 0)) {
    const bytes = files.stat(path)?.size ?? 0
    const kept = write && bytes > 0 && bytes <= MAX_BYTES ? keep(files, directory, path, bytes, tell) : undefined
    tell({ code: 'damaged', file: FORMAT, offset: 0, bytes, maxSpans: 0, perhaps: false, kept })
  }
  if (!write) return
  try {
    replaceFile(files, path, Buffer.from(formatText(VERSION)))
    files.syncDirectory(directory)
  } catch (error) {
    // Of a directory that is upgraded an older version must be able to tell; else the segments say it all.
    if (state === 'older') throw error
  }
}

function keep(
  files: FileSystem,
  directory: string,
  path: string,
  bytes: number,
  tell: (event: StoreEvent) => void,
): string | undefined {
  const file = files.open(path, 'read')
  try {
    return keepAside(files, directory, FORMAT, file, 0, bytes, tell)
  } catch {
    return undefined
  } finally {
    file.close()
  }
}

/** At most {@link MAX_BYTES} of it; undefined when there is none. */
function readText(files: FileSystem, path: string): string | undefined {
  try {
    if (!files.stat(path)) return undefined
    const file = files.open(path, 'read')
    try {
      return readExactly(file, 0, MAX_BYTES).toString('latin1')
    } finally {
      file.close()
    }
  } catch (error) {
    return (error as { code?: unknown }).code === 'ENOENT' ? undefined : 'unreadable'
  }
}
