import { StorageError, type TailEvent, type TailQuery } from '../../contract.ts'
import type { Look, LookPosition } from './look.ts'

const DEFAULT_EVERY_MS = 500
const MIN_EVERY_MS = 10
const MAX_EVERY_MS = 60_000

/** Looks once at what came after a position; undefined when there was no time for it. */
export type LookOnce = (asked: TailQuery, before: LookPosition | undefined) => Promise<Look | undefined>

/** Looks at what has come, again and again, as long as somebody reads on. */
export async function* tail(asked: TailQuery, lookOnce: LookOnce): AsyncGenerator<TailEvent> {
  const { signal, everyMs = DEFAULT_EVERY_MS } = asked
  if (!(everyMs >= MIN_EVERY_MS && everyMs <= MAX_EVERY_MS))
    throw new StorageError('bad_query', `everyMs is ${everyMs}; ${MIN_EVERY_MS} to ${MAX_EVERY_MS}`)
  let position: LookPosition | undefined
  let [spans, missed] = [0, 0]
  for (;;) {
    if (signal?.aborted) return
    // What it has not come to it finds the next time.
    const found = await lookOnce(asked, position)
    if (found) {
      position = found.position
      spans += found.spans
      missed += found.missed
      if (found.traces.length > 0) yield { type: 'traces', traces: found.traces }
      yield { type: 'progress', spans, missed }
    }
    await pause(everyMs, signal)
  }
}

/** Ends early when the signal aborts. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted) end()
  })
}
