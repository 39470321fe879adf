/**
 * Callers that wait until there is room for what they bring, in the order in which they came. What they bring is still theirs, and accounted for by them.
 */
import { CollectorError } from '../../component/index.ts'

/** Room may have been made by others, who tell nobody. Milliseconds. */
const LOOK_AGAIN_MS = 100

export interface Visitor {
  /** Hands over what was brought; undefined where there is no room for it. */
  readonly enter: () => Promise<void> | undefined
  /** The error for one who has waited for too long. */
  readonly refusal: () => CollectorError
  /** How long it may wait. Milliseconds. */
  readonly patienceMs: number
  /** Aborts when its own caller has left. */
  readonly signal: AbortSignal | undefined
}

export class WaitingRoom {
  /** Each with what sends it away, and what lets it in where it can. */
  readonly #visitors = new Set<{ readonly leave: (error: CollectorError) => void; readonly tryEnter: () => boolean }>()
  #looking: NodeJS.Timeout | undefined

  get isEmpty(): boolean {
    return this.#visitors.size === 0
  }

  /** Settles as what `enter` has given, or rejects with the refusal. */
  wait({ enter, refusal, patienceMs, signal }: Visitor): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(patience)
        signal?.removeEventListener('abort', left)
        this.#visitors.delete(visitor)
        if (this.isEmpty) this.#stopLooking()
      }
      const leave = (error: CollectorError): void => {
        end()
        reject(error)
      }
      const tryEnter = (): boolean => {
        const entered = enter()
        if (!entered) return false
        end()
        resolve(entered)
        return true
      }
      const left = (): void => leave(new CollectorError('unavailable', 'its sender has left before there was room'))
      const visitor = { leave, tryEnter }
      const patience = setTimeout(() => leave(refusal()), patienceMs)
      signal?.addEventListener('abort', left)
      this.#visitors.add(visitor)
      this.#looking ??= setInterval(() => this.admit(), LOOK_AGAIN_MS)
    })
  }

  /** Lets in those for whom there is room now; nobody passes another. */
  admit(): void {
    for (const visitor of this.#visitors) if (!visitor.tryEnter()) return
  }

  /** Sends all away. */
  close(error: CollectorError): void {
    for (const { leave } of this.#visitors) leave(error)
  }

  #stopLooking(): void {
    clearInterval(this.#looking)
    this.#looking = undefined
  }
}
