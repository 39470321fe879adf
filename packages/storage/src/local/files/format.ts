import { join } from 'node:path'
import { StorageError } from '../../contract.ts'
import type { FileSystem } from './file-system.ts'
import { readExactly, writeFully } from './log.ts'

const FORMAT = 'spoor-local 1\n'

/** Says in the file FORMAT what the directory is; throws StorageError `corrupt` for one that another version wrote. */
export function checkFormat(files: FileSystem, directory: string): void {
  const path = join(directory, 'FORMAT')
  const found = readText(files, path)
  if (found === FORMAT) return
  // Torn while the directory was made: nothing was stored yet.
  if (found !== '' && !FORMAT.startsWith(found)) {
    throw new StorageError(
      'corrupt',
      `${path} says ${JSON.stringify(found.slice(0, 40))}, this Spoor reads ${JSON.stringify(FORMAT)}; choose another data directory`,
    )
  }
  const file = files.open(path, 'create')
  try {
    writeFully(file, [Buffer.from(FORMAT)], 0)
    file.sync()
  } finally {
    file.close()
  }
  files.syncDirectory(directory)
}

/** At most 1 KiB of it; '' when there is none. */
function readText(files: FileSystem, path: string): string {
  if (!files.stat(path)) return ''
  const file = files.open(path, 'read')
  try {
    return readExactly(file, 0, 1024).toString()
  } finally {
    file.close()
  }
}
