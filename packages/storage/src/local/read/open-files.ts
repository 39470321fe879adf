import type { File, FileSystem } from '../files/file-system.ts'
import type { Clock } from '../runtime.ts'

/** A file that nobody has read for this long, and at most twice as long, is closed. Milliseconds. */
const IDLE_MS = 30_000

/** Files opened as they are read, a bounded number of them at a time; what was read longest ago is closed first. */
export class OpenFiles {
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #max: number
  /** The most recent last. */
  readonly #open = new Map<string, File>()
  #used = new Set<string>()
  #callOff: (() => void) | undefined

  constructor(files: FileSystem, clock: Clock, max: number) {
    this.#files = files
    this.#clock = clock
    this.#max = max
  }

  get size(): number {
    return this.#open.size
  }

  /** `read` must not keep the file. Throws what the file system throws when it is not there. */
  use<T>(path: string, read: (file: File) => T): T {
    const open = this.#open.get(path)
    const file = open ?? this.#openFile(path)
    if (open) this.#open.delete(path)
    this.#open.set(path, file)
    this.#used.add(path)
    return read(file)
  }

  /** The file was deleted: without this its bytes would stay on the disk. */
  close(path: string): void {
    const file = this.#open.get(path)
    this.#open.delete(path)
    try {
      file?.close()
    } catch {
      // The descriptor is gone either way, and it was only read.
    }
  }

  closeAll(): void {
    this.#callOff?.()
    this.#callOff = undefined
    for (const path of this.#open.keys()) this.close(path)
  }

  #openFile(path: string): File {
    while (this.#open.size >= this.#max) this.#closeOldest()
    try {
      return this.#files.open(path, 'read')
    } catch (error) {
      // Others in the process may have taken what there was: make do with fewer.
      if (!isOutOfFiles(error) || this.#open.size === 0) throw error
      this.#closeOldest()
      return this.#openFile(path)
    } finally {
      this.#callOff ??= this.#clock.after(IDLE_MS, () => this.#closeIdle())
    }
  }

  #closeOldest(): void {
    for (const path of this.#open.keys()) {
      this.close(path)
      return
    }
  }

  #closeIdle(): void {
    this.#callOff = undefined
    for (const path of this.#open.keys()) if (!this.#used.has(path)) this.close(path)
    this.#used = new Set()
    if (this.#open.size > 0) this.#callOff = this.#clock.after(IDLE_MS, () => this.#closeIdle())
  }
}

function isOutOfFiles(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return code === 'EMFILE' || code === 'ENFILE'
}
