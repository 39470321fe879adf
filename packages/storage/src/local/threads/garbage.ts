import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'

type Kind = 'minor' | 'major'
type Gc = (options: { type: Kind; execution: 'sync' }) => void

const MAX_TRIES = 100

/**
 * Frees garbage of the calling thread at once: `minor` what came lately, in a millisecond or less, `major` all of it, in some ten. What it
 * frees may be seen a moment later only.
 */
export function threadCollector(): (kind: Kind) => void {
  // Another thread that does the same may take the flag back at any moment; then it is tried again, and at last left to V8.
  let gc: Gc | undefined
  for (let tries = 0; tries < MAX_TRIES && !gc; tries++) gc = exposedGc()
  return (type) => gc?.({ type, execution: 'sync' })
}

/**
 * V8's own function, which contexts have that are made while the flag is set. The flag is the whole process's, and with it threads start more
 * slowly, as what Node has compiled before does not fit.
 */
function exposedGc(): Gc | undefined {
  v8.setFlagsFromString('--expose-gc')
  const gc = runInNewContext('globalThis.gc') as Gc | undefined
  v8.setFlagsFromString('--no-expose-gc')
  return gc
}

/** What has to come after a collection before it is said to have freed too little: what it frees is seen a moment later. As a share of `maxBytes`. */
const PATIENCE_SHARE = 1 / 3

/**
 * A function to be called now and then, which costs a few microseconds and collects when there are more than `maxBytes` of garbage outside of
 * the thread's heap, and once more, all of it, when more comes and it was not enough. V8 sees to its heap, which is small, and would let ten times
 * that lie about in buffers.
 */
export function garbageWatch(
  maxBytes: number,
  collect: (kind: Kind) => void = threadCollector(),
  outsideBytes: () => number = () => v8.getHeapStatistics().external_memory,
): () => void {
  let last: { readonly kind: Kind; readonly bytes: number } | undefined
  /** What is no garbage: the least that there was, or what a major collection left. */
  let alive = Infinity
  return () => {
    const bytes = outsideBytes()
    alive = Math.min(alive, bytes)
    if (bytes - alive <= maxBytes) {
      last = undefined
      return
    }
    if (last && bytes <= last.bytes + PATIENCE_SHARE * maxBytes) return
    if (last?.kind === 'major') {
      alive = bytes
      last = undefined
      return
    }
    last = { kind: last ? 'major' : 'minor', bytes }
    collect(last.kind)
  }
}
