import { join } from 'node:path'
import type { File, FileSystem } from '../files/file-system.ts'
import { writeFully } from '../files/log.ts'

/** Its file's name in the data directory. */
export const PROBE = 'probe.tmp'
const BYTES = 64 * 1024

/**
 * Finds out whether a disk that failed works again, when no span comes to try it with: writes 64 KiB to a file of its own, syncs, and
 * deletes it. Calls `done` once, with what failed.
 */
export function probeDisk(files: FileSystem, directory: string, done: (error: unknown) => void): void {
  let file: File | undefined
  const finish = (error: unknown): void => {
    let failure = error
    try {
      file?.close()
      removeProbe(files, directory)
    } catch (second) {
      failure ??= second
    }
    done(failure)
  }
  try {
    file = files.open(join(directory, PROBE), 'create')
    writeFully(file, [new Uint8Array(BYTES)], 0)
    file.dataSync((error) => finish(error ?? undefined))
  } catch (error) {
    finish(error)
  }
}

/** What a probe left that was interrupted by the end of the process. */
export function removeProbe(files: FileSystem, directory: string): void {
  files.remove(join(directory, PROBE))
}
