import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * A function that frees all garbage of the calling thread at once, in some ten milliseconds. For a thread that makes large buffers now and
 * then: V8 would keep them until the thread makes more.
 */
export function threadCollector(): () => void {
  // The function is V8's own, which contexts have that are made while the flag is set.
  v8.setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'major'; execution: 'sync' }) => void
  v8.setFlagsFromString('--no-expose-gc')
  return () => gc({ type: 'major', execution: 'sync' })
}
