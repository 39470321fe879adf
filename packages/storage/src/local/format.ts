import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { StorageError } from '../contract.ts'
import { syncDirectory } from './log.ts'

const FORMAT = 'spoor-local 1\n'

/** Says in the file FORMAT what the directory is; throws StorageError `corrupt` for one that another version wrote. */
export function checkFormat(directory: string): void {
  const path = join(directory, 'FORMAT')
  const found = existsSync(path) ? readFileSync(path, 'utf8') : ''
  if (found === FORMAT) return
  // Torn while the directory was made: nothing was stored yet.
  if (found !== '' && !FORMAT.startsWith(found)) {
    throw new StorageError(
      'corrupt',
      `${path} says ${JSON.stringify(found.slice(0, 40))}, this Spoor reads ${JSON.stringify(FORMAT)}; choose another data directory`,
    )
  }
  const fd = openSync(path, 'w')
  writeSync(fd, FORMAT)
  fsyncSync(fd)
  closeSync(fd)
  syncDirectory(directory)
}
