import { setFlagsFromString } from 'node:v8'

/**
 * Fits V8's garbage collector to a program whose memory is buffers and whose heap is small. Call it once, before
 * anything is loaded; it holds for worker threads too. Does nothing on a Node whose V8 does not know it (before 24).
 *
 * Left alone, V8 marks the whole heap, on all its helper threads, for every 32 MB of buffers that come in from the
 * network, though hardly an object has changed: half of the CPU time of a busy receiver. With this, buffers count
 * towards the same limit as the heap, and the limit lies at two and a half times what was alive at the last
 * collection. Costs some 70 MB of memory at full speed.
 *
 * No other flag of the collector belongs here: most are read while it runs, and changing them then ends the process.
 */
export function tuneV8(): void {
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (major < 24) return
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  setFlagsFromString('--heap-growing-percent=150')
}
