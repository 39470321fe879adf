import {
  closeSync,
  constants,
  copyFileSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/*
 * All that the local engine asks of a file system. It stands between the engine and node:fs so that a simulated one, which loses what was
 * not synced, tears pages and fails on demand, can take its place. Errors are those of node:fs (`code`: ENOSPC, EIO, ...).
 */
export interface FileSystem {
  /**
   * `read`: must be there. `update`: must be there, read and write. `create`: made when missing, read and write. `new`: must not be
   * there (EEXIST), read and write.
   */
  open(path: string, mode: OpenMode): File
  /** Names in a directory, in no order. */
  list(directory: string): string[]
  /** Undefined when there is none. */
  stat(path: string): { readonly size: number; readonly mtimeMs: number } | undefined
  /** Says of a file or directory which one it is: another that takes its place has another identity. Undefined when there is none. */
  identity(path: string): string | undefined
  /** Of a file; nothing happens when there is none. */
  remove(path: string): void
  /** Replaces what is at `to`, in one step. */
  rename(from: string, to: string): void
  /**
   * Makes `to`, which must not be there, a copy of `from` that shares its bytes until one of them is written to. False where that cannot be
   * done, and then nothing was done. Without it, files are copied byte by byte.
   */
  clone?(from: string, to: string): boolean
  /** With its parents, whose names are durable then; nothing happens when it is there. */
  makeDirectory(path: string): void
  /** Makes the names in a directory durable: a new file whose entry is lost is lost. */
  syncDirectory(directory: string): void
  /** Bytes of the file system that the directory is on: those that this user can still take, and all. */
  space(directory: string): { readonly freeBytes: number; readonly totalBytes: number }
}

/**
 * Whether an error is the file system's, which refuses something: what it refuses now it may give later, so that nothing is said against the
 * bytes. False for errors of whoever looks at bytes that were read.
 */
export function isRefusal(error: unknown): boolean {
  return /^E[A-Z0-9]+$/.test(String((error as { code?: unknown } | undefined)?.code))
}

export type OpenMode = 'read' | 'update' | 'create' | 'new'

/** An open file. Positions and sizes are bytes. Reads and writes may do less than they are asked for, and say how much. */
export interface File {
  /** 0 at the end of the file. */
  read(into: Uint8Array, offset: number, length: number, position: number): number
  write(from: Uint8Array, offset: number, length: number, position: number): number
  size(): number
  /** As {@link FileSystem.identity} says it of a path that leads here. */
  identity(): string
  truncate(size: number): void
  /** Durable, with its metadata, when it returns. */
  sync(): void
  /** Durable, with as much metadata as reading it needs, when `done` is called without an error. Does not block the thread. */
  dataSync(done: (error: Error | null) => void): void
  close(): void
}

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  update: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
  new: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
}

/** The machine's own. */
export const nodeFileSystem: FileSystem = {
  open: (path, mode) => new NodeFile(openSync(path, FLAGS[mode])),
  list: (directory) => readdirSync(directory),
  stat: (path) => statSync(path, { throwIfNoEntry: false }),
  identity(path) {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats && `${stats.dev}:${stats.ino}`
  },
  remove: (path) => rmSync(path, { force: true }),
  rename: (from, to) => renameSync(from, to),
  makeDirectory(path) {
    // Not mkdir's own `recursive`: below /proc, where every mkdir says ENOENT, it tries for ever.
    const missing: string[] = []
    for (let at = path; !statSync(at, { throwIfNoEntry: false }); at = dirname(at)) missing.push(at)
    for (const directory of missing.reverse()) {
      try {
        mkdirSync(directory)
      } catch (error) {
        // Somebody else was faster.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      try {
        nodeFileSystem.syncDirectory(dirname(directory))
      } catch {
        // One that may be written and not read: its names cannot be made durable from here.
      }
    }
    if (!statSync(path).isDirectory()) throw Object.assign(new Error(`${path} is not a directory`), { code: 'ENOTDIR' })
  },
  clone(from, to) {
    try {
      copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE)
      return true
    } catch {
      return false
    }
  },
  syncDirectory(directory) {
    // Windows has no such call for directories; there the file system sees to it.
    if (process.platform === 'win32') return
    const fd = openSync(directory, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  },
  space(directory) {
    const { bavail, bsize, blocks } = statfsSync(directory)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  },
}

class NodeFile implements File {
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  read(into: Uint8Array, offset: number, length: number, position: number): number {
    return readSync(this.#fd, into, offset, length, position)
  }

  write(from: Uint8Array, offset: number, length: number, position: number): number {
    return writeSync(this.#fd, from, offset, length, position)
  }

  size(): number {
    return fstatSync(this.#fd).size
  }

  identity(): string {
    const { dev, ino } = fstatSync(this.#fd)
    return `${dev}:${ino}`
  }

  truncate(size: number): void {
    ftruncateSync(this.#fd, size)
  }

  sync(): void {
    fsyncSync(this.#fd)
  }

  dataSync(done: (error: Error | null) => void): void {
    fdatasync(this.#fd, done)
  }

  close(): void {
    closeSync(this.#fd)
  }
}
