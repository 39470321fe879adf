import { join } from 'node:path'
import type { File, FileSystem } from './file-system.ts'
import { readExactly, writeFully } from './log.ts'

/** Where damaged pieces are kept for who wants to look into them, below the data directory. */
export const KEPT = 'damaged'
/** Bytes that are kept there at most: of the copies made here the oldest go first. */
export const KEPT_BYTES = 64 << 20

const COPY = 1 << 20

/**
 * Copies a piece of a file to `damaged/<name>-<offset>.bin`, durable when it returns; the result is its name in the data directory, or
 * undefined when the piece alone is more than is kept. `name` is without an extension.
 */
export function keepAside(
  files: FileSystem,
  directory: string,
  name: string,
  from: File,
  offset: number,
  bytes: number,
): string | undefined {
  if (bytes > KEPT_BYTES) return undefined
  const folder = join(directory, KEPT)
  files.makeDirectory(folder)
  makeRoom(files, folder, bytes)
  const kept = `${name}-${offset}.bin`
  const file = files.open(join(folder, kept), 'create')
  try {
    file.truncate(0)
    for (let at = 0; at < bytes; at += COPY)
      writeFully(file, [readExactly(from, offset + at, Math.min(COPY, bytes - at))], at)
    file.sync()
  } finally {
    file.close()
  }
  files.syncDirectory(folder)
  files.syncDirectory(directory)
  return `${KEPT}/${kept}`
}

function makeRoom(files: FileSystem, folder: string, bytes: number): void {
  const pieces: { path: string; size: number; mtimeMs: number }[] = []
  for (const name of files.list(folder)) {
    const path = join(folder, name)
    const stat = name.endsWith('.bin') ? files.stat(path) : undefined
    if (stat) pieces.push({ path, size: stat.size, mtimeMs: stat.mtimeMs })
  }
  pieces.sort((a, b) => a.mtimeMs - b.mtimeMs)
  let total = pieces.reduce((sum, { size }) => sum + size, 0)
  for (const { path, size } of pieces) {
    if (total + bytes <= KEPT_BYTES) break
    files.remove(path)
    total -= size
  }
}
