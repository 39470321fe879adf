import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'

type Kind = 'minor' | 'major'

/**
 * Frees garbage of the calling thread at once: `minor` what came lately, in a millisecond or less, `major` all of it, in some ten. What it
 * frees may be seen a moment later only.
 */
export function threadCollector(): (kind: Kind) => void {
  // The function is V8's own, which contexts have that are made while the flag is set. It is the process's, and stays: another thread might need it now.
  v8.setFlagsFromString('--expose-gc')
  const gc = runInNewContext('globalThis.gc') as ((options: { type: Kind; execution: 'sync' }) => void) | undefined
  // Somebody has taken the flag back: garbage is V8's business then.
  return (type) => gc?.({ type, execution: 'sync' })
}

/**
 * A function to be called now and then, which costs a few microseconds and collects when there are more than `maxBytes` of garbage outside of
 * the thread's heap. V8 sees to its heap, which is small, and would let ten times that lie about in buffers.
 */
export function garbageWatch(
  maxBytes: number,
  collect: (kind: Kind) => void = threadCollector(),
  outsideBytes: () => number = () => v8.getHeapStatistics().external_memory,
): () => void {
  let collected: Kind | undefined
  /** What is no garbage: all that was there after a major collection, or the least since then. */
  let alive = Infinity
  return () => {
    const bytes = outsideBytes()
    alive = collected === 'major' ? bytes : Math.min(alive, bytes)
    if (bytes - alive <= maxBytes) collected = undefined
    else collect((collected = collected === 'minor' ? 'major' : 'minor'))
  }
}
