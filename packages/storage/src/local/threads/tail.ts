import { StorageError, type TailEvent, type TailQuery } from '../../contract.ts'
import type { Arrivals, TailPosition } from '../read/arrivals.ts'
import type { Clock } from '../runtime.ts'
import type { ReaderClient } from './reader-client.ts'

const DEFAULT_EVERY_MS = 500
const MIN_EVERY_MS = 10
const MAX_EVERY_MS = 60_000
/** What one look may take; what it has not got to by then is missed. Milliseconds. */
const LOOK_MS = 1_000

/** Looks at what has come, again and again, as long as somebody reads on. What is known of the listener is in its position, so that any reader can look. */
export async function* tail(
  reader: ReaderClient,
  clock: Clock,
  { signal, maxBytes, everyMs = DEFAULT_EVERY_MS, ...query }: TailQuery,
): AsyncGenerator<TailEvent> {
  if (!(everyMs >= MIN_EVERY_MS && everyMs <= MAX_EVERY_MS))
    throw new StorageError('bad_query', `everyMs is ${everyMs}; ${MIN_EVERY_MS} to ${MAX_EVERY_MS}`)
  const limits = { timeoutMs: LOOK_MS, ...(signal && { signal }), ...(maxBytes !== undefined && { maxBytes }) }
  let position: TailPosition | undefined
  let [spans, missed] = [0, 0]
  for (;;) {
    if (signal?.aborted) return
    const found: Arrivals | undefined = await reader
      .call({ method: 'arrivals', query, position }, limits)
      .catch((error: unknown) => {
        // What it has not come to it finds the next time.
        if (signal?.aborted || (error instanceof StorageError && error.code === 'timeout')) return undefined
        throw error
      })
    // Where the store ends is not known as long as it is being opened.
    if (found?.position) {
      position = found.position
      spans += found.spans
      missed += found.missed
      if (found.traces.length > 0) yield { type: 'traces', traces: found.traces }
      yield { type: 'progress', spans, missed }
    }
    await pause(clock, everyMs, signal)
  }
}

/** Ends early when the signal aborts. */
async function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return
  const over = Promise.withResolvers<void>()
  const end = (): void => over.resolve()
  const callOff = clock.after(ms, end)
  signal?.addEventListener('abort', end, { once: true })
  await over.promise
  callOff()
  signal?.removeEventListener('abort', end)
}
