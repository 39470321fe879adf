import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { FileSystem } from './file-system.ts'
import { readExactly, writeFully } from './log.ts'

/*
 * Putting new files in the place of several old ones so that it happens wholly or not at all. The new ones are written beside
 * (`<name>.new`) and synced; then the file SWAP, with a checksum, says that they count; then they are renamed and SWAP is removed. What is
 * found at the next open: SWAP, and the renaming goes on; or none, and what is new is thrown away.
 */
const SWAP = 'SWAP'
export const NEW = '.new'

/** Whether a name in the data directory belongs to a swap that is under way, or was interrupted. */
export function isOfSwap(name: string): boolean {
  return name === SWAP || name.startsWith(`${SWAP}.`) || /^(\d{8,10}\.(log|idx|seal)|FORMAT|LAST|PINS)\.new$/.test(name)
}

/** Replaces each `names[i]` by `names[i].new`, which must be whole and synced. */
export function swapAll(files: FileSystem, directory: string, names: readonly string[]): void {
  files.syncDirectory(directory)
  const text = names.map((name) => `${name}\n`).join('')
  const path = join(directory, SWAP)
  try {
    replaceFile(files, path, Buffer.from(`${crc32(text).toString(16).padStart(8, '0')}\n${text}`))
  } catch (error) {
    // Undone at once where that can be: what was written beside may be what fills the disk.
    if (!files.stat(path)) finishSwap(files, directory)
    throw error
  }
  files.syncDirectory(directory)
  finishSwap(files, directory)
}

/** Goes on with a swap that was interrupted, or undoes one that had not begun. */
export function finishSwap(files: FileSystem, directory: string): void {
  const present = new Set(files.list(directory))
  if (![...present].some(isOfSwap)) return
  const names = present.has(SWAP) ? readSwap(files, join(directory, SWAP)) : undefined
  if (names) {
    for (const name of names)
      if (present.has(name + NEW)) files.rename(join(directory, name + NEW), join(directory, name))
    files.syncDirectory(directory)
  }
  for (const name of present) {
    if (name !== SWAP && isOfSwap(name) && !names?.some((swapped) => swapped + NEW === name))
      files.remove(join(directory, name))
  }
  // At last: until then it can be done again.
  files.remove(join(directory, SWAP))
  files.syncDirectory(directory)
}

/** Undefined when it is damaged: it is written beside and renamed, so then the swap it told of cannot be known. */
function readSwap(files: FileSystem, path: string): string[] | undefined {
  const file = files.open(path, 'read')
  try {
    const [crc, ...lines] = readExactly(file, 0, file.size()).toString().split('\n')
    const text = lines.join('\n')
    if (crc32(text).toString(16).padStart(8, '0') !== crc) return undefined
    return lines.slice(0, -1).filter((name) => isOfSwap(name + NEW) && name !== SWAP)
  } finally {
    file.close()
  }
}

/** Writes a small file so that either the old or the new one is there, whole. */
export function replaceFile(files: FileSystem, path: string, bytes: Uint8Array): void {
  const file = files.open(path + NEW, 'create')
  try {
    file.truncate(0)
    writeFully(file, [bytes], 0)
    file.sync()
  } finally {
    file.close()
  }
  files.rename(path + NEW, path)
}
