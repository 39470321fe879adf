import type { File, FileSystem } from '../files/file-system.ts'
import type { Clock } from '../runtime.ts'

/** A file that nobody has read for this long, and at most twice as long, is closed. Milliseconds. */
const IDLE_MS = 30_000

/** Files opened as they are read, a bounded number of them at a time; what was read longest ago is closed first. */
export class OpenFiles {
  /** From all files since this was made. */
  bytesRead = 0
  readonly #files: FileSystem
  readonly #clock: Clock
  readonly #max: number
  /** The most recent last. */
  readonly #open = new Map<string, File>()
  #used = new Set<string>()
  readonly #held = new Set<string>()
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

  /** Opens it, where that can be done, and leaves it open until {@link close}: it is about to be deleted, and somebody reads it. */
  hold(path: string): void {
    try {
      this.use(path, () => {})
      this.#held.add(path)
    } catch {
      // Whoever needs it meets the same, and says so.
    }
  }

  /** As {@link hold}, under another name, as another file is about to get this one. False: it cannot be opened. */
  holdAs(path: string, name: string): boolean {
    this.hold(path)
    const file = this.#open.get(path)
    if (!file) return false
    this.#open.delete(path)
    this.#held.delete(path)
    this.#open.set(name, file)
    this.#held.add(name)
    return true
  }

  /** The file was deleted: without this its bytes would stay on the disk. */
  close(path: string): void {
    this.#held.delete(path)
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
    while (this.#open.size >= this.#max && this.#closeOldest());
    try {
      return counted(this.#files.open(path, 'read'), (bytes) => (this.bytesRead += bytes))
    } catch (error) {
      // Others in the process may have taken what there was: make do with fewer.
      if (!isOutOfFiles(error) || !this.#closeOldest()) throw error
      return this.#openFile(path)
    } finally {
      this.#callOff ??= this.#clock.after(IDLE_MS, () => this.#closeIdle())
    }
  }

  /** False when none can be closed. */
  #closeOldest(): boolean {
    for (const path of this.#open.keys()) {
      if (this.#held.has(path)) continue
      this.close(path)
      return true
    }
    return false
  }

  #closeIdle(): void {
    this.#callOff = undefined
    for (const path of this.#open.keys()) if (!this.#used.has(path) && !this.#held.has(path)) this.close(path)
    this.#used = new Set()
    if (this.#open.size > 0) this.#callOff = this.#clock.after(IDLE_MS, () => this.#closeIdle())
  }
}

/** Reads as the file does, and tells how many bytes that were. */
function counted(file: File, onRead: (bytes: number) => void): File {
  return {
    read(into, offset, length, position) {
      const bytes = file.read(into, offset, length, position)
      onRead(bytes)
      return bytes
    },
    write: (from, offset, length, position) => file.write(from, offset, length, position),
    size: () => file.size(),
    identity: () => file.identity(),
    truncate: (size) => file.truncate(size),
    sync: () => file.sync(),
    dataSync: (done) => file.dataSync(done),
    close: () => file.close(),
  }
}

function isOutOfFiles(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return code === 'EMFILE' || code === 'ENFILE'
}
