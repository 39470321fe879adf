import { useCallback, useEffect, useState } from 'react'
import { ask } from './ask.ts'

/** What a view knows of the reply that it waits for. */
export type WorkerState<Reply> =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'done'; readonly reply: Reply }
  | { readonly kind: 'failed'; readonly error: Error; readonly again: () => void }

/**
 * Asks a worker of its own for what a view shows, again when `request` is another one (by identity), and on `again` after a failure. `start` must be the
 * same function each time. `task`: see `Asking.task`.
 */
export function useWorker<Reply>(start: () => Worker, request: unknown, task: string): WorkerState<Reply> {
  const [attempt, setAttempt] = useState(0)
  const [settled, setSettled] = useState<{ request: unknown; attempt: number; state: WorkerState<Reply> }>()
  const again = useCallback(() => setAttempt((count) => count + 1), [])
  useEffect(() => {
    const stop = new AbortController()
    const settle = (state: WorkerState<Reply>) => {
      if (!stop.signal.aborted) setSettled({ request, attempt, state })
    }
    ask<Reply>(start, request, { task, signal: stop.signal }).then(
      (reply) => settle({ kind: 'done', reply }),
      (error: Error) => settle({ kind: 'failed', error, again }),
    )
    return () => stop.abort()
  }, [start, request, task, attempt, again])
  const isCurrent = settled?.request === request && settled?.attempt === attempt
  return isCurrent ? settled.state : { kind: 'waiting' }
}
