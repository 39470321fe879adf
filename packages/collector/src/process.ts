import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Collect } from './component/index.ts'

/** The V8 of Node 24, whose flags these are. */
const V8_MAJOR = 13

/**
 * Fits V8's garbage collector to a program whose memory is buffers and whose heap is small. Called once, at the start of `main`, before
 * threads are made; it changes the whole process.
 *
 * Left alone, V8 collects the whole heap for about every 32 MB of buffers that come in, and every request is such a
 * buffer. With this, buffers count in the heap's own limit, that limit is 1.75 times what was alive, and the budget for bytes in flight
 * collects the buffers that are done with ({@link garbageCollector}), most of which a minor collection frees. It saves a third to a half
 * of the CPU of receiving and storing (`docs/adr/0005-benchmarks.md`). The young generation stays as large as it is at the start, some megabytes:
 * it would grow to 128 MB, and stay so, as soon as one large answer is made. Does nothing on a V8 that is not known to have the flags. No
 * other flag of the collector belongs here: changing most of them at run time ends the process.
 */
export function tuneGarbageCollection(): void {
  if (Number(process.versions.v8.split('.')[0]) !== V8_MAJOR) return
  v8.setFlagsFromString('--external-memory-accounted-in-global-limit')
  v8.setFlagsFromString('--heap-growing-percent=75')
  v8.setFlagsFromString('--semi-space-growth-factor=1')
  collect = exposedCollector()
}

let collect: Collect | undefined

/** Collects garbage on the thread that called {@link tuneGarbageCollection}; undefined where it was not called. */
export function garbageCollector(): Collect | undefined {
  return collect
}

/** V8's own function, which contexts have that are made while the flag is set. */
function exposedCollector(): Collect {
  v8.setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'minor' | 'major'; execution: 'sync' }) => void
  v8.setFlagsFromString('--no-expose-gc')
  // A turn later, as whatever a WeakRef was asked for in this one is kept until its end.
  return (type) => void setImmediate(gc, { type, execution: 'sync' })
}
