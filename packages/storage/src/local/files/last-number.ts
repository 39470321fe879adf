import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { StoreEvent } from '../../events.ts'
import type { FileSystem } from './file-system.ts'
import { KEPT } from './kept.ts'
import { readExactly } from './log.ts'
import { replaceFile } from './swap.ts'

/*
 * The number of the newest segment that ever had a record, in a file of the data directory: in decimal, and its checksum as 8 hex digits. The files alone do
 * not tell it: who has moved the newest log away, and puts it back later, must not find its number taken, and until then it is missing.
 */

export const LAST = 'LAST'

const TEXT = /^(\d{1,10}) [0-9a-f]{8}\n$/
/** Pieces that are kept aside are named for their segment. */
const PIECE = /^(\d{8,10})[-.]/

/** 0: none is known. What is damaged is told, and written anew with the next number. A file that the system does not give out says nothing. */
export function readLastNumber(files: FileSystem, directory: string, tell: (event: StoreEvent) => void): number {
  const path = join(directory, LAST)
  let text: string
  try {
    if (!files.stat(path)) return 0
    const file = files.open(path, 'read')
    try {
      text = readExactly(file, 0, file.size()).toString('latin1')
    } finally {
      file.close()
    }
  } catch {
    return 0
  }
  const id = Number(TEXT.exec(text)?.[1])
  if (text === textOf(id)) return id
  tell({ code: 'damaged', file: LAST, offset: 0, bytes: text.length, maxSpans: 0, perhaps: false, kept: undefined })
  return 0
}

/** Durable when it returns; before that the file is what it was. Throws what the file system throws. */
export function writeLastNumber(files: FileSystem, directory: string, id: number): void {
  replaceFile(files, join(directory, LAST), Buffer.from(textOf(id)))
  files.syncDirectory(directory)
}

/** Of the segments of which damaged pieces are kept aside; 0 where there are none, or the folder cannot be read. */
export function lastKeptNumber(files: FileSystem, directory: string): number {
  try {
    const folder = join(directory, KEPT)
    if (!files.stat(folder)) return 0
    return files.list(folder).reduce((last, name) => Math.max(last, Number(PIECE.exec(name)?.[1] ?? 0)), 0)
  } catch {
    return 0
  }
}

function textOf(id: number): string {
  return `${id} ${crc32(String(id)).toString(16).padStart(8, '0')}\n`
}
