/** The longest time that a timer of Node can wait; beyond it, it would fire at once. Some 24.8 days, in milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** A `setTimeout` for any number of milliseconds: what is beyond the longest timer waits as long as that. */
export function timerMs(milliseconds: number): number {
  return Math.min(milliseconds, MAX_TIMER_MS)
}

/** Resolves after that many milliseconds, or at once when the signal aborts. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, timerMs(milliseconds))
    signal.addEventListener('abort', done, { once: true })
  })
}

/** Aborts the controller when the signal does. Gives the function that ends the tie. */
export function follow(signal: AbortSignal, controller: AbortController): () => void {
  const abort = (): void => controller.abort()
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
