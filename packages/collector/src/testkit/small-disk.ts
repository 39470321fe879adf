import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether this user may mount a small file system. */
export const canMount = ((): boolean => {
  const at = mkdtempSync(join(tmpdir(), 'spoor-mount-'))
  const run = (command: string, ...args: string[]): boolean =>
    spawnSync(command, args, { stdio: 'ignore' }).status === 0
  const can = run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at) && run('umount', at)
  rmSync(at, { recursive: true, force: true })
  return can
})()

export interface SmallDisk {
  readonly folder: string
  /** Bytes that are left. */
  readonly free: number
  /** Somebody else takes all that is left. Gives what gives it back. */
  fill(): () => void
}

/** A disk of 8 MiB, where {@link canMount}; `finished`: hears what is to be called when nobody needs it any more. */
export function smallDisk(finished: (remove: () => void) => void): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder])
  finished(() => {
    // A test that has failed may have left a file open.
    execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    folder,
    get free() {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    },
    fill() {
      const hog = join(folder, 'hog')
      for (const bytes of [100_000, 1])
        try {
          for (;;) writeFileSync(hog, Buffer.alloc(bytes), { flag: 'a' })
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        }
      return () => rmSync(hog)
    },
  }
}
