import { parentPort, workerData } from 'node:worker_threads'
import type { LocalStoreSettings } from '../options.ts'
import type { EnginePart } from '../runtime.ts'
import type { PartStart } from './protocol.ts'

/** Which part this thread is. */
export function ownPart(): EnginePart {
  return (workerData as PartStart).part
}

/**
 * Begins when this thread is told its settings, with its first message. `begin` is to listen for those after it before it returns: what comes while nobody
 * listens is lost.
 */
export function onceToldSettings(begin: (settings: LocalStoreSettings) => void): void {
  parentPort!.once('message', begin)
}
