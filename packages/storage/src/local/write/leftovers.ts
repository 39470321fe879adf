import type { FileSystem } from '../files/file-system.ts'

/** Files that are not needed any more. What the system does not remove is tried again. */
export class Leftovers {
  readonly #files: FileSystem
  readonly #failed: (error: unknown) => void
  /** In the order in which they are removed, with their bytes. */
  readonly #bytesOf = new Map<string, number>()

  /** `failed`: hears of each time that the system refuses. */
  constructor(files: FileSystem, failed: (error: unknown) => void) {
    this.#files = files
    this.#failed = failed
  }

  /** That take room still. */
  get bytes(): number {
    return [...this.#bytesOf.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  get size(): number {
    return this.#bytesOf.size
  }

  remove(path: string): void {
    let bytes = 0
    try {
      bytes = this.#files.stat(path)?.size ?? 0
    } catch {
      // It is removed all the same.
    }
    this.#bytesOf.set(path, bytes)
    this.retry()
  }

  retry(): void {
    try {
      for (const path of this.#bytesOf.keys()) {
        this.#files.remove(path)
        this.#bytesOf.delete(path)
      }
    } catch (error) {
      this.#failed(error)
    }
  }
}
