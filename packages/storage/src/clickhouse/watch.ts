import type { StoreEvent } from '../events.ts'
import { storeError } from './error.ts'

/** How often a server that is there is asked whether it is, and one that is not; and how long its answer is waited for. Milliseconds. */
const EVERY_MS = 5_000
const AWAY_EVERY_MS = 1_000
const ANSWER_MS = 5_000
/** One answer that is missed may be the network's. */
const MISSES = 2

export interface WatchOptions {
  /** Resolves when the server answers. */
  readonly ping: (signal: AbortSignal) => Promise<void>
  readonly tell: (event: StoreEvent) => void
  readonly everyMs?: number
  readonly awayEveryMs?: number
}

/** Asks the server again and again whether it is there, so that a store that nobody writes to or asks knows it, too. Gives back what ends that. */
export function watchServer({ ping, tell, everyMs = EVERY_MS, awayEveryMs = AWAY_EVERY_MS }: WatchOptions): () => void {
  const over = new AbortController()
  let failures = 0
  let sinceMs = 0
  let timer: NodeJS.Timeout | undefined

  async function ask(): Promise<void> {
    try {
      await ping(AbortSignal.any([over.signal, AbortSignal.timeout(ANSWER_MS)]))
      if (failures >= MISSES && !over.signal.aborted) {
        const afterMs = Math.round(performance.now() - sinceMs)
        tell({ code: 'recovered_again', part: 'connection', afterMs, failures })
      }
      failures = 0
    } catch (error) {
      if (failures++ === 0) sinceMs = performance.now()
      if (failures === MISSES && !over.signal.aborted)
        tell({ code: 'failing', part: 'connection', reason: storeError(error, 'asking whether it is there').message })
    }
    if (!over.signal.aborted) next(failures > 0 ? awayEveryMs : everyMs)
  }
  function next(afterMs: number): void {
    timer = setTimeout(() => void ask(), afterMs).unref()
  }

  next(everyMs)
  return () => {
    clearTimeout(timer)
    over.abort()
  }
}
