import type { Segment } from './catalog-segment.ts'
import type { OpenFiles } from './open-files.ts'

interface Superseded {
  readonly segment: Segment
  /** Queries that may still read it. */
  readonly users: Set<object>
}

/**
 * Logs, with their indexes, whose sealed form is read now: they are about to be removed, and queries under way may still need them. Such files stay
 * open until these queries have ended.
 */
export class SupersededFiles {
  readonly #files: OpenFiles
  readonly #users: () => Iterable<object>
  #superseded: Superseded[] = []

  /** `users`: the queries that are under way. */
  constructor(files: OpenFiles, users: () => Iterable<object>) {
    this.#files = files
    this.#users = users
  }

  add(segment: Segment): void {
    const users = new Set(this.#users())
    for (const path of segment.paths) {
      if (users.size > 0) this.#files.hold(path)
      else this.#files.close(path)
    }
    if (users.size > 0) this.#superseded.push({ segment, users })
  }

  /** A query has ended. */
  ended(user: object): void {
    if (this.#superseded.length === 0) return
    for (const { segment, users } of this.#superseded)
      if (users.delete(user) && users.size === 0) for (const path of segment.paths) this.#files.close(path)
    this.#superseded = this.#superseded.filter(({ users }) => users.size > 0)
  }

  /** Retention took the segment: what is not found in it any more is no loss. */
  drop(id: number): void {
    for (const { segment } of this.#superseded) {
      if (segment.id !== id) continue
      segment.dropped = true
      for (const path of segment.paths) this.#files.close(path)
    }
    this.#superseded = this.#superseded.filter(({ segment }) => segment.id !== id)
  }

  clear(): void {
    this.#superseded = []
  }
}
