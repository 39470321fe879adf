import { useRef } from 'react'

/**
 * The failure that stands until there is something else to show: a query that is asked again after a failure has no error while it waits, and a notice
 * that came and went with each attempt could not be read. `key` tells what was asked for; another key forgets.
 */
export function useLastFailure(error: Error | null, isAnswered: boolean, key: string): Error | undefined {
  const last = useRef<{ key: string; error: Error }>(undefined)
  if (error) last.current = { key, error }
  else if (isAnswered || last.current?.key !== key) last.current = undefined
  return last.current?.error
}
