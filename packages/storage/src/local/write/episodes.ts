import type { StoreEvent, StorePart } from '../../events.ts'
import type { Clock } from '../runtime.ts'
import { storageError } from '../threads/error.ts'

interface Episode {
  readonly sinceMs: number
  failures: number
  readonly told: Set<'full' | 'failing'>
}

/** Bytes that are free, and that should be. */
export interface Space {
  readonly freeBytes: number
  readonly reserveBytes: number
}

/**
 * What fails, part by part. A failure begins an episode, which is told once (`failing`, or `full`; both where it turns from one into the
 * other) however many requests it costs, and ends with `recovered_again` when the part has worked.
 */
export class Episodes {
  readonly #clock: Clock
  readonly #tell: (event: StoreEvent) => void
  readonly #open = new Map<StorePart, Episode>()

  constructor(clock: Clock, tell: (event: StoreEvent) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  isFailing(part: StorePart): boolean {
    return this.#open.has(part)
  }

  /** An earlier writer told of this failure and ended: whether it is over is for this one to find out and to tell. */
  takeOver(part: StorePart): void {
    if (this.#open.has(part)) return
    this.#open.set(part, { sinceMs: this.#clock.monotonicMs(), failures: 1, told: new Set(['full', 'failing']) })
  }

  /** `full` where the want of room shows in `space`; a quota, or a limit on the size of files, is `failing` with its reason. */
  failed(part: StorePart, error: unknown, doing: string, space: Space): void {
    const episode = this.#open.get(part) ?? { sinceMs: this.#clock.monotonicMs(), failures: 0, told: new Set() }
    this.#open.set(part, episode)
    episode.failures++
    const { code, message } = storageError(error, doing)
    const kind = part === 'disk' && code === 'disk_full' && space.freeBytes < space.reserveBytes ? 'full' : 'failing'
    if (episode.told.has(kind)) return
    episode.told.add(kind)
    this.#tell(kind === 'full' ? { code: 'full', ...space } : { code: 'failing', part, reason: message })
  }

  worked(part: StorePart): void {
    const episode = this.#open.get(part)
    if (!episode) return
    this.#open.delete(part)
    const afterMs = Math.round(this.#clock.monotonicMs() - episode.sinceMs)
    this.#tell({ code: 'recovered_again', part, afterMs, failures: episode.failures })
  }
}
