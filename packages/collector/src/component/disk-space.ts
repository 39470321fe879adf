import { statfsSync } from 'node:fs'

const MIB = 1024 * 1024

export interface DiskSpace {
  /** Bytes that are left. */
  readonly free: number
  /** Bytes that are to stay so. */
  readonly reserve: number
}

/**
 * What is left of the disk that a folder is on, and what of it is not for those who add to it. Whoever takes things out of its files, so that there is room
 * again, writes for that, too.
 *
 * @param mib the reserve, in MiB
 * @param share what it has at most of a small disk, 0 to 1
 */
export function diskSpace(folder: string, mib: number, share: number): DiskSpace {
  const { bavail, bsize, blocks } = statfsSync(folder)
  return { free: bavail * bsize, reserve: Math.min(mib * MIB, Math.floor(blocks * bsize * share)) }
}
